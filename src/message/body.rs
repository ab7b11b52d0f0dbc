//! The body as a rule reads it: what a person sees, each text as one line.
//!
//! Mail programs wrap lines where they like, and HTML has none. So any run of white space is one space, and
//! what nobody sees, such as a soft hyphen, is nothing. Quotations are part of what a person sees.

use super::text_part::Quoted;
use super::{Message, Mime};

impl Message {
    /// The texts that a person sees, decoded, HTML made plain, as far as they are looked at: one for each text part
    /// that is not attached. Parts that say the same are one.
    pub fn body_texts(&self, mime: Mime) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for text in self.text_parts(mime, Quoted::Read).map(|text| flowing(&text)) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// A text without its lines.
pub(super) fn flowing(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let seen = text.chars().filter(|c| !is_unseen(*c));
    for c in seen.map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }) {
        if c != ' ' || !(line.is_empty() || line.ends_with(' ')) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// What divides a word without being seen.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    fn texts(message: &str) -> Vec<String> {
        Message::read(Bytes::from(message.replace('\n', "\r\n"))).body_texts(Mime::default())
    }

    const TWO: &str = "Content-Type: multipart/mixed; boundary=b\n\n--b\n";

    #[rstest]
    #[case("Subject: x\n\nI want\nmy  money\n\nback \n", &["I want my money back"])]
    #[case("Subject: x\n\n> quoted\nmine\n", &["> quoted mine"])]
    #[case("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nR=FCck=\nerstattung\n", &["Rückerstattung"])]
    #[case("Content-Type: text/html\n\n<style>p {}</style><p>a&nbsp;re<b>fund</b></p><div style='display:none'>no</div><blockquote>said</blockquote>\n", &["a refund said"])]
    #[case("Content-Type: text/plain; charset=utf-8\n\nre\u{ad}fu\u{200b}nd\n", &["refund"])]
    #[case("Subject: x\n\n \n", &[])]
    #[case("Content-Type: application/pdf\n\nrefund\n", &[])]
    #[case("Content-Type: text/plain; name=a.txt\n\nrefund\n", &[])]
    fn what_a_person_sees(#[case] message: &str, #[case] expected: &[&str]) {
        assert_eq!(texts(message), expected);
    }

    #[test]
    fn every_text_part_is_read_and_none_that_is_attached() {
        let plain = "\none\n--b\n";
        let html = "Content-Type: text/html\n\n<p>two</p>\n--b\n";
        let same = "Content-Type: text/html\n\n<p>one</p>\n--b\n";
        let attached = "Content-Disposition: attachment\n\nthree\n--b\n";
        assert_eq!(texts(&format!("{TWO}{plain}{html}{same}{attached}--\n")), ["one", "two"]);
    }

    proptest::proptest! {
        #[test]
        fn a_text_that_flows_has_no_white_space_but_single_spaces(text in proptest::prelude::any::<String>()) {
            let line = flowing(&text);
            proptest::prop_assert!(!line.contains("  ") && line.trim() == line);
            proptest::prop_assert!(!line.contains(|c: char| c != ' ' && (c.is_whitespace() || c.is_control())));
        }
    }
}
