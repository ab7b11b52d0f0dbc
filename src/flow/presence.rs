//! Who is there: a person who was chosen, or whoever stands in. Pure.
//!
//! Whoever was given a mail keeps it when it comes again, there or not: the legs that are done would else be done
//! twice, at two people.

use std::collections::BTreeSet;

use crate::mail::{Absent, Address, Choice, ChoiceReason, Fallback, Match, PersonName, Place};
use crate::people::absence::{Instead, Presence};
use crate::people::{Chosen, Known, Person, Persona};

use super::answering::Answering;
use super::plan::{Case, Desk};
use super::remember;

/// Whom a persona's mail goes to, now that some are away.
pub(super) struct Seat<'a> {
    pub(super) chosen: Chosen<'a>,
    /// Who would have it, and is away; the same person, where nobody stands in.
    pub(super) absent: Option<Absent>,
    /// Whose it would be, where that is somebody else.
    pub(super) owner: Option<&'a Person>,
}

impl<'a> Desk<'a> {
    pub(super) fn presence(&self) -> Presence<'a> {
        Presence { people: &self.policy.people, absences: self.absences, now: self.now }
    }

    /// Of `among`, who gets a persona's mail. Whose conversation it is has a stand-in; what is nobody's yet is shared
    /// among those who are there. Where nobody is, it goes to whose it would be.
    /// Who `has_it` from an earlier try keeps it.
    pub(super) fn seat(
        &self,
        persona: &Persona,
        among: &[PersonName],
        known: &Known<'_>,
        has_it: impl Fn(&Person) -> bool,
    ) -> Option<Seat<'a>> {
        let (people, presence) = (&self.policy.people, self.presence());
        let first = people.choose(persona, among, known)?;
        let retry = |person| Chosen { person, reason: ChoiceReason::Retry };
        if let Some(before) = given_before(among, known).and_then(|name| people.person(name)) {
            return Some(Seat { chosen: retry(before), absent: None, owner: Some(first.person) });
        }
        if first.reason == ChoiceReason::Retry {
            let whose = people.choose(persona, among, &Known { before: None, ..*known });
            // A turn is nobody's yet.
            let owner = whose.filter(|whose| !whose.is_turn()).map(|whose| whose.person);
            let owner = owner.filter(|owner| owner.name != first.person.name);
            return Some(Seat { chosen: first, absent: None, owner });
        }
        let Some(absent) = self.absent(first.person) else {
            return Some(Seat { chosen: first, absent: None, owner: None });
        };
        if has_it(first.person) {
            return Some(Seat { chosen: retry(first.person), absent: None, owner: None });
        }
        let stand_in = || match presence.instead_of(&first.person.name) {
            Instead::By(name) => people.person(name).map(|person| Chosen { person, reason: ChoiceReason::StandsIn }),
            Instead::There | Instead::Unnamed | Instead::InCircle => None,
        };
        let there: Vec<PersonName> = presence.there(among).cloned().collect();
        let another = || people.choose(persona, &there, known);
        // A turn is nobody's yet: nobody is replaced.
        if let Some(another) = another().filter(|_| first.is_turn()) {
            return Some(Seat { chosen: another, absent: None, owner: None });
        }
        let chosen = stand_in().or_else(another).unwrap_or(first);
        let owner = Some(first.person).filter(|owner| owner.name != chosen.person.name);
        Some(Seat { chosen, absent: Some(absent), owner })
    }

    /// Who gets a mail to `to` that is for a person by name: the person, a stand-in, or another one of the persona's.
    /// A stand-in is remembered for the `place`.
    pub(super) fn instead_of(
        &self,
        case: &Case<'_>,
        to: &Address,
        place: Place,
        person: &'a Person,
        matched: &Match,
    ) -> Answering<'a> {
        let (people, presence) = (&self.policy.people, self.presence());
        let before = case.known.retries.get(&case.arrival.key_of(&place)).and_then(|before| before.chosen.as_ref());
        if let Some(before) = before.and_then(|name| people.person(name)) {
            let owner = Some(person).filter(|owner| owner.name != before.name);
            return Answering { owner, ..Answering::person(before) };
        }
        let Some(absent) = self.absent(person).filter(|_| !has_it(case, to, person)) else {
            return Answering::person(person);
        };
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
        let Some(stand_in) = instead.filter(|other| other.name != person.name) else {
            return Answering { absent: Some(absent), ..Answering::person(person) };
        };
        let choice = Choice { place, person: stand_in.name.clone(), turn: None };
        Answering { choice: Some(choice), absent: Some(absent), owner: Some(person), ..Answering::person(stand_in) }
    }

    /// Where mail to `to` goes that an inbox refuses for good.
    pub(super) fn fallback(&self, case: &Case<'_>, to: &Address, matched: &Match) -> Fallback {
        let persona = matched.persona.as_ref().and_then(|name| self.policy.people.persona(name));
        persona.map(|persona| self.fallback_of(case, to, persona)).unwrap_or_default()
    }

    /// The fallback of a persona for this mail to `to`. Whoever of it has the mail from an earlier try keeps it.
    pub(super) fn fallback_of(&self, case: &Case<'_>, to: &Address, persona: &Persona) -> Fallback {
        self.presence().fallback(&persona.fallback, |inbox| is_at(case, to, inbox))
    }

    /// The places for which somebody may have been chosen of those whom rules name: of pools, and of those who are or
    /// were away.
    pub(super) fn named_places(&self) -> BTreeSet<Place> {
        let (people, rules) = (&self.policy.people, &self.policy.rules);
        let may_be_away = |name: &PersonName| self.absences.of(name).is_some() || !people.stays(name).is_empty();
        let named = rules.people().filter_map(|name| people.person(name)).filter(|person| may_be_away(&person.name));
        let is_choice = |persona: &&Persona| match persona.answered_by.as_slice() {
            [only] => may_be_away(only),
            several => !several.is_empty(),
        };
        let personas = rules.personas().filter_map(|name| people.persona(name)).filter(is_choice);
        let named = named.map(|person| Place::Person(person.name.clone()));
        named.chain(personas.map(|persona| Place::Persona(persona.name.clone()))).collect()
    }

    fn absent(&self, person: &Person) -> Option<Absent> {
        let away = self.presence().away(&person.name)?;
        Some(Absent { person: person.name.clone(), until: away.until })
    }
}

/// Whether this very mail to `to` ended at a person's inbox at an earlier try, or may have.
pub(super) fn has_it(case: &Case<'_>, to: &Address, person: &Person) -> bool {
    person.inboxes.iter().any(|inbox| is_at(case, to, inbox))
}

/// Whether this very mail to `to` ended at an inbox at an earlier try, or may have.
fn is_at(case: &Case<'_>, to: &Address, inbox: &Address) -> bool {
    let before = case.known.retries.get(&case.arrival.retry_key(to));
    before.is_some_and(|before| remember::ends_at(inbox).iter().any(|end| before.done.contains(end)))
}

/// Whom this mail was given to before, who is none of the pool: a stand-in.
fn given_before<'k>(among: &[PersonName], known: &Known<'k>) -> Option<&'k PersonName> {
    known.before.filter(|name| !among.contains(name))
}
