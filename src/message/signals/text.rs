//! What the text says, where the header section says nothing: the sentences of vacation notices and
//! acknowledgements, and of services that ask to confirm a message.
//!
//! People write such sentences too. So one of them alone is a hint, an answer with a quotation below it is a person's,
//! and what is quoted is never looked at.

use super::super::{Message, Mime, subject};
use super::Signal;
use super::phrases::{Phrases, all, challenges, says, text};
use crate::mail::fold::fold;

/// So many lines of the author's own text are looked at.
const LINES: usize = 12;
/// So many characters of each.
const CHARACTERS: usize = 400;
/// Within so many lines, greetings among them, a vacation notice says what it is.
const OPENING: usize = 4;

/// What the text says.
pub(super) fn read(message: &Message, mime: Mime) -> Vec<Signal> {
    let own = message.own_lines(mime, LINES, CHARACTERS);
    let lines: Vec<String> = own.lines.iter().map(|line| fold(line)).collect();
    let whole = joined(&lines);
    let opening = joined(lines.get(..OPENING).unwrap_or(&lines));
    let is_answer = own.quotes && !whole.is_empty() && message.subject().is_some_and(subject::is_answer);
    let about = About::read(&whole, &opening);
    let by_hand = message.shows_hand_in(&own);
    // Nobody's responder asks a question: whoever speaks of an absence and asks something is a person. It does not know
    // its reader either, nor which week the next one is.
    let asks = whole.contains(['?', '？', '؟']);
    let is_away = about.away && !by_hand && !about.soon;
    let is_notice = about.is_notice(is_away) && !asks && (!is_answer || about.is_receipt());
    let is_phrase = about.by_machine || (!asks && (about.received || is_away));
    [
        (is_answer && !is_notice, Signal::QuotedAnswer),
        (by_hand, Signal::ByHand),
        (is_notice, Signal::AutoreplyText),
        (is_phrase && !is_notice, Signal::AutoreplyPhrase),
        (challenges::TEXTS.iter().any(|phrase| says(&whole, phrase)), Signal::ChallengeText),
    ]
    .into_iter()
    .filter_map(|(there, signal)| there.then_some(signal))
    .collect()
}

/// Sentences go on on the next line.
fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ")
}

/// What the sentences are about.
struct About {
    away: bool,
    /// In the days to come, told from the day of writing.
    soon: bool,
    instead: bool,
    by_machine: bool,
    /// Mail has come, or its reader has left: a machine may say so, or a person.
    received: bool,
    thanks: bool,
}

impl About {
    fn read(whole: &str, opening: &str) -> Self {
        let has = |text: &str, table: &'static Phrases| all(table).any(|phrase| says(text, phrase));
        Self {
            away: has(opening, &text::AWAY),
            soon: has(opening, &text::SOON),
            instead: has(whole, &text::INSTEAD),
            by_machine: has(whole, &text::BY_MACHINE),
            received: has(opening, &text::RECEIVED) || has(opening, &text::LEFT),
            thanks: has(opening, &text::THANKS),
        }
    }

    /// Somebody is away and says what to do meanwhile, or a machine says that it writes: together they are a notice.
    fn is_notice(&self, is_away: bool) -> bool {
        (is_away && self.instead) || self.is_receipt() || (self.by_machine && (self.away || self.thanks))
    }

    /// A machine says that it writes, and that mail has come: also above a quotation.
    fn is_receipt(&self) -> bool {
        self.by_machine && self.received
    }
}
