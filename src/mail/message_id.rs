//! Message identifiers: the msg-id of RFC 5322 §3.6.4.

use std::fmt;

/// The text of a msg-id, without its angle brackets.
///
/// Compared octet for octet: ids are opaque, and only their maker may fold case. Holds no angle
/// bracket, no white space and no control character, so it can be written into a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct MessageId(String);

impl MessageId {
    /// RFC 5322 gives no bound but the line; longer ones are not ids but attacks on our memory.
    const LONGEST: usize = 990;

    /// An id from the text between the brackets.
    ///
    /// Lenient: a missing or second `@` is seen in practice; white space inside is dropped, since
    /// it comes from folding. `None` for an empty text or one that could leave a header field.
    pub fn new(text: &str) -> Option<Self> {
        let id: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let legal = |c: char| !c.is_control() && c != '<' && c != '>';
        (!id.is_empty() && id.len() <= Self::LONGEST && id.chars().all(legal)).then_some(Self(id))
    }

    /// The id without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `@`.
    pub fn left(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(left, _)| left)
    }
}

impl fmt::Display for MessageId {
    /// With its angle brackets, as in a header field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_always_be_written_into_a_field() {
        for text in ["", " ", "a\u{0}b", "a>b", "<a@b>", &"x".repeat(991)] {
            assert_eq!(MessageId::new(text), None, "{text:?}");
        }
        assert_eq!(MessageId::new("a@\r\n b@c").unwrap().to_string(), "<a@b@c>");
    }
}
