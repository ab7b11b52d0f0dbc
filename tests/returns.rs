//! What comes back to the return path of mail that was handed on: what has failed reaches the fallback, once; all
//! else moves nothing. And what comes back of automated mail: its thread is marked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;

use support::next_hop::Taken;
use support::{Behaviour, Client, Daemon, NextHop, body, crlf, field, wait_until};

/// Sophie's inbox may bounce; Tom is her fallback. Kim has none.
const RETURNS: &str = "[people.kim]\ninbox = \"kim@corp.example\"\n\
    [personas.kim]\naddress = \"Kim <kim@acme.example>\"\nanswered_by = \"kim\"\n";

fn configuration(next_hop: SocketAddr) -> String {
    let whole = support::daemon::configuration(next_hop, RETURNS);
    let answered = "answered_by = [\"sophie\"]\n";
    let whole = whole.replace(answered, &format!("{answered}fallback = \"tom\"\n"));
    format!("reply_domain = \"replies.acme.example\"\n{whole}")
}

fn start(hop: &NextHop) -> Daemon {
    Daemon::start_as(&configuration(hop.address), support::daemon::binary)
}

/// Ann's mail, with octets that no text has.
fn mail(subject: &str) -> Vec<u8> {
    let head = format!(
        "From: Ann <ann@customer.example>\nReply-To: ann+x@customer.example\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"
    );
    [crlf(&head), b"\xff\xfe.\r\n..\r\n".to_vec()].concat()
}

fn send(daemon: &Daemon, from: &str, to: &str, message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send(from, &[to], message).unwrap()
}

/// Hands Ann's mail on to a persona; the return path that it went with.
fn forward(daemon: &Daemon, hop: &NextHop, to: &str, subject: &str) -> String {
    let before = hop.count();
    assert!(send(daemon, "ann@customer.example", to, &mail(subject)).starts_with("250"));
    let path = hop.taken()[before].from.clone();
    assert!(path.starts_with("bounce+") && path.ends_with("@replies.acme.example"), "{path}");
    path
}

/// A notification (RFC 3464) as the inbox's server writes it; `of` tells one from another.
fn report(of: &str, action: &str, status: &str) -> Vec<u8> {
    crlf(&format!(
        "From: MAILER-DAEMON@corp.example\nTo: bounce@replies.acme.example\nSubject: Undelivered Mail\n\
         Message-ID: <{of}@mail.corp.example>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThe mail system has this to say.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.corp.example\n\n\
         Final-Recipient: rfc822; sophie.martin@corp.example\nAction: {action}\nStatus: {status}\n\n--b--\n"
    ))
}

fn failed(of: &str) -> Vec<u8> {
    report(of, "failed", "5.1.1")
}

/// What was handed on to Tom, behind the first message.
fn toms(hop: &NextHop) -> Vec<Taken> {
    hop.taken().into_iter().filter(|taken| taken.to == ["tom@corp.example"]).collect()
}

fn why(held: &[u8]) -> String {
    field(held, "X-Sincerely-Held").unwrap()
}

#[test]
fn what_the_inbox_bounces_later_reaches_the_fallback_as_it_came() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "lost");
    let reply = send(&daemon, "", &path, &failed("one"));
    assert!(reply.starts_with("250 2.0.0"), "{reply}");

    let [toms] = toms(&hop).try_into().unwrap();
    let (first, original) = (&hop.taken()[0].bytes, mail("lost"));
    assert_eq!(body(&toms.bytes), body(&original), "the body, octet for octet");
    assert!(toms.bytes.ends_with(&original), "nothing below our trace fields has changed");
    for name in ["From", "Reply-To", "Message-ID"] {
        assert_eq!(field(&toms.bytes, name), field(first, name), "{name}");
    }
    assert_eq!(field(&toms.bytes, "Received"), field(first, "Received"), "it came to us once");
    assert!(toms.from.starts_with("bounce+") && toms.from != path, "{}", toms.from);
    assert_eq!((daemon.held("bounce").len(), daemon.held("undelivered").len()), (1, 0));
    wait_until("the log tells", || {
        daemon.log().contains("rescued") && daemon.log().contains("sophie.martin@corp.example failed: 5.1.1")
    });
}

#[test]
fn what_says_nothing_of_a_failure_moves_nothing() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "fine");
    let vacation = crlf(
        "From: Sophie <sophie.martin@corp.example>\nSubject: Out of office\nAuto-Submitted: auto-replied\n\
         Message-ID: <away@corp.example>\n\nI am away until Monday.\n",
    );
    let human = crlf(
        "From: Sophie <sophie.martin@corp.example>\nSubject: hm\nMessage-ID: <hm@corp.example>\n\nDid the mail fail?\n",
    );
    for message in [report("two", "delayed", "4.2.2"), report("three", "delivered", "2.0.0"), vacation] {
        assert!(send(&daemon, "", &path, &message).starts_with("250"));
    }
    assert!(send(&daemon, "sophie.martin@corp.example", &path, &human).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (1, 0));
    let held = ["auto-reply", "report", "bounce"].map(|reason| daemon.held(reason).len());
    assert_eq!(held, [1, 1, 2], "a notice, a receipt, and a delay and a question");
    assert!(send(&daemon, "", &path, &report("four", "failed", "4.4.7")).starts_with("250"));
    assert_eq!(toms(&hop).len(), 1, "who gave up gave up, whatever the status");
}

#[test]
fn several_bounces_of_one_copy_also_at_once_and_after_a_restart_are_one() {
    let hop = NextHop::start();
    let mut daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "twice");
    let ready = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (daemon, path, ready) = (&daemon, &path, &ready);
            scope.spawn(move || {
                let mut client = Client::connect(daemon.inbound());
                assert_eq!(client.begin("", &[path]).unwrap(), None);
                ready.wait();
                let reply = client.finish(&failed(&format!("storm{number}"))).unwrap();
                assert!(reply.starts_with("250"), "{reply}");
            });
        }
    });
    assert_eq!((toms(&hop).len(), daemon.held("bounce").len()), (1, 6));
    daemon.kill();
    daemon.restart();
    assert!(send(&daemon, "", &path, &failed("storm0")).starts_with("250"), "a retry after our 250 was lost");
    assert!(send(&daemon, "", &path, &failed("later")).starts_with("250"));
    assert_eq!((toms(&hop).len(), daemon.held("bounce").len(), daemon.held("undelivered").len()), (1, 7, 0));
}

#[test]
fn a_fallback_that_bounces_too_is_the_end_of_it() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "both");
    assert!(send(&daemon, "", &path, &failed("first")).starts_with("250"));
    let last = toms(&hop)[0].from.clone();
    for of in ["second", "third"] {
        assert!(send(&daemon, "", &last, &failed(of)).starts_with("250"));
    }
    let held = daemon.held("undelivered");
    assert_eq!((hop.count(), held.len(), daemon.held("bounce").len()), (2, 1, 3));
    assert!(held[0].ends_with(&mail("both")) && why(&held[0]).contains("5.1.1"), "{}", why(&held[0]));
    assert_eq!(field(&held[0], "Return-Path").unwrap(), "<ann@customer.example>");
    assert_eq!(field(&held[0], "Delivered-To").unwrap(), "sophie@acme.example");
}

#[test]
fn a_fallback_that_refuses_and_one_that_is_not_there_end_in_held() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let sophies = forward(&daemon, &hop, "sophie@acme.example", "refused");
    let kims = forward(&daemon, &hop, "kim@acme.example", "nobody");
    hop.behave(Behaviour { recipients: vec![("tom@".into(), "550 5.1.1 gone".into())], ..Behaviour::default() });
    for path in [&sophies, &kims] {
        let reply = send(&daemon, "", path, &failed(&path[25..40]));
        assert!(reply.starts_with("250") && !reply.contains("gone"), "{reply}");
    }
    let held = daemon.held("undelivered");
    assert_eq!((hop.count(), held.len()), (2, 2));
    for subject in ["refused", "nobody"] {
        assert!(held.iter().any(|held| held.ends_with(&mail(subject))), "{subject}");
    }
    assert!(
        held.iter().any(|held| why(held).contains("sophie.martin@corp.example failed: 5.1.1; tom@corp.example: 550"))
    );
}

#[test]
fn a_fallback_that_has_it_already_is_not_counted_on() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let both = ["sophie@acme.example", "tom@acme.example"];
    let reply = Client::connect(daemon.inbound()).send("ann@customer.example", &both, &mail("both")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    for taken in hop.taken() {
        assert!(send(&daemon, "", &taken.from, &failed(&taken.from[25..40])).starts_with("250"));
    }
    // Both have bounced it, and nobody else is there.
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (2, 2));
}

#[test]
fn while_the_next_hop_is_away_the_bounce_waits_and_then_moves_it_once() {
    let hop = NextHop::start();
    let mut daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "later");
    hop.behave(Behaviour { mail: Some("451 4.3.0 not now".into()), ..Behaviour::default() });
    assert!(send(&daemon, "", &path, &failed("one")).starts_with("451 4.4.1"));
    assert_eq!((daemon.held("bounce").len(), daemon.held("undelivered").len()), (0, 0));
    daemon.kill();
    daemon.restart();
    hop.behave(Behaviour::default());
    for _ in 0..2 {
        assert!(send(&daemon, "", &path, &failed("one")).starts_with("250"));
    }
    assert_eq!((toms(&hop).len(), daemon.held("bounce").len()), (1, 1));
}

#[test]
fn where_the_copy_is_gone_the_bounce_itself_is_what_is_left() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let gone = forward(&daemon, &hop, "sophie@acme.example", "gone");
    std::fs::remove_dir_all(daemon.state().join("copies")).unwrap();
    let damaged = forward(&daemon, &hop, "sophie@acme.example", "damaged");
    for file in copies(&daemon) {
        std::fs::write(file, "a power cut left this").unwrap();
    }
    for (path, because) in [(&gone, "not kept any more"), (&damaged, "not what was written")] {
        let bounce = failed(&path[25..40]);
        assert!(send(&daemon, "", path, &bounce).starts_with("250"));
        let held = daemon.held("undelivered").into_iter().find(|held| held.ends_with(&bounce)).unwrap();
        assert!(why(&held).contains(because) && why(&held).contains("5.1.1"), "{}", why(&held));
    }
    assert_eq!((hop.count(), daemon.held("bounce").len()), (2, 0));
}

/// The files of all kept copies.
fn copies(daemon: &Daemon) -> Vec<PathBuf> {
    let within = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    within(daemon.state().join("copies")).flat_map(within).collect()
}

#[test]
fn a_copy_that_cannot_be_written_is_an_alarm_and_the_mail_goes_on() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    std::fs::write(daemon.state().join("copies"), "in the way").unwrap();
    let path = forward(&daemon, &hop, "sophie@acme.example", "unkept");
    wait_until("the alarm", || daemon.log().contains("could not be kept"));
    // Nor can it be read: the bounce is held for what it returns.
    assert!(send(&daemon, "", &path, &failed("one")).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (1, 1));
}

#[test]
fn on_a_full_disk_mail_goes_on_and_a_bounce_waits() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let before = forward(&daemon, &hop, "sophie@acme.example", "before");
    daemon.fill_disk(true);
    forward(&daemon, &hop, "sophie@acme.example", "full");
    let reply = send(&daemon, "", &before, &failed("one"));
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    assert_eq!(toms(&hop).len(), 0, "what cannot be remembered would be sent with every retry");
    daemon.fill_disk(false);
    assert!(send(&daemon, "", &before, &failed("one")).starts_with("250"));
    assert_eq!((toms(&hop).len(), copies(&daemon).len()), (1, 1), "half a copy is none");
}

#[test]
fn only_what_went_out_is_kept_and_one_file_serves_all_recipients() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    hop.behave(Behaviour { mail: Some("451 4.3.0 not now".into()), ..Behaviour::default() });
    assert!(send(&daemon, "ann@customer.example", "sophie@acme.example", &mail("waits")).starts_with("451"));
    assert_eq!(copies(&daemon), Vec::<PathBuf>::new());
    hop.behave(Behaviour::default());
    assert!(send(&daemon, "", "kim@acme.example", &mail("null")).starts_with("250"));
    assert_eq!(copies(&daemon), Vec::<PathBuf>::new(), "what would bounce to nobody");
    let both = ["sophie@acme.example", "kim@acme.example"];
    let reply = Client::connect(daemon.inbound()).send("ann@customer.example", &both, &mail("two")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let inode = |path: PathBuf| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let files: Vec<u64> = copies(&daemon).into_iter().map(inode).collect();
    assert_eq!((files.len(), files[0]), (2, files[1]), "two names, one file");
}

#[test]
fn a_copy_of_a_rule_that_bounces_is_held_and_moves_nothing() {
    let hop = NextHop::start();
    let rule = "[[rule]]\nname = \"copy\"\nthen = { forward = true, copy_to = \"kim\", subject_prefix = \"[Acme]\" }\n";
    let daemon = Daemon::start_as(&(configuration(hop.address) + rule), support::daemon::binary);
    let path = forward(&daemon, &hop, "sophie@acme.example", "copied");
    let kims = hop.taken().into_iter().find(|taken| taken.to == ["kim@corp.example"]).unwrap();
    assert_ne!(kims.from, path);
    assert!(send(&daemon, "", &kims.from, &failed("copy")).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (2, 1));
    // What rules add is added again.
    assert!(send(&daemon, "", &path, &failed("inbox")).starts_with("250"));
    assert_eq!(field(&toms(&hop)[0].bytes, "Subject").unwrap(), "[Acme] copied");
}

#[test]
fn a_return_path_that_nobody_signed_is_none() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "guess");
    let guessed = format!("{}{}", if &path[20..21] == "a" { "b" } else { "a" }, &path[21..]);
    let reply = send(&daemon, "", &format!("{}{guessed}", &path[..20]), &failed("guess"));
    assert!(reply.starts_with("550 5.1.1"), "{reply}");
    assert_eq!(hop.count(), 1);
}

#[test]
fn explain_tells_where_it_would_go_and_moves_nothing() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "explained");
    let file = daemon.folder.path().join("bounce.eml");
    std::fs::write(&file, failed("explained")).unwrap();
    let explain = |more: &[&str]| {
        let asked = [&["explain", file.to_str().unwrap(), "--to", &path, "--from", "<>"], more].concat();
        String::from_utf8(daemon.command(&asked).stdout).unwrap()
    };
    let json: serde_json::Value = serde_json::from_str(explain(&["--json"]).lines().next().unwrap()).unwrap();
    assert_eq!(json["rescue"]["to"], serde_json::json!(["tom@corp.example"]));
    let text = explain(&[]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("would go to tom@corp.example, once"), "{text}");
    assert_eq!((hop.count(), daemon.held("bounce").len()), (1, 0));
}

#[test]
fn who_stands_in_for_the_fallback_and_has_refused_it_is_passed_over() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let say = |arguments: &[&str]| assert!(daemon.command(arguments).status.success());
    let last = || hop.taken().last().unwrap().to.clone();
    let file = daemon.folder.path().join("mail.eml");
    std::fs::write(&file, mail("asked")).unwrap();
    let explained = || {
        let asked = ["explain", "--json", file.to_str().unwrap(), "--to", "sophie@acme.example"];
        let told = String::from_utf8(daemon.command(&asked).stdout).unwrap();
        let json: serde_json::Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        json["deliveries"][0]["fallback"].clone()
    };

    say(&["away", "tom", "--to", "sophie"]);
    let path = forward(&daemon, &hop, "sophie@acme.example", "circle");
    assert!(send(&daemon, "", &path, &failed("circle")).starts_with("250"));
    assert_eq!((hop.count(), last()), (2, vec!["tom@corp.example".into()]), "his own inbox works");
    assert_eq!(explained(), serde_json::json!(["tom@corp.example"]));
    hop.behave(Behaviour { recipients: vec![("sophie".into(), "550 5.1.1 gone".into())], ..Behaviour::default() });
    assert!(send(&daemon, "ann@customer.example", "sophie@acme.example", &mail("at once")).starts_with("250"));
    assert_eq!((hop.count(), last()), (3, vec!["tom@corp.example".into()]));

    hop.behave(Behaviour::default());
    say(&["back", "tom"]);
    say(&["away", "sophie", "--to", "tom"]);
    let path = forward(&daemon, &hop, "sophie@acme.example", "hers");
    assert_eq!(last(), ["tom@corp.example"]);
    say(&["back", "sophie"]);
    let by_tom = String::from_utf8(failed("hers")).unwrap().replace("sophie.martin@", "tom@");
    assert!(send(&daemon, "", &path, by_tom.as_bytes()).starts_with("250"));
    assert_eq!((hop.count(), last()), (5, vec!["sophie.martin@corp.example".into()]));
    assert_eq!(daemon.held("undelivered").len(), 0);
}

#[test]
fn the_story_tells_who_has_it_now() {
    let hop = NextHop::start();
    let daemon = start(&hop);
    let path = forward(&daemon, &hop, "sophie@acme.example", "told");
    assert!(send(&daemon, "", &path, &failed("told")).starts_with("250"));
    let output = daemon.command(&["threads", "show", "<told@customer.example>"]);
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(story.contains("forward to sophie") && story.contains("forward to tom"), "{story}");
}

/// What went out to customers: the return path, and the Message-ID.
fn automated(daemon: &Daemon, hop: &NextHop, subject: &str, to: &[&str]) -> (String, String) {
    let before = hop.count();
    let message = crlf(&format!(
        "From: Sophie from Acme <sophie@acme.example>\nMessage-ID: <{subject}@app.example>\nSubject: {subject}\n\nWelcome\n"
    ));
    let reply = Client::connect(daemon.outbound()).send("app@acme.example", to, &message).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    (hop.taken()[before].from.clone(), format!("<{subject}@app.example>"))
}

/// What a customer's server says of automated mail, and what it returns of it.
fn from_outside(of: &str, recipient: &str, action: &str, status: &str, returned: &str) -> Vec<u8> {
    let report = String::from_utf8(report(of, action, status)).unwrap().replace("\r\n", "\n");
    let report = report.replace("sophie.martin@corp.example", recipient);
    let returned = format!("\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {returned}\nSubject: x\n\n--b--\n");
    crlf(&report.replace("\n--b--\n", &returned))
}

/// `threads stats --bounced`, as recipients with their status.
fn bounced(daemon: &Daemon) -> Vec<(Option<String>, String)> {
    let output = daemon.command(&["threads", "stats", "--bounced", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((told["persona"].as_str(), told["hard"].as_bool()), (Some("sophie"), Some(true)));
        (told["recipient"].as_str().map(str::to_owned), told["status"].as_str().unwrap().to_owned())
    };
    lines.lines().map(line).collect()
}

#[test]
fn a_thread_whose_mail_bounces_is_marked() {
    let hop = NextHop::start();
    let stamped = configuration(hop.address) + "[stamp]\nreturn_path = true\n";
    let mut daemon = Daemon::start_as(&stamped, support::daemon::binary);
    let (path, _) = automated(&daemon, &hop, "token", &["ann@customer.example"]);
    assert!(path.starts_with("bounce+"), "{path}");
    let (bens, quoted) = automated(&daemon, &hop, "quoted", &["ben@customer.example", "eve@customer.example"]);
    let ben = |of, action, status| from_outside(of, "ben@customer.example", action, status, &quoted);

    assert!(send(&daemon, "", &bens, &ben("late", "delayed", "4.4.1")).starts_with("250"));
    assert_eq!(bounced(&daemon), [], "somebody goes on trying");
    assert!(send(&daemon, "", &bens, &ben("failed", "failed", "5.2.1")).starts_with("250"));
    // Eve knows the id too: she takes no mark away, and makes one of nobody.
    assert!(send(&daemon, "", "sophie@acme.example", &ben("well", "delivered", "2.0.0")).starts_with("250"));
    assert!(send(&daemon, "", "sophie@acme.example", &ben("eves", "failed", "5.3.0")).starts_with("250"));
    // Her server had sent it on to another address of hers.
    let gone = from_outside("gone", "ann@elsewhere.example", "failed", "5.1.1", "<unknown@elsewhere.example>");
    assert!(send(&daemon, "", &path, &gone).starts_with("250"));
    let of_strangers = from_outside("guess", "eve@customer.example", "failed", "5.1.1", "<guessed@app.example>");
    assert!(send(&daemon, "", "sophie@acme.example", &of_strangers).starts_with("250"));
    let mut marked = bounced(&daemon);
    marked.sort();
    let named = |name: &str, status: &str| (Some(name.to_owned()), status.to_owned());
    let unnamed = (None, "5.3.0".to_owned());
    let expect = [unnamed, named("ann@customer.example", "5.1.1"), named("ben@customer.example", "5.2.1")];
    assert_eq!(marked, expect);
    assert_eq!(hop.count(), 2, "nothing was sent again");

    let run = |daemon: &Daemon, arguments: &[&str]| {
        let output = daemon.command(&[&["threads"], arguments].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&daemon, &["show", "ben@customer.example"]).contains("ben@customer.example, 5.2.1, "));
    let counted: serde_json::Value = serde_json::from_str(&run(&daemon, &["stats", "--json"])).unwrap();
    assert_eq!(counted["bounced"], 2);
    // He answers all the same: the mark stays.
    let answer =
        crlf(&format!("From: ben@customer.example\nIn-Reply-To: {quoted}\nMessage-ID: <re@customer.example>\n\nHi\n"));
    assert!(send(&daemon, "ben@customer.example", "sophie@acme.example", &answer).starts_with("250"));
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(bounced(&daemon).len(), 3, "by visiting the memory");
    assert!(run(&daemon, &["forget", "ben@customer.example"]).contains("forgotten"));
    assert!(bounced(&daemon).contains(&(None, "5.2.1".into())), "the mark stays, the name goes");
}
