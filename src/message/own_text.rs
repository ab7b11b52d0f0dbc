//! The first lines of what the author of a message wrote themselves.
//!
//! Answers carry what they answer, signatures and what mail programs add. An opening is what is left: the
//! first lines of the author's own text, also where it stands below a quotation. Bounded, and any bytes
//! have one.

use super::quotation::{Mark, begins_quotation, is_desks_divider, is_sent_from, mark};
use super::{Message, Mime};

/// Lines of an opening.
const LINES: usize = 6;
/// Characters of a line.
const CHARACTERS: usize = 200;
/// So many lines are searched for a quotation.
const SEARCHED: usize = 500;

/// What is its author's own in a text.
pub(super) struct OwnLines {
    /// The first lines that are not empty, each cut at a length.
    pub(super) lines: Vec<String>,
    /// Something is quoted in the text, too.
    pub(super) quotes: bool,
    /// A line below it, or next to that, says by which device it was sent.
    pub(super) sent_from: bool,
}

impl Message {
    /// The first lines of its author's own text that are not empty, each cut at a length.
    pub fn opening(&self, mime: Mime) -> Vec<String> {
        opening(&self.text(mime))
    }

    /// As many lines of its author's own text, each cut at so many characters, and whether anything is quoted.
    pub(super) fn own_lines(&self, mime: Mime, most: usize, characters: usize) -> OwnLines {
        let text = self.text(mime);
        let lines = lines(&text);
        let searched = lines.len().min(SEARCHED);
        let quotation = (0..searched).find(|at| lines.get(*at..).is_some_and(begins_quotation));
        let above = lines.get(..quotation.unwrap_or(searched)).unwrap_or_default();
        let sent_from = above.iter().any(|line| is_sent_from(line));
        OwnLines { lines: own_lines(&lines, most, characters), quotes: quotation.is_some(), sent_from }
    }
}

fn opening(text: &str) -> Vec<String> {
    own_lines(&lines(text), LINES, CHARACTERS)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim_matches(is_blank)).collect()
}

fn own_lines(lines: &[&str], most: usize, characters: usize) -> Vec<String> {
    let (mut own, mut at) = (Vec::new(), 0);
    while own.len() < most {
        let Some(rest) = lines.get(at..).filter(|rest| !rest.is_empty()) else { break };
        match mark(rest) {
            Mark::Own => own.extend(rest.first().filter(|line| !line.is_empty()).map(|line| cut(line, characters))),
            Mark::Quoted | Mark::Banner => {}
            Mark::Announces(count) if is_quoted_next(rest.get(count..).unwrap_or_default()) => at += count - 1,
            // A desk writes it at the top: below it stands what the desk says.
            Mark::End if own.is_empty() && rest.first().is_some_and(|line| is_desks_divider(line)) => {}
            Mark::Announces(_) | Mark::End => break,
        }
        at += 1;
    }
    own
}

/// Whether the next line that is not empty is marked as quoted: what stands below may be own text again.
fn is_quoted_next(lines: &[&str]) -> bool {
    lines.iter().find(|line| !line.is_empty()).is_some_and(|line| mark(&[line]) == Mark::Quoted)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}')
}

fn cut(line: &str, characters: usize) -> String {
    line.chars().take(characters).collect()
}

#[cfg(test)]
mod tests;
