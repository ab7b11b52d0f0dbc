//! What a session begins with: the banner, and what we offer.

use super::service::{Offers, Peer, Protocol};
use super::settings::Settings;
use super::xforward;
use crate::mail::Reply;

/// The first line of a session.
pub(super) fn banner(settings: &Settings) -> Reply {
    let protocol = match settings.protocol {
        Protocol::Smtp => "ESMTP",
        Protocol::Lmtp => "LMTP",
    };
    plain(220, format!("{} {protocol} Sincerely", settings.hostname))
}

/// The answer to HELO.
pub(super) fn hello(settings: &Settings) -> Reply {
    plain(250, settings.hostname.clone())
}

/// The answer to EHLO and LHLO: what we offer to this peer, always in this order.
pub(super) fn extended_hello(settings: &Settings, peer: &Peer, offers_tls: bool, offers: Offers) -> Reply {
    let lines = [
        Some(settings.hostname.clone()),
        Some("PIPELINING".into()),
        Some(format!("SIZE {}", settings.limits.message_size)),
        offers_tls.then(|| "STARTTLS".into()),
        Some("8BITMIME".into()),
        Some("ENHANCEDSTATUSCODES".into()),
        Some("CHUNKING".into()),
        Some("SMTPUTF8".into()),
        offers.dsn.then(|| "DSN".into()),
        settings.may_forward(peer).then(xforward::offer),
    ];
    plain(250, lines.into_iter().flatten().collect::<Vec<String>>().join("\n"))
}

fn plain(code: u16, text: String) -> Reply {
    Reply { code, enhanced: None, text }
}
