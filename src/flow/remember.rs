//! Remembering what legs need: whom pools chose before the first of them, and what is done after each, so that a
//! retry does not do it again.

use crate::events;
use crate::mail::{Address, Choice, FateName, Kind, Leg, Outcome, Plan, Turn};
use crate::threads::{DestinationHash, Durability, Record};

use super::legs::Journey;
use super::settle;
use super::{learning, telling};

impl Journey<'_> {
    /// Learns the id of a message that one of ours wrote, before its fate. It carries no seed that
    /// could stand in for the memory, so it is learned as automated mail is: on disk, or not yet.
    pub(super) async fn learn(&self, plan: &Plan) -> Result<(), Leg> {
        let Some(lesson) = plan.lesson.clone() else { return Ok(()) };
        learning::learn(&self.house.threads, Some(lesson), &self.arrival.message, self.now)
            .await
            .map_err(|reply| Leg::new("-", Outcome::Deferred(reply)))
    }

    /// Remembers whom pools chose, before the first leg: a retry must not choose another, and a turn is over.
    pub(super) async fn remember_choices(&self, plan: &Plan) -> Result<(), Leg> {
        if plan.choices.is_empty() {
            return Ok(());
        }
        let chosen = |choice: &Choice| {
            let retry = self.arrival.key_of(&choice.place);
            Record::Chosen { retry, person: choice.person.clone(), at: self.now.as_second() }
        };
        let turn = |choice: &Choice| {
            let Turn { persona, at } = choice.turn.clone()?;
            Some(Record::Turn { persona, person: choice.person.clone(), at })
        };
        let records = plan.choices.iter().flat_map(|choice| [Some(chosen(choice)), turn(choice)]).flatten().collect();
        self.house.threads.learn(records, Durability::Written).await.map_err(|error| {
            events::alarm("a pool's choice could not be remembered", &error);
            Leg::new("-", Outcome::Deferred(settle::local_trouble()))
        })
    }

    /// A leg is done, and the message is told in its thread; where it was handed on, its own id joins, so that an
    /// answer to it is known: in one write, since the peer waits for it.
    pub(super) async fn remember_told(&self, plan: &Plan, destination: DestinationHash, fate: FateName) {
        self.remember([vec![self.done(plan, destination)], self.told(plan, fate)].concat()).await;
    }

    pub(super) async fn remember_done(&self, plan: &Plan, destination: DestinationHash) {
        self.remember(vec![self.done(plan, destination)]).await;
    }

    fn done(&self, plan: &Plan, destination: DestinationHash) -> Record {
        let retry = self.arrival.retry_key(&plan.recipient);
        Record::Done { retry, twin: self.arrival.twin(), destination, at: self.now.as_second() }
    }

    /// What is told of the message in its thread, and of mail of the thread that it reports about. What one of ours wrote
    /// was learned as such.
    fn told(&self, plan: &Plan, fate: FateName) -> Vec<Record> {
        if self.is_by_one_of_ours && plan.kind == Kind::Human {
            return Vec::new();
        }
        let reported = telling::reported(plan, self.now);
        telling::came(self.arrival, plan, fate, self.now).map(Record::Came).into_iter().chain(reported).collect()
    }

    /// A message that nobody got and nobody will is told too.
    pub(super) async fn tell(&self, plan: &Plan, fate: FateName) {
        let told = self.told(plan, fate);
        if !told.is_empty() {
            self.remember(told).await;
        }
    }

    /// Remembers what a power cut may take: the leg is done whatever becomes of its memory.
    async fn remember(&self, records: Vec<Record>) {
        if let Err(error) = self.house.threads.learn(records, Durability::Written).await {
            events::alarm("a leg that is done could not be remembered", &error);
        }
    }
}

/// An inbox as a destination.
pub(super) fn inbox(address: &Address) -> DestinationHash {
    DestinationHash::new(&address.folded())
}

/// A destination that this mail did not reach, and need not any more: its copy lies in `held/` instead, or
/// another one was there. Done for a retry, and for nobody else: the same mail may come for another persona
/// with another fallback.
pub(super) fn given_up(inbox: &str) -> DestinationHash {
    DestinationHash::new(&format!("given-up/{inbox}"))
}

/// An inbox that may have taken this mail: nobody else is to get it in its place.
pub(super) fn in_doubt(inbox: &str) -> DestinationHash {
    DestinationHash::new(&format!("in-doubt/{inbox}"))
}

/// All that says of an inbox that the mail ended there, or may have.
pub(super) fn ends_at(address: &Address) -> [DestinationHash; 3] {
    let name = address.folded();
    [inbox(address), given_up(&name), in_doubt(&name)]
}
