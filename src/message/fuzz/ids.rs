//! Lists of Message-IDs: bounded, and each can be written into a field and is read as the same.

use crate::mail::MessageId;
use crate::message::ids;

/// Reads `input` as the value of References, In-Reply-To or Message-ID.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let found = ids::read(input);
    assert!(found.len() <= 1000);
    found.iter().for_each(can_be_written);
    for between in [" ", "", "\r\n\t", ","] {
        let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(between);
        assert_eq!(ids::read(list.as_bytes()), found);
    }
    if let Some(own) = ids::read_own(input) {
        can_be_written(&own);
        assert_eq!(ids::read_own(own.to_string().as_bytes()), Some(own));
    }
    has_parents(&found);
}

fn can_be_written(id: &MessageId) {
    let written = id.to_string();
    let inside = written.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap();
    assert!(!inside.is_empty() && inside.len() <= 990);
    assert!(!inside.contains(|c: char| c.is_control() || c.is_whitespace() || c == '<' || c == '>'), "{inside:?}");
}

/// Few, each once, each of the list, and the first of References among them.
fn has_parents(references: &[MessageId]) {
    let (in_reply_to, references) = references.split_at(references.len() / 3);
    let parents = ids::parents(in_reply_to, references);
    assert!(parents.len() <= 33);
    assert!(parents.iter().all(|id| in_reply_to.contains(id) || references.contains(id)));
    assert!(references.first().is_none_or(|first| parents.contains(first)));
    let mut once = parents.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), parents.len());
}
