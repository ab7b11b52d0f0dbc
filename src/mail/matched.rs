//! What a message was found to belong to, and by which evidence.

use std::fmt;

use super::Address;

/// The name of a persona: its key in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct PersonaName(pub String);

impl fmt::Display for PersonaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a person: the key in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct PersonName(pub String);

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four octets that stand for a persona in tokens: a hash of its [`PersonaName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PersonaTag(pub [u8; 4]);

impl PersonaTag {
    /// No persona: for what was forwarded without one. No name has this tag, but by a chance of one
    /// in four thousand million; then its token leads to a held message all the same.
    pub const NOBODY: Self = Self([0; 4]);

    /// The tag of a persona. Depends on its name only, so that tokens outlive every index.
    pub fn of(name: &PersonaName) -> Self {
        use sha2::Digest;
        let hash = sha2::Sha256::digest(format!("persona\0{name}"));
        let mut tag = [0; 4];
        tag.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(tag)
    }
}

/// Names one thread: eight octets, the first six a time in milliseconds, the last two random, so
/// that ids sort by age and two of the same instant differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ThreadId(pub [u8; 8]);

impl ThreadId {
    /// A thread opened at `at`.
    pub fn new(at: jiff::Timestamp, random: [u8; 2]) -> Self {
        let [_, _, a, b, c, d, e, f] = at.as_millisecond().to_be_bytes();
        let [g, h] = random;
        Self([a, b, c, d, e, f, g, h])
    }

    /// The id that is written so, in upper or lower case; `None` for any other text.
    pub fn read(text: &str) -> Option<Self> {
        let octets = data_encoding::BASE32_DNSCURVE.decode(text.as_bytes()).ok()?;
        octets.try_into().ok().map(Self)
    }

    /// When the thread was opened, to the millisecond.
    pub fn opened(&self) -> Option<jiff::Timestamp> {
        let [a, b, c, d, e, f, _, _] = self.0;
        jiff::Timestamp::from_millisecond(i64::from_be_bytes([0, 0, a, b, c, d, e, f])).ok()
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE32_DNSCURVE.encode(&self.0))
    }
}

/// A reason to believe that a message belongs to a thread or persona; the order of the variants is
/// their strength (DESIGN section 5), strongest first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Evidence {
    /// A signed token in the subaddress of the recipient.
    RecipientToken,
    /// Our signed id in In-Reply-To or References.
    Seed,
    /// A learned id in In-Reply-To or References.
    MessageId,
    /// A learned id, or our signed one, in what a message returns, reports about or has attached.
    QuotedId,
    /// Outlook's conversation, known from an earlier message of the thread.
    Conversation,
    /// The subject of a thread that this correspondent is known in.
    Subject,
    /// This correspondent was written to by exactly one persona.
    Correspondent,
    /// The recipient names the persona: a new thread.
    PersonaAddress,
    /// The message greets exactly one persona by name.
    ByName,
    /// Nothing was found.
    Unmatched,
}

impl Evidence {
    /// What was found, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::RecipientToken => "a signed token stands in the recipient's address",
            Self::Seed => "our signed id stands in References or In-Reply-To",
            Self::MessageId => "it refers to a message that we know",
            Self::QuotedId => "it returns, reports about or has attached a message that we know",
            Self::Conversation => "Outlook's conversation is that of a thread with this correspondent",
            Self::Subject => "the subject is that of a thread with this correspondent",
            Self::Correspondent => "one persona alone has written to this correspondent",
            Self::PersonaAddress => "the address is the persona's own",
            Self::ByName => "it greets one persona by name",
            Self::Unmatched => "nothing was found",
        }
    }

    /// Signed or learned, and so beyond a stranger's guessing: DESIGN calls 1 to 4 strong.
    pub fn is_strong(self) -> bool {
        match self {
            Self::RecipientToken | Self::Seed | Self::MessageId | Self::QuotedId => true,
            Self::Conversation
            | Self::Subject
            | Self::Correspondent
            | Self::PersonaAddress
            | Self::ByName
            | Self::Unmatched => false,
        }
    }

    /// Whether it may say that a message belongs to a thread that is there already.
    pub fn names_threads(self) -> bool {
        match self {
            Self::RecipientToken
            | Self::Seed
            | Self::MessageId
            | Self::QuotedId
            | Self::Conversation
            | Self::Subject => true,
            Self::Correspondent | Self::PersonaAddress | Self::ByName | Self::Unmatched => false,
        }
    }
}

/// Evidence that pointed elsewhere than what won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The evidence that lost.
    pub evidence: Evidence,
    /// The persona it pointed to.
    pub persona: PersonaName,
    /// The thread it pointed to.
    pub thread: Option<ThreadId>,
}

/// What one recipient's copy of a message belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The evidence that won.
    pub evidence: Evidence,
    /// Whom the message is for; `None` only when unmatched.
    pub persona: Option<PersonaName>,
    /// The thread it joins; `None` where it opens one, or is unmatched.
    pub thread: Option<ThreadId>,
    /// Who wrote it: the customer at the other end.
    pub correspondent: Option<Address>,
    /// What pointed elsewhere; logged.
    pub conflicts: Vec<Conflict>,
}
