//! What fuzzing asks of what is read of a message, and of what is written into it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

pub mod header;
pub mod ids;
pub mod splice;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line of a header section that is right, or nearly.
    fn line() -> impl Strategy<Value = String> {
        let name =
            "(From|To|Cc|Bcc|Subject|References|In-Reply-To|Message-ID|Received|Content-Type|X-A|[!-~]{0,3}) ?:?";
        let value = r#"( |\t|<|>|@|,|;|:|"|\\|\(|\)|a|b\.example|=\?utf-8\?[qb]\?|=C3=BC|w7w=|\?=|[ -~é]){0,12}"#;
        let end = prop_oneof![12 => Just("\r\n"), 3 => Just("\r\n "), 1 => Just("\n"), 1 => Just("\r")];
        (name, value, end).prop_map(|(name, value, end)| format!("{name}{value}{end}"))
    }

    proptest! {
        #[test]
        fn messages_that_are_nearly_right(lines in proptest::collection::vec(line(), 0..8), body in "(\r\n[ -~]{0,9}){0,3}") {
            let text = lines.concat() + &body;
            header::target(text.as_bytes());
            splice::target(text.as_bytes());
        }

        #[test]
        fn lists_of_ids_that_are_nearly_right(text in r#"(<|>|@|,|;|"|\r\n |\t|[ -~]|é|\x00){0,40}"#) {
            ids::target(text.as_bytes());
        }
    }
}
