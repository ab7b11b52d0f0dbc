//! Dot-stuffing (RFC 5321 §4.5.2) of a message that comes in pieces.

use memchr::memmem::Finder;

/// Writes a message so that its end is the only line that is a lone dot.
///
/// A line begins after CRLF in all messages that we take; the dot after a bare LF is stuffed as well,
/// so that no message can end itself at a next hop that takes bare LF for a line's end.
pub(super) struct Stuffing {
    line_with_dot: Finder<'static>,
    // The last two octets of the message so far. It begins as if after a CRLF: at a line's begin.
    tail: [u8; 2],
}

impl Stuffing {
    pub(super) fn new() -> Self {
        Self { line_with_dot: Finder::new(b"\n."), tail: *b"\r\n" }
    }

    /// Appends the next piece of the message to `out`.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.tail.ends_with(b"\n") && piece.starts_with(b".") {
            out.push(b'.');
        }
        let mut rest = piece;
        while let Some(newline) = self.line_with_dot.find(rest) {
            let (lines, line_with_dot) = rest.split_at(newline + 1);
            out.extend_from_slice(lines);
            out.push(b'.');
            rest = line_with_dot;
        }
        out.extend_from_slice(rest);
        self.remember(piece);
    }

    fn remember(&mut self, piece: &[u8]) {
        match piece {
            [] => {}
            [last] => self.tail = [self.tail[1], *last],
            [.., before, last] => self.tail = [*before, *last],
        }
    }

    /// Appends the end of the message: the final dot, on a line of its own. A message that does not
    /// end in CRLF gets one, since the dot needs it; an empty one needs none.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if self.tail != *b"\r\n" {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut stuffing, mut out) = (Stuffing::new(), Vec::new());
        pieces.iter().for_each(|piece| stuffing.push(piece, &mut out));
        stuffing.finish(&mut out);
        out
    }

    /// What a receiver that knows only CRLF reads, or None where the message does not end at its end.
    fn unstuffed(mut wire: &[u8]) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        while let Some(end) = memchr::memmem::find(wire, b"\r\n") {
            let (line, rest) = wire.split_at(end + 2);
            if line == b".\r\n" {
                return rest.is_empty().then_some(message);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            wire = rest;
        }
        None
    }

    /// Where a message ends for a reader that takes any of CRLF, LF and CR for the end of a line, as servers do
    /// that can be smuggled into. The wire begins at a line's begin.
    fn ends(wire: &[u8]) -> Vec<usize> {
        let newlines: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];
        let from = |at: usize| wire.get(at..).unwrap_or_default();
        let is_line_start = |at: usize| at == 0 || newlines.iter().any(|newline| wire[..at].ends_with(newline));
        let newline_at = |at: usize| newlines.iter().find(|newline| from(at).starts_with(newline));
        let dots = (0..wire.len()).filter(|&at| wire[at] == b'.' && is_line_start(at));
        dots.filter_map(|at| Some(at + 1 + newline_at(at + 1)?.len())).collect()
    }

    #[test]
    fn dots_are_stuffed_where_a_line_begins_only() {
        let cases: &[(&[&[u8]], &[u8])] = &[
            (&[], b".\r\n"),
            (&[b""], b".\r\n"),
            (&[b"."], b"..\r\n.\r\n"),
            (&[b"a", b".\r\n"], b"a.\r\n.\r\n"),
            (&[b"a\r\n", b"", b".\r\n"], b"a\r\n..\r\n.\r\n"),
            (&[b"a\r", b"\n", b"."], b"a\r\n..\r\n.\r\n"),
            (&[b"a\r\n.\r\n.b\r\n\r\n"], b"a\r\n..\r\n..b\r\n\r\n.\r\n"),
            (&[b"a\r"], b"a\r\r\n.\r\n"),
            (&[b"a\n.\nb"], b"a\n..\nb\r\n.\r\n"),
        ];
        for (pieces, wire) in cases {
            assert_eq!(stuffed(pieces).escape_ascii().to_string(), wire.escape_ascii().to_string());
        }
    }

    proptest! {
        /// The listener lets through only what has CRLF for each line end, of whatever a stranger sent.
        #[test]
        fn nobody_reads_two_messages(lines in "([.a\u{0} \u{85}]{0,3}\r\n){0,12}[.a]{0,2}", cut in 0_usize..60) {
            let (first, second) = lines.as_bytes().split_at(cut.min(lines.len()));
            let wire = stuffed(&[first, second]);
            prop_assert_eq!(ends(&wire), [wire.len()]);
        }

        #[test]
        fn what_is_stuffed_is_read_as_it_was(lines in "([.a\u{e9}]{0,3}\r\n){0,20}", cuts in prop::collection::vec(0_usize..80, 0..6)) {
            let message = lines.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(message.len())).collect();
            cuts.push(message.len());
            cuts.sort_unstable();
            let mut from = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|&to| { let piece = &message[from..to]; from = to; piece }).collect();
            prop_assert_eq!(unstuffed(&stuffed(&pieces)), Some(message.to_vec()));
        }
    }
}
