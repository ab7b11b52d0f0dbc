//! The order of commands, and their arguments.

use super::stage::{Stage, dialogue, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::Limits;

#[tokio::test]
async fn a_typical_session() {
    let taken = dialogue(
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE 52428800
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<ann@there.example> SIZE=100 BODY=8BITMIME
         S: 250 2.1.0 sender ok
         C: RCPT TO:<sophie@here.example>
         S: 250 2.1.5 recipient ok
         C: RCPT TO:<nobody@here.example>
         S: 550 5.1.1 nobody here
         C: DATA
         S: 354 *
         C: Subject: hello
         C:
         C: ..
         C: .
         S: 250 2.0.0 taken for sophie@here.example
         C: QUIT
         S: 221 2.0.0 bye
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.helo, "there.example");
    assert_eq!(taken.reverse_path, "ann@there.example");
    assert_eq!(taken.recipients, ["sophie@here.example"]);
    assert_eq!(taken.text(), "Subject: hello\r\n\r\n.\r\n");
    assert_eq!(taken.size, Some(100));
    assert!(taken.transport.eight_bit && !taken.transport.utf8);
}

#[tokio::test]
async fn a_batch_in_one_packet() {
    let taken = dialogue(
        "C: EHLO there.example
         C: MAIL FROM:<>
         C: RCPT TO:<Sophie+Ab@Here.Example>
         C: RCPT TO:<Sophie+Ab@Here.Example>
         C: DATA
         C: one
         C: .
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<nobody@here.example>
         C: DATA
         C: RSET
         C: NOOP
         C: QUIT
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 *
         S: 250 2.1.0 *
         S: 550 5.1.1 *
         S: 503 5.5.1 no valid recipients
         S: 250 2.0.0 reset
         S: 250 2.0.0 ok
         S: 221 2.0.0 bye
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.reverse_path, "<>");
    assert_eq!(taken.recipients, ["Sophie+Ab@here.example", "Sophie+Ab@here.example"]);
    assert_eq!(taken.text(), "one\r\n");
}

#[tokio::test]
async fn the_order_of_commands() {
    let taken = dialogue(
        "C: MAIL FROM:<ann@there.example>
         S: 503 5.5.1 say hello first
         C: RCPT TO:<sophie@here.example>
         S: 503 5.5.1 need MAIL first
         C: DATA
         S: 503 5.5.1 need MAIL first
         C: LHLO there.example
         S: 500 5.5.1 *
         C: HELO there.example
         S: 250 here.example
         C: MAIL FROM:<first@there.example>
         S: 250 2.1.0 *
         C: MAIL FROM:<second@there.example>
         S: 503 5.5.1 a transaction is already open
         C: DATA
         S: 503 5.5.1 no valid recipients
         C: RCPT TO:<sophie@here.example>
         S: 250 2.1.5 *
         C: DATA
         S: 354 *
         C: .
         S: 250 2.0.0 *
         C: RCPT TO:<sophie@here.example>
         S: 503 5.5.1 need MAIL first
         C: QUIT
         S: 221 2.0.0 bye
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.reverse_path, "first@there.example");
    assert_eq!(taken.text(), "");
}

#[tokio::test]
async fn rset_and_another_greeting_end_a_transaction() {
    let taken = dialogue(
        "C: HELO there.example
         S: 250 here.example
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RSET
         S: 250 2.0.0 reset
         C: RCPT TO:<sophie@here.example>
         S: 503 5.5.1 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: HELO elsewhere.example
         S: 250 here.example
         C: RCPT TO:<sophie@here.example>
         S: 503 5.5.1 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: QUIT
         S: 221 2.0.0 bye
         S.",
    )
    .await;
    assert_eq!(taken, []);
}

#[tokio::test]
async fn parameters_need_ehlo() {
    dialogue(
        "C: HELO there.example
         S: 250 here.example
         C: MAIL FROM:<ann@there.example> SIZE=1
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example> BODY=8BITMIME
         S: 555 5.5.4 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn arguments_that_are_refused() {
    let stage = || Stage::new(Protocol::Lmtp, Limits { errors: 100, ..Limits::default() });
    dialogue_on(
        stage,
        "C: LHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<ann@there.example> SIZE=52428801
         S: 552 5.3.4 message too large
         C: MAIL FROM:<ann@there.example> BODY=BINARYMIME
         S: 504 5.5.4 *
         C: MAIL FROM:<ann@there.example> RET=HDRS
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example> SIZE=lots
         S: 501 5.5.4 *
         C: MAIL FROM:ann@there.example
         S: 501 5.5.4 *
         C: MAIL FROM:<ann>
         S: 553 5.1.7 *
         C: MAIL FROM:<j\u{f6}@there.example>
         S: 553 5.6.7 *
         C: MAIL FROM:<unwanted@there.example>
         S: 550 5.7.1 unwanted
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<>
         S: 553 5.1.3 *
         C: RCPT TO:<sophie@here example>
         S: 553 5.1.3 *
         C: RCPT TO:<s\u{f6}phie@here.example>
         S: 553 5.6.7 *
         C: RCPT TO:<sophie@here.example> NOTIFY=NEVER
         S: 555 5.5.4 *
         C: RCPT TO:<later@here.example>
         S: 451 4.7.1 later
         C: RCPT TO:<terse@here.example>
         S: 250 2.0.0 terse
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn addresses_arrive_as_they_were_written() {
    let taken = dialogue(
        r#"C: EHLO (there)
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: mail from: <"a>b c"@there.example> smtputf8
         C: RCPT TO:<a..b@docomo.example>
         C: RCPT TO:<@relay.example,@[IPv6:::1]:sophie@[IPv6:::1]>
         C: RCPT TO:<pOSTMASTER>
         C: RCPT TO:<jörg@münchen.example>
         C: DATA
         C: .
         C: QUIT
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 *
         S: 221 *
         S."#,
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.helo, "?there?");
    assert_eq!(taken.reverse_path, r#""a>b c"@there.example"#);
    assert!(taken.transport.utf8);
    let expect = ["a..b@docomo.example", "sophie@[ipv6:::1]", "Postmaster", "j\u{f6}rg@m\u{fc}nchen.example"];
    assert_eq!(taken.recipients, expect);
}

#[tokio::test]
async fn commands_that_are_not_for_mail() {
    dialogue(
        "C: VRFY sophie
         S: 252 2.1.5 *
         C: EXPN list
         S: 502 5.5.1 *
         C: HELP
         S: 214 2.0.0 *
         C: NOOP whatever
         S: 250 2.0.0 ok
         C: STARTTLS
         S: 502 5.5.1 *
         C: AUTH PLAIN AGEAYg==
         S: 502 5.5.1 *
         C: ETRN here.example
         S: 502 5.5.1 *
         C: XYZZY
         S: 500 5.5.1 *
         C:
         S: 500 5.5.1 *
         C: RSET now
         S: 501 5.5.4 *
         C: QUIT
         S: 221 2.0.0 bye
         S.",
    )
    .await;
}

#[tokio::test]
async fn lines_that_cannot_be_commands() {
    dialogue(
        r"C| NOOP\nRSET\r\n
         S: 550 5.5.2 bare CR or LF in a command line
         C| NOOP\rRSET\r\n
         S: 550 5.5.2 bare CR or LF in a command line
         C| NOOP\0\r\n
         S: 500 5.5.2 *
         C| NOOP \xff\r\n
         S: 500 5.5.2 *
         C| EHLO m\xc3\xbcnchen.example\r\n
         S: 500 5.5.2 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn browsers_are_shown_out() {
    dialogue(
        "C: POST / HTTP/1.1
         C: Host: here.example
         C:
         C: MAIL FROM:<ann@there.example>
         S: 421 4.7.0 this is a mail server
         S.",
    )
    .await;
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let taken = dialogue_on(
        || Stage::new(Protocol::Lmtp, Limits::default()),
        r"C: EHLO there.example
         S: 500 5.5.1 *
         C: HELO there.example
         S: 500 5.5.1 *
         C: MAIL FROM:<ann@there.example>
         S: 503 5.5.1 *
         C: LHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<sophie@here.example>
         C: RCPT TO:<nobody@here.example>
         C: RCPT TO:<tom@here.example>
         C: DATA
         C: one
         C: .
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 550 5.1.1 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 taken for sophie@here.example
         S: 250 2.0.0 taken for tom@here.example
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<sophie@here.example>
         C: RCPT TO:<tom@here.example>
         C: DATA
         C| two\n.\r\n.\r\n
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 354 *
         S: 550 5.5.2 *
         S: 550 5.5.2 *
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<nobody@here.example>
         C: DATA
         S: 250 2.1.0 *
         S: 550 5.1.1 *
         S: 503 5.5.1 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    assert_eq!(taken.len(), 1);
}
