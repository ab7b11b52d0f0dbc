//! A thread's story, for people: what was sent in it, what came, and what became of that.
//!
//! It tells, and decides nothing: no evidence is ever drawn from it.

use crate::mail::{Action, Evidence, FateName, Kind, MessageId, PersonName, PersonaName, Status, ThreadId};

/// Whose story is asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Named {
    /// A thread, by its own name or by a token that names it.
    Thread(ThreadId),
    /// The threads that an id belongs to.
    MessageId(MessageId),
    /// The threads of a customer, by the address, folded.
    Correspondent(String),
}

/// What is remembered of one thread.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Story {
    /// The thread.
    pub thread: ThreadId,
    /// Whose thread it is.
    pub persona: PersonaName,
    /// When it was opened, in seconds of the Unix epoch, as all times here.
    pub opened: i64,
    /// The customers whom mail of the thread went to, or who opened it; folded.
    pub correspondents: Vec<String>,
    /// Who of the persona's people wrote into it last.
    pub writer: Option<PersonName>,
    /// The person who got the last message that a customer wrote in it.
    pub person: Option<PersonName>,
    /// The campaign that its automated mail was of, the newest.
    pub campaign: Option<String>,
    /// What mail systems told of the delivery of its mail: the newest for each recipient.
    pub reports: Vec<Report>,
    /// How many ids it has gained by healing.
    pub healed: u32,
    /// What happened, in order of time: each message once, the opening one and the newest of the others.
    pub events: Vec<Event>,
    /// Whether others happened between the opening one and the rest, which are not remembered.
    pub is_cut: bool,
    /// Where it was asked for by a customer: whether they may have a part in older threads that are not told, since
    /// only so many are remembered as theirs.
    pub is_of_many: bool,
}

/// What a mail system told of the delivery of mail to one customer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// Whom it was for, folded; none where that could not be read, or they are forgotten.
    pub recipient: Option<String>,
    /// What became of it.
    pub action: Action,
    /// The status code, where there was one.
    pub status: Option<Status>,
    /// When it was told.
    pub at: i64,
}

/// One message in a thread.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// When it was sent or came first.
    pub at: i64,
    /// Its id; none where it has none, or one too long to be told.
    pub message_id: Option<MessageId>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// Mail of the persona's went out.
    Sent {
        /// Who wrote it, where that is one known person; nobody did where it is automated.
        writer: Option<PersonName>,
        /// Some of the customers whom it went to, folded.
        to: Vec<String>,
        /// How many customers it went to.
        count: u32,
    },
    /// Mail came, and belongs to the thread.
    Came {
        /// Who wrote it, folded; none where it has no author, one of ours is said to be it, or they are forgotten:
        /// then its ids are not told either.
        correspondent: Option<String>,
        /// What it is.
        kind: Kind,
        /// Why it belongs to the thread.
        evidence: Evidence,
        /// What became of it: handed on, where anybody got it.
        fate: FateName,
        /// The person who was chosen to answer.
        person: Option<PersonName>,
        /// The ids of other messages that it brought into the thread.
        healed: Vec<MessageId>,
    },
}
