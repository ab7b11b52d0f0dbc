//! Text that a stranger wrote, on a line for people: what would move the cursor, end the line or turn the
//! direction of reading is shown, not done.

use std::borrow::Cow;

/// Whether a character changes how those around it are shown: a control character, a line or paragraph
/// separator, or a mark of direction (Unicode Bidirectional Algorithm, UAX #9).
pub fn is_control(c: char) -> bool {
    let is_direction =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_direction(c)
}

/// A text with such characters written out, as `\n` or `\u{202e}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut written = String::new();
    for c in text.chars() {
        if is_control(c) { written.extend(c.escape_default()) } else { written.push(c) }
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_line_is_written_out() {
        for (text, expected) in [
            ("Größe \\ \"5\" 👩\u{200d}💻 שלום", "Größe \\ \"5\" 👩\u{200d}💻 שלום"),
            ("a\r\nb\tc", r"a\r\nb\tc"),
            ("\u{1b}[2J\0\u{9b}", r"\u{1b}[2J\u{0}\u{9b}"),
            ("\u{202e}gnp.exe\u{2028}\u{2066}\u{61c}", r"\u{202e}gnp.exe\u{2028}\u{2066}\u{61c}"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
