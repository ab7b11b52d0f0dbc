//! The header reader: what it tells of a message stands there, and nothing of the message is lost.

use bytes::Bytes;

use crate::mail::{Domain, Kind};
use crate::message::auth::Results;
use crate::message::{Message, kind, signals};

/// Reads `input` as a message.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let message = Message::read(Bytes::copy_from_slice(input));
    is_whole(&message, input);
    fields_stand_where_they_are_said_to(&message);
    is_of_one_line_each(&message);
    is_bounded(&message);
}

/// Header section, empty line and body are the message.
fn is_whole(message: &Message, input: &[u8]) {
    assert_eq!(message.bytes(), input);
    assert!(message.header_end <= message.body_start && message.body_start <= input.len());
    let between = &input[message.header_end..message.body_start];
    assert!(between.trim_ascii().is_empty(), "{between:?}");
    assert_eq!([message.header(), between, message.body()].concat(), input);
    assert!(!between.is_empty() || message.body().is_empty());
}

fn fields_stand_where_they_are_said_to(message: &Message) {
    let bytes = message.bytes();
    let mut after = 0;
    for field in &message.fields {
        assert!(after <= field.start && field.start < field.value.start && field.value.start <= field.value.end);
        assert!(field.start == 0 || bytes[field.start - 1] == b'\n', "a field begins a line");
        assert!(bytes[..field.value.start].ends_with(b":"), "a value follows a colon");
        let ends = field.value.end == bytes.len() || bytes[..field.value.end].ends_with(b"\n");
        assert!(ends, "a field ends a line");
        after = field.value.end;
    }
    assert_eq!(after, message.fields_end());
    assert!(after <= message.header_end);
}

/// What is read for people and for rules is one line.
fn is_of_one_line_each(message: &Message) {
    assert!(!message.subject().is_some_and(|subject| subject.contains(char::is_control)));
    for field in &message.fields {
        assert!(message.has(&field.name) && message.count(&field.name) > 0);
        assert!(!message.values(&field.name).any(|value| value.contains(['\r', '\n'])));
        assert!(!message.texts(&field.name).any(|text| text.contains(char::is_control)));
    }
}

fn is_bounded(message: &Message) {
    assert!(message.parents().len() <= 33);
    assert!(message.references().len() <= 1000);
    assert!(message.recipients().len() <= 100);
    assert!(message.addressees().len() <= 1000);
    assert!(message.sole_author().is_none_or(|sole| message.authors() == [sole.clone()]));
    for null_reverse_path in [false, true] {
        let signals = signals::collect(message, null_reverse_path);
        assert!(!signals.is_empty() || kind::classify(&signals, false) == Kind::Human);
    }
    let server: Domain = "mx.example".parse().unwrap();
    let found = Results::read(message, &server, std::slice::from_ref(&server));
    assert!(!found.pass_dmarc(&"b.example".parse().unwrap()) || found.authenticated().is_none());
}
