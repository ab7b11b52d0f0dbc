//! Patterns: texts with wildcards, or regular expressions between slashes. Both are case-blind and take
//! time linear in the text, whatever a stranger writes into it. They are compiled when they are needed: of ten
//! thousand, a message needs a few.

use regex::{Regex, RegexBuilder};

use super::compiled::{GROWTH, compiled};
use super::expression::{Choice, Expression};

/// The size of a compiled pattern, in octets: more is not meant.
const LARGEST: usize = 1 << 20;

/// A text of so many characters is small enough when it is compiled, whatever it is made of.
const SURELY_SMALL: usize = 256;

/// A pattern that can be compiled.
///
/// `*` stands for any text and `?` for one character; all else stands for itself, and the whole value must
/// fit. Between slashes it is a regular expression, found anywhere.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    matcher: Matcher,
}

/// How values are compared.
#[derive(Debug, Clone)]
enum Matcher {
    /// With a text of ASCII letters, which needs no regular expression.
    Plain(Plain),
    /// With a text, by a regular expression.
    Text,
    /// With a regular expression, and what is known without it.
    Expression(Vec<Choice>),
}

/// A text with `*` at its ends alone.
#[derive(Debug, Clone)]
struct Plain {
    /// In lower case.
    text: String,
    /// Any text may stand before it.
    opens: bool,
    /// Any text may stand behind it.
    goes_on: bool,
}

/// What must stand in every value that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Must<'a> {
    /// The value is this, its case left aside.
    Be(&'a str),
    /// This stands in it, its case left aside; never empty.
    Hold(&'a str),
}

impl<'a> Must<'a> {
    /// The text.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Be(text) | Self::Hold(text) => text,
        }
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Something stands behind the last slash.
    #[error(
        "what stands behind the last slash is no part of a regular expression: upper and lower case are one already, \
         (?-i) at its beginning tells them apart; a path that is meant as text is /^\\/usr\\/lib$/"
    )]
    Flags,
    /// There is nothing between the slashes.
    #[error("there is nothing between the slashes")]
    Empty,
    /// It cannot be read.
    #[error("{0}")]
    Syntax(String),
    /// It is too large.
    #[error("too large when compiled: repeat less, or write several patterns")]
    Size,
}

impl Pattern {
    /// Compiles a pattern as it is written in the configuration.
    ///
    /// # Errors
    /// For a regular expression that is none, or a pattern that is too large.
    pub fn new(written: &str) -> Result<Self, PatternError> {
        let matcher = match regular_expression(written) {
            Some("") => return Err(PatternError::Empty),
            Some(inner) => {
                let expression = Expression::read(inner).map_err(|error| PatternError::Syntax(essence(&error)))?;
                if expression.size() > LARGEST {
                    try_size(inner)?;
                }
                Matcher::Expression(expression.choices())
            }
            None if has_flags(written) => return Err(PatternError::Flags),
            None => match Plain::new(written) {
                Some(plain) => Matcher::Plain(plain),
                None => {
                    if written.chars().nth(SURELY_SMALL).is_some() {
                        try_size(&whole(written))?;
                    }
                    Matcher::Text
                }
            },
        };
        Ok(Self { written: written.into(), matcher })
    }

    /// Whether a value fits.
    pub fn matches(&self, value: &str) -> bool {
        match &self.matcher {
            Matcher::Plain(plain) => plain.matches(value),
            Matcher::Text => self.is_found(value, whole),
            Matcher::Expression(_) => self.is_found(value, |_| self.inner().to_owned()),
        }
    }

    fn is_found(&self, value: &str, expression: impl FnOnce(&str) -> String) -> bool {
        let regex = compiled(&self.written, || expression(&self.written));
        regex.is_some_and(|regex| regex.is_match(value))
    }

    fn inner(&self) -> &str {
        regular_expression(&self.written).unwrap_or_default()
    }

    /// What every value that fits has: of each of these, one. Nothing where nothing is known.
    pub(super) fn musts(&self) -> Vec<Vec<Must<'_>>> {
        if let Matcher::Expression(choices) = &self.matcher {
            return choices.iter().map(|choice| choice.iter().map(|text| Must::Hold(text)).collect()).collect();
        }
        if let Some(value) = self.only_value() {
            return vec![vec![Must::Be(value)]];
        }
        let parts = self.written.split(['*', '?']).filter(|part| !part.is_empty());
        parts.map(|part| vec![Must::Hold(part)]).collect()
    }

    /// As it is written in the configuration.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The only value that fits, its case left aside; `None` where there are others.
    pub fn only_value(&self) -> Option<&str> {
        let is_literal = regular_expression(&self.written).is_none() && !self.written.contains(['*', '?']);
        is_literal.then_some(self.written.as_str())
    }
}

impl Pattern {
    /// Whether every value fits.
    pub fn fits_all(&self) -> bool {
        !self.written.is_empty() && self.written.chars().all(|c| c == '*')
    }

    /// Whether the same values fit, as far as the texts show it.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_text = |pattern: &Self| regular_expression(&pattern.written).is_none();
        let folded = |pattern: &Self| pattern.written.to_lowercase();
        self == other || (is_text(self) && is_text(other) && folded(self) == folded(other))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Plain {
    /// A text that is compared letter by letter; `None` where it takes more.
    fn new(written: &str) -> Option<Self> {
        let text = written.trim_matches('*');
        let is_plain = text.is_ascii() && !text.contains(['*', '?']);
        is_plain.then(|| Self {
            text: text.to_ascii_lowercase(),
            opens: written.starts_with('*'),
            goes_on: written.ends_with('*'),
        })
    }

    fn matches(&self, value: &str) -> bool {
        let (value, text) = (folded(value), self.text.as_str());
        match (self.opens, self.goes_on) {
            (false, false) => value == text,
            (false, true) => value.starts_with(text),
            (true, false) => value.ends_with(text),
            (true, true) => value.contains(text),
        }
    }
}

/// Letters that are another case of an ASCII letter as that letter in lower case: two letters beyond ASCII are
/// (Unicode's simple case folding).
fn folded(value: &str) -> String {
    if value.is_ascii() {
        return value.to_ascii_lowercase();
    }
    let letter = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    value.chars().map(letter).collect()
}

/// What stands between the slashes.
fn regular_expression(written: &str) -> Option<&str> {
    written.strip_prefix('/')?.strip_suffix('/')
}

/// Whether letters stand behind what looks like a regular expression, as other languages have it.
fn has_flags(written: &str) -> bool {
    let behind = written.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    behind.is_some_and(|(_, flags)| !flags.is_empty() && flags.chars().all(|c| c.is_ascii_alphabetic()))
}

/// A text with wildcards as the regular expression of a whole value.
fn whole(written: &str) -> String {
    let piece = |c: char| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        other => regex::escape(other.encode_utf8(&mut [0; 4])),
    };
    format!(r"(?s)\A{}\z", written.chars().map(piece).collect::<String>())
}

/// Compiles once, to see that it is not too large.
fn try_size(expression: &str) -> Result<(), PatternError> {
    compile(expression).map(drop).map_err(|error| {
        let is_size = matches!(error, regex::Error::CompiledTooBig(_));
        if is_size { PatternError::Size } else { PatternError::Syntax(essence(&error)) }
    })
}

/// Compiles a case-blind expression.
pub(super) fn compile(expression: &str) -> Result<Regex, regex::Error> {
    case_blind(expression, LARGEST)
}

fn case_blind(expression: &str, largest: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(expression).case_insensitive(true).size_limit(largest).dfa_size_limit(GROWTH).build()
}

/// The first lines draw the expression with an arrow; the last one says what is wrong.
fn essence(error: &impl std::fmt::Display) -> String {
    let told = error.to_string();
    told.lines().last().unwrap_or_default().trim_start_matches("error: ").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("*invoice*", "Your INVOICE of May", true)]
    #[case("invoice", "Your invoice", false)]
    #[case("", "", true)]
    #[case("", " ", false)]
    #[case("*", "", true)]
    #[case("?", "é", true)]
    #[case("?", "", false)]
    #[case("a.c", "abc", false)]
    #[case("a+[x](y)\\d$^|{2}", "A+[X](Y)\\D$^|{2}", true)]
    #[case("*@acme.example", "Sophie@ACME.example", true)]
    #[case("straße*", "STRAßE 5", true)]
    #[case("ÜBER*", "über uns", true)]
    #[case("a*c", "a\nb\nc", true)]
    #[case("/invoice/", "Your Invoice of May", true)]
    #[case("/^invoice$/", "Your invoice", false)]
    #[case("/(?-i)Invoice/", "invoice", false)]
    #[case(r"/rechnung\s+(nr\.?)?\s*\d{4,}/", "Ihre Rechnung Nr. 20261", true)]
    #[case("*KISS*", "\u{212a}i\u{17f}s me", true)]
    #[case("*kiss", "kisses", false)]
    #[case("kiss*", "a kiss", false)]
    #[case("**", "", true)]
    #[case("/", "/", true)]
    #[case("/a", "/A", true)]
    #[case("/v1/2", "/V1/2", true)]
    #[case(r"/^\/usr\/lib$/", "/usr/lib", true)]
    fn values_fit(#[case] written: &str, #[case] value: &str, #[case] fits: bool) {
        assert_eq!(Pattern::new(written).unwrap().matches(value), fits);
    }

    const FLAGS: &str = "what stands behind the last slash is no part of a regular expression: upper and lower case \
        are one already, (?-i) at its beginning tells them apart; a path that is meant as text is /^\\/usr\\/lib$/";

    #[rstest]
    #[case("/(/", "unclosed group")]
    #[case("/a**{1/", "unclosed counted repetition")]
    #[case("//", "there is nothing between the slashes")]
    #[case(r"/(\1)/", "backreferences are not supported")]
    #[case("/(?=a)/", "look-around, including look-ahead and look-behind, is not supported")]
    #[case("/invoice/i", FLAGS)]
    #[case("/usr/lib", FLAGS)]
    #[case("/(?s).{4000}x/", "too large when compiled: repeat less, or write several patterns")]
    #[case("/\\w{500}{500}/", "too large when compiled: repeat less, or write several patterns")]
    fn mistakes_are_told_in_one_line(#[case] written: &str, #[case] told: &str) {
        assert_eq!(Pattern::new(written).unwrap_err().to_string(), told);
    }

    #[test]
    fn a_pattern_without_wildcards_has_one_value() {
        let only = |written: &str| Pattern::new(written).unwrap().only_value().map(str::to_owned);
        assert_eq!(only("Sophie@acme.example").as_deref(), Some("Sophie@acme.example"));
        assert_eq!([only("*@acme.example"), only("/sophie/"), only("s?")], [const { None }; 3]);
    }

    #[test]
    fn what_every_value_must_have() {
        let must = |must: &Must<'_>| match must {
            Must::Be(text) => format!("be {text}"),
            Must::Hold(text) => format!("hold {text}"),
        };
        for (written, expected) in [
            ("Sophie@a", "be Sophie@a"),
            ("", "be "),
            ("*@a.b", "hold @a.b"),
            ("ab*c?defg", "hold ab, hold c, hold defg"),
            ("*?*", ""),
            ("/Abc|d/", "hold abc or hold d"),
        ] {
            let pattern = Pattern::new(written).unwrap();
            let choice = |choice: &Vec<Must<'_>>| choice.iter().map(must).collect::<Vec<_>>().join(" or ");
            assert_eq!(pattern.musts().iter().map(choice).collect::<Vec<_>>().join(", "), expected);
        }
    }

    /// What is not tried when it is read is small.
    #[rstest]
    #[case(r"/\w/", 1)]
    #[case(r"/\w\W\pL\p{Greek}[^a]\b/", 1)]
    #[case("/[a-z]{200}|é+/", 1)]
    #[case(r"/(\s*\d{1,3}(x|yz)){5}/", 1)]
    #[case("/abcdefgh/", 50)]
    #[case("/(?s)./", 1)]
    #[case("/(?s).{400}[^é]/", 1)]
    #[case(r"/[\x{80}-\x{10fffe}]\W/", 50)]
    fn nothing_is_larger_than_it_seems(#[case] written: &str, #[case] times: usize) {
        let inner = regular_expression(written).unwrap().repeat(times);
        let seems = Expression::read(&inner).unwrap().size();
        assert!(case_blind(&inner, seems).is_ok(), "{seems}");
    }

    #[test]
    fn a_short_text_is_never_too_large() {
        for c in ['?', '*', 'k', 'ſ', 'ß', 'Ω', 'ᾳ', '\u{10ffff}', 'ǅ'] {
            let written = format!("ü{}", c.to_string().repeat(SURELY_SMALL - 1));
            assert_eq!(try_size(&whole(&written)), Ok(()), "{c}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_text_is_what_its_expression_is(written in "[*]{0,2}[a-kKS@ ]{0,3}[*]{0,2}", value in "[a-kKSs@ \u{17f}\u{212a}]{0,6}") {
            let plain = Pattern::new(&written).unwrap();
            prop_assert!(matches!(plain.matcher, Matcher::Plain(_)));
            let expression = compile(&whole(&written)).unwrap();
            prop_assert_eq!(plain.matches(&value), expression.is_match(&value));
        }

        #[test]
        fn a_text_without_wildcards_fits_itself_alone(text in "[^*?/]{0,30}", other in "\\PC{0,30}") {
            let pattern = Pattern::new(&text).unwrap();
            prop_assert!(pattern.matches(&text));
            prop_assert_eq!(pattern.matches(&format!("{text}{other}")), other.is_empty());
        }

        #[test]
        fn wildcards_fit_what_they_were_made_from(text in "[^*?/]{1,30}", from in 0_usize..30, to in 0_usize..30) {
            let chars: Vec<char> = text.chars().collect();
            let (from, to) = (from.min(chars.len()), to.clamp(from.min(chars.len()), chars.len()));
            let cut = |middle: String| chars[..from].iter().collect::<String>() + &middle + &chars[to..].iter().collect::<String>();
            prop_assert!(Pattern::new(&cut("*".into())).unwrap().matches(&text));
            prop_assert!(Pattern::new(&cut("?".repeat(to - from))).unwrap().matches(&text));
        }
    }
}
