//! `explain`: one line for each message and recipient, whatever the file holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::daemon::{command, configuration};
use support::{Client, Daemon, NextHop, crlf, field};

/// A folder with a configuration and files, and what `explain --json` says of them.
fn explain(files: &[(&str, &[u8])], options: &[&str]) -> (Vec<Value>, Option<i32>, String) {
    explain_under(&configuration("127.0.0.1:9".parse().unwrap(), ""), files, options)
}

/// The same, under another configuration.
fn explain_under(configuration: &str, files: &[(&str, &[u8])], options: &[&str]) -> (Vec<Value>, Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration).unwrap();
    let mut arguments = vec!["explain", "--json"];
    arguments.extend(options);
    let paths: Vec<String> = files.iter().map(|(name, bytes)| write(folder.path(), name, bytes)).collect();
    arguments.extend(paths.iter().map(String::as_str));
    let output = command(&config, &arguments);
    assert!(!folder.path().join("state").exists(), "explain writes nothing");
    let lines = String::from_utf8(output.stdout).unwrap();
    let values = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (values, output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    if name != "missing.eml" {
        std::fs::write(&path, bytes).unwrap();
    }
    path.display().to_string()
}

#[test]
fn a_line_tells_what_would_be_done() {
    let mail = b"Return-Path: <ann@customer.example>\nFrom: Ann <ann@customer.example>\nTo: Sophie <sophie@acme.example>\nIn-Reply-To: <a@b>\n\nhi\n";
    let (lines, code, _) = explain(&[("a.eml", mail)], &[]);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(code, Some(0));
    assert!(line["file"].as_str().unwrap().ends_with("a.eml"));
    for (pointer, expect) in [
        ("/role", "inbound"),
        ("/recipient", "sophie@acme.example"),
        ("/kind", "human"),
        ("/match/evidence", "persona-address"),
        ("/match/persona", "sophie"),
        ("/match/correspondent", "ann@customer.example"),
        ("/parents/0", "<a@b>"),
        ("/rule", "default"),
        ("/fate", "forward"),
        ("/deliveries/0/to/0", "sophie.martin@corp.example"),
        ("/deliveries/0/from", "ann@customer.example"),
        ("/reply/enhanced", "2.0.0"),
    ] {
        assert_eq!(line.pointer(pointer).and_then(Value::as_str), Some(expect), "{pointer} of {line}");
    }
    assert_eq!(line["reply"]["code"], 250);
    assert_eq!(line["signals"], Value::Array(Vec::new()));
    assert_eq!(line["match"]["thread"], Value::Null);
}

#[test]
fn recipients_are_those_asked_for_else_ours_in_the_header_else_none() {
    let mail = b"From: a@b.example\nTo: sophie@acme.example, x@y.example\nCc: tom@acme.example\n\nhi\n";
    let told = |options: &[&str]| {
        let (lines, _, _) = explain(&[("a.eml", mail)], options);
        lines
            .iter()
            .map(|line| format!("{} {} {}", line["recipient"], line["fate"], line["reply"]["code"]))
            .collect::<Vec<_>>()
    };
    let forward = |who: &str| format!("\"{who}@acme.example\" \"forward\" 250");
    assert_eq!(told(&[]), [forward("sophie"), forward("tom")]);
    assert_eq!(
        told(&["--to", "x@y.example", "--to", "tom@acme.example"]),
        [forward("tom"), "\"x@y.example\" \"reject\" 550".into()]
    );
    let (lines, _, _) = explain(&[("a.eml", b"To: x@y.example\n\nhi\n")], &[]);
    assert_eq!(
        (&lines[0]["recipient"], &lines[0]["kind"], &lines[0]["fate"]),
        (&Value::Null, &"human".into(), &Value::Null)
    );
}

#[test]
fn the_null_path_is_known_and_a_missing_one_is_not() {
    let of = |head: &str, options: &[&str]| {
        let mail = format!("{head}From: a@b.example\nSubject: Out of office\n\nhi\n");
        let mut all = vec!["--to", "sophie@acme.example"];
        all.extend(options);
        explain(&[("a.eml", mail.as_bytes())], &all).0[0]["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("", &[]), "human");
    assert_eq!(of("Return-Path: <>\n", &[]), "auto-reply");
    assert_eq!(of("", &["--from", "<>"]), "auto-reply");
    assert_eq!(of("Return-Path: <>\n", &["--from", "a@b.example"]), "human");
}

#[test]
fn a_thousand_odd_files_have_a_line_each_and_an_unreadable_one_is_named() {
    let mut files: Vec<(String, Vec<u8>)> = (0..1000).map(|number| (format!("{number}.eml"), odd(number))).collect();
    files.push(("missing.eml".into(), Vec::new()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let (lines, code, errors) = explain(&files, &["--to", "sophie@acme.example"]);
    assert_eq!(lines.len(), 1000);
    for (line, (name, _)) in lines.iter().zip(&files) {
        assert!(line["file"].as_str().unwrap().ends_with(&format!("/{name}")));
        assert!(line["kind"].is_string(), "{line}");
    }
    assert_eq!(code, Some(66), "EX_NOINPUT");
    assert!(errors.contains("missing.eml"), "{errors}");
}

/// Files that real folders hold: cut, empty, binary, with any line ends.
fn odd(number: usize) -> Vec<u8> {
    let mail = b"Received: by x\n\ty\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x.example>\nReferences: <a@b>\n <c@d>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n\xff\xfe\n--b--\n";
    match number % 8 {
        0 => b"\r".to_vec(),
        1 => mail[..number % mail.len()].to_vec(),
        2 => (0..number).map(|octet| (octet * 7 % 256) as u8).collect(),
        3 => vec![b'\n'; number],
        4 => format!("References: {}\n\n", "<".repeat(number * 10)).into_bytes(),
        5 => [b" continued\n".as_slice(), mail].concat(),
        6 => mail.iter().map(|octet| if *octet == b'\n' { b'\r' } else { *octet }).collect(),
        _ => vec![0; number],
    }
}

#[test]
fn messages_of_an_mbox_are_counted() {
    let mbox = b"From a Sun\nFrom: a@b.example\n\none\n\nFrom b Sun\nFrom: c@d.example\n\ntwo\n";
    let (lines, _, _) = explain(&[("box", mbox)], &["--to", "tom@acme.example"]);
    assert_eq!(lines.iter().map(|line| line["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(lines[1]["match"]["correspondent"], "c@d.example");
}

#[test]
fn an_outbound_message_shows_its_stamp() {
    let mail = b"From: Tom from Acme <hello@acme.example>\nTo: ann@customer.example\n\nhi\n";
    let (lines, _, _) = explain(&[("a.eml", mail)], &["--role", "outbound", "--from", "app@acme.example"]);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["match"]["persona"], &line["fate"]), (&"tom".into(), &"forward".into()));
    assert_eq!(line["stamp"]["seeded"], true);
    assert!(line["stamp"]["message_id"].as_str().unwrap().ends_with("@acme.example>"));
}

#[test]
fn a_running_daemon_is_asked_for_its_live_index() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mail = crlf("From: Tom from Acme <hello@acme.example>\nMessage-ID: <live@app.example>\n\nhi\n");
    assert!(
        Client::connect(daemon.outbound())
            .send("app@acme.example", &["ann@customer.example"], &mail)
            .unwrap()
            .starts_with("250")
    );
    let seed = field(&hop.only().bytes, "References").unwrap();
    for (name, fields, evidence) in [
        ("by-id.eml", "In-Reply-To: <live@app.example>".to_owned(), "message-id"),
        ("by-seed.eml", format!("References: {seed}"), "seed"),
    ] {
        let file =
            write(daemon.folder.path(), name, format!("From: ann@customer.example\n{fields}\n\nhi\n").as_bytes());
        let output = daemon.command(&["explain", "--json", "--to", "hello@acme.example", &file]);
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&line["match"]["evidence"], &line["match"]["persona"]),
            (&evidence.into(), &"tom".into()),
            "{line}"
        );
        let text = daemon.command(&["explain", "--to", "hello@acme.example", &file]);
        // Wherever lines are wrapped.
        let text = String::from_utf8(text.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("forwarded to tom (tom@corp.example), because "), "{text}");
        assert!(text.contains("in the conversation with ann@customer.example"), "{text}");
        assert!(text.contains(&format!("+ {evidence} ")) && text.contains("; this decides"), "{text}");
        let tried = line["evidence_tried"].as_array().unwrap();
        let won: Vec<&Value> = tried.iter().filter(|piece| piece["won"] == true).collect();
        assert_eq!((won.len(), &won[0]["evidence"], &won[0]["persona"]), (1, &evidence.into(), &"tom".into()));
        assert_eq!(won[0]["thread"], line["match"]["thread"]);
        let absent = tried.iter().find(|piece| piece["evidence"] == "conversation").unwrap();
        assert_eq!((&absent["found"], &absent["why"]), (&false.into(), &"absent".into()));
    }
}

/// The file names of what `explain --json` tells, without the folder's own.
fn told_files(folder: &Path, arguments: &[&str]) -> (Vec<String>, Option<i32>, String) {
    let config = folder.join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    let mail = folder.join("mail").display().to_string();
    let output = command(&config, &[&["explain", "--json"], arguments, &[&mail]].concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let name = |line: Value| {
        let index = line["index"].as_u64().map_or_else(String::new, |index| format!(" {index}"));
        line["file"].as_str().unwrap().replace(&format!("{mail}/"), "") + &index
    };
    (lines.map(name).collect(), output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const MAIL: &str = "From: a@b.example\nTo: sophie@acme.example\n\nhi\n";

#[test]
fn a_folder_is_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mail = folder.path().join("mail");
    for (name, text) in [
        ("b.eml", MAIL.to_owned()),
        ("a.mbox", format!("From a Sun\n{MAIL}\nFrom b Sun\n{MAIL}")),
        (".hidden", MAIL.to_owned()),
        ("box/cur/1:2,S", MAIL.to_owned()),
        ("box/new/2", MAIL.to_owned()),
        ("box/tmp/3", MAIL.to_owned()),
        ("box/.Sent/cur/4", MAIL.to_owned()),
        ("box/.Sent/new/5", MAIL.to_owned()),
        ("box/dovecot-uidlist", MAIL.to_owned()),
    ] {
        let path = mail.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (names, code, _) = told_files(folder.path(), &[]);
    let expected =
        ["a.mbox 0", "a.mbox 1", "b.eml", "box/.Sent/cur/4", "box/.Sent/new/5", "box/cur/1:2,S", "box/new/2"];
    assert_eq!((names, code), (expected.map(String::from).to_vec(), Some(0)));
}

#[test]
fn a_folder_with_nothing_to_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("mail/sub")).unwrap();
    let (names, code, errors) = told_files(folder.path(), &[]);
    assert_eq!((names.len(), code), (0, Some(66)));
    assert!(errors.contains("there is nothing to read in "), "{errors}");
}

#[test]
fn a_large_mbox_is_read_in_little_memory() {
    const MESSAGES: usize = 220;
    let folder = tempfile::tempdir().unwrap();
    let one = format!(
        "From a Sun\n{MAIL}{}\n",
        "0123456789012345678901234567890123456789012345678901234567890\n".repeat(5000)
    );
    std::fs::write(folder.path().join("mail"), one.repeat(MESSAGES)).unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    // 67 MB of mail in less address space: what does not fit ends the program.
    let limited = std::process::Command::new("prlimit")
        .args(["--as=67108864", env!("CARGO_BIN_EXE_sincerely"), "--config"])
        .arg(&config)
        .args(["explain", "--json"])
        .arg(folder.path().join("mail"))
        .output()
        .unwrap();
    let lines = limited.stdout.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!((lines, limited.status.code()), (MESSAGES, Some(0)), "{}", String::from_utf8_lossy(&limited.stderr));
}

#[test]
fn the_verdict_comes_before_its_reasons() {
    let mail = b"Return-Path: <ann@customer.example>\nFrom: Ann <ann@customer.example>\nTo: Sophie <sophie@acme.example>\nDate: Mon, 2 Nov 2026 10:12:00 +0000\nSubject: Hello\nReferences: <4@x> <3@x> <2@x> <1@x>\nX-Auto-Response-Suppress: OOF\n\nhi\n";
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    let path = write(folder.path(), "a.eml", mail);
    let output = command(&config, &["explain", "--to", "sophie@acme.example", "--to", "x@y.example", &path]);
    let told = String::from_utf8(output.stdout).unwrap().replace(folder.path().to_str().unwrap(), "");
    insta::assert_snapshot!(told, @r#"
    Hello
      from       Ann <ann@customer.example>
      date       Mon, 2 Nov 2026 10:12:00 +0000
      file       /a.eml
      kind          human              a person wrote it
                 -  response-suppress  hint for auto-generated: X-Auto-Response-Suppress asks others not
                                       to answer

    -> sophie@acme.example: forwarded to sophie (sophie.martin@corp.example), because the address is the
       persona's own
      evidence   x  message-id       <1@x>, <2@x>, <3@x> and 1 more: not known
                 x  subject          "hello": not known
                 -  correspondent    ann@customer.example: counts at shared addresses only
                 +  persona-address  sophie@acme.example: names sophie; this decides
                 -  by-name          counts at shared addresses only
                 -  nothing of       recipient-token, seed, quoted-id, conversation
      rules      +  default  decides, since no rule does
      envelope   to sophie.martin@corp.example, from ann@customer.example
      reply      250 2.0.0 Ok

    x x@y.example: refused with 550 5.7.1 relaying denied
      reply      550 5.7.1 relaying denied
    "#);
}

#[test]
fn colour_is_for_those_who_ask_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    let path = write(folder.path(), "a.eml", MAIL.as_bytes());
    let told = |name: &str, value: &str| {
        let mut explain = support::daemon::binary();
        explain.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env(name, value);
        let output = explain.arg("--config").arg(&config).args(["explain", &path]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let plain = told("LC_ALL", "C");
    assert!(plain.starts_with("(no subject)\n") && !plain.contains('\u{1b}'), "{plain:?}");
    assert!(told("CLICOLOR_FORCE", "1").contains("\u{1b}["));
    assert_eq!(told("NO_COLOR", "1"), plain);
    assert!(told("LC_ALL", "C.UTF-8").contains("\n→ sophie@acme.example: forwarded to sophie"));
}

const REJECTS: &str =
    "[[rule]]\nname = \"gone\"\nwhen = { recipient = \"sophie@acme.example\" }\nthen = { reject = \"gone\" }\n";

#[test]
fn recipients_settle_as_the_first_inbound_listener_speaks() {
    let smtp = configuration("127.0.0.1:9".parse().unwrap(), REJECTS);
    let lmtp = smtp.replace("role = \"inbound\"\n", "role = \"inbound\"\nprotocol = \"lmtp\"\n");
    let mail = b"From: a@b.example\nTo: sophie@acme.example, tom@acme.example\n\nhi\n";
    let told = |configuration: &str, options: &[&str]| {
        let (lines, _, _) = explain_under(configuration, &[("a.eml", mail)], options);
        lines.iter().map(|line| format!("{} {}", line["fate"], line["reply"]["code"])).collect::<Vec<_>>()
    };
    let (held, refused, forwarded) = ("\"hold\" 250", "\"reject\" 550", "\"forward\" 250");
    assert_eq!(told(&smtp, &[]), [held, forwarded], "SMTP has one reply for both");
    assert_eq!(told(&lmtp, &[]), [refused, forwarded]);
    assert_eq!(told(&smtp, &["--to", "sophie@acme.example"]), [refused], "there is nobody else");
}

#[test]
fn without_the_secret_nobody_can_tell_of_a_signature() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mail = crlf("From: Tom from Acme <hello@acme.example>\n\nhi\n");
    let sent = Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], &mail);
    assert!(sent.unwrap().starts_with("250"));
    let seed = field(&hop.only().bytes, "References").unwrap();
    let reply = format!("From: ann@customer.example\nTo: hello@acme.example\nReferences: {seed}\n\nhi\n");
    let (lines, _, errors) = explain(&[("a.eml", reply.as_bytes())], &[]);
    let tried = lines[0]["evidence_tried"].as_array().unwrap();
    let why = tried.iter().find(|piece| piece["evidence"] == "seed").map(|piece| piece["why"].as_str().unwrap());
    assert_eq!(why, Some("no-key"));
    assert_eq!((&lines[0]["keys"], &lines[0]["memory"]), (&"none".into(), &"none".into()));
    assert!(errors.contains("cannot read the secret file ") && !errors.contains("create"), "{errors}");
    let file = write(daemon.folder.path(), "a.eml", reply.as_bytes());
    let known: Value = serde_json::from_slice(&daemon.command(&["explain", "--json", &file]).stdout).unwrap();
    assert_eq!((&known["keys"], &known["memory"]), (&Value::Null, &Value::Null));
}

/// What is told people of one message, without the folder's name.
fn told_people(mail: &str, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    let path = write(folder.path(), "a.eml", mail.as_bytes());
    let output = command(&config, &[&["explain"], options, &[&path]].concat());
    String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_held_at_sight_was_asked_of_no_rule() {
    let told = told_people("From: a@b.example\nTo: sophie@acme.example\nX-Spam-Flag: YES\n\nhi\n", &[]);
    assert!(told.contains("default held before any rule is asked") && !told.contains("no rule does"), "{told}");
}

#[test]
fn what_the_door_refuses_is_decided_by_nothing_else() {
    let mail = "From: a@b.example\nFrom: c@d.example\nTo: sophie@acme.example\n\nhi\n";
    let told = told_people(mail, &[]);
    assert!(told.contains("refused with 550") && !told.contains("decides"), "{told}");
    let (lines, _, _) = explain(&[("a.eml", mail.as_bytes())], &[]);
    assert_eq!((&lines[0]["rule"], &lines[0]["rules_tried"]), (&Value::Null, &Value::Array(Vec::new())));
}

#[test]
fn an_empty_file_is_nobodys_mail() {
    let (lines, code, errors) = explain(&[("empty.eml", b""), ("a.eml", MAIL.as_bytes())], &[]);
    assert_eq!((lines.len(), code), (1, Some(66)));
    assert!(errors.contains("there is nothing to read in ") && errors.contains("empty.eml"), "{errors}");
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    for name in ["missing.eml", "a\u{1b}[2J\n.eml"] {
        let (_, code, errors) = explain(&[(name, b"")], &[]);
        assert_eq!(code, Some(66));
        assert!(errors.lines().count() == 3 && !errors.contains('\u{1b}'), "{errors:?}");
    }
    let (_, code, errors) = explain(&[("a.eml", MAIL.as_bytes())], &["--to", "\u{1b}[2J\r\nfine"]);
    assert_eq!(code, Some(64));
    assert!(errors.contains(r"\u{1b}[2J\r\nfine") && !errors.contains('\u{1b}'), "{errors:?}");
}

#[test]
fn what_is_larger_than_mail_may_be_is_read_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    let limits = "[limits]\nmessage_size = \"64 KiB\"\n";
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), limits)).unwrap();
    let large = folder.path().join("large.eml");
    std::fs::write(&large, format!("{MAIL}{}", "0123456789\n".repeat(10_000_000))).unwrap();
    for path in ["/dev/zero", large.to_str().unwrap()] {
        // 110 MB, or without an end, in less address space: what does not fit ends the program.
        let limited = std::process::Command::new("prlimit")
            .args(["--as=67108864", env!("CARGO_BIN_EXE_sincerely"), "--config"])
            .arg(&config)
            .args(["explain", "--json", "--to", "tom@acme.example", path])
            .output()
            .unwrap();
        let line: Value = serde_json::from_slice(&limited.stdout).unwrap_or_default();
        assert_eq!(line["reply"]["code"], 552, "{path}: {}", String::from_utf8_lossy(&limited.stderr));
    }
}

#[test]
fn the_greeting_is_told_as_it_is_written() {
    let mail = "From: a@b.example\nTo: hello@acme.example\n\nAbout our order:\n\nDear Sophie,\n\nit came.\n";
    let told = told_people(mail, &[]);
    assert!(
        told.contains("forwarded to sophie (sophie.martin@corp.example), because it begins: Dear Sophie,"),
        "{told}"
    );
}

#[test]
fn who_alone_has_written_is_named() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mail = crlf("From: Tom from Acme <hello@acme.example>\nTo: ann@customer.example\n\nhi\n");
    let sent = Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], &mail);
    assert!(sent.unwrap().starts_with("250"));
    let file = write(daemon.folder.path(), "a.eml", b"From: ann@customer.example\nTo: hello@acme.example\n\nhi\n");
    let told = String::from_utf8(daemon.command(&["explain", &file]).stdout).unwrap();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("because only tom has written to ann@customer.example"), "{told}");
    assert!(told.contains("ann@customer.example: only tom has written to them; this decides"), "{told}");
}

#[test]
fn mail_in_an_inbox_is_explained_as_it_came_to_us() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mail =
        crlf("From: Ann <ann@customer.example>\nTo: sophie@acme.example\nMessage-ID: <a@customer.example>\n\nhi\n");
    let sent = Client::connect(daemon.inbound()).send("ann@customer.example", &["sophie@acme.example"], &mail);
    assert!(sent.unwrap().starts_with("250"));
    let file = write(daemon.folder.path(), "inbox.eml", &hop.only().bytes);
    let told: Value = serde_json::from_slice(&daemon.command(&["explain", "--json", &file]).stdout).unwrap();
    assert_eq!(
        (&told["fate"], &told["handed_on"]["evidence"]),
        (&"forward".into(), &"persona-address".into()),
        "{told}"
    );
}
