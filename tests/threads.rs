//! `threads`: what is remembered of a conversation is told, by the daemon or without one, and can be forgotten.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::process::Output;

use serde_json::{Value, json};
use support::daemon::{command, configuration};
use support::{Client, Daemon, NextHop, crlf, field, wait_until};

const WELCOME: &str = "From: Sophie from Acme <sophie@acme.example>\nTo: Ann <ann@customer.example>\n\
    Message-ID: <welcome@acme.example>\nSubject: Welcome\n\nHello Ann\n";
const REPLY: &str = "From: Ann <ann@customer.example>\nTo: sophie@acme.example\nSubject: Re: Welcome\n\
    In-Reply-To: <welcome@acme.example>\nMessage-ID: <reply@customer.example>\n\nThank you\n";
const AWAY: &str = "From: Ann <ann@customer.example>\nTo: sophie@acme.example\nSubject: Away: Welcome\n\
    In-Reply-To: <welcome@acme.example>\nMessage-ID: <away@customer.example>\nAuto-Submitted: auto-replied\n\nI am away\n";

/// A daemon through which a mail went out, a reply came, and a vacation notice; the seed of the mail.
fn conversation(hop: &NextHop) -> (Daemon, String) {
    let daemon = Daemon::start(hop.address);
    let out = Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], &crlf(WELCOME));
    assert!(out.unwrap().starts_with("250"));
    let seed = field(&hop.only().bytes, "References").unwrap();
    for answer in [REPLY, AWAY] {
        let mut client = Client::connect(daemon.inbound());
        let reply = client.send("ann@customer.example", &["sophie@acme.example"], &crlf(answer)).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    (daemon, seed)
}

/// The thread that the log names.
fn thread(daemon: &Daemon) -> String {
    let named = |log: &str| {
        let line = log.lines().find(|line| line.contains("settled") && line.contains("evidence=message-id"))?;
        Some(line.split("thread=").nth(1)?.split_whitespace().next()?.to_owned())
    };
    wait_until("the reply is in the log", || named(&daemon.log()).is_some());
    named(&daemon.log()).unwrap()
}

fn told(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn complaint(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{text}");
    text
}

#[test]
fn a_story_is_told_by_every_name_of_its_thread_with_a_daemon_and_without() {
    let hop = NextHop::start();
    let (mut daemon, seed) = conversation(&hop);
    let thread = thread(&daemon);
    let names = [
        thread.as_str(),
        "<welcome@acme.example>",
        "welcome@acme.example",
        "<reply@customer.example>",
        &seed,
        "ann@customer.example",
        "<Ann@Customer.Example>",
    ];
    let show = |daemon: &Daemon, name: &str| daemon.command(&["threads", "show", "--json", name]);
    let stories = told(&show(&daemon, &thread));
    let [story] = stories.as_slice() else { panic!("{stories:?}") };
    assert_eq!(
        (&story["thread"], &story["persona"], &story["answered_by"], &story["correspondents"]),
        (&json!(thread), &json!("sophie"), &json!(["sophie"]), &json!(["ann@customer.example"]))
    );
    let messages: Vec<Value> = story["messages"].as_array().unwrap().iter().map(without_time).collect();
    let came = |id: &str, kind: &str, fate: &str, person: Value| {
        json!({"what": "came", "message_id": id, "from": "ann@customer.example", "kind": kind,
            "evidence": "message-id", "fate": fate, "person": person, "healed": []})
    };
    let expect = [
        json!({"what": "sent", "message_id": "<welcome@acme.example>", "writer": null, "to": ["ann@customer.example"],
            "count": 1}),
        came("<reply@customer.example>", "human", "forward", json!("sophie")),
        came("<away@customer.example>", "auto-reply", "hold", json!(null)),
    ];
    assert_eq!(messages, expect);

    let texts = |daemon: &Daemon| {
        names.map(|name| String::from_utf8(daemon.command(&["threads", "show", name]).stdout).unwrap())
    };
    let live = texts(&daemon);
    assert!(live[0].contains("vacation notice") && live[0].contains("forward to sophie"), "{}", live[0]);
    for name in names {
        assert_eq!(told(&show(&daemon, name)), stories, "{name}");
    }
    assert_eq!(daemon.terminate(), Some(0));
    for name in names {
        assert_eq!(told(&show(&daemon, name)), stories, "{name}, without a daemon");
    }
    assert_eq!(texts(&daemon), live);
}

/// A message of a story; its time is a time.
fn without_time(message: &Value) -> Value {
    let mut message = message.clone();
    let at = message.as_object_mut().unwrap().remove("at").unwrap();
    assert!(at.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{at}");
    message
}

#[test]
fn what_is_not_known_and_what_is_nothing_are_told_apart() {
    let hop = NextHop::start();
    let (daemon, seed) = conversation(&hop);
    let show = |name: &str| daemon.command(&["threads", "show", name]);
    for unknown in ["<nobody@elsewhere.example>", "0000000000000", "<no-at-sign>"] {
        let why = complaint(&show(unknown), 69);
        assert!(why.contains(unknown) && why.contains("threads.keep") && why.contains("thread="), "{why}");
    }
    let ours = complaint(&show("Sophie <sophie@acme.example>"), 69);
    assert!(ours.contains("it is the address of the persona sophie, and no customer's"), "{ours}");
    let long = complaint(&show(&format!("<{}\u{202e}{}@x>", "y".repeat(150), "z".repeat(500))), 69);
    assert!(long.contains("\\u{202e}zz") && long.contains("zz…") && !long.contains(&"z".repeat(60)), "{long}");
    // A seed with another signature is an id like any other.
    let forged = seed.replacen(&seed[1..5], "qqqq", 1);
    assert!(complaint(&show(&forged), 69).contains(&forged));
    for nonsense in ["hello", "hello there", "", "<>"] {
        let why = complaint(&show(nonsense), 64);
        assert!(why.contains("thread=") && why.contains("Message-ID"), "{why}");
    }
}

#[test]
fn who_is_forgotten_is_in_no_story() {
    let hop = NextHop::start();
    let (mut daemon, _) = conversation(&hop);
    let thread = thread(&daemon);
    let run = |daemon: &Daemon, arguments: &[&str]| daemon.command(&[&["threads"], arguments].concat());
    let before = told(&run(&daemon, &["stats", "--json"]));
    assert_eq!(before, [json!({"threads": 1, "ids": 2, "healed": 1, "bounced": 0})]);

    let forgotten = run(&daemon, &["forget", "<Ann@customer.example>"]);
    assert!(forgotten.status.success());
    assert!(String::from_utf8(forgotten.stdout).unwrap().contains(&thread));
    let nothing_tells = |daemon: &Daemon| {
        complaint(&run(daemon, &["show", "ann@customer.example"]), 69);
        let story = run(daemon, &["show", "--json", &thread]);
        assert!(!String::from_utf8(story.stdout.clone()).unwrap().contains("ann@"), "{story:?}");
        assert_eq!(told(&story)[0]["correspondents"], json!([]));
    };
    nothing_tells(&daemon);
    assert_eq!(daemon.terminate(), Some(0));
    nothing_tells(&daemon);
    // Once more, by nobody's help: it is so already, and nothing is written.
    let files = || std::fs::read_dir(daemon.state().join("journal")).unwrap().count();
    let before = files();
    let again = complaint(&run(&daemon, &["forget", "ann@customer.example"]), 69);
    assert!(again.contains("nothing is remembered of ann@customer.example"), "{again}");
    let ours = complaint(&run(&daemon, &["forget", "sophie@acme.example"]), 69);
    assert!(ours.contains("the address of the persona sophie"), "{ours}");
    assert_eq!(files(), before);
    nothing_tells(&daemon);
}

#[test]
fn nothing_is_made_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    let state = folder.path().join("state");
    for arguments in [["threads", "show", "a@b"], ["threads", "forget", "a@b.example"]] {
        assert!(complaint(&command(&config, &arguments), 66).contains("state"));
    }
    assert!(!state.exists());
    std::fs::create_dir(&state).unwrap();
    assert!(complaint(&command(&config, &["threads", "stats"]), 66).contains("journal"));
    assert_eq!(std::fs::read_dir(&state).unwrap().count(), 0);
}

#[test]
fn a_daemon_that_does_not_answer_is_not_gone_behind() {
    let hop = NextHop::start();
    let (daemon, _) = conversation(&hop);
    daemon.signal("STOP");
    let why = complaint(&daemon.command(&["threads", "show", "ann@customer.example"]), 75);
    assert!(why.contains("did not answer"), "{why}");
    daemon.signal("CONT");
    assert_eq!(told(&daemon.command(&["threads", "show", "--json", "ann@customer.example"])).len(), 1);
    // One whose socket somebody took away still holds its memory.
    std::fs::remove_file(daemon.state().join("control.sock")).unwrap();
    let why = complaint(&daemon.command(&["threads", "stats"]), 75);
    assert!(why.contains("in use"), "{why}");
}
