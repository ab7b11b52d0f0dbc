//! What senders ask of delivery status notifications (RFC 3461): passed on where the next hop heeds it, and
//! offered nowhere else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::net::SocketAddr;

use support::daemon::{binary, configuration, listening};
use support::{Behaviour, Client, Daemon, NextHop, crlf, wait_until};

fn next_hop(dsn: bool) -> NextHop {
    let hop = NextHop::start();
    hop.behave(Behaviour { dsn, ..Behaviour::default() });
    hop
}

fn automated(body: &str) -> Vec<u8> {
    crlf(&format!("From: Sophie from Acme <sophie@acme.example>\nSubject: Welcome\n\n{body}\n"))
}

fn mail() -> Vec<u8> {
    crlf("From: Ann <ann@customer.example>\nMessage-ID: <1@customer.example>\nSubject: Hello\n\nHello\n")
}

fn is_offered(listener: SocketAddr) -> bool {
    has_dsn(&Client::connect(listener).say("EHLO client.example").unwrap())
}

fn has_dsn(offer: &str) -> bool {
    offer.lines().any(|line| line.get(4..) == Some("DSN"))
}

/// A client of an application, once the daemon has heard what the next hop offers.
fn application(daemon: &Daemon) -> Client {
    wait_until("DSN is offered", || is_offered(daemon.outbound()));
    Client::connect(daemon.outbound())
}

/// Says each command; all are accepted. Then the message; the reply.
fn send(client: &mut Client, commands: &[&str], message: &[u8]) -> String {
    for command in commands.iter().chain([&"DATA"]) {
        let reply = client.say(command).unwrap();
        assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
    }
    client.finish(message).unwrap()
}

const ASKING: [&str; 4] = [
    "MAIL FROM:<app@acme.example> RET=HDRS ENVID=QQ+20314",
    "RCPT TO:<ann@customer.example> NOTIFY=NEVER",
    "RCPT TO:<bob@customer.example> ORCPT=rfc822;Bob+2Bx@customer.example NOTIFY=SUCCESS,DELAY",
    "RCPT TO:<eve@customer.example>",
];

const ASKED: [&str; 4] =
    ["RET=HDRS ENVID=QQ+20314", "NOTIFY=NEVER", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@customer.example", ""];

#[test]
fn what_applications_ask_is_passed_on_as_it_came() {
    let hop = next_hop(true);
    let daemon = Daemon::start(hop.address);
    let reply = send(&mut application(&daemon), &ASKING, &automated("Hello"));
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(hop.only().asked, ASKED);
}

#[test]
fn what_applications_ask_is_not_lost_where_a_transaction_is_opened_anew() {
    let hop = next_hop(true);
    let daemon = Daemon::start(hop.address);
    // Only the message tells that it needs 8BITMIME.
    let reply = send(&mut application(&daemon), &ASKING, &automated("schön"));
    assert!(reply.starts_with("250"), "{reply}");
    let [of_mail, of_recipients @ ..] = &hop.only().asked[..] else { panic!("MAIL was said") };
    assert_eq!(of_mail, "BODY=8BITMIME RET=HDRS ENVID=QQ+20314");
    assert_eq!(of_recipients, &ASKED[1..]);
}

#[test]
fn lmtp_passes_it_on_too() {
    let hop = next_hop(true);
    let listener = "address = \"127.0.0.1:0\"\nrole = \"outbound\"\nprotocol = \"lmtp\"";
    let daemon = Daemon::start_as(&listening(hop.address, &[listener]), binary);
    let connect = || Client::connect_lmtp(daemon.outbound());
    wait_until("DSN is offered", || has_dsn(&connect().say("LHLO client.example").unwrap()));
    let reply = send(&mut connect(), &["MAIL FROM:<>", "RCPT TO:<ann@customer.example> NOTIFY=NEVER"], &automated("x"));
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(hop.only().asked, ["", "NOTIFY=NEVER"]);
}

#[test]
fn a_next_hop_without_it_means_no_offer() {
    let hop = next_hop(false);
    let daemon = Daemon::start(hop.address);
    // Known for sure once it has taken a message.
    let plain = ["MAIL FROM:<app@acme.example>", "RCPT TO:<ann@customer.example>"];
    assert!(send(&mut Client::connect(daemon.outbound()), &plain, &automated("one")).starts_with("250"));
    assert!(!is_offered(daemon.outbound()));
    let reply = Client::connect(daemon.outbound()).say(ASKING[0]).unwrap();
    assert!(reply.starts_with("555 5.5.4"), "{reply}");
}

#[test]
fn an_offer_that_the_next_hop_takes_back_costs_the_wish_and_not_the_mail() {
    let hop = next_hop(true);
    let daemon = Daemon::start(hop.address);
    let mut client = application(&daemon);
    hop.behave(Behaviour::default());
    let reply = send(&mut client, &ASKING, &automated("Hello"));
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(hop.only().asked, ["", "", "", ""]);
    assert_eq!(
        daemon.log().matches("what the sender asks of notifications is left out").count(),
        1,
        "{}",
        daemon.log()
    );
    assert!(!is_offered(daemon.outbound()), "nobody else is promised it");
}

#[test]
fn asking_otherwise_makes_it_no_other_mail() {
    let hop = next_hop(true);
    let daemon = Daemon::start(hop.address);
    let mut client = application(&daemon);
    for asked in ["NOTIFY=NEVER", "NOTIFY=FAILURE"] {
        let to = format!("RCPT TO:<ann@customer.example> {asked}");
        assert!(send(&mut client, &["MAIL FROM:<app@acme.example>", &to], &automated("Hello")).starts_with("250"));
    }
    assert_eq!(hop.only().asked, ["", "NOTIFY=NEVER"]);
}

#[test]
fn where_bounces_come_to_us_nothing_is_offered() {
    let hop = next_hop(true);
    let more = "[stamp]\nreturn_path = true\n";
    let text = format!("reply_domain = \"replies.acme.example\"\n{}", configuration(hop.address, more));
    let daemon = Daemon::start_as(&text, binary);
    let plain = ["MAIL FROM:<app@acme.example>", "RCPT TO:<ann@customer.example>"];
    assert!(send(&mut Client::connect(daemon.outbound()), &plain, &automated("Hello")).starts_with("250"));
    assert!(hop.only().from.starts_with("bounce+"));
    assert!(!is_offered(daemon.outbound()), "the next hop was heard to offer it");
}

#[test]
fn customers_are_offered_nothing_and_nobody_is_told_of_copies() {
    let copying =
        "[[rule]]\nname = \"copies\"\nwhen = { subject = \"*\" }\nthen = { forward = true, copy_to = \"tom\" }\n";
    for (head, of_copy) in [("", "NOTIFY=NEVER"), ("reply_domain = \"replies.acme.example\"\n", "")] {
        let hop = next_hop(true);
        let daemon = Daemon::start_as(&format!("{head}{}", configuration(hop.address, copying)), binary);
        application(&daemon);
        assert!(!is_offered(daemon.inbound()), "{head}");
        let mut client = Client::connect(daemon.inbound());
        let reply = client.say("MAIL FROM:<ann@customer.example> RET=FULL").unwrap();
        assert!(reply.starts_with("555 5.5.4"), "{reply}");
        let reply = client.send("ann@customer.example", &["sophie@acme.example"], &mail()).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        let asked: Vec<_> = hop.taken().iter().map(|taken| (taken.to.concat(), taken.asked.join(""))).collect();
        let expected = [("sophie.martin@corp.example", ""), ("tom@corp.example", of_copy)];
        assert_eq!(asked, expected.map(|(to, asked)| (to.to_owned(), asked.to_owned())), "{head}");
    }
}
