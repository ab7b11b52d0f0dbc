//! Learning: the one way in which the id of a message that went out comes into the memory, be it automated,
//! written by one of ours, or a copy of either.

use jiff::Timestamp;

use crate::events;
use crate::mail::{Address, Lesson, MessageId, PersonaName, Reply, ThreadId};
use crate::message::Message;
use crate::threads::{Durability, Fingerprint, Found, Origin, Record, Threads};

use super::settle;

/// What is remembered of a lesson.
pub fn record(lesson: Lesson, message: &Message, now: Timestamp) -> Record {
    Record::Learned {
        message_id: lesson.message_id,
        thread: lesson.thread,
        persona: lesson.persona,
        fingerprint: Fingerprint::of(message),
        correspondents: lesson.correspondents.iter().map(Address::folded).collect(),
        at: now.as_second(),
    }
}

/// Learns, on disk when it returns: nobody may be told 250 for a message whose id could still be lost.
/// Without a lesson, what was learned before is brought to disk.
///
/// # Errors
/// The reply that makes the peer come again.
pub(super) async fn learn(
    threads: &Threads,
    lesson: Option<Lesson>,
    message: &Message,
    now: Timestamp,
) -> Result<(), Reply> {
    let known = lesson.as_ref().map(|lesson| (lesson.thread, lesson.persona.clone()));
    let records = lesson.map(|lesson| record(lesson, message, now)).into_iter().collect();
    if let Err(error) = threads.learn(records, Durability::Disk).await {
        events::alarm("the id of a message could not be learned", &error);
        return Err(settle::local_trouble());
    }
    if let Some((thread, persona)) = known {
        events::learned(thread, &persona.0, &[]);
    }
    Ok(())
}

/// The thread under which this very message was learned before, and whose it is.
pub(super) fn learned_before(id: &MessageId, message: &Message, known: &Found) -> Option<(ThreadId, PersonaName)> {
    let this = Origin::Learned(Fingerprint::of(message));
    let thread = known.ids.get(id)?.iter().find(|claim| claim.origin == this)?.thread;
    Some((thread, known.threads.get(&thread)?.persona.clone()))
}

/// Whether the lesson is known from a message that differs, as one does that was stamped or signed on its
/// way. To learn it again would make the id ambiguous, which it is not: both belong to one thread.
pub(super) fn is_known_otherwise(lesson: &Lesson, message: &Message, known: &Found) -> bool {
    let this = Fingerprint::of(message);
    let claims = known.ids.get(&lesson.message_id).into_iter().flatten();
    claims.filter(|claim| claim.thread == lesson.thread).any(|claim| match claim.origin {
        Origin::Learned(other) => other != this,
        Origin::Healed(_) => false,
    })
}
