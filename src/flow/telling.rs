//! Telling: what is remembered of a message that came, for its thread's story and for the answers to it. Pure.

use jiff::Timestamp;

use crate::mail::{Address, Delivery, FateName, Plan};
use crate::threads::{Came, Record, Reported, Topic};

use super::plan::Arrival;

/// What is remembered of the mail that a message reports about.
pub fn reported(plan: &Plan, now: Timestamp) -> Vec<Record> {
    let (Some(thread), Some(persona)) = (plan.matched.thread, plan.matched.persona.as_ref()) else { return Vec::new() };
    let record = |told: &Delivery| {
        Record::Reported(Reported {
            thread,
            persona: persona.clone(),
            recipient: told.recipient.clone(),
            action: told.action,
            status: told.status,
            at: now.as_second(),
        })
    };
    plan.reports.iter().map(record).collect()
}

/// What is remembered of a message for one recipient, where it belongs to a thread. Only what is handed on opens
/// one: else every spam that is held would.
pub fn came(arrival: &Arrival, plan: &Plan, fate: FateName, now: Timestamp) -> Option<Came> {
    let opened = plan.joins.filter(|_| fate == FateName::Forward);
    Some(Came {
        thread: opened.or(plan.matched.thread)?,
        persona: plan.matched.persona.clone()?,
        mail: arrival.twin(),
        message_id: arrival.message.message_id().cloned(),
        heals: plan.heals.clone(),
        correspondent: plan.matched.correspondent.as_ref().map(Address::folded),
        kind: plan.kind,
        evidence: plan.matched.evidence,
        fate,
        person: plan.person.clone(),
        topic: Topic::of(&arrival.message),
        at: now.as_second(),
    })
}
