//! How long a peer may keep memory while others wait for it.
//!
//! Who declares fifty mebibytes and is silent keeps them from the others. As long as anybody waits, whoever
//! has memory must fill a quarter of it in each sixth of `limits.memory_wait`; else it is told to come again. So
//! several who keep memory for nothing may stand before one who waits, and it still has its turn in time.

use std::future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::budget::Reservation;

/// The time for a quarter of what is held, of the time that anybody waits.
pub(super) const SHARE: u32 = 6;

/// What a peer has brought since others wait.
#[derive(Debug, Default)]
pub(super) struct Stay {
    since: Option<Instant>,
    brought: u64,
}

impl Stay {
    /// Waits until the peer has kept memory for too long; for ever where it has none or nobody waits.
    pub(super) async fn is_over(&mut self, held: Option<&Reservation>) {
        let Some(reservation) = held else {
            *self = Self::default();
            return future::pending().await;
        };
        let mut pressure = reservation.pressure();
        loop {
            // The sender lives in the budget, which the reservation keeps.
            if pressure.wait_for(|pressed| *pressed).await.is_err() {
                return future::pending().await;
            }
            let end = *self.since.get_or_insert_with(Instant::now) + reservation.longest_wait() / SHARE;
            tokio::select! {
                biased;
                _ = pressure.wait_for(|pressed| !*pressed) => *self = Self::default(),
                () = sleep_until(end) => return,
            }
        }
    }

    /// The peer has brought some octets: what it brought while nobody waited says nothing.
    pub(super) fn brings(&mut self, octets: usize, held: Option<&Reservation>) {
        if self.since.is_none() {
            return;
        }
        self.brought += octets as u64;
        if held.is_none_or(|reservation| self.brought >= reservation.held() / 4) {
            *self = Self::default();
        }
    }

    /// So much of the time was ours, not the peer's.
    pub(super) fn forgive(&mut self, ours: Duration) {
        if let Some(since) = &mut self.since {
            *since += ours;
        }
    }
}
