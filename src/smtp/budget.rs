//! The memory of all messages under way, shared by all listeners: who gets some, and who waits for it.
//!
//! [`Ledger`] decides. Here is what takes time: who does not get what it asks for waits in line, at most
//! `limits.memory_wait`; and while anybody waits, whoever holds some must make use of it (see [`super::stay`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::ledger::{Answer, Id, Ledger};

/// The memory of all messages under way.
#[derive(Debug)]
pub(super) struct Budget {
    wait: Duration,
    books: Mutex<Books>,
    /// Whether anybody waits.
    pressed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Books {
    ledger: Ledger,
    /// Who is to be told that its turn has come.
    waiting: HashMap<Id, oneshot::Sender<()>>,
}

/// The memory of one message; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    id: Id,
    held: u64,
}

/// There is no memory for it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Budget {
    /// `budget` octets for all messages, and `most` more for one of them; `most` is also what no message may pass.
    pub(super) fn new(budget: u64, most: u64, wait: Duration) -> Arc<Self> {
        let books = Books { ledger: Ledger::new(budget, most), waiting: HashMap::new() };
        Arc::new(Self { wait, books: Mutex::new(books), pressed: watch::Sender::new(false) })
    }

    /// A reservation of nothing, which may grow.
    pub(super) fn open(self: &Arc<Self>) -> Reservation {
        let id = self.books().ledger.open();
        Reservation { budget: Arc::clone(self), id, held: 0 }
    }

    /// Does something with the ledger, and tells those whose turn has come by it.
    fn settle<T>(&self, work: impl FnOnce(&mut Books) -> (T, Vec<Id>)) -> T {
        let mut books = self.books();
        let (answer, served) = work(&mut books);
        for id in served {
            // Who does not listen any more has the octets all the same, until its reservation ends.
            let _ = books.waiting.remove(&id).map(|turn| turn.send(()));
        }
        let is_pressed = books.ledger.is_pressed();
        self.pressed.send_if_modified(|pressed| std::mem::replace(pressed, is_pressed) != is_pressed);
        answer
    }

    /// The books are right at any moment, so a panic elsewhere does not spoil them.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Changes it to `octets`: at once where it becomes smaller, else when its turn has come.
    pub(super) async fn resize(&mut self, octets: u64) -> Result<(), NoRoom> {
        let more = octets.saturating_sub(self.held);
        if more == 0 {
            self.shrink(octets);
            return Ok(());
        }
        let (turn, told) = oneshot::channel();
        let id = self.id;
        let answer = self.budget.settle(|books| {
            let answer = books.ledger.ask(id, more);
            if answer == Answer::Waits {
                books.waiting.insert(id, turn);
            }
            (answer, Vec::new())
        });
        let granted = match answer {
            Answer::Granted => true,
            Answer::Never => false,
            Answer::Waits => self.wait(told).await,
        };
        self.held = self.budget.books().ledger.held(id);
        if granted { Ok(()) } else { Err(NoRoom) }
    }

    /// Makes it `octets` large if they are there now.
    pub(super) fn resize_now(&mut self, octets: u64) -> Result<(), NoRoom> {
        let more = octets.saturating_sub(self.held);
        if more == 0 {
            return Ok(());
        }
        match self.budget.books().ledger.ask_now(self.id, more) {
            Answer::Granted => {
                self.held = octets;
                Ok(())
            }
            Answer::Waits | Answer::Never => Err(NoRoom),
        }
    }

    /// The message has come whole, and asks for nothing more.
    pub(super) fn complete(&self) {
        self.budget.settle(|books| ((), books.ledger.complete(self.id)));
    }

    /// Octets of it.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// How long anybody waits for memory.
    pub(super) fn longest_wait(&self) -> Duration {
        self.budget.wait
    }

    /// Tells whether anybody waits for memory.
    pub(super) fn pressure(&self) -> watch::Receiver<bool> {
        self.budget.pressed.subscribe()
    }

    /// Gives back what is above `octets`.
    pub(super) fn shrink(&mut self, octets: u64) {
        let excess = self.held.saturating_sub(octets);
        self.held -= excess;
        if excess > 0 {
            self.budget.settle(|books| ((), books.ledger.give_back(self.id, excess)));
        }
    }

    async fn wait(&self, told: oneshot::Receiver<()>) -> bool {
        let place = Place { budget: &self.budget, id: self.id };
        let is_told = matches!(timeout(self.budget.wait, told).await, Ok(Ok(())));
        // Its turn may have come in this very moment.
        let left_untold = place.leave();
        is_told || !left_untold
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.settle(|books| ((), books.ledger.close(self.id)));
    }
}

/// A place in the line, left also where nobody waits to its end.
struct Place<'a> {
    budget: &'a Budget,
    id: Id,
}

impl Place<'_> {
    /// Whether it was still in the line.
    fn leave(&self) -> bool {
        self.budget.settle(|books| {
            books.waiting.remove(&self.id);
            books.ledger.leave_line(self.id)
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const WAIT: Duration = Duration::from_secs(60);

    fn budget() -> Arc<Budget> {
        Budget::new(100, 40, WAIT)
    }

    async fn reserved(budget: &Arc<Budget>, octets: u64) -> Reservation {
        let mut reservation = budget.open();
        reservation.resize(octets).await.unwrap();
        reservation
    }

    /// Holds the budget and the seat.
    async fn full(budget: &Arc<Budget>) -> Vec<Reservation> {
        let mut all = Vec::new();
        for octets in [40, 40, 20, 40] {
            all.push(reserved(budget, octets).await);
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_get_it_in_time_is_told() {
        let budget = budget();
        let all = full(&budget).await;
        let began = Instant::now();
        let mut late = budget.open();
        assert_eq!(late.resize(1).await, Err(NoRoom));
        assert_eq!(began.elapsed(), WAIT);
        assert!(!*budget.pressed.borrow(), "it has left the line");
        drop(all);
        assert_eq!(late.resize(40).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_it_when_another_gives_it_back() {
        let budget = budget();
        let mut all = full(&budget).await;
        let waiting = [40, 20].map(|octets| {
            let budget = Arc::clone(&budget);
            tokio::spawn(async move { (reserved(&budget, octets).await, Instant::now()) })
        });
        sleep(Duration::from_secs(1)).await;
        assert!(*budget.pressed.borrow());
        let first = Instant::now();
        drop(all.pop());
        sleep(Duration::from_secs(1)).await;
        let second = Instant::now();
        all.remove(0).resize(10).await.unwrap();
        let [large, small] = waiting;
        let ((_large, at_first), (_small, at_second)) = (large.await.unwrap(), small.await.unwrap());
        assert_eq!((at_first, at_second), (first, second));
        assert!(!*budget.pressed.borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_blocks_nobody() {
        let budget = budget();
        let mut all = full(&budget).await;
        let mut gone = budget.open();
        assert!(timeout(Duration::from_secs(1), gone.resize(40)).await.is_err());
        drop(all.remove(1));
        assert_eq!(budget.books().ledger.held(gone.id), 0);
        let began = Instant::now();
        reserved(&budget, 40).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn what_is_too_much_for_any_message_is_told_at_once() {
        let budget = budget();
        let mut reservation = reserved(&budget, 30).await;
        assert_eq!(reservation.resize(41).await, Err(NoRoom));
        assert_eq!((reservation.resize_now(41), reservation.resize_now(40)), (Err(NoRoom), Ok(())));
        drop(reservation);
        assert!(!budget.books().ledger.is_pressed());
    }
}
