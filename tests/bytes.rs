//! Bytes are sacred: what a peer sent is what the next hop gets, below the fields that we add.

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
        assert_eq!(body(taken) == body(&message), true, "{what}: the body differs");
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
