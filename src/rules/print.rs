//! Rules print as they are written in the configuration: one line of TOML that reads as the same rule.

use std::collections::BTreeMap;
use std::fmt;

use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

use crate::mail::FateName;

use super::{Additions, Bound, Condition, Content, Decision, Pattern, Rule, Size, Target, When};

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
            Self::Size(sizes) => pair("size", list(sizes.iter().map(|size| text(&size.to_string())))),
        }
    }
}

impl fmt::Display for Size {
    /// `>5 MiB`, in the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.bound {
            Bound::Above => ">",
            Bound::AtLeast => ">=",
            Bound::Below => "<",
            Bound::AtMost => "<=",
        };
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
        let divides = |unit: &&(&str, u64)| self.octets >= unit.1 && self.octets.is_multiple_of(unit.1);
        let (unit, octets) = units.iter().find(divides).copied().unwrap_or(("B", 1));
        write!(f, "{bound}{} {unit}", self.octets / octets)
    }
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
