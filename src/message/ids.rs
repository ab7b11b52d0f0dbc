//! Lists of message ids: In-Reply-To and References as they really come.
//!
//! Lenient, since a cut, folded, comma-separated or quoted list still names messages (SIGNALS,
//! complaint 9), and bounded, since a stranger writes it.

use crate::mail::MessageId;

/// No more than this many ids of one field are read.
const MOST_IN_A_FIELD: usize = 1000;
/// How many ids of a message count: the newest 32 and the first one (DESIGN section 5).
const NEWEST: usize = 32;

/// The ids of one field's raw value, in order.
///
/// With brackets: what stands between them; an id cut off at the end is no id. Without any bracket
/// (seen in practice: "In-Reply-To: a@b"): the words that hold an `@`.
pub fn read(value: &[u8]) -> Vec<MessageId> {
    let text = String::from_utf8_lossy(value);
    if text.contains('<') { bracketed(&text) } else { bare(&text) }
}

/// The id in a message's own Message-ID field: between brackets, or (seen in practice) a bare word.
pub fn read_own(value: &[u8]) -> Option<MessageId> {
    let text = String::from_utf8_lossy(value);
    let bare = || text.split_whitespace().next().filter(|_| !text.contains('<')).and_then(MessageId::new);
    bracketed(&text).into_iter().next().or_else(bare)
}

fn bracketed(text: &str) -> Vec<MessageId> {
    let after_open = text.split('<').skip(1);
    after_open
        .filter_map(|part| part.split_once('>'))
        .filter_map(|(id, _)| MessageId::new(id))
        .take(MOST_IN_A_FIELD)
        .collect()
}

fn bare(text: &str) -> Vec<MessageId> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';' || c == '"');
    words.filter(|word| word.contains('@')).filter_map(MessageId::new).take(MOST_IN_A_FIELD).collect()
}

/// The ids that a message refers to, best first: In-Reply-To, then References from the newest; each
/// once; of a long list the newest ones and the first, which is where the seed stands.
pub fn parents(in_reply_to: &[MessageId], references: &[MessageId]) -> Vec<MessageId> {
    let newest_first = in_reply_to.iter().chain(references.iter().rev());
    let mut parents: Vec<MessageId> = Vec::new();
    for id in newest_first {
        if parents.len() < NEWEST && !parents.contains(id) {
            parents.push(id.clone());
        }
    }
    parents.extend(references.first().filter(|first| !parents.contains(first)).cloned());
    parents
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("<a@b>", "a@b")]
    #[case(" <a@b>\r\n\t<c@d>", "a@b c@d")]
    #[case("<a@b>,<c@d>, <e@f>", "a@b c@d e@f")]
    #[case("\"<a@b>\"", "a@b")]
    #[case("<a@b> <cut@off", "a@b")]
    #[case("a@b", "a@b")]
    #[case("Your message of Monday", "")]
    #[case("Your message of Monday <a@b>", "a@b")]
    #[case("<a@b@c> <no-at>", "a@b@c no-at")]
    #[case("<a\r\n @b>", "a@b")]
    #[case("<> < >", "")]
    #[case("", "")]
    fn ids_are_read(#[case] value: &str, #[case] expect: &str) {
        let found: Vec<String> = read(value.as_bytes()).iter().map(|id| id.as_str().to_owned()).collect();
        assert_eq!(found.join(" "), expect);
    }

    #[test]
    fn a_long_list_keeps_the_newest_and_the_first() {
        let id = |number: usize| MessageId::new(&format!("{number}@x")).unwrap();
        let references: Vec<MessageId> = (0..400).map(id).collect();
        let parents = parents(&[id(399)], &references);
        assert_eq!(parents.len(), 33);
        assert_eq!((parents.first(), parents.get(31), parents.last()), (Some(&id(399)), Some(&id(368)), Some(&id(0))));
    }
}
