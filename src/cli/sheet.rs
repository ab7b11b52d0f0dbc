//! Text for people at a terminal: labels, signs and words in columns, wrapped where lines get long.
//!
//! Signs say the same without colour. Whether there is colour is for whoever writes the text
//! (`anstream`).

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use crate::mail::plain::plain;

/// Lines are wrapped here, where there is a space.
const WIDTH: usize = 100;
/// The column of labels.
const LABEL: usize = 10;
/// A head that is longer has a line for itself.
const LONGEST_HEAD: usize = 32;

/// How signs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// Where the locale is one of UTF-8.
    Unicode,
    /// Everywhere else.
    Ascii,
}

/// What a sign says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It holds, or decided.
    Yes,
    /// It does not.
    No,
    /// Neither.
    Neutral,
    /// It goes somewhere.
    Goes,
    /// It stays here.
    Stays,
}

/// A line of a section: a sign, a name, and what is to be said of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) sign: Option<Sign>,
    pub(super) head: String,
    pub(super) text: String,
}

/// A text in the making.
pub(super) struct Sheet {
    signs: Signs,
    text: String,
}

impl Signs {
    /// As the environment's locale has it: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that says anything.
    pub(super) fn of_locale() -> Self {
        let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
        Self::of(said.map(|value| value.to_string_lossy().into_owned()))
    }

    fn of(mut said: impl Iterator<Item = String>) -> Self {
        let locale = said.find(|value| !value.is_empty()).unwrap_or_default().to_lowercase().replace('-', "");
        if locale.ends_with("utf8") { Self::Unicode } else { Self::Ascii }
    }

    fn sign(self, sign: Sign) -> &'static str {
        match (self, sign) {
            (Self::Unicode, Sign::Yes) => "✓",
            (Self::Ascii, Sign::Yes) => "+",
            (Self::Unicode, Sign::No) => "✗",
            (Self::Ascii, Sign::No) => "x",
            (Self::Unicode, Sign::Neutral) => "·",
            (Self::Ascii, Sign::Neutral) => "-",
            (Self::Unicode, Sign::Goes) => "→",
            (Self::Ascii, Sign::Goes) => "->",
            (Self::Unicode, Sign::Stays) => "■",
            (Self::Ascii, Sign::Stays) => "#",
        }
    }

    /// What stands between before and after.
    pub(super) fn arrow(self) -> &'static str {
        self.sign(Sign::Goes)
    }
}

impl Sign {
    fn style(self) -> Style {
        let colour = match self {
            Self::Yes | Self::Goes => AnsiColor::Green,
            Self::No => AnsiColor::Red,
            Self::Stays => AnsiColor::Yellow,
            Self::Neutral => return Style::new().dimmed(),
        };
        Style::new().bold().fg_color(Some(colour.into()))
    }
}

impl Row {
    /// Only words.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self { text: safe(text.as_ref()), ..Self::default() }
    }

    /// A name, and words about it.
    pub(super) fn named(sign: Option<Sign>, head: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self { sign, head: safe(head.as_ref()), text: safe(text.as_ref()) }
    }
}

impl Sheet {
    /// An empty one.
    pub(super) fn new(signs: Signs) -> Self {
        Self { signs, text: String::new() }
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A line between two blocks.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// What a block is about.
    pub(super) fn headline(&mut self, text: &str) {
        let bold = Style::new().bold();
        self.wrapped("", "  ", &format!("{bold}{}{bold:#}", safe(text)));
    }

    /// What became of something, in one sentence.
    pub(super) fn verdict(&mut self, sign: Sign, text: &str) {
        let (style, bold) = (sign.style(), Style::new().bold());
        let sign = self.signs.sign(sign);
        let indent = " ".repeat(display_width(sign) + 1);
        self.wrapped(&format!("{style}{sign}{style:#} "), &indent, &format!("{bold}{}{bold:#}", safe(text)));
    }

    /// Rows below one another, the label beside the first of them; nothing where there are none.
    pub(super) fn section(&mut self, label: &str, rows: &[Row]) {
        let heads = rows.iter().map(|row| display_width(&row.head));
        let column = heads.filter(|width| *width <= LONGEST_HEAD).max().unwrap_or_default();
        let has_signs = rows.iter().any(|row| row.sign.is_some());
        for (index, row) in rows.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.row(label, row, column, has_signs);
        }
    }

    fn row(&mut self, label: &str, row: &Row, column: usize, has_signs: bool) {
        let dim = Style::new().dimmed();
        let space = |taken: usize, width: usize| " ".repeat(width.saturating_sub(taken));
        let mut start = format!("  {dim}{label}{dim:#}{} ", space(label.len(), LABEL));
        if has_signs {
            let (sign, style) = row.sign.map_or(("", Style::new()), |sign| (self.signs.sign(sign), sign.style()));
            let width = display_width(self.signs.arrow());
            start += &format!("{style}{sign}{style:#}{} ", space(display_width(sign), width));
        }
        let head = display_width(&row.head);
        let gap = if column == 0 { 0 } else { column + 2 };
        let indent = " ".repeat(display_width(&start) + gap);
        if head > column {
            self.wrapped(&start, &indent, &row.head);
            self.wrapped(&indent, &indent, &row.text);
        } else {
            self.wrapped(&format!("{start}{}{}", row.head, space(head, gap)), &indent, &row.text);
        }
    }

    fn wrapped(&mut self, start: &str, indent: &str, text: &str) {
        if start.trim().is_empty() && text.is_empty() {
            return;
        }
        let options = textwrap::Options::new(WIDTH).initial_indent(start).subsequent_indent(indent);
        // Whoever copies an address or a name must get all of it.
        let options = options
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        for line in textwrap::wrap(text, options) {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

/// A value may come from a message: it may neither begin a line of ours nor speak to the terminal.
fn safe(text: &str) -> String {
    plain(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(signs: Signs, draw: impl Fn(&mut Sheet)) -> String {
        let mut sheet = Sheet::new(signs);
        draw(&mut sheet);
        anstream::adapter::strip_str(&sheet.into_text()).to_string()
    }

    #[test]
    fn columns_are_aligned_and_long_texts_wrapped() {
        let words = "words ".repeat(20).trim().to_owned();
        let rows = [
            Row::named(Some(Sign::Yes), "seed", &words),
            Row::named(Some(Sign::No), "message-id", "<an-id-that-is-longer-than-a-line@".to_owned() + &"x".repeat(80)),
            Row::named(None, "h".repeat(40), "below"),
        ];
        let draw = |sheet: &mut Sheet| {
            sheet.verdict(Sign::Goes, &words);
            sheet.section("evidence", &rows);
            sheet.section("nothing", &[]);
        };
        insta::assert_snapshot!(drawn(Signs::Unicode, draw) + &drawn(Signs::Ascii, draw), @r"
        → words words words words words words words words words words words words words words words words
          words words words words
          evidence   ✓ seed        words words words words words words words words words words words words
                                   words words words words words words words words
                     ✗ message-id  <an-id-that-is-longer-than-a-line@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                       hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
                                   below
        -> words words words words words words words words words words words words words words words words
           words words words words
          evidence   +  seed        words words words words words words words words words words words words
                                    words words words words words words words words
                     x  message-id  <an-id-that-is-longer-than-a-line@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                        hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
                                    below
        ");
    }

    #[test]
    fn a_strangers_text_stays_on_its_line() {
        let told = drawn(Signs::Ascii, |sheet| {
            sheet.headline("a\r\nfake \u{1b}[2J");
            sheet.section("from", &[Row::text("x\n  rule  everything is fine")]);
        });
        assert_eq!(told, "a\\r\\nfake \\u{1b}[2J\n  from       x\\n  rule  everything is fine\n");
    }

    #[test]
    fn signs_follow_the_locale() {
        for (said, signs) in [
            (&["en_GB.UTF-8"][..], Signs::Unicode),
            (&["C.utf8"], Signs::Unicode),
            (&["", "de_DE.utf8"], Signs::Unicode),
            (&["C", "de_DE.UTF-8"], Signs::Ascii),
            (&["de_DE@euro"], Signs::Ascii),
            (&[], Signs::Ascii),
        ] {
            assert_eq!(Signs::of(said.iter().map(|value| (*value).to_owned())), signs, "{said:?}");
        }
    }
}
