//! Who holds how many octets of memory, and who is next: the algorithm of [`super::budget`], without time
//! and without waiting.
//!
//! All messages share the budget, the oldest first: one that holds some of it already and needs more comes before
//! one that has just begun. Beside it is one *seat*, with room for one message of the largest kind. Whoever
//! is first in line and does not fit into the budget takes the seat when it is free, with all that it holds: so
//! the oldest waiting message may always finish, and the sum is never more than the budget and one message.

use std::collections::{BTreeMap, HashMap};

/// Names an account; the older of two messages has the smaller one.
pub(super) type Id = u64;

/// The octets of all messages under way.
#[derive(Debug)]
pub(super) struct Ledger {
    /// What the messages share that are not in the seat.
    budget: u64,
    /// The most that one message may hold, and so the room of the seat.
    most: u64,
    /// Octets of each message that holds any, or may ask for some.
    accounts: HashMap<Id, u64>,
    /// The sum of all accounts but that of the seat.
    shared: u64,
    seat: Option<Seat>,
    /// Who waits, the oldest first, and for how many octets more.
    line: BTreeMap<Id, u64>,
    next: Id,
}

#[derive(Debug)]
struct Seat {
    id: Id,
    /// Its message has come whole and asks for nothing more: it may go over to the budget as soon as it fits.
    is_whole: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The octets are the account's.
    Granted,
    /// They will be, when it is the first in line and they are there.
    Waits,
    /// No message may hold so many.
    Never,
}

impl Ledger {
    pub(super) fn new(budget: u64, most: u64) -> Self {
        Self { budget, most, accounts: HashMap::new(), shared: 0, seat: None, line: BTreeMap::new(), next: 0 }
    }

    /// An account with nothing in it.
    pub(super) fn open(&mut self) -> Id {
        self.next += 1;
        self.accounts.insert(self.next, 0);
        self.next
    }

    /// Asks for more octets; one request of an account at a time.
    pub(super) fn ask(&mut self, id: Id, more: u64) -> Answer {
        if self.held(id).saturating_add(more) > self.most {
            return Answer::Never;
        }
        let is_first = self.line.keys().all(|waiting| id < *waiting) || self.is_seated(id);
        if is_first && self.grant(id, more) {
            return Answer::Granted;
        }
        self.line.insert(id, more);
        Answer::Waits
    }

    /// Asks for a few octets more that nobody would wait for: they are there, or they are not.
    pub(super) fn ask_now(&mut self, id: Id, more: u64) -> Answer {
        let fits = self.held(id).saturating_add(more) <= self.most;
        let is_first = self.line.is_empty() || self.is_seated(id) || self.shared.saturating_add(more) <= self.budget;
        if fits && is_first && self.grant(id, more) { Answer::Granted } else { Answer::Never }
    }

    /// Gives octets back; answers whose turn has come.
    pub(super) fn give_back(&mut self, id: Id, octets: u64) -> Vec<Id> {
        let Some(held) = self.accounts.get_mut(&id) else { return Vec::new() };
        let octets = octets.min(*held);
        *held -= octets;
        if !self.is_seated(id) {
            self.shared -= octets;
        }
        self.serve_line()
    }

    /// The message has come whole: it asks for nothing more. Answers whose turn has come.
    pub(super) fn complete(&mut self, id: Id) -> Vec<Id> {
        if let Some(seat) = self.seat.as_mut().filter(|seat| seat.id == id) {
            seat.is_whole = true;
        }
        self.serve_line()
    }

    /// Leaves the line, if the account is in it; answers whether it was, and whose turn has come.
    pub(super) fn leave_line(&mut self, id: Id) -> (bool, Vec<Id>) {
        (self.line.remove(&id).is_some(), self.serve_line())
    }

    /// Closes an account: all that it holds is given back. Answers whose turn has come.
    pub(super) fn close(&mut self, id: Id) -> Vec<Id> {
        self.line.remove(&id);
        let held = self.accounts.remove(&id).unwrap_or(0);
        if self.is_seated(id) {
            self.seat = None;
        } else {
            self.shared -= held;
        }
        self.serve_line()
    }

    /// Octets of an account.
    pub(super) fn held(&self, id: Id) -> u64 {
        self.accounts.get(&id).copied().unwrap_or(0)
    }

    /// Whether anybody waits.
    pub(super) fn is_pressed(&self) -> bool {
        !self.line.is_empty()
    }

    fn is_seated(&self, id: Id) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.id == id)
    }

    /// Grants what fits into the budget, else into the seat. No account holds more than the seat has.
    fn grant(&mut self, id: Id, more: u64) -> bool {
        let Some(held) = self.accounts.get_mut(&id) else { return false };
        if self.seat.as_ref().is_some_and(|seat| seat.id == id) {
            *held += more;
        } else if self.shared.saturating_add(more) <= self.budget {
            *held += more;
            self.shared += more;
        } else if self.seat.is_none() {
            self.shared -= *held;
            *held += more;
            self.seat = Some(Seat { id, is_whole: false });
        } else {
            return false;
        }
        true
    }

    fn serve_line(&mut self) -> Vec<Id> {
        let mut served = Vec::new();
        loop {
            self.free_seat();
            let Some((&id, &more)) = self.line.first_key_value() else { break };
            if !self.grant(id, more) {
                break;
            }
            self.line.remove(&id);
            served.push(id);
        }
        served
    }

    /// A whole message does not need the seat once the budget has room for it.
    fn free_seat(&mut self) {
        let Some(Seat { id, is_whole: true }) = self.seat else { return };
        let held = self.held(id);
        if self.shared.saturating_add(held) <= self.budget {
            self.shared += held;
            self.seat = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUDGET: u64 = 100;
    const MOST: u64 = 40;

    fn ledger() -> Ledger {
        Ledger::new(BUDGET, MOST)
    }

    /// An account that holds so many octets.
    fn holding(ledger: &mut Ledger, octets: u64) -> Id {
        let id = ledger.open();
        assert_eq!(ledger.ask(id, octets), Answer::Granted);
        id
    }

    /// Holds the whole budget, in accounts of 25 octets.
    fn full() -> (Ledger, Vec<Id>) {
        let mut ledger = ledger();
        let ids = (0..4).map(|_| holding(&mut ledger, 25)).collect();
        (ledger, ids)
    }

    #[test]
    fn beyond_the_budget_one_message_finds_a_seat_and_the_others_wait_in_order() {
        let (mut ledger, first) = full();
        let seated = holding(&mut ledger, 40);
        let waiting: Vec<Id> = (0..3).map(|_| ledger.open()).collect();
        for id in &waiting {
            assert_eq!(ledger.ask(*id, 20), Answer::Waits);
        }
        assert_eq!(ledger.close(first[0]), [waiting[0]]);
        assert_eq!(ledger.close(seated), [waiting[1]], "takes the seat");
        assert_eq!(ledger.close(waiting[1]), [waiting[2]], "and the next one");
        assert!(!ledger.is_pressed());
    }

    #[test]
    fn whoever_waits_and_holds_some_takes_it_along_to_the_seat() {
        let (mut ledger, first) = full();
        assert_eq!(ledger.ask(first[0], 15), Answer::Granted);
        assert_eq!(ledger.shared, 75, "the budget has its room again");
        assert_eq!(ledger.ask(first[1], 15), Answer::Granted);
        assert_eq!(ledger.ask(first[2], 15), Answer::Waits);
        assert_eq!(ledger.close(first[0]), [first[2]]);
    }

    #[test]
    fn the_seat_is_free_again_when_its_message_is_whole_and_fits() {
        let (mut ledger, first) = full();
        let (seated, next) = (holding(&mut ledger, 30), ledger.open());
        assert_eq!(ledger.ask(next, 40), Answer::Waits);
        assert!(ledger.give_back(seated, 20).is_empty(), "it may still grow");
        assert!(ledger.complete(seated).is_empty(), "it does not fit");
        assert_eq!(ledger.give_back(first[0], 10), [next]);
        assert_eq!((ledger.shared, ledger.held(seated), ledger.held(next)), (100, 10, 40));
    }

    #[test]
    fn nobody_holds_more_than_one_message_may() {
        let mut ledger = ledger();
        let id = holding(&mut ledger, 30);
        assert_eq!(
            (ledger.ask(id, 11), ledger.ask_now(id, 11), ledger.ask(id, 10)),
            (Answer::Never, Answer::Never, Answer::Granted)
        );
        assert!(!ledger.is_pressed());
    }

    #[test]
    fn what_nobody_would_wait_for_is_there_or_not() {
        let (mut ledger, first) = full();
        let seated = holding(&mut ledger, 10);
        assert_eq!((ledger.ask_now(first[0], 1), ledger.ask_now(seated, 1)), (Answer::Never, Answer::Granted));
        let waiting = ledger.open();
        assert_eq!(ledger.ask(waiting, 30), Answer::Waits);
        assert!(ledger.give_back(first[0], 5).is_empty());
        assert_eq!(ledger.ask_now(first[1], 5), Answer::Granted, "a few octets do not wait behind many");
    }

    #[test]
    fn a_message_that_has_begun_comes_before_one_that_has_not() {
        let (mut ledger, first) = full();
        let (seated, newcomer) = (holding(&mut ledger, 40), ledger.open());
        assert_eq!((ledger.ask(newcomer, 40), ledger.ask(first[3], 10)), (Answer::Waits, Answer::Waits));
        assert_eq!(ledger.close(seated), [first[3]], "with all it has");
        assert_eq!(ledger.close(first[0]), [newcomer]);
    }

    #[test]
    fn whoever_leaves_the_line_lets_the_next_one_pass() {
        let (mut ledger, first) = full();
        holding(&mut ledger, 40);
        let (large, small) = (ledger.open(), ledger.open());
        assert_eq!((ledger.ask(large, 40), ledger.ask(small, 5)), (Answer::Waits, Answer::Waits));
        assert!(ledger.give_back(first[0], 10).is_empty(), "a small one does not pass a large one");
        assert_eq!(ledger.leave_line(large), (true, vec![small]));
        assert_eq!(ledger.leave_line(large), (false, vec![]));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Open,
        Ask(usize, u64),
        AskNow(usize, u64),
        GiveBack(usize, u64),
        Complete(usize),
        LeaveLine(usize),
        Close(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let (who, octets) = (0_usize..12, 0_u64..50);
        prop_oneof![
            2 => Just(Step::Open),
            4 => (who.clone(), octets.clone()).prop_map(|(who, octets)| Step::Ask(who, octets)),
            1 => (who.clone(), octets.clone()).prop_map(|(who, octets)| Step::AskNow(who, octets)),
            2 => (who.clone(), octets).prop_map(|(who, octets)| Step::GiveBack(who, octets)),
            1 => who.clone().prop_map(Step::Complete),
            1 => who.clone().prop_map(Step::LeaveLine),
            2 => who.prop_map(Step::Close),
        ]
    }

    /// Plays a step; what it says is compared with a line of our own.
    fn play(ledger: &mut Ledger, ids: &mut Vec<Id>, line: &mut Vec<Id>, step: Step) {
        let who = |who: usize, ids: &[Id]| ids.get(who % ids.len().max(1)).copied();
        let served = match step {
            Step::Open => {
                ids.push(ledger.open());
                Vec::new()
            }
            Step::Ask(at, more) => {
                // One request of an account at a time.
                let Some(id) = who(at, ids).filter(|id| !line.contains(id)) else { return };
                if ledger.ask(id, more) == Answer::Waits {
                    line.push(id);
                    line.sort_unstable();
                }
                Vec::new()
            }
            Step::AskNow(at, more) => {
                let Some(id) = who(at, ids).filter(|id| !line.contains(id)) else { return };
                assert_ne!(ledger.ask_now(id, more), Answer::Waits);
                Vec::new()
            }
            Step::GiveBack(at, octets) => who(at, ids).map(|id| ledger.give_back(id, octets)).unwrap_or_default(),
            Step::Complete(at) => {
                let Some(id) = who(at, ids).filter(|id| !line.contains(id)) else { return };
                ledger.complete(id)
            }
            Step::LeaveLine(at) => {
                let Some(id) = who(at, ids) else { return };
                let (left, served) = ledger.leave_line(id);
                assert_eq!(left, line.contains(&id));
                line.retain(|waiting| *waiting != id);
                served
            }
            Step::Close(at) => {
                let Some(id) = who(at, ids) else { return };
                ids.retain(|known| *known != id);
                line.retain(|waiting| *waiting != id);
                ledger.close(id)
            }
        };
        let turn: Vec<Id> = line.drain(..served.len()).collect();
        assert_eq!(served, turn, "the oldest first");
    }

    proptest! {
        #[test]
        fn the_sum_is_bounded_and_nobody_waits_for_ever(steps in proptest::collection::vec(step(), 0..120)) {
            let (mut ledger, mut ids, mut line) = (ledger(), Vec::new(), Vec::new());
            for step in steps {
                play(&mut ledger, &mut ids, &mut line, step);
                let sum: u64 = ledger.accounts.values().sum();
                let seated = ledger.seat.as_ref().map_or(0, |seat| ledger.held(seat.id));
                prop_assert_eq!(sum, ledger.shared + seated);
                prop_assert!(ledger.shared <= BUDGET && seated <= MOST);
                prop_assert!(line.is_empty() || ledger.seat.is_some(), "somebody waits, and the seat is free");
                prop_assert_eq!(ledger.is_pressed(), !line.is_empty());
            }
            // All that hold something end one day, and then everybody had a turn.
            while let Some(id) = ids.iter().find(|id| !line.contains(id)).copied() {
                let at = ids.iter().position(|known| *known == id).unwrap();
                play(&mut ledger, &mut ids, &mut line, Step::Close(at));
            }
            prop_assert_eq!(line, Vec::<Id>::new());
        }
    }
}
