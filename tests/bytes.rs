//! Bytes are sacred: what a peer sent is what the next hop gets, below the fields that we add.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use support::{Client, Daemon, NextHop, body, crlf, field};

/// Messages whose bytes are easily spoilt.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let head = crlf("From: Ann <ann@customer.example>\nMessage-ID: <m@customer.example>\nSubject: bytes\n\n");
    let with = |body: &[u8]| [head.as_slice(), body].concat();
    let attachment: Vec<u8> =
        (0..20_u32 << 20).map(|n| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ+/=\r\n"[n as usize % 31]).collect();
    // 31 octets a line: every line end is CRLF, and the last one ends in CRLF too.
    let whole = attachment.len() / 31 * 31;
    vec![
        ("a Latin-1 body", with(b"na\xefve caf\xe9 \xa0\xff\r\n")),
        ("a body of dots", with(b".\r\n..\r\n...\r\n.a\r\n. \r\n")),
        ("an empty body", with(b"")),
        ("no body and no empty line", head[..head.len() - 2].to_vec()),
        ("blank lines at the end", with(b"text\r\n\r\n\r\n\r\n")),
        ("only blank lines", with(b"\r\n\r\n")),
        ("octets of every value but CR and LF", with(&every_octet())),
        ("a line of 200,000 octets", with(&[vec![b'x'; 200_000], b"\r\n".to_vec()].concat())),
        ("an attachment of 20 MiB", with(&attachment[..whole])),
        ("no header section", b"\r\njust text\r\n".to_vec()),
    ]
}

fn every_octet() -> Vec<u8> {
    let mut octets: Vec<u8> = (0..=255).filter(|octet| !b"\r\n".contains(octet)).collect();
    octets.extend_from_slice(b"\r\n");
    octets
}

#[test]
fn inbound_mail_arrives_as_it_was_sent_below_our_trace_fields() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mut client = Client::connect(daemon.inbound());
    for (index, (what, message)) in messages().into_iter().enumerate() {
        let reply = client.send("ann@customer.example", &["sophie@acme.example"], &message).unwrap();
        assert!(reply.starts_with("250 2.0.0"), "{what}: {reply}");
        let taken = &hop.taken()[index];
        assert_eq!(taken.to, ["sophie.martin@corp.example"], "{what}");
        assert!(taken.bytes.ends_with(&message), "{what}: the bytes below our fields differ");
        let ours = String::from_utf8(taken.bytes[..taken.bytes.len() - message.len()].to_vec()).unwrap();
        let names: Vec<&str> = ours.split("\r\n").filter(|line| !line.starts_with(['\t', ' '])).collect();
        let names: Vec<&str> = names.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["Received", "X-Sincerely", ""], "{what}");
        let id = reply.rsplit(' ').next().unwrap();
        assert!(ours.contains(&format!("id {id}")), "{what}: the id of the 250 stands in the Received field");
        assert!(!ours.contains("corp.example"), "{what}: no inbox address in the open");
    }
}

#[test]
fn automated_mail_keeps_its_body() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mut client = Client::connect(daemon.outbound());
    for (index, (what, message)) in messages().into_iter().enumerate() {
        let automated = String::from_utf8_lossy(&message).contains("From: Ann");
        let message = if automated {
            [
                b"From: Sophie from Acme <sophie@acme.example>\r\n".as_slice(),
                &message[b"From: Ann <ann@customer.example>\r\n".len()..],
            ]
            .concat()
        } else {
            message
        };
        let reply = client.send("app@acme.example", &["ann@customer.example"], &message).unwrap();
        assert!(reply.starts_with("250 2.0.0 Ok: queued as NEXT"), "{what}: the next hop's own words: {reply}");
        let taken = &hop.taken()[index].bytes;
        if what == "no body and no empty line" {
            assert!(field(taken, "References").is_some(), "{what}");
            continue;
        }
        assert!(body(taken) == body(&message), "{what}: the body differs");
        assert_eq!(field(taken, "References").is_some(), automated, "{what}");
        assert_eq!(field(taken, "X-Sincerely"), None, "customers do not see it");
    }
}

#[test]
fn one_bad_message_disturbs_neither_the_next_one_nor_its_neighbour() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let (mut one, mut two) = (Client::connect(daemon.inbound()), Client::connect(daemon.inbound()));
    assert_eq!(one.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
    assert_eq!(two.begin("ben@customer.example", &["tom@acme.example"]).unwrap(), None);
    let smuggled = b"Subject: one\r\n\r\nbody\n.\nMAIL FROM:<x@y>\r\nRCPT TO:<sophie@acme.example>\r\nDATA\r\n";
    let reply = one.finish(smuggled).unwrap();
    assert!(reply.starts_with("550 5.5.2"), "{reply}");
    assert!(two.finish(&crlf("Subject: two\n\nbody\n")).unwrap().starts_with("250"));
    let reply = one.send("ann@customer.example", &["sophie@acme.example"], &crlf("Subject: three\n\nbody\n")).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let subjects: Vec<_> = hop.taken().iter().filter_map(|taken| field(&taken.bytes, "Subject")).collect();
    assert_eq!(subjects, ["two", "three"]);
}

#[test]
fn a_message_in_chunks_arrives_as_it_was_sent_too() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let mut client = Client::connect(daemon.inbound());
    for (index, (what, message)) in messages().into_iter().enumerate() {
        let begin = ["MAIL FROM:<ben@customer.example>", "RCPT TO:<tom@acme.example>"];
        assert!(begin.iter().all(|command| client.say(command).unwrap().starts_with("250")), "{what}");
        for part in message.chunks(1 << 20) {
            client.raw(format!("BDAT {}\r\n", part.len()).as_bytes()).unwrap();
            client.raw(part).unwrap();
            assert_eq!(client.reply().unwrap(), "250 2.0.0 chunk received", "{what}");
        }
        let reply = client.say("BDAT 0 LAST").unwrap();
        assert!(reply.starts_with("250 2.0.0"), "{what}: {reply}");
        assert!(hop.taken()[index].bytes.ends_with(&message), "{what}: the bytes differ");
    }
}

/// The next hop of these tests takes LF.CRLF for the end of data, as servers did that could be smuggled into.
#[test]
fn a_normalized_message_is_one_message_for_any_next_hop() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, "[limits]\nbare_newlines = \"normalize\"\n");
    let mut client = Client::connect(daemon.inbound());
    let forged = "MAIL FROM:<ceo@acme.example>\r\nRCPT TO:<sophie.martin@corp.example>\r\nDATA\r\nSubject: forged\r\n";
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n.\r\r\n"] {
        let before = hop.count();
        assert_eq!(client.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
        client.raw(format!("Subject: {before}\r\n\r\nbody{end}{forged}\r\n.\r\n").as_bytes()).unwrap();
        let reply = client.reply().unwrap();
        assert!(reply.starts_with("250 2.0.0"), "{end:?}: {reply}");
        let taken = &hop.taken()[before..];
        assert_eq!(taken.len(), 1, "{end:?}");
        let text = String::from_utf8(taken[0].bytes.clone()).unwrap();
        assert!(text.ends_with(&format!("{forged}\r\n")), "{end:?}: {text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{end:?}: {text:?}");
    }
}

/// A mail server's retry is the same bytes, and these come out the same.
#[test]
fn a_normalized_message_is_known_when_it_comes_again() {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, "[limits]\nbare_newlines = \"normalize\"\n");
    for wire in ["Subject: once\n\nbody\r\n.\r\n", "Subject: once\r\n\r\nbody\r\n.\r\n"] {
        let mut client = Client::connect(daemon.inbound());
        assert_eq!(client.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
        client.raw(wire.as_bytes()).unwrap();
        assert!(client.reply().unwrap().starts_with("250"));
    }
    assert_eq!(field(&hop.only().bytes, "Subject").as_deref(), Some("once"));
}
