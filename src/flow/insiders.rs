//! Insiders: people and personas of ours as authors. Pure.
//!
//! Sophie answers from her own mailbox, and her answer comes by with a copy to a persona. Nobody is to
//! answer it; her colleagues are to know, and its id is to be known when the customer answers. Anybody can
//! write her address into From, so it counts only where DMARC proved it.

use crate::mail::{Address, Lesson, Match, PersonName, ThreadId};
use crate::message::{Message, auth};
use crate::people::Person;
use crate::threads::matcher::Candidate;

use super::learning;
use super::plan::{Case, Desk, Readers};

/// An author who is one of ours, by the address in From.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insider {
    /// The people whose address it is: those who read mail there, or the only one behind a persona.
    pub people: Vec<PersonName>,
    /// Whether the trusted Authentication-Results say that DMARC passed for its domain.
    pub proved: bool,
}

impl<'a> Desk<'a> {
    /// Which of ours wrote the message, if the From field says so.
    pub fn insider(&self, message: &Message) -> Option<Insider> {
        let (people, separators) = (&self.policy.people, &self.policy.separators);
        let author = message.author()?;
        if !people.is_insider(&author.address, separators) {
            return None;
        }
        let readers = people.people_at(&author.address, separators).map(|person| &person.name);
        let behind = people.author(author, separators).map(|persona| persona.answered_by.as_slice());
        let behind = behind.filter(|names| names.len() == 1).unwrap_or_default();
        Some(Insider { people: readers.chain(behind).cloned().collect(), proved: self.is_proved(message) })
    }

    fn is_proved(&self, message: &Message) -> bool {
        let (Some(trust), Some(author)) = (&self.policy.inbound.trust, message.sole_author()) else { return false };
        let findings = auth::findings(message, &trust.authserv_id, &trust.servers);
        auth::passes_dmarc(&findings, author.address.domain())
    }

    /// Those whose healed ids are evidence in this message: its author's, or, where one of ours answers,
    /// those of the customers who are answered.
    pub(super) fn brought_by(&self, message: &Message, insider: Option<&Insider>) -> Vec<Address> {
        match insider {
            Some(Insider { proved: true, .. }) => self.policy.customers(&message.addressees()),
            Some(_) | None => message.author().map(|author| author.address.clone()).into_iter().collect(),
        }
    }

    /// The people of the persona but the writer; the writer too, where there is nobody else.
    pub(super) fn colleagues(&self, matched: &Match, writer: &Insider) -> Readers<'a> {
        let people = &self.policy.people;
        let persona = matched.persona.as_ref().and_then(|name| people.persona(name));
        let answering = persona.map(|persona| persona.answered_by.as_slice()).unwrap_or_default();
        let all: Vec<&Person> = answering.iter().filter_map(|name| people.person(name)).collect();
        let others: Vec<&Person> = all.iter().copied().filter(|person| !writer.people.contains(&person.name)).collect();
        if others.is_empty() {
            return Readers { people: all, fallback: self.fallback(matched).to_vec() };
        }
        let own: Vec<&Address> = self.inboxes_of(writer);
        let fallback = self.fallback(matched).iter().filter(|address| !own.contains(address)).cloned().collect();
        Readers { people: others, fallback }
    }

    /// Where an insider reads mail.
    pub(super) fn inboxes_of(&self, insider: &Insider) -> Vec<&'a Address> {
        let people = insider.people.iter().filter_map(|name| self.policy.people.person(name));
        people.flat_map(|person| &person.inboxes).collect()
    }

    /// What an insider's message teaches: its id belongs to the thread that the strongest evidence names,
    /// whichever persona it is a copy for; else to a new one of that persona. `None` where it has no id, or
    /// that is known.
    pub(super) fn lesson_of(
        &self,
        case: &Case<'_>,
        candidates: &[Candidate],
        matched: &Match,
        fresh: ThreadId,
    ) -> Option<Lesson> {
        let message = &case.arrival.message;
        let message_id = message.message_id()?.clone();
        let strongest = candidates.iter().filter(|candidate| candidate.evidence.is_strong());
        let named = strongest.filter_map(|candidate| Some((candidate.thread?, candidate.persona.clone()))).next();
        let before = || learning::learned_before(&message_id, message, case.known);
        let opened = || Some((fresh, matched.persona.clone()?));
        let (thread, persona) = named.or_else(before).or_else(opened)?;
        let correspondents = self.policy.customers(&message.addressees());
        let lesson = Lesson { message_id, thread, persona, correspondents };
        (!learning::is_known_otherwise(&lesson, message, case.known)).then_some(lesson)
    }
}
