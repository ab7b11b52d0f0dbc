//! XFORWARD: who may say it, when, and how long it holds.

use super::stage::{Stage, dialogue, dialogue_on};
use crate::smtp::service::Protocol;

fn smtp() -> Stage {
    Stage::forwarding(Protocol::Smtp)
}

#[tokio::test]
async fn a_server_forwards_for_its_client() {
    let taken = dialogue_on(
        smtp,
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE 52428800
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT
         C: XFORWARD NAME=spike.example ADDR=168.100.189.2 PROTO=ESMTP
         S: 250 2.0.0 ok
         C: xforward helo=spike.example ident=3CF6B2AAE8 source=remote
         S: 250 2.0.0 ok
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example>
         S: 250 2.1.5 *
         C: XFORWARD NAME=[UNAVAILABLE]
         S: 503 5.5.1 a transaction is already open
         C: DATA
         S: 354 *
         C: .
         S: 250 2.0.0 *
         C: XFORWARD ADDR=IPV6:2001:db8::2 PORT=[TEMPUNAVAIL]
         S: 250 2.0.0 ok
         C: RSET
         S: 250 2.0.0 reset
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].helo, "there.example", "who handed it in is the peer");
}

#[tokio::test]
async fn lmtp_has_it_too() {
    dialogue_on(
        || Stage::forwarding(Protocol::Lmtp),
        "C: LHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 XFORWARD *
         C: XFORWARD ADDR=192.0.2.1
         S: 250 2.0.0 ok
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn from_others_it_is_no_command() {
    dialogue(
        "C: XFORWARD ADDR=192.0.2.1
         S: 502 5.5.1 command not offered
         C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: XFORWARD ADDR=192.0.2.1
         S: 502 5.5.1 command not offered
         C: XFORWARD
         S: 502 5.5.1 command not offered
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn it_needs_an_extended_greeting_and_sense() {
    dialogue_on(
        smtp,
        "C: XFORWARD ADDR=192.0.2.1
         S: 503 5.5.1 say hello first
         C: HELO there.example
         S: 250 here.example
         C: XFORWARD ADDR=192.0.2.1
         S: 503 5.5.1 say hello first
         C: EHLO there.example
         C: XFORWARD
         C: XFORWARD ADDR=mail.example
         C: XFORWARD NAME=good LOGIN=bad
         C: XFORWARD NAME=a+0
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 XFORWARD *
         S: 501 5.5.4 syntax error in arguments
         S: 501 5.5.4 syntax error in arguments
         S: 501 5.5.4 syntax error in arguments
         S: 501 5.5.4 syntax error in arguments
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}
