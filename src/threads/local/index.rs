//! The index over the journal: a sled database. The only file that names sled.
//!
//! sled 0.34.7 is trusted with nothing. Its `flush` calls `sync_file_range`, which does not
//! survive a power cut, so it is not called at each batch: the journal is the truth, and a mark in
//! the same batch says up to where the index has taken it in. Users report databases that do not
//! open after an abrupt stop, and sled panics where others return errors: so every entrance is
//! guarded, and an index that fails in any way is [`Broken`], set aside and rebuilt.

use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use super::journal::Position;
use crate::threads::store::{Broken, Changes, Pair, Source};

/// The version of the entries' format; an index of another version is rebuilt.
const VERSION: u32 = 5;

/// The key of the mark: before all kinds of entries.
const MARK: &[u8] = b"\0mark";

/// The smallest cache to run with; sled panics below a few hundred octets.
const SMALLEST_CACHE: u64 = 1 << 20;

/// How often, and after what pause, a locked file is tried again.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// What the index says of itself; written with each batch, so that it is true of what it stands with.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Mark {
    version: u32,
    /// Up to where the journal has been taken in.
    pub(super) applied: Position,
    /// The machine's boot id at that time; `None` where it could not be told.
    pub(super) boot: Option<String>,
    /// Whether the index was closed, and all of it brought to disk.
    pub(super) clean: bool,
}

impl Mark {
    /// A mark of an index in use.
    pub(super) fn new(applied: Position, boot: Option<String>) -> Self {
        Self { version: VERSION, applied, boot, clean: false }
    }
}

/// An open index.
pub(super) struct Index {
    tree: Tree,
}

impl Index {
    /// Opens the index in `folder`, or creates it; returns its mark, if it has one.
    pub(super) fn open(folder: &Path, cache: u64) -> Result<(Self, Option<Mark>), Broken> {
        guarded(|| {
            let config = sled::Config::new().path(folder).cache_capacity(cache.max(SMALLEST_CACHE));
            let index = Self { tree: Tree(open_patiently(&config)?) };
            let mark = index.mark()?;
            Ok((index, mark))
        })
    }

    /// Asks the entries something.
    ///
    /// A key costs a few microseconds where sled has it in its cache, and a read of the disk where
    /// not: a message's look-up costs less than handing it to another thread and back, so this may
    /// be called on an asynchronous one. Asking for all entries may not.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&dyn Source) -> Result<T, Broken>) -> Result<T, Broken> {
        guarded(|| question(&self.tree))
    }

    /// Applies `changes` and the mark: all, or nothing.
    pub(super) fn apply(&self, changes: &Changes, mark: &Mark) -> Result<(), Broken> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        batch.insert(MARK, postcard::to_stdvec(mark).map_err(|error| Broken(error.to_string()))?);
        guarded(|| self.tree.0.apply_batch(batch).map_err(broken))
    }

    /// Brings the index to disk, with a mark that says so: what follows a clean mark is trusted
    /// also after a power cut. `folder` is where it was opened.
    pub(super) fn close(&self, mark: Mark, folder: &Path) -> Result<(), Broken> {
        self.flush(folder)?;
        self.apply(&Changes::new(), &Mark { clean: true, ..mark })?;
        self.flush(folder)
    }

    fn flush(&self, folder: &Path) -> Result<(), Broken> {
        guarded(|| self.tree.0.flush().map_err(broken))?;
        sync_files(folder).map_err(|failure| Broken(format!("cannot bring the index to disk: {failure}")))
    }

    fn mark(&self) -> Result<Option<Mark>, Broken> {
        let Some(octets) = self.tree.get(MARK)? else { return Ok(None) };
        let mark: Mark = postcard::from_bytes(&octets).map_err(|error| Broken(format!("its mark: {error}")))?;
        if mark.version == VERSION {
            return Ok(Some(mark));
        }
        Err(Broken(format!("it has the format {}, this version writes {VERSION}", mark.version)))
    }
}

/// sled locks its file, and threads of an index just closed may hold it a moment longer. Nobody else
/// can: the state directory has a lock of ours.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, Broken> {
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(sled::Error::Io(failure)) if failure.to_string().contains("could not acquire lock") => {
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened.map_err(broken),
        }
    }
    config.open().map_err(broken)
}

/// What sled's own `flush` leaves out.
fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::File::open(entry?.path())?.sync_all()?;
    }
    fs::File::open(folder)?.sync_all()
}

/// The entries, in sled's one default tree: so a batch holds entries and mark.
struct Tree(sled::Db);

impl Source for Tree {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        Ok(self.0.get(key).map_err(broken)?.map(|value| value.to_vec()))
    }

    fn scan<'a>(&'a self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Broken>> + 'a> {
        let pairs = self.0.range(from..to);
        Box::new(pairs.map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(broken)))
    }
}

/// Turns a panic inside sled into an answer. What it leaves behind is not used again: whoever sees
/// [`Broken`] sets the index aside.
fn guarded<T>(call: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(Broken(format!("sled panicked: {text}")))
    })
}

fn broken(error: sled::Error) -> Broken {
    Broken(error.to_string())
}

/// Where a folder is put that cannot be used.
pub(super) fn aside(folder: &Path) -> PathBuf {
    folder.with_extension("broken")
}

/// Moves a folder that cannot be used out of the way, for an operator to look at. The last one of
/// its kind is kept: they are large.
pub(super) fn set_aside(folder: &Path) -> io::Result<()> {
    let aside = aside(folder);
    match fs::remove_dir_all(&aside) {
        Err(failure) if failure.kind() != io::ErrorKind::NotFound => return Err(failure),
        Ok(()) | Err(_) => {}
    }
    match fs::rename(folder, &aside) {
        Err(failure) if failure.kind() != io::ErrorKind::NotFound => Err(failure),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_sled_is_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (index, mark) = Index::open(folder.path(), 0).unwrap();
        assert_eq!(mark, None);
        let answer: Result<(), Broken> = index.ask(|_| panic!("page {} is gone", 7));
        assert_eq!(answer, Err(Broken("sled panicked: page 7 is gone".into())));
    }

    #[test]
    fn entries_and_mark_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::new(Position { file: 3, offset: 70 }, Some("boot".into()));
        let (index, _) = Index::open(folder.path(), 0).unwrap();
        index.apply(&[(b"key".to_vec(), Some(b"value".to_vec()))].into(), &mark).unwrap();
        drop(index);
        let (index, found) = Index::open(folder.path(), 0).unwrap();
        assert_eq!(found, Some(mark));
        assert_eq!(index.ask(|tree| tree.get(b"key")), Ok(Some(b"value".to_vec())));
    }

    #[test]
    fn an_index_of_another_format_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let (index, _) = Index::open(folder.path(), 0).unwrap();
        index.apply(&Changes::new(), &Mark { version: VERSION + 1, ..Mark::default() }).unwrap();
        drop(index);
        assert!(Index::open(folder.path(), 0).is_err());
    }

    #[test]
    fn the_last_folder_set_aside_is_kept() {
        let state_dir = tempfile::tempdir().unwrap();
        let folder = state_dir.path().join("index");
        set_aside(&folder).unwrap();
        for content in ["first", "second"] {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("db"), content).unwrap();
            set_aside(&folder).unwrap();
        }
        assert!(!folder.exists());
        assert_eq!(fs::read_to_string(state_dir.path().join("index.broken/db")).unwrap(), "second");
    }
}
