//! Reception: what both flows make of the words of a session.

use crate::mail::Address;
use crate::message::trace::Hop;
use crate::smtp::service::{ForwardPath, Mail, Protocol, Session};

use super::plan::Desk;

/// `<Postmaster>` is the postmaster of our own host name.
pub(super) fn address(to: ForwardPath, desk: Desk<'_>) -> Option<Address> {
    match to {
        ForwardPath::Address(address) => Some(address),
        ForwardPath::Postmaster => Address::new("postmaster", &desk.policy.hostname).ok(),
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
    Hop { helo: &session.helo, peer: session.peer.to_string(), with, recipient: None }
}
