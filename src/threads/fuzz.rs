//! Tokens: nobody else makes one, and a signed one that is changed in any bit is none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use std::fs;
use std::sync::LazyLock;

use data_encoding::BASE32_NOPAD_NOCASE;

use super::token::{LENGTH, Purpose, Token};
use crate::mail::PersonaTag;
use crate::signing::Keys;

const PURPOSES: [Purpose; 4] = [Purpose::Seed, Purpose::Reply, Purpose::ReturnOfForward, Purpose::ReturnOfOutbound];

/// Always the same, so that what went wrong once goes wrong again.
static KEYS: LazyLock<[Keys; 2]> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    [1, 2].map(|octet| {
        let path = folder.path().join(octet.to_string());
        fs::write(&path, data_encoding::BASE64.encode(&[octet; 32])).unwrap();
        Keys::load(&path).unwrap()
    })
});

/// Takes `input` for a token; then seals one from its octets, and changes it.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let [keys, other_keys] = &*KEYS;
    never_opens(&String::from_utf8_lossy(input), keys);

    let octet = |index: usize| input.get(index).copied().unwrap_or_default();
    let token = Token {
        purpose: PURPOSES[usize::from(octet(0) % 4)],
        persona: PersonaTag([1, 2, 3, 4].map(octet)),
        id: [5, 6, 7, 8, 9, 10, 11, 12].map(octet),
    };
    let text = token.seal(keys);
    assert_eq!(text.len(), LENGTH);
    for purpose in PURPOSES {
        let expected = (purpose == token.purpose).then_some(token);
        assert_eq!(Token::open(&text, purpose, keys), expected);
        assert_eq!(Token::open(&text.to_uppercase(), purpose, keys), expected);
    }
    never_opens(&text, other_keys);
    with_one_bit_changed(&text, usize::from(octet(13)), keys);
    with_another_character(&text, usize::from(octet(14)), &input[input.len().min(15)..], keys);
}

fn with_one_bit_changed(text: &str, bit: usize, keys: &Keys) {
    let mut octets = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).unwrap();
    let bit = bit % (octets.len() * 8);
    octets[bit / 8] ^= 1 << (bit % 8);
    never_opens(&BASE32_NOPAD_NOCASE.encode(&octets), keys);
}

/// What a mail program may do to a text: something else at one place of it.
fn with_another_character(text: &str, at: usize, other: &[u8], keys: &Keys) {
    let other = String::from_utf8_lossy(other);
    let (before, after) = text.split_at(at % LENGTH);
    let changed = format!("{before}{other}{}", &after[1..]);
    if !changed.eq_ignore_ascii_case(text) {
        never_opens(&changed, keys);
    }
    never_opens(&format!("{text}{}", &text[..1 + at % LENGTH]), keys);
}

fn never_opens(text: &str, keys: &Keys) {
    for purpose in PURPOSES {
        assert_eq!(Token::open(text, purpose, keys), None, "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_bit_can_be_changed() {
        for bit in 0..200 {
            target(&[b"\x01abcd12345678", &[bit][..], b"\x07x"].concat());
        }
    }

    proptest! {
        #[test]
        fn texts_that_are_nearly_tokens(text in "[a-z2-7]{13,15}[a-z2-7=@ é]{0,27}") {
            target(text.as_bytes());
        }
    }
}
