//! Copies of mail that other systems sent: learned, never relayed, never held.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use serde_json::Value;
use support::{Client, Daemon, NextHop, crlf, field, wait_until};

const LISTEN: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"copies\"\n";

/// A mail from the shared address, which only its thread tells whose it is.
fn mail(name: &str, id: &str, fields: &str) -> String {
    format!(
        "From: {name} <hello@acme.example>\nTo: Ann <ann@customer.example>\nMessage-ID: <{id}@crm.example>\n{fields}Subject: hi\n\nHello\n"
    )
}

/// What the archive gets of it.
fn copied(mail: &str) -> Vec<u8> {
    let (head, body) = mail.split_once("\n\n").unwrap();
    crlf(&format!(
        "Received: by mail.acme.example (Postfix, from userid 0)\n\tid 1; Sun, 22 Nov 2026 09:00:00 +0000\n{head}\nBcc: archive@acme.example\n\n{body}"
    ))
}

fn copy(daemon: &Daemon, message: &[u8]) -> String {
    Client::connect(daemon.listener("copies")).send("crm@acme.example", &["archive@anywhere.example"], message).unwrap()
}

/// Ann answers at the shared address; who gets it, or `held`.
fn answered(daemon: &Daemon, hop: &NextHop, id: &str) -> String {
    let (before, held) = (hop.count(), daemon.held("unmatched").len());
    let reply = crlf(&format!(
        "From: ann@customer.example\nMessage-ID: <re.{before}.{held}@customer.example>\nIn-Reply-To: <{id}@crm.example>\n\nhi\n"
    ));
    let send =
        || Client::connect(daemon.inbound()).send("ann@customer.example", &["hello@acme.example"], &reply).unwrap();
    let mut said = send();
    // A daemon that has just begun reads its journal first.
    wait_until("the index answers", || {
        let is_away = said.starts_with("451 4.3.0 the thread index");
        if is_away {
            said = send();
        }
        !is_away
    });
    assert!(said.starts_with("250"), "{said}");
    match hop.taken().split_off(before).as_slice() {
        [] if daemon.held("unmatched").len() == held + 1 => "held".into(),
        [taken] => taken.to.join(","),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_answer_to_a_mail_that_another_system_sent_reaches_its_person() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start_with(hop.address, LISTEN);
    assert_eq!(answered(&daemon, &hop, "one"), "held");
    let one = copied(&mail("Tom from Acme", "one", ""));
    for _ in 0..2 {
        assert!(copy(&daemon, &one).starts_with("250 2.0.0"), "learning twice changes nothing");
        assert_eq!(answered(&daemon, &hop, "one"), "tom@corp.example");
    }

    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    daemon.restart();
    wait_until("the index answers", || copy(&daemon, &one).starts_with("250"));
    assert_eq!(answered(&daemon, &hop, "one"), "tom@corp.example");
    assert_eq!(hop.taken().iter().filter(|taken| taken.to == ["archive@anywhere.example"]).count(), 0);
}

#[test]
fn a_copy_of_what_went_through_outbound_makes_nothing_ambiguous() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, LISTEN);
    let text = mail("Sophie from Acme", "both", "");
    let send =
        |bytes: &[u8]| Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], bytes);
    assert!(copy(&daemon, &copied(&text)).starts_with("250"));
    assert!(send(&crlf(&text)).unwrap().starts_with("250"));
    let stamped = hop.only().bytes;
    let seed = field(&stamped, "References").unwrap();
    // The next server signs it, and sends its copy too.
    let signed = String::from_utf8(stamped).unwrap().replace("From: ", "DKIM-Signature: v=1; h=from; b=x\r\nFrom: ");
    assert!(copy(&daemon, signed.as_bytes()).starts_with("250"));
    assert_eq!(answered(&daemon, &hop, "both"), "sophie.martin@corp.example");
    assert!(daemon.log().contains("its id is in its thread already"), "{}", daemon.log());

    // Sophie answers from her own mailbox: the seed tells the thread.
    let own = format!(
        "From: sophie.martin@corp.example\nTo: ann@customer.example\nMessage-ID: <own@crm.example>\nReferences: {seed}\n\nDear Ann\n"
    );
    assert!(copy(&daemon, &copied(&own)).starts_with("250"));
    assert_eq!(answered(&daemon, &hop, "own"), "sophie.martin@corp.example");
}

#[test]
fn what_teaches_nothing_is_taken_and_said() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, LISTEN);
    for (text, why) in [
        ("From: ann@customer.example\n\nhi\n", "names no person and no persona"),
        ("From: sophie@acme.example\nFrom: tom@acme.example\n\nhi\n", "does not name exactly one author"),
        ("From: Sophie from Acme <hello@acme.example>\n\nhi\n", "has no Message-ID"),
        ("From: sophie.martin@corp.example\nMessage-ID: <a@b>\n\nhi\n", "no id in it names the thread"),
        ("no mail at all\n", "names no person and no persona"),
    ] {
        assert!(copy(&daemon, &crlf(text)).starts_with("250"), "{text}");
        wait_until(why, || daemon.log().contains(why));
    }
    assert_eq!(hop.count(), 0);
    assert!(!daemon.state().join("held").exists(), "nothing is held");
}

#[test]
fn lmtp_has_a_reply_for_each_recipient() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, &format!("{LISTEN}protocol = \"lmtp\"\n"));
    let mut client = Client::connect_lmtp(daemon.listener("copies"));
    assert_eq!(client.begin("", &["a@anywhere.example", "b@anywhere.example"]).unwrap(), None);
    let first = client.finish(&copied(&mail("Tom from Acme", "lmtp", ""))).unwrap();
    let second = client.reply().unwrap();
    assert!(first.starts_with("250") && second.starts_with("250"), "{first} {second}");
    assert_eq!(answered(&daemon, &hop, "lmtp"), "tom@corp.example");
}

#[test]
fn a_copy_that_cannot_be_written_waits_with_the_peer() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, LISTEN);
    assert!(copy(&daemon, &copied(&mail("Tom from Acme", "first", ""))).starts_with("250"));
    daemon.fill_disk(true);
    let second = copied(&mail("Tom from Acme", "second", ""));
    let reply = copy(&daemon, &second);
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    daemon.fill_disk(false);
    wait_until("there is room again", || copy(&daemon, &second).starts_with("250"));
    assert_eq!(answered(&daemon, &hop, "second"), "tom@corp.example");
}

#[test]
fn a_copy_that_could_be_read_in_two_ways_is_taken_and_teaches_nothing() {
    let hop = NextHop::start();
    let lmtp = LISTEN.replace("copies\"\n", "copies\"\nprotocol = \"lmtp\"\n");
    let limits = "[limits]\nheader_section = \"1 KiB\"\nmessage_size = \"64 KiB\"\nerrors = 2\n";
    let daemon = Daemon::start_with(hop.address, &format!("{lmtp}{limits}"));
    let mut client = Client::connect_lmtp(daemon.listener("copies"));
    let mail = mail("Tom from Acme", "odd", "");
    for (odd, why) in [
        (mail.replace("Hello", "Hel\rlo"), "a bare CR or LF"),
        (mail.replace("Subject: hi", &format!("Subject: {}", "x".repeat(1025))), "too long"),
        (mail.replace("Hello", &"x\n".repeat(40_000)), "too large"),
    ] {
        let replies = client.send_lmtp("", &["a@anywhere.example", "b@anywhere.example"], &crlf(&odd)).unwrap();
        assert!(replies.iter().all(|reply| reply.starts_with("250")), "{why}: {replies:?}");
        wait_until(why, || daemon.log().contains(why) && daemon.log().contains("not-learned"));
    }
    // In chunks too: the archive's peer would bounce what it hears refused.
    assert!(client.say("MAIL FROM:<>").unwrap().starts_with("250"));
    assert!(client.say("RCPT TO:<a@anywhere.example>").unwrap().starts_with("250"));
    for chunk in ["BDAT 2\r\n\n\n", "BDAT 1 LAST\r\nx"] {
        client.raw(chunk.as_bytes()).unwrap();
        let reply = client.reply().unwrap();
        assert!(reply.starts_with("250"), "{chunk:?}: {reply}");
    }
    assert_eq!((answered(&daemon, &hop, "odd").as_str(), hop.count()), ("held", 0));
    // Everywhere else it is refused.
    let odd = crlf(&mail.replace("Hello", "Hel\rlo"));
    let reply = Client::connect(daemon.inbound()).send("", &["sophie@acme.example"], &odd).unwrap();
    assert!(reply.starts_with("550 5.5.2"), "{reply}");
}

#[test]
fn a_strangers_mail_that_was_copied_too_teaches_nothing() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, &format!("{LISTEN}[inbound]\nauthserv_id = \"mail.acme.example.\"\n"));
    let results = "Authentication-Results: mail.acme.example; dmarc=fail header.from=acme.example\n";
    let forged = crlf(&format!("{results}{}", mail("Tom from Acme", "forged", "")));
    assert!(copy(&daemon, &forged).starts_with("250"));
    wait_until("it is said", || daemon.log().contains("its author is not proved"));
    assert_eq!(answered(&daemon, &hop, "forged"), "held");
    assert!(copy(&daemon, &copied(&mail("Tom from Acme", "own", ""))).starts_with("250"));
    assert_eq!(answered(&daemon, &hop, "own"), "tom@corp.example");
}

#[test]
fn explain_tells_what_a_copy_teaches() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, LISTEN);
    let file = daemon.folder.path().join("mail.eml").display().to_string();
    let explained = |text: &str| -> Value {
        std::fs::write(&file, text).unwrap();
        let output = daemon.command(&["explain", "--json", "--role", "copies", &file]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let line = explained(&mail("Tom from Acme", "x", ""));
    assert_eq!((&line["role"], &line["recipient"], &line["fate"]), (&"copies".into(), &Value::Null, &Value::Null));
    assert_eq!((&line["learns"]["persona"], &line["reply"]["code"]), (&"tom".into(), &250.into()));
    assert_eq!(line["learns"]["correspondents"][0], "ann@customer.example");
    let line = explained("From: ann@customer.example\n\nhi\n");
    assert!(line["not_learned"].as_str().unwrap().contains("no person and no persona"), "{line}");
    let text = daemon.command(&["explain", "--role", "copies", &file]).stdout;
    assert!(String::from_utf8(text).unwrap().contains("not learned"));
}
