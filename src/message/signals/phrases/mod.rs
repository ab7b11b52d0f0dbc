//! What machines write, in the languages of their users: tables of phrases, folded (`mail/fold`).
//!
//! A table is a list of languages; nobody asks which language a message is in. Only what a machine or
//! its owner really writes belongs here, and nothing that people begin a mail with.

pub(super) mod autoreply;
pub(super) mod challenges;
pub(super) mod receipts;
pub(super) mod text;

/// Phrases by language.
pub(super) type Phrases = [(&'static str, &'static [&'static str])];

/// All phrases of a table.
pub(super) fn all(table: &'static Phrases) -> impl Iterator<Item = &'static str> {
    table.iter().flat_map(|(_, phrases)| phrases.iter().copied())
}

/// What stands behind the longest phrase that a text begins with.
pub(super) fn behind(text: &str, table: impl Iterator<Item = &'static str>) -> Option<&str> {
    let rests = table.filter_map(|phrase| text.strip_prefix(phrase).filter(|rest| ends_word(phrase, rest)));
    rests.min_by_key(|rest| rest.len())
}

/// Whether a text has the phrase, at the beginning of a word. A star in it stands for a few words: a day, as a rule.
pub(super) fn says(text: &str, phrase: &str) -> bool {
    /// `until and including Monday, 7 December 2026`
    const LONGEST_GAP: usize = 48;
    let (begin, end) = phrase.split_once('*').unwrap_or((phrase, ""));
    text.match_indices(begin).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + begin.len()..).unwrap_or_default();
        let near = behind.get(..behind.floor_char_boundary(LONGEST_GAP + end.len())).unwrap_or_default();
        (is_without_spaces(phrase) || before.is_none_or(|c| !c.is_alphanumeric())) && near.contains(end)
    })
}

/// Whether no word goes on behind a phrase that `rest` follows.
fn ends_word(phrase: &str, rest: &str) -> bool {
    is_without_spaces(phrase)
        || phrase.ends_with(|c: char| !c.is_alphanumeric())
        || !rest.starts_with(char::is_alphanumeric)
}

/// Chinese, Japanese, Thai: words are not divided by spaces.
fn is_without_spaces(phrase: &str) -> bool {
    phrase.starts_with(|c: char| matches!(c, '\u{e00}'..='\u{e7f}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::fold::fold;

    #[test]
    fn the_tables_are_folded() {
        let of_subjects = all(&autoreply::PREFIXES).chain(all(&autoreply::ABSENCES));
        let of_texts = [
            &text::AWAY[..],
            &text::SOON,
            &text::INSTEAD,
            &text::BY_MACHINE,
            &text::RECEIVED,
            &text::THANKS,
            &text::LEFT,
        ]
        .into_iter()
        .flat_map(all);
        let lists = [&autoreply::SOMEBODY_IS_AWAY[..], &receipts::FAILURES, &receipts::READ];
        let lists =
            lists.into_iter().chain([&challenges::SUBJECTS[..], &challenges::TEXTS, &challenges::CONFIRMATIONS]);
        for phrase in of_subjects.chain(of_texts).chain(lists.flatten().copied()) {
            assert_eq!(fold(phrase), phrase);
            assert_eq!(phrase.trim(), phrase);
            assert!(phrase.chars().count() >= 2, "{phrase:?} is in every text");
        }
        autoreply::CONNECTORS.iter().for_each(|word| assert_eq!(fold(word), *word));
    }

    #[test]
    fn the_longest_phrase_counts() {
        let table = || ["auto", "auto reply", "automatic"].into_iter();
        assert_eq!(behind("auto reply: x", table()), Some(": x"));
        assert_eq!(behind("auto: x", table()), Some(": x"));
        assert_eq!(behind("autobahn", table()), None);
        assert_eq!(behind("自动回复吗", ["自动回复"].into_iter()), Some("吗"));
    }

    #[test]
    fn a_phrase_begins_a_word() {
        assert!(says("hi, i am away.", "i am away"));
        assert!(!says("hawaii am away", "i am away"));
        assert!(says("私は不在です", "不在です"));
    }

    #[test]
    fn a_star_stands_for_a_few_words() {
        assert!(says("ich bin bis 7. dezember nicht im buro.", "ich bin bis * nicht im"));
        assert!(!says("ich bin bis 7. dezember im buro.", "ich bin bis * nicht im"));
        let long = format!("ich bin bis {} nicht im", "x ".repeat(60));
        assert!(!says(&long, "ich bin bis * nicht im"));
    }
}
