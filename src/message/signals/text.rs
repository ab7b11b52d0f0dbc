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
/// A shorter subject is a word of any text.
const SHORTEST_SUBJECT: usize = 6;
/// Octets between quotation marks; what is longer is no saying of somebody's.
const LONGEST_QUOTATION: usize = 300;
/// Within so many lines, greetings among them, a vacation notice says what it is.
const OPENING: usize = 4;

/// What the text says.
pub(super) fn read(message: &Message, mime: Mime) -> Vec<Signal> {
    let own = message.own_lines(mime, LINES, CHARACTERS);
    let lines: Vec<String> = own.lines.iter().map(|line| fold(line)).collect();
    let written = joined(&lines);
    let whole = spoken(&written, message);
    let opening = spoken(&joined(lines.get(..OPENING).unwrap_or(&lines)), message);
    let has_answer_subject = message.subject().is_some_and(subject::is_answer);
    let is_answer = own.quotes && !whole.is_empty() && has_answer_subject;
    let about = About::read(&whole, &opening);
    let by_hand = message.shows_hand_in(&own);
    // Nobody's responder asks a question: whoever speaks of an absence and asks something is a person. It does not know
    // its reader either, nor which week the next one is.
    let asks = asks(&whole);
    let is_away = about.away && !by_hand && !about.soon;
    let is_notice = about.is_notice(is_away) && !asks && (!is_answer || about.is_receipt());
    // A responder begins no conversation: without anything that it answers, its words are as much a person's.
    let is_strong = is_notice && (has_answer_subject || message.refers());
    let is_phrase = is_notice || about.by_machine || (!asks && (about.received || is_away));
    [
        (is_answer && !is_notice, Signal::QuotedAnswer),
        (by_hand, Signal::ByHand),
        (is_strong, Signal::AutoreplyText),
        (is_phrase && !is_strong, Signal::AutoreplyPhrase),
        (challenges::TEXTS.iter().any(|phrase| says(&written, phrase)), Signal::ChallengeText),
    ]
    .into_iter()
    .filter_map(|(there, signal)| there.then_some(signal))
    .collect()
}

/// Sentences go on on the next line.
fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ")
}

/// A text without what others said: spans between quotation marks, links, and the message's own subject, which a
/// responder repeats.
fn spoken(text: &str, message: &Message) -> String {
    let subject = message.subject().map(subject::base).map(|it| fold(&it)).unwrap_or_default();
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if subject.chars().count() >= SHORTEST_SUBJECT { text.replace(&subject, " ") } else { text.to_owned() };
    let is_link = |word: &&str| word.contains("://") || word.starts_with("www.");
    without_quotations(&text).split(' ').filter(|word| !is_link(word)).collect::<Vec<_>>().join(" ")
}

/// Without short spans between quotation marks. An opening mark stands before a word, so that inches and apostrophes are none.
fn without_quotations(text: &str) -> String {
    const PAIRS: [(char, &[char]); 7] = [
        ('"', &['"']),
        ('“', &['”', '“']),
        ('„', &['“', '”']),
        ('«', &['»']),
        ('»', &['«']),
        ('「', &['」']),
        ('『', &['』']),
    ];
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, open, close)) =
        rest.char_indices().find_map(|(at, c)| PAIRS.iter().find(|(open, _)| *open == c).map(|(_, end)| (at, c, *end)))
    {
        let (before, behind) =
            (rest.get(..at).unwrap_or_default(), rest.get(at + open.len_utf8()..).unwrap_or_default());
        kept.push_str(before);
        let end = behind.find(close).filter(|end| *end <= LONGEST_QUOTATION);
        rest = match end {
            Some(end) => behind.get(end..).and_then(|it| it.get(it.chars().next().map_or(0, char::len_utf8)..)),
            None => Some(behind),
        }
        .unwrap_or_default();
        kept.push(' ');
    }
    kept.push_str(rest);
    kept
}

/// Whether a sentence is a question. One word or two ask nothing: `Urgent? Please call Ben.`
fn asks(text: &str) -> bool {
    let marks = ['?', '？', '؟'];
    let sentences = text.split_inclusive(|c: char| marks.contains(&c) || matches!(c, '.' | '!' | '。' | '！'));
    sentences.filter(|sentence| sentence.ends_with(marks)).any(|sentence| {
        let words = sentence.trim_end_matches(marks).split_whitespace().count();
        words > 2 || !sentence.is_ascii() && words > 0
    })
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
