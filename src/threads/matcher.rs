//! The matcher: ranks the evidence for one recipient. Pure.
//!
//! [`Matcher::candidates`] lists what speaks for a thread or persona, strongest first, and
//! [`decide`] picks one. Where the recipient is the address of
//! exactly one persona, that persona is settled and evidence only chooses among its threads;
//! elsewhere evidence chooses the persona too. A wrong thread is worse than none.

use std::collections::HashSet;

use crate::mail::{Address, Conflict, Domain, Evidence, Match, MessageId, PersonaName, ThreadId};
use crate::message::Message;
use crate::people::People;
use crate::signing::Keys;

use super::token::{Purpose, Token};
use super::{Claim, Found, Origin};

/// How long a token in a return path is believed.
const RETURN_TOKENS_EXPIRE: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

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

/// What in a message may speak for a thread: gathered once, for all recipients.
#[derive(Debug, Clone, Default)]
pub struct Clues {
    parents: Vec<MessageId>,
    seeds: Vec<Token>,
    // In the fields where servers write the recipient; believed at shared addresses only.
    written: Vec<Token>,
    brought_by: Vec<Address>,
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
    /// The seeds among the ids that the message refers to, best first.
    pub fn seeds(&self, parents: &[MessageId]) -> Vec<Token> {
        parents.iter().filter_map(|id| Token::open(id.left(), Purpose::Seed, self.keys)).collect()
    }

    /// The token in the subaddress of an address: of a reply address, or of a return path.
    pub fn recipient_token(&self, recipient: &Address) -> Option<Token> {
        let (_, detail) = recipient.split_detail(self.separators);
        let detail = detail?;
        if let Some(token) = Token::open(detail, Purpose::Reply, self.keys) {
            return Some(token);
        }
        let is_ours = self.reply_domain.is_some_and(|domain| domain == recipient.domain());
        let returns = [Purpose::ReturnOfForward, Purpose::ReturnOfOutbound];
        let token = returns.into_iter().find_map(|purpose| Token::open(detail, purpose, self.keys))?;
        (is_ours && !self.is_expired(&token)).then_some(token)
    }

    /// A token of an automated message names its thread, which may be older than the mail that
    /// bounces now: it does not expire. What it leads to is held, never forwarded.
    fn is_expired(&self, token: &Token) -> bool {
        if token.purpose != Purpose::ReturnOfForward {
            return false;
        }
        let issued = ThreadId(token.id).opened().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.now.duration_since(issued) > RETURN_TOKENS_EXPIRE
    }

    /// Gathers what all recipients of a message have in common. `brought_by` are those whose healed ids
    /// count: the author, or the customers whom one of ours answers.
    pub fn clues(&self, message: &Message, brought_by: Vec<Address>) -> Clues {
        let parents = message.parents();
        Clues {
            seeds: self.seeds(&parents),
            parents,
            written: message.recipients().iter().filter_map(|address| self.recipient_token(address)).collect(),
            brought_by,
        }
    }

    /// Lists the evidence for one recipient, strongest first.
    pub fn candidates(&self, clues: &Clues, to: &Address, recipient: &Recipient, found: &Found) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        candidates.extend(self.by_recipient_token(clues, to, recipient));
        candidates.extend(self.referred(clues, recipient, found));
        if let Recipient::Persona(name) = recipient {
            let persona = name.clone();
            candidates.push(Candidate { evidence: Evidence::PersonaAddress, persona, thread: None });
        }
        candidates
    }

    /// The evidence in the ids that a message refers to, strongest first.
    pub fn referred(&self, clues: &Clues, recipient: &Recipient, found: &Found) -> Vec<Candidate> {
        let seeds = clues.seeds.iter().filter_map(|token| self.by_token(Evidence::Seed, token));
        seeds.chain(self.by_message_id(clues, recipient, found)).collect()
    }

    fn by_recipient_token(&self, clues: &Clues, to: &Address, recipient: &Recipient) -> Vec<Candidate> {
        let own = self.recipient_token(to);
        let written: &[Token] = if *recipient == Recipient::Shared { &clues.written } else { &[] };
        let tokens = own.iter().chain(written);
        tokens.filter_map(|token| self.by_token(Evidence::RecipientToken, token)).collect()
    }

    /// A token needs no index: its tag names the persona, its id the thread. A persona that is not
    /// there any more is no evidence.
    fn by_token(&self, evidence: Evidence, token: &Token) -> Option<Candidate> {
        let persona = self.people.persona_by_tag(token.persona)?.name.clone();
        let thread = match token.purpose {
            Purpose::Seed | Purpose::Reply | Purpose::ReturnOfOutbound => Some(ThreadId(token.id)),
            Purpose::ReturnOfForward => None,
        };
        Some(Candidate { evidence, persona, thread })
    }

    /// Learned ids first, then healed ones; each from the best parent to the least.
    fn by_message_id(&self, clues: &Clues, recipient: &Recipient, found: &Found) -> Vec<Candidate> {
        let claims = || clues.parents.iter().filter_map(|id| found.ids.get(id));
        let learned = claims().filter_map(|claims| learned(claims));
        let healed = claims()
            .filter_map(|claims| clues.brought_by.iter().find_map(|who| self.healed(claims, who, recipient, found)));
        let threads = learned.chain(healed);
        threads.filter_map(|thread| self.of_thread(Evidence::MessageId, thread, found)).collect()
    }

    /// The thread of an id that this author, or somebody of the same domain, brought. One mail to
    /// several personas brought it into a thread of each: the recipient's own persona is meant, and
    /// where the recipient names none, it is no evidence.
    fn healed(&self, claims: &[Claim], author: &Address, to: &Recipient, found: &Found) -> Option<ThreadId> {
        let persona = |thread: &ThreadId| found.threads.get(thread).map(|known| known.persona.clone());
        let is_meant = |thread: &ThreadId| match to {
            Recipient::Persona(name) => persona(thread).as_ref() == Some(name),
            Recipient::Shared | Recipient::Token(_) => true,
        };
        let by = |author: &dyn Fn(&str) -> bool| {
            let threads = claims.iter().filter(|claim| is_healed_by(claim, author)).map(|claim| claim.thread);
            let threads: Vec<ThreadId> = threads.filter(is_meant).collect();
            let personas: HashSet<_> = threads.iter().map(persona).collect();
            // The first of several threads of one persona: what came later were retries of the same mail.
            threads.first().copied().filter(|_| personas.len() == 1)
        };
        let (folded, domain) = (author.folded(), format!("@{}", author.domain()));
        by(&|who| who == folded).or_else(|| by(&|who| who.ends_with(&domain)))
    }

    /// The thread of `persona` that this correspondent brought the id into before.
    pub fn joined_before(
        &self,
        id: &MessageId,
        persona: &PersonaName,
        author: &Address,
        found: &Found,
    ) -> Option<ThreadId> {
        self.healed(found.ids.get(id)?, author, &Recipient::Persona(persona.clone()), found)
    }

    fn of_thread(&self, evidence: Evidence, thread: ThreadId, found: &Found) -> Option<Candidate> {
        let persona = found.threads.get(&thread)?.persona.clone();
        self.people.persona(&persona)?;
        Some(Candidate { evidence, persona, thread: Some(thread) })
    }
}

/// Picks the strongest candidate that agrees with the recipient; what points elsewhere is a conflict.
pub fn decide(candidates: &[Candidate], recipient: &Recipient, correspondent: Option<Address>) -> Match {
    let agrees = |candidate: &&Candidate| match recipient {
        Recipient::Persona(name) => candidate.persona == *name,
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

/// The thread of a learned id; an id that two different messages carried says nothing.
fn learned(claims: &[Claim]) -> Option<ThreadId> {
    let mut learned = claims.iter().filter(|claim| matches!(claim.origin, Origin::Learned(_)));
    let first = learned.next()?;
    learned.next().is_none().then_some(first.thread)
}

fn is_healed_by(claim: &Claim, author: &dyn Fn(&str) -> bool) -> bool {
    match &claim.origin {
        Origin::Healed(correspondent) => author(correspondent),
        Origin::Learned(_) => false,
    }
}
