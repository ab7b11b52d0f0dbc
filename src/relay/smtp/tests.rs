//! The relay against a next hop on a real socket. Tests wait for what they expect, never for time;
//! where a time-out is the subject, it is a short one of the settings.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

mod security;
mod tickets;
mod trouble;

use super::fake::{Act, Behaviour, FakeHop, Stage};
use super::*;
use crate::mail::dsn::{PerMessage, PerRecipient};
use crate::mail::outcome::Extension;
use crate::mail::{Address, ReversePath, Transport};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\n..\r\ntext\r\n\r\n";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn recipient(text: &str) -> Recipient {
    address(text).into()
}

fn sophie() -> Recipient {
    recipient("sophie@corp.example")
}

fn mail() -> Mail {
    Mail {
        reverse_path: ReversePath::Address(address("a..b@docomo.example")),
        transport: Transport::default(),
        size: None,
        dsn: PerMessage::default(),
    }
}

fn pieces(message: &[u8]) -> [Bytes; 1] {
    [Bytes::copy_from_slice(message)]
}

fn relay(server: &str, timeouts: Timeouts) -> SmtpRelay {
    relay_with(server, timeouts, Security::default())
}

fn relay_with(server: &str, timeouts: Timeouts, security: Security) -> SmtpRelay {
    SmtpRelay::new(server.into(), "sincerely.acme.example", timeouts, security)
}

async fn start(behaviour: Behaviour) -> (FakeHop, SmtpRelay) {
    let hop = FakeHop::start(behaviour).await;
    let relay = relay(&hop.server, Timeouts::default());
    (hop, relay)
}

async fn hand_over(relay: &SmtpRelay) -> Result<Reply, Failure> {
    relay.hand_over(&mail(), &sophie(), &pieces(MESSAGE)).await
}

/// A failure as short text: its variant and reply.
fn told(result: Result<Reply, Failure>) -> String {
    match result {
        Ok(reply) => format!("taken: {reply}"),
        Err(Failure::Recipient(reply)) => format!("recipient: {reply}"),
        Err(Failure::Us(reply)) => format!("us: {reply}"),
        Err(Failure::Unfit(why)) => format!("unfit: {why}"),
        Err(Failure::Unsupported(extension)) => format!("unsupported: {extension}"),
        Err(Failure::Unreachable(_)) => "unreachable".into(),
        Err(Failure::Uncertain(_)) => "uncertain".into(),
    }
}

#[rstest]
#[case::pipelined(Behaviour::usual(), true)]
#[case::in_turn(Behaviour::usual().without("PIPELINING"), false)]
#[tokio::test]
async fn a_message_is_handed_over(#[case] behaviour: Behaviour, #[case] pipelined: bool) {
    let (hop, relay) = start(behaviour).await;
    assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken");
    hop.saw(|log| {
        let size = MESSAGE.len();
        let expected = [
            "EHLO sincerely.acme.example",
            &format!("MAIL FROM:<a..b@docomo.example> SIZE={size}"),
            "RCPT TO:<sophie@corp.example>",
            "DATA",
        ];
        assert_eq!(log.commands, expected);
        assert_eq!(log.messages, [MESSAGE]);
        assert_eq!(log.pipelined, pipelined);
    });
}

#[tokio::test]
async fn one_connection_serves_many_messages() {
    let (hop, relay) = start(Behaviour::usual()).await;
    for _ in 0..5 {
        hand_over(&relay).await.unwrap();
        let mut transaction = relay.begin(&mail()).await.unwrap();
        transaction.recipient(&sophie()).await.unwrap();
        transaction.data(&pieces(MESSAGE)).await.unwrap();
    }
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 10)));
}

#[tokio::test]
async fn an_idle_connection_is_left_with_a_quit() {
    let (hop, relay) = start(Behaviour::usual()).await;
    hand_over(&relay).await.unwrap();
    tokio::time::pause();
    hop.until(|log| log.ended == 1).await;
    hop.saw(|log| assert_eq!(log.commands.last().map(String::as_str), Some("QUIT")));
}

#[tokio::test]
async fn a_busy_connection_is_left_in_the_end() {
    let (hop, relay) = start(Behaviour::usual()).await;
    for _ in 0..17 {
        hand_over(&relay).await.unwrap();
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(20)).await;
        tokio::time::resume();
    }
    hop.until(|log| log.ended == 1).await;
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (2, 17)));
}

#[rstest]
#[case::closed(Stage::Mail, Act::Leave(b""))]
#[case::farewell(Stage::Mail, Act::Leave(b"421 4.4.2 idle for too long\r\n"))]
#[case::farewell_kept_open(Stage::Mail, Act::Say(b"421 4.4.2 idle for too long\r\n"))]
#[case::later(Stage::Rcpt, Act::Leave(b""))]
#[case::last_moment(Stage::Data, Act::Leave(b"421 4.3.2 restarting\r\n"))]
#[case::garbled(Stage::Mail, Act::Say(b"\0\r\n"))]
#[tokio::test]
async fn a_dead_kept_connection_is_replaced_silently(
    #[case] stage: Stage,
    #[case] act: Act,
    #[values("PIPELINING", "none")] lacking: &str,
) {
    let (hop, relay) = start(Behaviour::usual().without(lacking).at_second_use(stage, act)).await;
    hand_over(&relay).await.unwrap();
    assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken");
    hop.saw(|log| assert_eq!(log.messages.len(), 2));
}

#[tokio::test]
async fn a_connection_that_the_next_hop_closed_is_not_used() {
    let (hop, relay) = start(Behaviour::usual().at(Stage::Dot, Act::Leave(b"250 2.0.0 taken\r\n"))).await;
    for _ in 0..3 {
        assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken");
    }
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (3, 3)));
}

#[tokio::test]
async fn an_answer_too_many_is_never_taken_for_the_next_one() {
    let (hop, relay) =
        start(Behaviour::usual().at(Stage::Dot, Act::Say(b"250 2.0.0 taken\r\n250 2.0.0 taken\r\n"))).await;
    hand_over(&relay).await.unwrap();
    hand_over(&relay).await.unwrap();
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (2, 2)));
}

#[tokio::test]
async fn a_fresh_connection_is_tried_once() {
    let (hop, relay) = start(Behaviour::usual().at(Stage::Mail, Act::Leave(b"421 4.3.2 busy\r\n"))).await;
    assert_eq!(told(hand_over(&relay).await), "us: 421 4.3.2 busy");
    hop.saw(|log| assert_eq!(log.connections, 1));
}

#[rstest]
#[case(Stage::Greeting, Act::Leave(b"554 5.7.1 not you\r\n"), "us: 554 5.7.1 not you")]
#[case(Stage::Greeting, Act::Leave(b"421 busy\r\n"), "us: 421 4.0.0 busy")]
#[case(Stage::Greeting, Act::Say(b"SSH-2.0-OpenSSH_9\r\n"), "unreachable")]
#[case(Stage::Greeting, Act::Leave(b""), "unreachable")]
#[case(Stage::Greeting, Act::Leave(b"220-unfinished"), "unreachable")]
#[case(Stage::Ehlo, Act::Say(b"502 5.5.1 only HELO\r\n"), "us: 502 5.5.1 only HELO")]
#[case(Stage::Ehlo, Act::Leave(b""), "unreachable")]
#[case(Stage::Mail, Act::Say(b"451 later\r\n"), "us: 451 4.0.0 later")]
#[case(Stage::Mail, Act::Say(b"552 5.3.4 too big\r\n"), "us: 552 5.3.4 too big")]
#[case(Stage::Mail, Act::Leave(b"550 5.7.1 no\r\n"), "us: 550 5.7.1 no")]
#[case(Stage::Rcpt, Act::Say(b"450 4.2.0 greylisted\r\n"), "recipient: 450 4.2.0 greylisted")]
#[case(Stage::Rcpt, Act::Say(b"550-5.1.1 no\r\n550 5.1.1 such user\r\n"), "recipient: 550 5.1.1 no / such user")]
#[case(Stage::Rcpt, Act::Leave(b"421 4.7.0 rate\r\n"), "recipient: 421 4.7.0 rate")]
#[case(Stage::Rcpt, Act::Leave(b""), "unreachable")]
#[case(Stage::Data, Act::Say(b"451 4.3.0 later\r\n"), "recipient: 451 4.3.0 later")]
#[case(Stage::Data, Act::Say(b"250 2.0.0 odd\r\n"), "unreachable")]
#[case(Stage::Data, Act::Leave(b"354 go ahead\r\n"), "unreachable or uncertain")]
#[case(Stage::Dot, Act::Say(b"554 5.6.0 spam\r\n"), "recipient: 554 5.6.0 spam")]
#[case(Stage::Dot, Act::Leave(b"421 4.3.2 restarting\r\n"), "recipient: 421 4.3.2 restarting")]
#[case(Stage::Dot, Act::Leave(b""), "uncertain")]
#[case(Stage::Dot, Act::Leave(b"250 2.0.0 tak"), "uncertain")]
#[case(Stage::Dot, Act::Say(b"whatever\r\n"), "uncertain")]
#[case(Stage::Dot, Act::Say(b"354 more?\r\n"), "uncertain")]
#[case(Stage::Dot, Act::Say(b"250\r\n"), "taken: 250 2.0.0 ")]
#[case(Stage::Dot, Act::Say(b"250-accept\xe9e\r\n250 \xff\n"), "taken: 250 2.0.0 accept\u{fffd}e / \u{fffd}")]
#[tokio::test]
async fn each_end_is_told_apart(
    #[case] stage: Stage,
    #[case] act: Act,
    #[case] end: &str,
    #[values("PIPELINING", "none")] lacking: &str,
) {
    let (hop, relay) = start(Behaviour::usual().without(lacking).at(stage, act)).await;
    let result = told(hand_over(&relay).await);
    assert!(end.split(" or ").any(|end| end == result), "{result}");
    hop.saw(|log| assert_eq!(log.connections, 1));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(told(hand_over(&relay(&free.to_string(), Timeouts::default())).await), "unreachable");
}

#[rstest]
#[case(Stage::Greeting, "unreachable")]
#[case(Stage::Ehlo, "unreachable")]
#[case(Stage::Mail, "unreachable")]
#[case(Stage::Rcpt, "unreachable")]
#[case(Stage::Data, "unreachable")]
#[case(Stage::Dot, "uncertain")]
#[tokio::test]
async fn a_next_hop_that_hangs_is_left(#[case] stage: Stage, #[case] end: &str) {
    let hop = FakeHop::start(Behaviour::usual().at(stage, Act::Hang)).await;
    // Only the wait that is the subject is short: a busy machine must not cut another one off.
    let unless = |subject: bool| if subject { Duration::from_millis(50) } else { Duration::from_secs(60) };
    let greeting = matches!(stage, Stage::Greeting | Stage::Ehlo);
    let timeouts = Timeouts {
        connect: unless(greeting),
        command: if greeting || stage == Stage::Dot { unless(false) } else { Duration::from_millis(400) },
        data_end: unless(stage == Stage::Dot),
        ..Timeouts::default()
    };
    assert_eq!(told(hand_over(&relay(&hop.server, timeouts)).await), end);
}

#[tokio::test]
async fn a_next_hop_that_stops_reading_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let timeouts = Timeouts { command: Duration::from_millis(300), ..Timeouts::default() };
    let deaf = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in ["220 x\r\n", "250-x\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"] {
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert!(stream.read(&mut [0; 512]).await.unwrap() > 0, "{answer}: the relay left");
        }
        std::future::pending::<()>().await;
    };
    let relay = relay(&server, timeouts);
    let large = pieces(&b"text\r\n".repeat(5_000_000));
    let (mail, sophie) = (mail(), sophie());
    tokio::select! {
        () = deaf => {}
        result = relay.hand_over(&mail, &sophie, &large) => assert_eq!(told(result), "unreachable"),
    }
}

#[tokio::test]
async fn a_connection_is_reset_after_a_refusal_and_used_again() {
    let refusal = Act::Say(b"550 5.1.1 no such user\r\n");
    let behaviour = Behaviour::usual().without("PIPELINING").at_naming(Stage::Rcpt, "sophie", refusal);
    let (hop, relay) = start(behaviour).await;
    hand_over(&relay).await.unwrap_err();
    hop.until(|log| log.commands.last().is_some_and(|last| last == "RSET")).await;
    relay.hand_over(&mail(), &recipient("tom@corp.example"), &pieces(MESSAGE)).await.unwrap();
    hop.saw(|log| assert_eq!(log.messages, [MESSAGE]));
}

#[tokio::test]
async fn data_that_was_opened_for_a_refused_recipient_is_never_ended() {
    let (hop, relay) = start(Behaviour::usual().at(Stage::Rcpt, Act::Say(b"550 5.1.1 no\r\n"))).await;
    assert_eq!(told(hand_over(&relay).await), "recipient: 550 5.1.1 no");
    hop.until(|log| log.ended == 1).await;
    hop.saw(|log| assert!(log.messages.is_empty()));
}

#[tokio::test]
async fn a_pipelined_refusal_keeps_the_connection_in_step() {
    let behaviour = Behaviour::usual()
        .at_naming(Stage::Rcpt, "sophie", Act::Say(b"550 5.1.1 no\r\n"))
        .at(Stage::Data, Act::Say(b"503 5.5.1 no recipients\r\n"));
    let (hop, relay) = start(behaviour).await;
    assert_eq!(told(hand_over(&relay).await), "recipient: 550 5.1.1 no");
    hop.until(|log| log.commands.last().is_some_and(|last| last == "RSET")).await;
    let other = relay.hand_over(&mail(), &recipient("tom@corp.example"), &pieces(MESSAGE)).await;
    assert_eq!(told(other), "recipient: 503 5.5.1 no recipients");
}

#[tokio::test]
async fn each_recipient_of_a_transaction_is_answered() {
    let behaviour =
        Behaviour::usual().at_naming(Stage::Rcpt, "gone", Act::Say(b"550-5.1.1 moved\r\n550 5.1.1 away\r\n"));
    let (hop, relay) = start(behaviour).await;
    let mut transaction = relay.begin(&mail()).await.unwrap();
    assert_eq!(told(transaction.recipient(&sophie()).await), "taken: 250 2.1.5 ok");
    let refused = transaction.recipient(&recipient("gone@corp.example")).await;
    assert_eq!(told(refused), "recipient: 550 5.1.1 moved / away");
    assert_eq!(told(transaction.recipient(&recipient("tom@corp.example")).await), "taken: 250 2.1.5 ok");
    assert_eq!(told(transaction.data(&pieces(MESSAGE)).await), "taken: 250 2.0.0 taken");
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 1)));
}

#[tokio::test]
async fn a_transaction_ends_with_its_connection() {
    let behaviour = Behaviour::usual().at(Stage::Rcpt, Act::Leave(b"421 4.3.2 restarting\r\n"));
    let (_hop, relay) = start(behaviour).await;
    let mut transaction = relay.begin(&mail()).await.unwrap();
    assert_eq!(told(transaction.recipient(&sophie()).await), "recipient: 421 4.3.2 restarting");
    assert_eq!(told(transaction.recipient(&sophie()).await), "unreachable");
    assert_eq!(told(transaction.data(&pieces(MESSAGE)).await), "unreachable");
}

#[tokio::test]
async fn a_dropped_transaction_is_reset() {
    let (hop, relay) = start(Behaviour::usual()).await;
    let mut transaction = relay.begin(&mail()).await.unwrap();
    transaction.recipient(&sophie()).await.unwrap();
    drop(transaction);
    hop.until(|log| log.commands.last().is_some_and(|last| last == "RSET")).await;
    hand_over(&relay).await.unwrap();
    hop.saw(|log| assert_eq!(log.messages, [MESSAGE]));
}

#[tokio::test]
async fn a_transaction_dropped_while_it_waits_closes_its_connection() {
    let (hop, relay) = start(Behaviour::usual().at_naming(Stage::Rcpt, "sophie", Act::Hang)).await;
    let mut transaction = relay.begin(&mail()).await.unwrap();
    let sophie = sophie();
    tokio::select! {
        _ = transaction.recipient(&sophie) => panic!("the next hop answered"),
        () = hop.until(|log| log.commands.iter().any(|command| command.starts_with("RCPT"))) => {}
    }
    drop(transaction);
    relay.hand_over(&mail(), &recipient("tom@corp.example"), &pieces(MESSAGE)).await.unwrap();
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (2, 1)));
}

#[rstest]
#[case("8bitmime", Transport { eight_bit: true, utf8: false }, Extension::EightBitMime)]
#[case("SMTPUTF8", Transport { eight_bit: false, utf8: true }, Extension::SmtpUtf8)]
#[tokio::test]
async fn what_a_message_needs_is_said_or_missing(
    #[case] keyword: &str,
    #[case] transport: Transport,
    #[case] extension: Extension,
) {
    let needing = Mail { transport, ..mail() };
    let (hop, with) = start(Behaviour::usual()).await;
    with.hand_over(&needing, &sophie(), &pieces(MESSAGE)).await.unwrap();
    hop.saw(|log| assert!(log.commands[1].ends_with(&extension.to_string()), "{:?}", log.commands));

    let (hop, without) = start(Behaviour::usual().without(keyword)).await;
    let result = without.hand_over(&needing, &sophie(), &pieces(MESSAGE)).await;
    assert_eq!(result, Err(Failure::Unsupported(extension)));
    assert!(matches!(without.begin(&needing).await, Err(Failure::Unsupported(missing)) if missing == extension));
    hop.saw(|log| assert!(log.messages.is_empty()));
}

#[tokio::test]
async fn an_international_recipient_needs_smtputf8() {
    let (_hop, relay) = start(Behaviour::usual().without("SMTPUTF8")).await;
    let result = relay.hand_over(&mail(), &recipient("jörg@corp.example"), &pieces(MESSAGE)).await;
    assert_eq!(result, Err(Failure::Unsupported(Extension::SmtpUtf8)));
}

#[tokio::test]
async fn the_null_reverse_path_stays_null_and_size_is_said_where_offered() {
    let (hop, relay) = start(Behaviour::usual().without("SIZE")).await;
    let null = Mail { reverse_path: ReversePath::Null, ..mail() };
    relay.hand_over(&null, &sophie(), &pieces(MESSAGE)).await.unwrap();
    hop.saw(|log| assert_eq!(log.commands[1], "MAIL FROM:<>"));
}

#[tokio::test]
async fn a_large_message_arrives_equal() {
    let (hop, relay) = start(Behaviour::usual()).await;
    let dots = b".\r\n".repeat(100_000);
    let text = [&b"x".repeat(76)[..], b"\r\n"].concat().repeat(270_000);
    let message = [Bytes::from(dots), Bytes::new(), Bytes::from(text)];
    relay.hand_over(&mail(), &sophie(), &message).await.unwrap();
    hop.saw(|log| assert!(log.messages == [message.concat()], "the messages differ"));
}

#[test]
fn any_message_in_any_pieces_arrives_equal() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (hop, relay) = runtime.block_on(start(Behaviour::usual()));
    // Octets that matter are frequent; CR and LF come as pairs only, as everything that we take.
    let octets = prop::sample::select(vec![&b"."[..], b"\r\n", b"\xff", b"\0", b"a"]);
    let pieces = prop::collection::vec(prop::collection::vec(octets, 0..12), 0..8);
    proptest!(ProptestConfig::with_cases(200), |(pieces in pieces)| {
        let mut pieces: Vec<Bytes> = pieces.into_iter().map(|piece| Bytes::from(piece.concat())).collect();
        if !pieces.concat().ends_with(b"\r\n") {
            pieces.extend([Bytes::from_static(b"\r"), Bytes::from_static(b"\n")]);
        }
        runtime.block_on(relay.hand_over(&mail(), &sophie(), &pieces)).unwrap();
        let arrived = hop.saw(|log| log.messages.last().cloned());
        prop_assert_eq!(arrived, Some(pieces.concat()));
    });
}

#[tokio::test]
async fn a_long_explanation_does_not_hide_a_yes() {
    let explanation: &'static [u8] = format!("250 2.0.0 {}\r\n", "é".repeat(1000)).leak().as_bytes();
    let (_hop, relay) = start(Behaviour::usual().at(Stage::Dot, Act::Say(explanation))).await;
    assert!(hand_over(&relay).await.unwrap().is_positive());
}

/// A message, and a recipient, about which something is asked.
fn asking() -> (Mail, Recipient) {
    let of_message = PerMessage { ret: "HDRS".parse().ok(), envelope_id: "QQ+20314".parse().ok() };
    let of_recipient =
        PerRecipient { notify: "NEVER".parse().ok(), original: "rfc822;Sophie+2Bx@acme.example".parse().ok() };
    (Mail { dsn: of_message, ..mail() }, Recipient { dsn: of_recipient, ..sophie() })
}

#[rstest]
#[case::offered("PIPELINING", " RET=HDRS ENVID=QQ+20314", " NOTIFY=NEVER ORCPT=rfc822;Sophie+2Bx@acme.example")]
#[case::not_offered("DSN", "", "")]
#[tokio::test]
async fn what_is_asked_of_notifications_is_said_where_it_is_offered(
    #[case] lacking: &str,
    #[case] of_message: &str,
    #[case] of_recipient: &str,
) {
    let (hop, relay) = start(Behaviour::usual().with("DSN").without(lacking)).await;
    let (mail, recipient) = asking();
    relay.hand_over(&mail, &recipient, &pieces(MESSAGE)).await.unwrap();
    let mut transaction = relay.begin(&mail).await.unwrap();
    transaction.recipient(&recipient).await.unwrap();
    transaction.recipient(&sophie()).await.unwrap();
    transaction.data(&pieces(MESSAGE)).await.unwrap();
    let size = MESSAGE.len();
    hop.saw(|log| {
        let expected = [
            &format!("MAIL FROM:<a..b@docomo.example> SIZE={size}{of_message}"),
            &format!("RCPT TO:<sophie@corp.example>{of_recipient}"),
            "DATA",
            &format!("MAIL FROM:<a..b@docomo.example>{of_message}"),
            &format!("RCPT TO:<sophie@corp.example>{of_recipient}"),
            "RCPT TO:<sophie@corp.example>",
            "DATA",
        ];
        assert_eq!(log.commands[1..], expected);
    });
}

#[tokio::test]
async fn what_the_next_hop_offers_is_known_once_it_was_greeted() {
    let (hop, relay) = start(Behaviour::usual().with("dsn")).await;
    assert!(!relay.offers_dsn(), "nobody was asked");
    relay.greet().await.unwrap();
    assert!(relay.offers_dsn());
    hand_over(&relay).await.unwrap();
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (2, 1), "who greets takes leave"));
}

#[tokio::test]
async fn the_last_greeting_counts() {
    let (hop, relay) =
        start(Behaviour::usual().with("dsn").at_connection(1, Stage::Ehlo, Act::Say(b"250 fake.example\r\n"))).await;
    relay.greet().await.unwrap();
    relay.greet().await.unwrap();
    assert!(!relay.offers_dsn());
    hop.saw(|log| assert_eq!(log.connections, 2));
}

#[tokio::test]
async fn nobody_need_be_there_to_be_greeted() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let relay = relay(&free.to_string(), Timeouts::default());
    assert!(matches!(relay.greet().await, Err(Failure::Unreachable(_))));
    assert!(!relay.offers_dsn());
}
