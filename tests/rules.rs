//! Rules in the real daemon: every fate over SMTP and LMTP, copies and what becomes of them, additions octet
//! for octet, and what `check` says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;

use support::daemon::{binary, command, configuration};
use support::{Behaviour, Client, Daemon, NextHop, crlf, field, wait_until};

/// One rule for each fate, by subject; a copy and a mark for whatever is "copied".
const RULES: &str = r#"
[[rule]]
name = "copies"
continue = true
when = { subject = "*copied*" }
then = { copy_to = ["tom", "copy@corp.example"], add_header = { "X-Copied" = "yes" } }
[[rule]]
name = "to Tom"
when = { subject = "*to tom*" }
then = { forward_to = "tom" }
[[rule]]
name = "waits"
when = { subject = "*wait*" }
then = "hold"
[[rule]]
name = "goes away"
when = { subject = "*go away*", recipient = "sophie@acme.example" }
then = { reject = "Sophie has left" }
[[rule]]
name = "thrown away"
when = { subject = "*throw*" }
then = "discard"
"#;

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: Ann <ann@customer.example>\nMessage-ID: <{}@customer.example>\nSubject: {subject}\n\nHello\n",
        subject.replace(' ', "-")
    ))
}

fn send(daemon: &Daemon, to: &[&str], message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send("ann@customer.example", to, message).unwrap()
}

fn send_lmtp(daemon: &Daemon, to: &[&str], message: &[u8]) -> Vec<String> {
    Client::connect_lmtp(daemon.inbound()).send_lmtp("ann@customer.example", to, message).unwrap()
}

const SOPHIE: [&str; 1] = ["sophie@acme.example"];
const BOTH: [&str; 2] = ["sophie@acme.example", "tom@acme.example"];

/// Everyone who was sent a message, in order.
fn reached(hop: &NextHop) -> Vec<String> {
    hop.taken().into_iter().flat_map(|taken| taken.to).collect()
}

fn why(held: &[u8]) -> String {
    field(held, "X-Sincerely-Held").unwrap()
}

/// The summary of the message with that subject's word in its rule.
fn summary(daemon: &Daemon, part: &str) -> String {
    let line = || {
        daemon.log().lines().find(|line| line.contains("event=\"settled\"") && line.contains(part)).map(str::to_owned)
    };
    wait_until(part, || line().is_some());
    line().unwrap()
}

#[test]
fn every_fate_over_smtp() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, RULES);
    assert!(send(&daemon, &SOPHIE, &mail("to Tom")).starts_with("250 2.0.0"));
    assert_eq!(reached(&hop), ["tom@corp.example"]);
    assert!(send(&daemon, &SOPHIE, &mail("wait")).starts_with("250 2.0.0"));
    assert!(send(&daemon, &SOPHIE, &mail("wait")).starts_with("250 2.0.0"), "a retry is not held twice");
    let held = daemon.held("rule");
    assert!(held.len() == 1 && held[0].ends_with(&mail("wait")) && why(&held[0]).contains(r#"rule "waits""#));
    assert_eq!(send(&daemon, &SOPHIE, &mail("go away")), "550 5.7.1 Sophie has left");
    assert!(send(&daemon, &SOPHIE, &mail("throw")).starts_with("250 2.0.0"));
    assert!(send(&daemon, &SOPHIE, &mail("none of these")).starts_with("250 2.0.0"));
    assert_eq!(reached(&hop), ["tom@corp.example", "sophie.martin@corp.example"]);
    for (rule, fate) in [("to Tom", "forward"), ("waits", "hold"), ("goes away", "reject"), ("thrown away", "discard")]
    {
        let line = summary(&daemon, &format!("rule=\"{rule}\""));
        assert!(line.contains(&format!("fate={fate}")) && line.contains("to=sophie@acme.example"), "{line}");
    }
}

#[test]
fn every_fate_over_lmtp() {
    let hop = NextHop::start();
    let daemon = Daemon::start_lmtp(hop.address, RULES);
    let codes = |subject: &str| {
        let replies = send_lmtp(&daemon, &BOTH, &mail(subject));
        replies.iter().map(|reply| reply[..9].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes("go away"), ["550 5.7.1", "250 2.0.0"], "each recipient has a reply of its own");
    assert_eq!(reached(&hop), ["tom@corp.example"]);
    assert_eq!(codes("throw"), ["250 2.0.0"; 2]);
    assert_eq!(codes("wait"), ["250 2.0.0"; 2]);
    assert_eq!((daemon.held("rule").len(), daemon.held("rejected").len()), (2, 0));
    assert_eq!(codes("to Tom"), ["250 2.0.0"; 2]);
    assert_eq!(reached(&hop), ["tom@corp.example"; 2], "both recipients' mail is one mail to Tom");
}

#[test]
fn what_smtp_cannot_refuse_to_one_alone_is_held() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, RULES);
    assert!(send(&daemon, &BOTH, &mail("go away")).starts_with("250 2.0.0"));
    assert_eq!(reached(&hop), ["tom@corp.example"]);
    let held = daemon.held("rejected");
    assert!(held.len() == 1 && held[0].ends_with(&mail("go away")));
    let why = why(&held[0]);
    assert!(why.contains(r#"rule "goes away""#) && why.contains("550 5.7.1 Sophie has left"), "{why}");
}

#[test]
fn copies_follow_the_fate_and_are_sent_once() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, RULES);
    let later =
        Behaviour { recipients: vec![("sophie.martin".into(), "450 4.2.0 later".into())], ..Behaviour::default() };
    hop.behave(later);
    assert!(send(&daemon, &SOPHIE, &mail("copied")).starts_with("451"));
    assert_eq!(hop.count(), 0, "no copy before its message");
    hop.behave(Behaviour::default());
    for _ in 0..2 {
        assert!(send(&daemon, &SOPHIE, &mail("copied")).starts_with("250"));
        assert_eq!(reached(&hop), ["sophie.martin@corp.example", "tom@corp.example", "copy@corp.example"]);
    }
    assert!(hop.taken().iter().all(|taken| field(&taken.bytes, "X-Copied").as_deref() == Some("yes")));

    let before = hop.count();
    assert!(send(&daemon, &SOPHIE, &mail("copied and to Tom")).starts_with("250"));
    assert_eq!(reached(&hop)[before..], ["tom@corp.example", "copy@corp.example"], "Tom has it already");
    let before = hop.count();
    for subject in ["copied and wait", "copied and throw"] {
        assert!(send(&daemon, &SOPHIE, &mail(subject)).starts_with("250"));
    }
    assert_eq!(reached(&hop)[before..], ["tom@corp.example", "copy@corp.example"].repeat(2));
    let held = daemon.held("rule");
    assert!(held[0].ends_with(&mail("copied and wait")), "what is held stays as it came");
    let line = summary(&daemon, "copy:tom@corp.example,copy:copy@corp.example");
    assert!(line.contains("sophie.martin@corp.example,copy:") && line.contains(r#"rule="default""#), "{line}");
}

#[test]
fn a_copy_never_decides_the_reply() {
    let hop = NextHop::start();
    let refuses = |reply: &str| Behaviour { recipients: vec![("copy@".into(), reply.into())], ..Behaviour::default() };
    for (behaviour, expected) in [
        (refuses("550 5.1.1 no copies here"), "550 5.1.1 no copies here"),
        (refuses("450 4.2.0 later"), "the copy to copy@corp.example was not taken, or not surely"),
        (refuses("421 4.3.0 closing"), "the copy to copy@corp.example was not taken, or not surely"),
    ] {
        let daemon = Daemon::start_with(hop.address, RULES);
        hop.behave(behaviour);
        let before = hop.count();
        for _ in 0..2 {
            assert!(send(&daemon, &SOPHIE, &mail("copied")).starts_with("250 2.0.0"), "{expected}");
            assert_eq!(reached(&hop)[before..], ["sophie.martin@corp.example", "tom@corp.example"]);
            let held = daemon.held("undelivered");
            assert!(held.len() == 1 && why(&held[0]).contains(expected), "{expected}");
        }
    }
}

#[test]
fn a_copy_that_cannot_even_be_held_is_an_alarm() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, RULES);
    fs::create_dir_all(daemon.state().join("held")).unwrap();
    fs::write(daemon.state().join("held/undelivered"), "in the way").unwrap();
    hop.behave(Behaviour { recipients: vec![("copy@".into(), "550 5.1.1 no".into())], ..Behaviour::default() });
    assert!(send(&daemon, &SOPHIE, &mail("copied")).starts_with("250 2.0.0"));
    wait_until("the operator is told", || daemon.log().contains("a copy was neither sent nor held"));
}

#[test]
fn a_rules_person_whose_inbox_is_full_has_the_fallback_of_the_persona() {
    let hop = NextHop::start();
    let company = "[people.kim]\ninbox = \"kim@corp.example\"\n\
        [personas.kim]\naddress = \"Kim <kim@acme.example>\"\nanswered_by = \"kim\"\nfallback = \"sophie\"\n";
    let daemon = Daemon::start_with(hop.address, &format!("{company}{RULES}"));
    hop.behave(Behaviour { recipients: vec![("tom@".into(), "552 5.2.2 full".into())], ..Behaviour::default() });
    assert!(send(&daemon, &["kim@acme.example"], &mail("to Tom")).starts_with("250"));
    assert_eq!(reached(&hop), ["sophie.martin@corp.example"]);
}

#[test]
fn additions_leave_every_other_octet_alone() {
    let hop = NextHop::start();
    let rule = "[[rule]]\nname = \"marks\"\ncontinue = true\n\
        then = { add_header = { \"X-Team\" = \"Büro\", \"X-A\" = \"a\" }, subject_prefix = \"[Büro] \" }\n";
    let daemon = Daemon::start_with(hop.address, rule);
    let mut original = crlf(
        "DKIM-Signature: v=1; a=rsa-sha256; d=customer.example;\n\th=from:to:subject; bh=x; b=y\n\
         From: Ann\n <ann@customer.example>\nSUBJECT:  =?utf-8?q?f=C3=BCr?= Sophie\nX-Odd:\ttabs \n\n",
    );
    original.extend(b".leading dot\r\n\xff\xfe\0 8-bit\r\n\r\ntrailing space \r\n\r\n");
    assert!(send(&daemon, &SOPHIE, &original).starts_with("250"));
    let sent = hop.only().bytes;
    // Ours stand above: two trace fields of three lines and of two.
    let at = sent.windows(15).position(|octets| octets == b"DKIM-Signature:").unwrap();
    let trace = String::from_utf8(sent[..at].to_vec()).unwrap();
    assert!(trace.starts_with("Received: ") && trace.contains("\r\nX-Sincerely: id="), "{trace}");
    let without = |bytes: Vec<u8>, part: &[u8]| {
        let at = bytes.windows(part.len()).position(|octets| octets == part).unwrap();
        [&bytes[..at], &bytes[at + part.len()..]].concat()
    };
    let rest = without(sent[at..].to_vec(), "X-A: a\r\nX-Team: =?utf-8?B?QsO8cm8=?=\r\n".as_bytes());
    let rest = without(rest, b" =?utf-8?B?W0LDvHJvXSA=?=");
    assert_eq!(rest.escape_ascii().to_string(), original.escape_ascii().to_string());
}

/// What `check` says, the folder left out: exit code, standard output, standard error.
fn check(files: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let output = command(&folder.path().join("sincerely.toml"), &["check"]);
    let prefix = format!("{}/", folder.path().display());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&prefix, "");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A main file that includes `rules.d/*.toml`.
fn main_file() -> String {
    let text = configuration("127.0.0.1:9".parse().unwrap(), "");
    format!("include = [\"rules.d/*.toml\"]\n{text}")
}

#[test]
fn tests_of_the_configuration_are_run_with_the_mail_beside_it() {
    let eml = "From: Ann <ann@customer.example>\nSubject: wait\n\nHello\n";
    let tests = "[[test]]\nmail = \"mail/a.eml\"\nto = \"sophie@acme.example\"\n\
        expect = { fate = \"hold\", hold = \"rule\", rule = \"waits\", kind = \"human\", reply = 250 }\n\
        [[test]]\nmail = \"mail/a.eml\"\nto = \"nobody@acme.example\"\nfrom = \"<>\"\nexpect = { fate = \"reject\", reply = 550 }\n";
    let rules = format!("{RULES}{tests}");
    let files = [("sincerely.toml", &*main_file()), ("rules.d/1.toml", &rules), ("rules.d/mail/a.eml", eml)];
    let (code, out, errors) = check(&files);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.ends_with("\n2 tests passed\n"), "{out}");
    let table: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("RULE ")).take(3).collect();
    assert!(table[1].starts_with("copies ") && table[1].contains(r#"subject = "*copied*""#), "{out}");
    assert!(table[2].ends_with(r#"{ forward_to = "tom" }"#), "{out}");

    let wrong = rules
        .replace("rule = \"waits\"", "rule = \"to Tom\", forward_to = \"sophie\"")
        .replace("a.eml\"\nto = \"nobody", "b.eml\"\nto = \"nobody");
    let files = [("sincerely.toml", &*main_file()), ("rules.d/1.toml", &wrong), ("rules.d/mail/a.eml", eml)];
    let (code, out, errors) = check(&files);
    assert_eq!(code, Some(78), "{out}");
    assert!(out.ends_with("\n2 of 2 tests failed\n"), "{out}");
    let failures: Vec<&str> = errors.lines().filter(|line| !line.starts_with("warning:")).collect();
    let line = wrong.lines().position(|line| line.starts_with("expect")).unwrap() + 1;
    assert_eq!(
        failures,
        [
            format!(
                "rules.d/1.toml:{line}: test.expect.forward_to: expected \"sophie.martin@corp.example\", got \"nothing\""
            ),
            format!("rules.d/1.toml:{line}: test.expect.rule: expected \"to Tom\", got \"waits\""),
            format!(
                "rules.d/1.toml:{}: test.mail: rules.d/mail/b.eml cannot be read: No such file or directory (os error 2)",
                line + 1
            ),
        ]
    );
}

#[test]
fn a_mistake_in_an_included_file_is_told_with_its_file_and_line() {
    let files = [
        ("sincerely.toml", &*main_file()),
        ("rules.d/1.toml", "[[rule]]\nname = \"x\"\nthen = \"drop\"\n"),
        ("rules.d/2.toml", "hops = 3\n"),
    ];
    let (code, _, errors) = check(&files);
    assert_eq!(code, Some(78));
    assert!(
        errors.contains("rules.d/1.toml:3: rule.then: \"drop\" is none of forward, hold, reject, discard"),
        "{errors}"
    );
    assert!(errors.contains("rules.d/2.toml:1: hops: unknown key"), "{errors}");
}

#[test]
fn the_example_passes_its_own_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = command(&root.join("examples/rules.toml"), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("\n3 tests passed\n"));

    let mail = |name: &str| root.join("examples").join(name).display().to_string();
    let explain = |arguments: &[&str]| {
        let output = command(&root.join("examples/rules.toml"), &[&["explain"], arguments].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    let told = explain(&[&mail("invoice.eml"), &mail("reply.eml")]);
    for line in [
        "  rules      +  mail from partners is marked  adds, and the next rule is asked\n             +  invoices go to Tom            decides\n",
        "x  large mail waits              size = \">20 MiB\" does not hold\n             +  default                       decides",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let json: serde_json::Value = serde_json::from_str(&explain(&["--json", &mail("invoice.eml")])).unwrap();
    assert_eq!((&json["rule"], &json["fate"]), (&"invoices go to Tom".into(), &"forward".into()));
    let tried = |rule: &str, goes_on: bool| serde_json::json!({ "rule": rule, "answer": "yes", "goes_on": goes_on, "failed": null });
    let both = [tried("mail from partners is marked", true), tried("invoices go to Tom", false)];
    assert_eq!(json["rules_tried"], serde_json::json!(both));
}

#[test]
fn each_example_passes_its_own_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (file, tests) in [("office-hours.toml", 3), ("campaigns.toml", 2), ("phishing.toml", 3)] {
        let output = command(&root.join(file), &["check"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.ends_with(&format!("\n{tests} tests passed\n")), "{told}");
    }
}

/// A rule for each condition that looks into a message, a thread or the time; each holds.
const CONDITIONS: &str = r#"
[inbound]
hold_spam = false
authserv_id = "mx.acme.example"
[stamp]
campaign_header = "X-Campaign"
[[rule]]
name = "by body"
when = { body = "*send it back*" }
then = "hold"
[[rule]]
name = "by attachment"
when = { attachment = ["*.pdf", "image/*"] }
then = "hold"
[[rule]]
name = "by auth"
when = { auth = { dmarc = "fail", spf = ["fail", "softfail"] } }
then = "hold"
[[rule]]
name = "by spam"
when = { spam = true }
then = "hold"
[[rule]]
name = "by time"
when = { subject = "*tonight*", time = { days = "fri", from = "22:00", to = "06:00", zone = "Europe/Paris" } }
then = "hold"
[[rule]]
name = "by first reply and campaign"
when = { first_reply = true, campaign = "früh*" }
then = { forward_to = "tom" }
[[rule]]
name = "by age"
when = { subject = "*aged*", thread_age = ">=0s", not = { thread_age = ">1 day" } }
then = "hold"
"#;

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee this.\n--b\n";

#[test]
fn what_a_rule_finds_in_a_message() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, CONDITIONS);
    let html = "Content-Type: text/html\n\n<p>I will <b>send</b>\nit&nbsp;back</p>\n";
    let named =
        format!("{MIXED}Content-Disposition: attachment;\n filename*=utf-8''Rechnung%20M%C3%A4rz.PDF\n\nx\n--b--\n");
    let image = format!("{MIXED}Content-Type: image/png\n\nx\n--b--\n");
    let failed = "Authentication-Results: mx.acme.example; dmarc=fail; spf=softfail\n\nhi\n";
    let of_a_stranger = "Authentication-Results: mx.other.example; dmarc=fail; spf=softfail\n\nhi\n";
    for (rest, rule) in [
        ("\nI will send\nit  back.\n", Some("by body")),
        (html, Some("by body")),
        (&named, Some("by attachment")),
        (&image, Some("by attachment")),
        (failed, Some("by auth")),
        ("X-Spam-Flag: YES\n\nhi\n", Some("by spam")),
        (of_a_stranger, None),
        ("X-Spam-Flag: NO\n\nI will send it. Back soon.\n", None),
    ] {
        let before = daemon.held("rule").len();
        let message = crlf(&format!("From: Ann <ann@customer.example>\nSubject: hi\n{rest}"));
        assert!(send(&daemon, &SOPHIE, &message).starts_with("250"), "{rest}");
        let held = daemon.held("rule");
        assert_eq!(held.len() - before, usize::from(rule.is_some()), "{rest}");
        if let Some(rule) = rule {
            assert!(held.iter().any(|held| held.ends_with(&message) && why(held).contains(rule)), "{rest}");
        }
    }
    assert_eq!(hop.count(), 2);
}

#[test]
fn what_a_rule_knows_of_a_thread() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, CONDITIONS);
    let welcome = "From: Sophie from Acme <sophie@acme.example>\nTo: ann@customer.example\nSubject: Welcome\n\
        Message-ID: <welcome@acme.example>\nX-Campaign: =?utf-8?Q?Fr=C3=BChling_2026?=\n\nHello\n";
    let out = Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], &crlf(welcome));
    assert!(out.unwrap().starts_with("250"));
    let answer = |id: &str, subject: &str, parent: &str| {
        crlf(&format!(
            "From: Ann <ann@customer.example>\nMessage-ID: <{id}@customer.example>\nSubject: {subject}\n{parent}\n\nHi\n"
        ))
    };
    let parent = "In-Reply-To: <welcome@acme.example>";
    let goes_to = |message: &[u8]| {
        let before = hop.count();
        assert!(send(&daemon, &SOPHIE, message).starts_with("250"));
        reached(&hop).split_off(before)
    };
    assert_eq!(goes_to(&answer("1", "hi", parent)), ["tom@corp.example"], "the first answer");
    let by_another_way = [b"X-Other: way\r\n".as_slice(), &answer("1", "hi", parent)].concat();
    assert_eq!(goes_to(&by_another_way), ["sophie.martin@corp.example"], "another mail is the second");
    assert_eq!(goes_to(&answer("2", "hi again", parent)), ["sophie.martin@corp.example"]);
    assert_eq!(goes_to(&answer("3", "aged", "")), ["sophie.martin@corp.example"], "it is in no thread");
    assert_eq!((goes_to(&answer("4", "aged", parent)), daemon.held("rule").len()), (Vec::new(), 1));
}

#[test]
fn a_rule_goes_by_the_time_and_explain_by_the_one_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sincerely.toml");
    fs::write(&file, configuration("127.0.0.1:9".parse().unwrap(), CONDITIONS)).unwrap();
    let message = folder.path().join("a.eml");
    fs::write(&message, "From: Ann <ann@customer.example>\nSubject: come tonight\n\nHi\n").unwrap();
    let message = message.display().to_string();
    let explain = |at: &str, more: &[&str]| {
        let arguments = [&["explain", "--to", "sophie@acme.example", "--at", at], more, &[&message]].concat();
        command(&file, &arguments)
    };
    // 2026-11-20 is a Friday.
    for (at, rule) in [
        ("2026-11-20T22:00[Europe/Paris]", "by time"),
        ("2026-11-21T04:59:59Z", "by time"),
        ("2026-11-21T06:00+01:00", "default"),
        ("2026-11-19T23:00[Europe/Paris]", "default"),
    ] {
        let output = explain(at, &["--json"]);
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["rule"], rule, "{at}");
    }
    let told = String::from_utf8(explain("2026-11-19T23:00[Europe/Paris]", &[]).stdout).unwrap();
    let failed = r#"time = { days = "fri", from = "22:00", to = "06:00", zone = "Europe/Paris" } does not hold"#;
    assert!(told.split_whitespace().collect::<Vec<_>>().join(" ").contains(failed), "{told}");
    assert_eq!(explain("tonight", &[]).status.code(), Some(64));
}

#[test]
fn a_file_whose_name_is_not_utf_8_is_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sincerely.toml"), main_file()).unwrap();
    fs::create_dir(folder.path().join("rules.d")).unwrap();
    fs::write(folder.path().join("rules.d").join(std::ffi::OsStr::from_bytes(b"\xff.bak")), "").unwrap();
    let output = command(&folder.path().join("sincerely.toml"), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_copy_that_hangs_takes_no_time_from_the_other_recipients() {
    let hop = NextHop::start();
    let rule = "[[rule]]\nname = \"copies\"\ncontinue = true\nwhen = { recipient = \"sophie@acme.example\" }\n\
        then = { copy_to = [\"copy1@corp.example\", \"copy2@corp.example\"] }\n";
    let text = configuration(hop.address, rule)
        .replace("role = \"inbound\"\n", "role = \"inbound\"\nprotocol = \"lmtp\"\n")
        .replace("total = \"20s\"", "connect = \"1s\", total = \"3s\"");
    let daemon = Daemon::start_as(&text, binary);
    hop.behave(Behaviour { hangs_for: Some("copy".into()), ..Behaviour::default() });
    let replies = send_lmtp(&daemon, &BOTH, &mail("hi"));
    assert!(replies.iter().all(|reply| reply.starts_with("250")), "a copy never decides the reply: {replies:?}");
}

#[test]
fn a_strangers_words_stay_on_their_line_of_explain() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sincerely.toml"), main_file()).unwrap();
    let mail = folder.path().join("a.eml");
    fs::write(
        &mail,
        "From: a@b.example\nTo: sophie@acme.example\nSubject: =?utf-8?q?hi=0A__reply______550=1B[2J?=\n\n",
    )
    .unwrap();
    let output = command(&folder.path().join("sincerely.toml"), &["explain", &mail.display().to_string()]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.matches("\n  reply ").count(), 1, "{told}");
}

#[test]
fn the_same_prefix_of_two_rules_stands_there_once() {
    let hop = NextHop::start();
    let rule = |name: &str| {
        format!("[[rule]]\nname = \"{name}\"\ncontinue = true\nthen = {{ subject_prefix = \"[Acme]\" }}\n")
    };
    let daemon = Daemon::start_with(hop.address, &(rule("one") + &rule("two")));
    assert!(send(&daemon, &SOPHIE, &mail("hi")).starts_with("250"));
    assert_eq!(field(&hop.only().bytes, "Subject").as_deref(), Some("[Acme] hi"));
}

#[test]
fn an_empty_subject_is_a_subject() {
    let hop = NextHop::start();
    let daemon =
        Daemon::start_with(hop.address, "[[rule]]\nname = \"empty\"\nwhen = { subject = \"\" }\nthen = \"hold\"\n");
    assert!(send(&daemon, &SOPHIE, &crlf("From: a@b.example\nSubject:\n\nhi\n")).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("rule").len()), (0, 1));
}

#[test]
fn explain_tells_what_rules_add() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sincerely.toml");
    let marks = "[[rule]]\nname = \"marks\"\ncontinue = true\nwhen = { subject = \"*copied*\" }\n\
        then = { subject_prefix = \"[Acme]\", add_header = { X-Team = \"Büro\" } }\n";
    fs::write(&file, configuration("127.0.0.1:9".parse().unwrap(), &format!("{RULES}{marks}"))).unwrap();
    let explain = |text: &[u8], flags: &[&str]| {
        let mail = folder.path().join("a.eml");
        fs::write(&mail, text).unwrap();
        let mail = mail.display().to_string();
        let output = command(&file, &[&["explain", "--to", "sophie@acme.example"], flags, &[&mail]].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    let json = |text: &[u8]| serde_json::from_str::<serde_json::Value>(&explain(text, &["--json"])).unwrap();
    let told = explain(&mail("copied"), &[]);
    let lines = [
        "  copies     tom@corp.example\n             copy@corp.example\n",
        "  edits      adds X-Copied: yes\n             adds X-Team: =?utf-8?B?QsO8cm8=?=\n             \
         writes [Acme] before the Subject\n",
    ];
    lines.iter().for_each(|lines| assert!(told.contains(lines), "{told}"));
    let line = json(&mail("copied"));
    assert_eq!(line["continued"], serde_json::json!(["copies", "marks"]));
    assert_eq!(line["copies"], serde_json::json!(["tom@corp.example", "copy@corp.example"]));
    assert_eq!(line["edits"][0], serde_json::json!({ "field": "X-Copied", "value": "yes" }));
    assert_eq!(line["edits"][2], serde_json::json!({ "field": "Subject", "before": "[Acme]" }));
    let absent = |line: &serde_json::Value, keys: &[&str]| keys.iter().all(|key| line.get(key).is_none());
    assert!(absent(&json(&mail("none of these")), &["continued", "copies", "edits"]), "JSON is as short as before");
    let refused = [b" a continuation of nothing\r\n".as_slice(), &mail("copied")].concat();
    let line = json(&refused);
    assert!(line["reply"]["code"] == 550 && absent(&line, &["copies", "edits"]), "{line}");
}
