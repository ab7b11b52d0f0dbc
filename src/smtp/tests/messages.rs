//! Data: what is a message, what is refused, and that neither disturbs the next one.

use rstest::rstest;

use super::stage::{Stage, Taken, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::Limits;

fn stage() -> Stage {
    Stage::new(Protocol::Smtp, Limits { message_size: 300, header_section: 100, ..Limits::default() })
}

/// Sends `data`, in the notation of `C|`, as one message; expects `reply` to it, and that the next
/// message of the session is taken. Answers what became of the first.
async fn message(data: &str, reply: &str) -> Option<Taken> {
    let script = format!(
        "C: HELO there.example
         S: 250 *
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<sophie@here.example>
         C: DATA
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 354 *
         C| {data}
         S: {reply}
         C: MAIL FROM:<next@there.example>
         C: RCPT TO:<tom@here.example>
         C: DATA
         C: next
         C: .
         C: QUIT
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 taken for tom@here.example
         S: 221 *
         S.",
    );
    let mut taken = dialogue_on(stage, &script).await;
    let next = taken.pop().unwrap();
    assert_eq!((next.reverse_path.as_str(), next.text()), ("next@there.example", "next\r\n"));
    taken.pop()
}

#[rstest]
#[case::ordinary(r"Subject: x\r\n\r\nhello\r\n.\r\n", b"Subject: x\r\n\r\nhello\r\n")]
#[case::empty(r".\r\n", b"")]
#[case::one_blank_line(r"\r\n.\r\n", b"\r\n")]
#[case::blank_lines_at_the_end(r"a\r\n\r\n\r\n.\r\n", b"a\r\n\r\n\r\n")]
#[case::dots(r"..\r\n...\r\n..a\r\na.b.\r\n.\r\n", b".\r\n..\r\n.a\r\na.b.\r\n")]
#[case::a_dot_that_was_not_stuffed(r".a\r\n.\r\n", b"a\r\n")]
#[case::eight_bit_and_nul(r"\xe9\xff\0\x80\r\n.\r\n", b"\xe9\xff\0\x80\r\n")]
#[case::commands_inside(r"MAIL FROM:<>\r\nQUIT\r\n.\r\n", b"MAIL FROM:<>\r\nQUIT\r\n")]
#[tokio::test]
async fn a_message_arrives_as_it_was(#[case] data: &str, #[case] expect: &[u8]) {
    let taken = message(data, "250 2.0.0 *").await.unwrap();
    assert_eq!(taken.bytes, expect);
}

/// SMTP smuggling: what one server reads as the end of a message, and another does not.
#[rstest]
#[case(r"\n.\n")]
#[case(r"\n.\r\n")]
#[case(r"\r\n.\n")]
#[case(r"\r.\r")]
#[case(r"\r.\r\n")]
#[case(r"\r\n.\r")]
#[case(r"\r\n.\r\r\n")]
#[case(r"\r\n\0.\n")]
#[case(r"\n\n.\r\r\n")]
#[tokio::test]
async fn no_other_end_of_data(#[case] end: &str) {
    let data =
        format!(r"hello{end}MAIL FROM:<forged@bank.example>\r\nRCPT TO:<tom@here.example>\r\nDATA\r\nx\r\n.\r\n");
    assert_eq!(message(&data, "550 5.5.2 bare CR or LF in the message").await, None);
}

#[tokio::test]
async fn too_large_is_read_to_the_end() {
    let line = r"0123456789012345678901234567890123456789012345678\r\n";
    assert_eq!(message(&format!(r"\r\n{}.\r\n", line.repeat(6)), "552 5.3.4 message too large").await, None);
    assert_eq!(message(&format!(r"{}.\r\n", line.repeat(2)), "552 5.3.4 header section too long").await, None);
    assert_eq!(message(&format!(r"\r\n{}\r\n.\r\n", "x".repeat(100)), "552 5.3.4 line too long").await, None);
}

#[tokio::test]
async fn a_large_message_is_kept_whole() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    client.follow("C: DATA\nS: 354 *").await;
    let body: Vec<u8> = (0..300_000_u32).flat_map(|n| format!("{n:08x}\r\n").into_bytes()).collect();
    client.send(b"\r\n").await;
    client.send(&body).await;
    client.follow("C: .\nS: 250 2.0.0 *\nC: QUIT\nS: 221 *\nS.").await;
    let taken = stage.end().await;
    assert!(taken[0].bytes == [b"\r\n", &body[..]].concat());
}

#[tokio::test]
async fn a_service_that_fails_defers_one_message_only() {
    for (protocol, hello, local, first, second) in [
        (Protocol::Smtp, "HELO", "panic", "451 4.3.0 *", ""),
        (Protocol::Lmtp, "LHLO", "panic", "451 4.3.0 *", "S: 451 4.3.0 *"),
        (Protocol::Lmtp, "LHLO", "miscount", "250 2.0.0 *", "S: 451 4.3.0 *"),
    ] {
        let stage = Stage::new(protocol, Limits::default());
        let mut client = stage.connect(4096);
        let ehlo = "S: 250-PIPELINING\nS: 250-SIZE *\nS: 250-8BITMIME\nS: 250-ENHANCEDSTATUSCODES\nS: 250-CHUNKING\nS: 250 SMTPUTF8";
        let more = if hello == "LHLO" { ehlo } else { "" };
        let script = format!(
            "S: 220 *
             C: {hello} there.example
             S: 250*
             {more}
             C: MAIL FROM:<ann@there.example>
             C: RCPT TO:<{local}@here.example>
             C: RCPT TO:<sophie@here.example>
             C: DATA
             C: .
             S: 250 2.1.0 *
             S: 250 2.1.5 *
             S: 250 2.1.5 *
             S: 354 *
             S: {first}
             {second}
             C: MAIL FROM:<ann@there.example>
             C: RCPT TO:<sophie@here.example>
             C: DATA
             C: .
             C: QUIT
             S: 250 2.1.0 *
             S: 250 2.1.5 *
             S: 354 *
             S: 250 2.0.0 *
             S: 221 *
             S."
        );
        client.follow(&script).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn every_transaction_has_a_name_of_its_own() {
    let stage = Stage::smtp();
    for _ in 0..3 {
        let mut client = stage.in_transaction().await;
        client.follow("C: DATA\nC: .\nC: QUIT\nS: 354 *\nS: 250 2.0.0 *\nS: 221 *\nS.").await;
    }
    let ids: std::collections::HashSet<String> = stage.end().await.into_iter().map(|taken| taken.id).collect();
    assert_eq!(ids.len(), 3);
}
