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

/// The hop that a message came, for the Received field.
pub(super) fn hop<'a>(session: &'a Session, mail: &Mail) -> Hop<'a> {
    let with = match (session.protocol, session.extended, mail.transport.utf8) {
        (Protocol::Smtp, false, _) => "SMTP",
        (Protocol::Smtp, true, false) => "ESMTP",
        (Protocol::Smtp, true, true) => "UTF8SMTP",
        (Protocol::Lmtp, _, false) => "LMTP",
        (Protocol::Lmtp, _, true) => "UTF8LMTP",
    };
    let (helo, peer) = match session.peer {
        Peer::Ip(address) => (session.helo.as_str(), tcp_info(address.ip())),
        // An address literal there needs the address of a TCP peer after it; this one has none.
        Peer::Unix if session.helo.starts_with('[') => ("localhost", "unix".into()),
        Peer::Unix => (session.helo.as_str(), "unix".into()),
    };
    Hop { helo, peer, with, recipient: None }
}
