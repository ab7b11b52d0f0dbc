//! What is kept of a correspondent: the threads that they have a part in, by what these were about, and the
//! personas that wrote to them. What we wrote to them stands apart from what came: anybody may write under
//! somebody's address, and takes no place of our own mail.
//!
//! Times only rise, and the newest stay: what gave way to others is older than they are, and stays away when it is
//! learned again.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Horizon};
use super::{Familiar, Topic};
use crate::mail::{PersonaName, ThreadId};

/// Threads and topics of one correspondent that we wrote in, and as many that they wrote in.
const THREADS: usize = 64;
/// Personas that wrote to one correspondent.
const PERSONAS: usize = 32;

/// How a correspondent is known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct AcquaintanceEntry {
    sent: Vec<((ThreadId, Topic), i64)>,
    came: Vec<((ThreadId, Topic), i64)>,
    personas: Vec<(PersonaName, i64)>,
}

impl AcquaintanceEntry {
    /// A message from them was about that, in that thread.
    pub(super) fn wrote(&mut self, thread: ThreadId, topic: Topic, at: i64) {
        note(&mut self.came, (thread, topic), at, THREADS);
    }

    /// A persona wrote to them about that, in that thread.
    pub(super) fn written_to(&mut self, persona: &PersonaName, thread: ThreadId, topic: Topic, at: i64) {
        note(&mut self.sent, (thread, topic), at, THREADS);
        note(&mut self.personas, persona.clone(), at, PERSONAS);
    }

    /// Forgets what was learned up to `at`; false when nothing is left.
    ///
    /// What gave way before was older than what is forgotten now, so it finds no place again.
    pub(super) fn forget(&mut self, at: i64) -> bool {
        self.retain(|when| when > at)
    }

    fn retain(&mut self, is_kept: impl Fn(i64) -> bool) -> bool {
        self.sent.retain(|(_, at)| is_kept(*at));
        self.came.retain(|(_, at)| is_kept(*at));
        self.personas.retain(|(_, at)| is_kept(*at));
        !self.sent.is_empty() || !self.came.is_empty() || !self.personas.is_empty()
    }

    /// All threads, whatever they are about.
    pub(super) fn threads(&self) -> impl Iterator<Item = ThreadId> {
        self.all().map(|((thread, _), _)| *thread)
    }

    fn all(&self) -> impl Iterator<Item = &((ThreadId, Topic), i64)> {
        self.sent.iter().chain(&self.came)
    }

    /// Whether threads may have given way to others. Age and forgetting give places free again, of which each was
    /// newer than all that gave way.
    pub(super) fn is_cut(&self) -> bool {
        self.sent.len() >= THREADS || self.came.len() >= THREADS
    }

    /// The threads that were about the same as `asked`, in subject or conversation, newest first.
    pub(super) fn familiar(&self, asked: Topic) -> Vec<Familiar> {
        let agreeing = self.all().map(|((thread, topic), at)| {
            let topic = Topic {
                subject: topic.subject.filter(|subject| asked.subject == Some(*subject)),
                conversation: topic.conversation.filter(|conversation| asked.conversation == Some(*conversation)),
            };
            Familiar { thread: *thread, topic, at: *at }
        });
        let mut familiar: Vec<Familiar> = agreeing.filter(|familiar| familiar.topic != Topic::default()).collect();
        familiar.sort_by_key(|familiar| std::cmp::Reverse((familiar.at, familiar.thread, familiar.topic)));
        let mut seen = std::collections::HashSet::new();
        familiar.retain(|familiar| seen.insert((familiar.thread, familiar.topic)));
        familiar
    }

    /// The personas that wrote to them, the last one first.
    pub(super) fn personas(mut self) -> Vec<PersonaName> {
        self.personas.sort_by(|(one, at), (other, when)| (when, other).cmp(&(at, one)));
        self.personas.into_iter().map(|(persona, _)| persona).collect()
    }
}

impl Entry for AcquaintanceEntry {
    const KIND: u8 = b'c';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.retain(|at| at >= horizon.ids)
    }
}

/// Notes that something was so, and when last; the oldest gives way.
pub(super) fn note<T: Ord + Clone>(notes: &mut Vec<(T, i64)>, what: T, at: i64, bound: usize) {
    if let Some((_, last)) = notes.iter_mut().find(|(known, _)| *known == what) {
        *last = at.max(*last);
        return;
    }
    notes.push((what, at));
    let oldest = notes.iter().enumerate().min_by_key(|(_, (what, at))| (*at, what)).map(|(place, _)| place);
    if let Some(place) = oldest.filter(|_| notes.len() > bound) {
        notes.remove(place);
    }
}
