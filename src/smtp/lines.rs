//! Command lines, cut from what arrives.
//!
//! Without I/O, like the data receiver. **Only CRLF ends a line** (RFC 5321 §2.3.8): a line with a
//! bare CR or LF in it is one line, refused as one, so that nothing behind such an octet is ever
//! run as a command. Where `limits.bare_newlines` normalizes, LF ends a line too, and a bare CR is
//! refused all the same.

use bytes::{Buf, BytesMut};
use memchr::{memchr, memchr2, memmem};

use super::command::announces_octets;
use super::settings::{BareNewlines, Limits};
use crate::mail::Say;

/// How many times its limit a line may reach before the peer is cut off.
const PATIENCE: usize = 16;

/// Cuts lines, and reads over those that are too long.
#[derive(Debug)]
pub(super) struct Lines {
    /// Octets of a line, its end included.
    limit: usize,
    bare_newlines: BareNewlines,
    /// Octets of the current line that were thrown away because it is too long already.
    skipped: usize,
}

/// What is at the front of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    /// A line, without its end.
    Line(BytesMut),
    /// A line that cannot be a command, with what to say to it.
    Refused(Say),
    /// The beginning of a line, at most.
    Incomplete,
    /// A line without end.
    Overrun,
}

impl Lines {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limit: limits.line, bare_newlines: limits.bare_newlines, skipped: 0 }
    }

    /// Takes the next line off the front of `input`.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Cut {
        let end = match self.bare_newlines {
            BareNewlines::Refuse => memmem::find(input, b"\r\n").map(|at| at + 2),
            BareNewlines::Normalize => memchr(b'\n', input).map(|at| at + 1),
        };
        match end {
            Some(end) => self.complete(input.split_to(end)),
            None => self.incomplete(input),
        }
    }

    fn complete(&mut self, mut line: BytesMut) -> Cut {
        let length = std::mem::take(&mut self.skipped) + line.len();
        if length > self.limit {
            return Cut::Refused(Say::LineTooLong);
        }
        let end = if line.ends_with(b"\r\n") { 2 } else { 1 };
        line.truncate(line.len() - end);
        match memchr2(b'\r', b'\n', &line) {
            Some(_) if announces_octets(&line) => Cut::Refused(Say::UncountableChunk),
            Some(_) => Cut::Refused(Say::BareNewlineInCommand),
            None => Cut::Line(line),
        }
    }

    /// Throws away what can no longer be part of a command; a last CR stays: LF may follow.
    fn incomplete(&mut self, input: &mut BytesMut) -> Cut {
        if self.skipped + input.len() > self.limit {
            let excess = input.len().saturating_sub(1);
            self.skipped += excess;
            input.advance(excess);
        }
        if self.skipped > self.limit * PATIENCE { Cut::Overrun } else { Cut::Incomplete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 10;

    /// The lines of `wire`, cut from pieces of `size` octets.
    fn cut(wire: &str, size: usize, bare_newlines: BareNewlines) -> Vec<Cut> {
        let mut lines = Lines::new(&Limits { line: LIMIT, bare_newlines, ..Limits::default() });
        let mut input = BytesMut::new();
        let mut cuts = Vec::new();
        for piece in wire.as_bytes().chunks(size) {
            input.extend_from_slice(piece);
            loop {
                match lines.next(&mut input) {
                    Cut::Incomplete => break,
                    Cut::Overrun => return [cuts, vec![Cut::Overrun]].concat(),
                    line @ (Cut::Line(_) | Cut::Refused(_)) => cuts.push(line),
                }
            }
        }
        cuts
    }

    #[track_caller]
    fn check(wire: &str, expect: &[Result<&str, Say>]) {
        check_in(wire, BareNewlines::Refuse, expect);
    }

    #[track_caller]
    fn check_in(wire: &str, bare_newlines: BareNewlines, expect: &[Result<&str, Say>]) {
        for size in 1..=wire.len() {
            let expect: Vec<Cut> = expect
                .iter()
                .map(|line| line.map_or_else(Cut::Refused, |text| Cut::Line(BytesMut::from(text.as_bytes()))))
                .collect();
            assert_eq!(cut(wire, size, bare_newlines), expect, "{wire:?} in pieces of {size}");
        }
    }

    #[test]
    fn crlf_ends_a_line_and_nothing_else() {
        check("NOOP\r\n\r\nQUIT\r\nrest", &[Ok("NOOP"), Ok(""), Ok("QUIT")]);
        check("A\nB\r\nC\r\n", &[Err(Say::BareNewlineInCommand), Ok("C")]);
        check("A\r\r\nB\rC\r\nD\r\n", &[Err(Say::BareNewlineInCommand), Err(Say::BareNewlineInCommand), Ok("D")]);
    }

    #[test]
    fn normalized_lf_ends_a_line_too() {
        let bare_cr = || Err(Say::BareNewlineInCommand);
        let normalize = BareNewlines::Normalize;
        check_in("NOOP\n\nQUIT\r\nrest", normalize, &[Ok("NOOP"), Ok(""), Ok("QUIT")]);
        check_in("A\rB\r\nC\r\r\n\rD\nE\n", normalize, &[bare_cr(), bare_cr(), bare_cr(), Ok("E")]);
        check_in(
            "12345678\r\n123456789\n1234567890\nB\n",
            normalize,
            &[Ok("12345678"), Ok("123456789"), Err(Say::LineTooLong), Ok("B")],
        );
    }

    #[test]
    fn a_long_line_is_read_over() {
        check("12345678\r\nB\r\n", &[Ok("12345678"), Ok("B")]);
        check("123456789\r\nB\r\n", &[Err(Say::LineTooLong), Ok("B")]);
        check("123456789012345678901234567890\r\nB\r\n", &[Err(Say::LineTooLong), Ok("B")]);
        check("12345\n78901234567890\r\nB\r\n", &[Err(Say::LineTooLong), Ok("B")]);
    }

    #[test]
    fn a_line_without_end_is_cut_off() {
        for size in [1, 7, 500] {
            for bare_newlines in [BareNewlines::Refuse, BareNewlines::Normalize] {
                assert_eq!(cut(&"x".repeat(LIMIT * PATIENCE * 3), size, bare_newlines), [Cut::Overrun]);
            }
        }
    }
}
