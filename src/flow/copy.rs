//! What the copy of a mail teaches that another system sent. Pure.

use crate::mail::{Evidence, Lesson, PersonaName, ThreadId};
use crate::message::Message;
use crate::message::auth::Results;
use crate::people::Persona;
use crate::threads::matcher::{Candidate, Recipient};
use crate::threads::{Found, Query};

use super::learning;
use super::plan::Desk;

/// Why nothing is learned from a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlearned {
    /// It is a customer's, or has no author.
    #[error("its From field names no person and no persona")]
    Stranger,
    /// It can be read in two ways.
    #[error("its From field does not name exactly one author")]
    NotOneAuthor,
    /// It came from elsewhere, and anybody may have written it.
    #[error("its author is not proved: the trusted Authentication-Results say so")]
    NotProved,
    /// An answer cannot refer to it.
    #[error("it has no Message-ID")]
    NoMessageId,
    /// A person wrote to somebody, and it is not known for which persona.
    #[error("its author is a person, and no id in it names the thread of a persona")]
    NoThread,
    /// It is known already, from the mail itself before or after it was stamped or signed.
    #[error("its id is in its thread already")]
    Known,
}

impl Desk<'_> {
    /// Everything that the memory must be asked about a copy, at once.
    pub fn question_of_copy(&self, message: &Message) -> Query {
        let parents = message.parents();
        let seeds = self.matcher().seeds(&parents);
        Query {
            threads: seeds.iter().map(|seed| ThreadId(seed.id)).collect(),
            ids: parents.into_iter().chain(message.message_id().cloned()).collect(),
            ..Query::default()
        }
    }

    /// What a copy teaches. Of a persona's mail, the id, as if it had gone through us; of a person's, the
    /// id where strong evidence names a persona's thread.
    ///
    /// Mail that goes out bears no results of our own servers, or those of its author's login. Where they are
    /// there and prove nothing, it is a stranger's mail that was copied too.
    ///
    /// # Errors
    /// Why it teaches nothing: no reason to refuse it, since the mail itself has gone.
    pub fn lesson_of_copy(&self, message: &Message, known: &Found) -> Result<Lesson, Unlearned> {
        let people = &self.policy.people;
        let known = &known.of_now(people);
        let insider = self.insider(message).ok_or(Unlearned::Stranger)?;
        let author = message.sole_author().ok_or(Unlearned::NotOneAuthor)?;
        if !insider.proved && self.results(message) != Results::Silent {
            return Err(Unlearned::NotProved);
        }
        let message_id = message.message_id().cloned().ok_or(Unlearned::NoMessageId)?;

        let correspondents = self.policy.customers(&message.addressees());
        let clues = self.matcher().clues(message, &[], correspondents.clone(), self.policy.mime);
        let evidence = self.matcher().referred(&clues, &Recipient::Shared, known);
        let before = learning::learned_before(&message_id, message, known);
        let (thread, persona) = match people.author(author, &self.policy.separators) {
            Some(persona) => {
                let before = before.filter(|(_, name)| *name == persona.name).map(|(thread, _)| thread);
                let thread = thread_of(persona, &evidence, before).unwrap_or_else(|| self.new_thread());
                (thread, persona.name.clone())
            }
            None => before.or_else(|| strongest(&evidence)).ok_or(Unlearned::NoThread)?,
        };
        let writer = self.writer_for(&insider, &persona);
        // What a person wrote is no campaign's, whatever it says.
        let is_automated = people.author(author, &self.policy.separators).is_some() && insider.writer.is_none();
        let campaign = if is_automated { learning::campaign(message, self.policy) } else { None };
        let lesson = Lesson { message_id, thread, persona, correspondents, writer, campaign };
        learning::unless_known(lesson, message, known).ok_or(Unlearned::Known)
    }
}

/// The thread of a persona's mail: that of its seed, else the one that this very mail was learned under, else
/// that of a mail it refers to.
fn thread_of(persona: &Persona, evidence: &[Candidate], before: Option<ThreadId>) -> Option<ThreadId> {
    let own = || evidence.iter().filter(|candidate| candidate.persona == persona.name);
    let seed = own().filter(|candidate| candidate.evidence == Evidence::Seed).find_map(|candidate| candidate.thread);
    seed.or(before).or_else(|| own().find_map(|candidate| candidate.thread))
}

/// The strongest evidence: seeds come first.
fn strongest(evidence: &[Candidate]) -> Option<(ThreadId, PersonaName)> {
    evidence.iter().find_map(|candidate| Some((candidate.thread?, candidate.persona.clone())))
}
