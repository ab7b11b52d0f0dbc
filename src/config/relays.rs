//! The next hops: that each flow has one, and that mail cannot go round between it and a listener of ours.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::KeyPath;
use super::problems::Report;
use super::relay_security::{Judge, Said};
use super::values::{As, HostPort};
use super::{Listen, Relays, file, or};
use crate::relay::{NextHop, Settings, Timeouts};
use crate::smtp::settings::Endpoint;

/// Where a server speaks TLS from the first octet (RFC 8314 §3.3).
const SUBMISSIONS: u16 = 465;

/// The peer gives up on its final dot after this long (RFC 5321 §4.5.3.2.6).
const PEER_PATIENCE: Duration = Duration::from_secs(600);

/// `[relay]`, and what each role has of its own.
pub(super) fn check(written: &file::Relay, folder: &Path, listeners: &[Listen], report: &mut Report<'_>) -> Relays {
    let desk = Desk { folder, listeners };
    let at = KeyPath::from(["relay"]);
    let shared = desk.next_hop(written.smtp.as_ref(), written.maildir.as_ref(), &at, report);
    let inbound = desk.next_hop_of(&written.inbound, &at.key("inbound"), report);
    let outbound = desk.next_hop_of(&written.outbound, &at.key("outbound"), report);
    complain_of_missing(&at, [&shared, &inbound, &outbound].map(Option::is_some), report);

    let timeouts = timeouts(&written.timeout, Timeouts::default());
    judge(timeouts, &at, report);
    let said = Said::read(written, folder, &at, report);
    let mut security = Judge::new(&said, server(shared.as_ref()));
    let mut settings = |of_role: Option<NextHop>, role: &file::RoleRelay, own: &Said, name: &str| {
        let at = if of_role.is_some() { at.key(name) } else { at.clone() };
        // Where nothing is written, a mistake is noted, and the stand-in is never used.
        let next_hop = of_role.or_else(|| shared.clone()).unwrap_or(NextHop::Maildir(folder.into()));
        let security = server(Some(&next_hop)).map(|server| security.security(own, server, &at.key("smtp")));
        let timeouts = self::timeouts(&role.timeout, timeouts);
        Settings { security: security.unwrap_or_default(), next_hop, timeouts }
    };
    let of_inbound = Said::read_of(&written.inbound, folder, &at.key("inbound"), report);
    let of_outbound = Said::read_of(&written.outbound, folder, &at.key("outbound"), report);
    let relays = Relays {
        inbound: settings(inbound, &written.inbound, &of_inbound, "inbound"),
        outbound: settings(outbound, &written.outbound, &of_outbound, "outbound"),
    };
    security.finish([&said, &of_inbound, &of_outbound], report);
    for (role, name) in [(&relays.inbound, "inbound"), (&relays.outbound, "outbound")] {
        if role.timeouts != timeouts {
            judge(role.timeouts, &at.key(name), report);
        }
    }
    relays
}

/// The mail server of a next hop, where it is one.
fn server(next_hop: Option<&NextHop>) -> Option<&str> {
    match next_hop? {
        NextHop::Smtp(server) => Some(server),
        NextHop::Maildir(_) => None,
    }
}

/// Says where a next hop is missing: for both roles in `[relay]`, for one in its own table.
fn complain_of_missing(at: &KeyPath, [shared, inbound, outbound]: [bool; 3], report: &mut Report<'_>) {
    let what = r#"the mail server such as "127.0.0.1:10026", or"#;
    match (shared, inbound, outbound) {
        (true, _, _) | (_, true, true) => {}
        (false, false, false) => report.missing(&at.key("smtp"), &format!("{what} relay.maildir, a folder")),
        (false, true, false) => missing_for(at, "outbound", what, report),
        (false, false, true) => missing_for(at, "inbound", what, report),
    }
}

fn missing_for(at: &KeyPath, role: &str, what: &str, report: &mut Report<'_>) {
    let message = format!("{what} relay.{role}.maildir, a folder; or relay.smtp for both roles");
    report.missing(&at.key(role).key("smtp"), &message);
}

/// What a next hop is judged by.
struct Desk<'a> {
    folder: &'a Path,
    listeners: &'a [Listen],
}

impl Desk<'_> {
    fn next_hop_of(&self, role: &file::RoleRelay, at: &KeyPath, report: &mut Report<'_>) -> Option<NextHop> {
        self.next_hop(role.smtp.as_ref(), role.maildir.as_ref(), at, report)
    }

    /// The next hop that a table names, if it names one.
    fn next_hop(
        &self,
        smtp: Option<&As<HostPort>>,
        maildir: Option<&As<PathBuf>>,
        at: &KeyPath,
        report: &mut Report<'_>,
    ) -> Option<NextHop> {
        if smtp.is_some() && maildir.is_some() {
            report.mistake(&at.key("maildir"), format!("is written beside {at}.smtp; keep one of the two"));
        }
        if let Some(As(HostPort(server))) = smtp {
            self.goes_round(server, &at.key("smtp"), report);
            warn_of_tls_at_once(server, &at.key("smtp"), report);
            return Some(NextHop::Smtp(server.clone()));
        }
        maildir.map(|As(root)| NextHop::Maildir(self.folder.join(root)))
    }

    fn goes_round(&self, server: &str, key: &KeyPath, report: &mut Report<'_>) {
        if let Some(listener) = self.listeners.iter().find(|listener| reaches(server, &listener.address)) {
            let message =
                format!("is our own listener {}: mail would go round; name the mail server", listener.address);
            report.mistake(key, message);
        }
    }
}

fn warn_of_tls_at_once(server: &str, key: &KeyPath, report: &mut Report<'_>) {
    if server.rsplit_once(':').is_some_and(|(_host, port)| port.parse() == Ok(SUBMISSIONS)) {
        report.warn(key, "a server at port 465 speaks TLS from the first octet, which we do not: TLS begins with STARTTLS here; name port 587 or 25");
    }
}

/// Whether a connection to `server` ends at a listener of ours, as far as can be told without DNS and without
/// the service manager.
fn reaches(server: &str, listener: &Endpoint) -> bool {
    let Endpoint::Ip(listener) = listener else { return false };
    let Some((host, port)) = server.rsplit_once(':') else { return false };
    let is_ours = match server.parse().map(|address: SocketAddr| address.ip()) {
        // `::ffff:127.0.0.1` is reached by IPv4.
        Ok(ip) => {
            let (ip, own) = (ip.to_canonical(), listener.ip().to_canonical());
            ip == own || (ip.is_loopback() && own.is_unspecified())
        }
        Err(_) => {
            host.eq_ignore_ascii_case("localhost") && (listener.ip().is_loopback() || listener.ip().is_unspecified())
        }
    };
    is_ours && port.parse() == Ok(listener.port())
}

/// What is written, each key on its own, over what holds otherwise.
fn timeouts(written: &file::Timeout, otherwise: Timeouts) -> Timeouts {
    Timeouts {
        connect: or(written.connect, otherwise.connect),
        command: or(written.command, otherwise.command),
        data_end: or(written.data_end, otherwise.data_end),
        total: or(written.total, otherwise.total),
    }
}

/// `at` is the table that the timeouts stand in.
fn judge(timeouts: Timeouts, at: &KeyPath, report: &mut Report<'_>) {
    let total = at.key("timeout").key("total");
    if timeouts.total < timeouts.connect {
        report.mistake(&total, format!("is shorter than {at}.timeout.connect: no message could be handed on"));
    }
    if timeouts.total >= PEER_PATIENCE {
        report.warn(&total, "the peer gives up after 600 s and sends again; stay below, or it sends copies");
    }
}
