//! Line ends of files: LF, CR and CRLF all end a line, and CRLF is what travels.

use std::io::{self, BufRead, Read};

/// Reads what is below with CRLF in the place of every line end, a buffer at a time.
pub(super) struct Crlf<R> {
    below: R,
    // What was read and not taken yet, from `taken` on.
    ready: Vec<u8>,
    taken: usize,
    is_after_cr: bool,
}

impl<R: BufRead> Crlf<R> {
    /// Nothing is read yet.
    pub(super) fn new(below: R) -> Self {
        Self { below, ready: Vec::new(), taken: 0, is_after_cr: false }
    }

    /// The next buffer of what is below.
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        // An LF that belongs to the CR before it makes nothing: there may be more behind it.
        while self.ready.is_empty() {
            let read = self.below.fill_buf()?;
            if read.is_empty() {
                break;
            }
            self.is_after_cr = append_with_crlf(&mut self.ready, read, self.is_after_cr);
            let length = read.len();
            self.below.consume(length);
        }
        Ok(())
    }
}

impl<R: BufRead> BufRead for Crlf<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken >= self.ready.len() {
            self.refill()?;
        }
        Ok(self.ready.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
    }
}

impl<R: BufRead> Read for Crlf<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

/// Appends a piece of a file; whether it ends in CR is for the next piece, which may begin with the LF of it.
fn append_with_crlf(out: &mut Vec<u8>, piece: &[u8], is_after_cr: bool) -> bool {
    let mut rest = piece;
    if is_after_cr {
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, behind) = rest.split_at(end);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = behind.strip_prefix(b"\r\n").or_else(|| behind.get(1..)).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    piece.last() == Some(&b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_crlf(bytes: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        append_with_crlf(&mut out, &bytes, false);
        out
    }

    #[test]
    fn each_line_end_becomes_one() {
        assert_eq!(with_crlf(b"a\nb\r\rc\r\nd\n\r".to_vec()), b"a\r\nb\r\n\r\nc\r\nd\r\n\r\n");
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_the_file_comes(file in "[ab\r\n]{0,40}", size in 1..5_usize) {
            let whole = with_crlf(file.clone().into_bytes());
            let mut pieces = Vec::new();
            let below = io::BufReader::with_capacity(size, file.as_bytes());
            Crlf::new(below).read_to_end(&mut pieces).unwrap();
            prop_assert_eq!(pieces, whole);
        }
    }
}
