//! The one thread that writes: journal first, then index.
//!
//! Each round drains the queue, and many learners share its costs:
//!
//! ```text
//! drain ─▶ one write ─▶ stage ─▶ wake who waits for `Written` ─▶ one fdatasync ─▶ index ─▶ wake who waits for `Disk`
//! ```
//!
//! Staged records are visible to look-ups though they are not yet in the index; the index never
//! holds what the disk may still lose. Where nobody waits for the disk, the fdatasync is put off
//! until somebody does, or some dozen kilobytes are waiting, or a tenth of a second passes with
//! nothing to do: a record that was only to be written may be lost in a power cut anyway.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::warn;

use super::index::Index;
use super::journal::Journal;
use super::keeper::Keeper;
use crate::threads::store::Broken;
use crate::threads::{Durability, Record, Unavailable};

/// The longest write, but for a single learner's.
const LONGEST_WRITE: usize = 4 << 20;
/// How long written records wait for the disk while there is nothing to do.
const PUT_OFF: Duration = Duration::from_millis(100);
/// How often a broken index is looked after.
const GLANCE: Duration = Duration::from_secs(1);
/// With nothing to do at all.
const LONG: Duration = Duration::from_hours(1);

/// What the writer is told.
pub(super) enum Order {
    /// Learn this.
    Learn(Learning),
    /// A look-up found the index broken.
    IndexBroke(Arc<Index>, Broken),
}

/// Records to learn, and who waits for it.
pub(super) struct Learning {
    /// The records as the journal holds them.
    pub(super) frames: Vec<u8>,
    /// The same as the index takes them.
    pub(super) records: Vec<Record>,
    /// How safe they must be.
    pub(super) durability: Durability,
    /// Who waits.
    pub(super) waiter: Waiter,
}

/// Someone who waits for an answer; holds a place in the queue until then.
pub(super) struct Waiter {
    /// Takes the answer.
    pub(super) answer: oneshot::Sender<Result<(), Unavailable>>,
    /// The place in the queue.
    pub(super) place: OwnedSemaphorePermit,
}

/// The writer.
pub(super) struct Writer {
    /// What to do; its end is the end of the writer.
    pub(super) orders: Receiver<Order>,
    /// The truth.
    pub(super) journal: Journal,
    /// The index over it.
    pub(super) keeper: Keeper,
    /// Holds the state directory. The last field: let go of when all else is closed.
    pub(super) lock: File,
}

/// What one round learns.
#[derive(Default)]
struct Batch {
    frames: Vec<u8>,
    records: Vec<Record>,
    written: Vec<Waiter>,
    disk: Vec<Waiter>,
    /// Nothing came in while the writer waited.
    idle: bool,
}

impl Writer {
    /// Works until nobody can give it orders any more, and leaves everything on disk.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            self.commit(batch);
            self.tend();
        }
        self.close();
    }

    fn next_batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        match self.orders.recv_timeout(self.patience()) {
            Ok(order) => self.take(order, &mut batch),
            Err(RecvTimeoutError::Timeout) => batch.idle = true,
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        while batch.frames.len() < LONGEST_WRITE {
            let Ok(order) = self.orders.try_recv() else { break };
            self.take(order, &mut batch);
        }
        Some(batch)
    }

    fn patience(&self) -> Duration {
        if self.keeper.is_behind() {
            Duration::ZERO
        } else if self.journal.is_unsynced() {
            PUT_OFF
        } else if self.keeper.is_broken() {
            GLANCE
        } else {
            LONG
        }
    }

    fn take(&mut self, order: Order, batch: &mut Batch) {
        match order {
            Order::Learn(learning) => {
                batch.frames.extend(learning.frames);
                batch.records.extend(learning.records);
                match learning.durability {
                    Durability::Written => batch.written.push(learning.waiter),
                    Durability::Disk => batch.disk.push(learning.waiter),
                }
            }
            Order::IndexBroke(index, broken) => self.keeper.broke(&index, &broken),
        }
    }

    /// Makes a batch as safe as it must be, in the order that the head of this file gives.
    fn commit(&mut self, batch: Batch) {
        let Batch { frames, records, written, disk, idle } = batch;
        let now = crate::clock::now();
        if !frames.is_empty()
            && let Err(failure) = self.journal.append(&frames, now)
        {
            let refusal = Err(unavailable(&failure));
            return answer(written.into_iter().chain(disk), &refusal);
        }
        self.keeper.stage(&records);
        answer(written, &Ok(()));
        if disk.is_empty() && !idle && !self.journal.is_sync_due() && !self.keeper.is_behind() {
            return;
        }
        let synced = self.journal.sync(now);
        if synced.is_ok() {
            self.keeper.settle(self.journal.end());
        }
        answer(disk, &synced.map_err(|failure| unavailable(&failure)));
        self.keeper.sweep(now.as_second());
    }

    /// Looks after the index, which may take in only what is on disk.
    fn tend(&mut self) {
        if !self.journal.is_unsynced() {
            self.keeper.tend(self.journal.end());
        }
    }

    fn close(mut self) {
        let now = crate::clock::now();
        // Where the first one fails, the second one is another file's.
        match self.journal.sync(now).or_else(|_| self.journal.sync(now)) {
            Ok(()) => self.keeper.settle(self.journal.end()),
            Err(failure) => warn!(%failure, "the last records may not be on disk"),
        }
        self.keeper.close(self.journal.end());
        drop(self.keeper);
        drop(self.lock);
    }
}

fn answer(waiters: impl IntoIterator<Item = Waiter>, answer: &Result<(), Unavailable>) {
    for waiter in waiters {
        // Who has stopped waiting has lost nothing.
        let _ = waiter.answer.send(answer.clone());
        drop(waiter.place);
    }
}

fn unavailable(failure: &io::Error) -> Unavailable {
    Unavailable(format!("the journal cannot be written: {failure}"))
}
