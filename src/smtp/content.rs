//! What is received of a message, however it was framed: measured while it comes, and kept while it is fit.
//!
//! Without I/O. [`super::data`] and [`super::chunks`] find out which octets are the message's and push
//! them here; how they were cut never changes the result. A bare CR or LF is a line's end to some
//! servers and not to others, and a stranger would choose which (SMTP smuggling): such a message is
//! refused as a whole, or, where `limits.bare_newlines` says so, made into one that has only CRLF. Any
//! other octet, NUL and 8-bit too, is the message's own.

use bytes::Bytes;
use memchr::memchr2;

use super::room::SLACK;
use super::settings::{BareNewlines, Limits};
use crate::mail::{Reply, Say};

/// What a refused message may send beyond twice the size limit before it is cut off: some peers
/// learn of a refusal only at its end, but none may stream for ever.
const OVERRUN: u64 = 1 << 20;

/// The first buffer of a message that does not declare its size, and the least that a buffer grows by.
const STEP: usize = 64 << 10;

/// Octets that the buffer may have to hold beyond those that are fed: a CR that was held, and the last line's end.
const HELD: usize = 4;

/// One message, as far as it has come.
#[derive(Debug)]
pub(super) struct Content {
    bare_newlines: BareNewlines,
    bounds: Bounds,
    /// Octets that may still come from the peer, whatever is thought of them.
    allowance: u64,
    part: Part,
    /// The last octet was a CR, and LF may follow.
    held_cr: bool,
    /// Octets of the message, as it is kept; goes on counting after a fault.
    length: u64,
    /// Octets of the current line, its line end included.
    line: u64,
    /// Octets of the header section.
    header: u64,
    /// The size that MAIL declared.
    declared: Option<u64>,
    fault: Option<Fault>,
    /// The message so far; empty once there is a fault.
    message: Vec<u8>,
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

impl Fault {
    /// Whether the same message may be taken later.
    pub(super) fn is_temporary(self) -> bool {
        self == Self::NoRoom
    }
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
}

/// What a listener with these limits would say to a whole message: its refusal, or nothing.
pub fn judge(limits: &Limits, message: &[u8]) -> Option<Reply> {
    let mut content = Content::new(limits, None);
    content.push(message);
    content.finish().err().map(|fault| Say::from(fault).reply())
}

impl Content {
    /// Nothing of one message yet, with the size that MAIL declared.
    pub(super) fn new(limits: &Limits, declared: Option<u64>) -> Self {
        Self {
            bare_newlines: limits.bare_newlines,
            bounds: Bounds { message: limits.message_size, header: limits.header_section as u64 },
            allowance: limits.message_size.saturating_mul(2).saturating_add(OVERRUN),
            part: Part::Header,
            held_cr: false,
            length: 0,
            line: 0,
            header: 0,
            declared,
            fault: None,
            message: Vec::new(),
        }
    }

    /// As much of `input` as may still come: less than all of it is far too much.
    pub(super) fn admit<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let most = usize::try_from(self.allowance).unwrap_or(usize::MAX);
        let within = input.get(..most).unwrap_or(input);
        self.allowance -= within.len() as u64;
        within
    }

    /// What is wrong with it so far.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Takes the next octets of the message.
    pub(super) fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        if self.held_cr && !rest.is_empty() {
            rest = self.after_cr(rest);
        }
        while let Some(at) = memchr2(b'\r', b'\n', rest) {
            let (run, from_newline) = rest.split_at(at);
            rest = match from_newline {
                [b'\r', b'\n', after @ ..] => {
                    self.end_line(rest.get(..at + 2).unwrap_or_default());
                    after
                }
                [b'\r'] => {
                    self.keep(run);
                    self.held_cr = true;
                    return;
                }
                [b'\r', after @ ..] => {
                    self.keep(run);
                    self.bare_cr();
                    after
                }
                [_, after @ ..] => {
                    self.keep(run);
                    self.bare_lf();
                    after
                }
                // `memchr2` found an octet there.
                [] => return,
            };
        }
        self.keep(rest);
    }

    /// How many octets may be fed before the buffer has to grow: normalizing makes two of one, and a CR that is held,
    /// or the last line's end, comes on top.
    pub(super) fn room(&self) -> usize {
        if self.fault.is_some() {
            return usize::MAX;
        }
        let left = (self.message.capacity() - self.message.len()).saturating_sub(HELD);
        match self.bare_newlines {
            BareNewlines::Refuse => left,
            BareNewlines::Normalize => left / 2,
        }
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

    /// Octets that the buffer may hold.
    #[cfg(any(test, fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.message.capacity()
    }

    /// Octets of the header section so far.
    pub(super) fn header(&self) -> u64 {
        self.header
    }

    /// The message: ends in CRLF unless it is empty. One buffer of just its length, moved and never copied.
    pub(super) fn finish(mut self) -> Result<Bytes, Fault> {
        if self.held_cr {
            self.bare_cr();
        }
        if self.line > 0 {
            // Chunks may end anywhere; the next hop's DATA, and DKIM (RFC 6376 §3.4), ask for a line end.
            self.end_line(b"\r\n");
        }
        self.message.shrink_to_fit();
        match self.fault {
            None => Ok(self.message.into()),
            Some(fault) => Err(fault),
        }
    }

    /// What follows a CR that was held: answers what is left of it.
    fn after_cr<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        match octets.strip_prefix(b"\n") {
            Some(rest) => {
                self.held_cr = false;
                self.end_line(b"\r\n");
                rest
            }
            None => {
                self.bare_cr();
                octets
            }
        }
    }

    /// A space, and no line end: `\r\r\n`, seen in practice, would become an empty line, and that ends a
    /// header section.
    fn bare_cr(&mut self) {
        self.held_cr = false;
        match self.bare_newlines {
            BareNewlines::Refuse => self.refuse(Fault::BareNewline),
            BareNewlines::Normalize => self.keep(b" "),
        }
    }

    fn bare_lf(&mut self) {
        match self.bare_newlines {
            BareNewlines::Refuse => self.refuse(Fault::BareNewline),
            BareNewlines::Normalize => self.end_line(b"\r\n"),
        }
    }

    /// `octets` are the rest of a line, up to its CRLF.
    fn end_line(&mut self, octets: &[u8]) {
        self.keep(octets);
        if self.line == 2 {
            self.part = Part::Body;
        }
        self.line = 0;
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

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::smtp) fn limits(bare_newlines: BareNewlines) -> Limits {
        Limits { message_size: 200, header_section: 60, bare_newlines, ..Limits::default() }
    }

    /// The octets that framing is made of, often; any other, seldom.
    pub(in crate::smtp) fn octets() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![
            3 => Just(b'\r'), 3 => Just(b'\n'), 3 => Just(b'.'), 2 => Just(b'a'), 1 => any::<u8>()
        ];
        proptest::collection::vec(octet, 0..120)
    }

    pub(in crate::smtp) fn cuts() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::vec(1_usize..9, 1..9)
    }

    /// `octets` in pieces of the given sizes in turn.
    pub(in crate::smtp) fn pieces<'a>(mut octets: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
        let mut sizes = sizes.iter().cycle();
        std::iter::from_fn(move || {
            let at = sizes.next().copied().unwrap_or(1).min(octets.len());
            let (piece, rest) = octets.split_at(at);
            octets = rest;
            (!piece.is_empty()).then_some(piece)
        })
    }

    fn text(octets: &[u8]) -> String {
        octets.iter().copied().map(char::from).collect()
    }

    pub(in crate::smtp) fn has_bare_newline(message: &[u8]) -> bool {
        text(message).replace("\r\n", "").contains(['\r', '\n'])
    }

    /// What normalising means, said in another way: octets are characters here, and U+2028 stands for a line end.
    pub(in crate::smtp) fn normalized(message: &[u8]) -> Vec<u8> {
        let lines = text(message).replace("\r\n", "\u{2028}").replace('\n', "\u{2028}").replace('\r', " ");
        let end = if lines.is_empty() || lines.ends_with('\u{2028}') { "" } else { "\u{2028}" };
        let crlf = format!("{lines}{end}").replace('\u{2028}', "\r\n");
        crlf.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    }

    fn content(message: &[u8], sizes: &[usize], bare_newlines: BareNewlines) -> Result<Bytes, Fault> {
        let mut content = Content::new(&limits(bare_newlines), None);
        pieces(message, sizes).for_each(|piece| content.push(piece));
        content.finish()
    }

    #[track_caller]
    fn check(message: &str, expect: Result<&str, Fault>) {
        for size in 1..=message.len().max(1) {
            let result = content(message.as_bytes(), &[size], BareNewlines::Normalize);
            assert_eq!(result, expect.map(|text| Bytes::copy_from_slice(text.as_bytes())), "{message:?} by {size}");
        }
    }

    #[test]
    fn a_bare_lf_becomes_a_line_end_and_a_bare_cr_a_space() {
        check("a\nb\r\nc\rd\r\n", Ok("a\r\nb\r\nc d\r\n"));
        check("A: b\r\r\nC: d\r\n\n\r", Ok("A: b \r\nC: d\r\n\r\n \r\n"));
        check("\n\r", Ok("\r\n \r\n"));
    }

    #[test]
    fn what_ends_in_no_line_end_gets_one() {
        check("", Ok(""));
        check("a", Ok("a\r\n"));
        check("a\r\nb", Ok("a\r\nb\r\n"));
    }

    #[test]
    fn the_limits_are_those_of_what_comes_out() {
        let body = |lines: usize| format!("\n{}", "\n".repeat(lines));
        check(&body(99), Ok(&"\r\n".repeat(100)));
        check(&body(100), Err(Fault::TooLarge));
        check(&"\n".repeat(30), Ok(&"\r\n".repeat(30)));
        check(&format!("a\n{}\n\n", "b\n".repeat(17)), Ok(&format!("a\r\n{}\r\n\r\n", "b\r\n".repeat(17))));
        check(&format!("a\n{}\n\n", "b\n".repeat(19)), Err(Fault::LongHeader));
        check(&format!("\n{}", "\r".repeat(58)), Ok(&format!("\r\n{}\r\n", " ".repeat(58))));
        check(&format!("\n{}", "\r".repeat(59)), Err(Fault::LongLine));
    }

    #[test]
    fn a_whole_message_is_judged_as_one_that_arrives() {
        let said = |message: &[u8]| judge(&limits(BareNewlines::Refuse), message).map(|reply| reply.enhanced_text());
        assert_eq!(said(b"A: b\r\n\r\n.\r\ntext\r\n"), None);
        assert_eq!(said(b"A: b\r\n\r\ntext\n").as_deref(), Some("5.5.2"));
        assert_eq!(said(&b"\r\n".repeat(101)).as_deref(), Some("5.3.4"));
        assert_eq!(judge(&limits(BareNewlines::Normalize), b"A: b\r\n\r\ntext\n"), None);
    }

    proptest! {
        #[test]
        fn refused_or_equal(message in octets(), sizes in cuts()) {
            let message = [&message[..], b"\r\n"].concat();
            match content(&message, &sizes, BareNewlines::Refuse) {
                Ok(kept) => prop_assert_eq!(kept.as_ref(), &message[..]),
                Err(fault) => prop_assert_eq!(fault == Fault::BareNewline, has_bare_newline(&message)),
            }
        }

        #[test]
        fn normalized_it_has_only_crlf(message in octets(), sizes in cuts()) {
            match content(&message, &sizes, BareNewlines::Normalize) {
                Ok(kept) => {
                    prop_assert!(!has_bare_newline(&kept));
                    prop_assert_eq!(kept.as_ref(), &normalized(&message)[..]);
                }
                Err(fault) => prop_assert!(fault < Fault::BareNewline),
            }
        }

        #[test]
        fn cuts_change_nothing(message in octets(), sizes in cuts()) {
            for bare_newlines in [BareNewlines::Refuse, BareNewlines::Normalize] {
                let whole = content(&message, &[usize::MAX], bare_newlines);
                prop_assert_eq!(content(&message, &sizes, bare_newlines), whole);
            }
        }
    }
}
