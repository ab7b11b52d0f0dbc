//! One line of an opening: its words, and who is greeted in it.

use super::words::{LONGEST_PHRASE, WORDS, Words};
use super::{Mention, Name, Opening};
use crate::mail::fold::{fold, is_mark};

/// No more words of a line are looked at.
const WORDS_OF_LINE: usize = 32;
/// Words of somebody who is greeted and is none of ours: "Hi Mr. Brown and Sophie,".
const LONGEST_STRANGER: usize = 4;

/// Octets of what greets or honours in a writing without spaces.
const LONGEST_AFFIX: usize = 48;

/// A word, and what stands before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) folded: String,
    gap: Gap,
    /// In a writing that has capitals it begins without one.
    is_lower: bool,
}

/// What stands between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// White space, or nothing; what is put around a name counts for nothing.
    Space,
    /// `@`.
    At,
    /// A comma.
    Comma,
    /// What joins two names: `/`, `&`, `+`.
    And,
    /// A colon or a dash.
    Label,
    /// Whatever else ends a phrase.
    Stop,
}

/// Where in the opening a line stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

/// What must follow a name that is greeted, if anything does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// A mark, or a word with which a sentence begins.
    Sentence,
    /// A mark, or a word that joins two names.
    Mark,
    /// A mark.
    Break,
    /// A colon or a dash.
    Label,
    /// Anything.
    Anything,
}

/// Everybody who is greeted in a line.
pub(super) fn greeted<'a>(words: &[Word], place: Place, opening: &Opening<'a>) -> Vec<Mention<'a>> {
    let line = Line { words, place, opening, lists: &WORDS };
    line.greeted().unwrap_or_default()
}

struct Line<'l, 'a> {
    words: &'l [Word],
    place: Place,
    opening: &'l Opening<'a>,
    lists: &'l Words,
}

impl<'a> Line<'_, 'a> {
    fn greeted(&self) -> Option<Vec<Mention<'a>>> {
        let first = self.words.first()?;
        if first.gap == Gap::At {
            return self.members(0, Follows::Anything);
        }
        let by_greeting = || self.after_greeting(0).and_then(|(at, follows)| self.members(at, follows));
        by_greeting().or_else(|| self.for_attention()).or_else(|| self.thanked()).or_else(|| self.by_name_alone())
    }

    /// "Hi Sophie", "Dear Ms. Sophie", "Hello again, my dear Sophie": where the names begin.
    fn after_greeting(&self, from: usize) -> Option<(usize, Follows)> {
        let mut at = from + self.phrase(from, |lists| &lists.greetings)?;
        let is_parting = self.phrase(from, |lists| &lists.partings).is_some_and(|length| from + length == at);
        // "Ciao, Sophie" may be the end of a mail.
        if is_parting && !self.place.is_first {
            return None;
        }
        loop {
            let greeting = self.phrase(at, |lists| &lists.greetings).filter(|_| self.name_at(at).is_none());
            let filler = || self.phrase(at, |lists| &lists.fillers).filter(|_| self.name_at(at).is_none());
            let Some(length) = greeting.or_else(filler) else { break };
            at += length;
        }
        // "Hi, Sophie told me …" greets nobody.
        let follows = match self.words.get(at)?.gap {
            Gap::Space | Gap::At => Follows::Sentence,
            Gap::Comma | Gap::And | Gap::Label | Gap::Stop => Follows::Mark,
        };
        Some((at, follows))
    }

    /// "Attn: Sophie", "To Sophie:".
    fn for_attention(&self) -> Option<Vec<Mention<'a>>> {
        if let Some(length) = self.phrase(0, |lists| &lists.attention)
            && let Some(found) = self.members(length, Follows::Mark)
        {
            return Some(found);
        }
        let at = self.phrase(0, |lists| &lists.prepositions)?;
        let is_label = self.words.get(at)?.gap == Gap::Label;
        self.members(at, if is_label { Follows::Mark } else { Follows::Label })
    }

    /// "Thanks Sophie, that works": not at the end of a mail, where somebody thanks who has that name.
    fn thanked(&self) -> Option<Vec<Mention<'a>>> {
        if self.may_be_signed() {
            return None;
        }
        let mut at = self.phrase(0, |lists| &lists.thanks)?;
        at += self.phrase(at, |lists| &lists.fillers).unwrap_or(0);
        let goes_on = !self.place.is_last || self.member(at, Follows::Sentence)?.1 < self.words.len();
        let is_apart = self.words.get(at)?.gap != Gap::Space;
        if is_apart || !goes_on || !self.place.is_first { None } else { self.members(at, Follows::Sentence) }
    }

    /// "Sophie,", "Sophie, hello", and, wherever in the opening, "ソフィー様". "May, I asked …" may be a sentence.
    fn by_name_alone(&self) -> Option<Vec<Mention<'a>>> {
        let honoured = (0..=3).find_map(|at| self.honoured(at));
        if honoured.is_some() || !self.place.is_first || self.may_be_signed() {
            return honoured.map(|mention| vec![mention]);
        }
        let (mention, end) = self.member(0, Follows::Anything)?;
        let is_before_greeting = self.phrase(end, |lists| &lists.greetings);
        if is_before_greeting.is_some_and(|length| self.is_end(end + length, Follows::Break)) {
            return Some(vec![mention]);
        }
        if self.place.is_last { None } else { self.names_alone() }
    }

    /// Names of ours, and nothing else in the line.
    fn names_alone(&self) -> Option<Vec<Mention<'a>>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < self.words.len() {
            let (mention, end) = self.member(at, Follows::Mark)?;
            found.push(mention);
            let is_comma = self.words.get(end).is_none_or(|word| word.gap == Gap::Comma);
            at = end + self.and(end).or(is_comma.then_some(0))?;
        }
        Some(found)
    }

    /// Whether the line has a name that is the author's too: then it may be the end of their mail.
    fn may_be_signed(&self) -> bool {
        let is_name = |word: &str| self.opening.names.iter().any(|name| name.words.iter().any(|own| own == word));
        let is_authors = |word: &str| self.opening.author.contains(word) && !self.lists.titles.contains(word);
        self.words.iter().any(|word| is_authors(&word.folded) && is_name(&word.folded))
    }

    /// A name with an honorific behind it, which nobody says of themselves.
    fn honoured(&self, at: usize) -> Option<Mention<'a>> {
        let (mention, end) = self.member(at, Follows::Sentence)?;
        let is_honorific = |word: &Word| EAST_ASIAN.contains(&word.folded.as_str());
        let has_one = self.words.get(at..end)?.last().is_some_and(is_honorific);
        has_one.then_some(mention)
    }

    /// One name, or several: "Sophie and Tom", "Sophie, Tom and Mr. Brown". `None` where nobody of ours is
    /// named, or what follows is no end of a greeting.
    fn members(&self, from: usize, follows: Follows) -> Option<Vec<Mention<'a>>> {
        let (mut found, mut at) = (Vec::new(), from);
        loop {
            let begin = at;
            let is_known = match self.member(at, follows) {
                Some((mention, end)) => {
                    found.push(mention);
                    at = end;
                    true
                }
                None => {
                    at = self.stranger(at)?;
                    false
                }
            };
            if let Some(length) = self.and(at).filter(|_| is_known || self.joins_stranger(begin, at)) {
                at += length;
            } else if let Some(next) = self.after_comma(at, is_known) {
                at = next;
            } else {
                return (!found.is_empty()).then_some(found);
            }
        }
    }

    /// Where the next name begins: "Liebe Sophie, lieber Tom", "Hi Sophie, Tom".
    fn after_comma(&self, at: usize, is_known: bool) -> Option<usize> {
        let is_comma = self.words.get(at)?.gap == Gap::Comma;
        let another = || self.after_greeting(at).map(|(next, _)| next);
        let listed = || self.member(at, Follows::Mark).filter(|_| is_known).map(|_| at);
        if is_comma { another().or_else(listed) } else { None }
    }

    /// The personas whose name stands here, and where it ends.
    fn member(&self, at: usize, follows: Follows) -> Option<(Mention<'a>, usize)> {
        let named = |at| {
            let ends = self.opening.names.iter().filter_map(|name| Some((name.persona, self.end_of(name, at)?)));
            let ends: Vec<_> = ends.filter(|(_, end)| self.is_end(*end, self.needed(at, *end, follows))).collect();
            let end = ends.iter().map(|(_, end)| *end).max()?;
            let mut mention: Mention<'a> = ends.into_iter().map(|(persona, _)| persona).collect();
            mention.dedup_by(|one, other| one.name == other.name);
            Some((mention, end))
        };
        named(at).or_else(|| {
            let titles = (at..).take_while(|at| self.phrase(*at, |lists| &lists.titles) == Some(1)).take(3).count();
            (titles > 0).then(|| named(at + titles)).flatten()
        })
    }

    /// Where a name ends that stands here: with its surname, and with what honours it.
    fn end_of(&self, name: &Name<'_>, at: usize) -> Option<usize> {
        let here = self.words.get(at..at + name.words.len())?;
        let is_same = here.iter().zip(&name.words).all(|(word, wanted)| word.folded == *wanted);
        let is_whole = here.iter().skip(1).all(|word| word.gap == Gap::Space);
        if !is_same || !is_whole {
            return None;
        }
        let mut end = at + name.words.len();
        let follows = |end: usize| self.words.get(end).filter(|word| word.gap == Gap::Space);
        while follows(end).is_some_and(|word| name.own.contains(&word.folded)) {
            end += 1;
        }
        while follows(end).is_some_and(|word| self.lists.honorifics.contains(&word.folded)) {
            end += 1;
        }
        Some(end)
    }

    /// "hi may i ask" greets nobody: a name in lower case may be another word, and needs a mark.
    fn needed(&self, at: usize, end: usize, follows: Follows) -> Follows {
        let Some(words) = self.words.get(at..end) else { return follows };
        let is_mentioned = words.first().is_some_and(|word| word.gap == Gap::At);
        let may_be_word = follows != Follows::Label && !is_mentioned && words.iter().all(|word| word.is_lower);
        if may_be_word { Follows::Break } else { follows }
    }

    fn is_end(&self, at: usize, follows: Follows) -> bool {
        let Some(next) = self.words.get(at) else { return true };
        match follows {
            Follows::Anything => true,
            Follows::Label => next.gap == Gap::Label,
            Follows::Break if next.folded.starts_with(is_east_asian) => true,
            Follows::Mark | Follows::Break | Follows::Sentence if !matches!(next.gap, Gap::Space | Gap::At) => true,
            Follows::Break => false,
            Follows::Mark => self.and(at).is_some(),
            Follows::Sentence => self.and(at).is_some() || self.is_starter(at) || self.is_weak_starter(at),
        }
    }

    fn is_starter(&self, at: usize) -> bool {
        self.phrase(at, |lists| &lists.starters).or_else(|| self.phrase(at, |lists| &lists.greetings)).is_some()
    }

    fn is_weak_starter(&self, at: usize) -> bool {
        self.phrase(at, |lists| &lists.weak_starters).is_some()
    }

    /// Somebody who is none of ours, and where their name ends. No end is in sight, or one of ours is in it:
    /// it is no name.
    fn stranger(&self, at: usize) -> Option<usize> {
        let is_end = |end: &usize| {
            let gap = self.words.get(*end).map(|word| word.gap);
            gap.is_none_or(|gap| !matches!(gap, Gap::Space | Gap::At)) || self.and(*end).is_some()
        };
        let end = (at + 1..=at + LONGEST_STRANGER).find(is_end)?;
        let is_ours = (at..end).any(|at| self.name_at(at).is_some());
        (at < self.words.len() && !is_ours).then_some(end)
    }

    fn name_at(&self, at: usize) -> Option<usize> {
        self.opening.names.iter().find_map(|name| self.end_of(name, at))
    }

    /// How many words join two names here.
    fn and(&self, at: usize) -> Option<usize> {
        let word = self.words.get(at)?;
        if matches!(word.gap, Gap::And | Gap::At) {
            return Some(0);
        }
        let is_and = matches!(word.gap, Gap::Space | Gap::Comma) && self.lists.and.contains(&word.folded);
        // "Will I be charged?": Polish joins with a small one.
        let is_english = word.folded == "i" && !word.is_lower;
        (is_and && !is_english && self.words.len() > at + 1).then_some(1)
    }

    /// Whether somebody who is none of ours is joined to another: not in "Hello boss of Sophie" or "Olá, sou a
    /// Sophie", where what joins in one language is an article or a preposition in another.
    fn joins_stranger(&self, from: usize, at: usize) -> bool {
        let joins = self.words.get(at).map_or("", |word| word.folded.as_str());
        let is_lower = self.words.get(from).is_some_and(|word| word.is_lower);
        joins != "of" && !(is_lower && OF_TWO_KINDS.contains(&joins))
    }

    /// How many words the longest phrase of a list has that stands here.
    fn phrase(&self, at: usize, list: impl Fn(&Words) -> &std::collections::HashSet<String>) -> Option<usize> {
        let rest = self.words.get(at..)?;
        (1..=LONGEST_PHRASE.min(rest.len())).rev().find(|length| {
            let words: Vec<&str> = rest.iter().take(*length).map(|word| word.folded.as_str()).collect();
            list(self.lists).contains(&words.join(" "))
        })
    }
}

/// What joins two names, and means something else in another language.
const OF_TWO_KINDS: [&str; 6] = ["a", "e", "i", "o", "u", "y"];

/// Honorifics that nobody gives to themselves.
const EAST_ASIAN: [&str; 16] = [
    "様",
    "さま",
    "さん",
    "殿",
    "先生",
    "sama",
    "san",
    "女士",
    "小姐",
    "님",
    "님께",
    "님에게",
    "씨께",
    "께",
    "에게",
    "앞",
];

/// The words of a line; bounded.
pub(super) fn words_of(line: &str) -> Vec<Word> {
    let (mut words, mut gap, mut word) = (Vec::new(), Gap::Space, String::new());
    let chars: Vec<char> = line.chars().collect();
    for (index, c) in chars.iter().copied().enumerate() {
        if is_of_word(&chars, index) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            split(&std::mem::take(&mut word), gap, &mut words);
            gap = Gap::Space;
        }
        gap = gap.and(c);
        if words.len() > WORDS_OF_LINE {
            return words;
        }
    }
    if !word.is_empty() {
        split(&word, gap, &mut words);
    }
    words
}

/// Letters, digits, and what joins them: `Anne-Sophie`, `I'm`, `Sophie.Martin`, `sophie@acme.example`.
fn is_of_word(chars: &[char], index: usize) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| chars.get(index)).copied();
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || is_mark(c));
    let Some(c) = at(Some(index)) else { return false };
    let is_between = || is_letter(at(index.checked_sub(1))) && is_letter(at(index.checked_add(1)));
    match c {
        '-' | '\u{2010}' | '\u{2011}' | '_' | '@' => is_between(),
        // Seen in practice: other characters where an apostrophe is meant.
        '\'' | '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' | '\u{2032}' | '\u{ff07}' => is_between(),
        // Not in `z.Hd.` and `F.A.O.`.
        '.' => is_between() && (1..=3).all(|back| is_letter(at(index.checked_sub(back)))),
        c => is_letter(Some(c)),
    }
}

impl Gap {
    /// The gap with one more character in it.
    fn and(self, c: char) -> Self {
        let of_char = match fold(&c.to_string()).chars().next().unwrap_or(' ') {
            '@' => Self::At,
            ',' | '،' | '、' => Self::Comma,
            '/' | '&' | '+' => Self::And,
            ':' | '-' | '–' | '—' => Self::Label,
            '*' | '_' | '"' | '\'' | '«' | '“' | '„' | '#' | '¡' => return self,
            c if c.is_whitespace() => return self,
            _ => Self::Stop,
        };
        if matches!(self, Self::Space | Self::At) { of_char } else { self }
    }
}

/// Whether a character is of a writing that leaves no space between words.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}')
}

/// Adds a run of letters as its words: "尊敬的Sophie女士" has three.
fn split(run: &str, gap: Gap, words: &mut Vec<Word>) {
    let folded = fold(run);
    let mut parts: Vec<String> = Vec::new();
    for c in folded.chars() {
        match parts.last_mut().filter(|part| part.ends_with(is_east_asian) == is_east_asian(c)) {
            Some(part) => part.push(c),
            None => parts.push(c.to_string()),
        }
    }
    let is_lower = run.chars().find(|c| c.is_alphabetic() && !is_east_asian(*c)).is_some_and(is_small);
    let mut gap = Some(gap);
    for part in parts.iter().flat_map(|part| peeled(part)) {
        let is_lower = is_lower && !part.ends_with(is_east_asian);
        words.push(Word { folded: part.to_owned(), gap: gap.take().unwrap_or(Gap::Space), is_lower });
    }
}

/// A small letter. Georgian has capitals with which no name begins.
fn is_small(c: char) -> bool {
    c.is_lowercase() && !matches!(c, '\u{10d0}'..='\u{10ff}')
}

/// East Asian text without spaces, what greets or honours taken apart from a name.
fn peeled(part: &str) -> Vec<&str> {
    if !part.ends_with(is_east_asian) {
        return vec![part];
    }
    let lists = &WORDS;
    let lengths = || (1..part.len()).rev().filter(|length| part.is_char_boundary(*length));
    let fronts = || lengths().filter(|at| *at <= LONGEST_AFFIX);
    let ends = || lengths().rev().filter(|at| part.len() - at <= LONGEST_AFFIX);
    let is_before = |text: &str| lists.greetings.contains(text) || lists.attention.contains(text);
    let is_behind = |text: &str| lists.honorifics.contains(text) || lists.greetings.contains(text);
    if is_before(part) || is_behind(part) {
        return vec![part];
    }
    if let Some((front, rest)) = fronts().map(|at| part.split_at(at)).find(|(front, _)| is_before(front)) {
        return [vec![front], peeled(rest)].concat();
    }
    if let Some((rest, end)) = ends().map(|at| part.split_at(at)).find(|(_, end)| is_behind(end)) {
        return [peeled(rest), vec![end]].concat();
    }
    vec![part]
}
