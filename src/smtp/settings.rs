//! What bounds a session: each limit with its default, so that no peer can use up the machine.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::service::{Peer, Protocol};
use super::tls::Tls;

/// What a listener is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP port that we bind; port 0 lets the system choose.
    Ip(SocketAddr),
    /// A unix socket that we make.
    Unix(UnixSocket),
    /// Every socket that the service manager passes under this name, TCP or unix.
    Passed(String),
}

/// A unix socket, and who may connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// Where it is.
    pub path: PathBuf,
    /// Its permission bits; whoever may write may connect.
    pub mode: u32,
    /// The group that it belongs to; none is that of the process.
    pub group: Option<String>,
}

impl UnixSocket {
    /// The default of `listen.mode`: the daemon's user and the group.
    pub const MODE: u32 = 0o660;
}

impl fmt::Display for Endpoint {
    /// As the configuration writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Unix(socket) => write!(f, "unix:{}", socket.path.display()),
            Self::Passed(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// One listener of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name in the greeting and in EHLO.
    pub hostname: String,
    /// What the listener speaks.
    pub protocol: Protocol,
    /// Who may connect over TCP; anyone else is told 554 and cut off. At a unix socket, its mode decides.
    pub allow: Vec<IpNet>,
    /// Who may say XFORWARD: whom its own clients are, for the log.
    pub xforward: Vec<PeerName>,
    /// Proxies: TCP peers that must send a header of the PROXY protocol, and nobody else may. `allow` judges
    /// whom they announce.
    pub proxy: Vec<IpNet>,
    /// What sessions are encrypted with; none: STARTTLS is not offered.
    pub tls: Option<Arc<Tls>>,
    /// The bounds of each session.
    pub limits: Limits,
}

impl Settings {
    /// Whether `allow` lets that peer in. A unix socket's mode has decided already.
    pub(super) fn lets_in(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Ip(address) => contain(&self.allow, address),
            Peer::Unix => true,
        }
    }

    /// Whether that peer may say XFORWARD.
    pub(super) fn may_forward(&self, peer: &Peer) -> bool {
        self.xforward.iter().any(|name| name.is(peer))
    }

    /// Whether that connection is a proxy's.
    pub(super) fn is_proxy(&self, peer: &Peer) -> bool {
        match peer {
            Peer::Ip(address) => contain(&self.proxy, address),
            Peer::Unix => false,
        }
    }
}

fn contain(nets: &[IpNet], address: &SocketAddr) -> bool {
    nets.iter().any(|net| net.contains(&address.ip()))
}

/// Some peers of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerName {
    /// All TCP peers in a net.
    Net(IpNet),
    /// All peers at a unix socket, which have no address.
    Unix,
}

impl PeerName {
    /// Whether that peer is one of them.
    fn is(self, peer: &Peer) -> bool {
        match (self, peer) {
            (Self::Net(net), Peer::Ip(address)) => net.contains(&address.ip()),
            (Self::Unix, Peer::Unix) => true,
            (Self::Net(_), Peer::Unix) | (Self::Unix, Peer::Ip(_)) => false,
        }
    }
}

/// The keys of `[limits]` that the server enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one message, told in SIZE (RFC 1870).
    pub message_size: u64,
    /// Octets of all messages under way, of all listeners together. One message more is let in beside them, so
    /// that the oldest one that waits can always finish.
    pub bytes_in_flight: u64,
    /// How long a message may wait for its share of them. Peers wait three minutes at least (RFC 5321 §4.5.3.2.5).
    pub memory_wait: Duration,
    /// Connections of all listeners together.
    pub connections: usize,
    /// Connections of one address; loopback is exempt: the mail server lives there.
    pub connections_per_address: usize,
    /// RCPT commands in one transaction, repeats too (RFC 5321 §4.5.3.1.8 asks for 100 at least).
    pub recipients: usize,
    /// Commands since the last accepted message; in a transaction RCPT, DATA and chunks that bring it further
    /// are not counted.
    pub commands: usize,
    /// Replies of class 5 since the last accepted message, those to RCPT and to chunks before the last not
    /// counted.
    pub errors: usize,
    /// Octets of one command line, its CRLF included.
    pub line: usize,
    /// Octets of the header section, and of any one data line.
    pub header_section: usize,
    /// What is done with CR and LF that stand alone.
    pub bare_newlines: BareNewlines,
    /// How long a session may wait for a command (RFC 5321 §4.5.3.2.7: five minutes), and for the
    /// peer to take a reply.
    pub command_timeout: Duration,
    /// How long a session may wait for the next block of data (RFC 5321 §4.5.3.2.5).
    pub data_timeout: Duration,
    /// How long one message may take from DATA to its final dot, or from its first chunk to its last, against
    /// a slow drip.
    pub message_timeout: Duration,
}

/// What is done with a CR without LF, and an LF without CR, which some servers take for the end of a line, and
/// others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BareNewlines {
    /// They are refused, in commands and in messages.
    Refuse,
    /// LF is taken for CRLF. In a message CR becomes a space; in a command it is refused all the same.
    Normalize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 50 << 20,
            bytes_in_flight: 256 << 20,
            memory_wait: Duration::from_secs(60),
            connections: 1000,
            connections_per_address: 50,
            recipients: 1000,
            commands: 100,
            errors: 20,
            line: 4096,
            header_section: 256 << 10,
            bare_newlines: BareNewlines::Refuse,
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(180),
            message_timeout: Duration::from_secs(1800),
        }
    }
}
