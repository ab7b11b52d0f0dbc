//! Lists of Message-IDs: bounded, and each can be written into a field and is read as the same.

use data_encoding::BASE64;

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
    let all = |written: &dyn Fn(&MessageId) -> String| found.iter().map(written).collect::<Vec<_>>();
    for between in [" ", "", "\r\n\t", ",", "; ", "\" \"", "' '", ",\r\n ", " (an answer to <x@y>) "] {
        assert_eq!(ids::read(all(&ToString::to_string).join(between).as_bytes()), found, "{between:?}");
    }
    for written in [folded, doubled, encoded] {
        assert_eq!(ids::read(all(&written).join("\r\n ").as_bytes()), found);
    }
    let fields = all(&ToString::to_string);
    assert_eq!(ids::read_all(fields.iter().map(String::as_bytes)), found);
    if let Some(own) = ids::read_own(input) {
        can_be_written(&own);
        assert_eq!(ids::read_own(own.to_string().as_bytes()), Some(own));
    }
    has_parents(&found);
}

/// White space in the middle of it.
fn folded(id: &MessageId) -> String {
    let middle = id.as_str().char_indices().nth(id.as_str().chars().count() / 2).map_or(0, |(at, _)| at);
    let (one, other) = id.as_str().split_at(middle);
    format!("<{one}\r\n {other}>")
}

fn doubled(id: &MessageId) -> String {
    format!("<{id}>")
}

/// In encoded words, as RFC 2047 §2 asks, of 45 octets each.
fn encoded(id: &MessageId) -> String {
    let text = id.to_string();
    let mut words = vec![String::new()];
    for c in format!(" {text} ").chars() {
        if words.last().is_none_or(|word| word.len() + c.len_utf8() > 45) {
            words.push(String::new());
        }
        words.last_mut().unwrap().push(c);
    }
    words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes()))).collect::<Vec<_>>().join("\r\n ")
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
