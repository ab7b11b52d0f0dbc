//! Trace fields: what we write above a message, and how we know our own again.
//!
//! `Received` (RFC 5321 §4.4) and, on mail to a person, `X-Sincerely: id=…; evidence=…; loop=…`.
//! The loop MAC covers our host name and the destination: never an inbox address in the open, and
//! nobody else can make a message look like a loop.

use data_encoding::BASE32_NOPAD_NOCASE;

use super::Message;
use crate::mail::{Address, Domain, Evidence, Field, TransactionId};
use crate::signing::Keys;

/// What a Received field tells.
#[derive(Debug, Clone)]
pub struct Hop<'a> {
    /// The name that the peer gave.
    pub helo: &'a str,
    /// Where the peer is: its TCP-info, or a comment.
    pub peer: String,
    /// `SMTP`, `ESMTP`, `LMTP` and their like (RFC 3848, RFC 6531 §4.3).
    pub with: &'a str,
    /// The recipient as the peer wrote it, where there is one only.
    pub recipient: Option<&'a Address>,
}

/// Our Received field.
pub fn received(hop: &Hop<'_>, hostname: &Domain, id: &TransactionId, now: jiff::Timestamp) -> Field {
    let helo: String =
        hop.helo.chars().filter(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(*c)).take(255).collect();
    let helo = if helo.is_empty() { "unknown" } else { &helo };
    let recipient = hop.recipient.map_or_else(String::new, |address| format!("\r\n\tfor <{address}>"));
    let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    let value = format!(
        "from {helo} ({})\r\n\tby {hostname} (Sincerely) with {} id {id}{recipient};\r\n\t{date}",
        hop.peer, hop.with
    );
    Field::new("Received", value)
}

/// Our trace field on a message that goes to a person.
pub fn sincerely(
    id: &TransactionId,
    evidence: Evidence,
    hostname: &Domain,
    destination: &Address,
    keys: &Keys,
) -> Field {
    let mac = loop_mac(hostname, destination, keys);
    Field::new("X-Sincerely", format!("id={id}; evidence={evidence};\r\n\tloop={mac}"))
}

/// Whether the message has passed us before on its way to the same destination.
pub fn is_loop(message: &Message, hostname: &Domain, destination: &Address, keys: &Keys) -> bool {
    message.values("X-Sincerely").any(|value| is_on_the_way_to(&value, hostname, destination, keys))
}

/// Whether our trace field with this value was written on mail to `destination`.
fn is_on_the_way_to(value: &str, hostname: &Domain, destination: &Address, keys: &Keys) -> bool {
    let mac = part(value, "loop=").and_then(|mac| BASE32_NOPAD_NOCASE.decode(mac.as_bytes()).ok());
    mac.is_some_and(|mac| mac.len() == MAC_LENGTH && keys.verify(&loop_text(hostname, destination), &mac))
}

fn part<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.split(';').find_map(|part| part.trim().strip_prefix(name))
}

/// A message that we handed on, as it lies in an inbox.
#[derive(Debug, Clone)]
pub struct HandedOn {
    /// The message as it came to us then, without what was written above it since; what rules added is still there.
    pub before: Message,
    /// The transaction in which it came.
    pub id: String,
    /// Why it belonged where it did, as it was told then; anybody on the way could have changed that word.
    pub evidence: String,
}

/// What a message was before we handed it on to one of `destinations`; `None` where our topmost trace field, if
/// there is one, was not written for any of them.
pub fn handed_on<'a>(
    message: &Message,
    hostname: &Domain,
    mut destinations: impl Iterator<Item = &'a Address>,
    keys: &Keys,
) -> Option<HandedOn> {
    let (value, end) = (message.value("X-Sincerely")?, message.value_range("X-Sincerely")?.end);
    destinations.find(|destination| is_on_the_way_to(&value, hostname, destination, keys))?;
    let told = |name| part(&value, name).unwrap_or_default().to_owned();
    Some(HandedOn { before: Message::read(message.bytes().slice(end..)), id: told("id="), evidence: told("evidence=") })
}

const MAC_LENGTH: usize = 15;

fn loop_mac(hostname: &Domain, destination: &Address, keys: &Keys) -> String {
    let mac: [u8; MAC_LENGTH] = keys.sign(&loop_text(hostname, destination));
    BASE32_NOPAD_NOCASE.encode(&mac).to_lowercase()
}

/// Begins unlike a token, whose first octet is its version and purpose: one key, two languages.
fn loop_text(hostname: &Domain, destination: &Address) -> Vec<u8> {
    format!("loop\0{hostname}\0{}", destination.folded()).into_bytes()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_peer_cannot_write_into_our_received_field() {
        let hop = Hop { helo: "evil\r\nX: y (z) ", peer: "[127.0.0.1]".into(), with: "ESMTP", recipient: None };
        let id = TransactionId::new(0, 0);
        let field = received(&hop, &"us.example".parse().unwrap(), &id, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(
            field.value,
            format!(
                "from evilX:yz ([127.0.0.1])\r\n\tby us.example (Sincerely) with ESMTP id {id};\r\n\tThu, 1 Jan 1970 00:00:00 +0000"
            )
        );
    }

    #[test]
    fn only_our_own_field_for_the_same_destination_is_a_loop() {
        let keys = Keys::generate().unwrap();
        let us: Domain = "us.example".parse().unwrap();
        let to = |text: &str| text.parse::<Address>().unwrap();
        let field = sincerely(&TransactionId::new(1, 1), Evidence::Seed, &us, &to("Sophie@corp.example"), &keys);
        let message = Message::read(Bytes::from(format!("{}: {}\r\n\r\n", field.name, field.value)));
        assert!(is_loop(&message, &us, &to("sophie@corp.example"), &keys));
        assert!(!is_loop(&message, &us, &to("tom@corp.example"), &keys));
        assert!(!is_loop(&message, &us, &to("sophie@corp.example"), &Keys::generate().unwrap()));
        let forged = Message::read(Bytes::from_static(b"X-Sincerely: id=1; loop=\r\n\r\n"));
        assert!(!is_loop(&forged, &us, &to("sophie@corp.example"), &keys));
    }

    #[test]
    fn what_we_handed_on_is_read_as_it_came() {
        let (keys, us) = (Keys::generate().unwrap(), "us.example".parse().unwrap());
        let to = |text: &str| text.parse::<Address>().unwrap();
        let (sophie, tom) = (to("sophie@corp.example"), to("tom@corp.example"));
        let field = sincerely(&TransactionId::new(1, 1), Evidence::Seed, &us, &sophie, &keys);
        let came = "From: ann@customer.example\r\nSubject: hi\r\n\r\nHello\r\n";
        let text = format!("Return-Path: <x@y>\r\nReceived: by us\r\n{}: {}\r\n{came}", field.name, field.value);
        let message = Message::read(Bytes::from(text));
        let known = |to: &[Address]| handed_on(&message, &us, to.iter(), &keys);
        let found = known(&[tom.clone(), sophie]).unwrap();
        assert_eq!((found.before.bytes().as_ref(), found.evidence.as_str()), (came.as_bytes(), "seed"));
        assert!(!found.id.is_empty());
        assert!(known(&[tom]).is_none(), "it was not written for Tom");
    }
}
