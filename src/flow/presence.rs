//! Who is there: a person who was chosen, or whoever stands in. Pure.
//!
//! Whoever was given a mail keeps it when it comes again, there or not: the legs that are done would else be done
//! twice, at two people.

use crate::mail::{Absent, Address, ChoiceReason, Match, PersonName};
use crate::people::absence::{Instead, Presence};
use crate::people::{Chosen, Known, Person, Persona};

use super::answering::Answering;
use super::plan::Desk;

/// Whom a persona's mail goes to, now that some are away.
pub(super) struct Seat<'a> {
    pub(super) chosen: Chosen<'a>,
    /// Who would have it, and is away; the same person, where nobody stands in.
    pub(super) absent: Option<Absent>,
}

impl<'a> Desk<'a> {
    pub(super) fn presence(&self) -> Presence<'a> {
        Presence { people: &self.policy.people, absences: self.absences, now: self.now }
    }

    /// Of `among`, who gets a persona's mail. Whose conversation it is has a stand-in; what is nobody's yet is shared
    /// among those who are there. Where nobody is, it goes to whose it would be.
    pub(super) fn seat(&self, persona: &Persona, among: &[PersonName], known: &Known<'_>) -> Option<Seat<'a>> {
        let (people, presence) = (&self.policy.people, self.presence());
        if let Some(before) = given_before(among, known).and_then(|name| people.person(name)) {
            return Some(Seat { chosen: Chosen { person: before, reason: ChoiceReason::Retry }, absent: None });
        }
        let first = people.choose(persona, among, known)?;
        let Some(absent) = self.absent(first.person).filter(|_| first.reason != ChoiceReason::Retry) else {
            return Some(Seat { chosen: first, absent: None });
        };
        let stand_in = || match presence.instead_of(&first.person.name) {
            Instead::By(name) => people.person(name).map(|person| Chosen { person, reason: ChoiceReason::StandsIn }),
            Instead::There | Instead::Unnamed | Instead::InCircle => None,
        };
        let there: Vec<PersonName> = presence.there(among).cloned().collect();
        let another = || people.choose(persona, &there, known);
        // A turn is nobody's yet: nobody is replaced.
        if let Some(another) = another().filter(|_| first.is_turn()) {
            return Some(Seat { chosen: another, absent: None });
        }
        let chosen = stand_in().or_else(another).unwrap_or(first);
        Some(Seat { chosen, absent: Some(absent) })
    }

    /// Who gets what is for a person by name: the person, a stand-in, or another one of the persona's.
    pub(super) fn instead_of(&self, person: &'a Person, matched: &Match) -> Answering<'a> {
        let (people, presence) = (&self.policy.people, self.presence());
        let another = || {
            let persona = matched.persona.as_ref().and_then(|name| people.persona(name))?;
            let is_theirs = persona.answered_by.contains(&person.name);
            let there: Vec<PersonName> = presence.there(&persona.answered_by).filter(|_| is_theirs).cloned().collect();
            let known = Known { correspondent: matched.correspondent.as_ref(), ..Known::default() };
            people.choose(persona, &there, &known).map(|chosen| chosen.person)
        };
        let instead = match presence.instead_of(&person.name) {
            Instead::By(name) => people.person(name),
            Instead::Unnamed | Instead::InCircle => another(),
            Instead::There => None,
        };
        let absent = self.absent(person);
        Answering { person: instead.unwrap_or(person), reason: None, choice: None, absent }
    }

    /// Where mail goes that an inbox refuses for good; the inboxes of stand-ins, where its people are away.
    pub(super) fn fallback(&self, matched: &Match) -> Vec<Address> {
        let persona = matched.persona.as_ref().and_then(|name| self.policy.people.persona(name));
        persona.map(|persona| self.presence().inboxes_there(&persona.fallback)).unwrap_or_default()
    }

    fn absent(&self, person: &Person) -> Option<Absent> {
        let away = self.presence().away(&person.name)?;
        Some(Absent { person: person.name.clone(), until: away.until })
    }
}

/// Whom this mail was given to before, who is none of the pool: a stand-in.
fn given_before<'k>(among: &[PersonName], known: &Known<'k>) -> Option<&'k PersonName> {
    known.before.filter(|name| !among.contains(name))
}
