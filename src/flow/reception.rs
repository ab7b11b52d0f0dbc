//! Reception: what both flows make of the words of a session.

use std::net::IpAddr;

use crate::mail::Address;
use crate::message::trace::Hop;
use crate::smtp::service::{ForwardPath, Mail, Peer, Protocol, Session};

use super::plan::Desk;

/// `<Postmaster>` is the postmaster of our own host name.
pub(super) fn address(to: ForwardPath, desk: Desk<'_>) -> Option<Address> {
    match to {
        ForwardPath::Address(address) => Some(address),
        ForwardPath::Postmaster => Address::new("postmaster", &desk.policy.hostname).ok(),
    }
}

/// RFC 5321 §4.4, TCP-info: an address literal.
fn tcp_info(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

/// RFC 3848, RFC 6531 §4.3: the word after `with` in Received. There is none for HELO in TLS.
fn with(session: &Session, utf8: bool) -> &'static str {
    match (session.protocol, session.extended, utf8, session.encrypted) {
        (Protocol::Smtp, false, _, _) => "SMTP",
        (Protocol::Smtp, true, false, false) => "ESMTP",
        (Protocol::Smtp, true, false, true) => "ESMTPS",
        (Protocol::Smtp, true, true, false) => "UTF8SMTP",
        (Protocol::Smtp, true, true, true) => "UTF8SMTPS",
        (Protocol::Lmtp, _, false, false) => "LMTP",
        (Protocol::Lmtp, _, false, true) => "LMTPS",
        (Protocol::Lmtp, _, true, false) => "UTF8LMTP",
        (Protocol::Lmtp, _, true, true) => "UTF8LMTPS",
    }
}

/// The hop that a message came, for the Received field.
pub(super) fn hop<'a>(session: &'a Session, mail: &Mail) -> Hop<'a> {
    let (helo, peer) = match session.peer {
        Peer::Ip(address) => (session.helo.as_str(), tcp_info(address.ip())),
        // An address literal there needs the address of a TCP peer after it; this one has none.
        Peer::Unix if session.helo.starts_with('[') => ("localhost", "unix".into()),
        Peer::Unix => (session.helo.as_str(), "unix".into()),
    };
    Hop { helo, peer, with: with(session, mail.transport.utf8), recipient: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_says_what_was_spoken() {
        let said = |protocol, extended, utf8, encrypted| {
            let helo = "there.example".into();
            with(&Session { peer: Peer::Unix, helo, extended, protocol, encrypted }, utf8)
        };
        let (smtp, lmtp) = (Protocol::Smtp, Protocol::Lmtp);
        assert_eq!([said(smtp, false, false, false), said(smtp, false, false, true)], ["SMTP"; 2]);
        assert_eq!([said(smtp, true, false, false), said(smtp, true, false, true)], ["ESMTP", "ESMTPS"]);
        assert_eq!([said(smtp, true, true, false), said(smtp, true, true, true)], ["UTF8SMTP", "UTF8SMTPS"]);
        assert_eq!([said(lmtp, true, false, false), said(lmtp, true, false, true)], ["LMTP", "LMTPS"]);
        assert_eq!([said(lmtp, true, true, false), said(lmtp, true, true, true)], ["UTF8LMTP", "UTF8LMTPS"]);
    }
}
