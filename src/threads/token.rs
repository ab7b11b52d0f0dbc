//! Tokens: 25 octets that carry a persona and an id through other people's mail programs.
//!
//! One octet of version and purpose, four of persona tag, eight of id, twelve of HMAC-SHA-256 over
//! the thirteen before. Written as 40 characters of base32, lower case; read in any case. A token
//! is valid only for its purpose: every customer can read a seed, and must not be able to make a
//! reply address or a return path of it.

use data_encoding::BASE32_NOPAD_NOCASE;

use crate::mail::{Domain, MessageId, PersonaTag};
use crate::signing::Keys;

const VERSION: u8 = 1 << 4;
const SIGNED: usize = 13;
const OCTETS: usize = 25;
/// Characters of a written token.
pub const LENGTH: usize = 40;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::FromRepr)]
#[repr(u8)]
pub enum Purpose {
    /// First in References of an automated message; the id is the thread.
    Seed = 1,
    /// In the subaddress of a Reply-To; the id is the thread.
    Reply = 2,
    /// In the reverse path of what we forward; the id is the forwarded copy.
    ReturnOfForward = 3,
    /// In the reverse path of an automated message; the id is the thread.
    ReturnOfOutbound = 4,
}

/// A verified token, or one to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// What it may be used for.
    pub purpose: Purpose,
    /// The persona it belongs to.
    pub persona: PersonaTag,
    /// The thread, or the forwarded copy.
    pub id: [u8; 8],
}

impl Token {
    /// Signs the token with the newest key and writes it.
    pub fn seal(&self, keys: &Keys) -> String {
        let signed = self.signed();
        let tag: [u8; OCTETS - SIGNED] = keys.sign(&signed);
        BASE32_NOPAD_NOCASE.encode(&[signed.as_slice(), &tag].concat()).to_lowercase()
    }

    /// Reads a written token; `None` unless it is whole, ours, and for `purpose`.
    pub fn open(text: &str, purpose: Purpose, keys: &Keys) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let octets = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok()?;
        let (signed, tag) = octets.split_at_checked(SIGNED)?;
        let token = Self::read(signed)?;
        (keys.verify(signed, tag) && token.purpose == purpose).then_some(token)
    }

    /// Whether a text is written like a token, whole or a little cut, whoever made it; the ids that we mint are
    /// shorter.
    pub fn resembles(text: &str) -> bool {
        let is_base32 = |octet: u8| octet.is_ascii_alphabetic() || (b'2'..=b'7').contains(&octet);
        (LENGTH - 7..=LENGTH + 8).contains(&text.len()) && text.bytes().all(is_base32)
    }

    /// The token as the left part of an ordinary message id.
    pub fn message_id(&self, keys: &Keys, domain: &Domain) -> MessageId {
        MessageId::new(&format!("{}@{domain}", self.seal(keys))).expect("a token and a domain hold no bracket")
    }

    fn signed(&self) -> [u8; SIGNED] {
        let mut signed = [0; SIGNED];
        let octets = [VERSION | self.purpose as u8].into_iter().chain(self.persona.0).chain(self.id);
        signed.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        signed
    }

    fn read(signed: &[u8]) -> Option<Self> {
        let (&first, rest) = signed.split_first()?;
        let purpose = Purpose::from_repr(first.checked_sub(VERSION)?)?;
        let (tag, id) = rest.split_at_checked(4)?;
        Some(Self { purpose, persona: PersonaTag(tag.try_into().ok()?), id: id.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mail::PersonaName;

    const PURPOSES: [Purpose; 4] = [Purpose::Seed, Purpose::Reply, Purpose::ReturnOfForward, Purpose::ReturnOfOutbound];

    fn token() -> Token {
        let persona = PersonaTag::of(&PersonaName("sophie".into()));
        Token { purpose: Purpose::Seed, persona, id: [1, 2, 3, 4, 5, 6, 7, 8] }
    }

    #[test]
    fn a_token_survives_any_case_and_serves_one_purpose() {
        let keys = Keys::generate().unwrap();
        let text = token().seal(&keys);
        assert_eq!(text.len(), LENGTH);
        assert_eq!(Token::open(&text.to_uppercase(), Purpose::Seed, &keys), Some(token()));
        for other in [Purpose::Reply, Purpose::ReturnOfForward, Purpose::ReturnOfOutbound] {
            assert_eq!(Token::open(&text, other, &keys), None);
        }
    }

    #[test]
    fn another_installation_and_a_cut_are_refused() {
        let keys = Keys::generate().unwrap();
        let text = token().seal(&keys);
        assert_eq!(Token::open(&text, Purpose::Seed, &Keys::generate().unwrap()), None);
        for length in 0..LENGTH {
            assert_eq!(Token::open(&text[..length], Purpose::Seed, &keys), None);
        }
    }

    proptest! {
        #[test]
        fn one_changed_bit_breaks_a_token_and_so_does_a_wrong_purpose(
            purpose in 0..PURPOSES.len(), persona in any::<[u8; 4]>(), id in any::<[u8; 8]>(),
        ) {
            let keys = Keys::generate().unwrap();
            let token = Token { purpose: PURPOSES[purpose], persona: PersonaTag(persona), id };
            let text = token.seal(&keys);
            let octets = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).unwrap();
            for purpose in PURPOSES {
                prop_assert_eq!(Token::open(&text, purpose, &keys), (purpose == token.purpose).then_some(token));
                for bit in 0..OCTETS * 8 {
                    let mut changed = octets.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let changed = BASE32_NOPAD_NOCASE.encode(&changed);
                    prop_assert_eq!(Token::open(&changed, purpose, &keys), None, "bit {}", bit);
                }
            }
        }

        #[test]
        fn any_text_is_answered(text in ".{0,60}") {
            prop_assert_eq!(Token::open(&text, Purpose::Seed, &Keys::generate().unwrap()), None);
        }
    }
}
