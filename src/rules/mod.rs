//! Rules: what is to be done with a message. Pure; they see a match, never the memory.
//!
//! [`Rules`] are asked in order and the first that matches decides; those that cannot match are passed over
//! (`shortlist`), since there may be ten thousand. [`defaults`] say what becomes of the
//! rest. A [`Condition`] answers yes, no, or that it cannot tell now, and prints itself as it is written
//! in the configuration. Whom a name leads to is for others: a rule only names its [`Target`].

mod engine;
mod shortlist;

mod answer;
mod authentication;
mod compiled;
mod condition;
mod expression;
mod pattern;
mod window;

pub mod defaults;

mod hints;
mod implied;

mod print;

use std::collections::BTreeMap;

use crate::mail::{Address, PersonName, PersonaName};

use shortlist::Shortlist;

pub use answer::{Answer, Known, Why};
pub use authentication::{Finding, Method};
pub use condition::{Age, Bound, Condition, Content, Size, When};
pub use defaults::{Verdict, verdict};
pub use engine::{Facts, Judged, Judgement, Reading, Tried};
pub use pattern::{Pattern, PatternError};
pub use window::{Days, Holidays, NoHoliday, TimeOfDay, Window, Zone};

/// All rules, in their order. The caller (config) has checked names and that each can match.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    list: Vec<Rule>,
    /// Made of the list, so that it says nothing of its own.
    shortlist: Shortlist,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What the log and `explain` call it; no other has the same name.
    pub name: String,
    /// What it looks for.
    pub when: When,
    /// The end of a message that it matches; `None`: it only adds, and the next rule is asked
    /// (`continue = true`).
    pub decision: Option<Decision>,
    /// What it adds.
    pub additions: Additions,
}

/// The fate that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// To whoever answers anyway.
    Forward,
    /// To these instead; never empty.
    ForwardTo(Vec<Target>),
    /// Keep it for an operator.
    Hold,
    /// Refuse it, with this text for the sender.
    Reject(Option<String>),
    /// Take it and keep nothing.
    Discard,
}

/// What is added to whatever becomes of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Who gets a copy.
    pub copy_to: Vec<Target>,
    /// New header fields: names and values, as they are written in the configuration.
    pub add_header: BTreeMap<String, String>,
    /// What stands before the subject.
    pub subject_prefix: Option<String>,
}

/// Whom a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This person.
    Person(PersonName),
    /// Whoever answers for this persona.
    Persona(PersonaName),
    /// This address.
    Address(Address),
}

impl Rules {
    /// These rules, made ready to be asked.
    pub fn new(list: Vec<Rule>) -> Self {
        Self { shortlist: Shortlist::new(&list), list }
    }

    /// The rules in their order.
    pub fn list(&self) -> &[Rule] {
        &self.list
    }

    /// Whether a rule sends mail to that person by name.
    pub fn name_person(&self, person: &PersonName) -> bool {
        self.targets().any(|target| matches!(target, Target::Person(name) if name == person))
    }

    /// The personas that mail is sent to by name: their pools may have chosen somebody before.
    pub fn personas(&self) -> impl Iterator<Item = &PersonaName> {
        self.targets().filter_map(|target| match target {
            Target::Persona(name) => Some(name),
            Target::Person(_) | Target::Address(_) => None,
        })
    }

    /// The people whom mail is sent to by name.
    pub fn people(&self) -> impl Iterator<Item = &PersonName> {
        self.targets().filter_map(|target| match target {
            Target::Person(name) => Some(name),
            Target::Persona(_) | Target::Address(_) => None,
        })
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.list.iter().flat_map(|rule| {
            let forward_to = match &rule.decision {
                Some(Decision::ForwardTo(targets)) => targets.as_slice(),
                Some(Decision::Forward | Decision::Hold | Decision::Reject(_) | Decision::Discard) | None => &[],
            };
            forward_to.iter().chain(&rule.additions.copy_to)
        })
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Additions {
    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        self.copy_to.is_empty() && self.add_header.is_empty() && self.subject_prefix.is_none()
    }
}
