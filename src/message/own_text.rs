//! The first lines of what the author of a message wrote themselves.
//!
//! Answers carry what they answer, signatures and what mail programs add. An opening is what is left: the
//! first lines of the author's own text, also where it stands below a quotation. Bounded, and any bytes
//! have one.

use super::quotation::{Mark, mark};
use super::{Message, Mime};

/// Lines of an opening.
const LINES: usize = 6;
/// Characters of a line.
const CHARACTERS: usize = 200;

impl Message {
    /// The first lines of its author's own text that are not empty, each cut at a length.
    pub fn opening(&self, mime: Mime) -> Vec<String> {
        opening(&self.text(mime))
    }

    /// More of them: no more than `count`.
    pub(super) fn own_lines(&self, mime: Mime, count: usize) -> Vec<String> {
        own_lines(&self.text(mime), count)
    }
}

fn opening(text: &str) -> Vec<String> {
    own_lines(text, LINES)
}

fn own_lines(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_matches(is_blank)).collect();
    let (mut own, mut at) = (Vec::new(), 0);
    while own.len() < count {
        let Some(rest) = lines.get(at..).filter(|rest| !rest.is_empty()) else { break };
        match mark(rest) {
            Mark::Own => own.extend(rest.first().filter(|line| !line.is_empty()).map(|line| cut(line))),
            Mark::Quoted | Mark::Banner => {}
            Mark::Announces(count) if is_quoted_next(rest.get(count..).unwrap_or_default()) => at += count - 1,
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

fn cut(line: &str) -> String {
    line.chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests;
