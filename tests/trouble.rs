//! A next hop and peers in trouble, at every step: what the peer is told, that nothing is lost, and that nothing
//! goes twice but where a yes was lost after the final dot.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use support::{Behaviour, Client, Daemon, NextHop, Twist, crlf, wait_until};

/// Every step at which a next hop answers, and what the peer is told where it does not.
const STEPS: [(&str, &str); 6] = [
    ("greeting", "451 4.4.1"),
    ("EHLO", "451 4.4.1"),
    ("MAIL", "451 4.4.1"),
    ("RCPT", "451 4.4.1"),
    ("DATA", "451 4.4.1"),
    (".", "451 4.4.2"),
];

/// Only the wait that is the subject is short: a busy machine must not cut another one off.
fn impatient(step: &str) -> String {
    let short = match step {
        "greeting" | "EHLO" => "connect",
        "." => "data_end",
        _ => "command",
    };
    let table = |role: &str| {
        let key = |key: &str| format!("{key} = \"{}\"\n", if key == short { "1s" } else { "15s" });
        format!("[relay.{role}.timeout]\n{}", ["connect", "command", "data_end"].map(key).concat())
    };
    table("inbound") + &table("outbound")
}

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: Ann <ann@customer.example>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"
    ))
}

fn automated(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: Sophie from Acme <sophie@acme.example>\nMessage-ID: <{subject}@app.example>\nSubject: {subject}\n\nHello\n"
    ))
}

/// The replies to a message of each flow, handed in at the same time.
fn both(daemon: &Daemon, subject: &str) -> [String; 2] {
    std::thread::scope(|scope| {
        let inbound = scope.spawn(|| {
            let mut client = Client::connect(daemon.inbound());
            client.send("ann@customer.example", &["sophie@acme.example"], &mail(subject)).unwrap()
        });
        let mut client = Client::connect(daemon.outbound());
        let outbound = client.send("app@acme.example", &["ben@customer.example"], &automated(subject)).unwrap();
        [inbound.join().unwrap(), outbound]
    })
}

fn at(step: &'static str, twist: Twist) -> Behaviour {
    Behaviour { at: Some((step, twist)), ..Behaviour::default() }
}

/// Once the next hop is well, both messages arrive; how often each did.
fn arrive_in_the_end(daemon: &Daemon, hop: &NextHop, subject: &str) {
    hop.behave(Behaviour::default());
    let before = hop.count();
    for reply in both(daemon, subject) {
        assert!(reply.starts_with("250"), "{subject}: {reply}");
    }
    assert_eq!(hop.count(), before + 2, "{subject}");
}

#[test]
fn a_next_hop_that_hangs_at_any_step_means_try_again() {
    let hop = NextHop::start();
    for (step, told) in STEPS {
        let daemon = Daemon::start_with(hop.address, &impatient(step));
        hop.behave(at(step, Twist::Hang));
        let before = hop.count();
        for reply in both(&daemon, "hangs") {
            assert!(reply.starts_with(told), "{step}: {reply}");
        }
        // The one case where a copy may follow.
        assert_eq!(hop.count() - before, if step == "." { 2 } else { 0 }, "{step}");
        arrive_in_the_end(&daemon, &hop, "hangs");
        assert!(daemon.held("undelivered").is_empty(), "{step}");
    }
}

#[test]
fn a_next_hop_that_takes_leave_at_any_step_means_try_again() {
    let hop = NextHop::start();
    for (step, _) in STEPS {
        for leave in [Twist::Leave("421 4.3.2 restarting".into()), Twist::Say("421 4.3.2 restarting".into())] {
            let daemon = Daemon::start(hop.address);
            hop.behave(at(step, leave.clone()));
            let before = hop.count();
            for reply in both(&daemon, "leaves") {
                assert!(reply.starts_with("451 4.4.1"), "{step}, {leave:?}: {reply}");
            }
            assert_eq!(hop.count(), before, "{step}, {leave:?}");
            arrive_in_the_end(&daemon, &hop, "leaves");
        }
    }
}

#[test]
fn a_reply_without_an_end_is_none_and_costs_no_memory() {
    let hop = NextHop::start();
    for (step, told) in STEPS {
        let daemon = Daemon::start(hop.address);
        let line = if step == "DATA" { "354-go\r\n" } else { "250-and more\r\n" };
        let line = if step == "greeting" { "220-hello\r\n" } else { line };
        hop.behave(at(step, Twist::Leave(line.repeat(10_000))));
        for reply in both(&daemon, "endless") {
            assert!(reply.starts_with(told), "{step}: {reply}");
        }
        arrive_in_the_end(&daemon, &hop, "endless");
    }
}

#[test]
fn a_yes_to_what_was_not_sent_is_none() {
    let hop = NextHop::start();
    for (step, early) in [
        ("MAIL", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go on\r\n250 2.0.0 Ok: queued as NEXT"),
        ("DATA", "354 go on\r\n250 2.0.0 Ok: queued as NEXT"),
    ] {
        let daemon = Daemon::start(hop.address);
        hop.behave(at(step, Twist::Say(early.into())));
        let before = hop.count();
        for reply in both(&daemon, "early") {
            assert!(reply.starts_with("451 4.4.1"), "{step}: {reply}");
        }
        assert_eq!(hop.count(), before, "{step}: the message was not ended");
        arrive_in_the_end(&daemon, &hop, "early");
    }
}

#[test]
fn sigterm_amid_data_lets_the_message_end_and_then_takes_leave() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mut busy = Client::connect(daemon.inbound());
    assert_eq!(busy.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
    busy.raw(b"Subject: half\r\n").unwrap();
    daemon.signal("TERM");
    wait_until("it ends", || daemon.log().contains("SIGTERM: ending"));
    assert!(busy.finish(b"\r\nof it\r\n").unwrap().starts_with("250"));
    assert!(busy.reply().unwrap().starts_with("421 4.3.2"));
    assert!(busy.reply().is_err(), "the connection is closed");
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(hop.count(), 1);
}

#[test]
fn a_second_sigterm_cuts_what_is_in_progress_and_nothing_of_it_is_sent() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mut busy = Client::connect(daemon.inbound());
    assert_eq!(busy.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
    busy.raw(b"Subject: half\r\n").unwrap();
    daemon.signal("TERM");
    wait_until("it ends", || daemon.log().contains("SIGTERM: ending"));
    assert_eq!(daemon.terminate(), Some(0));
    assert!(daemon.log().contains("SIGTERM again: ending at once"), "{}", daemon.log());
    assert!(busy.finish(b"\r\nof it\r\n").is_err(), "no reply, so the peer keeps it");
    assert_eq!(hop.count(), 0);

    daemon.restart();
    arrive_in_the_end(&daemon, &hop, "again");
}

#[test]
fn a_peer_that_leaves_amid_data_hands_in_nothing() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    for address in [daemon.inbound(), daemon.outbound()] {
        for end in ["", "whole\r\n", "whole\r\n.\r"] {
            let mut client = Client::connect(address);
            assert_eq!(client.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
            client.raw(format!("Subject: x\r\n\r\n{end}").as_bytes()).unwrap();
        }
    }
    arrive_in_the_end(&daemon, &hop, "after-them");
    assert_eq!(hop.count(), 2, "and nothing else");
}

#[test]
fn a_message_whose_peer_leaves_after_the_dot_goes_once_also_with_its_retry() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let messages = [
        (daemon.inbound(), "sophie@acme.example", mail("leaves-after")),
        (daemon.outbound(), "ben@customer.example", automated("leaves-after")),
    ];
    for (number, (address, to, message)) in messages.iter().enumerate() {
        let mut client = Client::connect(*address);
        assert_eq!(client.begin("ann@customer.example", &[to]).unwrap(), None);
        client.raw(&[message.as_slice(), b".\r\n"].concat()).unwrap();
        drop(client);
        wait_until("the message is handed on all the same", || hop.count() == number + 1);
        // Those before it had a retry each, which has its own line.
        let lines = 2 * number + 1;
        wait_until("and remembered", || daemon.log().matches("event=\"settled\"").count() == lines);
        let again = Client::connect(*address).send("ann@customer.example", &[to], message).unwrap();
        assert!(again.starts_with("250"), "{again}");
        assert_eq!(hop.count(), number + 1);
    }
}

/// What is said to each of three recipients in one transaction.
fn three(daemon: &Daemon) -> [String; 3] {
    let mut client = Client::connect(daemon.outbound());
    assert!(client.say("MAIL FROM:<app@acme.example>").unwrap().starts_with("250"));
    ["ann", "ben", "cleo"].map(|name| client.say(&format!("RCPT TO:<{name}@customer.example>")).unwrap())
}

#[test]
fn a_next_hop_that_needs_mending_is_told_of_once_for_all_recipients() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    hop.behave(Behaviour { mail: Some("530 5.7.0 log in first".into()), ..Behaviour::default() });
    for reply in three(&daemon) {
        assert!(reply.starts_with("451 4.4.1"), "{reply}");
    }
    let lines = |of: &str| daemon.log().lines().filter(|line| line.contains("530 5.7.0") && line.contains(of)).count();
    wait_until("the last one's line", || lines("cleo@customer.example") == 1);
    assert_eq!(lines("alarm"), 1, "{}", daemon.log());

    hop.behave(Behaviour::default());
    for reply in three(&daemon) {
        assert!(reply.starts_with("250"), "another transaction asks again: {reply}");
    }
}

#[test]
fn a_next_hop_that_hangs_has_one_time_for_all_recipients() {
    let hop = NextHop::start();
    // Each command alone would be waited for longer than the peer waits.
    let daemon = Daemon::start_with(
        hop.address,
        "[relay.outbound.timeout]\nconnect = \"2s\"\ncommand = \"300s\"\ntotal = \"2s\"\n",
    );
    for step in ["MAIL", "RCPT"] {
        hop.behave(at(step, Twist::Hang));
        for reply in three(&daemon) {
            assert!(reply.starts_with("451 4.4.1"), "{step}: {reply}");
        }
    }
}
