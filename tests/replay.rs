//! `replay`: old mail under two configurations, and what changes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::daemon::{command, configuration};
use support::{Client, Daemon, NextHop, crlf, field};

/// A folder with a configuration, another one, and mail.
struct Archive(tempfile::TempDir);

struct Told {
    lines: Vec<Value>,
    code: Option<i32>,
    errors: String,
}

impl Archive {
    /// `before` and `after` are what the two configurations have beside the company.
    fn new(before: &str, after: &str) -> Self {
        let archive = Self(tempfile::tempdir().unwrap());
        archive.write("old.toml", configuration("127.0.0.1:9".parse().unwrap(), before));
        archive.write("new.toml", configuration("127.0.0.1:9".parse().unwrap(), after));
        archive
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn run(&self, options: &[&str]) -> std::process::Output {
        let (new, mail) = (self.path("new.toml"), self.path("mail"));
        let arguments = [&["replay", "--against", new.to_str().unwrap()], options, &[mail.to_str().unwrap()]].concat();
        let output = command(&self.path("old.toml"), &arguments);
        assert!(!self.path("state").exists(), "replay writes nothing");
        output
    }

    /// The changes and the summary.
    fn json(&self, options: &[&str]) -> Told {
        let output = self.run(&[&["--json"], options].concat());
        let lines = String::from_utf8(output.stdout).unwrap();
        Told {
            lines: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            code: output.status.code(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn mail(to: &str, subject: &str) -> String {
    format!(
        "Return-Path: <ann@customer.example>\nFrom: Ann <ann@customer.example>\nTo: {to}\nSubject: {subject}\n\nhi\n"
    )
}

const RULE: &str =
    "[[rule]]\nname = \"invoices\"\nwhen = { subject = \"*invoice*\" }\nthen = { hold = true, copy_to = \"tom\" }\n";

#[test]
fn only_what_changes_is_told() {
    let archive = Archive::new("", RULE);
    archive.write("mail/a.eml", mail("sophie@acme.example", "Hello"));
    archive.write("mail/b.eml", mail("sophie@acme.example, tom@acme.example", "My invoice"));
    archive.write("mail/c.eml", mail("nobody@elsewhere.example", "My invoice"));
    let told = archive.json(&[]);
    let [sophie, tom, summary] = told.lines.as_slice() else { panic!("{:?}", told.lines) };
    assert_eq!(told.code, Some(0), "changes are no failure");
    assert!(sophie["file"].as_str().unwrap().ends_with("/mail/b.eml"), "{sophie}");
    assert_eq!((&sophie["recipient"], &sophie["subject"]), (&"sophie@acme.example".into(), &"My invoice".into()));
    assert_eq!(tom["recipient"], "tom@acme.example");
    let changes = json!({
        "fate": { "before": "forward", "after": "hold/rule" },
        "destination": { "before": "sophie.martin@corp.example", "after": null },
        "person": { "before": "sophie", "after": null },
        "rule": { "before": "default", "after": "invoices" },
        "copies": { "before": null, "after": "tom@corp.example" },
    });
    assert_eq!(sophie["changes"], changes);
    let counts = json!({
        "messages": 3, "unchanged": 2, "changed": 1, "without_recipient": 1, "unreadable": 0,
        "refused": { "before": 0, "after": 0 },
        "fates": [{ "before": "forward", "after": "hold/rule", "count": 2 }],
        "others": {},
    });
    assert_eq!(summary["summary"], counts);
}

#[test]
fn what_is_new_for_every_message_is_no_change() {
    let tokens = |text: &str| {
        let text = configuration("127.0.0.1:9".parse().unwrap(), text);
        format!("reply_domain = \"replies.acme.example\"\n{text}")
    };
    let archive = Archive::new("", "");
    let insider = "[inbound]\nauthserv_id = \"mx.acme.example\"\n";
    archive.write("old.toml", tokens(insider));
    archive.write("new.toml", tokens(insider));
    archive.write("mail/a.eml", mail("sophie@acme.example", "Hello"));
    let own = "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example\n\
        From: sophie.martin@corp.example\nTo: tom@acme.example\nMessage-ID: <a@corp.example>\n\nhi\n";
    archive.write("mail/b.eml", own);
    let told = archive.json(&[]);
    let [summary] = told.lines.as_slice() else { panic!("{:?}", told.lines) };
    assert_eq!((&summary["summary"]["messages"], &summary["summary"]["unchanged"]), (&2.into(), &2.into()));

    // The way back is a change all the same.
    archive.write("new.toml", configuration("127.0.0.1:9".parse().unwrap(), insider));
    let told = archive.json(&[]);
    let back = &told.lines[0]["changes"]["reverse-path"];
    assert_eq!(
        *back,
        json!({ "before": "bounce@replies.acme.example, with a token", "after": "ann@customer.example" })
    );
    assert_eq!(told.lines.last().unwrap()["summary"]["others"]["reverse-path"], 2);
}

#[test]
fn a_recipient_may_be_ours_in_one_of_them_only() {
    let archive = Archive::new("", "[inbound]\naccept = [\"info@acme.example\"]\nunmatched = \"tom\"\n");
    archive.write("mail/a.eml", mail("info@acme.example", "Hello"));
    let told = archive.json(&[]);
    assert_eq!(told.lines[0]["recipient"], "info@acme.example");
    assert_eq!(told.lines[0]["changes"]["fate"], json!({ "before": "reject", "after": "forward" }));
    assert!(told.lines[0]["changes"]["reply"]["before"].as_str().unwrap().starts_with("550 5.1.1"), "{:?}", told.lines);
    assert_eq!(told.lines[1]["summary"]["refused"], json!({ "before": 1, "after": 0 }));

    // The mail server's own domain, which only one of them knows.
    let archive = Archive::new("[inbound.aliases]\n\"internal.example\" = \"acme.example\"\n", "");
    archive.write("mail/a.eml", mail("sophie@internal.example", "Hello"));
    let told = archive.json(&[]);
    assert_eq!(told.lines[0]["changes"]["fate"], json!({ "before": "forward", "after": "reject" }));
}

#[test]
fn what_the_door_refuses_changes_too() {
    let archive = Archive::new("", "[limits]\nmessage_size = \"64 KiB\"\n");
    let large = mail("sophie@acme.example", "Large") + &"x".repeat(70).repeat(1000);
    archive.write("mail/a.eml", large.replace("xx", "x\n"));
    let told = archive.json(&[]);
    assert_eq!(told.lines[0]["changes"]["fate"], json!({ "before": "forward", "after": "reject" }), "{:?}", told.lines);
    let told = archive.json(&["--to", "tom@acme.example", "--from", "<>"]);
    assert_eq!(told.lines[0]["recipient"], "tom@acme.example");
}

#[test]
fn mistakes_of_both_configurations_are_told() {
    let archive = Archive::new("", "[inbound]\nunmatched = \"nobody\"\n[limits]\nhopps = 3\n");
    archive.write("mail/a.eml", mail("sophie@acme.example", "Hello"));
    let told = archive.json(&[]);
    assert_eq!((told.code, told.lines.len()), (Some(78), 0));
    for part in ["new.toml", "inbound.unmatched", "limits.hopps"] {
        assert!(told.errors.contains(part), "{part}: {}", told.errors);
    }
    archive.write("old.toml", "nonsense = 1\n");
    let told = archive.json(&[]);
    assert_eq!(told.code, Some(78));
    assert!(told.errors.contains("old.toml") && told.errors.contains("new.toml"), "{}", told.errors);
}

#[test]
fn what_cannot_be_read_is_named_and_counted() {
    let archive = Archive::new("", RULE);
    archive.write(
        "mail/box",
        format!(
            "From a Sun\n{}\nFrom b Sun\n{}",
            mail("tom@acme.example", "Hello"),
            mail("tom@acme.example", "An invoice")
        ),
    );
    std::os::unix::fs::symlink("gone", archive.path("mail/dangling")).unwrap();
    let told = archive.json(&[]);
    assert_eq!(told.code, Some(66));
    assert!(told.errors.contains("mail/dangling"), "{}", told.errors);
    assert_eq!((&told.lines[0]["index"], &told.lines[1]["summary"]["unreadable"]), (&1.into(), &1.into()));

    fs::remove_dir_all(archive.path("mail")).unwrap();
    fs::create_dir(archive.path("mail")).unwrap();
    let told = archive.json(&[]);
    assert_eq!((told.code, told.lines.len()), (Some(66), 1));
    assert!(told.errors.contains("there is nothing to read in "), "{}", told.errors);
}

#[test]
fn people_read_blocks_and_counts() {
    let archive = Archive::new("", RULE);
    archive.write("mail/a.eml", mail("sophie@acme.example", "Hello"));
    archive.write("mail/b.eml", mail("sophie@acme.example", "My invoice"));
    let told = String::from_utf8(archive.run(&[]).stdout).unwrap();
    let told = told.replace(archive.0.path().to_str().unwrap(), "");
    let expected = "\
My invoice
  file       /mail/b.eml
  to         sophie@acme.example
  changes    fate         forward -> hold/rule
             destination  sophie.martin@corp.example -> nothing
             person       sophie -> nothing
             rule         default -> invoices
             copies       nothing -> tom@corp.example

2 messages read: 1 unchanged, 1 changed
  changes         1  forward -> hold/rule
";
    assert_eq!(told, expected);
}

#[test]
fn both_remember_what_the_running_daemon_does() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mail = crlf("From: Tom from Acme <hello@acme.example>\nMessage-ID: <live@app.example>\n\nhi\n");
    let sent = Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], &mail);
    assert!(sent.unwrap().starts_with("250"));
    assert!(field(&hop.only().bytes, "References").is_some());
    let write = |name: &str, text: &str| {
        let path: &Path = &daemon.folder.path().join(name);
        fs::write(path, text).unwrap();
        path.display().to_string()
    };
    let rule = "[[rule]]\nname = \"known\"\nwhen = { evidence = \"message-id\" }\nthen = \"hold\"\n";
    let new = write("new.toml", &configuration(hop.address, rule));
    let mail =
        write("a.eml", "From: ann@customer.example\nTo: hello@acme.example\nIn-Reply-To: <live@app.example>\n\nhi\n");
    let output = daemon.command(&["replay", "--json", "--against", &new, &mail]);
    let told = String::from_utf8(output.stdout).unwrap();
    let change: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!(change["changes"]["fate"], json!({ "before": "forward", "after": "hold/rule" }));
    assert_eq!(change["changes"]["evidence"], Value::Null, "{change}");
    assert_eq!(output.stderr, b"");
}
