//! Conditions: what a rule may look for, one function each.

use std::collections::BTreeMap;

use crate::mail::{Evidence, Kind, PersonName, PersonaName};

use super::answer::Answer;
use super::engine::{Facts, Reading};
use super::pattern::Pattern;

/// Conditions that must all hold; none at all always hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When(pub Vec<Condition>);

/// One condition; a list of values means any of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Whom the message is for.
    Persona(Vec<PersonaName>),
    /// Who would answer.
    Person(Vec<PersonName>),
    /// What the message is.
    Kind(Vec<Kind>),
    /// Why it belongs where it does.
    Evidence(Vec<Evidence>),
    /// The recipient of the envelope.
    Recipient(Vec<Pattern>),
    /// What the message itself says, whoever the recipient is.
    Content(Content),
    /// These do not all hold.
    Not(When),
    /// One of these does.
    Any(Vec<When>),
}

/// A condition of which the message alone decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// An address of the From field.
    From(Vec<Pattern>),
    /// An address of the To and Cc fields.
    To(Vec<Pattern>),
    /// The subject, decoded.
    Subject(Vec<Pattern>),
    /// For each name, a field of that name.
    Header(BTreeMap<String, Vec<Pattern>>),
    /// Octets of the whole message.
    Size(Vec<Size>),
}

/// A bound of the size of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// On which side.
    pub bound: Bound,
    /// Octets.
    pub octets: u64,
}

/// On which side of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl When {
    /// Whether all of them hold.
    pub(super) fn answer(&self, message: &Reading<'_>, facts: &Facts<'_>) -> Answer {
        Answer::all(self.0.iter().map(|condition| condition.answer(message, facts)))
    }
}

impl Condition {
    /// Whether it holds.
    pub(super) fn answer(&self, message: &Reading<'_>, facts: &Facts<'_>) -> Answer {
        match self {
            Self::Persona(personas) => {
                facts.persona.answer(|name| name.as_ref().is_some_and(|it| personas.contains(it)))
            }
            Self::Person(people) => facts.person.answer(|name| name.as_ref().is_some_and(|it| people.contains(it))),
            Self::Kind(kinds) => facts.kind.answer(|kind| kinds.contains(kind)),
            Self::Evidence(pieces) => facts.evidence.answer(|evidence| pieces.contains(evidence)),
            Self::Recipient(patterns) => any(patterns, &facts.recipient.to_string()).into(),
            Self::Not(when) => !when.answer(message, facts),
            Self::Any(several) => Answer::any(several.iter().map(|when| when.answer(message, facts))),
            Self::Content(content) => message.says(content).into(),
        }
    }
}

impl Content {
    /// Whether it is true of a message.
    pub(super) fn is_true_of(&self, reading: &Reading<'_>) -> bool {
        let message = reading.message();
        match self {
            Self::From(patterns) => reading.authors().iter().any(|author| any(patterns, author)),
            Self::To(patterns) => reading.addressees().iter().any(|address| any(patterns, address)),
            Self::Subject(patterns) => message.subject().is_some_and(|subject| any(patterns, subject)),
            Self::Header(fields) => {
                fields.iter().all(|(name, patterns)| reading.texts(name).iter().any(|text| any(patterns, text)))
            }
            Self::Size(sizes) => {
                let octets = u64::try_from(message.bytes().len()).unwrap_or(u64::MAX);
                sizes.iter().any(|size| size.holds(octets))
            }
        }
    }
}

fn any(patterns: &[Pattern], value: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(value))
}

impl Size {
    /// Whether so many octets are on this side of the bound.
    pub fn holds(self, octets: u64) -> bool {
        match self.bound {
            Bound::Above => octets > self.octets,
            Bound::AtLeast => octets >= self.octets,
            Bound::Below => octets < self.octets,
            Bound::AtMost => octets <= self.octets,
        }
    }
}
