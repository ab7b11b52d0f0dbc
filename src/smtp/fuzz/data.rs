//! The data receiver: what a peer sends through data comes out equal or is refused, and ends at CRLF.CRLF
//! alone, wherever the network cuts it.

use memchr::memmem;

use super::cuts;
use crate::smtp::content::{Fault, judge};
use crate::smtp::data::{Fed, Framing, Receiver};
use crate::smtp::settings::Limits;

/// Reads `input` as what follows 354, then sends it as a client would.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let small = Limits { message_size: 300, header_section: 100, ..Limits::default() };
    let expected = model(input, &small);
    for pieces in cuts(input) {
        assert_eq!(receive(&pieces, &small), expected);
    }
    arrives_equal_or_not_at_all(&[input, b"\r\n"].concat());
}

/// A message, or why it is none, and where it ends.
type Received = Option<(Result<Vec<u8>, Fault>, usize)>;

/// RFC 5321 §4.5.2 in few words. `None` where there is no end.
fn model(wire: &[u8], limits: &Limits) -> Received {
    let (mut message, mut faults, mut header) = (Vec::new(), Vec::new(), None);
    let mut rest = wire;
    loop {
        let (line, after) = rest.split_at(memmem::find(rest, b"\r\n")?);
        rest = &after[2..];
        if line == b"." {
            break;
        }
        let text = line.strip_prefix(b".").unwrap_or(line);
        message.extend_from_slice(text);
        message.extend_from_slice(b"\r\n");
        let bare = text.iter().any(|octet| b"\r\n".contains(octet));
        faults.extend(bare.then_some(Fault::BareNewline));
        faults.extend((text.len() + 2 > limits.header_section).then_some(Fault::LongLine));
        header = header.or(text.is_empty().then_some(message.len()));
    }
    faults.extend((header.unwrap_or(message.len()) > limits.header_section).then_some(Fault::LongHeader));
    faults.extend((message.len() as u64 > limits.message_size).then_some(Fault::TooLarge));
    let received = faults.into_iter().max().map_or(Ok(message), Err);
    Some((received, wire.len() - rest.len()))
}

fn receive(pieces: &[&[u8]], limits: &Limits) -> Received {
    let mut receiver = Receiver::new(limits, None);
    let mut before = 0;
    for piece in pieces {
        match receiver.feed(piece) {
            Fed::More => before += piece.len(),
            Fed::End { consumed } => {
                return Some((receiver.finish().finish().map(|bytes| bytes.to_vec()), before + consumed));
            }
            Fed::Overrun => panic!("{} octets are not too many", before + piece.len()),
        }
    }
    None
}

/// What a client sends, with each dot that opens a line doubled, is the message or refused.
fn arrives_equal_or_not_at_all(message: &[u8]) {
    let limits = Limits::default();
    let wire = stuffed(message);
    let received = receive(&[&wire], &limits);
    if has_bare_newline(message) {
        // A bare newline may hide the end, or show one that the client did not mean; neither is a message.
        assert!(received.is_none_or(|(message, _)| message == Err(Fault::BareNewline)));
        assert!(judge(&limits, message).is_some_and(|reply| reply.is_permanent()));
    } else {
        assert_eq!(received, Some((Ok(message.to_vec()), wire.len())));
        assert_eq!(judge(&limits, message), None);
    }
}

fn stuffed(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|octet| *octet == b'\n');
    let stuffed = lines.flat_map(|line| [if line.starts_with(b".") { &b"."[..] } else { b"" }, line]);
    stuffed.chain([&b".\r\n"[..]]).collect::<Vec<_>>().concat()
}

fn has_bare_newline(message: &[u8]) -> bool {
    let ends = memmem::find_iter(message, b"\r\n").count();
    let count = |newline| message.iter().filter(|octet| **octet == newline).count();
    count(b'\r') != ends || count(b'\n') != ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The octets that framing is made of, often; any other, seldom.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let octet = proptest::collection::vec(any::<u8>(), 1..3);
        let framing = prop::sample::select(vec!["\r\n", "\r", "\n", ".", "\r\n.\r\n", "\r\n.", "Subject: x\r\n", "a"]);
        prop_oneof![5 => framing.prop_map(|text| text.as_bytes().to_vec()), 1 => octet]
    }

    proptest! {
        #[test]
        fn data_that_is_nearly_right(pieces in proptest::collection::vec(piece(), 0..60)) {
            target(&pieces.concat());
        }
    }
}
