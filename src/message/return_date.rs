//! When somebody is back, by the words of their own vacation notice. Pure, bounded, and any text has an answer.
//!
//! A date is believed where a word beside it says that it is the end ("until", "back on", "bis", "jusqu'au", …),
//! in some twenty languages. What could be read in two ways is not read, nor is a day that is past or more than a
//! year away, nor a day of the week, which may be that of the next one; and where several days are named, none is.
//! Unknown is not no.

mod words;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use self::words::{AFTER, CONNECTORS, FROM, INCLUSIVE, MONTHS, ORDINALS, RETURN, UNTIL};
use super::{Message, Mime};
use crate::mail::fold::fold;

/// Lines of a notice that are read, and characters of all of them.
const LINES: usize = 60;
const CHARACTERS: usize = 4000;
/// Words beside a date that are looked at.
const NEAR: usize = 7;

impl Message {
    /// The day on which the author of a notice says that they are back, as far as it can be read.
    pub fn return_date(&self, mime: Mime, today: Date) -> Option<Date> {
        let subject = self.subject().unwrap_or_default().to_owned();
        let lines = [subject].into_iter().chain(self.own_lines(mime, LINES, CHARACTERS).lines).collect::<Vec<_>>();
        read(&lines.join("\n"), today)
    }
}

/// The day of return that a text names.
fn read(text: &str, today: Date) -> Option<Date> {
    let tokens = tokens(text);
    let (mut returns, mut ends) = (BTreeSet::new(), BTreeSet::new());
    let mut at = 0;
    while at < tokens.len() {
        let Some(found) = Found::at(&tokens, at) else {
            at += 1;
            continue;
        };
        let day = found.day.resolve(today);
        match (day, says(&tokens, at, found.end)) {
            (Some(day), Some(Says::Return)) => drop(returns.insert(day)),
            (Some(day), Some(Says::Until)) => drop(ends.insert(day)),
            // Until that day, and that day too.
            (Some(day), Some(Says::Through)) => ends.extend(day.checked_add(1.day()).ok()),
            (_, None) | (None, _) => {}
        }
        at = found.end;
    }
    let days = if returns.is_empty() { ends } else { returns };
    days.first().copied().filter(|_| days.len() == 1)
}

/// A piece of a folded text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A number of at most four figures, and how many they are.
    Number(i16, usize),
    Word(String),
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let text = fold(&text.chars().take(CHARACTERS).collect::<String>());
    // Abbreviations whose points and strokes would divide them.
    let text = text.replace("t.o.m.", " t_o_m ").replace("t/m", " t_m ").replace("t.e.m.", " t_m ");
    let mut tokens = Vec::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
        } else if is_of_dates(first) || !is_of_words(first) {
            first.len_utf8()
        } else {
            rest.find(|c| !is_of_words(c) || is_of_dates(c)).unwrap_or(rest.len())
        };
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        match piece.parse() {
            Ok(number) if length <= 4 => tokens.push(Token::Number(number, length)),
            _ if is_of_words(first) => tokens.push(Token::Word(piece.to_owned())),
            _ if !first.is_whitespace() => tokens.push(Token::Sign(first)),
            _ => {}
        }
    }
    tokens
}

fn is_of_words(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// What stands between the numbers of a Chinese, Japanese or Korean date.
fn is_of_dates(c: char) -> bool {
    matches!(c, '年' | '月' | '日' | '号' | '號' | '년' | '월' | '일')
}

/// A day, with a year where one is written.
#[derive(Debug, Clone, Copy)]
struct Day {
    year: Option<i16>,
    month: i8,
    day: i8,
}

impl Day {
    fn new(year: Option<i16>, month: i16, day: i16) -> Option<Self> {
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        // A leap year has all days.
        Date::new(year.unwrap_or(2028), month, day).ok()?;
        Some(Self { year, month, day })
    }

    /// The next such day, today included; none that is past or more than a year away.
    fn resolve(self, today: Date) -> Option<Date> {
        let last = today.checked_add(Span::new().days(366)).ok()?;
        let years = self.year.map_or_else(|| vec![today.year(), today.year() + 1], |year| vec![year]);
        let days = years.into_iter().filter_map(|year| Date::new(year, self.month, self.day).ok());
        days.into_iter().find(|day| (today..=last).contains(day))
    }
}

/// A date, and where it ends.
struct Found {
    day: Day,
    end: usize,
}

impl Found {
    fn at(tokens: &[Token], at: usize) -> Option<Self> {
        let mut reader = Reader { tokens, at };
        let readers: [fn(&mut Reader<'_>) -> Option<Day>; 5] = [
            |reader| reader.year_first(),
            |reader| reader.ideographic(),
            |reader| reader.day_and_name(),
            |reader| reader.name_and_day(),
            |reader| reader.numeric(),
        ];
        readers.into_iter().find_map(|read| {
            reader.at = at;
            let day = read(&mut reader)?;
            Some(Self { day, end: reader.at })
        })
    }
}

/// Reads tokens one after the other.
struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    /// `2026-12-01`, `2026/12/1`, `2026. 12. 1.`
    fn year_first(&mut self) -> Option<Day> {
        let year = self.year()?;
        let sign = self.one_of(&['-', '/', '.'])?;
        let month = self.short()?;
        self.one_of(&[sign])?;
        Day::new(Some(year), month, self.short()?)
    }

    /// `2026年12月1日`, `12월 1일`
    fn ideographic(&mut self) -> Option<Day> {
        let begin = self.at;
        let year = self.year().filter(|_| self.word_of(&["年", "년"]).is_some());
        if year.is_none() {
            self.at = begin;
        }
        let month = self.short()?;
        self.word_of(&["月", "월"])?;
        let day = self.short()?;
        self.word_of(&["日", "号", "號", "일"])?;
        Day::new(year, month, day)
    }

    /// `1 December 2026`, `1er décembre`, `1. Dezember`, `1 de diciembre de 2026`
    fn day_and_name(&mut self) -> Option<Day> {
        let day = self.short()?;
        let _ordinal = self.word_of(ORDINALS).or_else(|| self.one_of(&['.', '°']).map(drop));
        let _of = self.word_of(&["de", "of", "di", "d", "del", "des"]);
        let _apostrophe = self.one_of(&['\'', '’']);
        let month = self.month()?;
        Day::new(self.year_behind(), month, day)
    }

    /// `December 1st, 2026`, `2026. december 1`
    fn name_and_day(&mut self) -> Option<Day> {
        let begin = self.at;
        let year_before = self.year();
        if year_before.is_none() {
            self.at = begin;
        }
        let _point = self.one_of(&['.']);
        let month = self.month()?;
        let _point = self.one_of(&['.']);
        let day = self.short()?;
        let _ordinal = self.word_of(ORDINALS);
        let year = year_before.or_else(|| self.year_behind());
        Day::new(year, month, day)
    }

    /// `1.12.2026` and `1.12.`, where the day is always first; `13/12/2026`, where only one number can be the month.
    fn numeric(&mut self) -> Option<Day> {
        let first = self.short()?;
        let sign = self.one_of(&['.', '/', '-'])?;
        let second = self.short()?;
        self.one_of(&[sign])?;
        let begin = self.at;
        let year = self.year().or_else(|| {
            self.at = begin;
            self.two_figures().map(|year| 2000 + year)
        });
        match (sign, year) {
            ('.', None) => {
                self.at = begin;
                Day::new(None, second, first)
            }
            (_, None) => None,
            ('.', year) => Day::new(year, second, first),
            (_, year) if first > 12 || first == second => Day::new(year, second, first),
            (_, year) if second > 12 => Day::new(year, first, second),
            (_, Some(_)) => None,
        }
    }

    /// `, 2026` or `de 2026` behind a date that has a name.
    fn year_behind(&mut self) -> Option<i16> {
        let begin = self.at;
        let _sign = self.one_of(&[',', '.']);
        let _of = self.word_of(&["de", "of", "del"]);
        let year = self.year();
        if year.is_none() {
            self.at = begin;
        }
        year
    }

    fn month(&mut self) -> Option<i16> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return None };
        let month = MONTHS.iter().position(|names| names.contains(&word.as_str()))?;
        self.at += 1;
        i16::try_from(month + 1).ok()
    }

    fn year(&mut self) -> Option<i16> {
        self.number(|length| length == 4)
    }

    fn two_figures(&mut self) -> Option<i16> {
        self.number(|length| length == 2)
    }

    fn short(&mut self) -> Option<i16> {
        self.number(|length| length <= 2)
    }

    fn number(&mut self, has_length: impl Fn(usize) -> bool) -> Option<i16> {
        let Some(Token::Number(number, length)) = self.tokens.get(self.at) else { return None };
        if !has_length(*length) {
            return None;
        }
        self.at += 1;
        Some(*number)
    }

    fn one_of(&mut self, signs: &[char]) -> Option<char> {
        let Some(Token::Sign(sign)) = self.tokens.get(self.at) else { return None };
        let sign = signs.contains(sign).then_some(*sign)?;
        self.at += 1;
        Some(sign)
    }

    fn word_of(&mut self, words: &[&str]) -> Option<()> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return None };
        words.contains(&word.as_str()).then(|| self.at += 1)
    }
}

/// What is said of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Somebody is back.
    Return,
    /// Somebody is away until then.
    Until,
    /// And on that day too.
    Through,
}

/// What the words before and behind a date, in the same sentence, say of it.
fn says(tokens: &[Token], begin: usize, end: usize) -> Option<Says> {
    let before: Vec<&str> = tokens.get(..begin)?.iter().rev().map_while(word).take(NEAR).collect();
    let behind: Vec<&str> = tokens.get(end..)?.iter().map_while(word).take(NEAR).collect();
    let is_among = |words: &[&str], list: &[&str]| words.iter().any(|word| list.contains(word));
    let ends = |endings: &[&str]| before.first().is_some_and(|word| endings.iter().any(|end| word.ends_with(end)));
    let begins = |beginnings: &[&str]| {
        let begins = |word: &&str| beginnings.iter().any(|begin| word.starts_with(begin));
        behind.iter().filter(|word| !word.is_empty()).take(2).any(begins)
    };
    // Between a verb and its date stands "until" where it says the contrary: "back by phone until 1 December".
    let nearest = before.iter().find(|word| UNTIL.contains(word) || INCLUSIVE.contains(word) || RETURN.contains(word));
    if nearest.is_some_and(|word| RETURN.contains(word)) || is_among(&behind, AFTER) || begins(words::RETURN_BEHIND) {
        return Some(Says::Return);
    }
    if is_among(&before, INCLUSIVE) {
        return Some(Says::Through);
    }
    let is_end = is_among(&before, UNTIL) || ends(words::UNTIL_BEFORE) || begins(words::UNTIL_BEHIND);
    if is_end && !is_among(&before, FROM) || ends_range(tokens, begin) || has_suffix(tokens, end) {
        return Some(Says::Until);
    }
    None
}

/// Words and what may stand between them and a date; a number, or the end of a sentence, ends it.
fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) => Some(word),
        Token::Sign('\'' | '’' | '(' | ')' | '"' | ':' | '*') => Some(""),
        Token::Sign(_) | Token::Number(..) => None,
    }
}

/// `1-ig`, `1-jéig`: Hungarian says it with an ending.
fn has_suffix(tokens: &[Token], end: usize) -> bool {
    let behind = tokens.get(end..).unwrap_or_default();
    matches!(behind, [Token::Sign('-'), Token::Word(word), ..] if word.ends_with("ig"))
}

/// Whether a date is the second one of two, or of a day and a date: "20–27 December", "from 20 to 27 December".
fn ends_range(tokens: &[Token], begin: usize) -> bool {
    let before: Vec<&Token> = tokens.get(..begin).unwrap_or_default().iter().rev().take(2 * NEAR).collect();
    let is_article =
        |token: &&&Token| matches!(token, Token::Word(word) if ["the", "le", "el", "il"].contains(&word.as_str()));
    let mut rest = before.iter().skip_while(is_article);
    let is_dash = match rest.next() {
        Some(Token::Sign('-' | '–' | '—' | '~' | '～' | '〜')) => true,
        Some(Token::Word(word)) if CONNECTORS.contains(&word.as_str()) => false,
        Some(Token::Sign(_) | Token::Word(_) | Token::Number(..)) | None => return false,
    };
    let is_of_date = |token: &&&&Token| match token {
        Token::Number(..) | Token::Sign('.' | ',' | '/' | '-' | '°') => true,
        Token::Sign(_) => false,
        Token::Word(word) => {
            let word = word.as_str();
            let is_name = MONTHS.iter().any(|names| names.contains(&word));
            is_name || ORDINALS.contains(&word) || word == "de" || word.chars().all(is_of_dates)
        }
    };
    let rest: Vec<&&Token> = rest.collect();
    let date: Vec<&&&Token> = rest.iter().take_while(is_of_date).collect();
    let has_number = date.iter().any(|token| matches!(token, Token::Number(..)));
    let mut words = rest.iter().skip(date.len()).map_while(|token| word(token)).take(4);
    has_number && (is_dash || words.any(|word| FROM.contains(&word)))
}

#[cfg(test)]
mod tests;
