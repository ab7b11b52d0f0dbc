//! Messages in files: one message, or an mbox of many; with whatever line ends they have.

use std::io;
use std::path::Path;

use bytes::Bytes;
use mail_parser::mailbox::mbox::MessageIterator;

/// One message of a file.
pub(super) struct Input {
    /// Its place in an mbox, from 0; `None` for a file that is one message.
    pub index: Option<usize>,
    /// Its bytes, with line ends as they travel.
    pub bytes: Bytes,
}

/// Reads the messages of a file. It is an mbox where it begins like one and either `mbox` says so or
/// a second message follows; else it is one message.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read(path: &Path, mbox: bool) -> io::Result<Vec<Input>> {
    // Line ends come first: there are lines to look at only then.
    let bytes = with_crlf(std::fs::read(path)?);
    if !bytes.starts_with(FROM) {
        return Ok(vec![Input { index: None, bytes: bytes.into() }]);
    }
    if mbox || has_second_message(&bytes) {
        let messages = MessageIterator::new(bytes.as_slice()).enumerate();
        return messages
            .map(|(index, message)| Ok(Input { index: Some(index), bytes: message?.unwrap_contents().into() }))
            .collect();
    }
    // Mail programs put one `From ` line above a message that they save.
    let end = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
    Ok(vec![Input { index: None, bytes: Bytes::from(bytes).slice(end..) }])
}

/// What begins each message of an mbox.
const FROM: &[u8] = b"From ";

/// Whether a `From ` line follows an empty line and comes before a field.
fn has_second_message(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"\nFrom ").any(|at| {
        let (before, from) = bytes.split_at(at);
        let before = before.iter().rposition(|octet| *octet == b'\n').and_then(|end| before.get(end..));
        let field = from.split(|octet| *octet == b'\n').nth(2);
        before.is_some_and(|line| line.trim_ascii().is_empty()) && field.is_some_and(is_field)
    })
}

fn is_field(line: &[u8]) -> bool {
    let name: &[u8] = line.split(|octet| *octet == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// LF and CR line ends as CRLF; CRLF stays. Allocates what is needed and no more: files can be large.
fn with_crlf(bytes: Vec<u8>) -> Vec<u8> {
    let pairs = memchr::memmem::find_iter(&bytes, b"\r\n").count();
    let ends = memchr::memchr2_iter(b'\r', b'\n', &bytes).count();
    let bare = ends - 2 * pairs;
    if bare == 0 {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() + bare);
    let mut octets = bytes.into_iter().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str, mbox: bool) -> Vec<(Option<usize>, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        std::fs::write(&path, text).unwrap();
        let inputs = read(&path, mbox).unwrap();
        inputs.into_iter().map(|it| (it.index, String::from_utf8(it.bytes.to_vec()).unwrap())).collect()
    }

    #[test]
    fn every_line_end_becomes_crlf() {
        assert_eq!(messages("a\nb\rc\r\nd", false), [(None, "a\r\nb\r\nc\r\nd".into())]);
    }

    #[test]
    fn a_saved_message_loses_its_from_line_only() {
        let text = "From ann Sun Nov 22\nA: b\n\nHello\n\nFrom here on it is text\n";
        assert_eq!(messages(text, false), [(None, "A: b\r\n\r\nHello\r\n\r\nFrom here on it is text\r\n".into())]);
    }

    #[test]
    fn an_mbox_is_known_by_its_second_from_line() {
        let text = "From ann Sun\nA: b\n\none\n\nFrom ben Sun\nC: d\n\n>From two\n";
        let both = [(Some(0), "A: b\r\n\r\none\r\n\r\n".into()), (Some(1), "C: d\r\n\r\nFrom two\r\n".into())];
        assert_eq!(messages(text, false), both);
        assert_eq!(messages(text, true), both);
    }

    #[test]
    fn line_ends_of_cr_make_lines_too() {
        assert_eq!(messages("From ann Sun\rA: b\r\rHello\r", false), [(None, "A: b\r\n\r\nHello\r\n".into())]);
        let both = [(Some(0), "A: b\r\n\r\none\r\n\r\n".into()), (Some(1), "C: d\r\n\r\ntwo\r\n".into())];
        assert_eq!(messages("From ann Sun\rA: b\r\rone\r\rFrom ben Sun\rC: d\r\rtwo\r", false), both);
    }

    #[test]
    fn what_is_no_mbox_is_one_message_even_if_told_otherwise() {
        for text in ["", "\r\n", "A: b\r\n\r\nHello\r\n\r\nFrom here on it is text\r\n"] {
            assert_eq!(messages(text, true), [(None, text.into())]);
        }
        assert_eq!(messages("From ann Sun\nA: b\n\none\n", true), [(Some(0), "A: b\r\n\r\none\r\n".into())]);
    }

    #[test]
    fn an_output_is_as_large_as_it_needs_to_be() {
        for text in ["", "\n", "\n\n\n", "a\rb\r\r\nc\nd\r\n\r", "\r\n\r\n"] {
            let out = with_crlf(text.as_bytes().to_vec());
            assert_eq!(out.len(), out.capacity(), "{text:?}");
        }
    }
}
