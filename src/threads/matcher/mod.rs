//! The matcher: ranks the evidence for one recipient. Pure.
//!
//! [`Matcher::pieces`] looks at everything in a message that may speak for a thread or persona, the strongest
//! first, and says what came of each piece; [`decide`] picks one. Where the recipient is the address of
//! exactly one persona, that persona is settled and evidence only chooses among its threads;
//! elsewhere evidence chooses the persona too. A wrong thread is worse than none.

mod clues;
mod known;
mod learned;
mod piece;
mod signed;

use std::collections::HashSet;

use crate::mail::{Address, Conflict, Domain, Evidence, Match, PersonaName, ThreadId};
use crate::people::People;
use crate::signing::Keys;

use super::Found;
use super::token::Token;

pub use clues::Clues;
pub use piece::{LookedAt, Piece, Says, Why};

/// What all recipients of one message have in common.
#[derive(Clone, Copy)]
pub struct Matcher<'a> {
    /// Who is who.
    pub people: &'a People,
    /// What tokens are signed with.
    pub keys: &'a Keys,
    /// What divides a user from a detail.
    pub separators: &'a str,
    /// Our own domain of masked addresses.
    pub reply_domain: Option<&'a Domain>,
    /// How long the subject of a thread is evidence.
    pub window: std::time::Duration,
    /// The time of the decision.
    pub now: jiff::Timestamp,
}

/// What one recipient address means to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The address of exactly one persona.
    Persona(PersonaName),
    /// An address that several personas share, or that the configuration accepts besides.
    Shared,
    /// An address of the reply domain with a token that verifies.
    Token(Token),
}

/// Something that speaks for a thread or persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What kind of evidence.
    pub evidence: Evidence,
    /// The persona it points to.
    pub persona: PersonaName,
    /// The thread it points to, where it names one.
    pub thread: Option<ThreadId>,
}

impl Matcher<'_> {
    /// Looks at all the evidence for one recipient, strongest first; each kind of it at least once.
    pub fn pieces<'c>(
        &self,
        clues: &'c Clues<'_>,
        to: &'c Address,
        recipient: &Recipient,
        found: &Found,
    ) -> Vec<Piece<'c>> {
        let mut pieces = Vec::new();
        for evidence in <Evidence as strum::VariantArray>::VARIANTS {
            let first = pieces.len();
            match evidence {
                Evidence::RecipientToken => pieces.extend(self.by_recipient_token(clues, to, recipient)),
                Evidence::Seed => pieces.extend(self.by_seed(clues)),
                Evidence::MessageId => pieces.extend(self.by_message_id(clues, recipient, found)),
                Evidence::QuotedId => pieces.extend(self.by_quoted_id(clues, found)),
                Evidence::Conversation => pieces.extend(self.by_conversation(clues, recipient, found)),
                Evidence::Subject => pieces.extend(self.by_subject(clues, recipient, found)),
                Evidence::Correspondent => pieces.extend(self.by_correspondent(clues, recipient, found)),
                Evidence::PersonaAddress => pieces.push(by_persona_address(to, recipient)),
                Evidence::ByName => pieces.push(self.by_name(clues, to, recipient, &pieces)),
                Evidence::Unmatched => continue,
            }
            if pieces.len() == first {
                pieces.push(Piece { evidence: *evidence, looked_at: LookedAt::Nothing, says: Says::Not(Why::Absent) });
            }
        }
        pieces
    }

    /// The evidence in the ids that a message refers to, strongest first.
    pub fn referred(&self, clues: &Clues<'_>, recipient: &Recipient, found: &Found) -> Vec<Candidate> {
        let pieces = self.by_seed(clues).into_iter().chain(self.by_message_id(clues, recipient, found));
        pieces.filter_map(Piece::into_candidate).collect()
    }

    /// The greeting of a message counts where nothing else names anybody.
    fn by_name<'c>(
        &self,
        clues: &'c Clues<'_>,
        to: &Address,
        recipient: &Recipient,
        stronger: &[Piece<'_>],
    ) -> Piece<'c> {
        let piece = |looked_at, says| Piece { evidence: Evidence::ByName, looked_at, says };
        if *recipient != Recipient::Shared {
            return piece(LookedAt::Nothing, Says::Not(Why::OnlyAtSharedAddresses));
        }
        if stronger.iter().any(|piece| piece.candidate().is_some()) {
            return piece(LookedAt::Nothing, Says::Not(Why::NotNeeded));
        }
        let (user, _) = to.split_detail(self.separators);
        let says = self.greeted(&user, clues);
        piece(LookedAt::Opening(clues.opening()), says)
    }
}

fn by_persona_address<'c>(to: &'c Address, recipient: &Recipient) -> Piece<'c> {
    let says = match recipient {
        Recipient::Persona(persona) => Says::Names { persona: persona.clone(), thread: None },
        Recipient::Shared | Recipient::Token(_) => Says::Not(Why::NoPersonasAddress),
    };
    Piece { evidence: Evidence::PersonaAddress, looked_at: LookedAt::Address(to), says }
}

/// Picks the strongest candidate that agrees with the recipient; what points elsewhere is a conflict.
///
/// An answer to Sophie's mail that comes to Tom's address is in none of Tom's threads, whatever its subject.
pub fn decide(candidates: &[Candidate], recipient: &Recipient, correspondent: Option<Address>) -> Match {
    let is_elsewhere = candidates.iter().any(|candidate| candidate.evidence.is_strong() && candidate.thread.is_some());
    let is_guess = |candidate: &Candidate| matches!(candidate.evidence, Evidence::Conversation | Evidence::Subject);
    let agrees = |candidate: &&Candidate| match recipient {
        Recipient::Persona(name) => candidate.persona == *name && !(is_elsewhere && is_guess(candidate)),
        Recipient::Shared | Recipient::Token(_) => true,
    };
    let Some(winner) = candidates.iter().find(agrees) else {
        return Match {
            evidence: Evidence::Unmatched,
            persona: None,
            thread: None,
            correspondent,
            conflicts: Vec::new(),
        };
    };
    Match {
        evidence: winner.evidence,
        persona: Some(winner.persona.clone()),
        thread: winner.thread,
        correspondent,
        conflicts: conflicts(candidates, winner),
    }
}

/// The strong evidence for another persona or another thread than the winner's, each once.
fn conflicts(candidates: &[Candidate], winner: &Candidate) -> Vec<Conflict> {
    let differs = |other: &&Candidate| {
        let elsewhere = other.thread.is_some() && winner.thread.is_some() && other.thread != winner.thread;
        other.evidence.is_strong() && (other.persona != winner.persona || elsewhere)
    };
    let mut seen = HashSet::new();
    let others = candidates.iter().filter(differs);
    others
        .filter(|other| seen.insert((other.evidence, other.persona.clone(), other.thread)))
        .map(|other| Conflict { evidence: other.evidence, persona: other.persona.clone(), thread: other.thread })
        .collect()
}
