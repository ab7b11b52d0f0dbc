//! What mail systems are known to write over a list of recipients, and what it says of them.
//!
//! The phrases are a table of their own, `phrases.txt`. They are compared folded and over line ends. *Known* ones are those
//! that a mail system writes and hardly anybody else; *common* ones count only where more speaks for a mail system.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::mail::Action;
use crate::mail::fold::fold;

const TABLE: &str = include_str!("phrases.txt");

/// What mail systems write, and hardly anybody else.
pub(super) static KNOWN: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("known"));
/// What people write too.
pub(super) static COMMON: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("common"));
/// What subjects of mail systems begin with.
pub(super) static SUBJECTS: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("subject"));
/// Somebody goes on trying for everybody whom the text names.
pub(super) static GOES_ON: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("goes-on"));
/// Nobody does, whatever else the text says.
pub(super) static GIVEN_UP: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("given-up"));

/// Phrases that are looked for together.
pub(super) struct Phrases(Vec<(Finder<'static>, Action)>);

/// A phrase in a text: where it stands, and what it says.
pub(super) struct Hit {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) action: Action,
}

/// A line of the table: the kind of the phrase, what it says, and itself.
fn rows() -> impl Iterator<Item = (&'static str, Action, &'static str)> {
    let mut heading = None;
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).filter_map(move |line| {
        if line.starts_with(' ') {
            return heading.map(|(kind, action)| (kind, action, line.trim()));
        }
        let words = line.split_once(':').and_then(|(words, _)| words.split_once(' '));
        heading = words.and_then(|(kind, action)| Some((kind, action.parse().ok()?)));
        None
    })
}

impl Phrases {
    fn of(kind: &str) -> Self {
        let phrases = rows().filter(|(of, ..)| *of == kind).map(|(_, action, phrase)| (fold(phrase), action));
        Self(phrases.map(|(phrase, action)| (Finder::new(phrase.as_bytes()).into_owned(), action)).collect())
    }

    /// Where they stand in a folded text, each once, in the order of the text.
    pub(super) fn find(&self, text: &str) -> Vec<Hit> {
        let hit = |(finder, action): &(Finder<'static>, Action)| {
            let begin = finder.find(text.as_bytes())?;
            Some(Hit { begin, end: begin + finder.needle().len(), action: *action })
        };
        let mut hits: Vec<Hit> = self.0.iter().filter_map(hit).collect();
        hits.sort_by_key(|hit| (hit.end, hit.begin));
        hits
    }

    /// Whether one of them stands in a folded text.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|(finder, _)| finder.find(text.as_bytes()).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_heading_is_one_and_each_phrase_is_found_where_it_stands() {
        let headings = TABLE.lines().filter(|line| !line.starts_with([' ', '#']) && !line.is_empty());
        for heading in headings {
            let (words, who) = heading.split_once(": ").unwrap();
            let (kind, action) = words.split_once(' ').unwrap();
            assert!(["known", "common", "subject", "goes-on", "given-up"].contains(&kind), "{heading}");
            assert!(action.parse::<Action>().is_ok() && !who.is_empty(), "{heading}");
        }
        for (kind, action, phrase) in rows() {
            let hits = Phrases::of(kind).find(&fold(&format!("and so {phrase} it is")));
            assert!(hits.iter().any(|hit| hit.action == action), "{phrase}");
        }
        assert!(rows().count() > 300);
    }

    #[test]
    fn no_phrase_is_there_twice() {
        let mut seen = std::collections::BTreeSet::new();
        let twice: Vec<_> = rows().filter(|(kind, _, phrase)| !seen.insert((*kind, fold(phrase)))).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn hits_come_in_the_order_of_the_text() {
        let hits =
            KNOWN.find("the following addresses had transient non-fatal errors, the following addresses had permanent");
        assert_eq!(hits.iter().map(|hit| hit.action).collect::<Vec<_>>(), [Action::Delayed, Action::Failed]);
        assert!(hits.iter().all(|hit| hit.begin < hit.end));
    }
}
