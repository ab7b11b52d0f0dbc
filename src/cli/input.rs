//! Messages in files: one message, or an mbox of many; with whatever line ends they have.
//!
//! One message after the other: an mbox is read as it is asked for, and may be larger than memory. Of what is
//! one message no more is read than shows that it is larger than mail may be.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mail_parser::mailbox::mbox::MessageIterator;

use super::folder::{self, Unreadable};
use super::line_ends::Crlf;

/// One message of a file.
#[derive(Debug)]
pub(super) struct Input {
    /// Its place in an mbox, from 0; `None` for a file that is one message.
    pub index: Option<usize>,
    /// Its bytes, with line ends as they travel.
    pub bytes: Bytes,
}

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Files that begin like an mbox are one, even with a single message.
    pub(super) mbox: bool,
    /// The largest message that live mail may have.
    pub(super) largest: u64,
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

/// What a file has.
pub(super) type Source = Box<dyn BufRead>;

/// What a file is, as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One message.
    Message,
    /// One message below a `From ` line: mail programs put it above what they save.
    Saved,
    Mbox,
}

impl Reading {
    /// Of files that are one message each.
    pub(super) fn of_one(largest: u64) -> Self {
        Self { mbox: false, largest }
    }

    /// One octet more than mail may have tells that it is too large.
    fn enough(self) -> u64 {
        self.largest.saturating_add(1)
    }
}

/// Every message of `paths`, files and folders, one after the other, with its file; and what cannot be read.
pub(super) fn messages(
    paths: &[PathBuf],
    reading: Reading,
) -> impl Iterator<Item = Result<(PathBuf, Input), Unreadable>> {
    let in_file = move |file: folder::Found| {
        let (file, error) = file.map_or_else(|error| (None, Some(Err(error))), |file| (Some(file), None));
        file.into_iter().flat_map(move |file| in_file(file, reading)).chain(error)
    };
    paths.iter().flat_map(|path| folder::files(path)).flat_map(in_file)
}

fn in_file(file: PathBuf, reading: Reading) -> impl Iterator<Item = Result<(PathBuf, Input), Unreadable>> {
    let mut messages = open(&file, reading).peekable();
    let nothing = messages.peek().is_none().then(|| Err(Unreadable::Empty(file.clone())));
    let told = move |message| match message {
        Ok(input) => Ok((file.clone(), input)),
        Err(error) => Err(Unreadable::Path { path: file.clone(), error }),
    };
    messages.map(told).chain(nothing)
}

/// Opens a file of messages. It is an mbox where it begins like one and either `reading` says so or
/// a second message follows; else it is one message, or none where it is empty.
pub(super) fn open(path: &Path, reading: Reading) -> Messages {
    try_to_open(path, reading).unwrap_or_else(|error| Messages::Broken(Some(error)))
}

fn try_to_open(path: &Path, reading: Reading) -> io::Result<Messages> {
    let file = File::open(path)?;
    let is_file = file.metadata()?.is_file();
    let mut source = BufReader::new(file);
    if is_file {
        let shape = Shape::of(&mut source, reading)?;
        source.rewind()?;
        return shape.messages(Box::new(source), reading);
    }
    // A pipe gives its octets once: its shape is told by as many as one message may have.
    let mut beginning = Vec::new();
    source.by_ref().take(reading.enough()).read_to_end(&mut beginning)?;
    let shape = Shape::of(&mut beginning.as_slice(), reading)?;
    shape.messages(Box::new(Cursor::new(beginning).chain(source)), reading)
}

impl Shape {
    fn of(source: &mut impl BufRead, reading: Reading) -> io::Result<Self> {
        if !begins_like_an_mbox(source)? {
            return Ok(Self::Message);
        }
        Ok(if reading.mbox || has_second_message(source)? { Self::Mbox } else { Self::Saved })
    }

    /// The messages of a file that has this shape, from its beginning on.
    fn messages(self, source: Source, reading: Reading) -> io::Result<Messages> {
        let mut source = Crlf::new(source);
        match self {
            Self::Mbox => return Ok(Messages::Mbox(Box::new(MessageIterator::new(source)), 0)),
            Self::Saved => _ = source.skip_until(b'\n')?,
            Self::Message => {}
        }
        let mut bytes = Vec::new();
        source.take(reading.enough()).read_to_end(&mut bytes)?;
        let input = Input { index: None, bytes: bytes.into() };
        Ok(Messages::One(Some(input).filter(|input| !input.bytes.is_empty())))
    }
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

/// So much of a line tells whether it is a field.
const LINE: u64 = 1000;

/// Takes as much of the beginning as tells it.
fn begins_like_an_mbox(source: &mut impl BufRead) -> io::Result<bool> {
    let mut beginning = Vec::new();
    source.take(FROM.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == FROM)
}

/// Whether, after the first line, a `From ` line follows an empty line and comes before a field.
fn has_second_message(source: &mut impl BufRead) -> io::Result<bool> {
    let mut lines = Crlf::new(source);
    let (mut is_after_empty, mut is_after_from) = (false, false);
    let mut line = Vec::new();
    while next_line(&mut lines, &mut line)? {
        if is_after_from && is_field(&line) {
            return Ok(true);
        }
        is_after_from = is_after_empty && line.starts_with(FROM);
        is_after_empty = line.trim_ascii().is_empty();
    }
    Ok(false)
}

/// The beginning of the next line, however long it is; false at the end.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    source.by_ref().take(LINE).read_until(b'\n', line)?;
    if !line.is_empty() && line.last() != Some(&b'\n') {
        source.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
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
        let inputs = open(&path, Reading { mbox, largest: 1000 }).map(Result::unwrap);
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
        assert_eq!(messages("", true), []);
        for text in ["\r\n", "A: b\r\n\r\nHello\r\n\r\nFrom here on it is text\r\n"] {
            assert_eq!(messages(text, true), [(None, text.into())]);
        }
        assert_eq!(messages("From ann Sun\nA: b\n\none\n", true), [(Some(0), "A: b\r\n\r\none\r\n".into())]);
    }

    #[test]
    fn no_more_is_read_of_a_message_than_tells_that_it_is_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        for (text, expected) in [("1234567890", "123456"), ("From x\n1\n34567", "1\r\n345"), ("12345", "12345")] {
            std::fs::write(&path, text).unwrap();
            let read: Vec<_> = open(&path, Reading::of_one(5)).map(|input| input.unwrap().bytes).collect();
            assert_eq!(read, [expected], "{text}");
        }
    }

    #[test]
    fn a_pipe_is_read_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mbox = "From ann Sun\nA: b\n\none\n\nFrom ben Sun\nC: d\n\ntwo\n";
        std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&path, mbox).unwrap());
            // The second message is beyond what one may have.
            assert_eq!(open(&path, Reading::of_one(40)).count(), 2);
        });
    }
}
