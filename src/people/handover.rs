//! Handing over: a person who left, and the one to whom all that was theirs has come.
//!
//! Their name leads to the successor wherever it stands, in the configuration and in what is remembered, so open
//! threads are handed over at once, and nothing that is remembered changes.

use super::{People, Person, PersonName, Persona};

/// A person who is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Who left; what comes from their inboxes, if they have any, is still by one of ours. Nothing is sent there.
    pub person: Person,
    /// Who has what was theirs; somebody who is there.
    pub successor: PersonName,
}

impl People {
    /// The same people, and those who are not there any more. In each pool the successor takes the place of who
    /// left, and counts once.
    #[must_use]
    pub fn handing_over(mut self, leavers: Vec<Leaver>) -> Self {
        for leaver in leavers {
            for persona in self.personas.values_mut() {
                let before = persona.answered_by.clone();
                if persona.replace(&leaver.person.name, &leaver.successor) {
                    self.seats.entry(persona.name.clone()).or_insert(before);
                }
            }
            self.leavers.insert(leaver.person.name.clone(), leaver);
        }
        self
    }

    /// Those who are not there any more, by name.
    pub fn leavers(&self) -> impl Iterator<Item = &Leaver> {
        self.leavers.values()
    }

    /// The names under which a person has a part in a pool, as it is written: their own, and those of whom they
    /// succeeded there.
    pub(super) fn seats<'a>(&'a self, persona: &Persona, person: &'a PersonName) -> Vec<&'a PersonName> {
        let written = self.seats.get(&persona.name).map(Vec::as_slice).unwrap_or_default();
        let is_theirs = |name: &&PersonName| self.person(name).is_some_and(|now| now.name == *person);
        let seats: Vec<&PersonName> = written.iter().filter(is_theirs).collect();
        if seats.is_empty() { vec![person] } else { seats }
    }

    /// The names under which what is remembered of a person stands: their own, and those of whom they succeeded.
    pub fn names_of<'a>(&'a self, person: &'a PersonName) -> impl Iterator<Item = &'a PersonName> {
        let before = self.leavers().filter(move |left| left.successor == *person);
        [person].into_iter().chain(before.map(|left| &left.person.name))
    }
}

impl Persona {
    /// Puts the successor into the place of who left; false where that one had none.
    fn replace(&mut self, left: &PersonName, successor: &PersonName) -> bool {
        let Some(place) = self.answered_by.iter().position(|name| name == left) else { return false };
        if self.answered_by.contains(successor) {
            self.answered_by.remove(place);
        } else if let Some(name) = self.answered_by.get_mut(place) {
            *name = successor.clone();
        }
        true
    }
}
