//! A person's answer to our mail is a person's, whatever marks their servers put on it.

use sincerely::mail::Kind;

use super::cases::CASES;
use super::office::{Office, read};

/// A signed id of ours, as mail programs bring it back.
const SEED: &str = "chmh54qiagqs6vy2qaaadew2bt562zelpb7wf32i@acme.example";

/// What these say is what notices say: only that they answer nothing tells that people wrote them.
const WORDED_AS_NOTICES: [&str; 3] =
    ["person-holiday-own-subject", "person-holiday-own-subject-2", "person-holiday-answers-nothing"];

#[test]
fn a_persons_answer_with_our_seed_is_a_persons() {
    let office = Office::open();
    let people = CASES.iter().filter(|(_, kind, ..)| *kind == Kind::Human.to_string());
    let people = people.filter(|(fixture, ..)| !WORDED_AS_NOTICES.contains(fixture));
    for (fixture, ..) in people {
        let answer = as_answer(&read(fixture));
        let decided = office.decide(&answer);
        let told = (decided.kind, decided.fate.as_str(), decided.evidence.is_strong());
        assert_eq!(told, (Kind::Human, "forward", true), "{fixture}: {decided:?}");
    }
}

/// The message with a reply prefix before its subject, and our seed as what it answers.
fn as_answer(bytes: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = without(bytes, &["subject", "in-reply-to", "references"]);
    let head = format!("Subject: Re: {}\r\nIn-Reply-To: <{SEED}>\r\nReferences: <{SEED}>\r\n", subject(bytes));
    // Below the trace.
    let at = text.windows(7).position(|octets| octets == b"\r\nDate:").unwrap() + 2;
    [&text[..at], head.as_bytes(), &text[at..]].concat()
}

fn subject(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(bytes).replace("\r\n ", " ");
    let line = head.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned));
    line.unwrap_or_default()
}

/// The message without the fields of these names.
fn without(bytes: &[u8], names: &[&str]) -> Vec<u8> {
    let end = bytes.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap() + 2;
    let (mut kept, mut drops) = (Vec::new(), false);
    for line in bytes[..end].split_inclusive(|octet| *octet == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = String::from_utf8_lossy(line).split(':').next().unwrap_or_default().to_lowercase();
            drops = names.contains(&name.as_str());
        }
        if !drops {
            kept.extend_from_slice(line);
        }
    }
    [kept, bytes[end..].to_vec()].concat()
}
