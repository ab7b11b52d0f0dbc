//! The data receiver: what follows 354, up to the line that is a single dot (RFC 5321 §4.5.2).
//!
//! A state machine without I/O, fed with whatever slices arrive; where they were cut never changes
//! the result. **Only CRLF.CRLF ends data**: a server that also takes LF.LF, or CR alone, reads
//! another message than the server in front of it did, and a stranger chooses which (SMTP
//! smuggling). So a dot opens a line after CRLF alone, and what becomes of a bare CR or LF is
//! decided where the message is kept, by [`super::content`].

use memchr::memmem;

use super::content::Content;
use super::settings::Limits;

/// Receives the data of one message.
#[derive(Debug)]
pub(super) struct Receiver {
    place: Place,
    content: Content,
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

/// What comes after DATA or BDAT: octets in a frame, of which some are the message's.
pub(super) trait Framing {
    /// Takes the next octets from the peer. Not to be called again after [`Fed::End`].
    fn feed(&mut self, input: &[u8]) -> Fed;

    /// The message so far; none where the octets are thrown away.
    fn content(&mut self) -> Option<&mut Content>;
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

impl Framing for Receiver {
    fn feed(&mut self, input: &[u8]) -> Fed {
        let within = self.content.admit(input);
        let mut rest = within;
        while let Some(&next) = rest.first() {
            match self.step(next, rest) {
                Step::Over(octets) => rest = rest.get(octets..).unwrap_or_default(),
                Step::End => return Fed::End { consumed: within.len() - rest.len() + 1 },
            }
        }
        if within.len() < input.len() { Fed::Overrun } else { Fed::More }
    }

    fn content(&mut self) -> Option<&mut Content> {
        Some(&mut self.content)
    }
}

impl Receiver {
    /// A receiver for one message, with the size that MAIL declared.
    pub(super) fn new(limits: &Limits, declared: Option<u64>) -> Self {
        Self { place: Place::LineStart, content: Content::new(limits, declared) }
    }

    /// The message.
    pub(super) fn finish(self) -> Content {
        self.content
    }

    fn step(&mut self, next: u8, rest: &[u8]) -> Step {
        match (self.place, next) {
            // RFC 5321 §4.5.2: the first dot of a line is not the message's, whatever follows.
            (Place::LineStart, b'.') => self.go(Place::Dot, 1),
            (Place::Dot, b'\r') => self.go(Place::DotCr, 1),
            (Place::DotCr, b'\n') => Step::End,
            (Place::DotCr, _) => {
                self.content.push(b"\r");
                self.go(Place::Text, 0)
            }
            (Place::Cr, b'\n') => {
                self.content.push(b"\n");
                self.go(Place::LineStart, 1)
            }
            (Place::LineStart | Place::Dot | Place::Cr, _) => self.go(Place::Text, 0),
            (Place::Text, _) => self.text(rest),
        }
    }

    fn go(&mut self, place: Place, octets: usize) -> Step {
        self.place = place;
        Step::Over(octets)
    }

    /// Goes over whole lines, up to one that a dot opens.
    fn text(&mut self, rest: &[u8]) -> Step {
        if let Some(at) = memmem::find(rest, b"\r\n.") {
            let (lines, _dot) = rest.split_at(at + 2);
            self.content.push(lines);
            return self.go(Place::LineStart, lines.len());
        }
        self.content.push(rest);
        let place = match rest {
            [.., b'\r', b'\n'] => Place::LineStart,
            [.., b'\r'] => Place::Cr,
            _ => Place::Text,
        };
        self.go(place, rest.len())
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
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::smtp::content::Fault;
    use crate::smtp::content::tests::{cuts, has_bare_newline, limits, normalized, octets, pieces};
    use crate::smtp::settings::BareNewlines::{self, Normalize, Refuse};

    /// What the receiver makes of `wire`, cut into pieces of the given sizes in turn.
    fn receive_in(wire: &[u8], sizes: &[usize], bare_newlines: BareNewlines) -> (Fed, Result<Bytes, Fault>) {
        let mut receiver = Receiver::new(&limits(bare_newlines), None);
        let mut before = 0;
        for piece in pieces(wire, sizes) {
            match receiver.feed(piece) {
                Fed::More => before += piece.len(),
                Fed::End { consumed } => return (Fed::End { consumed: before + consumed }, receiver.finish().finish()),
                Fed::Overrun => return (Fed::Overrun, receiver.finish().finish()),
            }
        }
        (Fed::More, receiver.finish().finish())
    }

    #[track_caller]
    fn check_in(wire: &str, bare_newlines: BareNewlines, expect: Result<&str, Fault>) {
        for sizes in [&[usize::MAX][..], &[1], &[2], &[3]] {
            let (fed, result) = receive_in(wire.as_bytes(), sizes, bare_newlines);
            assert_eq!(fed, Fed::End { consumed: wire.len() }, "{wire:?}");
            assert_eq!(result, expect.map(|text| Bytes::copy_from_slice(text.as_bytes())), "{wire:?}");
        }
    }

    #[track_caller]
    fn check(wire: &str, expect: Result<&str, Fault>) {
        check_in(wire, Refuse, expect);
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
    fn normalized_too_only_crlf_dot_crlf_ends_a_message() {
        for (end, kept) in [
            ("\n.\n", "\r\n.\r\n"),
            ("\r\n.\n", "\r\n\r\n"),
            ("\n.\r\n", "\r\n.\r\n"),
            ("\r.\r", " . "),
            ("\r.\r\n", " .\r\n"),
            ("\r\n.\r.", "\r\n ."),
            ("\r\n.\r\r\n", "\r\n \r\n"),
            ("\n\n.\n\n", "\r\n\r\n.\r\n\r\n"),
            ("\r\r\n.\n", " \r\n\r\n"),
            ("\n..\r\n", "\r\n..\r\n"),
        ] {
            check_in(&format!("a{end}b\r\n.\r\n"), Normalize, Ok(&format!("a{kept}b\r\n")));
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
        for block in [[b'x'; 1000], [b'\n'; 1000]] {
            let mut receiver = Receiver::new(&limits(Normalize), None);
            let fed = std::iter::repeat_with(|| receiver.feed(&block)).take(2000).find(|fed| *fed != Fed::More);
            assert_eq!(fed, Some(Fed::Overrun));
        }
    }

    /// RFC 5321 §4.5.2, as a client does it that knows what a line is.
    fn stuff(message: &[u8]) -> Vec<u8> {
        let lines: String = format!("\r\n{}", message.iter().copied().map(char::from).collect::<String>());
        let stuffed = lines.replace("\r\n.", "\r\n..");
        let wire = format!("{}.\r\n", stuffed.strip_prefix("\r\n").unwrap());
        wire.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn what_a_client_stuffs_arrives_as_it_was_or_is_refused(text in octets(), sizes in cuts()) {
            let message = [&text[..], b"\r\n"].concat();
            let wire = stuff(&message);
            let (fed, result) = receive_in(&wire, &sizes, Refuse);
            prop_assert_eq!(fed, Fed::End { consumed: wire.len() });
            match result {
                Ok(received) => prop_assert_eq!(received.as_ref(), &message[..]),
                Err(fault) => prop_assert_eq!(fault == Fault::BareNewline, has_bare_newline(&message)),
            }
        }

        #[test]
        fn what_a_client_stuffs_arrives_normalized(text in octets(), sizes in cuts()) {
            let message = [&text[..], b"\r\n"].concat();
            let wire = stuff(&message);
            let (fed, result) = receive_in(&wire, &sizes, Normalize);
            prop_assert_eq!(fed, Fed::End { consumed: wire.len() });
            match result {
                Ok(received) => prop_assert_eq!(received.as_ref(), &normalized(&message)[..]),
                Err(fault) => prop_assert!(fault < Fault::BareNewline),
            }
        }

        #[test]
        fn where_the_wire_is_cut_never_changes_the_result(wire in octets(), sizes in cuts()) {
            for bare_newlines in [Refuse, Normalize] {
                let whole = receive_in(&wire, &[usize::MAX], bare_newlines);
                prop_assert_eq!(receive_in(&wire, &sizes, bare_newlines), whole);
            }
        }

        #[test]
        fn whatever_comes_a_message_has_no_bare_newline(wire in octets(), sizes in cuts()) {
            for bare_newlines in [Refuse, Normalize] {
                if let (Fed::End { .. }, Ok(message)) = receive_in(&wire, &sizes, bare_newlines) {
                    prop_assert!(!has_bare_newline(&message));
                    prop_assert!(message.is_empty() || message.ends_with(b"\r\n"));
                }
            }
        }
    }
}
