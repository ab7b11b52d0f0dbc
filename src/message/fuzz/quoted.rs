//! Quoted ids: few, each once, and the same however the part that they stand in is encoded.

use bytes::Bytes;
use data_encoding::BASE64;

use crate::mail::MessageId;
use crate::message::{Message, Mime};

const BOUNDARY: &str = "what-stands-between-parts";

/// Reads `input` as a message, and as one that another returns.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let message = Message::read(Bytes::copy_from_slice(input));
    for from_text in [false, true] {
        are_few(&message.quoted(Mime::default(), from_text));
    }
    for bounds in [Mime { parts: 0, depth: 0 }, Mime { parts: 1, depth: 1 }] {
        are_few(&message.quoted(bounds, true));
    }
    is_read_when_returned(&[input, b"\r\n"].concat());
}

fn are_few(ids: &[MessageId]) {
    assert!(ids.len() <= 8);
    assert!(ids.iter().enumerate().all(|(place, id)| !ids[..place].contains(id)), "{ids:?}");
}

fn is_read_when_returned(input: &[u8]) {
    if memchr::memmem::find(input, BOUNDARY.as_bytes()).is_some() {
        return;
    }
    let as_it_is = returned("8bit", input);
    assert_eq!(returned("base64", BASE64.encode(input).as_bytes()), as_it_is);
    let hexadecimal: String = input.iter().map(|octet| format!("={octet:02X}=\r\n")).collect();
    assert_eq!(returned("Quoted-Printable", hexadecimal.as_bytes()), as_it_is);
    let first = Message::read(Bytes::copy_from_slice(input)).message_id().cloned();
    assert!(first.is_none_or(|id| !input.starts_with(b"Message-ID:") || as_it_is.first() == Some(&id)));
}

fn returned(encoding: &str, content: &[u8]) -> Vec<MessageId> {
    let head = format!(
        "Content-Type: multipart/mixed; boundary={BOUNDARY}\r\n\r\n--{BOUNDARY}\r\n\
         Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let message = Message::read(Bytes::from([head.as_bytes(), content, end.as_bytes()].concat()));
    let ids = message.quoted(Mime::default(), false);
    are_few(&ids);
    ids
}
