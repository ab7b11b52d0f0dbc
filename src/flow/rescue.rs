//! The rescue: what we forwarded has bounced, and its fallback gets it; once, whatever comes back how often.
//!
//! It is a leg like any other: the bounce is answered with 250 only when the next hop has taken the message, or it is
//! held. That it is done is on disk before that.

use tokio::time::{Instant, timeout_at};

use crate::events;
use crate::kept::{Forwarded, Found, Share};
use crate::mail::{
    Address, Destination, Fallback, Fate, FateName, HoldReason, Kind, Leg, Match, Outcome, Plan, Rescue, ReversePath,
    ThreadId, WayBack,
};
use crate::message::Message;
use crate::message::trace::Hop;
use crate::people::Person;
use crate::people::absence::NOTHING_SAID;
use crate::smtp::service::{Mail, Session};
use crate::threads::{Came, DestinationHash, Durability, Fingerprint, Query, Record, RetryKey};

use super::House;
use super::leg::Refusal;
use super::legs::Journey;
use super::plan::{Arrival, Desk};
use super::reception::hop;
use super::{settle, telling};

/// What became of it.
pub(super) enum Rescued {
    /// It is done, now or before, by these legs; the bounce itself is to be held as one.
    Done(Vec<Leg>),
    /// There is nothing to send: why. The bounce is all that is left of the message.
    Gone(String),
    /// Not now: the bounce must come again.
    NotNow(Leg),
}

/// What was sent again.
struct Again {
    legs: Vec<Leg>,
    /// What is told of it in its thread.
    story: Option<Record>,
}

/// What is remembered of the rescue of one copy.
struct Note {
    retry: RetryKey,
    twin: Fingerprint,
}

impl Note {
    fn of(rescue: &Rescue) -> Self {
        let retry = RetryKey::of_copy(rescue.copy, rescue.is_last);
        Self { retry, twin: Fingerprint(retry.0) }
    }

    /// The rescue was begun, or is done.
    fn record(&self, destination: DestinationHash, at: jiff::Timestamp) -> Record {
        Record::Done { retry: self.retry, twin: self.twin, destination, at: at.as_second() }
    }
}

fn begun() -> DestinationHash {
    DestinationHash::new("rescue/begun")
}

fn done() -> DestinationHash {
    DestinationHash::new("rescue/done")
}

/// Sends what has bounced to the fallback, or holds it, unless that was done before.
pub(super) async fn rescue(house: &House, rescue: &Rescue, now: jiff::Timestamp, deadline: Instant) -> Rescued {
    let note = Note::of(rescue);
    let not_now = |why: &dyn std::fmt::Display, reply| {
        events::deferred(&format!("the rescue of {}", rescue.copy), why);
        Rescued::NotNow(Leg::new("-", Outcome::Deferred(reply)))
    };
    let Some(_claim) = house.once.claim(note.twin, done(), deadline).await else {
        return not_now(&"another bounce of the same copy is being dealt with", settle::not_now());
    };
    let query = Query { retries: vec![note.retry], ..Query::default() };
    let found = match house.threads.look_up(query).await {
        Ok(found) => found,
        // Unknown is not no.
        Err(error) => return not_now(&error, settle::index_away()),
    };
    if found.retries.get(&note.retry).is_some_and(|before| before.done.contains(&done())) {
        events::suppressed(&format!("the rescue of {}", rescue.copy));
        return Rescued::Done(Vec::new());
    }
    // Others may be in memory first.
    let Ok(found) = timeout_at(deadline, house.kept.find(rescue.copy, rescue.is_last)).await else {
        return not_now(&"its copy could not be read in time", settle::not_now());
    };
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Rescued::Gone("its copy is not kept any more".into()),
        Err(error) => {
            events::alarm("the copy of a message that bounced cannot be used", &error);
            return Rescued::Gone(format!("its copy cannot be used: {error}"));
        }
    };
    // Where even this cannot be written, what is sent now would be sent again with every retry.
    if let Err(error) = house.threads.learn(vec![note.record(begun(), now)], Durability::Disk).await {
        return not_now(&error, settle::local_trouble());
    }
    let sent = send_again(house, rescue, found, now, deadline).await;
    match sent {
        Ok(Some(again)) => finish(house, rescue, &note, again, now).await,
        Ok(None) => Rescued::Gone("its copy is of another message".into()),
        Err(leg) => Rescued::NotNow(leg),
    }
}

/// The legs of the fallback, or of `held/`; `None` where nothing of that name is in the file.
async fn send_again(
    house: &House,
    rescue: &Rescue,
    found: Found,
    now: jiff::Timestamp,
    deadline: Instant,
) -> Result<Option<Again>, Leg> {
    let Found { forwarded, message, .. } = &found;
    let Some(share) = forwarded.shares.iter().find(|share| share.copy == rescue.copy) else { return Ok(None) };
    let desk = Desk { now, ..house.desk(&NOTHING_SAID, 0) };
    let path = Some(forwarded.reverse_path.clone());
    let arrival = desk.read(Message::read(message.clone()), path, Vec::new());
    let plan = plan(&desk, &arrival, share);
    let journey = Journey {
        house,
        arrival: &arrival,
        id: &forwarded.transaction,
        hop: Hop { helo: &forwarded.helo, peer: forwarded.peer.clone(), with: &forwarded.with, recipient: None },
        transport: forwarded.transport,
        is_by_one_of_ours: false,
        came: forwarded.came,
        now,
        deadline,
    };
    let fallback = if rescue.is_last { Fallback::default() } else { others(&desk, &arrival.message, share, rescue) };
    let legs = journey.to_fallback(&plan, &fallback, Refusal::Inbox(rescue.why.clone())).await;
    match legs.iter().position(|leg| !leg.outcome.is_done()) {
        None => Ok(Some(Again { story: story(&desk, &arrival, share, Note::of(rescue).twin, &plan, &legs), legs })),
        Some(open) => Err(legs.into_iter().nth(open).unwrap_or_else(|| Leg::new("-", Outcome::Uncertain))),
    }
}

/// The fallback, and at last whose it was, without those who have it: whoever was sent it before has bounced it, or has
/// it; so has the one of ours who wrote it, as live mail sees it. Nor where it failed: the inbox may forward to them.
pub(super) fn others(desk: &Desk<'_>, message: &Message, share: &Share, rescue: &Rescue) -> Fallback {
    let is_ours = share.kind == Kind::Human && share.persona.is_some();
    let writer = desk.insider(message).filter(|insider| insider.proved && is_ours);
    let own = writer.map(|writer| desk.inboxes_of(&writer)).unwrap_or_default();
    let is_inbox = |address: &&Address| {
        let mut inboxes = desk.policy.people.people().flat_map(|person| &person.inboxes);
        inboxes.any(|inbox| inbox.folded() == address.folded())
    };
    // Whose it was may have left since.
    let at_last: Vec<Address> = share.at_last.iter().filter(is_inbox).cloned().collect();
    rescue.to.clone().or_to(&at_last).without(share.to.iter().chain(&rescue.failed).chain(own))
}

/// What is told of it in its thread: that the customer's mail was handed on, or is held, now. What one of ours wrote is
/// told as theirs already.
fn story(
    desk: &Desk<'_>,
    arrival: &Arrival,
    share: &Share,
    event: Fingerprint,
    plan: &Plan,
    legs: &[Leg],
) -> Option<Record> {
    let insider = desk.insider(&arrival.message);
    if insider.as_ref().is_some_and(|insider| insider.proved) && plan.kind == Kind::Human {
        return None;
    }
    let author = arrival.message.author().map(|author| &author.address);
    let correspondent = author.filter(|author| insider.is_none() && desk.policy.is_customer(author)).cloned();
    let matched = Match { thread: share.thread, correspondent, ..plan.matched.clone() };
    let has_it = |person: &&Person| {
        let is_end = |inbox: &Address| legs.iter().any(|leg| leg.destination == inbox.to_string());
        person.inboxes.iter().any(is_end)
    };
    let person = desk.policy.people.people().find(has_it).map(|person| person.name.clone());
    let fate = if legs.iter().any(|leg| leg.outcome == Outcome::Held) { FateName::Hold } else { FateName::Forward };
    let told = telling::came(arrival, &Plan { person, matched, ..plan.clone() }, fate, desk.now)?;
    // Another event than the first one of the same mail.
    Some(Record::Came(Came { mail: event, ..told }))
}

/// The plan by which it is sent again: as it was, but to others, and under the last return path.
fn plan(desk: &Desk<'_>, arrival: &Arrival, share: &Share) -> Plan {
    let way = desk.way_back(arrival, None, ThreadId(share.copy.0));
    let (reverse_path, way_back): (Option<ReversePath>, Option<WayBack>) = way.unzip();
    Plan {
        recipient: share.recipient.clone(),
        matched: Match {
            evidence: share.evidence,
            persona: share.persona.clone(),
            thread: None,
            correspondent: None,
            conflicts: Vec::new(),
        },
        kind: share.kind,
        person: None,
        absent: None,
        chosen: None,
        rule: crate::rules::defaults::NAME.to_owned(),
        continued: Vec::new(),
        fate: Fate::Hold(HoldReason::Undelivered),
        rejection: None,
        copies: Vec::new(),
        edits: share.edits.clone(),
        choices: Vec::new(),
        reverse_path: reverse_path.or_else(|| arrival.reverse_path.clone()),
        way_back,
        rescue: None,
        reports: Vec::new(),
        joins: None,
        heals: Vec::new(),
        lesson: None,
    }
}

/// It is done: remembered, said, and no longer kept for this.
async fn finish(house: &House, rescue: &Rescue, note: &Note, again: Again, now: jiff::Timestamp) -> Rescued {
    let Again { legs, story } = again;
    let records = [note.record(done(), now)].into_iter().chain(story).collect();
    if let Err(error) = house.threads.learn(records, Durability::Disk).await {
        events::alarm("that a bounced message went to its fallback could not be remembered", &error);
    }
    let ends: Vec<&str> = legs.iter().map(|leg| leg.destination.as_str()).collect();
    events::rescued(rescue, &ends.join(","));
    if let Err(error) = house.kept.spend(rescue.copy, rescue.is_last).await {
        events::alarm("the copy of a message that bounced stays where it is", &error);
    }
    Rescued::Done(legs)
}

/// What is kept of a message that is being handed on: of each plan that has a return path of ours.
pub(super) fn to_keep(session: &Session, mail: &Mail, plans: &[Plan], now: jiff::Timestamp) -> Forwarded {
    let share = |plan: &Plan| {
        let way = plan.way_back.as_ref()?;
        Some(Share {
            copy: way.copy,
            recipient: plan.recipient.clone(),
            persona: plan.matched.persona.clone(),
            evidence: plan.matched.evidence,
            kind: plan.kind,
            to: inboxes(&plan.fate).iter().map(|to| to.address.clone()).collect(),
            at_last: inboxes(&plan.fate).iter().flat_map(|to| to.fallback.at_last.clone()).collect(),
            thread: plan.joins.or(plan.matched.thread),
            edits: plan.edits.clone(),
        })
    };
    let Hop { helo, peer, with, .. } = hop(session, mail);
    Forwarded {
        transaction: mail.id.clone(),
        came: now,
        helo: helo.to_owned(),
        peer,
        with: with.to_owned(),
        transport: mail.transport,
        reverse_path: mail.reverse_path.clone(),
        shares: plans.iter().filter_map(share).collect(),
    }
}

fn inboxes(fate: &Fate) -> &[Destination] {
    match fate {
        Fate::Forward(to) => to,
        Fate::Hold(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => &[],
    }
}
