//! Reads the journal from a position on, across its files.
//!
//! What cannot be read is said loudly and passed over; it is never a reason to stop.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tracing::error;

use super::frame::{self, Next};
use super::journal::{self, FileName, MAGIC, Position};
use crate::threads::Record;

/// The reading end.
pub(super) struct Reader {
    folder: PathBuf,
    position: Position,
    current: Option<(FileName, BufReader<File>)>,
}

impl Reader {
    /// Reads from `position` on.
    pub(super) fn new(folder: &Path, position: Position) -> Self {
        Self { folder: folder.into(), position, current: None }
    }

    /// Where the next record is read.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The next record before `end`; `None` when there is no more.
    pub(super) fn next(&mut self, end: Position) -> Option<Record> {
        while self.position < end {
            match self.next_in_file() {
                Ok(Next::Record(record, length)) => {
                    self.position.offset += length;
                    return Some(*record);
                }
                Ok(Next::Unknown(length)) => {
                    self.complain("a record that this version cannot read is passed over");
                    self.position.offset += length;
                }
                Ok(Next::End) => self.leave_file(),
                Ok(Next::Bad) => {
                    self.complain("the journal is torn or damaged here: going on with the next file");
                    self.leave_file();
                }
                Err(failure) => {
                    self.complain(&format!("the journal cannot be read here: {failure}; going on with the next file"));
                    self.leave_file();
                }
            }
        }
        None
    }

    fn next_in_file(&mut self) -> io::Result<Next> {
        if self.current.is_none() {
            self.enter_file()?;
        }
        self.current.as_mut().map_or(Ok(Next::End), |(_, file)| frame::read(file))
    }

    /// Opens the file at the position, or the first one after it.
    fn enter_file(&mut self) -> io::Result<()> {
        let names = journal::files(&self.folder)?;
        let Some(name) = names.into_iter().find(|name| name.number >= self.position.file) else { return Ok(()) };
        if name.number > self.position.file {
            self.position = Position::start_of(name.number);
        }
        let mut file = BufReader::new(File::open(self.folder.join(name.to_string()))?);
        if self.position.offset == 0 {
            check_magic(&mut file)?;
            self.position.offset = MAGIC.len() as u64;
        }
        file.seek(SeekFrom::Start(self.position.offset))?;
        self.current = Some((name, file));
        Ok(())
    }

    fn leave_file(&mut self) {
        self.current = None;
        self.position = Position::start_of(self.position.file.saturating_add(1));
    }

    fn complain(&self, what: &str) {
        let file = self.current.as_ref().map_or_else(|| self.position.file.to_string(), |(name, _)| name.to_string());
        error!(%file, offset = self.position.offset, "{what}");
    }
}

fn check_magic(file: &mut impl Read) -> io::Result<()> {
    let mut magic = vec![0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(io::Error::other("it is not a journal file of this version"));
    }
    Ok(())
}
