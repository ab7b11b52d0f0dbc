//! What is kept of the people of pools: when each had their last turn, and which threads wait for whom.
//!
//! Times of turns only rise, and the newest stay. Whether a thread waits is nothing but what the thread itself says
//! of it, written down where it can be counted.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::acquaintance::note;
use super::entry::{Entry, Horizon};
use crate::mail::PersonName;

/// People of one pool, also of earlier days.
const PEOPLE: usize = 1000;
/// Threads of one person that are counted: whoever has more gets nothing new anyway, as long as another has fewer.
pub(super) const COUNTED: usize = 1000;

/// The turns of one pool.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TurnsEntry {
    /// In milliseconds.
    turns: Vec<(PersonName, i64)>,
}

impl TurnsEntry {
    /// Somebody had their turn.
    pub(super) fn took(&mut self, person: &PersonName, at: i64) {
        note(&mut self.turns, person.clone(), at, PEOPLE);
    }

    /// Who had their last turn when, in milliseconds.
    pub(super) fn turns(self) -> HashMap<PersonName, i64> {
        self.turns.into_iter().collect()
    }
}

impl Entry for TurnsEntry {
    const KIND: u8 = b'p';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.turns.retain(|(_, at)| at.div_euclid(1000) >= horizon.ids);
        !self.turns.is_empty()
    }
}

/// A thread that waits for an answer of one person: it is under a key of both, which goes once it waits no longer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WaitingEntry {
    /// When the customer wrote.
    pub(super) asked: i64,
}

impl Entry for WaitingEntry {
    const KIND: u8 = b'q';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.asked >= horizon.waiting
    }
}
