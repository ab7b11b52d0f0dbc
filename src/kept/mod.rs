//! What was forwarded with a return path of ours, kept for a few days, so that it is not lost where the inbox bounces
//! it later.
//!
//! A file for each message below `state_dir/copies/`, in a folder for each quarter of an hour or so, under the name of
//! each copy. It is written while the message is handed on, and not fsynced: what a power cut takes, the bounce itself
//! usually returns, and a message must never fail or wait for the sake of its copy. Bounded by time and by space, the
//! oldest go first. How often anything may be sent again is not decided here.

mod sheet;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::mail::{Address, CopyId};

pub use sheet::{Damaged, Forwarded, Share};

/// Figures of a copy's name that its folder has: those of its time but for the last twenty bits, some seventeen minutes.
const FOLDER: usize = 7;
/// The bits of a time, in milliseconds, that tell no folders apart.
const FOLDER_BITS: u32 = 20;
/// What a file takes of a disk is a multiple of this.
const BLOCK: u64 = 4096;
/// The part of the room that is made free at once where it is used up.
const FREED: u64 = 64;
/// Kibibytes of copies that are in memory to be sent again; a larger one is there alone.
const ROOM: u32 = 64 << 10;
/// How long what is past keeping may stay.
const SWEEP: Duration = Duration::from_hours(1);

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `relay.keep_copies_for`; zero: nothing is kept.
    pub keep_for: Duration,
    /// `relay.keep_bytes`.
    pub bytes: u64,
}

impl Default for Settings {
    /// Mail servers give up within five days. A gibibyte is some ten thousand messages of 100 KiB: what a company of
    /// a hundred people gets in such a time, and little beside a mail server's own queue.
    fn default() -> Self {
        Self { keep_for: Duration::from_hours(6 * 24), bytes: 1 << 30 }
    }
}

/// The kept copies of an installation.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Nothing where nothing is kept.
    store: Option<Arc<Store>>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct Store {
    root: PathBuf,
    settings: Settings,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    /// What the copies take of the disk; counted anew by each sweep.
    used: u64,
    /// It was said that there is no room for all.
    is_told: bool,
}

/// A copy that was found, as long as it is in memory.
#[derive(Debug)]
pub struct Found {
    /// How it came, and what became of it.
    pub forwarded: Forwarded,
    /// The message as it came.
    pub message: Bytes,
    _room: OwnedSemaphorePermit,
}

/// A copy could not be kept, or is not there in a way that it could be sent again.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The system refuses something.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("{}: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why it is not used.
        source: Damaged,
    },
    /// It cannot be encoded.
    #[error("it cannot be encoded: {0}")]
    Encoding(#[from] postcard::Error),
    /// The work ended before its time.
    #[error("the work broke off: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// A copy that is being written.
#[derive(Debug)]
#[must_use = "whoever forwards waits for it, so that a bounce finds it"]
pub struct Keeping(Option<JoinHandle<Result<(), KeptError>>>);

impl Kept {
    /// The copies below `state_dir`; nothing is made before the first one.
    pub fn new(state_dir: &Path, settings: Settings) -> Self {
        let is_on = !settings.keep_for.is_zero();
        let store = || Arc::new(Store { root: state_dir.join("copies"), settings, ledger: Mutex::default() });
        let room = usize::try_from(ROOM).unwrap_or(usize::MAX);
        Self { store: is_on.then(store), room: Arc::new(Semaphore::new(room)) }
    }

    /// Begins to keep a message, once for all of its copies.
    pub fn begin(&self, forwarded: Forwarded, message: Bytes) -> Keeping {
        let store = self.store.clone().filter(|_| !forwarded.shares.is_empty());
        Keeping(store.map(|store| spawn_blocking(move || store.keep(&forwarded, &message))))
    }

    /// Reads what was forwarded under a name; `None` where nothing is kept under it. `is_last`: also where it was sent
    /// to the fallback since.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is not what was written.
    pub async fn find(&self, copy: CopyId, is_last: bool) -> Result<Option<Found>, KeptError> {
        let Some(store) = self.store.clone() else { return Ok(None) };
        let names = store.names(copy, is_last);
        let Some((path, size)) = spawn_blocking(move || first_of(names)).await?? else { return Ok(None) };
        let kibibytes = u32::try_from(size / 1024 + 1).unwrap_or(ROOM).min(ROOM);
        // It is never closed.
        let Ok(room) = self.room.clone().acquire_many_owned(kibibytes).await else { return Ok(None) };
        let (forwarded, message) = spawn_blocking(move || read(path)).await??;
        Ok(Some(Found { forwarded, message, _room: room }))
    }

    /// The inboxes that a copy was handed to; nobody, where it is not kept.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is not what was written.
    pub async fn handed_to(&self, copy: CopyId) -> Result<Vec<Address>, KeptError> {
        let found = self.find(copy, true).await?;
        let shares = found.iter().flat_map(|found| &found.forwarded.shares);
        Ok(shares.filter(|share| share.copy == copy).flat_map(|share| share.to.clone()).collect())
    }

    /// What bounced has ended elsewhere. It stays for what becomes of that, and of other copies of it, and for nothing else;
    /// `is_last`: not even for that.
    ///
    /// # Errors
    /// Of the file system.
    pub async fn spend(&self, copy: CopyId, is_last: bool) -> Result<(), KeptError> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        let spend = move || {
            let [path, last] = store.paths(copy);
            if is_last { store.remove(&last) } else { fs::rename(&path, &last).map_err(about(&path)) }
        };
        spawn_blocking(spend).await?
    }

    /// Nobody needs these copies any more.
    ///
    /// # Errors
    /// Of the file system. What is not there is no error.
    pub async fn let_go(&self, copies: Vec<CopyId>) -> Result<(), KeptError> {
        let Some(store) = self.store.clone().filter(|_| !copies.is_empty()) else { return Ok(()) };
        let remove = move || copies.into_iter().flat_map(|copy| store.paths(copy)).try_for_each(|it| store.remove(&it));
        spawn_blocking(remove).await?
    }

    /// Removes what is past keeping at the moment `now`, and counts what the rest takes.
    ///
    /// # Errors
    /// Of the file system; what could be removed was.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), KeptError> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        spawn_blocking(move || store.sweep(now)).await?
    }

    /// Removes what is past keeping, at once and every hour, and says where that fails. It never ends.
    pub async fn sweep_every_hour(&self, now: impl Fn() -> Timestamp, failed: impl Fn(&KeptError)) {
        let mut hours = tokio::time::interval(SWEEP);
        loop {
            hours.tick().await;
            if let Err(error) = self.sweep(now()).await {
                failed(&error);
            }
        }
    }
}

impl Keeping {
    /// Waits until it is written.
    ///
    /// # Errors
    /// When it could not be.
    pub async fn end(self) -> Result<(), KeptError> {
        match self.0 {
            Some(work) => work.await?,
            None => Ok(()),
        }
    }
}

impl Store {
    /// The file of a copy, and the one that it becomes when the fallback was sent it.
    fn paths(&self, copy: CopyId) -> [PathBuf; 2] {
        let name = copy.to_string();
        let folder = self.root.join(name.get(..FOLDER).unwrap_or(&name));
        [folder.join(&name), folder.join(format!("{name}.last"))]
    }

    fn names(&self, copy: CopyId, is_last: bool) -> Vec<PathBuf> {
        self.paths(copy).into_iter().take(if is_last { 2 } else { 1 }).collect()
    }

    fn keep(&self, forwarded: &Forwarded, message: &Bytes) -> Result<(), KeptError> {
        let sheet = forwarded.write(message)?;
        self.make_room(on_disk((sheet.len() + message.len()) as u64))?;
        let mut paths = forwarded.shares.iter().map(|share| self.paths(share.copy)).map(|[path, _]| path);
        let Some(first) = paths.next() else { return Ok(()) };
        write_file(&first, &[&sheet, message]).map_err(about(&first))?;
        paths.try_for_each(|path| link(&first, &path).map_err(about(&path)))
    }

    /// Takes `size` octets of the room, where others go if they must: the oldest.
    fn make_room(&self, size: u64) -> Result<(), KeptError> {
        let Settings { bytes, .. } = self.settings;
        let mut ledger = self.lock();
        ledger.used = ledger.used.saturating_add(size);
        if ledger.used <= bytes {
            return Ok(());
        }
        if !std::mem::replace(&mut ledger.is_told, true) {
            tracing::warn!(
                bytes,
                "the copies of forwarded mail have no room for all of relay.keep_copies_for: the oldest go (relay.keep_bytes)"
            );
        }
        let enough = bytes.saturating_sub(bytes / FREED).max(size);
        for folder in self.folders()? {
            for path in files(&folder)? {
                if ledger.used <= enough {
                    return Ok(());
                }
                ledger.used = ledger.used.saturating_sub(remove(&path)?);
            }
            // Whoever writes into it just now makes it again.
            let _ = fs::remove_dir(&folder);
        }
        Ok(())
    }

    fn sweep(&self, now: Timestamp) -> Result<(), KeptError> {
        let keep_for = i64::try_from(self.settings.keep_for.as_millis()).unwrap_or(i64::MAX);
        let horizon = now.as_millisecond().saturating_sub(keep_for);
        let mut used = 0_u64;
        for folder in self.folders()? {
            let is_old = end_of(&folder).is_some_and(|end| end <= horizon);
            for path in files(&folder)? {
                if is_old {
                    remove(&path)?;
                } else {
                    used = used.saturating_add(share_of_disk(&path)?);
                }
            }
            if is_old {
                fs::remove_dir(&folder).map_err(about(&folder))?;
            }
        }
        self.lock().used = used;
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), KeptError> {
        let freed = remove(path)?;
        let mut ledger = self.lock();
        ledger.used = ledger.used.saturating_sub(freed);
        Ok(())
    }

    /// The folders of copies, the oldest first; nothing else that lies there.
    fn folders(&self) -> Result<Vec<PathBuf>, KeptError> {
        let mut folders = entries(&self.root)?;
        folders.retain(|folder| end_of(folder).is_some());
        folders.sort_unstable();
        Ok(folders)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // A panic while it was held leaves a count that the next sweep mends.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the time of a folder ends, in milliseconds; `None` where it is none of ours.
fn end_of(folder: &Path) -> Option<i64> {
    let name = folder.file_name()?.to_str().filter(|name| name.len() == FOLDER)?;
    let number = i64::from_str_radix(name, 16).ok()?;
    Some((number + 1) << FOLDER_BITS)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, KeptError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(about(folder)(error)),
        Ok(entries) => {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<io::Result<_>>().map_err(about(folder))
        }
    }
}

/// The files of a folder, the oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, KeptError> {
    let mut files = entries(folder)?;
    files.sort_unstable();
    Ok(files)
}

fn write_file(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    // Mail is private: nobody but the daemon's user reads it.
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = open().or_else(|error| made(path, error).and_then(|()| open()));
    let written = file.and_then(|mut file| pieces.iter().try_for_each(|piece| file.write_all(piece)));
    if written.is_err() {
        // Half a message is none; that it could not be written is what is told.
        let _ = fs::remove_file(path);
    }
    written
}

fn link(first: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(first, path).or_else(|error| made(path, error).and_then(|()| fs::hard_link(first, path)))
}

/// Makes the folder of a file that is missing; any other error stays what it was.
fn made(path: &Path, error: io::Error) -> io::Result<()> {
    let folder = path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound).ok_or(error)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes a name; the octets that are free by that. What is not there any more frees none.
fn remove(path: &Path) -> Result<u64, KeptError> {
    let freed = fs::metadata(path).map(|file| if file.nlink() == 1 { on_disk(file.len()) } else { 0 });
    match freed.and_then(|freed| fs::remove_file(path).map(|()| freed)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        freed => freed.map_err(about(path)),
    }
}

/// What a name takes of the disk: its part, where a file has several.
fn share_of_disk(path: &Path) -> Result<u64, KeptError> {
    match fs::metadata(path) {
        Ok(file) => Ok(on_disk(file.len()) / file.nlink().max(1)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(about(path)(error)),
    }
}

fn on_disk(octets: u64) -> u64 {
    octets.next_multiple_of(BLOCK)
}

/// The first of several files that is there, and its size.
fn first_of(paths: Vec<PathBuf>) -> Result<Option<(PathBuf, u64)>, KeptError> {
    for path in paths {
        match fs::metadata(&path) {
            Ok(file) => return Ok(Some((path, file.len()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(about(&path)(error)),
        }
    }
    Ok(None)
}

fn read(path: PathBuf) -> Result<(Forwarded, Bytes), KeptError> {
    let file = Bytes::from(fs::read(&path).map_err(about(&path))?);
    match Forwarded::read(&file) {
        Ok((forwarded, at)) => Ok((forwarded, file.slice(at..))),
        Err(source) => Err(KeptError::Damaged { path, source }),
    }
}

fn about(path: &Path) -> impl Fn(io::Error) -> KeptError + use<'_> {
    move |source| KeptError::File { path: path.into(), source }
}

#[cfg(test)]
mod tests;
