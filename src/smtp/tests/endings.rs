//! How sessions end: time-outs, shutdown, and peers that leave.

use std::time::Duration;

use super::stage::Stage;
use crate::smtp::driver::{LULL, WELCOME};

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_told_and_left() {
    let stage = Stage::smtp();
    stage.connect(4096).follow("S: 220 *\nS: 421 4.4.2 timed out\nS.").await;
    stage.in_transaction().await.follow("C| NOO\nS: 421 4.4.2 timed out\nS.").await;
    stage.in_transaction().await.follow("C: DATA\nC: half\nS: 354 *\nS: 421 4.4.2 timed out\nS.").await;
    assert_eq!(stage.end().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_drip_is_no_message() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    client.follow("C: DATA\nS: 354 *").await;
    let mut drops = 0;
    while client.try_send(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(100)).await;
        drops += 1;
    }
    assert!((18..=19).contains(&drops), "1800 s in steps of 100: {drops}");
    client.follow("S: 421 4.4.2 timed out\nS.").await;
}

#[tokio::test(start_paused = true)]
async fn a_command_in_drips_is_no_command() {
    let stage = Stage::smtp();
    let mut client = stage.connect(4096);
    while client.try_send(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    client.follow("S: 220 *\nS: 421 4.4.2 timed out\nS.").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_left() {
    let stage = Stage::smtp();
    let _client = stage.connect(1);
    assert_eq!(stage.end().await, []);
}

#[tokio::test(start_paused = true)]
async fn at_shutdown_idle_sessions_are_told_at_once() {
    let stage = Stage::smtp();
    let mut silent = stage.connect(4096);
    silent.follow("S: 220 *").await;
    let mut greeted = stage.connect(4096);
    greeted.follow("S: 220 *\nC: HELO there.example\nS: 250 *\nC| MAI").await;
    let mut served = stage.in_transaction().await;
    served.follow("C: DATA\nC: .\nS: 354 *\nS: 250 *").await;
    tokio::time::sleep(WELCOME).await;
    let shutdown = tokio::time::Instant::now();
    stage.shutdown.cancel();
    for client in [&mut silent, &mut greeted, &mut served] {
        client.follow("S: 421 4.3.2 *\nS.").await;
    }
    assert_eq!(shutdown.elapsed(), Duration::ZERO);
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_came_just_before_shutdown_may_hand_in_one_message() {
    let stage = Stage::smtp();
    let mut quick = stage.connect(4096);
    let mut slow = stage.connect(4096);
    for client in [&mut quick, &mut slow] {
        client.follow("S: 220 *").await;
    }
    stage.shutdown.cancel();
    quick
        .follow(
            "C: HELO there.example
             S: 250 *
             C: MAIL FROM:<from@there.example>
             S: 250 2.1.0 *
             C: RCPT TO:<to@here.example>
             S: 250 2.1.5 *
             C: DATA
             C: .
             S: 354 *
             S: 250 2.0.0 *
             S: 421 4.3.2 *
             S.",
        )
        .await;
    let shutdown = tokio::time::Instant::now();
    slow.follow("S: 421 4.3.2 *\nS.").await;
    assert!(shutdown.elapsed() <= WELCOME, "{:?}", shutdown.elapsed());
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test]
async fn at_shutdown_a_transaction_may_finish() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    stage.shutdown.cancel();
    client
        .follow(
            "C: NOOP
             S: 250 2.0.0 ok
             C: DATA
             S: 354 *
             C: .
             C: MAIL FROM:<another@there.example>
             S: 250 2.0.0 *
             S: 421 4.3.2 *
             S.",
        )
        .await;
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test]
async fn a_transaction_that_is_given_up_ends_the_session_at_shutdown() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    stage.shutdown.cancel();
    client.follow("C: RSET\nS: 250 2.0.0 reset\nS: 421 4.3.2 *\nS.").await;
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_middle_delivers_nothing() {
    for begun in [
        "C| RCPT TO:<to",
        "C: DATA\nS: 354 *",
        "C: DATA\nS: 354 *\nC: half",
        r"C: DATA
         S: 354 *
         C| whole\r\n.\r",
    ] {
        let stage = Stage::smtp();
        let mut client = stage.in_transaction().await;
        client.follow(begun).await;
        drop(client);
        assert_eq!(stage.end().await, [], "{begun}");
    }
}

#[tokio::test]
async fn a_message_is_the_services_when_the_peer_leaves_after_its_end() {
    let stage = Stage::smtp();
    let mut client = stage.in_transaction().await;
    client.follow("C: RCPT TO:<slow@here.example>\nS: 250 2.1.5 *\nC: DATA\nC: .\nS: 354 *").await;
    stage.service.entered.notified().await;
    drop(client);
    stage.service.release.notify_one();
    assert_eq!(stage.end().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_shutdown_nobody_is_silent_for_long() {
    let stage = Stage::smtp();
    let mut amid_commands = stage.in_transaction().await;
    let mut amid_data = stage.in_transaction().await;
    amid_data.follow("C: DATA\nC: half\nS: 354 *").await;
    let mut amid_nothing = stage.connect(4096);
    amid_nothing.follow("S: 220 *\nC: BDAT 100\nC: half").await;
    stage.shutdown.cancel();
    let began = tokio::time::Instant::now();
    for client in [&mut amid_commands, &mut amid_data, &mut amid_nothing] {
        client.follow("S: 421 4.3.2 *\nS.").await;
    }
    assert!(began.elapsed() <= LULL, "{:?}", began.elapsed());
    assert_eq!(stage.end().await, []);
}
