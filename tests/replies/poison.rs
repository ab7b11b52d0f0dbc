//! What a stranger's message leaves in the memory changes nothing for anybody else.

use super::cases::CASES;
use super::office::{Office, read};

/// Messages by which somebody wants a part in the conversations of others, and where they were sent.
const POISON: &[(&str, &str)] = &[
    ("forged-author-whom-nobody-doubts", "hello@acme.example"),
    ("claims-an-id-in-advance", "sophie@acme.example"),
    ("replayed-seed-of-a-stranger", "sophie@acme.example"),
    ("stranger-by-anns-own-id", "sophie@acme.example"),
    ("conversation-of-a-stranger", "sophie@acme.example"),
    ("from-another-address-without-ids", "sophie@acme.example"),
    ("attached-mail-of-strangers", "sophie@acme.example"),
    ("forwarded-with-the-ids-of-others", "sophie@acme.example"),
];

#[test]
fn what_poison_leaves_behind_changes_no_other_decision() {
    let office = Office::open();
    let decided = || CASES.iter().map(|(fixture, to, _)| (*fixture, office.told(&read(fixture), to)));
    let before: Vec<_> = decided().collect();
    let left = POISON.iter().map(|(fixture, to)| office.remember(&read(fixture), to)).sum::<usize>();
    assert_eq!(left, POISON.len(), "each was handed on, and is remembered");
    let is_poison = |fixture: &str| POISON.iter().any(|(poison, _)| *poison == fixture);
    let differs = |(before, after): &(_, _)| before != after;
    let changed: Vec<_> = before.iter().cloned().zip(decided()).filter(differs).collect();
    assert!(changed.iter().all(|((fixture, _), _)| is_poison(fixture)), "{changed:#?}");
}
