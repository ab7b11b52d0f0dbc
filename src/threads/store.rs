//! What the index needs of a place to keep its entries: bytes under bytes, in order.
//!
//! Writes are values ([`Changes`]), so that the same logic serves a map in memory and sled, and so
//! that what is not yet applied can already be read: a [`View`] lays changes over what is below.

use std::collections::BTreeMap;

use super::Unavailable;

/// A key and what is kept under it.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// What becomes of keys: a new value, or `None` where the key goes.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The index cannot be read or written; the journal can rebuild it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub(super) String);

impl From<Broken> for Unavailable {
    fn from(broken: Broken) -> Self {
        Self(broken.0)
    }
}

/// A place to read entries from.
pub(super) trait Source {
    /// What is kept under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken>;

    /// All pairs with keys from `from` up to, not including, `to`. In the order of the keys, but
    /// for a [`View`].
    fn scan<'a>(&'a self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Broken>> + 'a>;
}

impl Source for BTreeMap<Vec<u8>, Vec<u8>> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        Ok(Self::get(self, key).cloned())
    }

    fn scan<'a>(&'a self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Broken>> + 'a> {
        Box::new(self.range(from.to_vec()..to.to_vec()).map(|(key, value)| Ok((key.clone(), value.clone()))))
    }
}

/// Changes over what is below them, read as one.
pub(super) struct View<'a> {
    /// What was there.
    pub(super) below: &'a dyn Source,
    /// What has changed since.
    pub(super) changes: &'a Changes,
}

impl Source for View<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        self.changes.get(key).map_or_else(|| self.below.get(key), |changed| Ok(changed.clone()))
    }

    fn scan<'a>(&'a self, from: &[u8], to: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Broken>> + 'a> {
        let unchanged = |pair: &Result<Pair, Broken>| !matches!(pair, Ok((key, _)) if self.changes.contains_key(key));
        let changed = self.changes.range(from.to_vec()..to.to_vec());
        let written = changed.filter_map(|(key, value)| Some(Ok((key.clone(), value.clone()?))));
        Box::new(self.below.scan(from, to).filter(unchanged).chain(written))
    }
}

/// Puts `changes` into a map.
pub(super) fn settle(map: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}
