//! Peers that speak for others: whom the log believes (`xforward`), and who announces its peers (`proxy`).

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::document::KeyPath;
use super::file;
use super::problems::Report;
use super::values::{As, Scalar, Several};
use crate::smtp::settings::{Endpoint, PeerName};

impl Scalar for PeerName {
    const EXPECTED: &'static str = r#"a net such as "127.0.0.0/8", an IP address, or "unix""#;

    fn from_text(text: &str) -> Option<Self> {
        if text == "unix" { Some(Self::Unix) } else { IpNet::from_text(text).map(Self::Net) }
    }
}

/// Who may say XFORWARD at a listener. `allow` is who may connect there.
pub(super) fn xforward(
    written: &file::Listen,
    address: &Endpoint,
    allow: &[IpNet],
    at: &KeyPath,
    report: &mut Report<'_>,
) -> Vec<PeerName> {
    let key = at.key("xforward");
    for As(name) in &written.xforward.0 {
        match (name, address) {
            (PeerName::Net(_), Endpoint::Unix(_)) => {
                report.mistake(&key, "peers at a unix socket have no address: write \"unix\"");
            }
            (PeerName::Unix, Endpoint::Ip(_)) => {
                report.mistake(&key, "\"unix\" is for unix sockets: write the addresses of the peers");
            }
            (PeerName::Net(net), Endpoint::Ip(_) | Endpoint::Passed(_)) => {
                if !allow.iter().any(|allowed| allowed.contains(net) || net.contains(allowed)) {
                    report.warn(&key, format!("listen.allow lets nobody from {net} in"));
                }
                if is_wide(net) {
                    report.warn(&key, wide(net, "write any client into the log"));
                }
            }
            (PeerName::Unix, Endpoint::Unix(_) | Endpoint::Passed(_)) => {}
        }
    }
    values(&written.xforward)
}

/// The proxies in front of a listener.
pub(super) fn proxy(written: &file::Listen, address: &Endpoint, at: &KeyPath, report: &mut Report<'_>) -> Vec<IpNet> {
    let key = at.key("proxy");
    let proxies = values(&written.proxy);
    match address {
        Endpoint::Unix(_) if !proxies.is_empty() => {
            report.mistake(&key, "is for TCP: no proxy stands in front of a unix socket");
        }
        Endpoint::Unix(_) | Endpoint::Ip(_) | Endpoint::Passed(_) => {}
    }
    for net in proxies.iter().filter(|net| is_wide(net)) {
        report.warn(&key, wide(net, "pass for any address, in the log and before listen.allow"));
    }
    proxies
}

fn wide(net: &IpNet, deed: &str) -> String {
    format!("{net} is wider than loopback and private nets: whoever connects from there can {deed}")
}

/// Whether more than one address that is nobody's own is named.
fn is_wide(net: &IpNet) -> bool {
    net.prefix_len() < net.max_prefix_len() && !own().iter().any(|own| own.contains(net))
}

/// Loopback, private nets (RFC 1918, RFC 4193) and the link itself (RFC 3927, RFC 4291 §2.4).
fn own() -> [IpNet; 8] {
    let v4 = |a, b, length| Ipv4Net::new_assert([a, b, 0, 0].into(), length).into();
    let v6 = |first, length| Ipv6Net::new_assert([first, 0, 0, 0, 0, 0, 0, 0].into(), length).into();
    let loopback = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]).into();
    [
        v4(127, 0, 8),
        v4(10, 0, 8),
        v4(172, 16, 12),
        v4(192, 168, 16),
        v4(169, 254, 16),
        v6(0xfc00, 7),
        v6(0xfe80, 10),
        loopback,
    ]
}

fn values<T: Copy>(written: &Several<T>) -> Vec<T> {
    written.0.iter().map(|value| **value).collect()
}
