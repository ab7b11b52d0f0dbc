//! Who answers for a persona: what is known of a mail and of the pool behind its persona, put before the one
//! function that chooses. Pure.

use std::collections::HashMap;

use crate::mail::{Absent, Address, Choice, ChoiceReason, Match, PersonName, Place, Turn};
use crate::people::{Known, People, Person, Persona, Shared};
use crate::threads::Thread;
use crate::threads::matcher::Recipient;

use super::plan::{Arrival, Case, Desk};
use super::policy::Unmatched;
use super::presence::{Seat, has_it};

/// Who answers.
#[derive(Clone)]
pub(super) struct Answering<'a> {
    pub(super) person: &'a Person,
    /// Why this one, of those behind a persona.
    pub(super) reason: Option<ChoiceReason>,
    /// What is remembered of it, where a pool chose.
    pub(super) choice: Option<Choice>,
    /// Who would answer, and is away.
    pub(super) absent: Option<Absent>,
    /// Whose it would be, where that is somebody else: it is theirs at last, where nobody else takes it.
    pub(super) owner: Option<&'a Person>,
}

impl<'a> Answering<'a> {
    /// A person, and no more is to be said.
    pub(super) fn person(person: &'a Person) -> Self {
        Self { person, reason: None, choice: None, absent: None, owner: None }
    }
}

impl<'a> Desk<'a> {
    /// Who answers a message to `to`: of the persona's people, else whoever takes what matches nothing; `None` means
    /// that an operator looks at it.
    pub(super) fn answering(&self, case: &Case<'_>, to: &Address, matched: &Match) -> Option<Answering<'a>> {
        let (people, place) = (&self.policy.people, || Place::Recipient(to.clone()));
        match (matched.persona.as_ref().and_then(|name| people.persona(name)), &self.policy.inbound.unmatched) {
            (Some(persona), _) => self.chosen(case, matched, persona, (to, place()), &[]),
            (None, Unmatched::Hold) => None,
            (None, Unmatched::Person(name)) => {
                people.person(name).map(|person| self.instead_of(case, to, place(), person, matched))
            }
        }
    }

    /// Who answers a mail to `to` for a persona, and is remembered for the `place`; nobody of `without` as long as anybody
    /// else is there: they wrote it, and it is nobody's turn then.
    pub(super) fn chosen(
        &self,
        case: &Case<'_>,
        matched: &Match,
        persona: &Persona,
        (to, place): (&Address, Place),
        without: &[PersonName],
    ) -> Option<Answering<'a>> {
        let all = &persona.answered_by;
        let others: Vec<PersonName> = all.iter().filter(|name| !without.contains(name)).cloned().collect();
        let among = if others.is_empty() { all } else { &others };
        let (thread, turns) = (self.conversation(case, matched), case.known.turns.get(&persona.name));
        let before = case.known.retries.get(&case.arrival.key_of(&place));
        let known = Known {
            before: before.and_then(|before| before.chosen.as_ref()).filter(|name| !without.contains(name)),
            writer: thread.and_then(|thread| thread.writer.as_ref()),
            last: thread.and_then(|thread| thread.person.as_ref()),
            correspondent: matched.correspondent.as_ref(),
            turns,
            waiting: Some(&case.known.waiting),
        };
        let Seat { chosen, absent, owner } = self.seat(persona, among, &known, |person| has_it(case, to, person))?;
        let is_turn = chosen.is_turn() && without.is_empty();
        let turn = is_turn.then(|| Turn { persona: persona.name.clone(), at: self.next_turn(turns) });
        let choice = Choice { place, person: chosen.person.name.clone(), turn };
        let is_stand_in = absent.as_ref().is_some_and(|absent| absent.person != chosen.person.name);
        let choice = (all.len() > 1 || is_stand_in).then_some(choice);
        Some(Answering { person: chosen.person, reason: Some(chosen.reason), choice, absent, owner })
    }

    /// The thread that a message goes on; also one that this mail opened on its way to another address.
    fn conversation<'c>(&self, case: &Case<'c>, matched: &Match) -> Option<&'c Thread> {
        let opened = || {
            let (id, persona) = (case.arrival.message.message_id()?, matched.persona.as_ref()?);
            self.matcher().joined_before(id, persona, matched.correspondent.as_ref()?, case.known)
        };
        case.known.threads.get(&matched.thread.or_else(opened)?)
    }

    /// Later than every turn before it, whatever the clock says.
    fn next_turn(&self, turns: Option<&HashMap<PersonName, i64>>) -> i64 {
        let last = turns.and_then(|turns| turns.values().max());
        last.map_or(i64::MIN, |last| last.saturating_add(1)).max(self.now.as_millisecond())
    }

    /// The pools that may be asked whose turn it is: of those who are written to, and of those that rules name.
    pub(super) fn pools_in_turn(&self, arrival: &Arrival) -> Vec<&'a Persona> {
        let people = &self.policy.people;
        let written_to = arrival.recipients.iter().flat_map(|(_, recipient)| may_be_for(people, recipient));
        let named = self.policy.rules.personas().filter_map(|name| people.persona(name));
        let mut pools: Vec<&Persona> = Vec::new();
        for persona in written_to.chain(named) {
            let is_asked = persona.shared.takes_turns() && persona.answered_by.len() > 1;
            if is_asked && !pools.iter().any(|seen| seen.name == persona.name) {
                pools.push(persona);
            }
        }
        pools
    }

    /// The people of these pools, by all names under which customers may wait for them, where that decides.
    pub(super) fn waited_for(&self, pools: &[&Persona]) -> Vec<PersonName> {
        let people = &self.policy.people;
        let pools = pools.iter().filter(|persona| persona.shared == Shared::LeastWaiting);
        let names = pools.flat_map(|persona| &persona.answered_by).flat_map(|name| people.names_of(name));
        let mut all: Vec<PersonName> = names.cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The personas that mail to a recipient may be for.
fn may_be_for<'p>(people: &'p People, recipient: &Recipient) -> Vec<&'p Persona> {
    match recipient {
        Recipient::Persona(name) => people.persona(name).into_iter().collect(),
        Recipient::Token(token) => people.persona_by_tag(token.persona).into_iter().collect(),
        Recipient::Shared => people.personas().collect(),
    }
}
