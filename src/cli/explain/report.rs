//! What `explain` tells of one message: as JSON lines, whose shape is stable, or as text.

use std::io::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::flow::copy::Unlearned;
use crate::flow::insiders::Insider;
use crate::flow::settle::local_trouble;
use crate::flow::stamp::Stamp;
use crate::mail::plain::plain;
use crate::mail::{
    Address, Conflict, Edits, Evidence, Fate, FateName, HoldReason, Kind, Lesson, Match, PersonaName, Plan, Reply,
    ReversePath,
};
use crate::message::{Message, Signal, kind};
use crate::rules::{Answer, Tried, Why};
use crate::threads::Unavailable;

use crate::cli::judge::Judged;

/// One line for each recipient; one without a recipient where there is none.
pub(super) struct Report {
    subject: Option<String>,
    author: Option<String>,
    lines: Vec<Line>,
}

/// What is told of one message and recipient.
#[derive(Debug, Clone, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    role: &'static str,
    recipient: Option<String>,
    kind: Kind,
    signals: Vec<Signal>,
    #[serde(rename = "match")]
    matched: Option<Matched>,
    parents: Vec<String>,
    rule: Option<String>,
    // For people only.
    #[serde(skip)]
    tried: Vec<Tried>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    continued: Vec<String>,
    fate: Option<FateName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<HoldReason>,
    deliveries: Vec<Delivery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    copies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Edited>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp: Option<Stamped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    insider: Option<Inside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learns: Option<Learns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_learned: Option<String>,
    reply: Option<Told>,
}

/// A line as it is printed: with the file it speaks of.
#[derive(Serialize)]
struct InFile<'a> {
    file: String,
    #[serde(flatten)]
    line: &'a Line,
}

#[derive(Debug, Clone, Serialize)]
struct Matched {
    evidence: Option<Evidence>,
    persona: Option<String>,
    thread: Option<String>,
    correspondent: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Delivery {
    to: Vec<String>,
    // Null where it is not known how the message came.
    from: Option<String>,
}

/// What rules change in what is handed on: a new field, or text before the value of one that is there.
#[derive(Debug, Clone, Serialize)]
struct Edited {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Stamped {
    message_id: Option<String>,
    seeded: bool,
    skipped: Vec<&'static str>,
}

/// Which of ours the author is.
#[derive(Debug, Clone, Serialize)]
struct Inside {
    people: Vec<String>,
    proved: bool,
}

/// The id that is learned, and whom an answer to it is expected from.
#[derive(Debug, Clone, Serialize)]
struct Learns {
    message_id: String,
    persona: String,
    thread: String,
    correspondents: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Told {
    code: u16,
    enhanced: String,
    text: String,
}

impl Report {
    /// Of a message that comes to an inbound listener.
    pub(super) fn inbound(judged: Judged) -> Self {
        let Judged { arrival, planned, tried, refused, door } = judged;
        let kind = kind::classify(&arrival.signals, false);
        let insider = planned.insider.as_ref().map(Inside::new);
        let bare = Line { insider, ..Line::new("inbound", &arrival.message, kind, arrival.signals.clone()) };
        let plans = planned.plans.into_iter().zip(tried);
        let mut lines: Vec<Line> =
            plans.map(|(plan, tried)| Line { tried, ..bare.clone().with_plan(plan, &door) }).collect();
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
            (None, Err(_)) => Line { fate: Some(FateName::Defer), reply: Some(Told::new(&local_trouble())), ..bare },
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
        Self { subject: message.subject().map(str::to_owned), author, lines }
    }

    /// Prints the lines; `index` is the place in an mbox.
    pub(super) fn print(mut self, file: &Path, index: Option<usize>, json: bool) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        self.lines.iter_mut().for_each(|line| line.index = index);
        for line in &self.lines {
            if json {
                let whole = InFile { file: file.display().to_string(), line };
                writeln!(out, "{}", serde_json::to_string(&whole)?)?;
            } else {
                self.describe(&mut out, file, line)?;
            }
        }
        Ok(())
    }

    fn describe(&self, out: &mut dyn Write, file: &Path, line: &Line) -> std::io::Result<()> {
        let strong = Style::new().bold();
        let place = line.index.map_or_else(String::new, |index| format!(" [{index}]"));
        writeln!(out, "{strong}{}{place}{strong:#}", plain(&file.display().to_string()))?;
        row(out, "subject", self.subject.as_deref().unwrap_or_default())?;
        row(out, "author", self.author.as_deref().unwrap_or_default())?;
        row(out, "insider", &line.insider.as_ref().map(Inside::describe).unwrap_or_default())?;
        row(out, "recipient", line.recipient.as_deref().unwrap_or(line.no_recipient()))?;
        row(out, "kind", &line.kind_text())?;
        row(out, "match", &line.matched.as_ref().map(Matched::describe).unwrap_or_default())?;
        for tried in &line.tried {
            let (what, why) = told(tried);
            row(out, what, &why)?;
        }
        row(out, "rule", line.rule.as_deref().unwrap_or_default())?;
        line.fate(out)?;
        for delivery in &line.deliveries {
            let from = delivery.from.as_deref().unwrap_or("a reverse path that the file does not tell");
            row(out, "delivery", &format!("to {} from {from}", delivery.to.join(", ")))?;
        }
        row(out, "copies", &line.copies.join(", "))?;
        for edit in &line.edits {
            row(out, "adds", &edit.describe())?;
        }
        row(out, "stamp", &line.stamp.as_ref().map(Stamped::describe).unwrap_or_default())?;
        row(out, "learns", &line.learns.as_ref().map(Learns::describe).unwrap_or_default())?;
        row(out, "not learned", line.not_learned.as_deref().unwrap_or_default())?;
        row(out, "reply", &line.reply.as_ref().map(Told::describe).unwrap_or_default())?;
        writeln!(out)
    }
}

/// A value comes from the message: it may neither begin a line of ours nor speak to the terminal.
fn row(out: &mut dyn Write, name: &str, value: &str) -> std::io::Result<()> {
    if value.is_empty() { Ok(()) } else { writeln!(out, "  {name:<12} {}", plain(value)) }
}

/// Why a rule does not decide; nothing about the one that does.
fn told(tried: &Tried) -> (&'static str, String) {
    let Tried { rule, answer, goes_on, failed } = tried;
    let failed = failed.as_deref().unwrap_or_default();
    match answer {
        Answer::No => ("not rule", format!("{rule}: {failed} does not hold")),
        Answer::CannotTell(Why::IndexAway) => ("cannot tell", format!("{rule}: {failed}: the thread index is away")),
        Answer::Yes if *goes_on => ("and rule", rule.clone()),
        Answer::Yes => ("", String::new()),
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
            matched: None,
            parents: message.parents().iter().map(ToString::to_string).collect(),
            rule: None,
            tried: Vec::new(),
            continued: Vec::new(),
            fate: None,
            reason: None,
            deliveries: Vec::new(),
            copies: Vec::new(),
            edits: Vec::new(),
            stamp: None,
            insider: None,
            learns: None,
            not_learned: None,
            reply: None,
        }
    }

    /// What stands in the place of a recipient where there is none.
    fn no_recipient(&self) -> &'static str {
        match self.role {
            "copies" => "any: a copy is not handed on",
            _ => "none of ours in the header section; give one with --to",
        }
    }

    /// What is planned for a recipient of ours, unless the door refuses the whole message.
    fn with_plan(self, plan: Plan, door: &Option<Reply>) -> Self {
        let (fate, reply) = match (door, &plan.fate) {
            (Some(reply), _) => (FateName::Reject, reply.clone()),
            (None, Fate::Reject(reply) | Fate::Defer(reply)) => (plan.fate.name(), reply.clone()),
            (None, Fate::Forward(_) | Fate::Hold(_) | Fate::Discard) => (plan.fate.name(), taken()),
        };
        let (deliveries, reason) = match &plan.fate {
            Fate::Forward(to) if door.is_none() => {
                (to.iter().map(|to| Delivery::new(&to.address, &plan)).collect(), None)
            }
            Fate::Hold(reason) if door.is_none() => (Vec::new(), Some(*reason)),
            Fate::Forward(_) | Fate::Hold(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => (Vec::new(), None),
        };
        let copies: Vec<String> = plan.copies.iter().filter(|_| door.is_none()).map(ToString::to_string).collect();
        let is_handed_on = !deliveries.is_empty() || !copies.is_empty();
        let edits = if is_handed_on { Edited::all(&plan.edits) } else { Vec::new() };
        Self {
            recipient: Some(plan.recipient.to_string()),
            kind: plan.kind,
            matched: Some(Matched::new(&plan.matched)),
            learns: plan.lesson.as_ref().filter(|_| door.is_none()).map(Learns::new),
            rule: Some(plan.rule),
            continued: plan.continued,
            copies,
            edits,
            fate: Some(fate),
            reason,
            deliveries,
            reply: Some(Told::new(&reply)),
            ..self
        }
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
            correspondent: None,
            conflicts: Vec::new(),
        });
        let deliveries = vec![Delivery { to: Vec::new(), from }];
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

    fn kind_text(&self) -> String {
        let names: Vec<String> = self.signals.iter().map(|signal| (*signal).to_string()).collect();
        let why = if names.is_empty() { "no signal of a machine".to_owned() } else { names.join(", ") };
        format!("{} ({why})", self.kind)
    }

    fn fate(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Some(fate) = self.fate else { return Ok(()) };
        let colour = if fate == FateName::Forward { AnsiColor::Green } else { AnsiColor::Yellow };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let reason = self.reason.map_or_else(String::new, |reason| format!(" as {reason}"));
        writeln!(out, "  {:<12} {style}{fate}{style:#}{reason}", "fate")
    }
}

impl Matched {
    fn new(matched: &Match) -> Self {
        Self {
            evidence: Some(matched.evidence),
            persona: matched.persona.as_ref().map(ToString::to_string),
            thread: matched.thread.as_ref().map(ToString::to_string),
            correspondent: matched.correspondent.as_ref().map(ToString::to_string),
            conflicts: matched.conflicts.iter().map(conflict).collect(),
        }
    }

    fn describe(&self) -> String {
        let persona = self.persona.as_deref().unwrap_or("nobody");
        let by = self.evidence.map_or_else(|| "the From field".to_owned(), |evidence| evidence.to_string());
        let thread = self.thread.as_deref().map_or_else(|| "no thread yet".to_owned(), |id| format!("thread {id}"));
        let with = self.correspondent.as_deref().map_or_else(String::new, |who| format!(" with {who}"));
        let but =
            if self.conflicts.is_empty() { String::new() } else { format!("; against {}", self.conflicts.join(", ")) };
        format!("{persona} by {by}, {thread}{with}{but}")
    }
}

fn conflict(lost: &Conflict) -> String {
    let thread = lost.thread.map_or_else(String::new, |id| format!(" {id}"));
    format!("{} {}{thread}", lost.evidence, lost.persona)
}

impl Delivery {
    fn new(to: &Address, plan: &Plan) -> Self {
        Self { to: vec![to.to_string()], from: plan.reverse_path.as_ref().map(ToString::to_string) }
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

    fn describe(&self) -> String {
        let value = self.value.as_ref().map(|value| format!("{}: {value}", self.field));
        let before = || self.before.as_ref().map(|text| format!("{text} before the {}", self.field));
        value.or_else(before).unwrap_or_default()
    }
}

impl Stamped {
    fn new(stamp: &Stamp) -> Self {
        let message_id = stamp.message_id.as_ref().map(ToString::to_string);
        Self { message_id, seeded: stamp.seeded, skipped: stamp.skipped.clone() }
    }

    fn describe(&self) -> String {
        let id = self.message_id.as_deref().unwrap_or("no Message-ID");
        let seed = if self.seeded { "with seed" } else { "without seed" };
        let skipped =
            if self.skipped.is_empty() { String::new() } else { format!(", signed: {}", self.skipped.join(", ")) };
        format!("{id}, {seed}{skipped}")
    }
}

impl Inside {
    fn new(insider: &Insider) -> Self {
        Self { people: insider.people.iter().map(ToString::to_string).collect(), proved: insider.proved }
    }

    fn describe(&self) -> String {
        let who = if self.people.is_empty() { "a persona".to_owned() } else { self.people.join(" or ") };
        let proof = if self.proved {
            "proved: DMARC passed"
        } else {
            "not proved by a trusted Authentication-Results field: treated as anybody, but never a correspondent"
        };
        format!("{who}, {proof}")
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

    fn describe(&self) -> String {
        let with = if self.correspondents.is_empty() {
            String::new()
        } else {
            format!(" with {}", self.correspondents.join(", "))
        };
        format!("{} of {}, thread {}{with}", self.message_id, self.persona, self.thread)
    }
}

impl Told {
    fn new(reply: &Reply) -> Self {
        Self { code: reply.code, enhanced: reply.enhanced_text(), text: reply.text.clone() }
    }

    fn describe(&self) -> String {
        format!("{} {} {}", self.code, self.enhanced, self.text)
    }
}

/// What the peer would be told once every leg is done.
fn taken() -> Reply {
    Reply::new(250, 0, 0, "Ok")
}
