//! Once: the same mail does not reach one destination twice, also while the first copy is under way.
//!
//! What is *done* is remembered by [`crate::threads`]; this is the other half, what is *in flight*:
//! a second copy waits for the first, then asks the memory again. Claims live in memory only, since
//! a crash ends what was in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use crate::threads::{DestinationHash, Fingerprint};

type Key = (Fingerprint, DestinationHash);
type Turn = Arc<tokio::sync::Mutex<()>>;

/// The legs in flight.
#[derive(Default)]
pub struct Once {
    turns: Arc<Mutex<HashMap<Key, Turn>>>,
}

/// The right to be the only one who sends a message to a destination; ends when dropped.
pub struct Claim {
    turns: Arc<Mutex<HashMap<Key, Turn>>>,
    key: Key,
    // Taken on drop, so that the turn is free before the map is tidied.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Once {
    /// Waits until nobody else sends this message to this destination; `None` after `deadline`.
    pub async fn claim(&self, twin: Fingerprint, destination: DestinationHash, deadline: Instant) -> Option<Claim> {
        let key = (twin, destination);
        let turn = lock(&self.turns).entry(key).or_default().clone();
        let guard = timeout_at(deadline, turn.lock_owned()).await.ok();
        // Made in any case, so that its drop tidies the map.
        let claim = Claim { turns: self.turns.clone(), key, guard };
        claim.guard.is_some().then_some(claim)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = lock(&self.turns);
        // Two: the map's own and the one that is being asked for; nobody else waits.
        if turns.get(&self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.key);
        }
    }
}

fn lock(turns: &Mutex<HashMap<Key, Turn>>) -> std::sync::MutexGuard<'_, HashMap<Key, Turn>> {
    // A panic while it was held cannot leave the map half-changed: every change is one call.
    turns.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TWIN: Fingerprint = Fingerprint([1; 16]);
    const TO: DestinationHash = DestinationHash([2; 8]);

    #[tokio::test(start_paused = true)]
    async fn a_second_copy_waits_for_the_first() {
        let once = Once::default();
        let soon = || Instant::now() + Duration::from_secs(1);
        let first = once.claim(TWIN, TO, soon()).await;
        assert!(first.is_some());
        assert!(once.claim(TWIN, TO, soon()).await.is_none(), "the first is still under way");
        assert!(once.claim(TWIN, DestinationHash([3; 8]), soon()).await.is_some(), "another destination is free");
        drop(first);
        assert!(once.claim(TWIN, TO, soon()).await.is_some());
        assert!(lock(&once.turns).is_empty(), "nothing is left behind");
    }
}
