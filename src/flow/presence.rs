//! Who is there: a person who was chosen, or whoever stands in. Pure.
//!
//! Whom a pool chose for an earlier try of a mail gets the retry too, there or not: the legs that are done would
//! else be done twice, at two people.

use crate::mail::{Absent, Address, Match, PersonName};
use crate::people::absence::{Instead, Presence};
use crate::people::{Person, Persona};

use super::plan::{Case, Desk};

/// Who gets a mail, and in whose place.
#[derive(Clone)]
pub(super) struct Seat<'a> {
    pub(super) person: &'a Person,
    /// Who would have it, and is away; the same person, where nobody stands in.
    pub(super) absent: Option<Absent>,
}

impl<'a> Desk<'a> {
    pub(super) fn presence(&self) -> Presence<'a> {
        Presence { people: &self.policy.people, absences: self.absences, now: self.now }
    }

    /// Where a mail goes that is for `person`, or, where that one is away and nobody who is named is there, for one of `persona`'s
    /// others. Nobody is there: the person's own inbox.
    pub(super) fn seat(
        &self,
        person: &'a Person,
        persona: Option<&Persona>,
        correspondent: Option<&Address>,
    ) -> Seat<'a> {
        let (people, presence) = (&self.policy.people, self.presence());
        let Some(away) = presence.away(&person.name) else { return Seat { person, absent: None } };
        let another = || {
            let persona = persona.filter(|persona| persona.answered_by.contains(&person.name))?;
            people.answering_of(presence.there(&persona.answered_by), persona, correspondent)
        };
        let instead = match presence.instead_of(&person.name) {
            Instead::By(name) => people.person(name),
            Instead::Unnamed | Instead::InCircle => another(),
            Instead::There => None,
        };
        let absent = Absent { person: person.name.clone(), until: away.until };
        Seat { person: instead.unwrap_or(person), absent: Some(absent) }
    }

    /// Who takes a mail of a persona: whom an earlier try of it had chosen, else the seat of who is preferred, else of
    /// whom the pool chooses.
    pub(super) fn seat_of(
        &self,
        persona: &Persona,
        matched: &Match,
        chosen_before: Option<&PersonName>,
        preferred: Option<&PersonName>,
    ) -> Option<Seat<'a>> {
        let (people, correspondent) = (&self.policy.people, matched.correspondent.as_ref());
        let preferred =
            preferred.filter(|name| persona.answered_by.contains(name)).and_then(|name| people.person(name));
        let answering = || people.answering(persona, correspondent);
        let seat = preferred.or_else(answering).map(|person| self.seat(person, Some(persona), correspondent));
        let before = chosen_before.and_then(|name| people.person(name));
        match (before, seat) {
            (Some(before), seat) => {
                let same = seat.filter(|seat| seat.person.name == before.name);
                Some(same.unwrap_or(Seat { person: before, absent: None }))
            }
            (None, seat) => seat,
        }
    }

    /// Where mail goes that an inbox refuses for good; the inboxes of stand-ins, where its people are away.
    pub(super) fn fallback(&self, matched: &Match) -> Vec<Address> {
        let persona = matched.persona.as_ref().and_then(|name| self.policy.people.persona(name));
        persona.map(|persona| self.presence().inboxes_there(&persona.fallback)).unwrap_or_default()
    }

    /// Whom a pool, or an absence, chose for an earlier try of this mail to `recipient`.
    pub(super) fn chosen_before<'c>(&self, case: &Case<'c>, recipient: &Address) -> Option<&'c PersonName> {
        case.known.retries.get(&case.arrival.retry_key(recipient))?.chosen.as_ref()
    }
}

impl Seat<'_> {
    /// Whether somebody else has what was for the one who is away.
    pub(super) fn is_stand_in(&self) -> bool {
        self.absent.as_ref().is_some_and(|absent| absent.person != self.person.name)
    }
}
