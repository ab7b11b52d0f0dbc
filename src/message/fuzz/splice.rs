//! Header splices: what was there stays, octet for octet and in order; what is new is exactly what was
//! asked for.

use bytes::Bytes;
use memchr::memmem;

use crate::mail::{Edits, Field, MessageId};
use crate::message::{Message, edit, fields};

/// Splices fields into `input`, as it would have arrived.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let message = Message::read(Bytes::from(as_received(input)));
    if message.begins_with_space() {
        // Refused at the door.
        return;
    }
    assert_eq!(edit::apply(&message, &Edits::default()).concat(), message.bytes().to_vec());
    for prefix in [None, Some("[Acme]"), Some("B\u{fc}ro")] {
        let mut edits = Edits {
            prepend: vec![Field::new("Received", "from a\r\n\tby b"), Field::new("X-Sincerely", "id=1")],
            append: vec![Field::new("X-Team", "sales")],
            insert_before_value: None,
        };
        match prefix {
            Some(prefix) => edit::prefix_subject(&message, &[prefix], &mut edits),
            None => edit::refer_first(&message, &MessageId::new("seed@x").unwrap(), &mut edits),
        }
        only_adds(&message, &edits);
    }
}

/// As the receiver gives it: every line ends in CRLF.
fn as_received(input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(input.len() + 2);
    let mut octets = input.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => drop(octets.next_if_eq(&b'\n')),
            b'\n' => {}
            _ => {
                bytes.push(octet);
                continue;
            }
        }
        bytes.extend_from_slice(b"\r\n");
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn only_adds(message: &Message, edits: &Edits) {
    let spliced = edit::apply(message, edits).concat();
    let ends = memmem::find_iter(&spliced, b"\r\n").count();
    let newlines = spliced.iter().filter(|octet| b"\r\n".contains(octet)).count();
    assert!(newlines == 2 * ends && spliced.ends_with(b"\r\n"), "every line ends in CRLF");

    let again = Message::read(Bytes::from(spliced));
    assert_eq!(again.body(), message.body());
    assert_eq!(fields(&again), expected(message, edits));
    if let Some(Field { value, .. }) = &edits.insert_before_value {
        let longest = |bytes: &[u8]| bytes.split(|octet| *octet == b'\n').map(<[u8]>::len).max();
        assert!(longest(again.bytes()) <= longest(message.bytes()).max(Some(999)), "{value:?} makes a line too long");
    }
}

/// Names and values, as they are written.
fn fields(message: &Message) -> Vec<(String, Vec<u8>)> {
    let bytes = message.bytes();
    let name = |field: &fields::Field| String::from_utf8_lossy(field.name(bytes)).into_owned();
    message.fields.all().map(|field| (name(field), bytes[field.value()].to_vec())).collect()
}

fn expected(message: &Message, edits: &Edits) -> Vec<(String, Vec<u8>)> {
    let new = |field: &Field| (field.name.to_string(), format!(" {}\r\n", field.value).into_bytes());
    let mut old = fields(message);
    if let Some(insert) = &edits.insert_before_value {
        let first = old.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&insert.name));
        if let Some((_, value)) = first {
            value.splice(0..0, insert.value.bytes());
        }
    }
    edits.prepend.iter().map(new).chain(old).chain(edits.append.iter().map(new)).collect()
}
