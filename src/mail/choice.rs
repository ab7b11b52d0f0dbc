//! Whom a pool gives a message, and why.

use super::{Address, PersonName, PersonaName};

/// Why this person answers, and nobody else of those behind the persona.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, strum::Display, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ChoiceReason {
    /// This very mail was given to them before.
    Retry,
    /// They wrote last of ours in the thread.
    WroteLast,
    /// They got the last message of the thread.
    HadItLast,
    /// The pool keeps a customer with one person.
    Sticky,
    /// It was their turn.
    Turn,
    /// The fewest customers wait for them.
    FewestWaiting,
    /// There is nobody else.
    Only,
}

impl ChoiceReason {
    /// The reason in words, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Retry => "this mail was given to them before",
            Self::WroteLast => "who of ours wrote last in the conversation",
            Self::HadItLast => "who got the last message of the conversation",
            Self::Sticky => "with whom the pool keeps this customer",
            Self::Turn => "whose turn it is",
            Self::FewestWaiting => "for whom the fewest customers wait",
            Self::Only => "there is nobody else",
        }
    }
}

/// Whom a pool chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The recipient that it is remembered for, with the mail: the message's own, or the address of the
    /// persona that a rule names.
    pub recipient: Address,
    /// The person.
    pub person: PersonName,
    /// The turn that this was, where the pool takes turns.
    pub turn: Option<Turn>,
}

/// A turn in a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The persona whose pool it is.
    pub persona: PersonaName,
    /// When it was taken, in milliseconds of the Unix epoch: later than every turn before it.
    pub at: i64,
}
