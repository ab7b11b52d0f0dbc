//! File descriptors that run out: peers wait, mail waits, nothing is lost, and the daemon goes on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::net::TcpStream;
use std::process::Command;

use support::daemon::configuration;
use support::{Client, Daemon, NextHop, crlf};

/// The binary, with so many descriptors and no more.
fn with_descriptors(soft: usize, hard: usize) -> impl Fn() -> Command + Send + Sync + 'static {
    move || {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_sincerely")]);
        shell
    }
}

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: ann@customer.example\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"
    ))
}

const TO_SOPHIE: [&str; 1] = ["sophie@acme.example"];

#[test]
fn peers_wait_while_descriptors_are_short_and_mail_flows_again() {
    let hop = NextHop::start();
    let daemon = Daemon::start_as(&configuration(hop.address, ""), with_descriptors(64, 64));
    assert!(daemon.log().contains("limits.connections = 1000 may need 2064 open files"), "{}", daemon.log());

    // Messages that are under way when the last descriptor goes.
    let mut forwarded = Client::connect(daemon.inbound());
    let mut held = Client::connect(daemon.inbound());
    let mut automated = Client::connect(daemon.outbound());
    for client in [&mut forwarded, &mut held] {
        assert_eq!(client.begin("ann@customer.example", &TO_SOPHIE).unwrap(), None);
    }
    let mut crowd = Vec::new();
    while !daemon.log().contains("cannot accept a connection") {
        crowd.push(TcpStream::connect(daemon.inbound()).unwrap());
        assert!(crowd.len() < 200, "64 descriptors are not short");
    }
    let reply = forwarded.finish(&mail("forwarded")).unwrap();
    assert!(reply.starts_with("451 4.4.1"), "no connection to the next hop: {reply}");
    let reply = held.finish(&[b"Auto-Submitted: auto-replied\r\n".as_slice(), &mail("held")].concat()).unwrap();
    assert!(reply.starts_with("451 4.3.0"), "no file in held/: {reply}");
    let reply = automated.begin("app@acme.example", &["ben@customer.example"]).unwrap();
    assert!(reply.as_ref().is_some_and(|reply| reply.starts_with("451 4.4.1")), "{reply:?}");
    assert_eq!((hop.count(), daemon.held("auto-reply").len()), (0, 0));

    // Whoever came last waits at the door, and is served when the others leave.
    let late = TcpStream::connect(daemon.inbound()).unwrap();
    drop(crowd);
    let mut late = Client::greet(late, "EHLO client.example").unwrap();
    assert!(late.send("ann@customer.example", &TO_SOPHIE, &mail("forwarded")).unwrap().starts_with("250"));
    let answer = [b"Auto-Submitted: auto-replied\r\n".as_slice(), &mail("held")].concat();
    assert!(late.send("ann@customer.example", &TO_SOPHIE, &answer).unwrap().starts_with("250"));
    assert_eq!((hop.count(), daemon.held("auto-reply").len()), (1, 1), "each once");
    automated.say("RSET").unwrap();
    let sent = automated.send("app@acme.example", &["ben@customer.example"], &mail("stranger")).unwrap();
    assert!(sent.starts_with("250"), "{sent}");
    assert_eq!(daemon.log().matches("cannot accept a connection").count(), 1, "a line a minute");
}

#[test]
fn the_daemon_allows_itself_what_the_system_allows() {
    let hop = NextHop::start();
    let daemon = Daemon::start_as(&configuration(hop.address, ""), with_descriptors(64, 4096));
    let crowd: Vec<Client> = (0..100).map(|_| Client::connect(daemon.inbound())).collect();
    assert!(!daemon.log().contains("open files") && !daemon.log().contains("cannot accept"), "{}", daemon.log());
    drop(crowd);
}
