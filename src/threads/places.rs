//! Which of a thread's correspondents a mail went to, by their places in its list.
//!
//! Recipients of one mail stand side by side in that list, so runs of places are kept: two thousand
//! recipients take four octets.

use serde::{Deserialize, Serialize};

/// Runs that are kept apart; beyond that the last ones become one, and the mail is told of a few more
/// customers than it went to.
const RUNS: usize = 32;

/// A set of places; it only grows, and what it covers stays covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places(Vec<(u16, u16)>);

impl Places {
    /// Adds a place.
    pub(super) fn add(&mut self, place: u16) {
        if self.iter_runs().any(|run| run.contains(&place)) {
            return;
        }
        self.0.push((place, place.saturating_add(1)));
        self.0.sort_unstable();
        self.0.dedup_by(|next, run| {
            let is_one = run.1 == next.0;
            run.1 = if is_one { next.1 } else { run.1 };
            is_one
        });
        while self.0.len() > RUNS
            && let Some((_, end)) = self.0.pop()
            && let Some(last) = self.0.last_mut()
        {
            last.1 = end;
        }
    }

    /// Adds all that another set has.
    pub(super) fn extend(&mut self, other: &Self) {
        other.iter().for_each(|place| self.add(place));
    }

    /// The places, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        self.iter_runs().flatten()
    }

    fn iter_runs(&self) -> impl Iterator<Item = std::ops::Range<u16>> {
        self.0.iter().map(|(from, to)| *from..*to)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn all(places: impl IntoIterator<Item = u16>) -> Places {
        let mut all = Places::default();
        places.into_iter().for_each(|place| all.add(place));
        all
    }

    #[test]
    fn a_mailing_is_one_run() {
        assert_eq!(all(0..2000).0, [(0, 2000)]);
        assert_eq!(all([3, 1, 2, 7]).0, [(1, 4), (7, 8)]);
    }

    proptest! {
        #[test]
        fn what_was_added_is_there_and_changes_nothing_again(places in prop::collection::vec(0..300_u16, 0..120)) {
            let mut set = all(places.clone());
            let told: BTreeSet<u16> = set.iter().collect();
            let added: BTreeSet<u16> = places.iter().copied().collect();
            prop_assert!(told.is_superset(&added));
            prop_assert!(set.0.len() <= RUNS);
            prop_assert!(told.iter().take(RUNS - 1).all(|place| added.contains(place)), "only the last are of others too");
            let before = set.clone();
            places.into_iter().for_each(|place| set.add(place));
            prop_assert_eq!(set, before);
        }
    }
}
