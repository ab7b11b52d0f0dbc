//! A next hop that is down, refuses for now, refuses for good, or hangs: the replies of the settle
//! table; nothing lost, nothing twice, but where the next hop's 250 was lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use support::{Behaviour, Client, Daemon, NextHop, crlf, field, wait_until};

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

fn to_sophie(daemon: &Daemon, message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send("ann@customer.example", &["sophie@acme.example"], message).unwrap()
}

fn to_ann(daemon: &Daemon, message: &[u8]) -> String {
    Client::connect(daemon.outbound()).send("app@acme.example", &["ann@customer.example"], message).unwrap()
}

/// An address of this machine where nobody listens.
fn nobody() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_next_hop_that_is_down_means_try_again() {
    let daemon = Daemon::start(nobody());
    let reply = to_sophie(&daemon, &mail("one"));
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
    let reply = to_ann(&daemon, &automated("two"));
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
    assert!(daemon.held("undelivered").is_empty());
}

#[test]
fn an_inbox_that_refuses_for_now_is_retried_and_gets_one_copy() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    for refusal in [
        Behaviour { recipients: vec![("sophie.martin".into(), "450 4.2.0 greylisted".into())], ..Behaviour::default() },
        Behaviour { dot: Some("452 4.3.1 no space".into()), ..Behaviour::default() },
        Behaviour { mail: Some("451 4.3.0 busy".into()), ..Behaviour::default() },
        Behaviour { mail: Some("550 5.7.1 go away".into()), ..Behaviour::default() },
    ] {
        hop.behave(refusal.clone());
        let reply = to_sophie(&daemon, &mail("later"));
        assert!(reply.starts_with("451 4.4.1"), "{refusal:?}: {reply}");
        assert!(!reply.contains("greylisted") && !reply.contains("corp.example"), "not the next hop's words: {reply}");
    }
    assert_eq!(hop.count(), 0);
    hop.behave(Behaviour::default());
    assert!(to_sophie(&daemon, &mail("later")).starts_with("250 2.0.0"));
    assert_eq!(hop.only().to, ["sophie.martin@corp.example"]);
}

#[test]
fn an_inbox_that_refuses_for_good_leads_to_the_fallback_and_then_to_held() {
    let hop = NextHop::start();
    let full = ("sophie.martin".to_owned(), "552 5.2.2 sophie.martin@corp.example is over quota".to_owned());
    let daemon = Daemon::start_with(
        hop.address,
        "[personas.sophie2]\naddress = \"Sophie II <sophie2@acme.example>\"\nanswered_by = \"sophie\"\nfallback = \"tom\"\n",
    );
    hop.behave(Behaviour { recipients: vec![full.clone()], ..Behaviour::default() });

    let mut client = Client::connect(daemon.inbound());
    let reply = client.send("ann@customer.example", &["sophie2@acme.example"], &mail("fallback")).unwrap();
    assert!(reply.starts_with("250 2.0.0") && !reply.contains("quota"), "{reply}");
    assert_eq!(hop.only().to, ["tom@corp.example"]);

    let reply = to_sophie(&daemon, &mail("no-fallback"));
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    let held = daemon.held("undelivered");
    assert_eq!(held.len(), 1);
    assert!(held[0].ends_with(&mail("no-fallback")));
    assert!(field(&held[0], "X-Sincerely-Held").unwrap().contains("over quota"), "an operator sees why");

    // A retry after our 250 was lost is held no second time.
    assert!(to_sophie(&daemon, &mail("no-fallback")).starts_with("250"));
    assert_eq!((daemon.held("undelivered").len(), hop.count()), (1, 1));
}

#[test]
fn a_next_hop_that_hangs_after_the_dot_is_in_doubt() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    for doubtful in [
        Behaviour { silent_after_dot: true, ..Behaviour::default() },
        Behaviour { hangs_after_dot: true, ..Behaviour::default() },
    ] {
        let before = hop.count();
        hop.behave(doubtful);
        let reply = to_sophie(&daemon, &mail("doubt"));
        assert!(reply.starts_with("451 4.4.2"), "{reply}");
        assert_eq!(hop.count(), before + 1, "taken, but its 250 was lost");
        let reply = to_ann(&daemon, &automated("doubt"));
        assert!(reply.starts_with("451 4.4.2"), "{reply}");
    }
    // The one case where a copy may follow.
    hop.behave(Behaviour::default());
    let before = hop.count();
    assert!(to_sophie(&daemon, &mail("doubt")).starts_with("250"));
    assert_eq!(hop.count(), before + 1);
}

#[test]
fn a_retry_completes_only_what_is_missing_also_after_a_power_cut_of_the_process() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let both = ["sophie@acme.example", "tom@acme.example"];
    hop.behave(Behaviour { recipients: vec![("tom@".into(), "450 4.2.0 later".into())], ..Behaviour::default() });
    let send =
        |daemon: &Daemon| Client::connect(daemon.inbound()).send("ann@customer.example", &both, &mail("both")).unwrap();
    assert!(send(&daemon).starts_with("451"));
    assert_eq!(hop.only().to, ["sophie.martin@corp.example"]);

    daemon.kill();
    daemon.restart();
    hop.behave(Behaviour::default());
    assert!(send(&daemon).starts_with("250"));
    let to: Vec<_> = hop.taken().into_iter().flat_map(|taken| taken.to).collect();
    assert_eq!(to, ["sophie.martin@corp.example", "tom@corp.example"]);

    assert!(send(&daemon).starts_with("250"), "a retry after our 250 was lost");
    assert_eq!(hop.count(), 2);
}

#[test]
fn the_same_mail_through_two_aliases_reaches_an_inbox_once() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(
        hop.address,
        "[personas.s2]\naddress = \"S2 <s2@acme.example>\"\nanswered_by = \"sophie\"\n",
    );
    let mut client = Client::connect(daemon.inbound());
    let by = |way: &str| [crlf(&format!("Received: by {way}.example\n")), mail("twice")].concat();
    assert!(client.send("ann@customer.example", &["sophie@acme.example"], &by("one")).unwrap().starts_with("250"));
    assert!(client.send("ann@customer.example", &["s2@acme.example"], &by("two")).unwrap().starts_with("250"));
    assert_eq!(hop.only().to, ["sophie.martin@corp.example"]);
    let other = [by("three"), b"PS: other bytes\r\n".to_vec()].concat();
    assert!(client.send("ann@customer.example", &["sophie@acme.example"], &other).unwrap().starts_with("250"));
    assert_eq!(hop.count(), 2, "a resend with other bytes passes");
}

/// Kim reads mail in two inboxes; Sophie stands in for her, and she for Lou.
const KIM: &str = "[people.kim]\ninbox = [\"kim1@corp.example\", \"kim2@corp.example\"]\n\
    [people.lou]\ninbox = \"lou@corp.example\"\n\
    [personas.kim]\naddress = \"Kim <kim@acme.example>\"\nanswered_by = \"kim\"\nfallback = \"sophie\"\n\
    [personas.lou]\naddress = \"Lou <lou@acme.example>\"\nanswered_by = \"lou\"\nfallback = \"kim\"\n";

/// A next hop where these inboxes are full.
fn full(inboxes: &[&str]) -> Behaviour {
    let refusal = |inbox: &&str| ((*inbox).to_owned(), "552 5.2.2 over quota".to_owned());
    Behaviour { recipients: inboxes.iter().map(refusal).collect(), ..Behaviour::default() }
}

/// Everyone who was sent a message, in order.
fn reached(hop: &NextHop) -> Vec<String> {
    hop.taken().into_iter().flat_map(|taken| taken.to).collect()
}

fn send(daemon: &Daemon, to: &[&str], message: &[u8]) -> String {
    Client::connect(daemon.inbound()).send("ann@customer.example", to, message).unwrap()
}

#[test]
fn the_fallback_of_two_full_inboxes_and_of_a_second_recipient_gets_one_copy() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, KIM);
    hop.behave(full(&["kim1@", "kim2@"]));
    let both = ["sophie@acme.example", "kim@acme.example"];
    assert!(send(&daemon, &both[1..], &mail("one")).starts_with("250"));
    assert_eq!(reached(&hop), ["sophie.martin@corp.example"]);
    assert!(send(&daemon, &both, &mail("two")).starts_with("250"));
    assert_eq!(reached(&hop), ["sophie.martin@corp.example"; 2], "the second mail once, too");

    hop.behave(Behaviour::default());
    assert!(send(&daemon, &both, &mail("two")).starts_with("250"), "a retry after our 250 was lost");
    assert_eq!(hop.count(), 2, "leaves the inboxes alone that refused");
    assert!(daemon.held("undelivered").is_empty());
}

#[test]
fn all_inboxes_of_the_fallback_get_the_message() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, KIM);
    let lou = ["lou@acme.example"];
    hop.behave(full(&["lou@"]));
    assert!(send(&daemon, &lou, &mail("both")).starts_with("250"));
    assert_eq!(reached(&hop), ["kim1@corp.example", "kim2@corp.example"]);

    hop.behave(full(&["lou@", "kim1@"]));
    assert!(send(&daemon, &lou, &mail("one")).starts_with("250"));
    assert_eq!(reached(&hop)[2..], ["kim2@corp.example"], "one who takes it is enough");

    hop.behave(Behaviour {
        recipients: [full(&["lou@"]).recipients, vec![("kim2@".into(), "450 4.2.0 later".into())]].concat(),
        ..Behaviour::default()
    });
    assert!(send(&daemon, &lou, &mail("later")).starts_with("451"));
    hop.behave(full(&["lou@"]));
    assert!(send(&daemon, &lou, &mail("later")).starts_with("250"));
    assert_eq!(reached(&hop)[3..], ["kim1@corp.example", "kim2@corp.example"], "a retry sends what is missing");
    assert!(daemon.held("undelivered").is_empty());

    hop.behave(full(&["lou@", "kim1@", "kim2@"]));
    assert!(send(&daemon, &lou, &mail("none")).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (5, 1));
}

#[test]
fn what_is_held_for_one_persona_still_reaches_the_fallback_of_another() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(
        hop.address,
        "[personas.s2]\naddress = \"S2 <s2@acme.example>\"\nanswered_by = \"sophie\"\nfallback = \"tom\"\n",
    );
    hop.behave(full(&["sophie.martin@"]));
    assert!(to_sophie(&daemon, &mail("alias")).starts_with("250"));
    assert!(send(&daemon, &["s2@acme.example"], &mail("alias")).starts_with("250"));
    assert_eq!((reached(&hop), daemon.held("undelivered").len()), (vec!["tom@corp.example".to_owned()], 1));

    hop.behave(Behaviour::default());
    assert!(to_sophie(&daemon, &mail("alias")).starts_with("250"), "a retry after our 250 was lost");
    assert_eq!(hop.count(), 1, "what is held is not sent as well");
}

#[test]
fn two_people_who_are_each_others_fallback_do_not_wait_for_each_other() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(
        hop.address,
        "[people.a]\ninbox = \"a@corp.example\"\n[people.b]\ninbox = \"b@corp.example\"\n\
         [personas.a]\naddress = \"A <a@acme.example>\"\nanswered_by = \"a\"\nfallback = \"b\"\n\
         [personas.b]\naddress = \"B <b@acme.example>\"\nanswered_by = \"b\"\nfallback = \"a\"\n",
    );
    hop.behave(full(&["a@corp", "b@corp"]));
    std::thread::scope(|scope| {
        for to in ["a@acme.example", "b@acme.example"].repeat(4) {
            let daemon = &daemon;
            scope.spawn(move || assert!(send(daemon, &[to], &mail("mutual")).starts_with("250")));
        }
    });
    assert_eq!(hop.count(), 0);
    assert_eq!(daemon.held("undelivered").len(), 2, "one copy for each persona");
}

#[test]
fn a_message_that_has_been_at_the_fallback_is_not_sent_there_again() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, KIM);
    assert!(to_sophie(&daemon, &mail("round")).starts_with("250"));
    let back = [hop.only().bytes, b"forwarded\r\n".to_vec()].concat();
    hop.behave(full(&["kim1@", "kim2@"]));
    assert!(send(&daemon, &["kim@acme.example"], &back).starts_with("250"));
    assert_eq!((hop.count(), daemon.held("undelivered").len()), (1, 1));
}

#[test]
fn one_answer_to_many_subaddresses_is_held_once_for_each_persona() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let away = [b"Auto-Submitted: auto-replied\r\n".to_vec(), mail("away")].concat();
    let many: Vec<String> = (0..20).map(|n| format!("sophie+{n}@acme.example")).collect();
    let mut to: Vec<&str> = many.iter().map(String::as_str).collect();
    to.push("tom@acme.example");
    assert!(send(&daemon, &to, &away).starts_with("250"));
    let held = daemon.held("auto-reply");
    let mut recipients: Vec<_> = held.iter().filter_map(|message| field(message, "Delivered-To")).collect();
    recipients.sort();
    assert_eq!(recipients, ["sophie+0@acme.example", "tom@acme.example"]);

    assert!(send(&daemon, &to, &away).starts_with("250"), "a retry");
    let by_another_way = [crlf("Received: by two.example\n"), away].concat();
    assert!(send(&daemon, &["sophie+x@acme.example"], &by_another_way).starts_with("250"));
    assert_eq!(daemon.held("auto-reply").len(), 2);
}

#[test]
fn an_international_recipient_is_named_only_where_smtputf8_carries_it() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(
        hop.address,
        "[people.joerg]\ninbox = \"jörg@corp.example\"\n\
         [personas.jo]\naddress = \"Jo <jö@acme.example>\"\nanswered_by = \"tom\"\n\
         [personas.joerg]\naddress = \"Jörg <jörg@acme.example>\"\nanswered_by = \"joerg\"\n",
    );
    for (recipient, is_named) in [("jö@acme.example", false), ("jörg@acme.example", true)] {
        let mut client = Client::connect(daemon.inbound());
        client.say("MAIL FROM:<ann@customer.example> SMTPUTF8").unwrap();
        assert!(client.say(&format!("RCPT TO:<{recipient}>")).unwrap().starts_with("250"));
        client.say("DATA").unwrap();
        assert!(client.finish(&mail("utf8")).unwrap().starts_with("250"));
        let taken = hop.taken().pop().unwrap();
        let received = field(&taken.bytes, "Received").unwrap();
        assert_eq!(received.contains(&format!("for <{recipient}>")), is_named, "{received}");
        assert_eq!(taken.bytes.is_ascii(), !is_named);
    }
}

#[test]
fn a_message_too_large_for_the_next_hop_is_held_and_not_offered_to_the_fallback() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, KIM);
    hop.behave(Behaviour { mail: Some("552 5.3.4 message size exceeds the limit".into()), ..Behaviour::default() });
    assert!(send(&daemon, &["kim@acme.example"], &mail("large")).starts_with("250"));
    let held = daemon.held("undelivered");
    assert_eq!((held.len(), hop.count()), (1, 0));
    let why = field(&held[0], "X-Sincerely-Held").unwrap();
    assert!(why.contains("exceeds the limit") && !why.contains("sophie.martin"), "{why}");
}

#[test]
fn copies_that_come_at_the_same_time_reach_an_inbox_once() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let everyone_is_ready = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::connect(daemon.inbound());
                assert_eq!(client.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
                everyone_is_ready.wait();
                assert!(client.finish(&mail("storm")).unwrap().starts_with("250"));
            });
        }
    });
    assert_eq!(hop.only().to, ["sophie.martin@corp.example"]);
}

#[test]
fn outbound_passes_every_recipient_on_and_returns_the_next_hops_words() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let refusals =
        vec![("gone@".into(), "550 5.1.1 gone, says the next hop".into()), ("grey@".into(), "450 4.7.1 grey".into())];
    hop.behave(Behaviour { recipients: refusals, ..Behaviour::default() });
    let mut client = Client::connect(daemon.outbound());
    client.say("MAIL FROM:<app@acme.example>").unwrap();
    assert_eq!(client.say("RCPT TO:<ann@customer.example>").unwrap(), "250 2.1.5 Ok");
    assert_eq!(client.say("RCPT TO:<gone@customer.example>").unwrap(), "550 5.1.1 gone, says the next hop");
    assert_eq!(client.say("RCPT TO:<grey@customer.example>").unwrap(), "450 4.7.1 grey");
    assert_eq!(client.say("RCPT TO:<ben@customer.example>").unwrap(), "250 2.1.5 Ok");
    assert!(client.say("DATA").unwrap().starts_with("354"));
    let reply = client.finish(&automated("envelope")).unwrap();
    assert!(reply.starts_with("250 2.0.0 Ok: queued as NEXT"), "{reply}");
    let taken = hop.only();
    assert_eq!((taken.from.as_str(), taken.to.len()), ("app@acme.example", 2));

    hop.behave(Behaviour { dot: Some("554 5.7.1 content refused".into()), ..Behaviour::default() });
    assert_eq!(to_ann(&daemon, &automated("refused")), "554 5.7.1 content refused");
}

#[test]
fn a_next_hop_that_leaves_before_the_data_is_asked_anew() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    hop.behave(Behaviour { closes_at_data: true, ..Behaviour::default() });
    assert!(to_ann(&daemon, &automated("anew")).starts_with("250"));
    assert_eq!(hop.only().to, ["ann@customer.example"]);
}

#[test]
fn a_message_that_is_refused_has_its_line_in_the_log() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let two = [b"From: eve@elsewhere.example\r\n".as_slice(), &mail("two-authors")].concat();
    assert!(to_sophie(&daemon, &two).starts_with("550 5.6.0"));
    wait_until("the line is there", || daemon.log().contains("to=sophie@acme.example"));
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("to=sophie@acme.example")).unwrap();
    assert!(line.contains("from=ann@customer.example") && line.contains("fate=reject"), "{line}");
}

#[test]
fn automated_mail_that_names_no_persona_at_a_shared_address_is_told() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let nameless = crlf("From: hello@acme.example\nMessage-ID: <nameless@app.example>\n\nHello\n");
    assert!(to_ann(&daemon, &nameless).starts_with("250"));
    assert_eq!(field(&hop.only().bytes, "References"), None, "it passes untouched");
    wait_until("the operator is told", || daemon.log().contains("has no persona's display name"));
}

#[test]
fn an_outbound_retry_sends_only_to_those_it_did_not_reach_and_keeps_its_stamp() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let no_id = crlf("From: Tom from Acme <tom@acme.example>\nSubject: hi\n\nHello\n");
    assert!(to_ann(&daemon, &no_id).starts_with("250"));
    let both = ["ann@customer.example", "ben@customer.example"];
    let reply = Client::connect(daemon.outbound()).send("app@acme.example", &both, &no_id).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    assert!(to_ann(&daemon, &no_id).starts_with("250"));
    let taken = hop.taken();
    let to: Vec<_> = taken.iter().flat_map(|taken| taken.to.clone()).collect();
    assert_eq!(to, both, "each once");
    for name in ["Message-ID", "References"] {
        assert_eq!(field(&taken[0].bytes, name), field(&taken[1].bytes, name), "{name} stays what it was");
    }
}

#[test]
fn without_8bitmime_inbound_mail_is_held_and_outbound_mail_refused() {
    let hop = NextHop::start();
    hop.behave(Behaviour { no_extensions: true, ..Behaviour::default() });
    let daemon = Daemon::start(hop.address);
    let eight_bit = [mail("eight").as_slice(), b"\xff\r\n"].concat();
    assert!(to_sophie(&daemon, &eight_bit).starts_with("250"));
    assert!(daemon.held("unsupported")[0].ends_with(&eight_bit));
    let reply = to_ann(&daemon, &[automated("eight").as_slice(), b"\xff\r\n"].concat());
    assert!(reply.starts_with("554 5.6.3"), "{reply}");
    assert_eq!(hop.count(), 0);
}

#[test]
fn sigterm_lets_a_message_in_progress_end() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mut busy = Client::connect(daemon.inbound());
    let mut idle = Client::connect(daemon.inbound());
    assert_eq!(busy.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
    busy.raw(b"Subject: half\r\n").unwrap();
    let address = daemon.inbound();
    let ended = std::thread::spawn(move || daemon.terminate());
    assert!(idle.reply().unwrap().starts_with("421 4.3.2"), "an idle session is told to go");
    wait_until("no new connection is accepted", || std::net::TcpStream::connect(address).is_err());
    assert!(busy.finish(b"\r\nof it\r\n").unwrap().starts_with("250"));
    assert_eq!(ended.join().unwrap(), Some(0));
    assert_eq!(hop.count(), 1);
}
