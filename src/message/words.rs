//! Encoded words (RFC 2047): text that is not ASCII, in a header field that may hold nothing else.

use data_encoding::BASE64;

/// Octets that fit into one encoded word of 75 characters, as base64 (RFC 2047 §2).
const IN_A_WORD: usize = 45;

/// A text as a header field may hold it: ASCII as it is, all else in encoded words.
pub fn encoded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_none_or(|word| word.len() + c.len_utf8() > IN_A_WORD) {
            words.push(String::new());
        }
        words.last_mut().into_iter().for_each(|word| word.push(c));
    }
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes())));
    // White space between encoded words is none of the text (RFC 2047 §6.2).
    encoded.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::message::Message;

    #[test]
    fn ascii_stays_as_it_is() {
        assert_eq!(encoded("sales & more"), "sales & more");
        assert_eq!(encoded("Büro"), "=?utf-8?B?QsO8cm8=?=");
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_as_it_was(text in "[a-zé]{1}[ a-zäöüß€😀]{0,120}[a-zé]{1}") {
            let field = format!("X-Team: {}\r\n\r\n", encoded(&text));
            prop_assert!(field.is_ascii());
            prop_assert!(field.split(' ').all(|word| text.is_ascii() || word.trim_end().len() <= 75));
            let message = Message::read(Bytes::from(field));
            let read: Vec<String> = message.texts("X-Team").collect();
            let blind = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(blind(&read.concat()), blind(&text));
        }
    }
}
