//! What bounds a session.

use super::stage::{Stage, dialogue_on};
use crate::smtp::service::Protocol;
use crate::smtp::settings::Limits;

fn stage() -> Stage {
    let limits = Limits { recipients: 2, commands: 4, errors: 3, line: 64, message_size: 1000, ..Limits::default() };
    Stage::new(Protocol::Smtp, limits)
}

#[tokio::test]
async fn recipients_are_counted_with_repeats_and_refusals() {
    let taken = dialogue_on(
        stage,
        "C: HELO there.example
         C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<later@here.example>
         C: RCPT TO:<sophie@here.example>
         C: RCPT TO:<sophie@here.example>
         C: DATA
         C: .
         C: QUIT
         S: 250 *
         S: 250 2.1.0 *
         S: 451 4.7.1 *
         S: 250 2.1.5 *
         S: 452 4.5.3 *
         S: 354 *
         S: 250 2.0.0 *
         S: 221 *
         S.",
    )
    .await;
    assert_eq!(taken[0].recipients, ["sophie@here.example"]);
}

#[tokio::test]
async fn a_line_of_just_the_limit() {
    let fits = format!("NOOP {}", "x".repeat(57));
    let script = format!(
        "C: {fits}
         S: 250 2.0.0 ok
         C: {fits}x
         S: 500 5.5.6 command line too long
         C: {fits}{fits}{fits}
         S: 500 5.5.6 command line too long
         C: QUIT
         S: 221 *
         S.",
    );
    dialogue_on(stage, &script).await;
}

#[tokio::test]
async fn a_line_without_end() {
    let stage = stage();
    let mut client = stage.connect(1 << 16);
    client.send("x".repeat(10_000).as_bytes()).await;
    client.follow("S: 220 *\nS: 421 4.3.4 *\nS.").await;
}

#[tokio::test]
async fn a_message_without_end() {
    let stage = stage();
    let mut client = stage.in_transaction().await;
    client.follow("C: DATA\nS: 354 *").await;
    // Until the pipe is closed.
    while client.try_send(&[b'x'; 1000]).await.is_ok() {}
    client.follow("S: 421 4.3.4 *\nS.").await;
    assert_eq!(stage.end().await, []);
}

#[tokio::test]
async fn errors_add_up() {
    dialogue_on(
        stage,
        "C: XYZZY
         S: 500 *
         C: RSET now
         S: 501 *
         C: XYZZY
         S: 500 *
         S: 421 4.7.0 too many errors
         S.",
    )
    .await;
}

#[tokio::test]
async fn a_message_makes_up_for_idle_commands() {
    let message = "C: MAIL FROM:<ann@there.example>
         C: RCPT TO:<sophie@here.example>
         C: DATA
         C: .
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 *";
    let script = format!(
        "C: HELO there.example
         S: 250 *
         {message}
         {message}
         {message}
         {message}
         {message}
         C: NOOP
         C: NOOP
         C: NOOP
         C: NOOP
         C: NOOP
         C: NOOP
         S: 250 2.0.0 *
         S: 250 2.0.0 *
         S: 250 2.0.0 *
         S: 250 2.0.0 *
         S: 421 4.7.0 too many commands without a message
         S.",
    );
    assert_eq!(dialogue_on(stage, &script).await.len(), 5);
}

#[tokio::test]
async fn a_421_of_the_service_ends_the_session() {
    dialogue_on(
        stage,
        "C: HELO there.example
         S: 250 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<closing@here.example>
         S: 421 4.3.2 next hop closes
         S.",
    )
    .await;
}
