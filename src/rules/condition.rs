//! Conditions: what a rule may look for, one function each.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::mail::{Evidence, Kind, PersonName, PersonaName};

use super::answer::Answer;
use super::authentication::{Finding, Method};
use super::engine::{Facts, Reading};
use super::pattern::Pattern;
use super::window::Window;

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
    /// It is, or is not, the first that a customer wrote in its thread.
    FirstReply(bool),
    /// The time since its thread was opened.
    ThreadAge(Vec<Age>),
    /// The campaign that the automated mail of its thread was of.
    Campaign(Vec<Pattern>),
    /// When it comes.
    Time(Vec<Window>),
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
    /// A text that a person sees, as one line.
    Body(Vec<Pattern>),
    /// A name or the type of a part that is attached.
    Attachment(Vec<Pattern>),
    /// Octets of the whole message.
    Size(Vec<Size>),
    /// For each method, what our own servers found.
    Auth(BTreeMap<Method, Vec<Finding>>),
    /// The server in front marked it as spam, or did not.
    Spam(bool),
}

/// A bound of the size of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// On which side.
    pub bound: Bound,
    /// Octets.
    pub octets: u64,
}

/// A bound of the age of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// On which side.
    pub bound: Bound,
    /// Seconds.
    pub seconds: u64,
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
    /// The windows of time in them, and in conditions inside them.
    pub fn windows(&self) -> Vec<&Window> {
        let each = self.0.iter().flat_map(|condition| match condition {
            Condition::Time(windows) => windows.iter().collect(),
            Condition::Not(when) => Self::windows(when),
            Condition::Any(several) => several.iter().flat_map(Self::windows).collect(),
            Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => Vec::new(),
            Condition::Recipient(_) | Condition::Content(_) | Condition::FirstReply(_) => Vec::new(),
            Condition::ThreadAge(_) | Condition::Campaign(_) => Vec::new(),
        });
        each.collect()
    }

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
            Self::FirstReply(wanted) => facts.first_reply.answer(|is_first| is_first == wanted),
            Self::ThreadAge(ages) => facts
                .opened
                .answer(|opened| opened.is_some_and(|opened| ages.iter().any(|age| age.holds(opened, facts.now)))),
            Self::Campaign(patterns) => {
                facts.campaign.answer(|name| name.as_ref().is_some_and(|name| any(patterns, name)))
            }
            Self::Time(windows) => windows.iter().any(|window| window.holds(facts.now)).into(),
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
            Self::Body(patterns) => reading.texts_of_body().iter().any(|text| any(patterns, text)),
            Self::Attachment(patterns) => reading.attached().iter().any(|value| any(patterns, value)),
            Self::Auth(wanted) => wanted.iter().all(|(method, findings)| reading.found(*method, findings)),
            Self::Spam(wanted) => message.is_marked_as_spam() == *wanted,
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
        self.bound.holds(octets, self.octets)
    }
}

impl Age {
    /// Whether what was opened then has this age now. A clock that was set back makes nothing younger than new.
    pub fn holds(self, opened: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(opened).max(SignedDuration::ZERO).unsigned_abs();
        let limit = std::time::Duration::from_secs(self.seconds);
        self.bound.holds(age, limit)
    }
}

impl Bound {
    /// Whether `value` is on this side of `limit`.
    pub fn holds<T: PartialOrd>(self, value: T, limit: T) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }
}
