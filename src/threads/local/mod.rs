//! The memory of threads on disk: a journal, and an index over it.
//!
//! ```text
//! state_dir/lock                               one process at a time
//! state_dir/journal/0000000042-2026-10-03.journal   the truth: every record, in order
//! state_dir/index/                             sled; may be deleted while nobody uses it
//! state_dir/index.broken/                      the last index that had to be set aside
//! ```
//!
//! Learners hand their records to one writer thread and wait; look-ups read the index on the
//! caller's own thread. The index can always be made again from the journal, and nothing about it
//! keeps the daemon from starting.

mod writer;

mod frame;
mod journal;
mod reader;

mod index;
mod keeper;
mod sight;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use self::journal::{Disk, Journal, Medium};
pub use self::keeper::Damage;
use self::keeper::{Keeper, Place};
use self::sight::{NoAnswer, Sight};
use self::writer::{Learning, Order, Waiter, Writer};
use super::entry::{Horizon, Keeping};
use super::{Bookmark, Bounced, Count, Durability, Found, Named, Query, Record, Settings, Story, Unavailable};

/// Learners that may wait at once; more wait for a place.
const PLACES: usize = 1024;

/// Slices of the journal that are replayed before the memory opens: about a second. What is longer
/// goes on behind the open door.
const REPLAYED_FIRST: usize = 100;

/// How long an index that broke in use rests before it is rebuilt.
const REST: Duration = Duration::from_secs(5);

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in it.
    #[error(
        "the state directory {} is in use by another process, a daemon or `sincerely threads`: stop the other sincerely, or give this one a state_dir of its own",
        .0.display()
    )]
    InUse(PathBuf),
    /// The system refuses something in it.
    #[error("cannot use {}: {source}; it must be a folder that this user may write to, on a disk with room", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses a thread.
    #[error("cannot start the thread that writes the journal: {0}")]
    Thread(#[source] io::Error),
}

/// The memory of threads in a state directory.
///
/// Dropping it waits, as [`Local::close`] does, until all that was learned is on disk.
pub struct Local {
    /// `None` while it ends.
    orders: Option<mpsc::Sender<Order>>,
    writer: Option<JoinHandle<()>>,
    places: Arc<Semaphore>,
    sight: Arc<Sight>,
    keeping: Keeping,
    damage: Option<Damage>,
}

/// Who opens it, and what tests choose.
struct Circumstances {
    medium: Box<dyn Medium>,
    boot: Option<String>,
    replayed_first: usize,
    rest: Duration,
    /// A visitor drops nothing: only who serves knows how long things are kept here.
    is_visit: bool,
}

impl Circumstances {
    fn real() -> Self {
        Self { medium: Box::new(Disk), boot: boot_id(), replayed_first: REPLAYED_FIRST, rest: REST, is_visit: false }
    }

    fn of_visit() -> Self {
        Self { is_visit: true, ..Self::real() }
    }
}

impl Local {
    /// Opens the memory in `state_dir`, which is created where it is missing.
    ///
    /// Blocks for as long as sled takes to open and a short replay lasts; a long one goes on
    /// afterwards, and look-ups are unavailable until it is done.
    ///
    /// # Errors
    /// When the directory is in use or cannot be written. Never for the state of the index.
    pub fn open(state_dir: &Path, settings: Settings, now: jiff::Timestamp) -> Result<Self, OpenError> {
        Self::open_in(state_dir, settings, now, Circumstances::real())
    }

    /// Opens the memory for a command that looks at it for a moment, as [`Local::open`] does. Whatever `settings`
    /// and the clock say, nothing is dropped, from the journal or from the index: they may be those of another
    /// configuration. They say only what is told.
    ///
    /// # Errors
    /// As [`Local::open`].
    pub fn visit(state_dir: &Path, settings: Settings, now: jiff::Timestamp) -> Result<Self, OpenError> {
        Self::open_in(state_dir, settings, now, Circumstances::of_visit())
    }

    fn open_in(
        state_dir: &Path,
        settings: Settings,
        now: jiff::Timestamp,
        circumstances: Circumstances,
    ) -> Result<Self, OpenError> {
        let lock = lock(state_dir)?;
        let Circumstances { medium, boot, replayed_first, rest, is_visit } = circumstances;
        let kept = if is_visit { settings.clone().for_ever() } else { settings.clone() };
        let (folder, index) = (state_dir.join("journal"), state_dir.join("index"));
        private(&folder).map_err(|source| refused(&folder, source))?;
        if let Err(error) = private(&index) {
            tracing::warn!(%error, "the folder of the index cannot be made");
        }
        let journal = Journal::open(&folder, kept.keep, medium).map_err(|source| refused(&folder, source))?;
        journal.drop_old(now);

        let sight = Arc::new(Sight::default());
        let place = Place { journal: folder, index, cache: settings.cache, boot, rest };
        let mut keeper = Keeper::open(place, (&kept).into(), Arc::clone(&sight), journal.end());
        let damage = keeper.damage().cloned();
        for _ in 0..replayed_first {
            if !keeper.tend(journal.end()) {
                break;
            }
        }

        let (orders, receiver) = mpsc::channel();
        let writer = Writer { orders: receiver, journal, keeper, lock };
        let thread = thread::Builder::new().name("journal".into()).spawn(move || writer.run());
        let writer = thread.map_err(OpenError::Thread)?;
        let places = Arc::new(Semaphore::new(PLACES));
        Ok(Self { orders: Some(orders), writer: Some(writer), places, sight, keeping: (&settings).into(), damage })
    }

    /// What was wrong with the index that was there when it was opened, and set aside; `None` where it was used.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Learns `records`: all of them or, where it fails, perhaps some; they are as safe as
    /// `durability` says when it returns, and look-ups see them. Who stops waiting for it does not
    /// undo it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn learn(&self, records: Vec<Record>, durability: Durability) -> Result<(), Unavailable> {
        let mut frames = Vec::new();
        for record in &records {
            frame::encode(record, &mut frames).map_err(|error| Unavailable(error.to_string()))?;
        }
        let stopped = || Unavailable("the writer has stopped".into());
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| stopped())?;
        let (answer, answered) = oneshot::channel();
        let waiter = Waiter { answer, place };
        self.order(Order::Learn(Learning { frames, records, durability, waiter })).ok_or_else(stopped)?;
        answered.await.map_err(|_| stopped())?
    }

    /// Answers all questions of one message at once, on the caller's thread: asking the index takes
    /// microseconds, less than handing the question to another thread and back.
    ///
    /// # Errors
    /// When the index cannot answer, or is being rebuilt.
    pub async fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        let horizon = self.horizon();
        let answer = self.sight.ask(|source| super::recall::answer(source, &query, horizon));
        answer.map_err(|no_answer| self.tell(no_answer))
    }

    /// Tells the stories of the threads that are named so.
    ///
    /// # Errors
    /// As [`Local::look_up`].
    pub async fn stories(&self, named: Named) -> Result<Vec<Story>, Unavailable> {
        let (sight, horizon) = (Arc::clone(&self.sight), self.horizon());
        let telling = move || sight.ask_at_length(|source| super::recall::stories(source, &named, horizon));
        let told = tokio::task::spawn_blocking(telling).await.map_err(|error| Unavailable(error.to_string()))?;
        told.map_err(|no_answer| self.tell(no_answer))
    }

    /// Whether anything is remembered of a correspondent, folded, up to the moment `at`, by reading all of it.
    ///
    /// # Errors
    /// As [`Local::look_up`].
    pub async fn knows(&self, address: String, at: i64) -> Result<bool, Unavailable> {
        let sight = Arc::clone(&self.sight);
        let looking = move || sight.ask_at_length(|source| super::recall::knows(source, &address, at));
        let known = tokio::task::spawn_blocking(looking).await.map_err(|error| Unavailable(error.to_string()))?;
        known.map_err(|no_answer| self.tell(no_answer))
    }

    /// Counts what is remembered, by reading all of it.
    ///
    /// # Errors
    /// As [`Local::look_up`].
    pub async fn count(&self) -> Result<Count, Unavailable> {
        let (sight, horizon) = (Arc::clone(&self.sight), self.horizon());
        let counting = move || sight.ask_at_length(|source| super::recall::count(source, horizon));
        let counted = tokio::task::spawn_blocking(counting).await.map_err(|error| Unavailable(error.to_string()))?;
        counted.map_err(|no_answer| self.tell(no_answer))
    }

    /// A page of the mail that has failed, the newest first, by reading all of it.
    ///
    /// # Errors
    /// As [`Local::look_up`].
    pub async fn bounced(&self, before: Option<Bookmark>) -> Result<Vec<Bounced>, Unavailable> {
        let (sight, horizon) = (Arc::clone(&self.sight), self.horizon());
        let looking = move || sight.ask_at_length(|source| super::recall::bounced(source, before, horizon));
        let page = tokio::task::spawn_blocking(looking).await.map_err(|error| Unavailable(error.to_string()))?;
        page.map_err(|no_answer| self.tell(no_answer))
    }

    /// Ends the memory; all that was learned is on disk when it returns.
    pub async fn close(self) {
        // Only a runtime in its own end refuses; then the drop has been made here.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn horizon(&self) -> Horizon {
        self.keeping.horizon(crate::clock::now().as_second())
    }

    /// Tells the writer of an index that broke while it was asked.
    fn tell(&self, no_answer: NoAnswer) -> Unavailable {
        match &no_answer {
            NoAnswer::Broke(index, broken) => {
                // A writer that has ended has no index to rebuild.
                let _ = self.order(Order::IndexBroke(Arc::clone(index), broken.clone()));
            }
            NoAnswer::Away => {}
        }
        no_answer.into()
    }

    /// `None` when there is no writer any more.
    fn order(&self, order: Order) -> Option<()> {
        self.orders.as_ref()?.send(order).ok()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.orders = None;
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the thread that writes the journal panicked");
        }
    }
}

/// Takes the state directory for this process; let go of with the file. It holds customers'
/// addresses: where we create it, it is nobody else's to read.
///
/// # Errors
/// When another process has it, or it cannot be made.
pub fn lock(state_dir: &Path) -> Result<File, OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(|source| refused(state_dir, source))?;
    let path = state_dir.join("lock");
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|source| refused(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(state_dir.into())),
        Err(TryLockError::Error(source)) => Err(refused(&path, source)),
    }
}

/// Makes a folder that only its owner enters, whatever the state directory and the umask let others
/// do. So nobody else reads the files in it; one that an earlier start left open is closed.
fn private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    // What is no folder, or a link to nowhere, is for its user to complain of.
    let open = |found: fs::Metadata| found.is_dir() && found.permissions().mode() & 0o077 != 0;
    if fs::metadata(folder).is_ok_and(open)
        && let Err(error) = fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    {
        tracing::warn!(folder = %folder.display(), %error, "others may read what is remembered");
    }
    Ok(())
}

fn refused(path: &Path, source: io::Error) -> OpenError {
    OpenError::Folder { path: path.into(), source }
}

/// Names this run of the machine: what it wrote without an fsync may be gone in another.
fn boot_id() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

#[cfg(test)]
mod tests;
