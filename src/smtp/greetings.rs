//! What a session begins with: the banner, and what we offer.

use super::service::Protocol;
use super::settings::Settings;
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

/// The answer to EHLO and LHLO: what we offer, always in this order.
pub(super) fn extended_hello(settings: &Settings) -> Reply {
    let lines = [
        settings.hostname.clone(),
        "PIPELINING".into(),
        format!("SIZE {}", settings.limits.message_size),
        "8BITMIME".into(),
        "ENHANCEDSTATUSCODES".into(),
        "SMTPUTF8".into(),
    ];
    plain(250, lines.join("\n"))
}

fn plain(code: u16, text: String) -> Reply {
    Reply { code, enhanced: None, text }
}
