//! The data receivers: what a peer sends through DATA or BDAT comes out equal, normalized as the setting says, or is
//! refused; DATA ends at CRLF.CRLF alone, a chunk at its count, wherever the network cuts them.

use memchr::memmem;

use super::cuts;
use crate::smtp::chunks::{Came, Chunk};
use crate::smtp::command::Bdat;
use crate::smtp::content::{Content, Fault, judge};
use crate::smtp::data::{Fed, Framing, Receiver};
use crate::smtp::settings::{BareNewlines, Limits};

/// Reads `input` as what follows 354, and as chunks, then sends it as a client would.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    for bare_newlines in [BareNewlines::Refuse, BareNewlines::Normalize] {
        let small = Limits { message_size: 300, header_section: 100, bare_newlines, ..Limits::default() };
        let by_data = unstuffed(input).map(|(message, end)| (fit(&message, &small), end));
        let by_chunks = fit(input, &small);
        for pieces in cuts(input) {
            assert_eq!(receive(&pieces, &small), by_data);
            assert_eq!(chunks(&pieces, &small), by_chunks);
        }
    }
    arrives_equal_or_not_at_all(&[input, b"\r\n"].concat());
}

/// A message, or why it is none, and where it ends.
type Received = Option<(Result<Vec<u8>, Fault>, usize)>;

/// RFC 5321 §4.5.2 in few words. `None` where there is no end.
fn unstuffed(wire: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut message = Vec::new();
    let mut rest = wire;
    loop {
        let (line, after) = rest.split_at(memmem::find(rest, b"\r\n")?);
        rest = &after[2..];
        if line == b"." {
            return Some((message, wire.len() - rest.len()));
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        message.extend_from_slice(b"\r\n");
    }
}

/// What becomes of a message, in few words.
fn fit(message: &[u8], limits: &Limits) -> Result<Vec<u8>, Fault> {
    if limits.bare_newlines == BareNewlines::Refuse && has_bare_newline(message) {
        return Err(Fault::BareNewline);
    }
    let lines = normalized(message);
    let (mut kept, mut fault, mut header) = (Vec::new(), None, None);
    for line in &lines {
        kept.extend_from_slice(line);
        kept.extend_from_slice(b"\r\n");
        fault = fault.max((line.len() + 2 > limits.header_section).then_some(Fault::LongLine));
        header = header.or(line.is_empty().then_some(kept.len()));
    }
    fault = fault.max((header.unwrap_or(kept.len()) > limits.header_section).then_some(Fault::LongHeader));
    fault = fault.max((kept.len() as u64 > limits.message_size).then_some(Fault::TooLarge));
    fault.map_or(Ok(kept), Err)
}

/// The lines: CRLF and LF end one, as does the end of the message; any other CR is a space.
fn normalized(message: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = message.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    let last = lines.pop().unwrap_or_default();
    for line in &mut lines {
        line.pop_if(|octet| *octet == b'\r');
    }
    lines.extend((!last.is_empty()).then_some(last));
    lines.iter_mut().flatten().filter(|octet| **octet == b'\r').for_each(|octet| *octet = b' ');
    lines
}

fn receive(pieces: &[&[u8]], limits: &Limits) -> Received {
    let mut receiver = Receiver::new(limits, None);
    let mut before = 0;
    for piece in pieces {
        match feed(&mut receiver, piece) {
            Fed::More => before += piece.len(),
            Fed::End { consumed } => {
                return Some((receiver.finish().finish().map(|bytes| bytes.to_vec()), before + consumed));
            }
            Fed::Overrun => panic!("{} octets are not too many", before + piece.len()),
        }
    }
    None
}

/// Each piece a chunk, and an empty one at the end.
fn chunks(pieces: &[&[u8]], limits: &Limits) -> Result<Vec<u8>, Fault> {
    let mut content = Content::new(limits, None);
    for piece in pieces {
        let mut chunk = Chunk::of(content, Bdat { size: piece.len() as u64, is_last: false });
        assert_eq!(feed(&mut chunk, piece), Fed::End { consumed: piece.len() });
        let Came::Part(next) = chunk.finish() else { panic!("the message goes on") };
        content = next;
    }
    content.finish().map(|bytes| bytes.to_vec())
}

/// As the driver does it: never more than there is room for, so that the buffer grows where it is told to and nowhere else.
fn feed(frame: &mut impl Framing, piece: &[u8]) -> Fed {
    let mut before = 0;
    loop {
        let rest = &piece[before..];
        let content = frame.content().expect("it is thrown away for other reasons only");
        if content.room() == 0 && !rest.is_empty() {
            let more = content.next_capacity();
            content.grow(more);
            assert!(content.room() > 0, "{more} octets are no room");
        }
        let (octets, capacity) = (content.room().min(rest.len()), content.capacity());
        let fed = frame.feed(&rest[..octets]);
        assert!(frame.content().is_some_and(|content| content.capacity() <= capacity), "it grew by itself");
        match fed {
            Fed::More if before + octets < piece.len() => before += octets,
            Fed::End { consumed } => return Fed::End { consumed: before + consumed },
            Fed::More | Fed::Overrun => return fed,
        }
    }
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
