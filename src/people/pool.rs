//! Pools: several people who answer for one persona, and who of them gets a message. Pure.
//!
//! Whoever has a conversation keeps it; only what is nobody's yet is shared out. The memory and the clock are
//! arguments, so the same arguments always choose the same person.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{People, Person, PersonName, Persona};
use crate::mail::{Address, ChoiceReason};

/// How a pool shares what is nobody's yet.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, strum::Display, strum::EnumString, strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Shared {
    /// A customer keeps the same person.
    #[default]
    Sticky,
    /// Whoever's turn was longest ago.
    RoundRobin,
    /// Whoever has the fewest customers waiting.
    LeastWaiting,
}

impl Shared {
    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Sticky => "a customer keeps the same person",
            Self::RoundRobin => "new conversations go to each in turn",
            Self::LeastWaiting => "new conversations go to whoever has the fewest customers waiting",
        }
    }

    /// Whether whom it chooses hangs on whose turn was when.
    pub fn takes_turns(self) -> bool {
        match self {
            Self::Sticky => false,
            Self::RoundRobin | Self::LeastWaiting => true,
        }
    }
}

/// What is known when somebody of a pool is to be chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Whom this very mail was given to before.
    pub before: Option<&'a PersonName>,
    /// Who of ours wrote last in its thread.
    pub writer: Option<&'a PersonName>,
    /// Who got the last message of its thread.
    pub last: Option<&'a PersonName>,
    /// The customer.
    pub correspondent: Option<&'a Address>,
    /// When each had their last turn in this pool, in milliseconds; nobody who had none.
    pub turns: Option<&'a HashMap<PersonName, i64>>,
    /// How many customers wait for each.
    pub waiting: Option<&'a HashMap<PersonName, u32>>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The person.
    pub person: &'a Person,
    /// Why this one.
    pub reason: ChoiceReason,
}

impl Chosen<'_> {
    /// Whether this was the person's turn: the next one is somebody else's.
    pub fn is_turn(&self) -> bool {
        match self.reason {
            ChoiceReason::Turn | ChoiceReason::FewestWaiting => true,
            ChoiceReason::Retry
            | ChoiceReason::WroteLast
            | ChoiceReason::HadItLast
            | ChoiceReason::Sticky
            | ChoiceReason::Only => false,
        }
    }
}

impl People {
    /// Who of `among`, the people who may be chosen now, gets a message to `persona`; nobody where there are none.
    /// Where nothing tells two apart, the first of them does.
    pub fn choose(&self, persona: &Persona, among: &[PersonName], known: &Known<'_>) -> Option<Chosen<'_>> {
        let (name, reason) = match among {
            [] => return None,
            [only] => (only, ChoiceReason::Only),
            several => whoever_has_it(several, known).or_else(|| self.share(persona, several, known))?,
        };
        self.person(name).map(|person| Chosen { person, reason })
    }

    /// Shares out what is nobody's yet.
    fn share<'a>(
        &self,
        persona: &Persona,
        among: &'a [PersonName],
        known: &Known<'_>,
    ) -> Option<(&'a PersonName, ChoiceReason)> {
        let turn = |name: &PersonName| known.turns.and_then(|turns| turns.get(name)).copied();
        let waiting = |name: &PersonName| known.waiting.and_then(|waiting| waiting.get(name)).copied().unwrap_or(0);
        match persona.shared {
            Shared::Sticky => Some((self.keeper(persona, among, known.correspondent)?, ChoiceReason::Sticky)),
            Shared::RoundRobin => Some((among.iter().min_by_key(|name| turn(name))?, ChoiceReason::Turn)),
            Shared::LeastWaiting => {
                let fewest = among.iter().min_by_key(|name| (waiting(name), turn(name)))?;
                Some((fewest, ChoiceReason::FewestWaiting))
            }
        }
    }

    /// The person with whom a customer stays: by the highest hash of the customer and each seat, so that a change
    /// of the pool moves only those whose person left it, and some to who is new. Whoever has the seat of somebody
    /// who left has those customers.
    fn keeper<'a>(
        &self,
        persona: &Persona,
        among: &'a [PersonName],
        correspondent: Option<&Address>,
    ) -> Option<&'a PersonName> {
        let who = correspondent.map(Address::folded).unwrap_or_default();
        let weight = |seat: &PersonName| {
            let hash = Sha256::digest(format!("{}\0{seat}\0{who}", persona.name));
            hash.as_slice().to_vec()
        };
        among.iter().max_by_key(|name| self.seats(persona, name).into_iter().map(weight).max())
    }
}

/// Whoever has the mail, or its conversation, already.
fn whoever_has_it<'a>(among: &'a [PersonName], known: &Known<'_>) -> Option<(&'a PersonName, ChoiceReason)> {
    let preferred = [
        (known.before, ChoiceReason::Retry),
        (known.writer, ChoiceReason::WroteLast),
        (known.last, ChoiceReason::HadItLast),
    ];
    preferred.into_iter().find_map(|(wanted, reason)| Some((among.iter().find(|name| Some(*name) == wanted)?, reason)))
}

#[cfg(test)]
mod tests;
