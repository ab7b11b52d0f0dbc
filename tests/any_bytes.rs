//! Any bytes that are sent through DATA or BDAT come out equal at the next hop, or are refused and do not come out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use support::daemon::listening;
use support::{Client, Daemon, NextHop, body, crlf};

/// Messages on each kept connection.
const CASES: u32 = 120;

/// What line ends, dots and the ends of header sections are made of, often; any other octet, seldom.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let proper = prop::sample::select(vec!["\r\n", "\r\n", ".", "..", "\r\n.\r\n", "a", "b: c", " ", "\t", "\0"]);
    let bare = prop::sample::select(vec!["\r", "\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\r", "\r\n.\n"]);
    let octets = proptest::collection::vec(any::<u8>(), 1..4);
    let piece = move |share| {
        let text = |text: &str| text.as_bytes().to_vec();
        prop_oneof![20 => proper.clone().prop_map(text), share => bare.clone().prop_map(text), 2 => octets.clone()]
    };
    // Most messages with a bare newline are refused for it: half of them have few.
    let clean = proptest::collection::vec(piece(0), 0..40);
    prop_oneof![clean, proptest::collection::vec(piece(2), 0..40)].prop_map(|pieces| pieces.concat())
}

/// A listener of one role, with what it speaks, and the next hop behind it.
struct Way {
    hop: NextHop,
    _daemon: Daemon,
    client: Client,
    is_lmtp: bool,
    to: &'static str,
    sent: usize,
}

/// What became of one message.
enum Fate {
    /// The next hop took these bytes.
    Out(Vec<u8>),
    /// With this reply.
    Refused(String),
}

impl Way {
    fn new(role: &str, protocol: &str) -> Self {
        let hop = NextHop::start();
        let listener = format!("address = \"127.0.0.1:0\"\nrole = \"{role}\"\nprotocol = \"{protocol}\"");
        // Refused commands are not what this test is about.
        let limits = "[limits]\nerrors = 100000\ncommands = 100000\n";
        let daemon = Daemon::start_as(&(listening(hop.address, &[&listener]) + limits), support::daemon::binary);
        let is_lmtp = protocol == "lmtp";
        let connect = if is_lmtp { Client::connect_lmtp } else { Client::connect };
        let client = connect(daemon.listener(role));
        let to = if role == "inbound" { "sophie@acme.example" } else { "ann@customer.example" };
        Self { hop, _daemon: daemon, client, is_lmtp, to, sent: 0 }
    }

    /// Sends a message that ends in CRLF; afterwards the session is where it should be.
    fn send(&mut self, message: &[u8]) -> Fate {
        self.sent += 1;
        // A path of its own, so that no message is another's retry.
        let from = format!("app{}@other.example", self.sent);
        let before = self.hop.count();
        let reply = match (self.sent.is_multiple_of(2), self.is_lmtp) {
            (true, _) => self.send_chunks(&from, message),
            (false, true) => self.client.send_lmtp(&from, &[self.to], message).unwrap().remove(0),
            (false, false) => self.client.send(&from, &[self.to], message).unwrap(),
        };
        assert!(self.client.say("NOOP").unwrap().starts_with("250"), "no octet of the message was left over");
        let taken = self.hop.taken();
        match taken.len() - before {
            0 => Fate::Refused(reply),
            1 => {
                assert!(reply.starts_with("250 "), "{reply}");
                Fate::Out(taken[before].bytes.clone())
            }
            more => panic!("{more} messages came out of one"),
        }
    }
}

impl Way {
    /// In two chunks, cut anywhere (RFC 3030): the reply to the second.
    fn send_chunks(&mut self, from: &str, message: &[u8]) -> String {
        let (first, last) = message.split_at(self.sent * 7 % message.len());
        let begin = format!("MAIL FROM:<{from}>\r\nRCPT TO:<{}>\r\nBDAT {}\r\n", self.to, first.len());
        let goes_on = format!("BDAT {} LAST\r\n", last.len());
        self.client.raw(&[begin.as_bytes(), first, goes_on.as_bytes(), last].concat()).unwrap();
        let mut replies = [(); 4].map(|()| self.client.reply().unwrap());
        assert!(replies[..2].iter().all(|reply| reply.starts_with("250 ")), "{replies:?}");
        std::mem::take(&mut replies[3])
    }
}

fn has_bare_newline(message: &[u8]) -> bool {
    let text: String = message.iter().copied().map(char::from).collect();
    text.replace("\r\n", "").contains(['\r', '\n'])
}

/// Sends `head` with any bytes below it, again and again; `is_equal` compares what came out with what was sent.
fn check(way: Way, head: &str, is_equal: impl Fn(&[u8], &[u8]) -> bool) {
    let way = RefCell::new(way);
    let (out, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&any_bytes(), |bytes| {
        let mut way = way.borrow_mut();
        // Of its own, or the same mail twice would be collapsed.
        let message = [&crlf(head)[..], &bytes, format!("\r\n#{}\r\n", way.sent).as_bytes()].concat();
        let opens_with_space = message.starts_with(b" ") || message.starts_with(b"\t");
        match way.send(&message) {
            Fate::Out(_) if has_bare_newline(&message) || opens_with_space => {
                return Err(TestCaseError::fail("it can be read in two ways, and came out"));
            }
            Fate::Out(taken) => {
                prop_assert!(is_equal(&taken, &message), "other bytes came out");
            }
            Fate::Refused(reply) => {
                let expected = if has_bare_newline(&message) { "550 5.5.2" } else { "5" };
                prop_assert!(reply.starts_with(expected), "{reply}");
                prop_assert!(has_bare_newline(&message) || opens_with_space, "{reply}");
            }
        }
        let count = if has_bare_newline(&message) { &refused } else { &out };
        count.set(count.get() + 1);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (out, refused) = (out.get(), refused.get());
    assert!(out > 20 && refused > 20, "{out} came out, {refused} were refused: both should be tried");
}

#[test]
fn mail_from_strangers_comes_out_equal_or_not_at_all() {
    for (role, protocol) in [("inbound", "smtp"), ("inbound", "lmtp"), ("outbound", "smtp"), ("outbound", "lmtp")] {
        check(Way::new(role, protocol), "", |taken, sent| taken.ends_with(sent) && taken.starts_with(b"Received: "));
    }
}

#[test]
fn automated_mail_comes_out_with_an_equal_body_or_not_at_all() {
    let head = "From: Sophie from Acme <sophie@acme.example>\nTo: ann@customer.example\n\n";
    for protocol in ["smtp", "lmtp"] {
        check(Way::new("outbound", protocol), head, |taken, sent| body(taken) == body(sent));
    }
}
