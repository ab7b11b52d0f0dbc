//! Lists of message ids: In-Reply-To and References as they really come.
//!
//! Lenient, since a cut, folded, quoted, encoded or escaped list still names messages (SIGNALS, complaint 9), and
//! bounded, since a stranger writes it: each octet is looked at a few times, however it is written.
//!
//! Ids are compared octet for octet (RFC 5322 §3.6.4): a relay that writes them in another case makes others of
//! them. The signed ones are known in any case all the same, since what they hold is read in any.

use std::borrow::Cow;
use std::collections::VecDeque;

use mail_parser::parsers::MessageStream;

use super::comments::{length_of_pair, without_comments};
use crate::mail::MessageId;

/// No more than this many ids of the fields of one name count: the newest, and the first one.
const MOST: usize = 1000;
/// How many ids of a message count: the newest 32 and the first one (DESIGN section 5).
const NEWEST: usize = 32;
/// No encoded word is longer: RFC 2047 §2 allows 75 octets, a line has no more than this.
const LONGEST_WORD: usize = 998;

/// The ids of one field's raw value, in order.
///
/// With brackets: what stands between them, outside comments; an id that is cut off at the beginning or at the end
/// is none. Without any bracket (seen in practice: "In-Reply-To: a@b"): the words, where each has an `@`.
pub fn read(value: &[u8]) -> Vec<MessageId> {
    read_all([value])
}

/// The ids of several fields of one name, in their order. RFC 5322 §3.6 allows one; seen in practice: more.
pub fn read_all<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<MessageId> {
    let mut all = VecDeque::new();
    let mut keep = |id| {
        all.push_back(id);
        if all.len() > MOST {
            all.remove(1);
        }
    };
    for value in values {
        let text = plain(&String::from_utf8_lossy(value));
        if text.contains('<') {
            bracketed(&text).for_each(&mut keep);
        } else {
            bare(&text).for_each(&mut keep);
        }
    }
    all.into()
}

/// The id in a message's own Message-ID field: between brackets, or (seen in practice) a bare word.
pub fn read_own(value: &[u8]) -> Option<MessageId> {
    let text = plain(&String::from_utf8_lossy(value));
    let bare = || text.split_whitespace().next().filter(|_| !text.contains('<'));
    let bare = || decoded(MessageId::new(bare()?)?);
    bracketed(&text).next().or_else(bare)
}

/// The ids between brackets. Doubled ones count once (seen in practice: `<<a@b>>`).
fn bracketed(text: &str) -> impl Iterator<Item = MessageId> {
    let mut pieces = text.split('<');
    let has_words = |text: &str| text.contains(char::is_alphanumeric);
    let begins_with_words = pieces.next().is_some_and(has_words);
    let mut pieces = pieces.enumerate().peekable();
    let id = move || {
        let (place, piece) = pieces.next()?;
        let closed = piece.split_once('>');
        // Seen in practice: `Message from Ann <ann@customer.example> of "Mon, 1 Jan" <a@b>`.
        let is_in_a_phrase = place == 0 && begins_with_words && pieces.peek().is_some();
        let is_address = |after: &str| is_in_a_phrase && has_words(after);
        Some(closed.filter(|(_, after)| !is_address(after)).and_then(|(id, _)| decoded(MessageId::new(id)?)))
    };
    std::iter::from_fn(id).flatten()
}

/// Seen in practice: brackets around an encoded word. One that cannot be decoded is no id.
fn decoded(id: MessageId) -> Option<MessageId> {
    let is_encoded = |text: &str| text.starts_with("=?") && text.ends_with("?=");
    if !is_encoded(id.as_str()) {
        return Some(id);
    }
    let text = undisguised(id.as_str());
    MessageId::new(text.trim_matches(['<', '>'])).filter(|id| !is_encoded(id.as_str()))
}

/// The words of a list without brackets. A phrase is none: "ann@customer.example's message of Monday". The last
/// word may be cut.
fn bare(text: &str) -> impl Iterator<Item = MessageId> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"'));
    let words: Vec<&str> = words.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).collect();
    let is_list = words.split_last().is_some_and(|(_, others)| others.iter().all(|word| word.contains('@')));
    let ids = words.into_iter().filter(move |word| is_list && word.contains('@'));
    ids.filter_map(|word| decoded(MessageId::new(word)?))
}

/// A value without comments (seen in practice: `<a@b> (Ann <ann@customer.example>'s message of Monday)`), with its encoded words decoded and its escaped brackets unescaped. What stands between
/// brackets stays as it is: an id may hold anything that looks so.
fn plain(text: &str) -> String {
    without_comments(&undisguised(text))
}

/// Seen in practice: the list in encoded words (RFC 2047 §5 forbids it), several in a row; and brackets as HTML has them.
fn undisguised(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_after_word = false;
    let mut rest = text;
    while let Some(at) = rest.find(['<', '=', '&']) {
        let (before, here) = rest.split_at(at);
        let word = encoded_word(here);
        // RFC 2047 §6.2: white space between two encoded words is none of the text.
        if !is_after_word || word.is_none() || !before.trim().is_empty() {
            plain.push_str(before);
        }
        is_after_word = word.is_some();
        let (read, length) = word.unwrap_or_else(|| unescaped(here));
        plain.push_str(&read);
        rest = here.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The encoded word that a text begins with, decoded, and its length.
fn encoded_word(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let rest = text.strip_prefix('=').filter(|rest| rest.starts_with('?'))?.as_bytes();
    let mut stream = MessageStream::new(rest.get(..LONGEST_WORD).unwrap_or(rest));
    let word = stream.decode_rfc2047()?;
    Some((Cow::Owned(word), "=".len() + stream.offset()))
}

/// The bracket that a text begins with, unescaped, or a whole pair; else its first octet.
fn unescaped(text: &str) -> (Cow<'_, str>, usize) {
    for (escaped, bracket) in [("&lt;", "<"), ("&gt;", ">")] {
        if text.starts_with(escaped) {
            return (bracket.into(), escaped.len());
        }
    }
    let length = length_of_pair(text).unwrap_or(1);
    (text.get(..length).unwrap_or_default().into(), length)
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
    use crate::message::Message;

    fn check(value: &str, expect: &str) {
        let found: Vec<String> = read(value.as_bytes()).iter().map(|id| id.as_str().to_owned()).collect();
        assert_eq!(found.join(" "), expect, "{value:?}");
    }

    #[rstest]
    #[case::one("<a@b>", "a@b")]
    #[case::folded(" <a@b>\r\n\t<c@d>", "a@b c@d")]
    #[case::folded_inside("<a\r\n @b> <c@\r\n\td>", "a@b c@d")]
    #[case::spaces("< a @ b >", "a@b")]
    #[case::commas("<a@b>,<c@d>, <e@f>", "a@b c@d e@f")]
    #[case::semicolons("<a@b>;<c@d>; <e@f>;", "a@b c@d e@f")]
    #[case::nothing_between("<a@b><c@d>", "a@b c@d")]
    #[case::quoted("\"<a@b>\"", "a@b")]
    #[case::quoted_singly("'<a@b>' '<c@d>'", "a@b c@d")]
    #[case::doubled("<<a@b>> <<c@d>>", "a@b c@d")]
    #[case::escaped("&lt;a@b&gt; &lt;c@d&gt;", "a@b c@d")]
    #[case::half_escaped("<a@b&gt; <c@d>", "a@b c@d")]
    #[case::escaped_within("<a&lt;b@c>", "a&lt;b@c")]
    #[case::many_signs("<a@b@c> <no-at>", "a@b@c no-at")]
    #[case::empty("<> < >", "")]
    #[case::nothing("", "")]
    fn brackets(#[case] value: &str, #[case] expect: &str) {
        check(value, expect);
    }

    #[rstest]
    #[case::one("a@b", "a@b")]
    #[case::several("a@b, c@d;e@f\r\n g@h", "a@b c@d e@f g@h")]
    #[case::quoted("\"a@b\" 'c@d'", "a@b c@d")]
    #[case::with_a_comment("a@b (Ann's message)", "a@b")]
    #[case::cut_at_its_end("a@b c", "a@b")]
    #[case::cut_at_its_beginning("@b> c@d", "c@d")]
    #[case::phrase("Your message of Monday", "")]
    #[case::address_in_a_phrase("ann@customer.example's message of Monday", "")]
    fn no_brackets(#[case] value: &str, #[case] expect: &str) {
        check(value, expect);
    }

    #[rstest]
    #[case::quoted_printable("=?utf-8?Q?=3Ca=40b=3E?=", "a@b")]
    #[case::base64("=?us-ascii?B?PGFAYj4=?=", "a@b")]
    #[case::in_another_charset("=?utf-16?B?//48AGEAQABiAD4A?=", "a@b")]
    #[case::several("=?utf-8?Q?=3Ca=40b=3E?= =?utf-8?Q?=3Cc=40d=3E?=", "a@b c@d")]
    #[case::cut_into_words("=?utf-8?Q?=3Ca=40?=\r\n =?utf-8?Q?b=3E_=3Cc?=\r\n\t=?utf-8?Q?=40d=3E?=", "a@b c@d")]
    #[case::brackets_not_encoded("=?utf-8?Q?<a=5Fx@b>?=", "a_x@b")]
    #[case::in_brackets("<=?utf-8?Q?a=40b?=> <=?utf-8?Q?=3Cc=40d=3E?=>", "a@b c@d")]
    #[case::beside_others("<a@b> =?utf-8?Q?=3Cc=40d=3E?= <e@f>", "a@b c@d e@f")]
    #[case::without_brackets("=?utf-8?Q?a=40b?=", "a@b")]
    #[case::cut_off("<a@b> =?utf-8?Q?=3Cc=40d=3", "a@b")]
    #[case::only_its_end_is_cut_off("=?utf-8?Q?=3Ca=40b=3E?= =?utf-8?Q?=3Cc=40", "a@b")]
    #[case::nothing_but_cut("=?utf-8?Q?=3Ca=40b", "")]
    #[case::no_words("<=?=@b> <a=?utf-8?Q?b?=@c>", "=?=@b a=?utf-8?Q?b?=@c")]
    #[case::encoded_twice("<=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?=>", "")]
    fn encoded_words(#[case] value: &str, #[case] expect: &str) {
        check(value, expect);
    }

    #[rstest]
    #[case::of_mh("Your message of \"Mon, 1 Jan 2024 10:00:00 +0000\"\r\n <a@b>", "a@b")]
    #[case::address("Your message of Monday to ann@customer.example <a@b>", "a@b")]
    #[case::address_in_brackets("Message from Ann <ann@customer.example> of \"Mon, 1 Jan\" <a@b>", "a@b")]
    #[case::two_messages("<a@b> and also <c@d>", "a@b c@d")]
    #[case::of_gnus("<a@b> (Ann's message of \"Mon, 1 Jan\")", "a@b")]
    #[case::address_in_a_comment("<a@b> (Ann <ann@customer.example>'s message (of Monday)) <c@d>", "a@b c@d")]
    #[case::comments_in_an_id("<a(b)c@d> (e) <f)g@h>", "a(b)c@d f)g@h")]
    #[case::no_comment("I am glad :-) <a@b> :-( <c@d>", "a@b c@d")]
    fn phrases_and_comments(#[case] value: &str, #[case] expect: &str) {
        check(value, expect);
    }

    #[rstest]
    #[case::at_the_end("<a@b> <cut@off", "a@b")]
    #[case::at_the_beginning("off@cut> <a@b>", "a@b")]
    #[case::in_the_middle("<a@b> <cut@o <c@d>", "a@b c@d")]
    #[case::to_nothing("<cut@off", "")]
    #[case::nul("<a\0@b> <c@d>", "c@d")]
    fn an_id_that_is_broken_is_none_and_the_others_count(#[case] value: &str, #[case] expect: &str) {
        check(value, expect);
    }

    #[test]
    fn octets_that_are_no_text_break_nothing() {
        let ids = read(b"\xff<a\xe9@b>\x80<c@d>\xc3");
        assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["a\u{fffd}@b", "c@d"]);
    }

    #[test]
    fn several_fields_are_one_list() {
        let ids = read_all([&b"<a@b>"[..], b"c@d", b"<e@f> <g@h>"]);
        assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["a@b", "c@d", "e@f", "g@h"]);
    }

    #[rstest]
    #[case("<a@b>", Some("a@b"))]
    #[case("a@b", Some("a@b"))]
    #[case("no-at c@d", Some("no-at"))]
    #[case("=?utf-8?q?=3Ca=40b=3E?=", Some("a@b"))]
    #[case("(made by x) <a@b>", Some("a@b"))]
    #[case("<a@b", None)]
    #[case("", None)]
    fn its_own(#[case] value: &str, #[case] expect: Option<&str>) {
        assert_eq!(read_own(value.as_bytes()).as_ref().map(MessageId::as_str), expect);
    }

    #[test]
    fn a_list_that_is_too_long_keeps_the_newest_and_the_first() {
        let list: String = (0..5000).map(|n| format!("<{n}@{}.example>\r\n ", "x".repeat(40))).collect();
        let ids = read(list.as_bytes());
        let left = |id: Option<&MessageId>| id.map(|id| id.left().to_owned()).unwrap();
        assert_eq!(ids.len(), 1000);
        assert_eq!([left(ids.first()), left(ids.get(1)), left(ids.last())], ["0", "4001", "4999"]);
    }

    /// Each of these made for slow reading; the test ends, in a debug build, before anybody wonders.
    #[test]
    fn what_is_written_to_be_slow_is_read_over() {
        for piece in
            ["<", ">", "(", ")", "((<", "=?", "=?aa?q?", "=?aa?b?", "=?aa?q?=20 ", "&lt;", "<=?aa?q?a?=>", "a@b ", "\""]
        {
            let long = piece.repeat((128 << 10) / piece.len());
            assert!(read(long.as_bytes()).len() <= MOST, "{piece}");
        }
    }

    #[test]
    fn the_order_of_fields_is_none_of_the_order_of_parents() {
        let fields = ["In-Reply-To: <c@d> <e@f>", "References: <a@b> <c@d>", "references: <g@h>", "Subject: <x@y>"];
        let parents = |order: [usize; 4]| {
            let text: String = order.map(|place| format!("{}\r\n", fields[place])).concat();
            let message = Message::read(format!("{text}\r\n").into());
            message.parents().iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
        };
        for order in [[0, 1, 2, 3], [1, 0, 2, 3], [3, 1, 2, 0], [1, 3, 0, 2]] {
            assert_eq!(parents(order), "c@d e@f g@h a@b", "{order:?}");
        }
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
