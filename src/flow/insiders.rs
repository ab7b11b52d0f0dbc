//! Insiders: people and personas of ours as authors. Pure.
//!
//! Sophie answers from her own mailbox, and her answer comes by with a copy to a persona. Nobody is to
//! answer it; her colleagues are to know, and its id is to be known when the customer answers. Anybody can
//! write her address into From, so it counts only where the company's own servers say that it is hers.

use crate::mail::{Address, Lesson, Mailbox, Match, PersonName, PersonaName, Plan, ThreadId};
use crate::message::Message;
use crate::message::auth::Results;
use crate::people::Person;
use crate::threads::matcher::Candidate;

use super::learning;
use super::plan::{Case, Desk, Readers};

/// An author who is one of ours, by the address in From.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insider {
    /// The people whose address it is: those who read mail there, or the only one behind a persona.
    pub people: Vec<PersonName>,
    /// Whether the trusted Authentication-Results prove it.
    pub proved: bool,
    /// The one person who wrote it, where the address or the login is that person's alone.
    pub writer: Option<PersonName>,
}

/// How it is known that an author wrote a message.
enum Proof {
    /// DMARC passed for the domain of From.
    Domain,
    /// The author logged in at the company's server: these people, or nobody whose inbox it is.
    Login(Vec<PersonName>),
}

impl<'a> Desk<'a> {
    /// Which of ours wrote the message, if the From field says so.
    pub fn insider(&self, message: &Message) -> Option<Insider> {
        let (people, separators) = (&self.policy.people, &self.policy.separators);
        let author = message.author()?;
        if !people.is_insider(&author.address, separators) {
            return None;
        }
        let proof = message.sole_author().and_then(|author| self.proof(author, &self.results(message)));
        let proved = proof.is_some();
        let mut own: Vec<PersonName> = self.people_at(&author.address).collect();
        if let Some(Proof::Login(names)) = proof {
            own = if names.is_empty() { own } else { names };
        }
        let writer = if let [only] = own.as_slice() { Some(only.clone()) } else { None };
        let behind = people.author(author, separators).map(|persona| persona.answered_by.as_slice());
        let behind = behind.filter(|names| names.len() == 1 && own.is_empty()).unwrap_or_default();
        Some(Insider { people: own.iter().chain(behind).cloned().collect(), proved, writer })
    }

    /// What the company's servers say about a message; nothing, where none is believed.
    pub(super) fn results(&self, message: &Message) -> Results {
        let trust = self.policy.inbound.trust.as_ref();
        trust.map_or(Results::Silent, |trust| Results::read(message, &trust.authserv_id, &trust.servers))
    }

    /// Mail from outside is proved by DMARC. What people hand in at the company's own server is not asked for
    /// it: there the name that they logged in with tells, where it is one that may write as this author.
    fn proof(&self, author: &Mailbox, results: &Results) -> Option<Proof> {
        if results.pass_dmarc(author.address.domain()) {
            return Some(Proof::Domain);
        }
        let (people, separators) = (&self.policy.people, &self.policy.separators);
        let login = results.authenticated()?;
        let user = |address: &Address| address.split_detail(separators).0.folded();
        let behind = people.author(author, separators).map(|persona| persona.answered_by.as_slice());
        let may_write = |name: &PersonName| {
            behind.unwrap_or_default().contains(name) || self.people_at(&author.address).any(|reader| reader == *name)
        };
        let writers: Vec<PersonName> = self.people_at(&login).filter(may_write).collect();
        (!writers.is_empty() || user(&login) == user(&author.address)).then_some(Proof::Login(writers))
    }

    fn people_at(&self, address: &Address) -> impl Iterator<Item = PersonName> {
        self.policy.people.people_at(address, &self.policy.separators).map(|person| person.name.clone())
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
    pub(super) fn colleagues(&self, case: &Case<'_>, to: &Address, matched: &Match, writer: &Insider) -> Readers<'a> {
        let people = &self.policy.people;
        let persona = matched.persona.as_ref().and_then(|name| people.persona(name));
        let answering = persona.map(|persona| persona.answered_by.as_slice()).unwrap_or_default();
        let all: Vec<&Person> = answering.iter().filter_map(|name| people.person(name)).collect();
        let others: Vec<&Person> = all.iter().copied().filter(|person| !writer.people.contains(&person.name)).collect();
        let fallback = self.fallback(case, to, matched);
        if others.is_empty() {
            return Readers { people: all, fallback, answering: None };
        }
        let own = self.inboxes_of(writer);
        Readers { people: others, fallback: fallback.without(own), answering: None }
    }

    /// Where an insider reads mail; not whoever succeeded them.
    pub fn inboxes_of(&self, insider: &Insider) -> Vec<&'a Address> {
        let person = |name: &PersonName| self.policy.people.person(name).filter(|person| person.name == *name);
        let people = insider.people.iter().filter_map(person);
        people.flat_map(|person| &person.inboxes).collect()
    }

    /// What an insider's message teaches, as one recipient sees it: its id belongs to the thread that the
    /// strongest evidence names, whichever persona it is a copy for; else to a new one, of the persona in From
    /// or of the recipient. `None` where it has no id.
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
        let author = || self.policy.people.author(message.author()?, &self.policy.separators);
        let opened = || Some((fresh, author().map(|persona| persona.name.clone()).or(matched.persona.clone())?));
        let (thread, persona) = named.or_else(before).or_else(opened)?;
        let writer = case.insider.as_ref().and_then(|insider| self.writer_for(insider, &persona));
        let correspondents = self.policy.customers(&message.addressees());
        Some(Lesson { message_id, thread, persona, correspondents, writer, campaign: None })
    }

    /// The writer, if they, or who succeeded them, answer for the persona: whoever only puts in a word does not take
    /// the thread over.
    pub(super) fn writer_for(&self, insider: &Insider, persona: &PersonaName) -> Option<PersonName> {
        let people = &self.policy.people;
        let (persona, writer) = (people.persona(persona)?, insider.writer.as_ref()?);
        persona.answered_by.contains(&people.person(writer)?.name).then(|| writer.clone())
    }

    /// One message teaches one thing, to whomever it was sent: what evidence names, else the thread of a persona
    /// that the writer answers for, else of the first recipient. Nothing, where that is known.
    pub(super) fn agree_on_lesson(&self, case: &Case<'_>, plans: &mut [Plan]) {
        let Some(insider) = &case.insider else { return };
        let is_writers = |persona: &PersonaName| {
            let persona = self.policy.people.persona(persona);
            persona.is_some_and(|persona| insider.people.iter().any(|name| persona.answered_by.contains(name)))
        };
        let lessons = plans.iter().enumerate().filter_map(|(index, plan)| Some((index, plan.lesson.as_ref()?)));
        let best =
            lessons.min_by_key(|(index, lesson)| (lesson.thread == self.fresh(*index), !is_writers(&lesson.persona)));
        let best = best.map(|(_, lesson)| lesson.clone());
        let best = best.and_then(|lesson| learning::unless_known(lesson, &case.arrival.message, case.known));
        plans.iter_mut().filter(|plan| plan.lesson.is_some()).for_each(|plan| plan.lesson.clone_from(&best));
    }
}
