//! One piece of evidence: what was looked at, and what came of it.

use crate::mail::{Address, Evidence, MessageId, PersonaName, ThreadId};

use super::Candidate;

/// A piece of evidence that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What kind of evidence it would be.
    pub evidence: Evidence,
    /// What in the message.
    pub looked_at: LookedAt<'a>,
    /// What it says.
    pub says: Says,
}

/// What in a message was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedAt<'a> {
    /// The message has nothing of the kind, or it was not needed.
    Nothing,
    /// An address that it came to, or that a field names.
    Address(&'a Address),
    /// An id that it refers to, or that stands in what it quotes.
    Id(&'a MessageId),
    /// Outlook's conversation.
    Conversation,
    /// The base subject.
    Subject(&'a str),
    /// Who wrote it.
    Author(&'a Address),
    /// The first lines of the author's own text.
    Opening(&'a [String]),
}

/// What a piece of evidence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Whom the message is for.
    Names {
        /// The persona.
        persona: PersonaName,
        /// The thread, where it names one.
        thread: Option<ThreadId>,
    },
    /// Nothing.
    Not(Why),
}

/// Why a piece says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Why {
    /// The message has nothing of the kind.
    Absent,
    /// It looks like a token, but its signature does not verify.
    BadToken,
    /// A token that expires, and has.
    Expired,
    /// The persona is not in the configuration any more.
    PersonaGone,
    /// Nothing is known of it.
    Unknown,
    /// Messages of two threads had this id.
    Ambiguous,
    /// Another correspondent brought this id into a thread.
    BroughtByAnother,
    /// What is known of it belongs to other personas than the recipient's.
    OtherPersonas,
    /// It names several personas.
    SeveralPersonas,
    /// It names several threads.
    SeveralThreads,
    /// The correspondent has had more threads than are remembered: others may fit too.
    TooManyThreads,
    /// It was too long ago.
    OutsideWindow,
    /// It names nobody.
    NamesNobody,
    /// Several personas share the address, or none has it.
    NoPersonasAddress,
    /// The recipient has settled the persona.
    OnlyAtSharedAddresses,
    /// Something stronger was found.
    NotNeeded,
}

impl Why {
    /// The reason, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Absent => "the message has none",
            Self::BadToken => "the signature does not verify: cut, changed, for another purpose or not ours",
            Self::Expired => "the token has expired",
            Self::PersonaGone => "its persona is not in the configuration any more",
            Self::Unknown => "not known",
            Self::Ambiguous => "messages of two threads had this id",
            Self::BroughtByAnother => "known from another correspondent only",
            Self::OtherPersonas => "it belongs to another persona",
            Self::SeveralPersonas => "it fits several personas",
            Self::SeveralThreads => "it fits several threads",
            Self::TooManyThreads => "others may fit too: of so many threads not all are remembered",
            Self::OutsideWindow => "too long ago",
            Self::NamesNobody => "it names nobody",
            Self::NoPersonasAddress => "the recipient is not one persona's own address",
            Self::OnlyAtSharedAddresses => "counts at shared addresses only",
            Self::NotNeeded => "not needed: something stronger was found",
        }
    }
}

impl Piece<'_> {
    /// What it speaks for, if anything.
    pub fn candidate(&self) -> Option<Candidate> {
        match &self.says {
            Says::Names { persona, thread } => {
                Some(Candidate { evidence: self.evidence, persona: persona.clone(), thread: *thread })
            }
            Says::Not(_) => None,
        }
    }

    /// What it speaks for, if anything.
    pub(super) fn into_candidate(self) -> Option<Candidate> {
        match self.says {
            Says::Names { persona, thread } => Some(Candidate { evidence: self.evidence, persona, thread }),
            Says::Not(_) => None,
        }
    }
}
