//! A next hop in trouble: it drips, never ends, answers before it is asked, or leaves in the middle. What was
//! not handed over is told apart from what is in doubt, and nothing goes twice.

use super::*;

/// Timeouts of which only the one for commands is short.
fn impatient() -> Timeouts {
    Timeouts { command: Duration::from_millis(400), data_end: Duration::from_millis(400), ..Timeouts::default() }
}

#[rstest]
#[case(Stage::Mail, "unreachable")]
#[case(Stage::Rcpt, "unreachable")]
#[case(Stage::Data, "unreachable")]
#[case(Stage::Dot, "uncertain")]
#[tokio::test]
async fn a_reply_in_drips_is_none_in_the_end(#[case] stage: Stage, #[case] end: &str) {
    let endless: &'static [u8] = format!("250-{}\r\n250 ok\r\n", "x".repeat(3000)).leak().as_bytes();
    let hop = FakeHop::start(Behaviour::usual().at(stage, Act::Drip(endless))).await;
    assert_eq!(told(hand_over(&relay(&hop.server, impatient())).await), end);
}

#[tokio::test]
async fn a_reply_in_few_drips_is_one() {
    let behaviour = Behaviour::usual()
        .at(Stage::Greeting, Act::Drip(b"220 fake.example\r\n"))
        .at(Stage::Data, Act::Drip(b"354 go ahead\r\n"))
        .at(Stage::Dot, Act::Drip(b"250-2.0.0 ta\r\n250 2.0.0 ken\r\n"));
    let (_hop, relay) = start(behaviour).await;
    assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 ta / ken");
}

#[rstest]
#[case(Stage::Greeting, "220-hello\r\n", "unreachable")]
#[case(Stage::Ehlo, "250-X-MORE\r\n", "unreachable")]
#[case(Stage::Mail, "250-ok\r\n", "unreachable")]
#[case(Stage::Rcpt, "550-no\r\n", "unreachable")]
#[case(Stage::Data, "354-go\r\n", "unreachable")]
#[case(Stage::Dot, "250-taken\r\n", "uncertain")]
#[tokio::test]
async fn a_reply_of_ten_thousand_lines_is_none(#[case] stage: Stage, #[case] line: &str, #[case] end: &str) {
    let endless: &'static [u8] = line.repeat(10_000).leak().as_bytes();
    let (hop, relay) = start(Behaviour::usual().at(stage, Act::Say(endless))).await;
    assert_eq!(told(hand_over(&relay).await), end);
    hop.saw(|log| assert_eq!(log.connections, 1));
}

#[tokio::test]
async fn a_reply_of_a_hundred_lines_is_one() {
    let long: &'static [u8] = format!("{}550 5.1.1 no\r\n", "550-5.1.1 no\r\n".repeat(99)).leak().as_bytes();
    let (_hop, relay) = start(Behaviour::usual().at(Stage::Rcpt, Act::Say(long))).await;
    assert!(told(hand_over(&relay).await).starts_with("recipient: 550 5.1.1 no / no"));
}

#[rstest]
#[case(Stage::Greeting, b"\x15\x03\x01\x00\x02\x02\x28", "unreachable")]
#[case(Stage::Ehlo, b"\xff\xfe\r\n", "unreachable")]
#[case(Stage::Rcpt, b"99999\r\n", "unreachable")]
#[case(Stage::Rcpt, b"250\x00ok\r\n", "unreachable")]
#[case(Stage::Data, b"\r\n\r\n", "unreachable")]
#[case(Stage::Dot, b"\r\n", "uncertain")]
#[case(Stage::Dot, b"25", "uncertain")]
#[case(Stage::Dot, b"650 2.0.0 taken\r\n", "uncertain")]
#[tokio::test]
async fn garbage_is_no_reply(#[case] stage: Stage, #[case] garbage: &'static [u8], #[case] end: &str) {
    let (hop, relay) = start(Behaviour::usual().at(stage, Act::Leave(garbage))).await;
    assert_eq!(told(hand_over(&relay).await), end);
    hop.saw(|log| assert_eq!(log.connections, 1));
}

#[tokio::test]
async fn a_line_that_never_ends_is_no_reply() {
    let endless: &'static [u8] = "x".repeat(100_000).leak().as_bytes();
    for (stage, end) in [(Stage::Greeting, "unreachable"), (Stage::Mail, "unreachable"), (Stage::Dot, "uncertain")] {
        let (_hop, relay) = start(Behaviour::usual().at(stage, Act::Say(endless))).await;
        assert_eq!(told(hand_over(&relay).await), end);
    }
}

#[rstest]
#[case(Stage::Ehlo, b"421 4.3.2 busy\r\n", "us: 421 4.3.2 busy")]
#[case(Stage::Ehlo, b"451 4.3.0 later\r\n", "us: 451 4.3.0 later")]
#[case(Stage::Ehlo, b"554 5.7.1 not you\r\n", "us: 554 5.7.1 not you")]
#[case(Stage::Mail, b"421 4.3.2 busy\r\n", "us: 421 4.3.2 busy")]
#[case(Stage::Rcpt, b"421 4.3.2 busy\r\n", "recipient: 421 4.3.2 busy")]
#[case(Stage::Data, b"421 4.3.2 busy\r\n", "recipient: 421 4.3.2 busy")]
#[case(Stage::Data, b"554 5.5.1 no\r\n", "recipient: 554 5.5.1 no")]
#[case(Stage::Dot, b"452 4.3.1 no space\r\n", "recipient: 452 4.3.1 no space")]
#[tokio::test]
async fn each_refusal_is_told_apart(
    #[case] stage: Stage,
    #[case] lines: &'static [u8],
    #[case] end: &str,
    #[values("PIPELINING", "none")] lacking: &str,
) {
    let (hop, relay) = start(Behaviour::usual().without(lacking).at(stage, Act::Say(lines))).await;
    assert_eq!(told(hand_over(&relay).await), end);
    hop.saw(|log| assert_eq!(log.connections, 1));
}

#[tokio::test]
async fn a_next_hop_that_leaves_amid_the_message_has_not_taken_it() {
    for (act, end) in [
        (Act::Leave(b""), "unreachable"),
        (Act::Leave(b"250 2.0.0 taken\r\n"), "unreachable"),
        (Act::Leave(b"what?\r\n"), "unreachable"),
        (Act::Leave(b"421 4.3.2 restarting\r\n"), "recipient: 421 4.3.2 restarting"),
        (Act::Leave(b"552-5.3.4 too\r\n552 5.3.4 big\r\n"), "recipient: 552 5.3.4 too / big"),
        (Act::Leave(b"552 5.3.4 too big\r\n421 4.3.2 bye\r\n"), "recipient: 552 5.3.4 too big"),
    ] {
        let (hop, relay) = start(Behaviour::usual().at(Stage::Middle, act)).await;
        let large = pieces(&b"text\r\n".repeat(5_000_000));
        assert_eq!(told(relay.hand_over(&mail(), &sophie(), &large).await), end, "{act:?}");
        hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 0), "{act:?}"));
    }
}

#[tokio::test]
async fn an_early_refusal_is_heard_however_much_is_under_way() {
    for size in [20_000, 30_000, 100_000, 1_000_000] {
        let behaviour = Behaviour::usual().at(Stage::Middle, Act::Leave(b"552 5.3.4 too big\r\n"));
        let (hop, relay) = start(behaviour).await;
        let message = pieces(&b"text\r\n".repeat(size));
        let end = told(relay.hand_over(&mail(), &sophie(), &message).await);
        assert_eq!(end, "recipient: 552 5.3.4 too big", "{size}");
        hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 0)));
    }
}

#[tokio::test]
async fn a_yes_before_the_dot_is_none() {
    for early in [&b"354 go ahead\r\n250 2.0.0 taken\r\n"[..], b"354 go ahead\r\n554 5.6.0 spam\r\n"] {
        for lacking in ["PIPELINING", "none"] {
            let behaviour = Behaviour::usual().without(lacking).at(Stage::Data, Act::Say(early));
            let (hop, relay) = start(behaviour).await;
            assert_eq!(told(hand_over(&relay).await), "unreachable");
            hop.until(|log| log.ended == 1).await;
            hop.saw(|log| assert!(log.messages.is_empty(), "the message was not ended"));
        }
    }
}

#[tokio::test]
async fn answers_that_come_before_their_questions_are_none() {
    let early = b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n250 2.0.0 taken\r\n";
    for lacking in ["PIPELINING", "none"] {
        let (hop, relay) = start(Behaviour::usual().without(lacking).at(Stage::Mail, Act::Say(early))).await;
        assert_eq!(told(hand_over(&relay).await), "unreachable");
        hop.until(|log| log.ended == 1).await;
        hop.saw(|log| assert!(log.messages.is_empty(), "{:?}", log.commands));
    }
    let (hop, relay) = start(Behaviour::usual().at(Stage::Mail, Act::Say(b"250 ok\r\n250 ok\r\n"))).await;
    let mut transaction = relay.begin(&mail()).await.unwrap();
    assert_eq!(told(transaction.recipient(&sophie()).await), "unreachable");
    assert_eq!(told(transaction.data(&pieces(MESSAGE)).await), "unreachable");
    hop.saw(|log| assert!(log.messages.is_empty()));
}

#[tokio::test]
async fn two_dead_kept_connections_at_once_cost_no_message() {
    let behaviour = Behaviour::usual().at_any_second_use(Stage::Mail, Act::Leave(b"421 4.4.2 idle\r\n"));
    let (hop, relay) = start(behaviour).await;
    let (mut one, mut other) = (relay.begin(&mail()).await.unwrap(), relay.begin(&mail()).await.unwrap());
    for transaction in [&mut one, &mut other] {
        transaction.recipient(&sophie()).await.unwrap();
    }
    one.data(&pieces(MESSAGE)).await.unwrap();
    other.data(&pieces(MESSAGE)).await.unwrap();
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (2, 2), "both are kept"));
    let (third, fourth) = tokio::join!(hand_over(&relay), hand_over(&relay));
    assert_eq!([told(third), told(fourth)], ["taken: 250 2.0.0 taken"; 2]);
    hop.saw(|log| assert_eq!(log.messages.len(), 4, "each once"));
}

#[tokio::test]
async fn after_the_dot_nothing_is_tried_again() {
    for act in [Act::Leave(b""), Act::Leave(b"421 4.3.2 restarting\r\n"), Act::Say(b"what?\r\n")] {
        let (hop, relay) = start(Behaviour::usual().at_second_use(Stage::Dot, act)).await;
        hand_over(&relay).await.unwrap();
        let end = told(hand_over(&relay).await);
        assert!(end == "uncertain" || end == "recipient: 421 4.3.2 restarting", "{end}");
        hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 2), "{act:?}"));
    }
}

#[tokio::test]
async fn a_kept_connection_that_leaves_amid_the_message_is_not_replaced() {
    let (hop, relay) = start(Behaviour::usual().at_second_use(Stage::Middle, Act::Leave(b""))).await;
    hand_over(&relay).await.unwrap();
    let large = pieces(&b"text\r\n".repeat(5_000_000));
    assert_eq!(told(relay.hand_over(&mail(), &sophie(), &large).await), "unreachable");
    hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (1, 1)));
}
