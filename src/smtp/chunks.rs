//! The chunks of a message (BDAT, RFC 3030): as many octets as the command says, whatever they are.
//!
//! A state machine without I/O, like the data receiver. What is measured and kept is the same for both
//! ([`super::content`]), so that a message comes out equal by either way. Octets of a chunk that is
//! refused are read over all the same: run as commands, they would be a stranger's.

use super::command::Bdat;
use super::content::Content;
use super::data::{Fed, Framing};
use crate::mail::Say;

/// Receives the octets of one chunk.
#[derive(Debug)]
pub(super) struct Chunk {
    left: u64,
    is_last: bool,
    content: Content,
    refusal: Option<Say>,
}

/// A chunk whose octets have all come.
#[derive(Debug)]
pub(super) enum Came {
    /// Its octets were thrown away, since it could not be part of a message.
    Refused(Say),
    /// The message goes on.
    Part(Content),
    /// The message has ended.
    Last(Content),
}

impl Framing for Chunk {
    fn feed(&mut self, input: &[u8]) -> Fed {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let ours = input.get(..most).unwrap_or(input);
        let within = self.content.admit(ours);
        if self.refusal.is_none() {
            self.content.push(within);
        }
        self.left -= within.len() as u64;
        if within.len() < ours.len() {
            Fed::Overrun
        } else if self.left == 0 {
            Fed::End { consumed: within.len() }
        } else {
            Fed::More
        }
    }

    fn content(&mut self) -> Option<&mut Content> {
        Some(&mut self.content).filter(|_| self.refusal.is_none())
    }
}

impl Chunk {
    /// A chunk that goes on with the message `content`.
    pub(super) fn of(content: Content, bdat: Bdat) -> Self {
        Self { left: bdat.size, is_last: bdat.is_last, content, refusal: None }
    }

    /// A chunk that belongs to no message; `empty` says how much of it may come.
    pub(super) fn refused(empty: Content, bdat: Bdat, say: Say) -> Self {
        Self { refusal: Some(say), ..Self::of(empty, bdat) }
    }

    /// Whether the message ends with it.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// What it was, once all of it has come.
    pub(super) fn finish(self) -> Came {
        match self {
            Self { refusal: Some(say), .. } => Came::Refused(say),
            Self { content, is_last: true, .. } => Came::Last(content),
            Self { content, .. } => Came::Part(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::smtp::content::Fault;
    use crate::smtp::content::tests::{cuts, limits, octets, pieces};
    use crate::smtp::data::Receiver;
    use crate::smtp::settings::BareNewlines::{self, Normalize, Refuse};

    /// `message` in chunks, the last one empty, each with what comes behind it in the same packet.
    fn by_chunks(message: &[u8], sizes: &[usize], bare_newlines: BareNewlines) -> Result<Bytes, Fault> {
        let mut content = Content::new(&limits(bare_newlines), None);
        for octets in pieces(message, sizes) {
            let bdat = Bdat { size: octets.len() as u64, is_last: false };
            let mut chunk = Chunk::of(content, bdat);
            let wire = [octets, b"BDAT"].concat();
            let (first, second) = wire.split_at(octets.len() / 2);
            let fed = match chunk.feed(first) {
                Fed::More => chunk.feed(second),
                Fed::End { .. } | Fed::Overrun => panic!("half a chunk"),
            };
            assert_eq!(fed, Fed::End { consumed: octets.len() - first.len() });
            let Came::Part(next) = chunk.finish() else { panic!("not the last") };
            content = next;
        }
        let mut last = Chunk::of(content, Bdat { size: 0, is_last: true });
        assert_eq!(last.feed(b"QUIT\r\n"), Fed::End { consumed: 0 });
        let Came::Last(content) = last.finish() else { panic!("the last") };
        content.finish()
    }

    /// `message` by DATA, stuffed as RFC 5321 §4.5.2 has it.
    fn by_data(message: &[u8], bare_newlines: BareNewlines) -> Result<Bytes, Fault> {
        let mut receiver = Receiver::new(&limits(bare_newlines), None);
        let mut before: &[u8] = b"\r\n";
        for octet in message.chunks(1) {
            if octet == b"." && before == b"\r\n" {
                assert_eq!(receiver.feed(b"."), Fed::More);
            }
            assert_eq!(receiver.feed(octet), Fed::More);
            before = if before == b"\r" && octet == b"\n" { b"\r\n" } else { octet };
        }
        if before != b"\r\n" {
            assert_eq!(receiver.feed(b"\r\n"), Fed::More);
        }
        assert_eq!(receiver.feed(b".\r\n"), Fed::End { consumed: 3 });
        receiver.finish().finish()
    }

    #[test]
    fn a_chunk_far_beyond_the_limits_is_cut_off() {
        let bdat = Bdat { size: u64::MAX, is_last: true };
        let empty = || Content::new(&limits(Refuse), None);
        for mut chunk in [Chunk::of(empty(), bdat), Chunk::refused(empty(), bdat, Say::NeedMail)] {
            let block = [b'x'; 1000];
            let fed = std::iter::repeat_with(|| chunk.feed(&block)).take(2000).find(|fed| *fed != Fed::More);
            assert_eq!(fed, Some(Fed::Overrun));
        }
    }

    #[test]
    fn octets_of_a_refused_chunk_are_thrown_away() {
        let content = Content::new(&limits(Refuse), None);
        let mut chunk = Chunk::refused(content, Bdat { size: 6, is_last: true }, Say::NeedMail);
        assert_eq!(chunk.feed(b"QUI"), Fed::More);
        assert_eq!(chunk.feed(b"T\r\nNOOP"), Fed::End { consumed: 3 });
        assert!(matches!(chunk.finish(), Came::Refused(Say::NeedMail)));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_comes_out_as_by_data(message in octets(), sizes in cuts()) {
            // A client that adds what DATA needs makes a line end of `\n` and CRLF two: no question of ours.
            let message = if message.ends_with(b"\n") { [&message[..], b"\r\n"].concat() } else { message };
            for bare_newlines in [Refuse, Normalize] {
                prop_assert_eq!(by_chunks(&message, &sizes, bare_newlines), by_data(&message, bare_newlines));
            }
        }
    }
}
