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
    assert!(line.contains("from=ann@customer.example") && line.contains("fate=\"reject\""), "{line}");
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
    let daemon = Daemon::start(hop.address);
    hop.behave(Behaviour { no_extensions: true, ..Behaviour::default() });
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
