//! What the accept loop does where the system has no connection to give: it rests, and says so now and then.
//!
//! Out of descriptors, every attempt fails at once, and the peer stays at the door: without a rest the loop
//! would take a whole processor, and without a measure the log would fill the disk.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long to rest, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long the log is spared after a line.
const SILENCE: Duration = Duration::from_secs(60);

/// The patience of one accept loop.
#[derive(Debug)]
pub(super) struct Exhaustion {
    pause: Duration,
    told: Option<Instant>,
    /// Failures since the last line.
    untold: u64,
}

impl Exhaustion {
    pub(super) fn new() -> Self {
        Self { pause: FIRST_PAUSE, told: None, untold: 0 }
    }

    /// A connection was accepted: the next failure is a first one. The log is still spared, since one that
    /// ends lets one in, again and again.
    pub(super) fn accepted(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// Out of descriptors, or a connection that was gone before we took it: neither ends the loop.
    pub(super) async fn rest(&mut self, error: &io::Error) {
        self.tell(error);
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn tell(&mut self, error: &io::Error) {
        if self.told.is_some_and(|told| told.elapsed() < SILENCE) {
            self.untold += 1;
            return;
        }
        let before = std::mem::take(&mut self.untold);
        tracing::warn!(%error, before, "cannot accept a connection: peers wait until others leave");
        self.told = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_without_descriptors_are_a_few_attempts_and_fewer_lines() {
        let (mut exhaustion, began) = (Exhaustion::new(), Instant::now());
        let error = io::Error::from_raw_os_error(24);
        let (mut attempts, mut lines) = (0, 0);
        while began.elapsed() < Duration::from_secs(600) {
            let told = exhaustion.told;
            exhaustion.rest(&error).await;
            attempts += 1;
            lines += u64::from(exhaustion.told != told);
        }
        assert!((600..620).contains(&attempts), "{attempts}");
        assert_eq!(lines, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_connection_the_rest_is_short_again() {
        let (mut exhaustion, error) = (Exhaustion::new(), io::Error::from_raw_os_error(24));
        for _ in 0..10 {
            exhaustion.rest(&error).await;
        }
        exhaustion.accepted();
        let began = Instant::now();
        exhaustion.rest(&error).await;
        assert_eq!(began.elapsed(), FIRST_PAUSE);
        assert_eq!(exhaustion.untold, 10, "and the log is spared");
    }
}
