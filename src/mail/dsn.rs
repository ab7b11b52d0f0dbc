//! What a sender asks of delivery status notifications: the parameters of MAIL and RCPT of RFC 3461.
//!
//! We write no DSNs: what is asked is passed on, so each type prints as it may stand in a command. Texts
//! in `xtext` stay encoded, since nobody here reads them.

use std::fmt;
use std::str::FromStr;

/// Characters of an envelope id, decoded (RFC 3461 §4.4).
const LONGEST_ENVELOPE_ID: usize = 100;
/// Octets of an original recipient, as it is written (RFC 3461 §4.2).
const LONGEST_ORIGINAL_RECIPIENT: usize = 500;

/// What MAIL asks: it holds for the whole message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerMessage {
    /// `RET`.
    pub ret: Option<Ret>,
    /// `ENVID`.
    pub envelope_id: Option<EnvelopeId>,
}

impl PerMessage {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for PerMessage {
    /// As it stands in MAIL, each parameter after a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parameter(f, "RET", self.ret.as_ref())?;
        parameter(f, "ENVID", self.envelope_id.as_ref())
    }
}

/// What RCPT asks: it holds for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerRecipient {
    /// `NOTIFY`.
    pub notify: Option<Notify>,
    /// `ORCPT`.
    pub original: Option<OriginalRecipient>,
}

impl PerRecipient {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for PerRecipient {
    /// As it stands in RCPT, each parameter after a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        parameter(f, "NOTIFY", self.notify.as_ref())?;
        parameter(f, "ORCPT", self.original.as_ref())
    }
}

fn parameter(f: &mut fmt::Formatter<'_>, keyword: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {keyword}={value}"))
}

/// The value of a parameter is none that RFC 3461 allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a value that RFC 3461 allows")]
pub struct Malformed;

/// How much of the message a DSN of a failure returns (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header section.
    Hdrs,
}

/// The sender's own name for the transaction, which its DSNs repeat (RFC 3461 §4.4): xtext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId(String);

impl FromStr for EnvelopeId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let decoded = printable_xtext(text).ok_or(Malformed)?;
        if (1..=LONGEST_ENVELOPE_ID).contains(&decoded) { Ok(Self(text.into())) } else { Err(Malformed) }
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When the sender wants to be told of a recipient (RFC 3461 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify(
    // As they were written, each once. NEVER has none.
    Vec<Occasion>,
);

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
enum Occasion {
    Success,
    Failure,
    Delay,
}

impl Notify {
    /// Not even of a failure.
    pub const NEVER: Self = Self(Vec::new());
}

impl FromStr for Notify {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.eq_ignore_ascii_case("NEVER") {
            return Ok(Self::NEVER);
        }
        let mut occasions = Vec::new();
        for word in text.split(',') {
            let occasion = word.parse().map_err(|_| Malformed)?;
            if occasions.contains(&occasion) {
                return Err(Malformed);
            }
            occasions.push(occasion);
        }
        Ok(Self(occasions))
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else { return f.write_str("NEVER") };
        write!(f, "{first}")?;
        others.iter().try_for_each(|occasion| write!(f, ",{occasion}"))
    }
}

/// The recipient as the sender wrote it, with the type of that address (RFC 3461 §4.2).
///
/// The text is xtext; where the type is `utf-8` it may be in UTF-8 besides (RFC 6533 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient(String);

impl OriginalRecipient {
    /// Whether it may only travel with SMTPUTF8.
    pub fn is_international(&self) -> bool {
        !self.0.is_ascii()
    }
}

impl FromStr for OriginalRecipient {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (kind, address) = text.split_once(';').ok_or(Malformed)?;
        let is_right = match kind.eq_ignore_ascii_case("utf-8") {
            true => is_international_address(address),
            false => is_atom(kind) && printable_xtext(address).is_some(),
        };
        let is_short = !address.is_empty() && text.len() <= LONGEST_ORIGINAL_RECIPIENT;
        if is_right && is_short { Ok(Self(text.into())) } else { Err(Malformed) }
    }
}

impl fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 5322 §3.2.3.
fn is_atom(text: &str) -> bool {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !text.is_empty() && text.chars().all(is_atext)
}

/// How many octets a text in xtext stands for; none where it is no xtext (RFC 3461 §4), or stands for what
/// a DSN could not show: it has printable ASCII and white space only (RFC 3461 §4.2, §4.4).
fn printable_xtext(text: &str) -> Option<usize> {
    let mut octets = text.bytes();
    let mut decoded = 0;
    while let Some(octet) = octets.next() {
        let shown = match octet {
            b'+' => 16 * hexadecimal(octets.next()?)? + hexadecimal(octets.next()?)?,
            b'=' | ..b'!' | 0x7f.. => return None,
            plain => plain,
        };
        if !matches!(shown, b'\t' | b' '..=b'~') {
            return None;
        }
        decoded += 1;
    }
    Some(decoded)
}

/// RFC 3461 §4 has digits and upper case only. Lower case is taken too: it can be read in one way.
fn hexadecimal(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// RFC 6533 §3, in each of its forms: characters as they are, or as `\x{HEX}`. No `+`, `=` or space, so that
/// it can stand for itself in xtext.
fn is_international_address(text: &str) -> bool {
    let is_hexadecimal =
        |digits: &str| (2..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut pieces = text.split('\\');
    let is_plain = |piece: &str| piece.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"+=".contains(c));
    let is_escape = |piece: &str| {
        let escape = piece.strip_prefix("x{").and_then(|rest| rest.split_once('}'));
        escape.is_some_and(|(digits, rest)| is_hexadecimal(digits) && is_plain(rest))
    };
    pieces.next().is_some_and(is_plain) && pieces.all(is_escape)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[track_caller]
    fn comes_and_goes<T: FromStr<Err = Malformed> + fmt::Display>(text: &str) {
        assert_eq!(text.parse::<T>().map(|value| value.to_string()), Ok(text.into()));
    }

    #[track_caller]
    fn is_refused<T: FromStr<Err = Malformed> + Debug + PartialEq>(text: &str) {
        assert_eq!(text.parse::<T>(), Err(Malformed), "{text:?}");
    }

    #[test]
    fn when_to_be_told() {
        for text in ["NEVER", "SUCCESS", "FAILURE,DELAY", "DELAY,FAILURE,SUCCESS"] {
            comes_and_goes::<Notify>(text);
        }
        assert_eq!("never".parse(), Ok(Notify::NEVER));
        assert_eq!("Failure,delay".parse(), Ok(Notify(vec![Occasion::Failure, Occasion::Delay])));
        for text in ["", "ALWAYS", "NEVER,FAILURE", "FAILURE,NEVER", "NEVER,NEVER", "FAILURE,FAILURE", ",", "FAILURE,"]
        {
            is_refused::<Notify>(text);
        }
    }

    #[test]
    fn what_is_returned() {
        assert_eq!("Hdrs".parse(), Ok(Ret::Hdrs));
        assert_eq!(Ret::Full.to_string(), "FULL");
        assert!("HEADERS".parse::<Ret>().is_err() && "".parse::<Ret>().is_err());
    }

    #[rstest]
    #[case::plain("QQ314159", true)]
    #[case::encoded("a+20b+2Bc+3D", true)]
    #[case::lower_case("a+2b", true)]
    #[case::white_space("+09+20", true)]
    #[case::empty("", false)]
    #[case::half_encoded("a+2", false)]
    #[case::no_number("a+2g", false)]
    #[case::bare_equals("a=b", false)]
    #[case::control("a+0Ab", false)]
    #[case::delete("a+7F", false)]
    #[case::eight_bit("a+E9", false)]
    #[case::not_ascii("é", false)]
    #[case::space("a b", false)]
    fn envelope_ids(#[case] text: &str, #[case] good: bool) {
        if good { comes_and_goes::<EnvelopeId>(text) } else { is_refused::<EnvelopeId>(text) }
    }

    #[test]
    fn an_envelope_id_has_a_hundred_characters_decoded() {
        comes_and_goes::<EnvelopeId>(&"+2B".repeat(100));
        is_refused::<EnvelopeId>(&"+2B".repeat(101));
        is_refused::<EnvelopeId>(&"a".repeat(101));
    }

    #[rstest]
    #[case::ordinary("rfc822;Bob@Example.COM", true)]
    #[case::encoded("rfc822;George+20@Tax-+20ME+20.GOV", true)]
    #[case::another_type("x-odd;/S+3Dx", true)]
    #[case::bare_equals("x-odd;/S=x", false)]
    #[case::semicolon("rfc822;a;b@c", true)]
    #[case::no_type(";a@b", false)]
    #[case::type_is_no_atom("rfc 822;a@b", false)]
    #[case::no_address("rfc822;", false)]
    #[case::neither("rfc822", false)]
    #[case::in_utf_8_by_its_wrong_type("rfc822;jörg@b", false)]
    #[case::in_utf_8("UTF-8;jörg@münchen.example", true)]
    #[case::in_ascii(r"utf-8;j\x{F6}rg@m\x{FC}nchen.example", true)]
    #[case::escaped_badly(r"utf-8;j\F6rg@b", false)]
    #[case::not_escaped_to_its_end(r"utf-8;j\x{F6rg@b", false)]
    #[case::encoded_twice("utf-8;a+2Bb@c", false)]
    #[case::space("utf-8;a\u{a0}b@c", false)]
    fn original_recipients(#[case] text: &str, #[case] good: bool) {
        if good { comes_and_goes::<OriginalRecipient>(text) } else { is_refused::<OriginalRecipient>(text) }
    }

    #[test]
    fn an_original_recipient_has_five_hundred_octets() {
        comes_and_goes::<OriginalRecipient>(&format!("rfc822;{}", "a".repeat(493)));
        is_refused::<OriginalRecipient>(&format!("rfc822;{}", "a".repeat(494)));
    }

    #[test]
    fn only_utf_8_needs_smtputf8() {
        let is_international = |text: &str| text.parse::<OriginalRecipient>().unwrap().is_international();
        assert!(is_international("utf-8;jörg@b"));
        assert!(!is_international(r"utf-8;j\x{F6}rg@b"));
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_command(text in any::<String>()) {
            let is_one_word = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
            for printed in [
                text.parse::<EnvelopeId>().map(|value| value.to_string()),
                format!("rfc822;{text}").parse::<OriginalRecipient>().map(|value| value.to_string()),
                format!("utf-8;{text}").parse::<OriginalRecipient>().map(|value| value.to_string()),
                text.parse::<Notify>().map(|value| value.to_string()),
            ].into_iter().flatten() {
                prop_assert!(is_one_word(&printed), "{printed:?}");
            }
        }
    }
}
