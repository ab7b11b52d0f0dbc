//! Turns: two mails that come at the same moment are two turns of a pool.
//!
//! What is *remembered* of turns, and of customers who wait, is asked of [`crate::threads`]; this is the other half,
//! what is *under way*: decided, and not remembered yet. It lives in memory only, since a crash ends what was under
//! way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mail::{PersonName, PersonaName, Plan};
use crate::threads::{Found, Unavailable};

use super::plan::Planned;

/// What is under way in the pools.
#[derive(Default)]
pub struct Turns(Arc<Mutex<Shares>>);

#[derive(Default)]
struct Shares {
    /// The last turns that were given, by pool: few, since the configuration names all people and pools.
    turns: HashMap<PersonaName, HashMap<PersonName, i64>>,
    /// How many mails each person is about to get.
    coming: HashMap<PersonName, u32>,
}

/// The shares that one mail has; they end when this is dropped, once what became of the mail is remembered.
#[must_use]
pub struct UnderWay {
    shares: Arc<Mutex<Shares>>,
    people: Vec<PersonName>,
}

impl Turns {
    /// Decides: `plan` sees what the memory found. Where whose turn it is was `asked`, it sees what is under way too,
    /// and one mail is decided after the other.
    pub fn decide(
        &self,
        asked: bool,
        mut found: Result<Found, Unavailable>,
        plan: impl Fn(Result<&Found, &Unavailable>) -> Planned,
    ) -> (Planned, UnderWay) {
        if !asked {
            return (plan(found.as_ref()), UnderWay { shares: Arc::clone(&self.0), people: Vec::new() });
        }
        // What rules look for in the message is found before its turn comes: nobody waits for a mail that takes long.
        plan(found.as_ref());
        let mut shares = lock(&self.0);
        if let Ok(found) = &mut found {
            shares.add_to(found);
        }
        let planned = plan(found.as_ref());
        let people = shares.take(&planned.plans);
        drop(shares);
        (planned, UnderWay { shares: Arc::clone(&self.0), people })
    }
}

impl Shares {
    fn add_to(&self, found: &mut Found) {
        for (persona, turns) in &self.turns {
            let known = found.turns.entry(persona.clone()).or_default();
            for (person, at) in turns {
                known.entry(person.clone()).and_modify(|last| *last = (*last).max(*at)).or_insert(*at);
            }
        }
        for (person, count) in &self.coming {
            *found.waiting.entry(person.clone()).or_default() += count;
        }
    }

    fn take(&mut self, plans: &[Plan]) -> Vec<PersonName> {
        let mut people = Vec::new();
        for choice in plans.iter().flat_map(|plan| &plan.choices) {
            let Some(turn) = &choice.turn else { continue };
            let turns = self.turns.entry(turn.persona.clone()).or_default();
            turns.insert(choice.person.clone(), turn.at);
            // One mail to several recipients of a pool is one mail for its person.
            if !people.contains(&choice.person) {
                *self.coming.entry(choice.person.clone()).or_default() += 1;
                people.push(choice.person.clone());
            }
        }
        people
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.people.is_empty() {
            return;
        }
        let mut shares = lock(&self.shares);
        for person in &self.people {
            let coming = shares.coming.entry(person.clone()).or_default();
            *coming = coming.saturating_sub(1);
        }
        shares.coming.retain(|_, count| *count > 0);
    }
}

fn lock(shares: &Mutex<Shares>) -> MutexGuard<'_, Shares> {
    // A panic while it was held can have left a mail out of account, and nothing else.
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}
