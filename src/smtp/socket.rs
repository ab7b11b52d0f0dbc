//! Bound sockets: TCP ports, unix sockets, and what the service manager passes.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use socket2::{Domain, Socket, Type};

use super::passed::{Passed, Unfit};
use super::settings::Endpoint;
use super::unix::{self, Made};

/// Connections that may wait to be accepted; the system lowers it to its own maximum.
pub(super) const BACKLOG: i32 = 4096;

/// A bound socket; connections wait from now on.
///
/// Dropping the listener of a unix socket that we made removes the socket.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: Bound,
    place: Place,
}

/// The socket itself, in non-blocking mode.
#[derive(Debug)]
pub(super) enum Bound {
    Tcp(TcpListener),
    /// One that we made is removed when this is dropped; one that was passed belongs to others.
    Unix(UnixListener, Option<Made>),
}

/// Where a listener can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A TCP port.
    Ip(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why there is no listener at an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The system refuses a TCP port.
    #[error("{0}; is another process there? `ss -ltnp` tells")]
    Tcp(io::Error),
    /// Somebody listens at the path.
    #[error("another process answers there, `ss -xlp` tells which; where it is systemd, write systemd:NAME")]
    InUse,
    /// What lies at the path is not ours to remove.
    #[error("what is there is no socket, and is left alone: move it away, or choose another path")]
    NotASocket,
    /// `listen.group` is nobody's name.
    #[error("there is no group {0:?} on this machine: correct listen.group, or make the group")]
    NoGroup(String),
    /// The system refuses to give the socket away.
    #[error("cannot give the socket to the group {group:?}: {source}; is the daemon's user a member of it?")]
    Group {
        /// `listen.group`.
        group: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refuses a unix socket.
    #[error("{0}; the folder must be there, and the daemon's user must be allowed to write to it")]
    Unix(io::Error),
    /// No socket has the name.
    #[error("the service manager passed {0}: the name is FileDescriptorName= of a socket unit for this service")]
    NotPassed(String),
    /// A socket has the name, and nobody can connect to it.
    #[error("the socket that the service manager passed {0}")]
    Unfit(Unfit),
}

impl BindError {
    /// Whether the next try would fail in the same way until somebody changes the configuration.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::InUse | Self::Unix(_) | Self::Group { .. } => false,
            Self::NotASocket | Self::NoGroup(_) | Self::NotPassed(_) | Self::Unfit(_) => true,
        }
    }
}

impl Listener {
    /// Binds an endpoint, or takes from `passed` what has its name: several sockets may.
    ///
    /// # Errors
    /// When the system refuses, somebody else is there, or nothing was passed.
    pub fn bind(endpoint: &Endpoint, passed: &mut Passed) -> Result<Vec<Self>, BindError> {
        match endpoint {
            Endpoint::Ip(address) => Ok(vec![Self::tcp(*address).map_err(BindError::Tcp)?]),
            Endpoint::Unix(socket) => {
                let (listener, made) = unix::bind(socket)?;
                let place = Place::Unix(socket.path.clone());
                Ok(vec![Self { socket: Bound::Unix(listener, Some(made)), place }])
            }
            Endpoint::Passed(name) => passed.take(name),
        }
    }

    /// Binds a TCP port; port 0 lets the system choose. An IPv6 address is for IPv6 only, so that
    /// `0.0.0.0` and `[::]` can stand side by side.
    fn tcp(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        // A restart need not wait for connections of before that linger in the system.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from(socket);
        Ok(Self { place: Place::Ip(socket.local_addr()?), socket: Bound::Tcp(socket) })
    }

    pub(super) fn passed(socket: Bound, place: Place) -> Self {
        Self { socket, place }
    }

    /// Where it can be reached; of a TCP port, the port that is bound.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
