//! Listeners and the next hop: that they are complete, and that mail cannot go round between them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;

use super::document::KeyPath;
use super::problems::Report;
use super::values::{As, HostPort, Scalar, Several, Tables};
use super::{Listen, Role, file, or};
use crate::relay::{NextHop, Settings, Timeouts};
use crate::smtp::service::Protocol;

/// The peer gives up on its final dot after this long (RFC 5321 §4.5.3.2.6).
const PEER_PATIENCE: Duration = Duration::from_secs(600);

/// The listeners that are complete.
pub(super) fn listen(written: &Tables<file::Listen>, report: &mut Report<'_>) -> Vec<Listen> {
    let mut listeners: Vec<Listen> = Vec::new();
    for (index, table) in written.0.iter().enumerate() {
        let at = KeyPath::from(["listen"]).item(index);
        let Some(listener) = listener(table, &at, report) else { continue };
        if let Some(other) = listeners.iter().find(|other| overlap(other.address, listener.address)) {
            let message = format!("{} is listened at already, by the listener {}", listener.address, other.address);
            report.mistake(&at.key("address"), message);
        }
        listeners.push(listener);
    }
    listeners
}

/// Whether the system refuses to bind both. Listeners of IPv6 are for IPv6 only, so `[::]` leaves IPv4 alone.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_wide = one.ip().is_unspecified() || other.ip().is_unspecified();
    let same_port = one.port() == other.port() && one.port() != 0;
    same_port && (one == other || (is_wide && one.is_ipv4() == other.is_ipv4()))
}

fn listener(written: &file::Listen, at: &KeyPath, report: &mut Report<'_>) -> Option<Listen> {
    if written.address.is_none() {
        report.missing(&at.key("address"), SocketAddr::EXPECTED);
    }
    if written.role.is_none() {
        report.missing(&at.key("role"), Role::EXPECTED);
    }
    let allow = allow(written.allow.as_ref(), at, report);
    let (address, role) = (written.address?.0, written.role?.0);
    let protocol = or(written.protocol, Protocol::Smtp);
    if protocol == Protocol::Lmtp && address.port() == 25 {
        report.mistake(&at.key("protocol"), "LMTP may not be spoken on port 25 (RFC 2033 §5); choose another port");
    }
    allow.iter().filter(|net| !is_loopback(net)).for_each(|net| report.warn(&at.key("allow"), wider(*net, role)));
    Some(Listen { address, role, protocol, allow })
}

fn allow(written: Option<&Several<IpNet>>, at: &KeyPath, report: &mut Report<'_>) -> Vec<IpNet> {
    let Some(Several(nets)) = written else { return loopback().into() };
    if nets.is_empty() {
        report.incomplete(&at.key("allow"), "is empty: nobody could connect; leave it out to allow loopback");
    }
    nets.iter().map(|net| **net).collect()
}

fn loopback() -> [IpNet; 2] {
    let v4 = ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    [v4.into(), IpAddr::from(Ipv6Addr::LOCALHOST).into()]
}

fn is_loopback(net: &IpNet) -> bool {
    loopback().iter().any(|loopback| loopback.contains(net))
}

fn wider(net: IpNet, role: Role) -> String {
    let consequence = match role {
        Role::Inbound => "hand in mail that no mail server in front has checked",
        Role::Outbound => "send mail to anybody through the next hop",
        Role::Copies => "teach ids with a forged copy, and so lead replies to a person who should not get them",
    };
    format!("{net} is wider than loopback: whoever connects from there can {consequence}")
}

/// The next hop and how long to wait for it.
pub(super) fn relay(written: &file::Relay, folder: &Path, listeners: &[Listen], report: &mut Report<'_>) -> Settings {
    let next_hop = next_hop(written, folder, report);
    if let NextHop::Smtp(server) = &next_hop {
        goes_round(server, listeners, report);
    }
    Settings { next_hop, timeouts: timeouts(&written.timeout, report) }
}

/// Where both are written or neither is, the stand-in is never used.
fn next_hop(written: &file::Relay, folder: &Path, report: &mut Report<'_>) -> NextHop {
    let at = KeyPath::from(["relay"]);
    match (&written.smtp, &written.maildir) {
        (Some(As(HostPort(server))), None) => return NextHop::Smtp(server.clone()),
        (None, Some(As(root))) => return NextHop::Maildir(folder.join(root)),
        (Some(_), Some(_)) => report.mistake(&at.key("maildir"), "is written beside relay.smtp; keep one of the two"),
        (None, None) => {
            report.missing(&at.key("smtp"), r#"the mail server such as "127.0.0.1:10026", or relay.maildir, a folder"#);
        }
    }
    NextHop::Maildir(folder.into())
}

fn goes_round(server: &str, listeners: &[Listen], report: &mut Report<'_>) {
    if let Some(listener) = listeners.iter().find(|listener| reaches(server, listener.address)) {
        let message = format!("is our own listener {}: mail would go round; name the mail server", listener.address);
        report.mistake(&["relay", "smtp"].into(), message);
    }
}

/// Whether a connection to `server` ends at a listener of ours, as far as can be told without DNS.
fn reaches(server: &str, listener: SocketAddr) -> bool {
    let Some((host, port)) = server.rsplit_once(':') else { return false };
    let is_ours = match server.parse().map(|address: SocketAddr| address.ip()) {
        Ok(ip) => ip == listener.ip() || (ip.is_loopback() && listener.ip().is_unspecified()),
        Err(_) => {
            host.eq_ignore_ascii_case("localhost") && (listener.ip().is_loopback() || listener.ip().is_unspecified())
        }
    };
    is_ours && port.parse() == Ok(listener.port())
}

fn timeouts(written: &file::Timeout, report: &mut Report<'_>) -> Timeouts {
    let default = Timeouts::default();
    let timeouts = Timeouts {
        connect: or(written.connect, default.connect),
        command: or(written.command, default.command),
        data_end: or(written.data_end, default.data_end),
        total: or(written.total, default.total),
    };
    let total = KeyPath::from(["relay", "timeout", "total"]);
    if timeouts.total < timeouts.connect {
        report.mistake(&total, "is shorter than relay.timeout.connect: no message could be handed on");
    }
    if timeouts.total >= PEER_PATIENCE {
        report.warn(&total, "the peer gives up after 600 s and sends again; stay below, or it sends copies");
    }
    timeouts
}
