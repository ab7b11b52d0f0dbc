//! Messages in files: one message, or an mbox of many; with whatever line ends they have.

use std::io;
use std::path::Path;

use bytes::Bytes;
use mail_parser::mailbox::mbox::MessageIterator;

/// One message of a file.
pub struct Input {
    /// Its place in an mbox, from 0; `None` for a file that is one message.
    pub index: Option<usize>,
    /// Its bytes, with line ends as they travel.
    pub bytes: Bytes,
}

/// Reads the messages of a file. It is an mbox where `mbox` says so, or where it looks like one.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path, mbox: bool) -> io::Result<Vec<Input>> {
    let bytes = std::fs::read(path)?;
    if mbox || is_mbox(&bytes) {
        let messages = MessageIterator::new(bytes.as_slice()).enumerate();
        return messages
            .map(|(index, message)| {
                let contents = message?.unwrap_contents();
                Ok(Input { index: Some(index), bytes: with_crlf(&contents) })
            })
            .collect();
    }
    Ok(vec![Input { index: None, bytes: with_crlf(without_from_line(&bytes)) }])
}

/// An mbox begins with a `From ` line and has another one after an empty line and before a field.
fn is_mbox(bytes: &[u8]) -> bool {
    let lines: Vec<&[u8]> = bytes.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end).collect();
    let begins = lines.first().is_some_and(|line| line.starts_with(b"From "));
    begins
        && lines.windows(3).any(|three| match three {
            [before, from, field] => before.is_empty() && from.starts_with(b"From ") && is_field(field),
            _ => false,
        })
}

fn is_field(line: &[u8]) -> bool {
    let name: &[u8] = line.split(|octet| *octet == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// Mail programs put one `From ` line above a message that they save.
fn without_from_line(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(b"From ") {
        return bytes;
    }
    let end = bytes.iter().position(|octet| *octet == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

/// LF and CR line ends as CRLF; CRLF stays.
fn with_crlf(bytes: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut octets = bytes.iter().copied().peekable();
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
    out.into()
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
}
