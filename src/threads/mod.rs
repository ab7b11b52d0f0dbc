//! Which message belongs to which thread: the memory, and the matcher that asks it.
//!
//! [`Threads`] is a closed enum of backends behind one asynchronous interface; one conformance
//! suite runs over all of them. What is learned are [`Record`]s; what is asked is one [`Query`] a
//! message, answered by [`Found`]. Ranking the evidence is pure and lives in [`matcher`].

pub mod matcher;
pub mod record;
pub mod story;
mod succession;
pub mod token;

pub mod local;
pub mod memory;

mod index;
mod recall;

mod acquaintance;
mod bounced;
mod duty;
mod entry;
mod places;
mod store;
mod tale;

#[cfg(test)]
mod conformance;
#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::collections::{HashMap, HashSet};

use crate::mail::{Address, MessageId, PersonName, PersonaName, ThreadId};

pub use bounced::{Bookmark, Bounced};
pub use record::{Came, DestinationHash, Durability, Fingerprint, Record, Reported, RetryKey, Sent, Topic, TopicHash};
pub use story::{Event, Named, Report, Story, What};

/// How long things are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `threads.keep`: learned and healed ids; journal files older than this are dropped whole.
    pub keep: std::time::Duration,
    /// `threads.cache`: memory that the index may use as its cache, in bytes.
    pub cache: u64,
    /// How long done legs are remembered for retries.
    pub keep_retries: std::time::Duration,
    /// How long a customer's message counts as waiting for an answer. Answers that nobody teaches us stay unknown,
    /// and must not weigh on a person for ever.
    pub keep_waiting: std::time::Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: std::time::Duration = std::time::Duration::from_hours(24);
        Self { keep: 400 * DAY, cache: 256 << 20, keep_retries: 6 * DAY, keep_waiting: 14 * DAY }
    }
}

impl Settings {
    /// The same, but that nothing is ever past keeping.
    pub(crate) fn for_ever(self) -> Self {
        use std::time::Duration;
        Self { keep: Duration::MAX, keep_retries: Duration::MAX, keep_waiting: Duration::MAX, ..self }
    }
}

/// The memory of threads.
pub enum Threads {
    /// On disk: a journal, and sled as its index.
    Local(local::Local),
    /// In memory: for tests, `demo` without a disk and `explain` without a daemon.
    Memory(memory::Memory),
}

/// The memory cannot answer or cannot write now: a retry can mend it (451).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the thread index is unavailable: {0}")]
pub struct Unavailable(pub String);

/// All that is asked of the memory for one message, in one look-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Query {
    /// Ids that the message refers to.
    pub ids: Vec<MessageId>,
    /// Threads named by signed tokens.
    pub threads: Vec<ThreadId>,
    /// One key for each recipient: which legs of this very mail are done.
    pub retries: Vec<RetryKey>,
    /// The message below its trace fields: the same mail through another alias, or learned before.
    pub twin: Option<Fingerprint>,
    /// Who wrote it, and what about: the threads that they are known in.
    pub correspondent: Option<Correspondent>,
    /// The personas whose pool may be asked whose turn it is.
    pub pools: Vec<PersonaName>,
    /// The people of whom it may be asked how many customers wait for them.
    pub waiting: Vec<PersonName>,
}

/// A customer, and what a message of theirs is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Correspondent {
    /// The address, folded.
    pub address: String,
    /// What their message is about.
    pub topic: Topic,
}

/// What the memory knew.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// The claims on each id that is known.
    pub ids: HashMap<MessageId, Vec<Claim>>,
    /// The threads that are known, also those that a claim names.
    pub threads: HashMap<ThreadId, Thread>,
    /// What was done before for each retry key.
    pub retries: HashMap<RetryKey, Remembered>,
    /// What was done before with the same mail.
    pub twin: Option<Twin>,
    /// How the correspondent is known.
    pub acquaintance: Acquaintance,
    /// When each person had their last turn in a pool, in milliseconds of the Unix epoch; whoever had one.
    pub turns: HashMap<PersonaName, HashMap<PersonName, i64>>,
    /// How many threads wait for an answer of a person; whoever any waits for.
    pub waiting: HashMap<PersonName, u32>,
}

/// How a correspondent is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acquaintance {
    /// The threads that they are known in and that were about the same, newest first; what these are is
    /// in [`Found::threads`].
    pub threads: Vec<Familiar>,
    /// Whether other threads of theirs may not be remembered, since they have had so many.
    pub is_cut: bool,
    /// The personas that have written to them, each once.
    pub written_to_by: Vec<PersonaName>,
}

/// A thread that was about the same as a message of a correspondent who is known in it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Familiar {
    /// The thread.
    pub thread: ThreadId,
    /// In what they agree: what differs is `None`.
    pub topic: Topic,
    /// When a message of the thread was about that last, in seconds of the Unix epoch.
    pub at: i64,
}

/// A claim that an id belongs to a thread.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// The thread.
    pub thread: ThreadId,
    /// Where the claim comes from.
    pub origin: Origin,
}

/// Where a claim comes from, and so what it is worth.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Origin {
    /// We saw the message go out. Two different messages (fingerprints) under one id are ambiguous.
    Learned(Fingerprint),
    /// A matched message brought the id; evidence only for this correspondent, folded, or the same domain.
    Healed(String),
}

/// What is known of a thread.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Thread {
    /// Whose thread it is.
    pub persona: PersonaName,
    /// When it was opened, in seconds of the Unix epoch.
    pub opened: i64,
    /// Whom the automated message went to, folded; bounded by the recipients of one message.
    pub correspondents: Vec<String>,
    /// How many ids it has gained by healing.
    pub healed: u32,
    /// Who of the persona's people wrote into it last.
    pub writer: Option<PersonName>,
    /// The person who got the last message that a customer wrote in it.
    pub person: Option<PersonName>,
    /// The first message that a customer wrote in it and one of ours got.
    pub first: Option<Fingerprint>,
    /// The campaign that the automated mail of the thread was of, the newest.
    pub campaign: Option<String>,
}

impl Thread {
    /// Whether a mail of `persona` to these, folded, under an id of this thread is a mail of this thread: it
    /// differs only in what was written on it on its way.
    pub fn is_of_same_mail(&self, persona: &PersonaName, correspondents: &[String]) -> bool {
        is_same_mail((&self.persona, self.correspondents.iter().map(String::as_str)), (persona, correspondents))
    }
}

/// One id, one persona and a common correspondent make one mail. Whom a copy without customers went to is
/// not known: the persona alone tells.
fn is_same_mail<'a>(
    (persona, mut correspondents): (&PersonaName, impl Iterator<Item = &'a str>),
    (other, to): (&PersonaName, &[String]),
) -> bool {
    let mut is_common = || {
        let to: HashSet<&str> = to.iter().map(String::as_str).collect();
        correspondents.any(|known| to.contains(known))
    };
    persona == other && (to.is_empty() || is_common())
}

/// What was done before for one recipient of a byte-identical mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Remembered {
    /// The destinations whose leg is done.
    pub done: Vec<DestinationHash>,
    /// The person that a pool chose.
    pub chosen: Option<PersonName>,
}

/// What was done before with the same mail, whatever way it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Twin {
    /// The thread and Message-ID that it was learned under.
    pub learned: Option<(ThreadId, MessageId)>,
    /// The destinations that it reached, and when, in seconds of the Unix epoch.
    pub done: Vec<(DestinationHash, i64)>,
}

/// How much is remembered: for `threads stats` and tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Count {
    /// Threads.
    pub threads: u64,
    /// Message-IDs.
    pub ids: u64,
    /// Those among them that healing alone brought: of mail that we did not see go out.
    pub healed: u64,
    /// Threads in which mail has failed for good.
    pub bounced: u64,
}

impl Threads {
    /// Learns `records`; when it returns, they are as safe as `durability` says. An empty list with
    /// [`Durability::Disk`] waits until all that was learned before is on disk.
    ///
    /// # Errors
    /// When they are not: the caller decides whether that is a 451 or an alarm.
    pub async fn learn(&self, records: Vec<Record>, durability: Durability) -> Result<(), Unavailable> {
        match self {
            Self::Local(local) => local.learn(records, durability).await,
            Self::Memory(memory) => memory.learn(records),
        }
    }

    /// Answers all questions of one message at once.
    ///
    /// # Errors
    /// When the index cannot answer: unknown is not no.
    pub async fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        match self {
            Self::Local(local) => local.look_up(query).await,
            Self::Memory(memory) => memory.look_up(&query),
        }
    }

    /// Tells the stories of the threads that are named so, the newest thread first; none where nothing is known.
    ///
    /// # Errors
    /// When the index cannot answer.
    pub async fn stories(&self, named: Named) -> Result<Vec<Story>, Unavailable> {
        match self {
            Self::Local(local) => local.stories(named).await,
            Self::Memory(memory) => memory.stories(&named),
        }
    }

    /// A page of the mail that has failed, the newest first, behind `before`; empty after the last. Reads all of the
    /// memory each time.
    ///
    /// # Errors
    /// When the index cannot answer.
    pub async fn bounced(&self, before: Option<Bookmark>) -> Result<Vec<Bounced>, Unavailable> {
        match self {
            Self::Local(local) => local.bounced(before).await,
            Self::Memory(memory) => memory.bounced(before),
        }
    }

    /// Forgets a correspondent: their address in threads and the ids healed from them. False where nothing is
    /// remembered of them: then nothing is written either.
    ///
    /// # Errors
    /// When the index cannot tell, or it could not be written.
    pub async fn forget(&self, address: &Address) -> Result<bool, Unavailable> {
        let (at, correspondent) = (crate::clock::now().as_second(), address.folded());
        let is_known = match self {
            Self::Local(local) => local.knows(correspondent.clone(), at).await?,
            Self::Memory(memory) => memory.knows(&correspondent, at)?,
        };
        if is_known {
            self.learn(vec![Record::Forgotten { correspondent, at }], Durability::Disk).await?;
        }
        Ok(is_known)
    }

    /// Ends the memory; all that was learned is on disk when it returns.
    pub async fn close(self) {
        match self {
            Self::Local(local) => local.close().await,
            Self::Memory(_) => {}
        }
    }

    /// Counts what is remembered.
    ///
    /// # Errors
    /// When the index cannot answer.
    pub async fn count(&self) -> Result<Count, Unavailable> {
        match self {
            Self::Local(local) => local.count().await,
            Self::Memory(memory) => memory.count(),
        }
    }
}
