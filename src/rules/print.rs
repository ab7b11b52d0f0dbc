//! Rules print as they are written in the configuration: one line of TOML that reads as the same rule.

use std::collections::BTreeMap;
use std::fmt;

use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

use crate::mail::FateName;

use super::window::{Days, TimeOfDay, Window};
use super::{Additions, Age, Bound, Condition, Content, Decision, Pattern, Rule, Size, Target, When};

/// One pair of a table: a key and its value, as TOML.
type Pair = (String, String);

impl fmt::Display for Rule {
    /// `{ name = "…", when = { … }, then = "…" }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pairs = vec![pair("name", text(&self.name))];
        pairs.extend(self.decision.is_none().then(|| pair("continue", "true")));
        pairs.extend((!self.when.0.is_empty()).then(|| pair("when", table(&self.when.pairs()))));
        pairs.push(pair("then", self.then()));
        f.write_str(&table(&pairs))
    }
}

impl fmt::Display for When {
    /// The conditions, without the braces of a table; nothing where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.pairs()))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&[self.pair()]))
    }
}

impl Rule {
    /// What the rule does, as the value of `then`.
    pub fn then(&self) -> String {
        let additions = self.additions.pairs();
        let fate = match &self.decision {
            None => None,
            Some(decision) if additions.is_empty() => match decision.word() {
                Some(word) => return text(word),
                None => Some(decision.pair()),
            },
            Some(decision) => Some(decision.pair()),
        };
        table(&fate.into_iter().chain(additions).collect::<Vec<_>>())
    }
}

impl When {
    fn pairs(&self) -> Vec<Pair> {
        self.0.iter().map(Condition::pair).collect()
    }
}

impl Condition {
    fn pair(&self) -> Pair {
        match self {
            Self::Persona(names) => pair("persona", list(names.iter().map(|name| text(&name.0)))),
            Self::Person(names) => pair("person", list(names.iter().map(|name| text(&name.0)))),
            Self::Kind(kinds) => pair("kind", list(kinds.iter().map(|kind| text((*kind).into())))),
            Self::Evidence(pieces) => pair("evidence", list(pieces.iter().map(|piece| text((*piece).into())))),
            Self::Recipient(patterns) => pair("recipient", texts(patterns)),
            Self::FirstReply(wanted) => pair("first_reply", wanted.to_string()),
            Self::ThreadAge(ages) => pair("thread_age", list(ages.iter().map(|age| text(&age.to_string())))),
            Self::Campaign(patterns) => pair("campaign", texts(patterns)),
            Self::Time(windows) => pair("time", list(windows.iter().map(|window| table(&window.pairs())))),
            Self::Content(content) => content.pair(),
            Self::Not(when) => pair("not", table(&when.pairs())),
            Self::Any(several) => {
                let tables: Vec<String> = several.iter().map(|when| table(&when.pairs())).collect();
                pair("any", format!("[{}]", tables.join(", ")))
            }
        }
    }
}

impl Content {
    fn pair(&self) -> Pair {
        match self {
            Self::From(patterns) => pair("from", texts(patterns)),
            Self::To(patterns) => pair("to", texts(patterns)),
            Self::Subject(patterns) => pair("subject", texts(patterns)),
            Self::Header(fields) => {
                let fields = fields.iter().map(|(name, patterns)| (key(name), texts(patterns)));
                pair("header", table(&fields.collect::<Vec<_>>()))
            }
            Self::Body(patterns) => pair("body", texts(patterns)),
            Self::Attachment(patterns) => pair("attachment", texts(patterns)),
            Self::Auth(methods) => {
                let methods = methods.iter().map(|(method, findings)| {
                    let findings = findings.iter().map(|finding| text((*finding).into()));
                    pair((*method).into(), list(findings))
                });
                pair("auth", table(&methods.collect::<Vec<_>>()))
            }
            Self::Spam(wanted) => pair("spam", wanted.to_string()),
            Self::Size(sizes) => pair("size", list(sizes.iter().map(|size| text(&size.to_string())))),
        }
    }
}

impl Window {
    /// What says nothing is left out: all days beside anything else, a whole day, the system's zone.
    fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        if self.from != TimeOfDay::FIRST {
            pairs.push(pair("from", text(&self.from.to_string())));
        }
        if self.to != TimeOfDay::END {
            pairs.push(pair("to", text(&self.to.to_string())));
        }
        pairs.extend(self.zone.name.as_ref().map(|name| pair("zone", text(name))));
        pairs.extend(self.holidays.as_ref().map(|holidays| pair("holidays", text(&holidays.file))));
        let says_enough = pairs.iter().any(|(key, _)| key != "zone");
        if self.days != Days::ALL || !says_enough {
            pairs.insert(0, pair("days", list(self.days.written().iter().map(|days| text(days)))));
        }
        pairs
    }
}

impl fmt::Display for Bound {
    /// Its sign.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        })
    }
}

impl fmt::Display for Size {
    /// `>5 MiB`, in the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        let (number, unit) = in_largest_unit(self.octets, &units);
        write!(f, "{}{number} {unit}", self.bound)
    }
}

impl fmt::Display for Age {
    /// `>30 days`, in the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
        let (number, unit) = in_largest_unit(self.seconds, &units);
        let plural = if number == 1 { "" } else { "s" };
        write!(f, "{}{number} {unit}{plural}", self.bound)
    }
}

/// A number in the largest of these units that divides it; the last one is 1.
fn in_largest_unit(number: u64, units: &[(&'static str, u64)]) -> (u64, &'static str) {
    let divides = |(_, unit): &&(&str, u64)| number >= *unit && number.is_multiple_of(*unit);
    let (name, unit) = units.iter().find(divides).or(units.last()).copied().unwrap_or(("", 1));
    (number / unit, name)
}

impl Decision {
    /// Its key in `then`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Forward => FateName::Forward.into(),
            Self::ForwardTo(_) => "forward_to",
            Self::Hold => FateName::Hold.into(),
            Self::Reject(_) => FateName::Reject.into(),
            Self::Discard => FateName::Discard.into(),
        }
    }

    /// The fate where it is one word.
    fn word(&self) -> Option<&'static str> {
        match self {
            Self::Forward | Self::Hold | Self::Reject(None) | Self::Discard => Some(self.key()),
            Self::ForwardTo(_) | Self::Reject(Some(_)) => None,
        }
    }

    fn pair(&self) -> Pair {
        match self {
            Self::ForwardTo(targets) => pair(self.key(), list(targets.iter().map(Target::text))),
            Self::Reject(Some(words)) => pair(self.key(), text(words)),
            Self::Forward | Self::Hold | Self::Reject(None) | Self::Discard => pair(self.key(), "true"),
        }
    }
}

impl Additions {
    fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        if !self.copy_to.is_empty() {
            pairs.push(pair("copy_to", list(self.copy_to.iter().map(Target::text))));
        }
        if !self.add_header.is_empty() {
            pairs.push(pair("add_header", fields(&self.add_header)));
        }
        pairs.extend(self.subject_prefix.as_ref().map(|prefix| pair("subject_prefix", text(prefix))));
        pairs
    }
}

impl Target {
    fn text(&self) -> String {
        match self {
            Self::Person(name) => text(&name.0),
            Self::Persona(name) => text(&name.0),
            Self::Address(address) => text(&address.to_string()),
        }
    }
}

fn pair(key: &str, value: impl Into<String>) -> Pair {
    (key.to_owned(), value.into())
}

fn fields(fields: &BTreeMap<String, String>) -> String {
    table(&fields.iter().map(|(name, value)| (key(name), text(value))).collect::<Vec<_>>())
}

fn texts(patterns: &[Pattern]) -> String {
    list(patterns.iter().map(|pattern| text(pattern.written())))
}

/// One value stands for itself.
fn list(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    match values.as_slice() {
        [only] => only.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

fn table(pairs: &[Pair]) -> String {
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", joined(pairs)) }
}

fn joined(pairs: &[Pair]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
}

/// A string, without escapes where it can be.
fn text(text: &str) -> String {
    let string = TomlStringBuilder::new(text);
    string.as_basic_pretty().or_else(|| string.as_literal()).unwrap_or_else(|| string.as_basic()).to_toml_value()
}

fn key(name: &str) -> String {
    TomlKeyBuilder::new(name).as_basic().to_toml_key()
}
