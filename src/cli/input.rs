//! Messages in files: one message, or an mbox of many; with whatever line ends they have.
//!
//! One message after the other: an mbox is read as it is asked for, and may be larger than memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mail_parser::mailbox::mbox::MessageIterator;

use super::folder::{self, Unreadable};
use super::line_ends::{Crlf, with_crlf};

/// One message of a file.
#[derive(Debug)]
pub(super) struct Input {
    /// Its place in an mbox, from 0; `None` for a file that is one message.
    pub index: Option<usize>,
    /// Its bytes, with line ends as they travel.
    pub bytes: Bytes,
}

/// The messages of a file, in their order.
pub(super) enum Messages {
    /// The file is one message.
    One(Option<Input>),
    /// It is an mbox; the next message has this index.
    Mbox(Box<MessageIterator<Crlf<Source>>>, usize),
    /// Reading broke off, which is said once.
    Broken(Option<io::Error>),
}

/// What can be read a second time from its beginning.
pub(super) type Source = Box<dyn Again>;

/// Reads, and can begin anew.
pub(super) trait Again: BufRead + Seek {}

impl<T: BufRead + Seek> Again for T {}

/// Every message of `paths`, files and folders, one after the other, with its file; and what cannot be read.
pub(super) fn messages(paths: &[PathBuf], mbox: bool) -> impl Iterator<Item = Result<(PathBuf, Input), Unreadable>> {
    let in_file = move |file: folder::Found| {
        let (file, error) = file.map_or_else(|error| (None, Some(Err(error))), |file| (Some(file), None));
        file.into_iter().flat_map(move |file| in_file(file, mbox)).chain(error)
    };
    paths.iter().flat_map(|path| folder::files(path)).flat_map(in_file)
}

fn in_file(file: PathBuf, mbox: bool) -> impl Iterator<Item = Result<(PathBuf, Input), Unreadable>> {
    open(&file, mbox).map(move |message| match message {
        Ok(input) => Ok((file.clone(), input)),
        Err(error) => Err(Unreadable::Path { path: file.clone(), error }),
    })
}

/// Opens a file of messages. It is an mbox where it begins like one and either `mbox` says so or
/// a second message follows; else it is one message.
pub(super) fn open(path: &Path, mbox: bool) -> Messages {
    try_to_open(path, mbox).unwrap_or_else(|error| Messages::Broken(Some(error)))
}

fn try_to_open(path: &Path, mbox: bool) -> io::Result<Messages> {
    let file = File::open(path)?;
    let is_file = file.metadata()?.is_file();
    let mut source: Source = Box::new(BufReader::new(file));
    if !is_file {
        // A pipe gives its octets once.
        let mut all = Vec::new();
        source.read_to_end(&mut all)?;
        source = Box::new(Cursor::new(all));
    }
    if !begins_like_an_mbox(&mut source)? {
        return whole(source, 0);
    }
    if mbox || has_second_message(&mut source)? {
        return Ok(Messages::Mbox(Box::new(MessageIterator::new(Crlf::new(source))), 0));
    }
    // Mail programs put one `From ` line above a message that they save.
    whole(source, 1)
}

/// What is left of a file as one message, without so many lines at its beginning.
fn whole(mut source: Source, without: usize) -> io::Result<Messages> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    // Line ends come first: there are lines to leave out only then.
    let bytes = Bytes::from(with_crlf(bytes));
    let start = match without {
        0 => 0,
        lines => memchr::memchr_iter(b'\n', &bytes).nth(lines - 1).map_or(bytes.len(), |at| at + 1),
    };
    Ok(Messages::One(Some(Input { index: None, bytes: bytes.slice(start..) })))
}

impl Iterator for Messages {
    type Item = io::Result<Input>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(input) => input.take().map(Ok),
            Self::Broken(error) => error.take().map(Err),
            Self::Mbox(messages, next) => {
                let index = *next;
                *next += 1;
                match messages.next()? {
                    Ok(message) => Some(Ok(Input { index: Some(index), bytes: message.unwrap_contents().into() })),
                    Err(error) => {
                        // The parser would try the same place again and again.
                        *self = Self::Broken(None);
                        Some(Err(error))
                    }
                }
            }
        }
    }
}

/// What begins each message of an mbox.
const FROM: &[u8] = b"From ";

/// Looks at the beginning; what was looked at is read again.
fn begins_like_an_mbox(source: &mut Source) -> io::Result<bool> {
    let mut beginning = Vec::new();
    source.as_mut().take(FROM.len() as u64).read_to_end(&mut beginning)?;
    source.rewind()?;
    Ok(beginning == FROM)
}

/// Whether a `From ` line follows an empty line and comes before a field; what was looked at is read again.
fn has_second_message(source: &mut Source) -> io::Result<bool> {
    let (mut is_after_empty, mut is_after_from, mut found) = (false, false, false);
    for line in Crlf::new(source.as_mut()).split(b'\n') {
        let line = line?;
        found = is_after_from && is_field(&line);
        if found {
            break;
        }
        is_after_from = is_after_empty && line.starts_with(FROM);
        is_after_empty = line.trim_ascii().is_empty();
    }
    source.rewind()?;
    Ok(found)
}

fn is_field(line: &[u8]) -> bool {
    let name: &[u8] = line.split(|octet| *octet == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str, mbox: bool) -> Vec<(Option<usize>, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        std::fs::write(&path, text).unwrap();
        let inputs = open(&path, mbox).map(Result::unwrap);
        inputs.map(|it| (it.index, String::from_utf8(it.bytes.to_vec()).unwrap())).collect()
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
    fn a_pipe_is_read_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mbox = "From ann Sun\nA: b\n\none\n\nFrom ben Sun\nC: d\n\ntwo\n";
        std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&path, mbox).unwrap());
            assert_eq!(open(&path, false).count(), 2);
        });
    }
}
