//! One of ours writes: her colleagues get it, and the answer to it is known. An internal domain of the mail
//! server stands for the real one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use serde_json::Value;
use support::{Behaviour, Client, Daemon, NextHop, crlf, field, wait_until};

const MORE: &str = r#"
[people.ute]
inbox = "ute@corp.example"
[personas.team]
address = "team@acme.example"
answered_by = ["sophie", "tom", "ute"]
[inbound]
authserv_id = "mx.acme.example"
aliases = { "sincerely.internal" = "acme.example" }
"#;

/// Sophie's direct answer to Ann, as the company's own server hands it in.
fn answer(id: &str, proof: &str) -> Vec<u8> {
    crlf(&format!(
        "{proof}Received: from client.corp.example by mx.acme.example (Postfix); Sun, 22 Nov 2026 09:00:00 +0000\n\
         From: Sophie Martin <sophie.martin@corp.example>\nTo: Ann <ann@customer.example>\n\
         Message-ID: <{id}@corp.example>\nSubject: Re: hi\n\nDear Ann\n"
    ))
}

const PROOF: &str = "Authentication-Results: mx.acme.example;\n\tdmarc=pass (p=reject) header.from=corp.example\n";

fn from_ann(id: &str, fields: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <ann@customer.example>\nMessage-ID: <{id}@customer.example>\n{fields}\n\nThanks\n"))
}

fn send(daemon: &Daemon, from: &str, to: &str, message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send(from, &[to], message).unwrap()
}

/// Everyone who was sent a message since the last call.
fn reached(hop: &NextHop, seen: &mut usize) -> Vec<String> {
    let taken = hop.taken().split_off(*seen);
    *seen += taken.len();
    taken.into_iter().flat_map(|taken| taken.to).collect()
}

#[test]
fn a_customers_answer_to_sophies_direct_mail_at_the_shared_address_reaches_sophie() {
    let (hop, mut seen) = (NextHop::start(), 0);
    let mut daemon = Daemon::start_with(hop.address, MORE);
    let sophie = "sophie.martin@corp.example";
    assert!(send(&daemon, sophie, "sophie@acme.example", &answer("direct", PROOF)).starts_with("250"));
    assert_eq!(reached(&hop, &mut seen), [sophie], "there is nobody else");
    assert!(send(&daemon, sophie, "sophie@acme.example", &answer("direct", PROOF)).starts_with("250"), "a retry");
    assert_eq!(reached(&hop, &mut seen), [""; 0]);

    // What got its 250 is known ever after.
    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    daemon.restart();
    let thanks = from_ann("thanks", "In-Reply-To: <direct@corp.example>");
    wait_until("the index answers", || {
        let reply = send(&daemon, "ann@customer.example", "hello@acme.example", &thanks);
        assert!(reply.starts_with("250") || reply.starts_with("451"), "{reply}");
        reply.starts_with("250")
    });
    assert_eq!(reached(&hop, &mut seen), [sophie]);
    let field = field(&hop.taken()[seen - 1].bytes, "X-Sincerely").unwrap();
    assert!(field.contains("evidence=message-id"), "{field}");

    // Unproved, nothing is learned, and she is no correspondent either.
    assert!(send(&daemon, sophie, "sophie@acme.example", &answer("unproved", "")).starts_with("250"));
    assert_eq!(reached(&hop, &mut seen), [sophie]);
    // Ann is known by now, whatever she refers to; somebody else is not.
    let lost = crlf("From: Bea <bea@elsewhere.example>\nIn-Reply-To: <unproved@corp.example>\n\nThanks\n");
    assert!(send(&daemon, "bea@elsewhere.example", "hello@acme.example", &lost).starts_with("250"));
    assert_eq!((reached(&hop, &mut seen), daemon.held("unmatched").len()), (vec![], 1));
}

#[test]
fn the_others_of_a_pool_get_it_and_one_who_is_missing_gets_it_later() {
    let (hop, mut seen) = (NextHop::start(), 0);
    let daemon = Daemon::start_with(hop.address, MORE);
    hop.behave(Behaviour { recipients: vec![("ute@".into(), "450 4.2.0 later".into())], ..Behaviour::default() });
    let sophie = "sophie.martin@corp.example";
    let send_it = || send(&daemon, sophie, "team@acme.example", &answer("pool", PROOF));
    assert!(send_it().starts_with("451"));
    assert_eq!(reached(&hop, &mut seen), ["tom@corp.example"]);
    hop.behave(Behaviour::default());
    assert!(send_it().starts_with("250"));
    assert_eq!(reached(&hop, &mut seen), ["ute@corp.example"]);
}

/// An answer of Ann's, to whoever of the team answers her; who got it.
fn answered(daemon: &Daemon, hop: &NextHop, seen: &mut usize, to: &str, id: &str) -> Vec<String> {
    let answer = from_ann(&format!("to.{id}"), &format!("In-Reply-To: <{id}@corp.example>"));
    assert!(send(daemon, "ann@customer.example", to, &answer).starts_with("250"));
    reached(hop, seen)
}

#[test]
fn the_customers_answer_comes_back_to_whoever_of_the_pool_wrote() {
    let (hop, mut seen) = (NextHop::start(), 0);
    let daemon =
        Daemon::start_with(hop.address, &format!("{MORE}\n[[listen]]\naddress = \"127.0.0.1:0\"\nrole = \"copies\"\n"));
    for (person, inbox) in
        [("sophie", "sophie.martin@corp.example"), ("tom", "tom@corp.example"), ("ute", "ute@corp.example")]
    {
        let own = |id: &str| {
            String::from_utf8(answer(id, PROOF))
                .unwrap()
                .replace("sophie.martin@", &format!("{}@", &inbox[..inbox.len() - 13]))
        };
        assert!(send(&daemon, inbox, "team@acme.example", own(person).as_bytes()).starts_with("250"));
        assert_eq!(reached(&hop, &mut seen).len(), 2, "the others");
        assert_eq!(answered(&daemon, &hop, &mut seen, "team@acme.example", person), [inbox]);

        // Written as the persona, with the login's word; and the copy of it, which was signed, at the same time.
        let login = format!("Authentication-Results: mx.acme.example; auth=pass smtp.auth={inbox}\n");
        let id = format!("{person}.as.team");
        let as_team = own(&id).replace(inbox, "team@acme.example");
        let proved = as_team.replacen(PROOF.replace('\n', "\r\n").as_str(), &login.replace('\n', "\r\n"), 1);
        let signed = as_team.replacen(PROOF.replace('\n', "\r\n").as_str(), "DKIM-Signature: v=1; b=x\r\n", 1);
        let copies = daemon.listener("copies");
        let copy = std::thread::spawn(move || {
            Client::connect(copies).send("", &["a@archive.example"], signed.as_bytes()).unwrap()
        });
        assert!(send(&daemon, inbox, "team@acme.example", proved.as_bytes()).starts_with("250"));
        assert!(copy.join().unwrap().starts_with("250"));
        assert_eq!(reached(&hop, &mut seen).len(), 2, "the others");
        assert_eq!(answered(&daemon, &hop, &mut seen, "hello@acme.example", &id), [inbox]);
    }
}

#[test]
fn what_cannot_be_learned_is_not_sent() {
    let (hop, mut seen) = (NextHop::start(), 0);
    let daemon = Daemon::start_with(hop.address, MORE);
    let sophie = "sophie.martin@corp.example";
    // Something lies in the journal, so that it is not begun anew.
    assert!(send(&daemon, sophie, "team@acme.example", &answer("first", PROOF)).starts_with("250"));
    assert_eq!(reached(&hop, &mut seen).len(), 2);
    daemon.fill_disk(true);
    let reply = send(&daemon, sophie, "team@acme.example", &answer("second", PROOF));
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    assert_eq!(reached(&hop, &mut seen), [""; 0]);
    daemon.fill_disk(false);
    wait_until("there is room again", || {
        send(&daemon, sophie, "team@acme.example", &answer("second", PROOF)).starts_with("250")
    });
    assert_eq!(reached(&hop, &mut seen).len(), 2);
}

#[test]
fn the_answer_to_what_a_rule_holds_is_known_too() {
    let hop = NextHop::start();
    let rule = "[[rule]]\nname = \"waits\"\nwhen = { subject = \"Re: hi\" }\nthen = \"hold\"\n";
    let daemon = Daemon::start_with(hop.address, &format!("{MORE}{rule}"));
    let sophie = "sophie.martin@corp.example";
    assert!(send(&daemon, sophie, "sophie@acme.example", &answer("held", PROOF)).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("rule").len()), (0, 1));
    let thanks = from_ann("thanks", "In-Reply-To: <held@corp.example>");
    assert!(send(&daemon, "ann@customer.example", "hello@acme.example", &thanks).starts_with("250"));
    assert_eq!(hop.only().to, [sophie]);
}

#[test]
fn an_internal_address_is_the_real_one_from_rcpt_on() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, MORE);
    let mut client = Client::connect(daemon.inbound());
    client.say("MAIL FROM:<ann@customer.example>").unwrap();
    for nobody in ["nobody@sincerely.internal", "nobody@acme.example"] {
        assert!(client.say(&format!("RCPT TO:<{nobody}>")).unwrap().starts_with("550 5.1.1"), "{nobody}");
    }
    client.say("RSET").unwrap();
    let mail = from_ann("internal", "Subject: hi");
    let reply = client.send("ann@customer.example", &["Sophie+x@Sincerely.INTERNAL"], &mail).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    assert!(field(&hop.only().bytes, "Received").unwrap().contains("for <Sophie+x@acme.example>"));
    wait_until("it is in the log", || daemon.log().contains("to=Sophie+x@acme.example"));
    // The same mail by the real address is a retry.
    assert!(client.send("ann@customer.example", &["Sophie+x@acme.example"], &mail).unwrap().starts_with("250"));
    assert_eq!(hop.count(), 1);
}

#[test]
fn explain_tells_who_is_an_insider_and_whether_it_is_proved() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, MORE);
    let file = daemon.folder.path().join("mail.eml").display().to_string();
    for (proof, proved) in [(PROOF, true), ("", false)] {
        std::fs::write(&file, answer("explained", proof)).unwrap();
        let output = daemon.command(&["explain", "--json", "--to", "sophie@sincerely.internal", &file]);
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&line["insider"]["people"][0], &line["insider"]["proved"]), (&"sophie".into(), &proved.into()));
        assert_eq!(line["recipient"], "sophie@acme.example");
        assert_eq!(line["learns"]["message_id"].is_string(), proved, "{line}");
        let text = daemon.command(&["explain", "--to", "team@acme.example", &file]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains(if proved { "sophie, proved" } else { "sophie, not proved" }), "{text}");
        assert_eq!(text.contains("these are the colleagues"), proved, "{text}");
        let alone = daemon.command(&["explain", "--to", "sophie@acme.example", &file]);
        let alone = String::from_utf8(alone.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!alone.contains("colleagues"), "{alone}");
        assert_eq!(alone.contains("nobody else answers for the persona"), proved, "{alone}");
    }
}
