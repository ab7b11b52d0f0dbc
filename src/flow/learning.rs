//! Learning: the one way in which the id of a message that went out comes into the memory, be it automated,
//! written by one of ours, or a copy of either.

use jiff::Timestamp;

use tokio::time::Instant;

use crate::events;
use crate::mail::{Address, Lesson, MessageId, PersonaName, Reply, ThreadId};
use crate::message::Message;
use crate::threads::{DestinationHash, Durability, Fingerprint, Found, Origin, Record, Sent, Threads, Topic};

use super::once::{Claim, Once};
use super::policy::Policy;
use super::settle;

/// Octets of a campaign's name.
const LONGEST_CAMPAIGN: usize = 200;

/// What is remembered of a lesson.
pub fn records(lesson: Lesson, message: &Message, now: Timestamp) -> Vec<Record> {
    let correspondents = folded(&lesson.correspondents);
    let Lesson { message_id, thread, persona, correspondents: _, writer, campaign } = lesson;
    let (fingerprint, topic, at) = (Fingerprint::of(message), Topic::of(message), now.as_second());
    let of_campaign = |campaign| Record::Campaign { thread, persona: persona.clone(), campaign, at };
    let campaign = campaign.map(of_campaign);
    let sent = Sent { message_id, thread, persona, fingerprint, correspondents, writer, topic, at };
    [Record::Sent(sent)].into_iter().chain(campaign).collect()
}

/// The campaign that automated mail is of: the first value of the field `stamp.campaign_header`, decoded and cut.
pub(super) fn campaign(message: &Message, policy: &Policy) -> Option<String> {
    let name = policy.stamp.campaign_header.as_ref()?;
    let mut campaign = message.texts(name).next()?.trim().to_owned();
    campaign.truncate(campaign.floor_char_boundary(LONGEST_CAMPAIGN));
    (!campaign.is_empty()).then_some(campaign)
}

fn folded(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(Address::folded).collect()
}

/// The right to be the only one who asks for the thread of this mail and then learns it: the mail itself and
/// a copy of it, at the same time, would open two. `None` after `deadline`.
pub(super) async fn claim(once: &Once, message: &Message, deadline: Instant) -> Option<Claim> {
    once.claim(Fingerprint::of(message), DestinationHash::new("learned"), deadline).await
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
    let records = lesson.map(|lesson| records(lesson, message, now)).unwrap_or_default();
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

/// The lesson, unless it is known from a message that differs, as one does that was stamped or signed on its
/// way: both belong to one thread, and the id says so already. Who wrote it may still be news.
pub(super) fn unless_known(lesson: Lesson, message: &Message, known: &Found) -> Option<Lesson> {
    let Some(thread) = known_otherwise(&lesson, message, known) else { return Some(lesson) };
    let before = known.threads.get(&thread).and_then(|known| known.writer.as_ref());
    let is_news = lesson.writer.is_some() && lesson.writer.as_ref() != before;
    is_news.then_some(Lesson { thread, ..lesson })
}

/// The thread in which a message that differs has the lesson's id.
///
/// One id for one persona and a common correspondent is one mail, whatever fields differ: no list of fields
/// to leave out would know what servers write. Nobody gains by it, since the id stays where it was.
fn known_otherwise(lesson: &Lesson, message: &Message, known: &Found) -> Option<ThreadId> {
    let (this, to) = (Origin::Learned(Fingerprint::of(message)), folded(&lesson.correspondents));
    let claims = known.ids.get(&lesson.message_id)?;
    if claims.iter().any(|claim| claim.origin == this) {
        return None;
    }
    let is_same = |thread: &ThreadId| {
        let known = known.threads.get(thread);
        *thread == lesson.thread || known.is_some_and(|known| known.is_of_same_mail(&lesson.persona, &to))
    };
    let learned = claims.iter().filter(|claim| matches!(claim.origin, Origin::Learned(_)));
    learned.map(|claim| claim.thread).find(is_same)
}
