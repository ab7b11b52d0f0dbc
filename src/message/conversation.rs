//! The conversation of Outlook and Exchange: the field Thread-Index.
//!
//! Its value is base64: 22 octets that the first message chose (a reserved one, five of time, sixteen of a GUID),
//! and five for each answer below it (Microsoft, MS-OXOMSG §2.2.1.3). Whoever answers copies the root.

use data_encoding::BASE64;

/// The root of a Thread-Index; `None` where the value is none.
pub(super) fn root(value: &str) -> Option<[u8; 22]> {
    // Long ones are folded, and where that was undone, white space is left.
    let written: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64.decode(written.as_bytes()).ok()?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AQHYz1Qk3n3yIu1TzkGq6y4B3pK1Fw==", true)]
    #[case("AQHYz1Qk3n3yIu1TzkGq6y4B3pK1F64AAAAA", true)]
    #[case("AQHYz1Qk3n3yIu1T zkGq6y4B3pK1F64AAAAA", true)]
    #[case("AQHYz1Qk3n3yIu1TzkGq6y4B3pK1F", false)]
    #[case("AQHYz1Q=", false)]
    #[case("no base64 at all", false)]
    #[case("", false)]
    fn a_root_is_read_or_there_is_none(#[case] value: &str, #[case] is_one: bool) {
        assert_eq!(root(value).is_some(), is_one, "{value:?}");
    }

    #[test]
    fn an_answer_has_the_root_of_what_it_answers() {
        assert_eq!(root("AQHYz1Qk3n3yIu1TzkGq6y4B3pK1Fw=="), root("AQHYz1Qk3n3yIu1TzkGq6y4B3pK1FwAAAAAB"));
    }
}
