//! Sockets that a service manager passes (sd_listen_fds(3)): they outlive us, so that a restart refuses no
//! connection.

use std::fmt;
use std::net::TcpListener;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{Socket, Type};

use super::socket::{BindError, Bound, Listener, Place};

/// What was passed and not taken yet, by name.
#[derive(Debug, Default)]
pub struct Passed(Vec<(String, Result<Listener, Unfit>)>);

/// Why nobody can connect to a socket that was passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A datagram, a sequenced packet, a file.
    #[error("is no stream socket: write ListenStream= in the socket unit")]
    NoStream,
    /// It is one connection.
    #[error("is not listening: write Accept=no in the socket unit")]
    NotListening,
    /// Neither TCP nor unix.
    #[error("is neither TCP nor unix")]
    Family,
    /// It cannot be used at all.
    #[error("cannot be used: {0}")]
    Broken(String),
}

/// The environment speaks of passed sockets, in no language that is known.
#[derive(Debug, thiserror::Error)]
#[error("LISTEN_PID or LISTEN_FDS in the environment is no number: they are the service manager's to set")]
pub struct Malformed;

impl Passed {
    /// Takes what was passed to this process, once: a second call finds nothing. Call it before any file is
    /// opened for good: the environment only claims that these descriptors are sockets.
    ///
    /// # Errors
    /// When the environment cannot be read.
    pub fn from_environment() -> Result<Self, Malformed> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Ok(Self::default());
        }
        let passed = sd_listen_fds::get().map_err(|_| Malformed)?;
        // sd_listen_fds(3): systemd itself says "unknown" where a unit gives no name.
        let named = |(name, socket): (Option<String>, sd_listen_fds::OwnedFd)| {
            (name.unwrap_or_else(|| "unknown".into()), listener(socket.into_std()))
        };
        Ok(Self(passed.into_iter().map(named).collect()))
    }

    /// All sockets of that name.
    pub(super) fn take(&mut self, name: &str) -> Result<Vec<Listener>, BindError> {
        let all = self.to_string();
        let taken = self.0.extract_if(.., |(passed, _)| passed == name).map(|(_, listener)| listener);
        let listeners = taken.collect::<Result<Vec<_>, _>>().map_err(BindError::Unfit)?;
        if listeners.is_empty() { Err(BindError::NotPassed(all)) } else { Ok(listeners) }
    }

    /// The names of sockets that nobody took.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for Passed {
    /// `only "inbound", "outbound"`, or `no socket at all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no socket at all");
        }
        let names = self.names().map(|name| format!("{name:?}")).collect::<Vec<_>>();
        write!(f, "only {}", names.join(", "))
    }
}

fn listener(descriptor: OwnedFd) -> Result<Listener, Unfit> {
    let socket = Socket::from(descriptor);
    let Ok(kind) = socket.r#type() else {
        // No socket, perhaps no open descriptor at all, and so perhaps somebody else's soon: not ours to close.
        let _not_closed = socket.into_raw_fd();
        return Err(Unfit::NoStream);
    };
    if kind != Type::STREAM {
        return Err(Unfit::NoStream);
    }
    stream_listener(socket).map_err(|error| Unfit::Broken(error.to_string()))?
}

/// Its backlog is what the service manager gave it, and so are its name and its mode.
fn stream_listener(socket: Socket) -> std::io::Result<Result<Listener, Unfit>> {
    if !socket.is_listener()? {
        return Ok(Err(Unfit::NotListening));
    }
    socket.set_cloexec(true)?;
    // The service manager's own descriptor changes with ours; it only watches it.
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    if let Some(ip) = address.as_socket() {
        return Ok(Ok(Listener::passed(Bound::Tcp(TcpListener::from(socket)), Place::Ip(ip))));
    }
    if !address.is_unix() {
        return Ok(Err(Unfit::Family));
    }
    // As ss(8) writes a socket of the abstract namespace.
    let r#abstract =
        || address.as_abstract_namespace().map(|name| format!("@{}", String::from_utf8_lossy(name)).into());
    let path: Option<PathBuf> = address.as_pathname().map(PathBuf::from).or_else(r#abstract);
    let place = Place::Unix(path.unwrap_or_default());
    Ok(Ok(Listener::passed(Bound::Unix(UnixListener::from(socket), None), place)))
}
