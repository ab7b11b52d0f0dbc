//! XFORWARD (Postfix's XFORWARD_README): a mail server that the configuration names tells who its own client is.
//!
//! For the log alone. No decision looks at it, and our Received field names the hop that we saw: the peer's own
//! fields below it name the one before.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use strum::VariantArray;
use tracing::debug;

use crate::mail::Say;
use crate::mail::plain::plain;

/// Octets of a value, before it is decoded; what is longer is malformed.
const LONGEST_VALUE: usize = 255;
/// What stands for a value that the peer does not have, now or at all.
const UNAVAILABLE: [&str; 2] = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"];
/// Before an IPv6 address.
const IPV6: &str = "IPv6:";

/// What can be told of a client. The order is that of our EHLO.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::Display, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub(super) enum Attribute {
    /// Its host name.
    Name,
    /// Its address.
    Addr,
    /// What it spoke.
    Proto,
    /// What it called itself.
    Helo,
    /// Whether it is the peer's own machine.
    Source,
    /// Its port.
    Port,
    /// What the peer calls the message: Postfix's queue id.
    Ident,
}

/// The arguments of one command; `None` is what is unavailable.
pub(super) type Attributes = Vec<(Attribute, Option<String>)>;

/// What is known of the client of the next transaction. Several commands add up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forwarded(BTreeMap<Attribute, String>);

/// The line of EHLO.
pub(super) fn offer() -> String {
    Attribute::VARIANTS.iter().fold("XFORWARD".to_owned(), |line, attribute| format!("{line} {attribute}"))
}

/// Reads the arguments of the command.
pub(super) fn attributes(arguments: &str) -> Result<Attributes, Say> {
    let attributes = arguments.split_ascii_whitespace().map(attribute).collect::<Option<Attributes>>();
    attributes.filter(|attributes| !attributes.is_empty()).ok_or(Say::Syntax)
}

impl Forwarded {
    /// Takes one command in.
    pub(super) fn update(&mut self, attributes: Attributes) {
        for (attribute, value) in attributes {
            match value {
                Some(value) => self.0.insert(attribute, value),
                None => self.0.remove(&attribute),
            };
        }
    }

    /// The address of the client, where the peer has it.
    pub(super) fn client(&self) -> Option<&str> {
        self.get(Attribute::Addr)
    }

    /// Writes all the rest into the log.
    pub(super) fn log(&self) {
        if !self.0.is_empty() {
            debug!(
                name = self.get(Attribute::Name),
                helo = self.get(Attribute::Helo),
                proto = self.get(Attribute::Proto),
                source = self.get(Attribute::Source),
                port = self.get(Attribute::Port),
                ident = self.get(Attribute::Ident),
                "the peer forwards for a client"
            );
        }
    }

    fn get(&self, attribute: Attribute) -> Option<&str> {
        self.0.get(&attribute).map(String::as_str)
    }
}

/// One pair, such as `ADDR=192.0.2.1`.
fn attribute(pair: &str) -> Option<(Attribute, Option<String>)> {
    let (name, value) = pair.split_once('=')?;
    let attribute = name.parse().ok()?;
    if value.is_empty() || value.len() > LONGEST_VALUE {
        return None;
    }
    let value = decode(value)?;
    if UNAVAILABLE.iter().any(|word| word.eq_ignore_ascii_case(&value)) {
        return Some((attribute, None));
    }
    Some((attribute, Some(judge(attribute, &value)?)))
}

/// A value as it may stand in the log. Names are a stranger's words.
fn judge(attribute: Attribute, value: &str) -> Option<String> {
    match attribute {
        Attribute::Addr => address(value).map(|address| address.to_string()),
        Attribute::Port => value.parse::<u16>().ok().map(|port| port.to_string()),
        Attribute::Source => Some(value.to_ascii_uppercase()).filter(|source| source == "LOCAL" || source == "REMOTE"),
        Attribute::Name | Attribute::Proto | Attribute::Helo | Attribute::Ident => Some(plain(value).into_owned()),
    }
}

/// An IPv4 address, or an IPv6 address behind its prefix.
fn address(value: &str) -> Option<IpAddr> {
    match value.split_at_checked(IPV6.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(IPV6) => {
            rest.parse::<Ipv6Addr>().ok().map(|address| IpAddr::from(address).to_canonical())
        }
        Some(_) | None => value.parse::<Ipv4Addr>().ok().map(IpAddr::from),
    }
}

/// xtext (RFC 3461 §4): `+` and two hexadecimal digits are an octet. Old Postfix encodes nothing, so all other
/// characters are themselves.
fn decode(xtext: &str) -> Option<String> {
    let mut parts = xtext.split('+');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        octets.extend(data_encoding::HEXUPPER_PERMISSIVE.decode(digits.as_bytes()).ok()?);
        octets.extend_from_slice(rest.as_bytes());
    }
    Some(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("NAME=mail.customer.example", Attribute::Name, Some("mail.customer.example"))]
    #[case("addr=192.0.2.1", Attribute::Addr, Some("192.0.2.1"))]
    #[case("ADDR=IPV6:2001:DB8::1", Attribute::Addr, Some("2001:db8::1"))]
    #[case("ADDR=ipv6:::ffff:192.0.2.1", Attribute::Addr, Some("192.0.2.1"))]
    #[case("ADDR=[Unavailable]", Attribute::Addr, None)]
    #[case("NAME=[TEMPUNAVAIL]", Attribute::Name, None)]
    #[case("PORT=25", Attribute::Port, Some("25"))]
    #[case("SOURCE=local", Attribute::Source, Some("LOCAL"))]
    #[case("PROTO=ESMTP", Attribute::Proto, Some("ESMTP"))]
    #[case("IDENT=4Fm2Y", Attribute::Ident, Some("4Fm2Y"))]
    #[case("HELO=a+20b+2Bc=d+3D", Attribute::Helo, Some("a b+c=d="))]
    #[case("HELO=a+0D+0Ab+1b[2J+E2+80+AE", Attribute::Helo, Some(r"a\r\nb\u{1b}[2J\u{202e}"))]
    #[case("HELO=+FF", Attribute::Helo, Some("\u{fffd}"))]
    fn a_value_is_read(#[case] pair: &str, #[case] attribute: Attribute, #[case] value: Option<&str>) {
        assert_eq!(attributes(pair), Ok(vec![(attribute, value.map(Into::into))]));
    }

    #[rstest]
    #[case("")]
    #[case("  ")]
    #[case("NAME")]
    #[case("NAME=")]
    #[case("=x")]
    #[case("LOGIN=sophie")]
    #[case("ADDR=mail.customer.example")]
    #[case("ADDR=2001:db8::1")]
    #[case("ADDR=IPv6:192.0.2.1")]
    #[case("ADDR=[192.0.2.1]")]
    #[case("PORT=65536")]
    #[case("SOURCE=ELSEWHERE")]
    #[case("HELO=a+2")]
    #[case("HELO=a+GG")]
    #[case("HELO=a+\u{e9}")]
    #[case("NAME=good ADDR=bad")]
    fn what_is_malformed_is_refused_whole(#[case] arguments: &str) {
        assert_eq!(attributes(arguments), Err(Say::Syntax));
    }

    #[test]
    fn values_are_bounded() {
        assert!(attributes(&format!("NAME={}", "n".repeat(LONGEST_VALUE))).is_ok());
        assert_eq!(attributes(&format!("NAME={}", "n".repeat(LONGEST_VALUE + 1))), Err(Say::Syntax));
    }

    #[test]
    fn commands_add_up() {
        let mut forwarded = Forwarded::default();
        for command in ["NAME=a ADDR=192.0.2.1", "HELO=b ADDR=192.0.2.2", "NAME=[UNAVAILABLE]"] {
            forwarded.update(attributes(command).unwrap());
        }
        let known = [(Attribute::Addr, "192.0.2.2".into()), (Attribute::Helo, "b".into())];
        assert_eq!(forwarded, Forwarded(known.into()));
        assert_eq!(forwarded.client(), Some("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "((NAME|ADDR|HELO|x)=(\\PC|[+ ]|[0-9A-F]){0,20} ?){0,5}|.{0,300}") {
            for (_, value) in attributes(&text).unwrap_or_default() {
                let value = value.unwrap_or_default();
                // A lost octet becomes three, a character that is made plain at most ten for each octet.
                prop_assert!(value.len() <= 10 * LONGEST_VALUE);
                prop_assert_eq!(plain(&value), value.as_str());
            }
        }
    }
}
