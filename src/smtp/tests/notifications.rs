//! What a peer asks of delivery status notifications (RFC 3461): where it is offered, and where not.

use super::stage::{Stage, dialogue, dialogue_on};
use crate::smtp::service::{Offers, Protocol};
use crate::smtp::settings::Limits;

fn offered(protocol: Protocol) -> Stage {
    Stage::offering(protocol, Limits::default(), Offers { dsn: true })
}

#[tokio::test]
async fn what_is_asked_reaches_the_service_as_it_came() {
    let taken = dialogue_on(
        || offered(Protocol::Smtp),
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 DSN
         C: MAIL FROM:<ann@there.example> ENVID=QQ+20314 SIZE=10 ret=hdrs
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example> ORCPT=rfc822;Sophie+2Bx@here.example NOTIFY=SUCCESS,DELAY
         S: 250 2.1.5 *
         C: RCPT TO:<tom@here.example> NOTIFY=NEVER
         S: 250 2.1.5 *
         C: RCPT TO:<nobody@here.example> NOTIFY=FAILURE
         S: 550 5.1.1 *
         C: RCPT TO:<postmaster>
         S: 250 2.1.5 *
         C: DATA
         S: 354 *
         C: .
         S: 250 2.0.0 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(taken.size, Some(10));
    assert_eq!(
        taken.asked,
        [" RET=HDRS ENVID=QQ+20314", " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Sophie+2Bx@here.example", " NOTIFY=NEVER", "",]
    );
}

#[tokio::test]
async fn lmtp_offers_it_too() {
    let taken = dialogue_on(
        || offered(Protocol::Lmtp),
        "C: LHLO there.example
         C: MAIL FROM:<> RET=FULL
         C: RCPT TO:<sophie@here.example> NOTIFY=NEVER
         C: DATA
         C: .
         C: QUIT
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 DSN
         S: 250 2.1.0 *
         S: 250 2.1.5 *
         S: 354 *
         S: 250 2.0.0 *
         S: 221 *
         S.",
    )
    .await;
    assert_eq!(taken[0].asked, [" RET=FULL", " NOTIFY=NEVER"]);
}

#[tokio::test]
async fn nothing_is_taken_that_was_not_offered() {
    dialogue(
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250 SMTPUTF8
         C: MAIL FROM:<ann@there.example> RET=HDRS
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example> ENVID=x
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example> NOTIFY=NEVER
         S: 555 5.5.4 *
         C: RCPT TO:<sophie@here.example> ORCPT=rfc822;sophie@here.example
         S: 555 5.5.4 *
         C: DATA
         S: 503 5.5.1 no valid recipients
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn helo_takes_the_offer_back() {
    dialogue_on(
        || offered(Protocol::Smtp),
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 DSN
         C: HELO there.example
         S: 250 here.example
         C: MAIL FROM:<ann@there.example> RET=HDRS
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example> NOTIFY=NEVER
         S: 555 5.5.4 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}

#[tokio::test]
async fn arguments_that_are_refused() {
    dialogue_on(
        || offered(Protocol::Smtp),
        "C: EHLO there.example
         S: 250-here.example
         S: 250-PIPELINING
         S: 250-SIZE *
         S: 250-8BITMIME
         S: 250-ENHANCEDSTATUSCODES
         S: 250-CHUNKING
         S: 250-SMTPUTF8
         S: 250 DSN
         C: MAIL FROM:<ann@there.example> RET=SOME
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> ENVID=a ENVID=a
         S: 501 5.5.4 *
         C: MAIL FROM:<ann@there.example> NOTIFY=NEVER
         S: 555 5.5.4 *
         C: MAIL FROM:<ann@there.example>
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example> NOTIFY=NEVER,FAILURE
         S: 501 5.5.4 *
         C: RCPT TO:<sophie@here.example> ORCPT=sophie@here.example
         S: 501 5.5.4 *
         C: RCPT TO:<sophie@here.example> RET=FULL
         S: 555 5.5.4 *
         C: RCPT TO:<sophie@here.example> ORCPT=utf-8;sömeone@here.example
         S: 553 5.6.7 *
         C: RCPT TO:<sophie@here.example> ORCPT=utf-8;s\\x{F6}meone@here.example
         S: 250 2.1.5 *
         C: RSET
         S: 250 2.0.0 reset
         C: MAIL FROM:<ann@there.example> SMTPUTF8
         S: 250 2.1.0 *
         C: RCPT TO:<sophie@here.example> ORCPT=utf-8;sömeone@here.example
         S: 250 2.1.5 *
         C: QUIT
         S: 221 *
         S.",
    )
    .await;
}
