//! Listeners: that they are complete, that no two are the same, and who reaches them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::document::KeyPath;
use super::problems::Report;
use super::values::{As, ListenAddress, Mode, Scalar, Several, Tables};
use super::{Listen, Role, Tls, Written, file, or, peers};
use crate::smtp::LONGEST_PATH;
use crate::smtp::service::Protocol;
use crate::smtp::settings::{Endpoint, UnixSocket};

/// The port of SMTP.
const SMTP: u16 = 25;
/// The permission bit of everybody who has a login.
const OTHERS_MAY_WRITE: u32 = 0o002;
/// The permission bits of which one is needed to connect to a unix socket (unix(7)).
const ANYBODY_MAY_WRITE: u32 = 0o222;

/// The listeners that are complete.
pub(super) fn listen(written: &Tables<file::Listen>, folder: &Path, report: &mut Report<'_>) -> Vec<Listen> {
    let mut listeners: Vec<Listen> = Vec::new();
    for (index, table) in written.0.iter().enumerate() {
        let at = KeyPath::from(["listen"]).item(index);
        let Some(listener) = listener(table, &at, folder, report) else { continue };
        if let Some(other) = listeners.iter().find(|other| overlap(&other.address, &listener.address)) {
            let message = format!("{} is listened at already, by the listener {}", listener.address, other.address);
            report.mistake(&at.key("address"), message);
        }
        listeners.push(listener);
    }
    listeners
}

/// Whether both cannot be had.
fn overlap(one: &Endpoint, other: &Endpoint) -> bool {
    match (one, other) {
        (Endpoint::Ip(one), Endpoint::Ip(other)) => addresses_overlap(*one, *other),
        (Endpoint::Unix(one), Endpoint::Unix(other)) => absolute(&one.path) == absolute(&other.path),
        (Endpoint::Passed(one), Endpoint::Passed(other)) => one == other,
        (Endpoint::Ip(_) | Endpoint::Unix(_) | Endpoint::Passed(_), _) => false,
    }
}

/// Two ways to write one path, as far as can be told without following links.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Whether the system refuses to bind both. Listeners of IPv6 are for IPv6 only, so `[::]` leaves IPv4 alone.
fn addresses_overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_wide = one.ip().is_unspecified() || other.ip().is_unspecified();
    let same_port = one.port() == other.port() && one.port() != 0;
    same_port && (one == other || (is_wide && one.is_ipv4() == other.is_ipv4()))
}

fn listener(written: &file::Listen, at: &KeyPath, folder: &Path, report: &mut Report<'_>) -> Option<Listen> {
    if written.address.is_none() {
        report.missing(&at.key("address"), ListenAddress::EXPECTED);
    }
    if written.role.is_none() {
        report.missing(&at.key("role"), Role::EXPECTED);
    }
    let allow = allow(written.allow.as_ref(), at, report);
    let tls = written.tls.as_ref().and_then(|tls| self::tls(tls, &at.key("tls"), folder, report));
    let (As(address), As(role)) = (written.address.as_ref()?, written.role?);
    let protocol = or(written.protocol, Protocol::Smtp);
    let address = endpoint(address, written, at, folder, report);
    let allow = match &address {
        Endpoint::Ip(ip) => {
            if protocol == Protocol::Lmtp && ip.port() == SMTP {
                let message = "LMTP may not be spoken on port 25 (RFC 2033 §5); choose another port";
                report.mistake(&at.key("protocol"), message);
            }
            allow
        }
        Endpoint::Unix(socket) => {
            judge_unix(socket, role, protocol, at, report);
            Vec::new()
        }
        Endpoint::Passed(_) => allow,
    };
    allow.iter().filter(|net| !is_loopback(net)).for_each(|net| report.warn(&at.key("allow"), wider(*net, role)));
    let xforward = peers::xforward(written, &address, &allow, at, report);
    let proxy = peers::proxy(written, &address, at, report);
    Some(Listen { address, role, protocol, allow, xforward, proxy, tls })
}

/// Both files, or none.
fn tls(written: &file::Tls, at: &KeyPath, folder: &Path, report: &mut Report<'_>) -> Option<Tls> {
    let mut path = |key: &str, path: Option<&As<PathBuf>>, what: &str| {
        let at = at.key(key);
        let Some(As(path)) = path else {
            report.missing(&at, what);
            return None;
        };
        let (file, line) = report.place_of(&at);
        Some(Written { path: folder.join(path), file: file.into(), line })
    };
    let certificate = path(
        "certificate",
        written.certificate.as_ref(),
        "a file in PEM: the certificate, then those up to the root's",
    );
    let key = path("key", written.key.as_ref(), "a file in PEM: the certificate's private key");
    Some(Tls { certificate: certificate?, key: key? })
}

fn judge_unix(socket: &UnixSocket, role: Role, protocol: Protocol, at: &KeyPath, report: &mut Report<'_>) {
    if socket.mode & OTHERS_MAY_WRITE != 0 {
        let message = format!("{:04o} lets everybody on this machine connect, and {}", socket.mode, deed(role));
        report.warn(&at.key("mode"), message);
    }
    if socket.mode & ANYBODY_MAY_WRITE == 0 {
        let message = format!("{:04o} lets nobody write, so nobody but root can connect", socket.mode);
        report.warn(&at.key("mode"), message);
    }
    if protocol == Protocol::Smtp {
        let message = "Postfix and Exim speak only LMTP at unix sockets: write protocol = \"lmtp\"";
        report.warn(&at.key("protocol"), message);
    }
}

/// What to bind, and whether the other keys go with it.
fn endpoint(
    address: &ListenAddress,
    written: &file::Listen,
    at: &KeyPath,
    folder: &Path,
    report: &mut Report<'_>,
) -> Endpoint {
    let mut no_rights = |instead: &str| {
        for (key, is_written) in [("mode", written.mode.is_some()), ("group", written.group.is_some())] {
            if is_written {
                report.mistake(&at.key(key), format!("is for unix sockets that the daemon makes; {instead}"));
            }
        }
    };
    match address {
        ListenAddress::Ip(ip) => {
            no_rights("listen.allow says who may connect to a port");
            Endpoint::Ip(*ip)
        }
        ListenAddress::Systemd(name) => {
            no_rights("write SocketMode= and SocketGroup= in the socket unit");
            Endpoint::Passed(name.clone())
        }
        ListenAddress::Unix(path) => Endpoint::Unix(unix_socket(folder.join(path), written, at, report)),
    }
}

fn unix_socket(path: PathBuf, written: &file::Listen, at: &KeyPath, report: &mut Report<'_>) -> UnixSocket {
    if written.allow.is_some() {
        let message = "is for TCP; listen.mode and listen.group say who may connect to a unix socket";
        report.mistake(&at.key("allow"), message);
    }
    // The system is told the whole path, wherever the daemon is started.
    let length = absolute(&path).as_os_str().len();
    if length > LONGEST_PATH {
        let message =
            format!("too long: from the root on the path has {length} octets, and {LONGEST_PATH} are the most here");
        report.mistake(&at.key("address"), message);
    }
    let Mode(mode) = or(written.mode, Mode(UnixSocket::MODE));
    UnixSocket { path, mode, group: written.group.as_ref().map(|As(group)| group.clone()) }
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
    format!("{net} is wider than loopback: whoever connects from there can {}", deed(role))
}

/// What whoever connects can do.
fn deed(role: Role) -> &'static str {
    match role {
        Role::Inbound => "hand in mail that no mail server in front has checked",
        Role::Outbound => "send mail to anybody through the next hop",
        Role::Copies => "teach ids with a forged copy, and so lead replies to a person who should not get them",
    }
}
