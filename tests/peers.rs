//! Peers that speak for others, and the real daemon: proxies that announce their peers, servers that forward for
//! their clients.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use support::daemon::{binary, listening};
use support::{Client, Daemon, NextHop, crlf, field, wait_until};

const TEXT: &str = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\n";
const MAIL: &str = "From: ann@customer.example\nMessage-ID: <1@customer.example>\nSubject: hello\n\nHello\n";

/// A listener behind a proxy on this machine, and one that is not.
fn behind_a_proxy(hop: &NextHop, fields: &str, more: &str) -> Daemon {
    let inbound = format!("address = \"127.0.0.1:0\"\nrole = \"inbound\"\nproxy = [\"127.0.0.1\", \"::1\"]\n{fields}");
    let outbound = "address = \"127.0.0.1:0\"\nrole = \"outbound\"";
    Daemon::start_as(&(listening(hop.address, &[&inbound, outbound]) + more), talkative)
}

fn talkative() -> Command {
    let mut binary = binary();
    binary.env("SINCERELY_LOG", "sincerely=debug");
    binary
}

/// A connection of the proxy, with what it says first.
fn proxied(address: SocketAddr, header: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(header).unwrap();
    stream
}

fn all_that_it_hears(mut stream: TcpStream) -> String {
    let mut said = String::new();
    // A connection that is closed with octets unread may be reset.
    let _ = stream.read_to_string(&mut said);
    said
}

fn answer(address: SocketAddr, header: &[u8]) -> String {
    all_that_it_hears(proxied(address, header))
}

/// A header of version 2 that announces an IPv4 address.
fn binary_header(address: [u8; 4]) -> Vec<u8> {
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &address, b"\xc0\0\x02\x01\x9c\x40\0\x19"].concat()
}

const EVERYBODY: &str = "allow = [\"0.0.0.0/0\", \"::/0\"]";

#[test]
fn whom_a_proxy_announces_is_the_peer() {
    let hop = NextHop::start();
    let daemon = behind_a_proxy(&hop, EVERYBODY, "");
    for (header, peer) in [
        (TEXT.as_bytes().to_vec(), "198.51.100.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n".to_vec(), "2001:db8::7"),
        (binary_header([203, 0, 113, 9]), "203.0.113.9"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(), "127.0.0.1"),
    ] {
        let before = hop.taken().len();
        let mut client = Client::greet(proxied(daemon.inbound(), &header), "EHLO client.example").unwrap();
        let reply = client.send("ann@customer.example", &["sophie@acme.example"], &mail(&before.to_string())).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        let received = field(&hop.taken()[before].bytes, "Received").unwrap();
        let literal = if peer.contains(':') { format!("[IPv6:{peer}]") } else { format!("[{peer}]") };
        assert!(received.starts_with(&format!("from client.example ({literal}) by")), "{received}");
        let settled = |line: &str| line.contains("\"settled\"") && line.contains(&format!("peer={peer}}}"));
        wait_until(peer, || daemon.log().lines().any(settled));
    }
}

fn mail(subject: &str) -> Vec<u8> {
    crlf(&MAIL.replace("hello", subject))
}

#[test]
fn who_must_announce_and_does_not_hears_nothing() {
    let daemon = behind_a_proxy(&NextHop::start(), EVERYBODY, "");
    let cases = [
        (&b"EHLO client.example\r\n"[..], "what came first is no PROXY header"),
        (b"PROXY TCP4 nobody nowhere 1 2\r\n", "what came first is no PROXY header"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "the PROXY header is longer than 4096 octets"),
        // Slow: nothing, or not all of it.
        (b"", "no PROXY header came within 5 s"),
        (b"PROXY TCP4 198.51.100.7 ", "no PROXY header came within 5 s"),
    ];
    // All at once: two of them take their time.
    let streams = cases.map(|(header, _)| proxied(daemon.inbound(), header));
    assert_eq!(streams.map(all_that_it_hears), [""; 5]);
    for (_, why) in cases {
        let expected = cases.iter().filter(|(_, other)| *other == why).count();
        let is_told = |line: &&str| line.contains("WARN") && line.contains("proxy=127.0.0.1") && line.contains(why);
        wait_until(why, || daemon.log().lines().filter(is_told).count() == expected);
    }
    // Whoever only looks whether we are there is no matter for the log.
    drop(TcpStream::connect(daemon.inbound()).unwrap());
    wait_until("it is seen", || daemon.log().contains("closed by the proxy at once"));
    assert!(!daemon.log().lines().any(|line| line.contains("WARN") && line.contains("at once")));
}

#[test]
fn who_is_no_proxy_announces_nobody() {
    let daemon = behind_a_proxy(&NextHop::start(), "", "");
    let said = answer(daemon.outbound(), format!("{TEXT}QUIT\r\n").as_bytes());
    let lines: Vec<_> = said.lines().skip(1).collect();
    assert_eq!(lines, ["500 5.5.1 command not recognised", "221 2.0.0 bye"]);
    assert!(!daemon.log().contains("198.51.100.7"), "{}", daemon.log());
}

#[test]
fn allow_judges_whom_a_proxy_announces() {
    let daemon = behind_a_proxy(&NextHop::start(), "allow = \"198.51.100.0/24\"", "");
    let refused = "554 5.7.1 no service for your address\r\n";
    assert_eq!(answer(daemon.inbound(), &binary_header([203, 0, 113, 9])), refused);
    assert_eq!(answer(daemon.inbound(), b"PROXY UNKNOWN\r\n"), refused, "the proxy itself is not among them");
    assert!(Client::greet(proxied(daemon.inbound(), TEXT.as_bytes()), "EHLO client.example").is_ok());
    wait_until("it is told", || daemon.log().contains("connection refused peer=203.0.113.9"));
}

#[test]
fn connections_of_one_address_are_counted_behind_a_proxy() {
    let limits = "[limits]\nconnections_per_address = 2\n";
    let daemon = behind_a_proxy(&NextHop::start(), EVERYBODY, limits);
    let connect = |address: [u8; 4]| {
        let mut stream = proxied(daemon.inbound(), &binary_header(address));
        let mut code = [0; 3];
        stream.read_exact(&mut code).unwrap();
        (stream, String::from_utf8(code.to_vec()).unwrap())
    };
    // Loopback is exempt where it connects itself, not where a proxy says so.
    for address in [[198, 51, 100, 7], [127, 0, 0, 1]] {
        let (first, welcome) = connect(address);
        let (_second, welcome_too) = connect(address);
        assert_eq!((&*welcome, &*welcome_too), ("220", "220"));
        assert_eq!(connect(address).1, "421");
        drop(first);
        wait_until("there is room again", || connect(address).1 == "220");
    }
    assert_eq!(connect([198, 51, 100, 8]).1, "220", "others have a share of their own");
    let local: Vec<_> = (0..3).map(|_| Client::connect(daemon.outbound())).collect();
    assert_eq!(local.len(), 3);
}

#[test]
fn the_log_names_the_client_that_a_server_forwards_for() {
    let hop = NextHop::start();
    let inbound = "address = \"127.0.0.1:0\"\nrole = \"inbound\"\nxforward = \"127.0.0.1\"";
    let daemon = Daemon::start_as(&listening(hop.address, &[inbound]), talkative);
    let mut client = Client::connect(daemon.inbound());
    assert!(
        client.say("EHLO client.example").unwrap().ends_with("250 XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT")
    );
    let send = |client: &mut Client, from: &str| {
        let reply = client.send(from, &["sophie@acme.example"], &mail(from)).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    };
    client.say("XFORWARD NAME=mail.customer.example ADDR=IPv6:2001:db8::7 HELO=evil+1B[2J IDENT=3CF6B2AAE8").unwrap();
    send(&mut client, "first@customer.example");
    send(&mut client, "second@customer.example");

    wait_until("both are told of", || daemon.log().matches("\"settled\"").count() == 2);
    let log = daemon.log();
    let settled = |from: &str| {
        log.lines().find(|line| line.contains("\"settled\"") && line.contains(&format!("from={from}@"))).unwrap()
    };
    assert!(settled("first").contains("peer=127.0.0.1}") && settled("first").contains("client=2001:db8::7}"), "{log}");
    assert!(!settled("second").contains("client="), "it was for one transaction: {log}");
    let told = log.lines().find(|line| line.contains("the peer forwards for a client")).unwrap();
    for field in [r#"name="mail.customer.example""#, r#"ident="3CF6B2AAE8""#, "DEBUG"] {
        assert!(told.contains(field), "{told}");
    }
    assert!(!log.contains('\u{1b}'), "{told}");
    let received = field(&hop.taken()[0].bytes, "Received").unwrap();
    assert!(received.contains("[127.0.0.1]") && !received.contains("2001:db8::7"), "{received}");
}
