//! Evidence that counts only because the author is known: conversations, subjects, the correspondent; and the
//! greeting, which needs nobody to be known.
//!
//! Anybody may write any subject, and Outlook's conversation is no secret. So only the threads are looked at
//! in which the author is the known correspondent: a stranger can at most add to a thread of their own.

use std::collections::HashSet;

use crate::mail::{Address, Evidence, PersonaName};
use crate::people::Greeted;

use super::clues::Clues;
use super::piece::{LookedAt, Piece, Says, Why};
use super::{Matcher, Recipient};
use crate::threads::{Familiar, Found};

impl Matcher<'_> {
    /// Outlook's conversation, known from an earlier message of a thread with this author.
    pub(super) fn by_conversation<'c>(
        &self,
        clues: &'c Clues<'_>,
        recipient: &Recipient,
        found: &Found,
    ) -> Option<Piece<'c>> {
        let threads = found.acquaintance.threads.iter().filter(|familiar| familiar.topic.conversation.is_some());
        let says = self.familiar(threads, |_| true, recipient, found);
        let piece = Piece { evidence: Evidence::Conversation, looked_at: LookedAt::Conversation, says };
        clues.has_conversation.then_some(piece)
    }

    /// The subject of a thread with this author, not too long ago.
    pub(super) fn by_subject<'c>(
        &self,
        clues: &'c Clues<'_>,
        recipient: &Recipient,
        found: &Found,
    ) -> Option<Piece<'c>> {
        let subject = clues.subject.as_deref()?;
        let threads = found.acquaintance.threads.iter().filter(|familiar| familiar.topic.subject.is_some());
        let says = self.familiar(threads, |familiar| self.is_recent(familiar), recipient, found);
        Some(Piece { evidence: Evidence::Subject, looked_at: LookedAt::Subject(subject), says })
    }

    fn is_recent(&self, familiar: &Familiar) -> bool {
        let age = self.now.as_second().saturating_sub(familiar.at);
        age <= i64::try_from(self.window.as_secs()).unwrap_or(i64::MAX)
    }

    /// What threads with the author say together: of the recipient's persona, or of the only one that has any; at
    /// least one of them is recent. The thread is named where the persona has no other that fits, recent or not, and none can
    /// have been forgotten: else nobody knows which is meant, and the persona alone is no news where the recipient has
    /// settled it.
    fn familiar<'f>(
        &self,
        threads: impl Iterator<Item = &'f Familiar>,
        is_recent: impl Fn(&Familiar) -> bool,
        recipient: &Recipient,
        found: &'f Found,
    ) -> Says {
        let threads: Vec<&Familiar> = threads.collect();
        let named = threads.iter().filter_map(|familiar| Some((self.persona_of(familiar.thread, found)?, *familiar)));
        let named: Vec<(&PersonaName, &Familiar)> = named.collect();
        let meant: Vec<_> = named.iter().filter(|(persona, _)| is_meant(recipient, persona)).collect();
        let recent: Vec<_> = meant.iter().filter(|(_, familiar)| is_recent(familiar)).collect();
        // Also of those that are not recent: people answer old mail too.
        let personas: HashSet<&PersonaName> = meant.iter().map(|(persona, _)| *persona).collect();
        let Some((persona, familiar)) = recent.first() else {
            return Says::Not(match (threads.is_empty(), named.is_empty(), meant.is_empty()) {
                (true, _, _) => Why::Unknown,
                (false, true, _) => Why::PersonaGone,
                (false, false, true) => Why::OtherPersonas,
                (false, false, false) => Why::OutsideWindow,
            });
        };
        if personas.len() > 1 {
            return Says::Not(Why::SeveralPersonas);
        }
        let is_one = meant.iter().all(|(_, other)| other.thread == familiar.thread);
        let is_only = is_one && !found.acquaintance.is_cut;
        let thread = is_only.then_some(familiar.thread);
        match (thread, recipient) {
            (None, Recipient::Persona(_)) if is_one => Says::Not(Why::TooManyThreads),
            (None, Recipient::Persona(_)) => Says::Not(Why::SeveralThreads),
            _ => Says::Names { persona: (*persona).clone(), thread },
        }
    }

    /// Where the recipient names no persona: the only one that has written to the author. It does not tell which
    /// thread.
    pub(super) fn by_correspondent<'c>(
        &self,
        clues: &'c Clues<'_>,
        recipient: &Recipient,
        found: &Found,
    ) -> Option<Piece<'c>> {
        let author = clues.author.as_ref()?;
        let writers = found.acquaintance.written_to_by.iter().filter_map(|name| self.people.persona(name));
        let personas: HashSet<&PersonaName> = writers.map(|persona| &persona.name).collect();
        let mut personas = personas.into_iter();
        let says = match (recipient, personas.next(), personas.next()) {
            (Recipient::Persona(_) | Recipient::Token(_), _, _) => Says::Not(Why::OnlyAtSharedAddresses),
            (Recipient::Shared, None, _) => Says::Not(Why::Unknown),
            (Recipient::Shared, Some(only), None) => Says::Names { persona: only.clone(), thread: None },
            (Recipient::Shared, Some(_), Some(_)) => Says::Not(Why::SeveralPersonas),
        };
        Some(Piece { evidence: Evidence::Correspondent, looked_at: LookedAt::Author(author), says })
    }

    /// Whom the first lines greet.
    pub(super) fn greeted(&self, at: &Address, opening: &[String]) -> Says {
        match self.people.greeted(at, opening) {
            Greeted::One(persona) => Says::Names { persona: persona.name.clone(), thread: None },
            Greeted::Several(_) => Says::Not(Why::SeveralPersonas),
            Greeted::Nobody => Says::Not(Why::NamesNobody),
        }
    }
}

fn is_meant(recipient: &Recipient, persona: &PersonaName) -> bool {
    match recipient {
        Recipient::Persona(name) => persona == name,
        Recipient::Shared | Recipient::Token(_) => true,
    }
}
