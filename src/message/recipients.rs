//! Recipients: whom a message was for, as servers and clients write it into its fields.
//!
//! Each server has its own field for the recipient of the envelope; none is in a standard but Original-Recipient (RFC
//! 8098 §2.3), Delivered-To (RFC 9228) and the `for` of Received (RFC 5321 §4.4). The surest comes first: what a server
//! wrote about the envelope, then what the author wrote, then what servers noted on the way.

use super::Message;
use super::comments::without_comments;
use crate::mail::Address;

/// Where servers and clients write the recipient, the surest first.
const FIELDS: [&str; 20] = [
    // Postfix, qmail, Exim and Sendmail, Gmail.
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
    "X-Forwarded-To",
    "X-RCPT-To",
    "X-Real-To",
    // Fastmail, MDaemon, Yahoo, SpamAssassin's list.
    "X-Original-Delivered-To",
    "X-Resolved-To",
    "X-MDRcpt-To",
    "X-Apparently-To",
    "Envelope-Recipients",
    "Original-Recipient",
    "Apparently-To",
    // Seen in practice, of Gmail: the address that forwards, and where it forwards to.
    "X-Forwarded-For",
    "Resent-To",
    "To",
    "Cc",
    "Resent-Cc",
];
/// No more addresses of them are looked at.
const MOST: usize = 100;

impl Message {
    /// The addresses in the fields where servers and clients write recipients, each as it stands, and once; of
    /// Received last of all. Bounded.
    pub fn recipients(&self) -> Vec<Address> {
        let named = FIELDS.iter().flat_map(|name| self.addresses_in(name));
        let of_received = self.values("Received").flat_map(|value| received_for(&value));
        let mut recipients: Vec<Address> = Vec::new();
        for address in named.chain(of_received).take(MOST) {
            if !recipients.contains(&address) {
                recipients.push(address);
            }
        }
        recipients
    }

    /// Whatever looks like an address in the fields of that name.
    pub fn addresses_in(&self, name: &str) -> Vec<Address> {
        self.values(name).flat_map(|value| address_like(&value)).take(MOST).collect()
    }
}

/// The addresses in the value of a recipient field: words with an `@`, whatever stands around them.
fn address_like(value: &str) -> Vec<Address> {
    words(value).into_iter().filter_map(address).collect()
}

/// The recipient of a Received field: `for <a@b>`, or (seen in practice) without brackets.
fn received_for(value: &str) -> Vec<Address> {
    let value = without_comments(value);
    let words = words(&value);
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.filter(|(word, _)| word.eq_ignore_ascii_case("for")).filter_map(|(_, next)| address(next)).collect()
}

fn address(word: &str) -> Option<Address> {
    // RFC 5321 §4.1.2: a source route before the address means nothing any more. Its hosts are words of their own, but
    // for the last one.
    let word = if word.starts_with('@') { word.split_once(':')?.1 } else { word };
    // Seen in practice: `mailto:a@b`, `SMTP:a@b`.
    let is_scheme = |scheme: &str| ["mailto", "smtp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let word = word.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).map_or(word, |(_, rest)| rest);
    word.parse().ok()
}

/// Cuts where no address goes on. A quoted local part is one word (RFC 5322 §3.4.1); other quotes divide.
fn words(value: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')');
    let mut words = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find(|c| !is_between(c) || c == '"') {
        rest = rest.get(start..).unwrap_or_default();
        let quoted = length_of_quoted(rest).unwrap_or_default();
        let end = rest.get(quoted..).and_then(|plain| plain.find(is_between)).map_or(rest.len(), |end| quoted + end);
        let (word, others) = rest.split_at(end);
        words.extend(Some(word).filter(|word| !word.is_empty()));
        // A quote that begins no local part is passed over.
        rest = others.strip_prefix('"').filter(|_| end == 0).unwrap_or(others);
    }
    words
}

/// The length of the quoted local part that a text begins with.
fn length_of_quoted(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    })?;
    let length = end + "\"\"".len();
    text.get(length..)?.starts_with('@').then_some(length)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    /// The recipients of a message that is written with LF.
    fn check(fields: &str, expect: &str) {
        let message = Message::read(Bytes::from(format!("{fields}\n\nbody\n").replace('\n', "\r\n")));
        let found: Vec<String> = message.recipients().iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), expect, "{fields:?}");
    }

    #[test]
    fn every_field_is_read_in_the_order_of_the_table() {
        let lines = |names: &mut dyn Iterator<Item = (usize, &&str)>| {
            names
                .map(|(place, name)| format!("{}: {place}@b.example", name.to_uppercase()))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let expect = (0..FIELDS.len()).map(|place| format!("{place}@b.example")).collect::<Vec<_>>().join(" ");
        check(&lines(&mut FIELDS.iter().enumerate()), &expect);
        check(&lines(&mut FIELDS.iter().enumerate().rev()), &expect);
    }

    #[rstest]
    #[case::upper_case("Delivered-To: SOPHIE+ABC@ACME.EXAMPLE", "SOPHIE+ABC@acme.example")]
    #[case::brackets(
        "To: Sophie <s@b.example>, \"Tom, T.\" <t@b.example>; u@b.example",
        "s@b.example t@b.example u@b.example"
    )]
    #[case::typed("Original-Recipient: rfc822;s@b.example", "s@b.example")]
    #[case::yahoo("X-Apparently-To: s@b.example; Mon, 1 Jan 2024 10:00:00 +0000", "s@b.example")]
    #[case::gmail("X-Forwarded-For: s@b.example t@c.example", "s@b.example t@c.example")]
    #[case::route("X-RCPT-To: <@x.example,@y.example:s@b.example>", "s@b.example")]
    #[case::address_as_a_link("To: <mailto:s@b.example>, SMTP:t@b.example", "s@b.example t@b.example")]
    #[case::quoted("To: \"Sophie\" <\"s m\"@b.example>", "\"s m\"@b.example")]
    #[case::quoted_with_quotes(r#"To: "s\"m"@b.example"#, r#""s\"m"@b.example"#)]
    #[case::address_as_a_name("To: \"s@b.example\" <t@b.example>", "s@b.example t@b.example")]
    #[case::quote_without_an_end("To: \"s@b.example", "s@b.example")]
    #[case::none("Delivered-To: mailing list\nTo: undisclosed-recipients:;", "")]
    #[case::no_address("To: @, @b, a@, <>", "")]
    fn of_other_fields(#[case] fields: &str, #[case] expect: &str) {
        check(fields, expect);
    }

    #[rstest]
    #[case::bracketed("from a by b with ESMTP id x for <s@b.example>; Mon, 1 Jan", "s@b.example")]
    #[case::bare("from a by b FOR s@b.example; Mon, 1 Jan", "s@b.example")]
    #[case::folded("from a\n\tby b\n\tfor <s@b.example>;\n\tMon", "s@b.example")]
    #[case::comments("from a (for <x@y.example>) by b (for t@y.example) for <s@b.example> (and others)", "s@b.example")]
    #[case::with_a_comment_between("from a by b for (the first) <s@b.example>", "s@b.example")]
    #[case::quoted("from a by b for <\"s m\"@b.example>; Mon", "\"s m\"@b.example")]
    #[case::other_addresses("from a@c.example by b (envelope-from <x@y.example>) id <i@b.example>; Mon", "")]
    #[case::no_address("from for by b; Mon", "")]
    fn of_received(#[case] value: &str, #[case] expect: &str) {
        check(&format!("Received: {value}"), expect);
    }

    #[test]
    fn received_comes_last_and_each_of_them_counts() {
        let fields = "Received: by a for <one@b.example>\nReceived: by a for <two@b.example>\nCc: three@b.example";
        check(fields, "three@b.example one@b.example two@b.example");
    }

    #[test]
    fn so_many_count() {
        let list = (0..200).map(|n| format!("{n}@b.example")).collect::<Vec<_>>().join(",");
        let message = Message::read(Bytes::from(format!("To: {list}\r\nCc: s@b.example\r\n\r\n")));
        assert_eq!(message.recipients().len(), MOST);
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_read(value in r#"("|\\|@|<|>|\(|\)|:|;|,| |for |a|b\.example|é){0,40}"#) {
            let words = words(&value);
            proptest::prop_assert!(words.iter().all(|word| !word.is_empty() && value.contains(word)));
            let _read = (address_like(&value), received_for(&value));
        }
    }
}
