//! What the values of the file mean: addresses, durations, sizes, nets.
//!
//! A value is read through [`As`], so that every mistake says what was found and what was
//! expected in the operator's words, with an example, and none says "u64" or "sequence".

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::rules::bound;
use super::{Role, dates};
use crate::flow::policy::Strangers;
use crate::mail::{Address, Domain, Mailbox, ReversePath};
use crate::rules::Size;
use crate::smtp::service::Protocol;
use crate::smtp::settings::BareNewlines;
use crate::telemetry::Format;

/// A value that is written as one string, number or boolean.
pub(super) trait Scalar: Sized {
    /// What a mistake says was expected.
    const EXPECTED: &'static str;

    /// The value of a string.
    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    /// The value of a whole number; none of ours is negative.
    fn from_number(_number: u64) -> Option<Self> {
        None
    }

    /// The value of a date that stands without quotes.
    fn from_date(_text: &str) -> Option<Self> {
        None
    }

    /// The value of `true` or `false`.
    fn from_bool(_bool: bool) -> Option<Self> {
        None
    }
}

/// Integers of more than 64 bits are never right; Serde's own words about them would say `i128`.
macro_rules! long_integers_are_wrong {
    () => {
        fn visit_i128<E: Error>(self, number: i128) -> Result<Self::Value, E> {
            Err(E::invalid_value(Unexpected::Other(&format!("integer `{number}`")), &self))
        }

        fn visit_u128<E: Error>(self, number: u128) -> Result<Self::Value, E> {
            Err(E::invalid_value(Unexpected::Other(&format!("integer `{number}`")), &self))
        }
    };
}

/// A value of the file, read as a `T`.
#[derive(Debug, Clone, Copy)]
pub(super) struct As<T>(pub T);

impl<T> Deref for As<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Scalar> Deserialize<'de> for As<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = As<T>;

    long_integers_are_wrong! {}

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<As<T>, E> {
        T::from_text(text).map(As).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<As<T>, E> {
        let value = u64::try_from(number).ok().and_then(T::from_number);
        value.map(As).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<As<T>, E> {
        T::from_number(number).map(As).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<As<T>, E> {
        T::from_bool(bool).map(As).ok_or_else(|| E::invalid_value(Unexpected::Bool(bool), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<As<T>, A::Error> {
        let text = dates::text(map)?.ok_or_else(|| A::Error::invalid_type(Unexpected::Map, &self))?;
        let wrong = || A::Error::invalid_value(Unexpected::Other(&format!("date `{text}`")), &self);
        T::from_date(&text).map(As).ok_or_else(wrong)
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub(super) struct Several<T>(pub Vec<As<T>>);

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeveralVisitor(PhantomData))
    }
}

struct SeveralVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for SeveralVisitor<T> {
    type Value = Several<T>;

    long_integers_are_wrong! {}

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a list of such", T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Several<T>, E> {
        ScalarVisitor(PhantomData).visit_str(text).map(|one| Several(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Several<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Several)
    }
}

/// A table of the file. Serde would also read a struct from a list, by position: nobody means that.
#[derive(Debug, Clone, Default)]
pub(super) struct Table<T>(pub T);

impl<T> Deref for Table<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor(PhantomData))
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = Table<T>;

    long_integers_are_wrong! {}

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, headed by the key in single brackets or written as { … }")
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Table<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(Table)
    }
}

/// A list of tables.
#[derive(Debug, Clone)]
pub(super) struct Tables<T>(pub Vec<Table<T>>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tables<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TablesVisitor(PhantomData))
    }
}

struct TablesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TablesVisitor<T> {
    type Value = Tables<T>;

    long_integers_are_wrong! {}

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tables, each headed by the key in double brackets or written as [{ … }]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Tables<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Tables)
    }
}

/// One word, or a table.
#[derive(Debug)]
pub(super) enum WordOrTable<T> {
    /// The word.
    Word(String),
    /// The table.
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOrTable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTableVisitor(PhantomData))
    }
}

struct WordOrTableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WordOrTableVisitor<T> {
    type Value = WordOrTable<T>;

    long_integers_are_wrong! {}

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a word such as "hold", or a table such as { forward_to = "tom" }"#)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<WordOrTable<T>, E> {
        Ok(WordOrTable::Word(word.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<WordOrTable<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(WordOrTable::Table)
    }
}

/// A text that may be empty.
#[derive(Debug, Clone)]
pub(super) struct Text(pub String);

/// `true`, or a text for the sender.
#[derive(Debug, Clone)]
pub(super) struct Rejection(pub Option<String>);

/// The code of a reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code(pub u16);

/// A duration that may be zero, which turns the matter off.
#[derive(Debug, Clone, Copy)]
pub(super) struct DurationOrOff(pub Duration);

/// A number of octets above zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Octets(pub u64);

/// A count above zero, small enough for any use of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(pub usize);

/// Where a listener is.
#[derive(Debug, Clone)]
pub(super) enum ListenAddress {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
    /// The name of sockets that the service manager passes.
    Systemd(String),
}

/// The permission bits of a socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode(pub u32);

/// A mail server: a host and a port.
#[derive(Debug, Clone)]
pub(super) struct HostPort(pub String);

/// The characters that divide a user from a detail.
#[derive(Debug, Clone)]
pub(super) struct Separators(pub String);

impl Scalar for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_bool(bool: bool) -> Option<Self> {
        Some(bool)
    }
}

impl Scalar for String {
    const EXPECTED: &'static str = "a name in quotes";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
}

impl Scalar for Text {
    const EXPECTED: &'static str = "a text in quotes";

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.into()))
    }
}

impl Scalar for Rejection {
    const EXPECTED: &'static str = "true, or a text for the sender in quotes";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(Some(text.into())))
    }

    fn from_bool(bool: bool) -> Option<Self> {
        bool.then_some(Self(None))
    }
}

impl Scalar for Code {
    const EXPECTED: &'static str = "the code of a reply such as 250, 451 or 550";

    fn from_number(number: u64) -> Option<Self> {
        u16::try_from(number).ok().filter(|code| (200..600).contains(code)).map(Self)
    }
}

impl Scalar for ReversePath {
    const EXPECTED: &'static str = r#"an address such as "ann@customer.example", or "<>" for the null path"#;

    fn from_text(text: &str) -> Option<Self> {
        if text == "<>" { Some(Self::Null) } else { Address::from_text(text).map(Self::Address) }
    }
}

impl Scalar for Size {
    const EXPECTED: &'static str = r#"a bound such as ">5 MiB": one of > >= < <=, and a size"#;

    fn from_text(text: &str) -> Option<Self> {
        let (bound, size) = bound(text)?;
        size.parse().ok().map(|ByteSize(octets)| Self { bound, octets })
    }
}

impl Scalar for PathBuf {
    const EXPECTED: &'static str = "a path in quotes";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| text.into())
    }
}

impl Scalar for Domain {
    const EXPECTED: &'static str = r#"a domain name such as "mail.acme.example""#;

    fn from_text(text: &str) -> Option<Self> {
        // With or without the dot of the root.
        let text = text.strip_suffix('.').unwrap_or(text);
        is_domain_name(text).then(|| text.parse().ok())?
    }
}

impl Scalar for Address {
    const EXPECTED: &'static str = r#"an address such as "sophie@acme.example""#;

    fn from_text(text: &str) -> Option<Self> {
        let real = |address: &Self| is_domain_name(address.domain().as_str()) || is_literal(address.domain().as_str());
        text.parse().ok().filter(real)
    }
}

impl Scalar for Mailbox {
    const EXPECTED: &'static str = r#"a name and an address such as "Sophie from Acme <sophie@acme.example>""#;

    fn from_text(text: &str) -> Option<Self> {
        let Some(named) = text.trim_end().strip_suffix('>') else {
            return Address::from_text(text).map(|address| Self { display_name: None, address });
        };
        let (name, address) = named.rsplit_once('<')?;
        let name = display_name(name.trim())?;
        let display_name = (!name.is_empty()).then_some(name);
        Address::from_text(address).map(|address| Self { display_name, address })
    }
}

impl Scalar for Duration {
    const EXPECTED: &'static str = r#"a duration above zero with its unit, such as "10s" or "60 days""#;

    fn from_text(text: &str) -> Option<Self> {
        DurationOrOff::from_text(text).map(|duration| duration.0).filter(|duration| !duration.is_zero())
    }
}

impl Scalar for DurationOrOff {
    const EXPECTED: &'static str = r#"a duration with its unit, such as "1 day", or 0 for off"#;

    fn from_text(text: &str) -> Option<Self> {
        // More than this cannot be meant, and would overflow a date.
        const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);
        humantime::parse_duration(text).ok().filter(|duration| *duration <= LONGEST).map(Self)
    }

    fn from_number(number: u64) -> Option<Self> {
        (number == 0).then_some(Self(Duration::ZERO))
    }
}

impl Scalar for Octets {
    const EXPECTED: &'static str = r#"a size above zero such as "50 MiB", or a number of octets"#;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().and_then(|ByteSize(octets)| Self::from_number(octets))
    }

    fn from_number(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }
}

impl Scalar for Count {
    const EXPECTED: &'static str = "a whole number above zero";

    fn from_number(number: u64) -> Option<Self> {
        let count = u32::try_from(number).ok().filter(|count| *count > 0)?;
        usize::try_from(count).ok().map(Self)
    }
}

impl Scalar for IpNet {
    const EXPECTED: &'static str = r#"a net such as "127.0.0.0/8", or an IP address"#;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| address.into()))
    }
}

impl Scalar for ListenAddress {
    const EXPECTED: &'static str = r#"an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#;

    fn from_text(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            // Its last part is a name: "/run/sincerely/" is where a socket could be, and none.
            let names_a_file = !path.ends_with('/') && Path::new(path).file_name().is_some();
            return PathBuf::from_text(path).filter(|_| names_a_file).map(Self::Unix);
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            // systemd.socket(5), FileDescriptorName=.
            let is_legal = |c: char| c.is_ascii() && !c.is_ascii_control() && c != ':';
            return (!name.is_empty() && name.chars().all(is_legal)).then(|| Self::Systemd(name.into()));
        }
        text.parse().ok().map(Self::Ip)
    }
}

impl Scalar for Mode {
    const EXPECTED: &'static str = r#"permissions in octal digits and quotes, such as "0660""#;

    fn from_text(text: &str) -> Option<Self> {
        let is_octal = (3..=4).contains(&text.len()) && text.chars().all(|c| c.is_digit(8));
        let mode = is_octal.then(|| u32::from_str_radix(text, 8).ok())?;
        mode.filter(|mode| *mode <= 0o777).map(Self)
    }
}

impl Scalar for HostPort {
    const EXPECTED: &'static str = r#"a host and a port such as "127.0.0.1:10026" or "mail.acme.example:25""#;

    fn from_text(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_ipv6 = text.parse::<SocketAddr>().is_ok();
        (is_port && (is_ipv6 || is_domain_name(host))).then(|| Self(text.into()))
    }
}

impl Scalar for Separators {
    // What an atom may hold besides letters and digits (RFC 5322 §3.2.3).
    const EXPECTED: &'static str = r#"characters such as "+" or "+-", none of them a letter, a digit, "@" or ".""#;

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty() && text.chars().all(|c| "!#$%&'*+-/=?^_`{|}~".contains(c))).then(|| Self(text.into()))
    }
}

impl Scalar for Role {
    const EXPECTED: &'static str = r#""inbound", "outbound" or "copies""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "inbound" => Some(Self::Inbound),
            "outbound" => Some(Self::Outbound),
            "copies" => Some(Self::Copies),
            _ => None,
        }
    }
}

impl Scalar for Protocol {
    const EXPECTED: &'static str = r#""smtp" or "lmtp""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "smtp" => Some(Self::Smtp),
            "lmtp" => Some(Self::Lmtp),
            _ => None,
        }
    }
}

impl Scalar for BareNewlines {
    const EXPECTED: &'static str = r#""refuse" or "normalize""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "refuse" => Some(Self::Refuse),
            "normalize" => Some(Self::Normalize),
            _ => None,
        }
    }
}

impl Scalar for Strangers {
    const EXPECTED: &'static str = r#""relay" or "refuse""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "relay" => Some(Self::Relay),
            "refuse" => Some(Self::Refuse),
            _ => None,
        }
    }
}

impl Scalar for Format {
    const EXPECTED: &'static str = r#""text" or "json""#;

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Labels of letters, digits and hyphens (RFC 1123 §2.1), international ones too (RFC 5890 U-labels).
fn is_domain_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let legal = label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        legal && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 255 && text.split('.').all(is_label)
}

/// An address literal (RFC 5321 §4.1.3) such as `[127.0.0.1]` or `[IPv6:::1]`.
fn is_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.strip_prefix("ipv6:").unwrap_or(inner).parse::<IpAddr>().is_ok())
}

/// A display name without the quotes of RFC 5322 §3.2.4, where it has them.
fn display_name(text: &str) -> Option<String> {
    let name = match text.strip_prefix('"') {
        Some(rest) => unescape(rest.strip_suffix('"')?),
        None => text.into(),
    };
    let stray = |c: char| c.is_control() || (!text.starts_with('"') && "\"<>".contains(c));
    (!name.contains(stray)).then_some(name)
}

fn unescape(quoted: &str) -> String {
    let mut escaped = false;
    let keep = |c: &char| {
        escaped = *c == '\\' && !escaped;
        !escaped
    };
    quoted.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_read_with_and_without_a_name() {
        for (text, expected) in [
            ("Sophie from Acme <sophie@acme.example>", Some("Sophie from Acme <sophie@acme.example>")),
            ("sophie@acme.example", Some("sophie@acme.example")),
            ("<sophie@acme.example>", Some("sophie@acme.example")),
            (r#""Martin, \"So\\phie\"" <sophie@acme.example>"#, Some(r#"Martin, "So\phie" <sophie@acme.example>"#)),
            ("Sophie sophie@acme.example", None),
            ("Sophie <sophie>", None),
            ("a <b> <sophie@acme.example>", None),
            ("\"Sophie <sophie@acme.example>", None),
            ("So\nphie <sophie@acme.example>", None),
        ] {
            let found = Mailbox::from_text(text).map(|mailbox| mailbox.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_durations_have_units() {
        let octets = |text| Octets::from_text(text).map(|octets| octets.0);
        assert_eq!([octets("50 MiB"), octets("50MB"), octets("4096")], [Some(50 << 20), Some(50_000_000), Some(4096)]);
        assert_eq!([octets("0"), octets("many"), octets("-1")], [None; 3]);
        let seconds = |text| DurationOrOff::from_text(text).map(|duration| duration.0.as_secs());
        assert_eq!([seconds("1 day"), seconds("1m 30s"), seconds("0")], [Some(86_400), Some(90), Some(0)]);
        assert_eq!([seconds("10"), seconds("soon"), seconds("1000 years")], [None; 3]);
    }

    #[test]
    fn a_next_hop_is_a_host_and_a_port() {
        for good in ["127.0.0.1:25", "localhost:10026", "mail.acme.example:25", "[::1]:25"] {
            assert!(HostPort::from_text(good).is_some(), "{good}");
        }
        for bad in ["127.0.0.1", "mail:0", "mail:smtp", ":25", "::1:25", "mail.:25", "a b:25", "[mail]:25"] {
            assert!(HostPort::from_text(bad).is_none(), "{bad}");
        }
    }
}
