//! The data receiver: what follows 354, up to the line that is a single dot (RFC 5321 §4.5.2).
//!
//! A state machine without I/O, fed with whatever slices arrive; where they were cut never changes
//! the result. **Only CRLF.CRLF ends data**: a server that also takes LF.LF, or CR alone, reads
//! another message than the server in front of it did, and a stranger chooses which (SMTP
//! smuggling). So a message with a bare CR or LF is read to its true end, and then refused as a
//! whole. Any other octet, NUL and 8-bit too, is the message's own.

use bytes::Bytes;
use memchr::memchr2;

use super::room::SLACK;
use super::settings::Limits;
use crate::mail::{Reply, Say};

/// What a refused message may send beyond twice the size limit before it is cut off: some peers
/// learn of a refusal only at the final dot, but none may stream for ever.
const OVERRUN: u64 = 1 << 20;

/// The first buffer of a message that does not declare its size, and the least that a buffer grows by.
const STEP: usize = 64 << 10;

/// Receives the data of one message.
#[derive(Debug)]
pub(super) struct Receiver {
    place: Place,
    part: Part,
    bounds: Bounds,
    /// Octets that arrived, dots and all.
    received: u64,
    /// Octets of the message, dots unstuffed; goes on counting after a fault.
    length: u64,
    /// Octets of the current line, its line end included.
    line: u64,
    /// Octets of the header section so far.
    header: u64,
    /// The size that MAIL declared.
    declared: Option<u64>,
    fault: Option<Fault>,
    /// The message so far; empty once there is a fault.
    message: Vec<u8>,
}

/// How far a call of [`Receiver::feed`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fed {
    /// All was taken, and the message goes on.
    More,
    /// The message has ended; the rest of the slice is the next command.
    End {
        /// How many octets of the slice belong to the message and its end.
        consumed: usize,
    },
    /// Far too much has come: the session cannot go on.
    Overrun,
}

/// Why a message that was read to its end is refused. The gravest fault decides, so that the
/// reply does not depend on which came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Fault {
    /// There was no memory for it. Nothing is wrong with the message, so any other fault is graver.
    #[error("there is no memory for the message now")]
    NoRoom,
    /// A line is longer than the limit for the header section.
    #[error("a line of the message is too long")]
    LongLine,
    /// The header section is longer than its limit.
    #[error("the header section is too long")]
    LongHeader,
    /// The message is larger than the limit told in SIZE.
    #[error("the message is too large")]
    TooLarge,
    /// A CR without LF, or an LF without CR.
    #[error("the message has a bare CR or LF")]
    BareNewline,
}

impl From<Fault> for Say {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoRoom => Self::NoRoom,
            Fault::LongLine => Self::DataLineTooLong,
            Fault::LongHeader => Self::HeaderTooLong,
            Fault::TooLarge => Self::MessageTooLarge,
            Fault::BareNewline => Self::BareNewlineInData,
        }
    }
}

/// Where in the framing the next octet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After CRLF, or at the very start: 354's own line end counts (RFC 5321 §4.1.1.4).
    LineStart,
    /// After the dot that opens a line: stuffing, or the end.
    Dot,
    /// After a dot and CR.
    DotCr,
    /// Inside a line.
    Text,
    /// After CR.
    Cr,
}

/// Which part of the message the current line is in (RFC 5322 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Header,
    Body,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    message: u64,
    /// For the header section, and for any one line.
    header: u64,
    /// For everything that arrives until the end.
    received: u64,
}

/// What a listener with these limits would say to a whole message: its refusal, or nothing.
pub fn judge(limits: &Limits, message: &[u8]) -> Option<Reply> {
    let mut receiver = Receiver::new(limits, None);
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        // As it travels: a dot that opens a line has one more before it.
        let stuffing = line.get(..1).filter(|first| *first == b".").unwrap_or_default();
        if receiver.feed(stuffing) == Fed::Overrun || receiver.feed(line) == Fed::Overrun {
            return Some(Say::MessageTooLarge.reply());
        }
    }
    receiver.finish().err().map(|fault| Say::from(fault).reply())
}

impl Receiver {
    /// A receiver for one message, with the size that MAIL declared.
    pub(super) fn new(limits: &Limits, declared: Option<u64>) -> Self {
        Self {
            place: Place::LineStart,
            part: Part::Header,
            bounds: Bounds {
                message: limits.message_size,
                header: limits.header_section as u64,
                received: limits.message_size.saturating_mul(2).saturating_add(OVERRUN),
            },
            received: 0,
            length: 0,
            line: 0,
            header: 0,
            declared,
            fault: None,
            message: Vec::new(),
        }
    }

    /// Takes the next octets from the peer. Not to be called again after [`Fed::End`].
    pub(super) fn feed(&mut self, input: &[u8]) -> Fed {
        let room = usize::try_from(self.bounds.received - self.received).unwrap_or(usize::MAX);
        let within = input.get(..room).unwrap_or(input);
        let mut rest = within;
        while let Some(&next) = rest.first() {
            match self.step(next, rest) {
                Step::Over(octets) => rest = rest.get(octets..).unwrap_or_default(),
                Step::End => return Fed::End { consumed: within.len() - rest.len() + 1 },
            }
        }
        self.received += within.len() as u64;
        if within.len() < input.len() { Fed::Overrun } else { Fed::More }
    }

    /// The message: ends in CRLF unless it is empty. One buffer of just its length, moved and never copied.
    pub(super) fn finish(mut self) -> Result<Bytes, Fault> {
        self.message.shrink_to_fit();
        match self.fault {
            None => Ok(self.message.into()),
            Some(fault) => Err(fault),
        }
    }

    /// How many octets may be fed before the buffer has to grow.
    pub(super) fn room(&self) -> usize {
        if self.is_refused() { usize::MAX } else { self.message.capacity() - self.message.len() }
    }

    /// What the buffer should hold next: the size that was declared, which may be a lie, then a quarter more each time.
    pub(super) fn next_capacity(&self) -> usize {
        let octets = |size: u64| usize::try_from(size + SLACK).unwrap_or(usize::MAX);
        let now = self.message.capacity();
        let first = self.declared.filter(|size| *size > 0 && now == 0).map_or(STEP, octets);
        let next = if now == 0 { first } else { now + (now / 4).max(STEP) };
        next.min(octets(self.bounds.message))
    }

    /// Lets the buffer hold so many octets.
    pub(super) fn grow(&mut self, capacity: usize) {
        self.message.reserve_exact(capacity.saturating_sub(self.message.len()));
    }

    /// Whether the message is read to its end only to be refused.
    pub(super) fn is_refused(&self) -> bool {
        self.fault.is_some()
    }

    /// Octets of the header section.
    pub(super) fn header(&self) -> u64 {
        self.header
    }

    fn step(&mut self, next: u8, rest: &[u8]) -> Step {
        match (self.place, next) {
            // RFC 5321 §4.5.2: the first dot of a line is not the message's, whatever follows.
            (Place::LineStart, b'.') => self.go(Place::Dot, 1),
            (Place::Dot, b'\r') => self.go(Place::DotCr, 1),
            (Place::LineStart | Place::Dot, _) => self.go(Place::Text, 0),
            (Place::DotCr, b'\n') => Step::End,
            (Place::Cr, b'\n') => self.end_line(b"\n"),
            (Place::DotCr | Place::Cr, _) => self.bare_newline(0),
            (Place::Text, _) => self.text(rest),
        }
    }

    fn go(&mut self, place: Place, octets: usize) -> Step {
        self.place = place;
        Step::Over(octets)
    }

    /// `octets` are the rest of a line, up to its LF.
    fn end_line(&mut self, octets: &[u8]) -> Step {
        self.keep(octets);
        if self.line == 2 {
            self.part = Part::Body;
        }
        self.line = 0;
        self.go(Place::LineStart, octets.len())
    }

    /// After a bare CR or LF the line goes on: it must not become the start of an end.
    fn bare_newline(&mut self, octets: usize) -> Step {
        self.refuse(Fault::BareNewline);
        self.go(Place::Text, octets)
    }

    fn text(&mut self, rest: &[u8]) -> Step {
        let Some(at) = memchr2(b'\r', b'\n', rest) else {
            self.keep(rest);
            return Step::Over(rest.len());
        };
        if let Some(line) = rest.get(..at + 2).filter(|line| line.ends_with(b"\r\n")) {
            return self.end_line(line);
        }
        let (run, _) = rest.split_at(at + 1);
        self.keep(run);
        match run.last() {
            Some(b'\r') => self.go(Place::Cr, run.len()),
            _ => self.bare_newline(run.len()),
        }
    }

    fn keep(&mut self, octets: &[u8]) {
        self.length += octets.len() as u64;
        if self.part == Part::Header {
            self.header = self.length;
        }
        self.line += octets.len() as u64;
        self.measure();
        if self.fault.is_none() {
            self.message.extend_from_slice(octets);
        }
    }

    fn measure(&mut self) {
        if self.line > self.bounds.header {
            self.refuse(Fault::LongLine);
        }
        if self.part == Part::Header && self.length > self.bounds.header {
            self.refuse(Fault::LongHeader);
        }
        if self.length > self.bounds.message {
            self.refuse(Fault::TooLarge);
        }
    }

    /// Reads on, and keeps nothing any more.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.fault = self.fault.max(Some(fault));
        self.message = Vec::new();
    }
}

/// What one step of the receiver did.
enum Step {
    /// Went over so many octets.
    Over(usize),
    /// Stands on the last octet of the end.
    End,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> Limits {
        Limits { message_size: 200, header_section: 60, ..Limits::default() }
    }

    /// What the receiver makes of `wire`, cut into pieces of the given sizes in turn.
    fn receive_in(wire: &[u8], sizes: &[usize]) -> (Fed, Result<Bytes, Fault>) {
        let mut receiver = Receiver::new(&limits(), None);
        let mut sizes = sizes.iter().cycle();
        let mut at = 0;
        while at < wire.len() {
            let end = (at + sizes.next().unwrap()).min(wire.len());
            match receiver.feed(&wire[at..end]) {
                Fed::More => at = end,
                Fed::End { consumed } => return (Fed::End { consumed: at + consumed }, receiver.finish()),
                Fed::Overrun => return (Fed::Overrun, receiver.finish()),
            }
        }
        (Fed::More, receiver.finish())
    }

    #[track_caller]
    fn check(wire: &str, expect: Result<&str, Fault>) {
        for sizes in [&[usize::MAX >> 1][..], &[1], &[2], &[3]] {
            let (fed, result) = receive_in(wire.as_bytes(), sizes);
            assert_eq!(fed, Fed::End { consumed: wire.len() }, "{wire:?}");
            assert_eq!(result, expect.map(|text| Bytes::copy_from_slice(text.as_bytes())), "{wire:?}");
        }
    }

    #[test]
    fn a_message_ends_with_the_line_end_before_the_dot() {
        check("hello\r\n.\r\n", Ok("hello\r\n"));
        check(".\r\n", Ok(""));
        check("\r\n.\r\n", Ok("\r\n"));
        check("a\r\n\r\n\r\n.\r\n", Ok("a\r\n\r\n\r\n"));
        check("n\0ul and \u{7f}\u{e9}\r\n.\r\n", Ok("n\0ul and \u{7f}\u{e9}\r\n"));
    }

    #[test]
    fn the_first_dot_of_a_line_is_not_part_of_it() {
        check("..\r\n.\r\n", Ok(".\r\n"));
        check("...\r\n.a\r\na.\r\n.\r\n", Ok("..\r\na\r\na.\r\n"));
    }

    #[test]
    fn only_crlf_dot_crlf_ends_a_message() {
        for end in
            ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\r.", "\r\n.\r\r\n", "\n\n.\n\n", "\r\r\n.\n"]
        {
            check(&format!("a{end}MAIL FROM:<x@y>\r\n.\r\n"), Err(Fault::BareNewline));
        }
    }

    #[test]
    fn what_is_too_long_is_read_to_its_end() {
        let line = format!("{}\r\n", "x".repeat(50));
        check(&format!("{line}\r\n{}.\r\n", line.repeat(4)), Err(Fault::TooLarge));
        check(&format!("{line}{line}.\r\n"), Err(Fault::LongHeader));
        check(&format!("\r\n{line}{line}.\r\n"), Ok(&format!("\r\n{line}{line}")));
        check(&format!("\r\n{}\r\n.\r\n", "x".repeat(59)), Err(Fault::LongLine));
        check(&format!("\r\n{}\r\n.\r\n", "x".repeat(58)), Ok(&format!("\r\n{}\r\n", "x".repeat(58))));
        check(&format!("{line}\r\n{}\n.\r\n\r\n.\r\n", line.repeat(4)), Err(Fault::BareNewline));
    }

    #[test]
    fn a_message_without_end_is_cut_off() {
        let mut receiver = Receiver::new(&limits(), None);
        let block = [b'x'; 1000];
        let fed = std::iter::repeat_with(|| receiver.feed(&block)).take(2000).find(|fed| *fed != Fed::More);
        assert_eq!(fed, Some(Fed::Overrun));
    }

    /// The octets that framing is made of, often; any other, seldom.
    fn wire() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![
            3 => Just(b'\r'), 3 => Just(b'\n'), 3 => Just(b'.'), 2 => Just(b'a'), 1 => any::<u8>()
        ];
        proptest::collection::vec(octet, 0..120)
    }

    /// RFC 5321 §4.5.2, as a client does it.
    fn stuff(message: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        for line in message.split_inclusive(|&octet| octet == b'\n') {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    fn has_bare_newline(message: &[u8]) -> bool {
        let text: String = message.iter().copied().map(char::from).collect();
        text.replace("\r\n", "").contains(['\r', '\n'])
    }

    proptest! {
        #[test]
        fn what_a_client_stuffs_arrives_as_it_was_or_is_refused(
            text in wire(), sizes in proptest::collection::vec(1_usize..9, 1..9)
        ) {
            let message = [&text[..], b"\r\n"].concat();
            let (fed, result) = receive_in(&stuff(&message), &sizes);
            if has_bare_newline(&message) {
                // A bare newline may hide the end from us or show us another: never is it a message.
                prop_assert!(result.is_err());
            } else {
                prop_assert_eq!(fed, Fed::End { consumed: stuff(&message).len() });
                match result {
                    Ok(received) => prop_assert_eq!(received.as_ref(), &message[..]),
                    Err(fault) => prop_assert!(fault < Fault::BareNewline),
                }
            }
        }

        #[test]
        fn where_the_wire_is_cut_never_changes_the_result(
            wire in wire(), sizes in proptest::collection::vec(1_usize..9, 1..9)
        ) {
            prop_assert_eq!(receive_in(&wire, &sizes), receive_in(&wire, &[wire.len().max(1)]));
        }
    }
}
