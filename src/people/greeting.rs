//! Whom the opening of a message greets: "Hi Sophie,", "Sehr geehrte Frau Martin", "ソフィー様".
//!
//! Only what an attentive assistant would take for a greeting counts. A name in a sentence, at the end of a
//! mail, or of somebody who has another surname greets nobody; where in doubt there is no greeting. Pure, and
//! linear in the text.

mod line;
mod words;

use std::collections::HashSet;

use super::Persona;
use line::{Word, words_of};

/// One place where a name stands in a greeting, and the personas that it may mean.
pub(super) type Mention<'a> = Vec<&'a Persona>;

/// Everybody who is greeted in the first lines of a text.
pub(super) fn mentions<'a>(personas: impl Iterator<Item = &'a Persona>, opening: &[String]) -> Vec<Mention<'a>> {
    let names: Vec<Name<'a>> = personas.flat_map(Name::all).collect();
    let lines: Vec<Vec<Word>> = opening.iter().map(|line| words_of(line)).collect();
    let place = |index| line::Place { is_first: index == 0, is_last: index + 1 == lines.len() };
    lines.iter().enumerate().flat_map(|(index, words)| line::greeted(words, place(index), &names)).collect()
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
