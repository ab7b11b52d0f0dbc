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
    /// Whose it would be is away.
    StandsIn,
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
            Self::StandsIn => "whose it would be is away",
            Self::Only => "there is nobody else",
        }
    }
}

/// In whose place somebody was chosen. By name where a rule names somebody: two may share an inbox, or an address, and
/// what one of them was given is no choice of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Of whoever answers mail to this recipient.
    Recipient(Address),
    /// Of this person, whom a rule names.
    Person(PersonName),
    /// Of whoever answers for this persona, which a rule names.
    Persona(PersonaName),
}

/// Whom a pool chose, or who stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it is remembered for, with the mail.
    pub place: Place,
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
