//! What fuzzing asks of what is read of a message, and of what is written into it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

pub mod header;
pub mod ids;
pub mod quoted;
pub mod returned;
pub mod splice;
pub mod subject;

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

    /// A line of a bounce that is right, or nearly.
    fn quoting() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "",
            "--b",
            "--b--",
            "Content-Type: multipart/report; boundary=b",
            "Content-Type: message/rfc822",
            "Content-Type: message/delivery-status",
            "Content-Type: text/plain",
            "Content-Transfer-Encoding: base64",
            "Content-Transfer-Encoding: quoted-printable",
            "Message-ID: <a@b>",
            "> Message-Id: <a@b> <c@d>",
            "Original-Message-ID: <e@f>",
            "References: <g@h>",
            "\t<i@j>",
            "TWVzc2FnZS1JRDogPGFAYj4=",
            "Message-ID: =3Ca=40b=3E",
        ])
    }

    /// A line of what mail systems write for people, or nearly.
    fn telling() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "",
            "From: MAILER-DAEMON@hop.example",
            "Subject: failure notice",
            "X-Failed-Recipients: ben@customer.example",
            "Content-Type: message/delivery-status",
            "Final-Recipient: rfc822; ben@customer.example",
            "Original-Recipient: utf-8;j\\x{F6}rg@customer.example",
            "Action: failed",
            "Action: delayed (yet)",
            "Status: 5.0.0",
            "Diagnostic-Code: smtp; 550 5.1.1 user unknown",
            "Hi. This is the qmail-send program at hop.example.",
            "The following address(es) failed:",
            "   ----- The following addresses had transient non-fatal errors -----",
            "<eva@customer.example>:",
            "  Ben@Customer.example: 450 4.2.2 mailbox full",
            "    (generated from team@customer.example)",
            "You do not need to resend your message",
            "550 <\"b en\"@customer.example>... no",
            "> quoted",
            "--- Below this line is a copy of the message.",
            "To: ann@customer.example",
        ])
    }

    proptest! {
        #[test]
        fn bounces_that_are_nearly_right(lines in proptest::collection::vec(telling(), 0..14)) {
            returned::target(lines.join("\r\n").as_bytes());
        }

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

        #[test]
        fn subjects_that_are_nearly_right(text in r"(re|Fwd|SV|RE |ΑΠ|Σ|ς|İ|回复|:|：|\[|\]|\(|\)|\^2|\(fwd\)|\[fwd:|a| ){0,12}") {
            subject::target(text.as_bytes());
        }

        #[test]
        fn reports_that_are_nearly_right(lines in proptest::collection::vec(quoting(), 0..12)) {
            quoted::target(lines.join("\r\n").as_bytes());
        }
    }
}
