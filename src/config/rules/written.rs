//! `[[rule]]` and `[[test]]` as they are written: every key, with its meaning.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::values::{As, Code, Rejection, Several, Table, Tables, Text, WordOrTable};
use crate::mail::{Address, ReversePath};
use crate::rules::{Age, Size, TimeOfDay};

use super::values::{Moment, OneOrTables};

/// `[[rule]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Rule {
    /// What the log and `explain` call it.
    pub name: Option<As<String>>,
    /// It has no fate, and the next rule is asked.
    pub r#continue: Option<As<bool>>,
    /// What it looks for; nothing: everything.
    pub when: Table<When>,
    /// What it does.
    pub then: Option<WordOrTable<Then>>,
}

/// `rule.when`, and what stands in its `not` and `any`. A list means any of its values.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct When {
    /// Whom it is for.
    pub persona: Option<Several<String>>,
    /// Who would answer.
    pub person: Option<Several<String>>,
    /// What it is.
    pub kind: Option<Several<String>>,
    /// Why it belongs where it does.
    pub evidence: Option<Several<String>>,
    /// The author's address: patterns.
    pub from: Option<Several<Text>>,
    /// An address in To or Cc: patterns.
    pub to: Option<Several<Text>>,
    /// The recipient of the envelope: patterns.
    pub recipient: Option<Several<Text>>,
    /// The subject: patterns.
    pub subject: Option<Several<Text>>,
    /// Patterns for the fields of a name.
    pub header: Option<Table<BTreeMap<String, Several<Text>>>>,
    /// The text that a person sees: patterns.
    pub body: Option<Several<Text>>,
    /// What is attached, by name or type: patterns.
    pub attachment: Option<Several<Text>>,
    /// Bounds of the octets of the message.
    pub size: Option<Several<Size>>,
    /// What our own servers found.
    pub auth: Option<Table<Auth>>,
    /// The server in front marked it as spam.
    pub spam: Option<As<bool>>,
    /// It is the first that a customer wrote in its thread.
    pub first_reply: Option<As<bool>>,
    /// Bounds of the time since its thread was opened.
    pub thread_age: Option<Several<Age>>,
    /// The campaign of its thread: patterns.
    pub campaign: Option<Several<Text>>,
    /// When it comes: one of these windows.
    pub time: Option<OneOrTables<Time>>,
    /// These do not all hold.
    pub not: Option<Box<Table<Self>>>,
    /// One of these holds.
    pub any: Option<Tables<Self>>,
}

/// `when.auth`: of each method, one of these results.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Auth {
    /// Whether the author's domain stands behind the message.
    pub dmarc: Option<Several<String>>,
    /// Whether the host may send for the reverse path.
    pub spf: Option<Several<String>>,
    /// A signature.
    pub dkim: Option<Several<String>>,
    /// What servers on the way found.
    pub arc: Option<Several<String>>,
}

/// `when.time`: a window.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Time {
    /// Days of the week.
    pub days: Option<Several<String>>,
    /// When it begins.
    pub from: Option<As<TimeOfDay>>,
    /// When it is over.
    pub to: Option<As<TimeOfDay>>,
    /// Whose clock.
    pub zone: Option<As<String>>,
    /// A file with days that are outside.
    pub holidays: Option<As<PathBuf>>,
}

/// `rule.then`: one fate, and additions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Then {
    /// To whoever answers.
    pub forward: Option<As<bool>>,
    /// To these: people, personas or addresses.
    pub forward_to: Option<Several<String>>,
    /// Keep it for an operator.
    pub hold: Option<As<bool>>,
    /// Refuse it.
    pub reject: Option<As<Rejection>>,
    /// Take it and keep nothing.
    pub discard: Option<As<bool>>,
    /// A copy to these.
    pub copy_to: Option<Several<String>>,
    /// New header fields.
    pub add_header: Option<Table<BTreeMap<String, As<Text>>>>,
    /// Text before the subject.
    pub subject_prefix: Option<As<Text>>,
}

/// `[[test]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Test {
    /// The file of a message.
    pub mail: Option<As<PathBuf>>,
    /// The recipient.
    pub to: Option<As<Address>>,
    /// The reverse path.
    pub from: Option<As<ReversePath>>,
    /// When it comes.
    pub at: Option<As<Moment>>,
    /// What must come out.
    pub expect: Table<Expect>,
}

/// `test.expect`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Expect {
    /// The name of the fate.
    pub fate: Option<As<String>>,
    /// Whose inboxes: people, personas or addresses.
    pub forward_to: Option<Several<String>>,
    /// The rule that decides.
    pub rule: Option<As<String>>,
    /// What the message is.
    pub kind: Option<As<String>>,
    /// Why it belongs where it does.
    pub evidence: Option<As<String>>,
    /// Whom it is for.
    pub persona: Option<As<String>>,
    /// Whose inboxes it goes to.
    pub person: Option<As<String>>,
    /// The reason why it is held.
    pub hold: Option<As<String>>,
    /// The code of the reply.
    pub reply: Option<As<Code>>,
}
