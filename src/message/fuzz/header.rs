//! The header reader: what it tells of a message stands there, and nothing of the message is lost.

use bytes::Bytes;

use crate::mail::{Domain, Kind};
use crate::message::auth::Results;
use crate::message::mime::Mime;
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
    for field in message.fields.all() {
        let (start, value) = (field.start(), field.value());
        assert!(after <= start && start < value.start && value.start <= value.end);
        assert!(start == 0 || bytes[start - 1] == b'\n', "a field begins a line");
        assert!(bytes[..value.start].ends_with(b":"), "a value follows a colon");
        assert!(value.end == bytes.len() || bytes[..value.end].ends_with(b"\n"), "a field ends a line");
        after = value.end;
    }
    assert_eq!(after, message.fields_end());
    assert!(after <= message.header_end);
}

/// What is read for people and for rules is one line.
fn is_of_one_line_each(message: &Message) {
    assert!(!message.subject().is_some_and(|subject| subject.contains(char::is_control)));
    for field in message.fields.all() {
        let Ok(name) = str::from_utf8(field.name(message.bytes())) else { continue };
        assert!(message.has(name) && message.count(name) > 0);
        assert!(!message.values(name).any(|value| value.contains(['\r', '\n'])));
        assert!(!message.texts(name).any(|text| text.contains(char::is_control)));
    }
}

fn is_bounded(message: &Message) {
    assert!(message.parents().len() <= 33);
    assert!(message.references().len() <= 1000);
    assert!(message.recipients().len() <= 100);
    assert!(message.addressees().len() <= 1000);
    assert!(message.sole_author().is_none_or(|sole| message.authors() == [sole.clone()]));
    for null_reverse_path in [false, true] {
        let signals = signals::collect(message, null_reverse_path, Mime::default(), &[]);
        assert!(!signals.is_empty() || kind::classify(&signals, false) == Kind::Human);
    }
    let server: Domain = "mx.example".parse().unwrap();
    let found = Results::read(message, &server, std::slice::from_ref(&server));
    assert!(!found.pass_dmarc(&"b.example".parse().unwrap()) || found.authenticated().is_none());
}
