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

    fn is_expired(&self, token: &Token) -> bool {
        let issued = ThreadId(token.id).opened().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.now.duration_since(issued) > RETURN_TOKENS_EXPIRE
    }

    /// Lists the evidence for one recipient, strongest first.
    pub fn candidates(&self, message: &Message, to: &Address, recipient: &Recipient, found: &Found) -> Vec<Candidate> {
        let parents = message.parents();
        let author = message.author().map(|author| &author.address);
        let mut candidates = Vec::new();
        candidates.extend(self.by_recipient_token(message, to, recipient));
        candidates.extend(self.seeds(&parents).iter().filter_map(|token| self.by_token(Evidence::Seed, token)));
        candidates.extend(self.by_message_id(&parents, author, found));
        if let Recipient::Persona(name) = recipient {
            let persona = name.clone();
            candidates.push(Candidate { evidence: Evidence::PersonaAddress, persona, thread: None });
        }
        candidates
    }

    fn by_recipient_token(&self, message: &Message, to: &Address, recipient: &Recipient) -> Vec<Candidate> {
        let mut tokens: Vec<Token> = self.recipient_token(to).into_iter().collect();
        if *recipient == Recipient::Shared {
            tokens.extend(message.recipients().iter().filter_map(|address| self.recipient_token(address)));
        }
        tokens.iter().filter_map(|token| self.by_token(Evidence::RecipientToken, token)).collect()
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
    fn by_message_id(&self, parents: &[MessageId], author: Option<&Address>, found: &Found) -> Vec<Candidate> {
        let claims = || parents.iter().filter_map(|id| found.ids.get(id));
        let learned = claims().filter_map(|claims| learned(claims));
        let healed = claims().filter_map(|claims| healed(claims, author?));
        let threads = learned.chain(healed);
        threads.filter_map(|thread| self.of_thread(Evidence::MessageId, thread, found)).collect()
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

/// The thread of an id that this author, or somebody of the same domain, brought. Two answers are none.
fn healed(claims: &[Claim], author: &Address) -> Option<ThreadId> {
    let by = |claim: &&Claim, same: &dyn Fn(&str) -> bool| match &claim.origin {
        Origin::Healed(correspondent) => same(correspondent),
        Origin::Learned(_) => false,
    };
    let folded = author.folded();
    let exact = |who: &str| who == folded;
    let domain = |who: &str| who.rsplit_once('@').is_some_and(|(_, domain)| domain == author.domain().as_str());
    let only = |same: &dyn Fn(&str) -> bool| {
        let threads: HashSet<ThreadId> =
            claims.iter().filter(|claim| by(claim, same)).map(|claim| claim.thread).collect();
        (threads.len() == 1).then(|| threads.into_iter().next()).flatten()
    };
    only(&exact).or_else(|| only(&domain))
}
