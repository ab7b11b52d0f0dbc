//! Whom the opening of a message greets: "Hi Sophie,", "Sehr geehrte Frau Martin", "ソフィー様".
//!
//! Only what an attentive assistant would take for a greeting counts. A name in a sentence, at the end of a
//! mail, or of somebody who has another surname greets nobody; where in doubt there is no greeting. Pure, and
//! linear in the text.

mod line;
mod words;

use std::collections::HashSet;

use super::Persona;
use crate::mail::Mailbox;
use crate::mail::fold::{fold, is_mark};
use line::words_of;

/// One place where a name stands in a greeting, and the personas that it may mean.
pub(super) type Mention<'a> = Vec<&'a Persona>;

/// Lines that may greet: further down stands what the author copied from elsewhere.
const LINES: usize = 2;

/// Everybody who is greeted in the first of these lines, which an author wrote.
pub(super) fn mentions<'a>(
    personas: impl Iterator<Item = &'a Persona>,
    lines: &[String],
    author: Option<&Mailbox>,
) -> Vec<Mention<'a>> {
    let names = personas.flat_map(Name::all).collect();
    let opening = Opening { names, author: author.map(names_of).unwrap_or_default() };
    let place = |index| line::Place { is_first: index == 0, is_last: index + 1 == lines.len() };
    let greeted = |(index, text): (usize, &String)| line::greeted(&words_of(text), place(index), &opening);
    lines.iter().take(LINES).enumerate().flat_map(greeted).collect()
}

/// Who may be greeted in an opening, and who wrote it.
struct Opening<'a> {
    names: Vec<Name<'a>>,
    /// The words of the author's own name.
    author: HashSet<String>,
}

/// The words of an author's display name, or else of the local part.
fn names_of(author: &Mailbox) -> HashSet<String> {
    let display_name = author.display_name.as_deref().filter(|name| super::is_name(name));
    let name = display_name.unwrap_or(author.address.local());
    let is_between = |c: char| !c.is_alphabetic() && !is_mark(c);
    folded(name).into_iter().chain(name.split(is_between).map(fold)).collect()
}

/// A name by which a persona is greeted.
struct Name<'a> {
    persona: &'a Persona,
    words: Vec<String>,
    /// All words of its names: any of them may follow.
    own: HashSet<String>,
}

impl<'a> Name<'a> {
    fn all(persona: &'a Persona) -> Vec<Self> {
        let texts = persona.greeted_as.iter().chain(&persona.display_name);
        let own: HashSet<String> = texts.flat_map(|text| folded(text)).collect();
        let names = persona.greeted_as.iter().map(|name| folded(name)).filter(|words| !words.is_empty());
        names.map(|words| Self { persona, words, own: own.clone() }).collect()
    }
}

fn folded(text: &str) -> Vec<String> {
    words_of(text).into_iter().map(|word| word.folded).collect()
}

#[cfg(test)]
mod tests;
