//! What RFC 5321 allows and few clients send: odd paths, parameters in any order, second greetings.

use rstest::rstest;

use super::stage::{Stage, Taken, dialogue, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::{BareNewlines, Limits};

/// A transaction with these arguments; all of them must be taken.
async fn transaction(mail: &str, to: &str) -> Taken {
    let script = format!(
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:{mail}
         S: 250 2.1.0 sender ok
         C: RCPT TO:{to}
         S: 250 2.1.5 recipient ok
         C: DATA
         C: .
         C: QUIT
         S: 354 *
         S: 250 2.0.0 *
         S: 221 *
         S.",
    );
    dialogue(&script).await.remove(0)
}

#[rstest]
#[case::null("<>", "<>")]
#[case::null_after_a_space(" <> ", "<>")]
#[case::source_route("<@one.example,@two.example:ann@there.example>", "ann@there.example")]
#[case::source_route_of_a_literal("<@[IPv6:2001:db8::1]:ann@there.example>", "ann@there.example")]
#[case::quoted(r#"<"ann b"@there.example>"#, r#""ann b"@there.example"#)]
#[case::a_bracket_in_quotes(r#"<"ann>b<"@there.example>"#, r#""ann>b<"@there.example"#)]
#[case::an_at_in_quotes(r#"<"ann@b"@there.example>"#, r#""ann@b"@there.example"#)]
#[case::escapes_in_quotes(r#"<"a\"n>\\n"@there.example>"#, r#""a\"n>\\n"@there.example"#)]
#[case::what_looks_like_a_parameter(r#"<"a> SIZE=1"@there.example>"#, r#""a> SIZE=1"@there.example"#)]
#[case::ipv4_literal("<ann@[192.0.2.1]>", "ann@[192.0.2.1]")]
#[case::ipv6_literal("<ann@[IPv6:2001:DB8::1]>", "ann@[ipv6:2001:db8::1]")]
#[case::odd_atoms("<!#$%&'*+-/=?^_`{|}~@there.example>", "!#$%&'*+-/=?^_`{|}~@there.example")]
#[tokio::test]
async fn paths(#[case] path: &str, #[case] expect: &str) {
    assert_eq!(transaction(path, "<sophie@here.example>").await.reverse_path, expect);
    if expect != "<>" {
        assert_eq!(transaction("<>", path).await.recipients, [expect]);
    }
}

#[rstest]
#[case("<Postmaster>", "Postmaster")]
#[case("<postmaster>", "Postmaster")]
#[case("<POSTMASTER>", "Postmaster")]
#[case("<Postmaster@Here.Example>", "Postmaster@here.example")]
#[tokio::test]
async fn postmaster_needs_no_domain(#[case] path: &str, #[case] expect: &str) {
    assert_eq!(transaction("<>", path).await.recipients, [expect]);
}

#[rstest]
#[case("SIZE=100 BODY=8BITMIME SMTPUTF8", Some(100), true, true)]
#[case("smtputf8 body=8bitmime size=100", Some(100), true, true)]
#[case("Body=8BitMime  Size=0000100", Some(100), true, false)]
#[case("SmtpUtf8", None, false, true)]
#[case("BODY=7bit SIZE=0", None, false, false)]
#[tokio::test]
async fn parameters_in_any_order_and_case(
    #[case] parameters: &str,
    #[case] size: Option<u64>,
    #[case] eight_bit: bool,
    #[case] utf8: bool,
) {
    let taken = transaction(&format!("<ann@there.example> {parameters}"), "<sophie@here.example>").await;
    assert_eq!(taken.size, size);
    assert_eq!((taken.transport.eight_bit, taken.transport.utf8), (eight_bit, utf8));
}

#[tokio::test]
async fn paths_and_parameters_that_are_none() {
    let stage = || Stage::new(Protocol::Smtp, Limits { errors: 100, ..Limits::default() });
    dialogue_on(
        stage,
        r#"C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<Postmaster>
         S: 553 5.1.7 *
         C: MAIL FROM:<@one.example>
         S: 553 5.1.7 *
         C: MAIL FROM:<"ann@there.example>
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> SIZE=1 size=1
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> BODY=8BITMIME BODY=7BIT
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> BODY
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> SMTPUTF8=yes
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example>SIZE=1
         S: 501 5.5.4 *
         C: MAIL TO:<ann@there.example>
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<>
         S: 553 5.1.3 *
         C: RCPT TO:<sophie>
         S: 553 5.1.3 *
         C: RCPT FROM:<sophie@here.example>
         S: 501 5.5.4 *
         C: RCPT TO:<sophie@here.example> SIZE=1
         S: 555 5.5.4 *
         C: QUIT
         S: 221 *
         S."#,
    )
    .await;
}

#[tokio::test]
async fn the_last_greeting_counts() {
    let taken = dialogue(
        "C: HELO first.example
         S: 250 here.example
         C: MAIL FROM:<ann@there.example> SIZE=1
         S: 555 5.5.4 *
         C: EHLO second.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<ann@there.example> SIZE=1
         S: 250 2.1.0 *
         C: EHLO third.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: RCPT TO:<sophie@here.example>
         S: 503 5.5.1 need MAIL first
         C: EHLO
         S: 501 5.5.4 *
         C: MAIL FROM:<ben@there.example> SIZE=2
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example>
         S: 250 2.1.5 *
         C: DATA
         C: .
         S: 354 *
         S: 250 2.0.0 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((taken.helo.as_str(), taken.reverse_path.as_str()), ("third.example", "ben@there.example"));
    assert_eq!(taken.size, Some(2));
}

#[tokio::test]
async fn commands_that_change_nothing_may_come_anywhere() {
    let taken = dialogue(
        "C: noop
         C: RSET
         C: VRFY <sophie@here.example>
         C: vrfy jörg
         C: HELP MAIL
         C: NOOP a b c
         C: HELO there.example
         C: mAiL fRoM:<ann@there.example>
         C: Help
         C: VRFY sophie
         C: rcpt to:<sophie@here.example>
         C: NOOP
         C: EXPN staff
         C: VRFY
         C: EXPN
         C: DATA x
         C: data
         C: .
         C: Quit
         S: 250 2.0.0 ok
         S: 250 2.0.0 reset
         S: 252 2.1.5 *
         S: 252 2.1.5 *
         S: 214 2.0.0 *
         S: 250 2.0.0 ok
         S: 250 here.example
         S: 250 2.1.0 *
         S: 214 2.0.0 *
         S: 252 2.1.5 *
         S: 250 2.1.5 *
         S: 250 2.0.0 ok
         S: 502 5.5.1 *
         S: 501 5.5.4 *
         S: 502 5.5.1 *
         S: 501 5.5.4 *
         S: 354 *
         S: 250 2.0.0 taken for sophie@here.example
         S: 221 *
         S.",
    )
    .await;
    assert_eq!(taken.len(), 1);
}

fn normalizing() -> Stage {
    Stage::new(Protocol::Smtp, Limits { bare_newlines: BareNewlines::Normalize, ..Limits::default() })
}

/// `limits.bare_newlines = "normalize"`: for a device that was never taught CRLF.
#[tokio::test]
async fn a_client_that_knows_only_lf() {
    let taken = dialogue_on(
        normalizing,
        r"C| HELO there.example\nMAIL FROM:<>\nRCPT TO:<sophie@here.example>\nDATA\n
         S: 250 here.example
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 354 *
         C| Subject: x\n\n.\nQUIT\n.\r\nRSET\r.\r\r\n..\r\n\r\n.\r\nNOOP\rRSET\nQUIT\n
         S: 250 2.0.0 taken for sophie@here.example
         S: 550 5.5.2 bare CR or LF in a command line
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.text(), "Subject: x\r\n\r\n.\r\nQUIT\r\n.\r\nRSET . \r\n.\r\n\r\n");
}

#[tokio::test]
async fn in_lmtp_a_bare_newline_is_refused_or_normalized_too() {
    for (bare_newlines, reply) in [(BareNewlines::Refuse, "550 5.5.2 *"), (BareNewlines::Normalize, "250 2.0.0 *")] {
        let stage = || Stage::new(Protocol::Lmtp, Limits { bare_newlines, ..Limits::default() });
        let script = format!(
            r"C: LHLO there.example
             S: 250-here.example
             S: 250-PIPELINING
             S: 250-SIZE *
             S: 250-8BITMIME
             S: 250-ENHANCEDSTATUSCODES
             S: 250-CHUNKING
             S: 250 SMTPUTF8
             C: MAIL FROM:<>
             C: RCPT TO:<sophie@here.example>
             C: RCPT TO:<tom@here.example>
             C: DATA
             C| a\nb\rc\r\n.\r\n
             C: QUIT
             S: 250 2.1.0 *
             S: 250 2.1.5 *
             S: 250 2.1.5 *
             S: 354 *
             S: {reply}
             S: {reply}
             S: 221 *
             S."
        );
        let taken = dialogue_on(stage, &script).await;
        let texts: Vec<&str> = taken.iter().map(Taken::text).collect();
        match bare_newlines {
            BareNewlines::Refuse => assert!(texts.is_empty(), "{texts:?}"),
            BareNewlines::Normalize => assert_eq!(texts, ["a\r\nb c\r\n"]),
        }
    }
}
