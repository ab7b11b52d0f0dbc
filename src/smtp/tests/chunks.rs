//! Messages in chunks (RFC 3030), and that the octets of no chunk are ever run as commands.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::stage::{Client, Stage, Taken, dialogue, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::{BareNewlines, Limits};

/// A transaction with one recipient, and the replies to it.
const BEGIN: &str = "C: MAIL FROM:<ann@there.example>
     S: 250 2.1.0 *
     C: RCPT TO:<sophie@here.example>
     S: 250 2.1.5 *";

fn small() -> Stage {
    let limits = Limits { message_size: 300, header_section: 100, commands: 8, errors: 3, ..Limits::default() };
    Stage::new(Protocol::Smtp, limits)
}

/// Plays `script` in a transaction, and then another message by DATA, which must arrive. Answers what became of
/// the first.
async fn in_transaction(stage: impl Fn() -> Stage, script: &str) -> Option<Taken> {
    let script = format!(
        "C: HELO there.example
         S: 250 here.example
         {BEGIN}
         {script}
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
    assert!(taken.len() <= 1, "{taken:?}");
    taken.pop()
}

/// RFC 3030 section 4.1.
#[tokio::test]
async fn a_message_in_one_chunk() {
    let taken = dialogue(
        r"C: EHLO ymir.claremont.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<Sam@Random.example>
         S: 250 2.1.0 *
         C: RCPT TO:<Susan@Random.example>
         S: 250 2.1.5 *
         C: BDAT 94 LAST
         C: To: Susan@random.example
         C: From: Sam@random.example
         C: Subject: This is a bodyless test message
         S: 250 2.0.0 taken for Susan@random.example
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    let text = "To: Susan@random.example\r\nFrom: Sam@random.example\r\nSubject: This is a bodyless test message\r\n";
    assert_eq!(taken.text(), text);
}

/// RFC 3030 section 4.2, but for BINARYMIME.
#[tokio::test]
async fn chunks_in_one_packet_with_all_commands() {
    let taken = dialogue(
        r"C: HELO ymir.claremont.example
         C: MAIL FROM:<ned@ymir.claremont.example>
         C: RCPT TO:<gvaudre@cnri.reston.va.example>
         C: RCPT TO:<jstewart@cnri.reston.va.example>
         C: BDAT 12
         C: Subject: x
         C: BDAT 11
         C| \r\n.\r\nQUIT\r\n
         C: BDAT 0 LAST
         C: MAIL FROM:<ned@ymir.claremont.example>
         C: RCPT TO:<gvaudre@cnri.reston.va.example>
         C: BDAT 0 LAST
         C: QUIT
         S: 250 here.example
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 250 2.0.0 chunk received
         S: 250 2.0.0 chunk received
         S: 250 2.0.0 taken for gvaudre@cnri.reston.va.example
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.0.0 taken for gvaudre@cnri.reston.va.example
         S: 221 2.0.0 bye
         S.",
    )
    .await;
    let [first, second] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(first.text(), "Subject: x\r\n\r\n.\r\nQUIT\r\n");
    assert_eq!(second.text(), "");
}

#[tokio::test]
async fn a_message_that_ends_in_no_line_end_gets_one() {
    let taken =
        in_transaction(small, "C| BDAT 3\\r\\n\\r\\nxBDAT 2 LAST\\r\\n.y\nS: 250 2.0.0 chunk *\nS: 250 2.0.0 *").await;
    assert_eq!(taken.unwrap().text(), "\r\nx.y\r\n");
}

#[tokio::test]
async fn a_line_end_may_be_cut_in_two() {
    let taken =
        in_transaction(small, "C| BDAT 2\\r\\nx\\rBDAT 1 LAST\\r\\n\\n\nS: 250 2.0.0 chunk *\nS: 250 2.0.0 *").await;
    assert_eq!(taken.unwrap().text(), "x\r\n");
}

#[tokio::test]
async fn without_a_transaction_or_a_recipient_the_octets_are_read_over() {
    let taken = dialogue(
        r"C: BDAT 6 LAST
         C: QUIT
         S: 503 5.5.1 need MAIL first
         C: HELO there.example
         S: 250 here.example
         C: BDAT 6
         C: QUIT
         S: 503 5.5.1 need MAIL first
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<nobody@here.example>
         C: BDAT 6 LAST
         C: QUIT
         C: BDAT 0
         S: 250 2.1.0 *
         S: 550 5.1.1 *
         S: 503 5.5.1 no valid recipients
         S: 503 5.5.1 no valid recipients
         C: RCPT TO:<sophie@here.example>
         C: BDAT 6 LAST
         C: text
         S: 250 2.1.5 *
         S: 250 2.0.0 taken for sophie@here.example
         C: BDAT 6 LAST
         C: QUIT
         S: 503 5.5.1 need MAIL first
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.text(), "text\r\n");
}

#[tokio::test]
async fn between_chunks_a_message_goes_on_whatever_else_is_said() {
    let taken = in_transaction(
        small,
        "C: BDAT 5
         C: one
         S: 250 2.0.0 chunk received
         C: NOOP
         S: 250 2.0.0 ok
         C: MAIL FROM:<other@there.example>
         S: 503 5.5.1 a transaction is already open
         C: RCPT TO:<tom@here.example>
         S: 503 5.5.1 the message comes in chunks*
         C: BDAT 5 LAST
         C: two
         S: 250 2.0.0 taken for sophie@here.example",
    )
    .await
    .unwrap();
    assert_eq!(taken.recipients, ["sophie@here.example"]);
    assert_eq!(taken.text(), "one\r\ntwo\r\n");
}

#[tokio::test]
async fn data_does_not_mix_with_chunks() {
    let taken = in_transaction(
        small,
        "C: BDAT 5
         C: one
         S: 250 2.0.0 chunk received
         C: DATA
         S: 503 5.5.1 the message comes in chunks: send BDAT or RSET
         C: BDAT 5 LAST
         C: two
         S: 250 2.0.0 *",
    )
    .await;
    assert_eq!(taken.unwrap().text(), "one\r\ntwo\r\n");
    // After 354, BDAT is text.
    let script = "C: DATA\nS: 354 *\nC: BDAT 0 LAST\nC: .\nS: 250 2.0.0 *";
    assert_eq!(in_transaction(small, script).await.unwrap().text(), "BDAT 0 LAST\r\n");
}

#[tokio::test]
async fn rset_and_another_greeting_forget_the_chunks() {
    for (command, reply) in [("RSET", "250 2.0.0 reset"), ("HELO again.example", "250 here.example")] {
        let script = format!(
            "C: BDAT 5
             C: one
             C: {command}
             S: 250 2.0.0 chunk received
             S: {reply}
             C: BDAT 0 LAST
             S: 503 5.5.1 need MAIL first
             {BEGIN}
             C: BDAT 5 LAST
             C: two
             S: 250 2.0.0 *",
        );
        assert_eq!(in_transaction(small, &script).await.unwrap().text(), "two\r\n");
    }
}

#[tokio::test]
async fn a_chunk_that_is_refused_is_read_over_and_so_is_what_follows() {
    let long = "x".repeat(101);
    for (chunk, reply) in [
        (r"x\ny\r\n".to_owned(), "550 5.5.2 bare CR or LF in the message"),
        (format!(r"\r\n{}", format!(r"{}\r\n", "x".repeat(78)).repeat(4)), "552 5.3.4 message too large"),
        (format!(r"\r\n{long}"), "552 5.3.4 line too long"),
        (format!(r"x\r\n{long}"), "552 5.3.4 header section too long"),
    ] {
        let size = chunk.replace(r"\r", "r").replace(r"\n", "n").len();
        let script = format!(
            r"C| BDAT {size}\r\n{chunk}
             C| BDAT 6\r\nQUIT\r\nBDAT 0\r\nBDAT 6\r\nQUIT\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n
             S: {reply}
             S: {reply}
             S: {reply}
             S: {reply}
             S: {reply}
             S: {reply}",
        );
        assert_eq!(in_transaction(small, &script).await, None, "{reply}");
    }
}

#[tokio::test]
async fn a_bare_cr_at_the_end_is_found_at_the_end() {
    let script = "C| BDAT 2\\r\\nx\\rBDAT 0 LAST\\r\\n\nS: 250 2.0.0 chunk *\nS: 550 5.5.2 *";
    assert_eq!(in_transaction(small, script).await, None);
}

#[tokio::test]
async fn chunks_are_normalized_like_data() {
    let stage = || {
        let limits = Limits { bare_newlines: BareNewlines::Normalize, ..Limits::default() };
        Stage::new(Protocol::Smtp, limits)
    };
    let script = "C| BDAT 3\\r\\na\\n\\rBDAT 4 LAST\\r\\nb\\r\\r\\n\nS: 250 2.0.0 chunk *\nS: 250 2.0.0 *";
    assert_eq!(in_transaction(stage, script).await.unwrap().text(), "a\r\n b \r\n");
}

#[tokio::test]
async fn a_refused_chunk_ends_with_rset_too() {
    let script = format!(
        r"C| BDAT 2\r\nx\n
         S: 550 5.5.2 *
         C| BDAT 1\r\nx
         S: 550 5.5.2 *
         C: RSET
         S: 250 2.0.0 reset
         {BEGIN}
         C: BDAT 5 LAST
         C: two
         S: 250 2.0.0 *",
    );
    assert_eq!(in_transaction(small, &script).await.unwrap().text(), "two\r\n");
}

#[tokio::test]
async fn nobody_runs_the_octets_of_a_chunk_that_cannot_be_counted() {
    for bdat in [
        "BDAT",
        "BDAT LAST",
        "bdat -1",
        "BDAT 99999999999999999999 LAST",
        "BDAT 4 FIRST",
        "BDAT 4 LAST x",
        "BDAT 4\tLAST",
        "BDAT 4 LAST\n",
        " BDAT +4",
    ] {
        let stage = Stage::smtp();
        let mut client = stage.in_transaction().await;
        client.send(format!("{bdat}\r\nRSET\r\nMAIL FROM:<another@there.example>\r\n").as_bytes()).await;
        client.follow("S: 421 4.5.4 cannot tell how many octets follow; closing\nS.").await;
        assert_eq!(stage.end().await, [], "{bdat}");
    }
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient_after_the_last_chunk() {
    let taken = dialogue_on(
        || Stage::new(Protocol::Lmtp, Limits::default()),
        r"C: LHLO there.example
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
         C: BDAT 5
         C: one
         C: BDAT 5 LAST
         C: two
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 550 5.1.1 *
         S: 250 2.1.5 *
         S: 250 2.0.0 chunk received
         S: 250 2.0.0 taken for sophie@here.example
         S: 250 2.0.0 taken for tom@here.example
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<sophie@here.example>
         C: RCPT TO:<tom@here.example>
         C| BDAT 2\r\n\n\nBDAT 0 LAST\r\n
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 250 2.1.5 *
         S: 550 5.5.2 *
         S: 550 5.5.2 *
         S: 550 5.5.2 *
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<nobody@here.example>
         C: BDAT 6 LAST
         C: QUIT
         S: 250 2.1.0 *
         S: 550 5.1.1 *
         S: 503 5.5.1 no valid recipients
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.text(), "one\r\ntwo\r\n");
}

#[tokio::test]
async fn where_unfit_data_is_taken_every_chunk_is() {
    let stage = || {
        let stage = Stage::smtp();
        stage.service.takes_unfit.store(true, Ordering::SeqCst);
        stage
    };
    let script = "C| BDAT 2\\r\\n\\n\\nBDAT 1\\r\\nxBDAT 0 LAST\\r\\n
         S: 250 2.0.0 chunk received
         S: 250 2.0.0 chunk received
         S: 250 2.0.0 unfit, and taken";
    assert_eq!(in_transaction(stage, script).await, None);
}

#[tokio::test]
async fn empty_chunks_are_commands_that_bring_nothing() {
    dialogue_on(
        small,
        &format!(
            "C: HELO there.example
             S: 250 *
             {BEGIN}
             C: BDAT 0
             C: BDAT 0
             C: BDAT 0
             C: BDAT 0
             C: BDAT 0
             C: BDAT 0
             C: BDAT 0
             S: 250 2.0.0 chunk received
             S: 250 2.0.0 chunk received
             S: 250 2.0.0 chunk received
             S: 250 2.0.0 chunk received
             S: 250 2.0.0 chunk received
             S: 250 2.0.0 chunk received
             S: 421 4.7.0 too many commands without a message
             S."
        ),
    )
    .await;
}

#[tokio::test]
async fn a_chunk_far_beyond_the_limits_is_cut_off() {
    for begin in ["NOOP", "MAIL FROM:<ann@there.example>\nC: RCPT TO:<sophie@here.example>"] {
        let stage = small();
        let mut client = stage.connect(1 << 16);
        client.follow(&format!("C: HELO there.example\nC: {begin}\nC: BDAT 18446744073709551615 LAST\nS: 220 *")).await;
        while client.try_send(&[b'x'; 1000]).await.is_ok() {}
        let replies = begin.lines().count() + 1;
        client.follow(&format!("{}S: 421 4.3.4 *\nS.", "S: 250 *\n".repeat(replies))).await;
        assert_eq!(stage.end().await, []);
    }
}

#[tokio::test]
async fn many_chunks_of_one_message_are_cut_off_together() {
    let stage = small();
    let mut client = stage.in_transaction().await;
    let chunk = [b"BDAT 1000\r\n".to_vec(), vec![b'x'; 1000]].concat();
    // 2 * 300 octets and a mebibyte more are read.
    for _ in 0..1049 {
        client.send(&chunk).await;
        client.follow("S: 552 5.3.4 *").await;
    }
    client.send(&chunk).await;
    client.follow("S: 421 4.3.4 *\nS.").await;
    assert_eq!(stage.end().await, []);
}

#[tokio::test]
async fn a_large_message_in_chunks_is_kept_whole() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    let lines: Vec<u8> = (0..100_000_u32).flat_map(|n| format!("{n:08x}\r\n").into_bytes()).collect();
    client.follow("C| BDAT 2\\r\\n\\r\\n\nS: 250 2.0.0 chunk received").await;
    for part in lines.chunks(333_333) {
        client.send(format!("BDAT {}\r\n", part.len()).as_bytes()).await;
        client.send(part).await;
        client.follow("S: 250 2.0.0 chunk received").await;
    }
    client.follow("C: BDAT 0 LAST\nC: QUIT\nS: 250 2.0.0 taken *\nS: 221 *\nS.").await;
    let taken = stage.end().await;
    assert!(taken[0].bytes == [b"\r\n", &lines[..]].concat());
}

#[tokio::test]
async fn a_peer_that_leaves_amid_chunks_delivers_nothing() {
    for begun in [
        "C| BDAT 10 LAST\\r\\nhalf",
        "C| BDAT 2\\r\\nxx\nS: 250 2.0.0 *",
        "C| BDAT 2\\r\\nxx\nS: 250 2.0.0 *\nC| BDAT 2 LAST\\r\\nx",
        "C| BDAT 2\\r\\nxxBDAT 0 LAST\\r",
    ] {
        let stage = Stage::smtp();
        let mut client = stage.in_transaction().await;
        client.follow(begun).await;
        drop(client);
        assert_eq!(stage.end().await, [], "{begun}");
    }
}

#[tokio::test]
async fn at_shutdown_a_message_in_chunks_may_finish() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    client.follow("C: BDAT 5\nC: one\nS: 250 2.0.0 *\nC: BDAT 5\nC| tw").await;
    stage.shutdown.cancel();
    client.follow("C| o\\r\\n\nS: 250 2.0.0 *\nC: BDAT 0 LAST\nS: 250 2.0.0 *\nS: 421 4.3.2 *\nS.").await;
    assert_eq!(stage.end().await[0].text(), "one\r\ntwo\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_stops_is_timed_out() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    client.follow("C| BDAT 10\\r\\nhalf").await;
    client.follow("S: 421 4.4.2 timed out\nS.").await;
    assert_eq!(stage.end().await, []);
}

/// Sends `drop` every 100 s until the server has left, and answers how often.
async fn drip(client: &mut Client, drop: &[u8]) -> usize {
    let mut drops = 0;
    while client.try_send(drop).await.is_ok() {
        tokio::time::sleep(Duration::from_secs(100)).await;
        drops += 1;
    }
    drops
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_message_is_for_all_its_chunks() {
    let stage = Stage::smtp();
    for (begun, drop) in [("C: BDAT 1000", &b"x"[..]), ("C| BDAT 1\\r\\nx", b"BDAT 1\r\nx"), ("C: BDAT 0", b"NOOP\r\n")]
    {
        let mut client = stage.in_transaction().await;
        client.follow(begun).await;
        let drops = drip(&mut client, drop).await;
        assert!((18..=19).contains(&drops), "1800 s in steps of 100: {drops} times {drop:?}");
    }
    assert_eq!(stage.end().await, []);
}
