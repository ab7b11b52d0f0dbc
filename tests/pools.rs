//! Several people behind one persona: who of them gets a conversation, each way of sharing; and a person who left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{Behaviour, Client, Daemon, NextHop, crlf, wait_until};

/// A team of three, and a server whose word is believed.
fn team(shared: &str) -> String {
    format!(
        "[people.ute]\ninbox = \"ute@corp.example\"\n\
         [personas.team]\naddress = \"team@acme.example\"\naliases = [\"crew@acme.example\"]\n\
         answered_by = [\"sophie\", \"tom\", \"ute\"]\nshared = \"{shared}\"\n\
         [inbound]\nauthserv_id = \"mx.acme.example\"\n"
    )
}

/// A mail from a customer to the team; `fields` come last in its header section.
fn mail(customer: &str, id: &str, fields: &str) -> Vec<u8> {
    crlf(&format!("From: {customer}@customer.example\nMessage-ID: <{id}@customer.example>\n{fields}\nHello\n"))
}

fn hand_in(daemon: &Daemon, to: &str, message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send("c@customer.example", &[to], message).unwrap()
}

/// Hands in a mail to the team; who got it, by the first word of the inbox.
fn given(daemon: &Daemon, hop: &NextHop, message: &[u8]) -> String {
    given_to(daemon, hop, "team@acme.example", message)
}

fn given_to(daemon: &Daemon, hop: &NextHop, to: &str, message: &[u8]) -> String {
    let before = hop.count();
    let reply = hand_in(daemon, to, message);
    assert!(reply.starts_with("250"), "{reply}");
    let new: Vec<String> = hop.taken().split_off(before).into_iter().flat_map(|taken| taken.to).collect();
    new.iter().map(|to| to.split(['.', '@']).next().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Waits until the index answers again, which pools wait for.
fn wait_for_the_index(daemon: &Daemon) {
    wait_until("the index answers", || daemon.command(&["threads", "stats"]).status.success());
}

fn explained(daemon: &Daemon, message: &[u8]) -> (String, String) {
    let file = daemon.folder.path().join("mail.eml");
    std::fs::write(&file, message).unwrap();
    let output = daemon.command(&["explain", "--json", "--to", "team@acme.example", file.to_str().unwrap()]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    (line["person"].as_str().unwrap().to_owned(), line["chosen"].as_str().unwrap().to_owned())
}

#[test]
fn round_robin_gives_each_in_turn_through_retries_restarts_and_a_lost_index() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_with(hop.address, &team("round-robin"));
    let new = |number: usize| mail("ann", &format!("new-{number}"), "");
    assert_eq!(given(&daemon, &hop, &new(0)), "sophie");

    // What Tom's inbox cannot take now is his all the same, when it comes again.
    hop.behave(Behaviour { recipients: vec![("tom@".into(), "450 4.2.0 later".into())], ..Behaviour::default() });
    assert!(hand_in(&daemon, "team@acme.example", &new(1)).starts_with("451"));
    assert_eq!(given(&daemon, &hop, &new(2)), "ute");
    hop.behave(Behaviour::default());
    daemon.kill();
    daemon.restart();
    assert_eq!(explained(&daemon, &new(3)), ("sophie".into(), "turn".into()));
    assert_eq!(given(&daemon, &hop, &new(1)), "tom");
    assert_eq!(given(&daemon, &hop, &new(3)), "sophie");

    // An answer in Ute's conversation is nobody's turn; nor is the same mail by another alias a second conversation.
    let answer = mail("ann", "answer", "In-Reply-To: <new-2@customer.example>\n");
    assert_eq!(explained(&daemon, &answer), ("ute".into(), "had-it-last".into()));
    assert_eq!(given(&daemon, &hop, &answer), "ute");
    assert_eq!(given_to(&daemon, &hop, "crew@acme.example", &new(3)), "", "Sophie has it");
    assert_eq!(given(&daemon, &hop, &new(4)), "tom");

    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    daemon.restart();
    wait_for_the_index(&daemon);
    assert_eq!(given(&daemon, &hop, &new(5)), "ute");
    assert_eq!(given(&daemon, &hop, &new(6)), "sophie");
}

#[test]
fn mails_that_come_at_once_are_turns_of_their_own() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, &team("round-robin"));
    std::thread::scope(|scope| {
        for number in 0..24 {
            let daemon = &daemon;
            scope.spawn(move || {
                let mail = mail(&format!("c{number}"), &format!("at-once-{number}"), "");
                assert!(hand_in(daemon, "team@acme.example", &mail).starts_with("250"));
            });
        }
    });
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    hop.taken().iter().flat_map(|taken| &taken.to).for_each(|to| *counts.entry(to.clone()).or_default() += 1);
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [8, 8, 8], "{counts:?}");
}

#[test]
fn sticky_keeps_a_customer_with_one_person() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_with(hop.address, &team("sticky"));
    let mut keepers = BTreeMap::new();
    for customer in ["ann", "bea", "cleo", "dora", "eve", "fay", "gil", "hal"] {
        let keeper = given(&daemon, &hop, &mail(customer, &format!("{customer}-1"), "Subject: one\n"));
        assert_eq!(given(&daemon, &hop, &mail(customer, &format!("{customer}-2"), "Subject: two\n")), keeper);
        keepers.insert(customer, keeper);
    }
    assert!(keepers.values().collect::<std::collections::BTreeSet<_>>().len() > 1, "{keepers:?}");
    daemon.kill();
    daemon.restart();
    for (customer, keeper) in &keepers {
        let third = mail(customer, &format!("{customer}-3"), "Subject: three\n");
        assert_eq!(explained(&daemon, &third), (keeper.clone(), "sticky".into()));
        assert_eq!(given(&daemon, &hop, &third), *keeper);
    }
}

/// What a person answers from her inbox, with a copy to the team.
fn answer(daemon: &Daemon, inbox: &str, id: &str, to: &str) {
    let message = crlf(&format!(
        "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example\nFrom: {inbox}\n\
         To: ann@customer.example\nMessage-ID: <{id}@corp.example>\nIn-Reply-To: <{to}@customer.example>\n\nDear Ann\n"
    ));
    let reply = Client::connect(daemon.inbound()).send(inbox, &["team@acme.example"], &message).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
}

#[test]
fn least_waiting_gives_to_whoever_has_answered() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_with(hop.address, &team("least-waiting"));
    let new = |number: usize| mail("ann", &format!("new-{number}"), "");
    let three: Vec<String> = (0..3).map(|number| given(&daemon, &hop, &new(number))).collect();
    assert_eq!(three, ["sophie", "tom", "ute"], "nobody waits for the next one");

    answer(&daemon, "ute@corp.example", "re-2", "new-2");
    assert_eq!(explained(&daemon, &new(3)), ("ute".into(), "fewest-waiting".into()));
    assert_eq!(given(&daemon, &hop, &new(3)), "ute");
    answer(&daemon, "tom@corp.example", "re-1", "new-1");
    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    daemon.restart();
    wait_for_the_index(&daemon);
    assert_eq!(given(&daemon, &hop, &new(4)), "tom");
    assert_eq!(given(&daemon, &hop, &new(5)), "sophie", "one waits for each, and her turn was longest ago");

    // The customer asks Ute again: she is asked anyway.
    let again = mail("ann", "again", "In-Reply-To: <re-2@corp.example>\n");
    assert_eq!(explained(&daemon, &again), ("ute".into(), "wrote-last".into()));
    assert_eq!(given(&daemon, &hop, &again), "ute");
}

#[test]
fn the_conversations_of_who_left_are_the_successors() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_with(hop.address, &team("round-robin"));
    assert_eq!(given(&daemon, &hop, &mail("ann", "first", "")), "sophie");
    answer(&daemon, "sophie.martin@corp.example", "re-first", "first");
    let later = mail("bea", "later", "");
    hop.behave(Behaviour { recipients: vec![("tom@".into(), "450 4.2.0 later".into())], ..Behaviour::default() });
    assert!(hand_in(&daemon, "team@acme.example", &later).starts_with("451"), "Tom's turn");
    hop.behave(Behaviour::default());
    daemon.kill();

    let file = daemon.folder.path().join("sincerely.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let left = text.replace("inbox = \"sophie.martin@corp.example\"", "succeeded_by = \"tom\"");
    std::fs::write(&file, left.replace("inbox = \"tom@corp.example\"", "succeeded_by = \"ute\"")).unwrap();
    let told = daemon.command(&["check"]);
    let told = String::from_utf8(told.stdout).unwrap();
    let succeeded = told.lines().find(|line| line.starts_with("sophie ")).unwrap();
    assert!(told.contains("SUCCEEDED BY") && succeeded.contains("ute"), "{told}");
    assert!(told.contains("ute") && !told.contains("or tom"), "{told}");

    daemon.restart();
    let thanks = mail("ann", "thanks", "In-Reply-To: <re-first@corp.example>\n");
    assert_eq!(given(&daemon, &hop, &thanks), "ute", "Sophie's conversation");
    assert_eq!(given(&daemon, &hop, &later), "ute", "Tom's mail, on its retry");
    assert_eq!(given_to(&daemon, &hop, "sophie@acme.example", &mail("cleo", "hello", "")), "ute", "her persona's");
    let story = daemon.command(&["threads", "show", "<first@customer.example>", "--json"]);
    let story: Value = serde_json::from_slice(&story.stdout).unwrap();
    assert_eq!(story["answered_by"], serde_json::json!(["ute"]));
}
