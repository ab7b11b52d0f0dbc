//! What a mail system tells of the delivery of a message to one recipient (RFC 3464 §2.3).

use std::fmt;

/// What became of a message for one recipient: the words of RFC 3464 §2.3.3.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", ascii_case_insensitive)]
pub enum Action {
    /// It could not be delivered, and nobody tries again.
    Failed,
    /// It could not be delivered yet; somebody goes on trying.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was handed on to where no notification is to be had from.
    Relayed,
    /// It was delivered to a list or an alias, and goes on from there.
    Expanded,
}

/// An enhanced status code (RFC 3463): `5.1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// 2 is success, 4 a condition that may pass, 5 one that stays.
    pub class: u8,
    /// What it is about: 1 the address, 2 the mailbox, 3 the system, 4 the network, …
    pub subject: u16,
    /// What of it.
    pub detail: u16,
}

impl Status {
    /// The status code that a text begins with, as in `5.1.1 (no such user)`; `None` where there is none.
    pub fn read(text: &str) -> Option<Self> {
        let code = text.trim_start().split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let mut figures = code.split('.').map(|figure| figure.parse::<u16>().ok().filter(|it| *it < 1000));
        let (class, subject, detail) = (figures.next()??, figures.next()??, figures.next()??);
        let class = u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        figures.next().is_none().then_some(Self { class, subject, detail })
    }

    /// Whether the condition stays (class 5), so that another try makes no sense.
    pub fn is_hard(self) -> bool {
        self.class == 5
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a mail system tells of one recipient.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    /// Whom the message was for, as far as it can be read: the original recipient rather than the final one; folded.
    pub recipient: Option<String>,
    /// What became of it.
    pub action: Action,
    /// The status code, where there is one.
    pub status: Option<Status>,
}

impl Delivery {
    /// Whether nobody tries any more, and nobody got it.
    pub fn is_failure(&self) -> bool {
        self.action == Action::Failed
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("5.1.1", Some("5.1.1"))]
    #[case(" 4.4.7 (delivery time expired)", Some("4.4.7"))]
    #[case("5.7.606 Access denied", Some("5.7.606"))]
    #[case("5.1", None)]
    #[case("5.1.1.1", None)]
    #[case("3.1.1", None)]
    #[case("5.1.1000", None)]
    #[case("550 no", None)]
    #[case("", None)]
    fn status_codes(#[case] text: &str, #[case] read: Option<&str>) {
        assert_eq!(Status::read(text).map(|status| status.to_string()).as_deref(), read);
    }

    #[test]
    fn an_action_is_read_in_any_case() {
        assert_eq!("FAILED".parse(), Ok(Action::Failed));
        assert!("lost".parse::<Action>().is_err());
    }
}
