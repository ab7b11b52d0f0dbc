//! Addresses: the addr-spec of RFC 5322 §3.4.1, as it travels in envelopes and header fields.
//!
//! Reading is lenient (local parts that exist in practice, such as `a..b@docomo.example`, are
//! kept), but an [`Address`] can never break out of an SMTP command or a header field: it holds no
//! control character, no angle bracket and no space outside quotes.

use std::fmt;
use std::str::FromStr;

/// The part of an address after the last `@`: a domain name or an address literal.
///
/// Kept in lower case; domain names are case-blind (RFC 5321 §2.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// The domain as text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        // What is kept is judged: a lower case may be longer, or hold what no label may, as that of İ does.
        let folded = text.to_lowercase();
        let literal = folded.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or_default());
        let is_domain = literal.map_or_else(|| is_name(&folded), is_literal);
        if folded.len() > 255 || !is_domain {
            return Err(AddressError::Domain(text.into()));
        }
        Ok(Self(folded))
    }
}

/// Labels with dots between them. Underscores and hyphens anywhere: seen in practice.
fn is_name(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    text.split('.').all(is_label)
}

/// What stands in the brackets of an address literal (RFC 5321 §4.1.3).
fn is_literal(inner: &str) -> bool {
    !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-'))
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An addr-spec: `local@domain`.
///
/// The local part stays as it was written, since only its own host may interpret it
/// (RFC 5321 §2.4); [`Address::folded`] is the form to compare by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    local: String,
    domain: Domain,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing before it.
    #[error("{0:?} is not an address: expected local@domain")]
    Shape(String),
    /// The local part holds something that may not stand in a command.
    #[error("{0:?} is not the local part of an address")]
    Local(String),
    /// The part after the `@` is not a domain.
    #[error("{0:?} is not a domain")]
    Domain(String),
}

impl Address {
    /// The part before the last `@`, as it was written, quotes included.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the last `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The whole address in lower case, without quotes that it does not need: the form to compare and to
    /// index by. RFC 5321 §4.1.2: `"sophie"@acme.example` and `sophie@acme.example` are the same.
    pub fn folded(&self) -> String {
        format!("{}@{}", self.plain_local().to_lowercase(), self.domain)
    }

    /// The local part without quotes, where it says the same without them.
    fn plain_local(&self) -> &str {
        let inner = self.local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.filter(|inner| !inner.is_empty() && is_local_part(inner)).unwrap_or(&self.local)
    }

    /// Whether the address needs SMTPUTF8 (RFC 6531) to travel.
    pub fn is_international(&self) -> bool {
        !self.local.is_ascii() || !self.domain.0.is_ascii()
    }

    /// Splits a subaddress (RFC 5233): the address of the user, and the detail after the first of
    /// `separators`, if there is one. A separator in first place is part of the user's name, and so is any
    /// in a local part that needs its quotes.
    pub fn split_detail(&self, separators: &str) -> (Self, Option<&str>) {
        let local = self.plain_local();
        let is_quoted = local.starts_with('"');
        let cut = local.char_indices().skip(1).find(|(_, c)| !is_quoted && separators.contains(*c));
        match cut {
            Some((at, separator)) => {
                let (user, rest) = local.split_at(at);
                let user = Self { local: user.into(), domain: self.domain.clone() };
                (user, rest.get(separator.len_utf8()..))
            }
            None => (self.clone(), None),
        }
    }

    /// The same user at the same domain, with `detail` as its subaddress.
    pub fn with_detail(&self, separator: char, detail: &str) -> Self {
        let local = match self.local.strip_suffix('"') {
            // Within its quotes: a local part is quoted as a whole or not at all.
            Some(quoted) => format!("{quoted}{separator}{detail}\""),
            None => format!("{}{separator}{detail}", self.local),
        };
        Self { local, domain: self.domain.clone() }
    }

    /// The same local part at another domain.
    pub fn at(&self, domain: &Domain) -> Self {
        Self { local: self.local.clone(), domain: domain.clone() }
    }

    /// An address from a local part that is known to be safe and a domain.
    ///
    /// # Errors
    /// When the two do not make an address.
    pub fn new(local: &str, domain: &Domain) -> Result<Self, AddressError> {
        format!("{local}@{domain}").parse()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shape = || AddressError::Shape(text.into());
        let (local, domain) = text.rsplit_once('@').ok_or_else(shape)?;
        if local.is_empty() {
            return Err(shape());
        }
        // In lower case it may be longer, and is what is compared by.
        if local.len().max(local.to_lowercase().len()) > 255 || !is_local_part(local) {
            return Err(AddressError::Local(local.into()));
        }
        Ok(Self { local: local.into(), domain: domain.parse()? })
    }
}

/// Whether `local` may stand before the `@` in a command: a quoted string, or a run without
/// spaces, brackets, quotes or control characters. Dots may stand anywhere: seen in practice.
fn is_local_part(local: &str) -> bool {
    let inner = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) => is_quoted_content(inner),
        None => !local.chars().any(|c| {
            c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\\' | ',' | ';' | '(' | ')' | '@')
        }),
    }
}

fn is_quoted_content(inner: &str) -> bool {
    let mut escaped = false;
    for c in inner.chars() {
        if c.is_control() || (c == '"' && !escaped) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !escaped
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// A display name with an address: the mailbox of RFC 5322 §3.4 (not RFC 5321's word for it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The decoded display name, where there is one.
    pub display_name: Option<String>,
    /// The addr-spec.
    pub address: Address,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.display_name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn odd_local_parts_that_exist_are_kept() {
        for text in
            ["a..b@docomo.example", ".a@b.example", "\"a b\"@c.example", "a@[127.0.0.1]", "jörg@münchen.example"]
        {
            assert_eq!(address(text).to_string(), text);
        }
    }

    #[test]
    fn nothing_that_could_leave_a_command_is_an_address() {
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a>@c",
            "a\r\n@c",
            "a@b c",
            "a@b>",
            "\"a\"b\"@c",
            "\"a\\\"@c",
            "a\u{0}@c",
            "a@b@c",
            "a@[x",
            "a@[x]y",
            "a@[]",
            "a@b..c",
            "a@.b",
            "a@b.",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_detail_follows_the_first_separator() {
        for (text, user, detail) in [
            ("Sophie+Ab+c@acme.example", "Sophie@acme.example", Some("Ab+c")),
            ("+1@acme.example", "+1@acme.example", None),
            ("sophie@acme.example", "sophie@acme.example", None),
            ("\"sophie+x\"@acme.example", "sophie@acme.example", Some("x")),
            ("\"a b+x\"@acme.example", "\"a b+x\"@acme.example", None),
        ] {
            let whole = address(text);
            let (found, rest) = whole.split_detail("+-");
            assert_eq!((found.to_string().as_str(), rest), (user, detail));
        }
    }

    #[test]
    fn a_detail_stands_within_the_quotes() {
        for (user, whole) in [("a@b.example", "a+x@b.example"), ("\"a b\"@c.example", "\"a b+x\"@c.example")] {
            assert_eq!(address(user).with_detail('+', "x"), address(whole));
        }
    }

    #[test]
    fn a_local_part_is_one_in_lower_case_too() {
        let text = |times| format!("{}@b.example", "\u{130}".repeat(times));
        assert!(text(86).parse::<Address>().is_err(), "172 octets, and 258 in lower case");
        assert_eq!(address(&address(&text(85)).folded()).folded(), address(&text(85)).folded());
    }

    #[test]
    fn a_domain_is_one_in_lower_case_too() {
        assert!("a@\u{130}.example".parse::<Address>().is_err(), "its lower case is an i with a loose dot");
    }

    #[test]
    fn comparing_is_case_blind() {
        assert_eq!(address("SOPHIE@Acme.Example").folded(), address("sophie@acme.example").folded());
    }

    #[test]
    fn quotes_that_are_not_needed_make_no_other_address() {
        for (text, folded) in [
            ("\"Sophie\"@acme.example", "sophie@acme.example"),
            ("\"a..b\"@c.example", "a..b@c.example"),
            ("\"a b\"@c.example", "\"a b\"@c.example"),
            ("\"a@b\"@c.example", "\"a@b\"@c.example"),
            ("\"a\\\"b\"@c.example", "\"a\\\"b\"@c.example"),
            ("\"\"@c.example", "\"\"@c.example"),
        ] {
            assert_eq!(address(text).folded(), folded);
            assert_eq!(address(text).to_string(), text, "it travels as it was written");
        }
    }
}
