//! What `explain` tells of one message: as JSON lines, whose shape is stable. `text` writes the same for people.

use std::path::Path;

use serde::Serialize;

use crate::flow::copy::Unlearned;
use crate::flow::insiders::Insider;
use crate::flow::settle::local_trouble;
use crate::flow::stamp::Stamp;
use crate::mail::{
    Absent, Address, ChoiceReason, Conflict, Destination, Edits, Evidence, Fate, FateName, HoldReason, Kind, Lesson,
    Match, PersonaName, Plan, Reply, Rescue, ReversePath,
};
use crate::message::{Message, Signal, kind};
use crate::rules::{self, Answer, Why};
use crate::threads::Unavailable;

use crate::cli::judge::Judged;

use super::evidence::EvidenceTried;
use super::reported::Reported;
use super::signals;

/// There was nothing to ask.
const NONE: &str = "none";
/// There is a memory, and it did not answer.
const AWAY: &str = "away";

/// One line for each recipient; one without a recipient where there is none.
pub(super) struct Report {
    pub(super) subject: Option<String>,
    pub(super) author: Option<String>,
    pub(super) date: Option<String>,
    pub(super) lines: Vec<Line>,
}

/// What was asked about each recipient that the door takes, in their order.
pub(super) struct Tried {
    pub(super) evidence: Vec<Vec<EvidenceTried>>,
    /// Nothing where it is held before any rule is asked.
    pub(super) rules: Vec<Option<Vec<rules::Tried>>>,
    /// Where the author reads mail, who is one of ours.
    pub(super) own_inboxes: Vec<Address>,
    /// The line that greets, where that decides.
    pub(super) greetings: Vec<Option<String>>,
}

/// What is told of one message and recipient.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<usize>,
    pub(super) role: &'static str,
    pub(super) recipient: Option<String>,
    pub(super) kind: Kind,
    #[serde(serialize_with = "signals::told")]
    pub(super) signals: Vec<Signal>,
    pub(super) reported: Vec<Reported>,
    #[serde(rename = "match")]
    pub(super) matched: Option<Matched>,
    pub(super) parents: Vec<String>,
    pub(super) evidence_tried: Vec<EvidenceTried>,
    pub(super) person: Option<String>,
    // Who would answer and is away; and that one once more, where somebody stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) absent: Option<Absence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stands_in_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chosen: Option<ChoiceReason>,
    pub(super) rule: Option<String>,
    pub(super) rules_tried: Vec<RuleTried>,
    #[serde(skip)]
    pub(super) is_held_before_rules: bool,
    #[serde(skip)]
    pub(super) greeting: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) continued: Vec<String>,
    pub(super) fate: Option<FateName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<HoldReason>,
    // Of what it reports as failed: who gets it now, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rescue: Option<Rescued>,
    pub(super) deliveries: Vec<Delivery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) copies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) edits: Vec<Edited>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<Stamped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) handed_on: Option<Before>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) insider: Option<Inside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) learns: Option<Learns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_learned: Option<String>,
    pub(super) reply: Option<Told>,
    // What could not be asked: the secret, and what is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<&'static str>,
}

/// A line as it is printed: with the file it speaks of.
#[derive(Serialize)]
struct InFile<'a> {
    file: String,
    #[serde(flatten)]
    line: &'a Line,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Matched {
    pub(super) evidence: Option<Evidence>,
    pub(super) persona: Option<String>,
    pub(super) thread: Option<String>,
    // When that thread was opened; its id says it.
    #[serde(skip)]
    pub(super) opened: Option<jiff::Timestamp>,
    pub(super) correspondent: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) conflicts: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Delivery {
    pub(super) to: Vec<String>,
    // Null where it is not known how the message came.
    pub(super) from: Option<String>,
    // Where it goes if the inbox refuses it for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fallback: Vec<String>,
}

/// A rule that was asked.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RuleTried {
    pub(super) rule: String,
    pub(super) answer: &'static str,
    pub(super) goes_on: bool,
    // The first condition that kept it from matching, as it is written.
    pub(super) failed: Option<String>,
}

/// What rules change in what is handed on: a new field, or text before the value of one that is there.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Edited {
    pub(super) field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Stamped {
    pub(super) message_id: Option<String>,
    pub(super) seeded: bool,
    pub(super) skipped: Vec<&'static str>,
}

/// Which of ours the author is.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Inside {
    pub(super) people: Vec<String>,
    pub(super) proved: bool,
    #[serde(skip)]
    pub(super) inboxes: Vec<String>,
}

/// How a message went its way, where we have handed it on before.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Before {
    pub(super) id: String,
    pub(super) evidence: String,
}

/// A message that we forwarded has failed: where it goes now.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rescued {
    pub(super) copy: String,
    // Nobody: it is held.
    pub(super) to: Vec<String>,
    pub(super) why: String,
}

/// Somebody who is away.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Absence {
    pub(super) person: String,
    pub(super) until: Option<jiff::Timestamp>,
}

/// The id that is learned, and whom an answer to it is expected from.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Learns {
    pub(super) message_id: String,
    pub(super) persona: String,
    pub(super) thread: String,
    pub(super) correspondents: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Told {
    pub(super) code: u16,
    pub(super) enhanced: String,
    pub(super) text: String,
}

impl Report {
    /// Of a message that comes to an inbound listener.
    pub(super) fn inbound(judged: Judged, tried: Tried) -> Self {
        let Judged { arrival, planned, refused, door, found, handed_on } = judged;
        let handed_on = handed_on.map(|handed_on| Before { id: handed_on.id, evidence: handed_on.evidence });
        let kind = kind::classify(&arrival.signals, false);
        let insider = planned.insider.as_ref().map(|insider| Inside::new(insider, &tried.own_inboxes));
        let memory = found.is_err().then_some(AWAY);
        let bare = Line {
            insider,
            memory,
            handed_on,
            reported: Reported::all(&arrival.deliveries),
            ..Line::new("inbound", &arrival.message, kind, arrival.signals.clone())
        };
        let plans = planned.plans.into_iter().zip(tried.greetings);
        let plans = plans.zip(tried.evidence.into_iter().zip(tried.rules));
        let line = |((plan, greeting), (evidence, rules)): ((Plan, _), _)| match &door {
            // Nothing was asked of a message that the door refuses.
            Some(reply) => bare.clone().refused(&plan.recipient, reply),
            None => Line { greeting, ..bare.clone() }.with_plan(plan).with_tried(evidence, rules),
        };
        let mut lines: Vec<Line> = plans.map(line).collect();
        lines.extend(refused.into_iter().map(|(to, reply)| bare.clone().refused(&to, &reply)));
        if lines.is_empty() {
            lines.push(Line { reply: door.as_ref().map(Told::new), ..bare });
        }
        Self::new(&arrival.message, lines)
    }

    /// Of a message that comes to an outbound listener.
    pub(super) fn outbound(
        message: &Message,
        signals: Vec<Signal>,
        path: Option<ReversePath>,
        stamp: Option<(PersonaName, Stamp)>,
        door: Option<Reply>,
        recipients: Vec<Address>,
    ) -> Self {
        let bare = Line::new("outbound", message, kind::classify(&signals, false), signals);
        let bare = match door {
            Some(reply) => Line { fate: Some(FateName::Reject), reply: Some(Told::new(&reply)), ..bare },
            None => bare.with_stamp(path, stamp),
        };
        let mut lines: Vec<Line> = recipients.iter().map(|to| bare.clone().for_customer(to)).collect();
        if lines.is_empty() {
            lines.push(bare);
        }
        Self::new(message, lines)
    }

    /// Of a message that comes to a listener of role `copies`.
    pub(super) fn copy(
        message: &Message,
        signals: Vec<Signal>,
        lesson: Result<Result<Lesson, Unlearned>, Unavailable>,
        door: Option<Reply>,
        recipients: Vec<Address>,
    ) -> Self {
        let bare = Line::new("copies", message, kind::classify(&signals, false), signals);
        let bare = match (door, lesson) {
            (Some(reply), _) => Line { fate: Some(FateName::Reject), reply: Some(Told::new(&reply)), ..bare },
            (None, Err(_)) => {
                let reply = Some(Told::new(&local_trouble()));
                Line { fate: Some(FateName::Defer), reply, memory: Some(AWAY), ..bare }
            }
            (None, Ok(Ok(lesson))) => {
                Line { learns: Some(Learns::new(&lesson)), reply: Some(Told::new(&taken())), ..bare }
            }
            (None, Ok(Err(why))) => {
                Line { not_learned: Some(why.to_string()), reply: Some(Told::new(&taken())), ..bare }
            }
        };
        let for_recipient = |to: &Address| Line { recipient: Some(to.to_string()), ..bare.clone() };
        let mut lines: Vec<Line> = recipients.iter().map(for_recipient).collect();
        if lines.is_empty() {
            lines.push(bare);
        }
        Self::new(message, lines)
    }

    fn new(message: &Message, lines: Vec<Line>) -> Self {
        let author = message.author().map(ToString::to_string);
        Self { subject: message.subject().map(str::to_owned), author, date: message.value("Date"), lines }
    }

    /// Marks what was judged without the installation's secret, or as if nothing were remembered.
    pub(super) fn tell_what_is_missing(&mut self, secret_is_known: bool, memory_is_live: bool) {
        for line in &mut self.lines {
            line.keys = (!secret_is_known).then_some(NONE);
            line.memory = line.memory.or((!memory_is_live).then_some(NONE));
        }
    }

    /// The lines of JSON; `index` is the place in an mbox.
    pub(super) fn json(mut self, file: &Path, index: Option<usize>) -> serde_json::Result<String> {
        self.lines.iter_mut().for_each(|line| line.index = index);
        let whole = |line| serde_json::to_string(&InFile { file: file.display().to_string(), line });
        self.lines.iter().map(|line| Ok(whole(line)? + "\n")).collect()
    }
}

impl Line {
    fn new(role: &'static str, message: &Message, kind: Kind, signals: Vec<Signal>) -> Self {
        Self {
            index: None,
            role,
            recipient: None,
            kind,
            signals,
            reported: Vec::new(),
            matched: None,
            parents: message.parents().iter().map(ToString::to_string).collect(),
            person: None,
            absent: None,
            stands_in_for: None,
            chosen: None,
            evidence_tried: Vec::new(),
            rule: None,
            rules_tried: Vec::new(),
            is_held_before_rules: false,
            greeting: None,
            continued: Vec::new(),
            fate: None,
            reason: None,
            rescue: None,
            deliveries: Vec::new(),
            copies: Vec::new(),
            edits: Vec::new(),
            stamp: None,
            handed_on: None,
            insider: None,
            learns: None,
            not_learned: None,
            reply: None,
            keys: None,
            memory: None,
        }
    }

    /// What is planned for a recipient of ours.
    fn with_plan(self, plan: Plan) -> Self {
        let reply = match &plan.fate {
            Fate::Reject(reply) | Fate::Defer(reply) => reply.clone(),
            Fate::Forward(_) | Fate::Hold(_) | Fate::Discard => taken(),
        };
        let (deliveries, reason) = match &plan.fate {
            Fate::Forward(to) => (to.iter().map(|to| Delivery::new(to, &plan)).collect(), None),
            Fate::Hold(reason) => (Vec::new(), Some(*reason)),
            Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => (Vec::new(), None),
        };
        let copies: Vec<String> = plan.copies.iter().map(ToString::to_string).collect();
        let is_handed_on = !deliveries.is_empty() || !copies.is_empty();
        let edits = if is_handed_on { Edited::all(&plan.edits) } else { Vec::new() };
        Self {
            recipient: Some(plan.recipient.to_string()),
            kind: plan.kind,
            matched: Some(Matched::new(&plan.matched)),
            learns: plan.lesson.as_ref().map(Learns::new),
            rescue: plan.rescue.as_ref().filter(|_| reason.is_some()).map(Rescued::new),
            person: plan.person.as_ref().map(ToString::to_string),
            stands_in_for: Absence::replaced(&plan),
            absent: plan.absent.as_ref().map(Absence::new),
            chosen: plan.chosen,
            rule: Some(plan.rule),
            continued: plan.continued,
            copies,
            edits,
            fate: Some(plan.fate.name()),
            reason,
            deliveries,
            reply: Some(Told::new(&reply)),
            ..self
        }
    }

    fn with_tried(self, mut evidence_tried: Vec<EvidenceTried>, rules: Option<Vec<rules::Tried>>) -> Self {
        if let Some(matched) = &self.matched {
            EvidenceTried::mark_winner(&mut evidence_tried, matched);
        }
        let is_held_before_rules = rules.is_none();
        let rules_tried = rules.unwrap_or_default().into_iter().map(RuleTried::new).collect();
        Self { evidence_tried, rules_tried, is_held_before_rules, ..self }
    }

    fn refused(self, to: &Address, reply: &Reply) -> Self {
        Self { recipient: Some(to.to_string()), fate: Some(FateName::Reject), reply: Some(Told::new(reply)), ..self }
    }

    fn with_stamp(self, path: Option<ReversePath>, stamp: Option<(PersonaName, Stamp)>) -> Self {
        let from = stamp.as_ref().map_or(path, |(_, stamp)| stamp.reverse_path.clone()).map(|path| path.to_string());
        let matched = stamp.as_ref().map(|(persona, stamp)| Matched {
            evidence: None,
            persona: Some(persona.to_string()),
            thread: Some(stamp.thread.to_string()),
            opened: stamp.thread.opened(),
            correspondent: None,
            conflicts: Vec::new(),
        });
        let deliveries = vec![Delivery { to: Vec::new(), from, fallback: Vec::new() }];
        let stamp = stamp.map(|(_, stamp)| Stamped::new(&stamp));
        Self { matched, deliveries, stamp, fate: Some(FateName::Forward), reply: Some(Told::new(&taken())), ..self }
    }

    fn for_customer(mut self, to: &Address) -> Self {
        self.recipient = Some(to.to_string());
        self.deliveries.iter_mut().for_each(|delivery| delivery.to = vec![to.to_string()]);
        if let Some(matched) = &mut self.matched {
            matched.correspondent = Some(to.to_string());
        }
        self
    }
}

impl Matched {
    fn new(matched: &Match) -> Self {
        Self {
            evidence: Some(matched.evidence),
            persona: matched.persona.as_ref().map(ToString::to_string),
            thread: matched.thread.as_ref().map(ToString::to_string),
            opened: matched.thread.and_then(|thread| thread.opened()),
            correspondent: matched.correspondent.as_ref().map(ToString::to_string),
            conflicts: matched.conflicts.iter().map(conflict).collect(),
        }
    }
}

fn conflict(lost: &Conflict) -> String {
    let thread = lost.thread.map_or_else(String::new, |id| format!(" {id}"));
    format!("{} {}{thread}", lost.evidence, lost.persona)
}

impl Delivery {
    fn new(to: &Destination, plan: &Plan) -> Self {
        Self {
            to: vec![to.address.to_string()],
            from: plan.reverse_path.as_ref().map(ToString::to_string),
            fallback: to.fallback.first().iter().map(ToString::to_string).collect(),
        }
    }
}

impl RuleTried {
    fn new(tried: rules::Tried) -> Self {
        let rules::Tried { rule, answer, goes_on, failed } = tried;
        let answer = match answer {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::CannotTell(Why::IndexAway) => "cannot-tell",
        };
        Self { rule, answer, goes_on, failed }
    }
}

impl Edited {
    fn all(edits: &Edits) -> Vec<Self> {
        let new = edits.append.iter();
        let new = new.map(|new| Self { field: new.name.to_string(), value: Some(new.value.clone()), before: None });
        let before = edits.insert_before_value.iter();
        // Without the white space around it.
        let text = |value: &str| Some(value.trim().to_owned());
        let before = before.map(|old| Self { field: old.name.to_string(), value: None, before: text(&old.value) });
        new.chain(before).collect()
    }
}

impl Stamped {
    fn new(stamp: &Stamp) -> Self {
        let message_id = stamp.message_id.as_ref().map(ToString::to_string);
        Self { message_id, seeded: stamp.seeded, skipped: stamp.skipped.clone() }
    }
}

impl Inside {
    fn new(insider: &Insider, inboxes: &[Address]) -> Self {
        let all = |names: &[Address]| names.iter().map(ToString::to_string).collect();
        let people = insider.people.iter().map(ToString::to_string).collect();
        Self { people, proved: insider.proved, inboxes: all(inboxes) }
    }
}

impl Absence {
    fn new(absent: &Absent) -> Self {
        Self { person: absent.person.to_string(), until: absent.until }
    }

    /// Whose place the person of the plan takes.
    fn replaced(plan: &Plan) -> Option<String> {
        let absent = plan.absent.as_ref().filter(|absent| Some(&absent.person) != plan.person.as_ref())?;
        plan.person.as_ref().map(|_| absent.person.to_string())
    }
}

impl Learns {
    fn new(lesson: &Lesson) -> Self {
        Self {
            message_id: lesson.message_id.to_string(),
            persona: lesson.persona.to_string(),
            thread: lesson.thread.to_string(),
            correspondents: lesson.correspondents.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Rescued {
    fn new(rescue: &Rescue) -> Self {
        let to = rescue.to.first().iter().map(ToString::to_string).collect();
        Self { copy: rescue.copy.to_string(), to, why: rescue.why.clone() }
    }
}

impl Told {
    fn new(reply: &Reply) -> Self {
        Self { code: reply.code, enhanced: reply.enhanced_text(), text: reply.text.clone() }
    }
}

/// What the peer would be told once every leg is done.
fn taken() -> Reply {
    Reply::new(250, 0, 0, "Ok")
}
