//! Methods of authentication and their results, as a rule may ask for them (RFC 8601 §2.7, RFC 8617).

/// A method whose result a rule may ask for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Method {
    /// Whether the author's domain stands behind the message.
    Dmarc,
    /// Whether the host may send for the reverse path.
    Spf,
    /// A signature.
    Dkim,
    /// What servers on the way found.
    Arc,
}

/// What a method found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Finding {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// Probably not.
    Softfail,
    /// It says neither.
    Neutral,
    /// It holds, and a policy of the server does not accept it.
    Policy,
    /// There was nothing to try.
    None,
    /// It could not be tried now.
    Temperror,
    /// It cannot be tried.
    Permerror,
}

impl Method {
    /// What it may find.
    pub fn findings(self) -> &'static [Finding] {
        use Finding::{Fail, Neutral, None, Pass, Permerror, Policy, Softfail, Temperror};
        match self {
            Self::Dmarc => &[Pass, Fail, None, Temperror, Permerror],
            Self::Spf => &[Pass, Fail, Softfail, Neutral, Policy, None, Temperror, Permerror],
            Self::Dkim => &[Pass, Fail, Neutral, Policy, None, Temperror, Permerror],
            Self::Arc => &[Pass, Fail, None],
        }
    }
}
