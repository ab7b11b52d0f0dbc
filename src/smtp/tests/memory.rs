//! The budget of memory: who gets some, who waits, and who is told to come again. The clock is stopped.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::stage::{Client, Stage, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::Limits;
use crate::smtp::stay::SHARE;

/// Octets of a large message here: two of them are more than the budget.
const LARGE: usize = 900_000;

/// How long a quarter of a message may take while others wait.
const PATIENCE: Duration = Duration::from_secs(60 / SHARE as u64);

fn limits() -> Limits {
    Limits { message_size: 1 << 20, bytes_in_flight: 1 << 20, ..Limits::default() }
}

fn stage() -> Stage {
    Stage::new(Protocol::Smtp, limits())
}

/// A message of so many octets, in lines of a hundred.
fn message(octets: usize) -> String {
    let lines = octets / 100 - 1;
    format!("Subject: {}\r\n\r\n{}", "x".repeat(87), format!("{}\r\n", "x".repeat(98)).repeat(lines))
}

async fn greeted(stage: &Stage) -> Client {
    let mut client = stage.connect(1 << 16);
    client
        .follow("S: 220 *\nC: EHLO there.example\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 *")
        .await;
    client
}

/// A session with a transaction, in which MAIL declared this.
async fn declared(stage: &Stage, octets: usize) -> Client {
    let mut client = greeted(stage).await;
    client.follow(&format!("C: MAIL FROM:<ann@there.example> SIZE={octets}\nS: 250 2.1.0 *")).await;
    client
}

/// A session whose message is at the service, and stays there.
async fn under_way(stage: &Stage) -> Client {
    let mut client = declared(stage, LARGE).await;
    client.follow("C: RCPT TO:<slow@here.example>\nS: 250 *\nC: DATA\nS: 354 *").await;
    client.send(format!("{}.\r\n", message(LARGE)).as_bytes()).await;
    stage.service.entered.notified().await;
    client
}

#[tokio::test(start_paused = true)]
async fn at_mail_a_message_waits_for_what_it_declares() {
    let stage = stage();
    let (mut shared, mut seated) = (under_way(&stage).await, under_way(&stage).await);
    let mut client = greeted(&stage).await;
    let began = Instant::now();
    client
        .follow(&format!(
            "C: MAIL FROM:<ann@there.example> SIZE={LARGE}
             S: 452 4.3.1 too much mail at once; try again later
             C: MAIL FROM:<ann@there.example> SIZE={}
             S: 552 5.3.4 *",
            2 << 20
        ))
        .await;
    assert_eq!(began.elapsed(), limits().memory_wait);
    stage.service.release.notify_one();
    shared.follow("S: 250 2.0.0 *\nC: QUIT\nS: 221 *").await;
    stage.service.taken.lock().unwrap().clear();
    client.follow(&format!("C: MAIL FROM:<ann@there.example> SIZE={LARGE}\nS: 250 2.1.0 *")).await;
    stage.service.release.notify_one();
    seated.follow("S: 250 2.0.0 *").await;
    drop((shared, seated, client));
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_the_middle_of_data_a_message_waits_and_is_then_read_to_its_end() {
    for protocol in [Protocol::Smtp, Protocol::Lmtp] {
        let stage = Stage::new(protocol, limits());
        let mut client = stage.connect(1 << 16);
        let hello = if protocol == Protocol::Lmtp { "LHLO" } else { "EHLO" };
        let script = format!(
            "S: 220 *\nC: {hello} there.example\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 *"
        );
        client.follow(&script).await;
        client.follow("C: MAIL FROM:<ann@there.example>\nS: 250 *\nC: RCPT TO:<a@here.example>\nS: 250 *").await;
        client.follow("C: RCPT TO:<b@here.example>\nS: 250 *").await;
        let _held = [hold(&stage, 800_000).await, hold(&stage, 1 << 20).await];
        client.follow("C: DATA\nS: 354 *").await;
        let began = Instant::now();
        client.send(format!("{}.\r\n", message(LARGE)).as_bytes()).await;
        client.follow("S: 452 4.3.1 too much mail at once; try again later").await;
        if protocol == Protocol::Lmtp {
            client.follow("S: 452 4.3.1 *").await;
        }
        assert_eq!(began.elapsed(), limits().memory_wait);
        client.follow("C: NOOP\nS: 250 *\nC: QUIT\nS: 221 *\nS.").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_finds_no_memory_comes_again_and_an_unfit_one_does_not() {
    let stage = stage();
    // As a listener for copies does.
    stage.service.takes_unfit.store(true, Ordering::SeqCst);
    let mut client = greeted(&stage).await;
    let begin =
        "C: MAIL FROM:<ann@there.example>\nS: 250 *\nC: RCPT TO:<archive@here.example>\nS: 250 *\nC: DATA\nS: 354 *";
    client.follow(&format!("{begin}\nC| bare\\nnewline\\r\\n.\\r\\n\nS: 250 2.0.0 unfit, and taken")).await;
    client.follow(begin).await;
    let _held = [hold(&stage, 900_000).await, hold(&stage, 1 << 20).await];
    client.send(format!("{}.\r\n", message(LARGE)).as_bytes()).await;
    client.follow("S: 452 4.3.1 *").await;
}

/// Memory that nobody gives back, as a message does that waits for its next hop.
async fn hold(stage: &Stage, octets: u64) -> crate::smtp::budget::Reservation {
    let mut reservation = stage.gate.budget().open();
    reservation.resize(octets).await.unwrap();
    reservation
}

#[tokio::test(start_paused = true)]
async fn recipients_need_memory_too_and_do_not_wait_for_it() {
    let stage = stage();
    let mut client = declared(&stage, 1000).await;
    let _held = [hold(&stage, 900_000).await, hold(&stage, 1 << 20).await];
    let began = Instant::now();
    for number in 0..59 {
        client.follow(&format!("C: RCPT TO:<{number:010}@here.example>\nS: 250 *")).await;
    }
    let more = hold(&stage, 81_000).await;
    client.follow("C: RCPT TO:<another@here.example>\nS: 452 4.3.1 *").await;
    drop(more);
    client.follow("C: RCPT TO:<another@here.example>\nS: 250 *").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn long_recipients_are_bounded_as_many_are() {
    let stage = Stage::new(Protocol::Smtp, Limits { recipients: 100, line: 4096, ..Limits::default() });
    let mut client = declared(&stage, 1000).await;
    let long = format!("{}@{}example", "x".repeat(64), "y.".repeat(80));
    for _ in 0..100 {
        client.follow(&format!("C: RCPT TO:<{long}>\nS: 250 *")).await;
    }
    client.follow(&format!("C: RCPT TO:<{long}>\nS: 452 4.5.3 *")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_given_back_at_once() {
    for last in
        ["C: RSET\nS: 250 *", "C: QUIT\nS: 221 *\nS.", "C: EHLO again.example\nS: 250-*", "C: DATA\nS: 503 *\nC| MAI"]
    {
        let stage = stage();
        let (mut gives_up, _seated) = (declared(&stage, LARGE).await, declared(&stage, LARGE).await);
        gives_up.follow(last).await;
        if last.ends_with("MAI") {
            drop(gives_up);
        }
        let began = Instant::now();
        declared(&stage, LARGE).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_holds_nothing_while_it_is_read_to_its_end() {
    let stage = stage();
    let (mut refused, _seated) = (declared(&stage, LARGE).await, declared(&stage, LARGE).await);
    refused.follow("C: RCPT TO:<to@here.example>\nS: 250 *\nC: DATA\nS: 354 *").await;
    refused.send(b"bare\nnewline\r\n").await;
    let began = Instant::now();
    declared(&stage, LARGE).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    refused.follow("C: .\nS: 550 5.5.2 *").await;
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_memory_for_nothing_loses_it_to_those_who_wait() {
    let stage = stage();
    let (mut silent, mut dripping) = (declared(&stage, LARGE).await, declared(&stage, LARGE).await);
    sleep(Duration::from_secs(100)).await;
    dripping.follow("C: RCPT TO:<to@here.example>\nS: 250 *\nC: DATA\nS: 354 *").await;
    let drip = async move {
        while dripping.try_send(b"x").await.is_ok() {
            sleep(Duration::from_secs(3)).await;
        }
        dripping.follow("S: 421 4.3.1 *\nS.").await;
    };
    let began = Instant::now();
    let waiting = async {
        let both = tokio::join!(declared(&stage, LARGE), declared(&stage, LARGE));
        (began.elapsed(), both)
    };
    let ((waited, (mut honest, another)), ()) = tokio::join!(waiting, drip);
    assert_eq!(waited, PATIENCE);
    silent.follow("S: 421 4.3.1 too slow while other mail waits for memory; try again later\nS.").await;
    honest.follow("C: RCPT TO:<to@here.example>\nS: 250 *\nC: DATA\nS: 354 *").await;
    honest.send(format!("{}.\r\n", message(LARGE)).as_bytes()).await;
    honest.follow("S: 250 2.0.0 *").await;
    drop((honest, another));
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_loses_its_memory_too() {
    let stage = stage();
    let mut deaf = stage.connect(1 << 10);
    deaf.follow(
        "S: 220 *\nC: EHLO there.example\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 *",
    )
    .await;
    deaf.follow(&format!("C: MAIL FROM:<ann@there.example> SIZE={LARGE}\nS: 250 2.1.0 *")).await;
    let _seated = hold(&stage, 1 << 20).await;
    // More replies than the pipe holds: nothing is read from it any more, and nothing can be said.
    let flood = async { while deaf.try_send(b"RCPT TO:<to@here.example>\r\n").await.is_ok() {} };
    let began = Instant::now();
    let waiting = async {
        let honest = declared(&stage, LARGE).await;
        (began.elapsed(), honest)
    };
    let ((waited, _honest), ()) = tokio::join!(waiting, flood);
    assert_eq!(waited, PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_use_of_memory_keeps_it() {
    let stage = stage();
    let (mut slow, _seated) = (declared(&stage, LARGE).await, hold(&stage, 1 << 20).await);
    slow.follow("C: RCPT TO:<to@here.example>\nS: 250 *\nC: DATA\nS: 354 *").await;
    let waiting = async { declared(&stage, LARGE).await };
    let bringing = async {
        let wire = format!("{}.\r\n", message(LARGE));
        for piece in wire.as_bytes().chunks(250_000) {
            sleep(PATIENCE - Duration::from_secs(1)).await;
            slow.send(piece).await;
        }
        slow.follow("S: 250 2.0.0 *").await;
        stage.service.taken.lock().unwrap().clear();
    };
    let began = Instant::now();
    tokio::join!(waiting, bringing);
    assert_eq!(began.elapsed(), 4 * (PATIENCE - Duration::from_secs(1)));
}

#[tokio::test]
async fn a_message_may_be_any_size_whatever_was_declared() {
    for declared in ["", " SIZE=1", " SIZE=99700", " SIZE=99702", " SIZE=500000"] {
        let text = message(99_700);
        let lines: String = text.trim_end().split("\r\n").map(|line| format!("C: {line}\n")).collect();
        let script = format!(
            "C: EHLO there.example\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 *
             C: MAIL FROM:<ann@there.example>{declared}\nS: 250 *
             C: RCPT TO:<to@here.example>\nS: 250 *\nC: DATA\nS: 354 *
             {lines}C: .\nC: QUIT\nS: 250 *\nS: 221 *\nS."
        );
        let taken = dialogue_on(stage, &script).await;
        assert!(taken[0].bytes == text, "{declared}");
    }
}
