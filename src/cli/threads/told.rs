//! A thread's story for programs: a JSON line, whose shape is stable.

use jiff::Timestamp;
use serde::Serialize;

use crate::mail::{Action, Evidence, FateName, Kind};
use crate::threads::{Event, Report, Story, What};

/// A story as JSON.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    thread: String,
    persona: &'a str,
    answered_by: Vec<&'a str>,
    correspondents: &'a [String],
    opened: String,
    healed: u32,
    is_cut: bool,
    is_of_many: bool,
    reports: Vec<Reported<'a>>,
    messages: Vec<Message<'a>>,
}

/// What a mail system told last of a recipient.
#[derive(Serialize)]
struct Reported<'a> {
    recipient: Option<&'a str>,
    action: Action,
    status: Option<String>,
    at: String,
}

#[derive(Serialize)]
struct Message<'a> {
    at: String,
    message_id: Option<String>,
    #[serde(flatten)]
    what: Way<'a>,
}

#[derive(Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Way<'a> {
    Sent {
        writer: Option<&'a str>,
        to: &'a [String],
        count: u32,
    },
    Came {
        from: Option<&'a str>,
        kind: Kind,
        evidence: Evidence,
        fate: FateName,
        person: Option<&'a str>,
        healed: Vec<String>,
    },
}

impl<'a> Told<'a> {
    /// The story, in a thread that these answer now.
    pub(super) fn of(story: &'a Story, answered_by: Vec<&'a str>) -> Self {
        let message = |event: &'a Event| Message {
            at: timestamp(event.at).to_string(),
            message_id: event.message_id.as_ref().map(ToString::to_string),
            what: Way::of(&event.what),
        };
        Self {
            thread: story.thread.to_string(),
            persona: &story.persona.0,
            answered_by,
            correspondents: &story.correspondents,
            opened: timestamp(story.opened).to_string(),
            healed: story.healed,
            is_cut: story.is_cut,
            is_of_many: story.is_of_many,
            reports: story.reports.iter().map(Reported::of).collect(),
            messages: story.events.iter().map(message).collect(),
        }
    }
}

impl<'a> Reported<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            recipient: report.recipient.as_deref(),
            action: report.action,
            status: report.status.map(|status| status.to_string()),
            at: timestamp(report.at).to_string(),
        }
    }
}

impl<'a> Way<'a> {
    fn of(what: &'a What) -> Self {
        match what {
            What::Sent { writer, to, count } => {
                Self::Sent { writer: writer.as_ref().map(|name| name.0.as_str()), to, count: *count }
            }
            What::Came { correspondent, kind, evidence, fate, person, healed } => Self::Came {
                from: correspondent.as_deref(),
                kind: *kind,
                evidence: *evidence,
                fate: *fate,
                person: person.as_ref().map(|name| name.0.as_str()),
                healed: healed.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

/// A time that no calendar has is the earliest that one has.
pub(super) fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap_or(Timestamp::MIN)
}
