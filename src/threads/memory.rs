//! The memory of threads without a disk: for tests, `demo` and `explain`.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::entry::{Horizon, Keeping};
use super::index::Draft;
use super::{Bookmark, Bounced, Count, Found, Named, Query, Record, Settings, Story, Unavailable};
use super::{recall, store};

/// The index over a map; what it learned ends with it.
pub struct Memory {
    keeping: Keeping,
    entries: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Memory {
    /// An empty memory.
    pub fn new(settings: Settings) -> Self {
        Self { keeping: (&settings).into(), entries: RwLock::default() }
    }

    /// Learns `records`: all of them, or none.
    ///
    /// # Errors
    /// When an entry cannot be encoded, which the records' types leave no room for.
    pub fn learn(&self, records: Vec<Record>) -> Result<(), Unavailable> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut draft = Draft::over(&*entries, self.keeping);
        records.iter().try_for_each(|record| draft.apply(record))?;
        let changes = draft.into_changes();
        store::settle(&mut entries, changes);
        Ok(())
    }

    /// Answers all questions of one message at once.
    ///
    /// # Errors
    /// Never, as long as entries can be decoded as they were encoded.
    pub fn look_up(&self, query: &Query) -> Result<Found, Unavailable> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(recall::answer(&*entries, query, self.horizon())?)
    }

    /// Tells the stories of the threads that are named so.
    ///
    /// # Errors
    /// As [`Memory::look_up`].
    pub fn stories(&self, named: &Named) -> Result<Vec<Story>, Unavailable> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(recall::stories(&*entries, named, self.horizon())?)
    }

    /// Whether anything is remembered of a correspondent, folded, up to the moment `at`.
    ///
    /// # Errors
    /// As [`Memory::look_up`].
    pub fn knows(&self, address: &str, at: i64) -> Result<bool, Unavailable> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(recall::knows(&*entries, address, at)?)
    }

    /// A page of the mail that has failed, the newest first.
    ///
    /// # Errors
    /// As [`Memory::look_up`].
    pub fn bounced(&self, before: Option<Bookmark>) -> Result<Vec<Bounced>, Unavailable> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(recall::bounced(&*entries, before, self.horizon())?)
    }

    /// Counts what is remembered.
    ///
    /// # Errors
    /// As [`Memory::look_up`].
    pub fn count(&self) -> Result<Count, Unavailable> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(recall::count(&*entries, self.horizon())?)
    }

    fn horizon(&self) -> Horizon {
        self.keeping.horizon(crate::clock::now().as_second())
    }
}
