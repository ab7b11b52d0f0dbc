//! The journal: append-only files, the truth that the index can be rebuilt from.
//!
//! A file is begun each day (UTC) and at each start, and never written again by a later process:
//! so a torn record can only stand at a file's end, and nothing is ever cut away on a guess.
//! Files are named by a running number, which alone gives their order (the clock may step back),
//! and a date, which says when they are past keeping and dropped whole.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use tracing::{error, info, warn};

/// Begins every file; `head -1` shows it. The last figure is the version of the format.
pub(super) const MAGIC: &[u8] = b"sincerely threads 1\n";

/// Up to this much is written before it goes to disk though nobody waits for the disk.
const UNSYNCED: usize = 64 << 10;

/// A place in the journal: between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct Position {
    /// The number of the file.
    pub(super) file: u32,
    /// The octets before it; 0 is before the file's first line.
    pub(super) offset: u64,
}

impl Position {
    /// The beginning of a file.
    pub(super) fn start_of(file: u32) -> Self {
        Self { file, offset: 0 }
    }
}

/// The name of a file, as `0000000042-2026-10-03.journal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    /// Its place among the files.
    pub(super) number: u32,
    /// The day it was begun.
    pub(super) date: Date,
}

impl FileName {
    fn parse(name: &str) -> Option<Self> {
        let (number, date) = name.strip_suffix(".journal")?.split_once('-')?;
        Some(Self { number: number.parse().ok()?, date: date.parse().ok()? })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}-{}.journal", self.number, self.date)
    }
}

/// The files of a journal, oldest first. Others in the folder are none of ours.
pub(super) fn files(folder: &Path) -> io::Result<Vec<FileName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().and_then(FileName::parse));
    }
    names.sort_unstable();
    Ok(names)
}

/// The calls to the system that can fail in the middle: tests put failing ones in their place.
pub(super) trait Medium: Send {
    /// Writes all of `octets` at `offset`.
    fn write(&mut self, file: &File, octets: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(octets, offset)
    }

    /// Waits until all that was written to the file is on disk.
    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The real disk.
pub(super) struct Disk;

impl Medium for Disk {}

/// The writing end.
pub(super) struct Journal {
    folder: PathBuf,
    keep: Span,
    medium: Box<dyn Medium>,
    /// The number that the next file takes.
    next: u32,
    current: Option<Current>,
    /// What was written and is not known to be on disk: after a failed fsync the system may have
    /// dropped it, so it is written again, into the next file.
    unsynced: Vec<u8>,
}

/// The file that is being written.
struct Current {
    name: FileName,
    file: File,
    /// The end of its last good record.
    end: u64,
}

impl Journal {
    /// A journal after the files that are there. Creates none before there is something to write.
    pub(super) fn open(folder: &Path, keep: std::time::Duration, medium: Box<dyn Medium>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // A new folder's name must be on disk as its files are; a parent that may not be read
        // was not made by us.
        let parents = folder.ancestors().skip(1).take(2);
        parents.filter_map(|parent| File::open(parent).ok()).try_for_each(|parent| parent.sync_all())?;
        let next = files(folder)?.last().map_or(0, |newest| newest.number.saturating_add(1));
        let days = i64::try_from(keep.as_secs() / 86_400).unwrap_or(i64::MAX).min(1_000_000);
        let keep = Span::new().days(days);
        Ok(Self { folder: folder.into(), keep, medium, next, current: None, unsynced: Vec::new() })
    }

    /// The place after all that was written.
    pub(super) fn end(&self) -> Position {
        match &self.current {
            Some(current) => Position { file: current.name.number, offset: current.end },
            None => Position::start_of(self.next),
        }
    }

    /// Whether something is written that is not known to be on disk.
    pub(super) fn is_unsynced(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// Whether so much is written that it should go to disk though nobody waits for that.
    pub(super) fn is_sync_due(&self) -> bool {
        self.unsynced.len() > UNSYNCED
    }

    /// Writes `frames`, all of them or none.
    pub(super) fn append(&mut self, frames: &[u8], now: Timestamp) -> io::Result<()> {
        self.turn_the_day(now);
        self.begin_if_needed(now)?;
        self.write(frames)?;
        self.unsynced.extend(frames);
        Ok(())
    }

    /// Brings all that was written to the disk.
    ///
    /// A failure is never retried on the same file: the system reports a lost page once, and the
    /// next fsync would succeed without it. So the next write begins a new file, with all that
    /// was in doubt. Records twice in the journal change nothing.
    pub(super) fn sync(&mut self, now: Timestamp) -> io::Result<()> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        self.begin_if_needed(now)?;
        let Some(current) = &self.current else { return Ok(()) };
        if let Err(failure) = self.medium.sync(&current.file) {
            error!(file = %current.name, %failure, "the journal could not be brought to disk: going on in a new file");
            self.current = None;
            return Err(failure);
        }
        self.unsynced.clear();
        Ok(())
    }

    /// Leaves yesterday's file. What could not be brought to disk goes into today's.
    fn turn_the_day(&mut self, now: Timestamp) {
        if self.current.as_ref().is_some_and(|current| current.name.date != date(now)) {
            if let Err(failure) = self.sync(now) {
                warn!(%failure, "yesterday's last records are written again today");
            }
            self.current = None;
        }
    }

    fn begin_if_needed(&mut self, now: Timestamp) -> io::Result<()> {
        if self.current.is_some() {
            return Ok(());
        }
        self.current = Some(self.begin(now)?);
        let doubtful = std::mem::take(&mut self.unsynced);
        let again = self.write(&doubtful);
        self.unsynced = doubtful;
        if again.is_err() {
            self.current = None;
        }
        again
    }

    /// Creates the next file; its name is on disk before anything is written into it.
    fn begin(&mut self, now: Timestamp) -> io::Result<Current> {
        let name = FileName { number: self.next, date: date(now) };
        self.next = self.next.saturating_add(1);
        let path = self.folder.join(name.to_string());
        // Customers' addresses are in it.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        if let Err(failure) = self.prepare(&file) {
            // Best effort: a reader passes over a file without its first line, but says so.
            let _ = fs::remove_file(&path);
            return Err(failure);
        }
        self.drop_old(now);
        Ok(Current { name, file, end: MAGIC.len() as u64 })
    }

    fn prepare(&mut self, file: &File) -> io::Result<()> {
        self.medium.write(file, MAGIC, 0)?;
        self.medium.sync(&File::open(&self.folder)?)
    }

    /// Writes after the last good record; what was written in part is cut off again.
    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Err(io::Error::other("no journal file is open")) };
        if let Err(failure) = self.medium.write(&current.file, frames, current.end) {
            warn!(file = %current.name, %failure, "could not write to the journal");
            if current.file.set_len(current.end).is_err() {
                self.current = None;
            }
            return Err(failure);
        }
        current.end += frames.len() as u64;
        Ok(())
    }

    /// Drops the files past keeping. The newest stays: numbers must not begin again.
    pub(super) fn drop_old(&self, now: Timestamp) {
        let Ok(oldest_kept) = date(now).checked_sub(self.keep) else { return };
        let names = files(&self.folder).unwrap_or_default();
        let (_, candidates) = names.split_last().unwrap_or((&FileName { number: 0, date: oldest_kept }, &[]));
        for name in candidates.iter().filter(|name| name.date < oldest_kept) {
            match fs::remove_file(self.folder.join(name.to_string())) {
                Ok(()) => info!(file = %name, "dropped a journal file past keeping"),
                Err(failure) => warn!(file = %name, %failure, "could not drop a journal file past keeping"),
            }
        }
    }
}

fn date(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
