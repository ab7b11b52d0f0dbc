//! The events in a message's life: a closed list, and one function each that writes the log line.
//!
//! Bodies and secrets never come here. The summary, one line for each message and recipient, is at
//! level info and never rate-limited; the steps before it are at debug; what an operator must see
//! is a warning or an error.

use std::time::Duration;

use crate::mail::{Address, Conflict, FateName, Match, Plan, Reply, Rescue, ReversePath, ThreadId};

/// What can happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Event {
    /// All its bytes are here.
    Received,
    /// Its id belongs to a thread from now on.
    Learned,
    /// It was a copy from which nothing could be learned.
    NotLearned,
    /// Evidence pointed to more than one thread or persona.
    Conflict,
    /// It was decided what to do.
    Planned,
    /// The next hop took a copy.
    Relayed,
    /// A copy was kept on disk.
    Held,
    /// A copy was not sent because it had been sent before.
    Suppressed,
    /// It was forwarded, has bounced, and went to the fallback or is held.
    Rescued,
    /// It was taken and thrown away, as a rule wants.
    Discarded,
    /// A copy could not be handed on now.
    Deferred,
    /// It, or a recipient, was refused.
    Rejected,
    /// All is done: the summary.
    Settled,
    /// Something that an operator must see.
    Alarm,
}

macro_rules! log {
    ($level:ident, $event:expr, $($fields:tt)*) => {
        tracing::$level!(target: "sincerely::mail", event = <&'static str>::from($event), $($fields)*)
    };
}

/// All bytes of a message are here.
pub fn received(bytes: usize) {
    log!(debug, Event::Received, bytes);
}

/// A message's id was learned.
pub fn learned(thread: ThreadId, persona: &str, skipped: &[&'static str]) {
    if skipped.is_empty() {
        log!(debug, Event::Learned, %thread, persona);
    } else {
        log!(debug, Event::Learned, %thread, persona, skipped = skipped.join(","), "skipped: signed by DKIM");
    }
}

/// Nothing was learned from a copy.
pub fn not_learned(why: &dyn std::fmt::Display) {
    log!(info, Event::NotLearned, %why);
}

/// A plan was made; conflicts in its evidence are logged with it.
pub fn planned(plan: &Plan) {
    for conflict in &plan.matched.conflicts {
        conflicting(&plan.matched, conflict);
    }
    log!(debug, Event::Planned, to = %plan.recipient, kind = %plan.kind, rule = plan.rule,
        continued = plan.continued.join(", "), fate = <&'static str>::from(plan.fate.name()));
}

fn conflicting(matched: &Match, lost: &Conflict) {
    let persona = matched.persona.as_ref().map_or("-", |name| name.0.as_str());
    log!(info, Event::Conflict, evidence = %matched.evidence, persona, against = %lost.evidence,
        pointed_to = %lost.persona, thread = text(lost.thread.as_ref()));
}

/// The next hop took a copy.
pub fn relayed(destination: &str, reply: &Reply) {
    log!(debug, Event::Relayed, destination, %reply);
}

/// A copy lies on disk.
pub fn held(place: &str) {
    log!(info, Event::Held, place);
}

/// A copy was not sent again.
pub fn suppressed(destination: &str) {
    log!(info, Event::Suppressed, destination, "the same mail has reached it before");
}

/// What we forwarded has bounced, and ended elsewhere.
pub fn rescued(rescue: &Rescue, destination: &str) {
    log!(info, Event::Rescued, copy = %rescue.copy, destination, why = rescue.why);
}

/// A message was taken and is thrown away.
pub fn discarded(rule: &str) {
    log!(debug, Event::Discarded, rule);
}

/// A copy could not be handed on now.
pub fn deferred(destination: &str, why: &dyn std::fmt::Display) {
    log!(warn, Event::Deferred, destination, %why);
}

/// A recipient or a message was refused.
pub fn rejected(about: &dyn std::fmt::Display, reply: &Reply) {
    log!(info, Event::Rejected, %about, %reply);
}

/// The next hop did not take something from us: for good, or for now.
pub fn refused(about: &dyn std::fmt::Display, why: &str, reply: &Reply) {
    if reply.is_permanent() { rejected(about, reply) } else { deferred(&about.to_string(), &why) }
}

/// Something that an operator must see.
pub fn alarm(what: &str, why: &dyn std::fmt::Display) {
    log!(error, Event::Alarm, what, %why);
}

/// What the summary line tells.
pub struct Summary<'a> {
    /// The reverse path as the peer gave it.
    pub from: &'a ReversePath,
    /// The recipient as the peer gave it.
    pub to: &'a Address,
    /// The kind; empty where it was not asked.
    pub kind: &'a str,
    /// The evidence; empty where none was asked for.
    pub evidence: &'a str,
    /// The thread.
    pub thread: Option<ThreadId>,
    /// The rule.
    pub rule: &'a str,
    /// The fate; a copy that is learned has none.
    pub fate: Option<FateName>,
    /// Where it went.
    pub destination: String,
    /// What the peer is told.
    pub reply: &'a Reply,
    /// How long the message took since its end of data.
    pub took: Duration,
}

/// The one line for each message and recipient, written before the reply is sent.
pub fn settled(line: &Summary<'_>) {
    let fate: &str = line.fate.map_or("-", Into::into);
    let ms = u64::try_from(line.took.as_millis()).unwrap_or(u64::MAX);
    log!(info, Event::Settled, from = %line.from, to = %line.to, kind = %line.kind, evidence = %line.evidence,
        thread = %text(line.thread.as_ref()), rule = line.rule, %fate, destination = %line.destination,
        reply = line.reply.to_string(), ms);
}

fn text(thread: Option<&ThreadId>) -> String {
    thread.map_or_else(|| "-".to_owned(), ToString::to_string)
}
