//! The server of a listener: who is let in, and their sessions.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info_span, warn};

use super::driver::Driver;
use super::gate::{Gate, Pass};
use super::service::{Peer, Service};
use super::session::Session;
use super::settings::Settings;
use super::socket::{Bound, Listener};
use super::unix::Made;
use crate::mail::Say;

/// How long to wait after the system had no connection to give, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Serves one listener's sessions.
#[derive(Debug)]
pub struct Server<S> {
    service: Arc<S>,
    settings: Arc<Settings>,
    gate: Arc<Gate>,
    tasks: TaskTracker,
}

impl<S: Service> Server<S> {
    /// A server for `service`. `gate` is shared among all listeners; `tasks` holds every session,
    /// and every message on its way to the service.
    pub fn new(service: Arc<S>, settings: Settings, gate: Arc<Gate>, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self { service, settings: Arc::new(settings), gate, tasks })
    }

    /// Accepts connections until `shutdown`, and begins a session for each.
    ///
    /// Returns when no more are accepted. Sessions without a transaction end then, those that have just
    /// begun after three seconds, others after their message; wait for `tasks`, as long as you can afford, to see them end.
    ///
    /// # Errors
    /// When the runtime cannot take the socket.
    pub async fn run(self: Arc<Self>, listener: Listener, shutdown: CancellationToken) -> io::Result<()> {
        let door = Door::open(listener.socket)?;
        let accepting = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match door.accept().await {
                    Ok(guest) => {
                        self.welcome(guest, &shutdown);
                        pause = FIRST_PAUSE;
                    }
                    Err(error) => pause = rest(pause, &error).await,
                }
            }
        };
        shutdown.run_until_cancelled(accepting).await;
        Ok(())
    }

    /// One session over any stream, to its end.
    pub async fn session<IO>(&self, stream: IO, peer: Peer, shutdown: CancellationToken)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let span = info_span!("session", session = next_session(), %peer);
        let (service, settings) = (Arc::clone(&self.service), Arc::clone(&self.settings));
        async {
            debug!("session begins");
            let budget = Arc::clone(self.gate.budget());
            let session = Session::new(service, settings, budget, self.tasks.clone(), peer);
            let end = Driver::new(stream, session, &self.settings.limits, shutdown).run().await;
            debug!(%end, "session ends");
        }
        .instrument(span)
        .await;
    }

    fn welcome(self: &Arc<Self>, guest: Guest, shutdown: &CancellationToken) {
        let peer = guest.peer();
        match self.admit(&peer) {
            Ok(pass) => self.begin(guest, peer, pass, shutdown.clone()),
            Err(say) => {
                let reply = say.reply();
                warn!(%peer, %reply, "connection refused");
                // An answer of one packet, sent without waiting: the next peer is at the door.
                let _ = guest.socket().send(&reply.to_wire());
            }
        }
    }

    fn admit(&self, peer: &Peer) -> Result<Pass, Say> {
        let address = match peer {
            Peer::Ip(address) => Some(address.ip()),
            // The socket's mode has decided.
            Peer::Unix => None,
        };
        let is_allowed = |address| self.settings.allow.iter().any(|network| network.contains(&address));
        if !address.is_none_or(is_allowed) {
            return Err(Say::NotAllowed);
        }
        self.gate.admit(address).ok_or(Say::Busy)
    }

    fn begin(self: &Arc<Self>, guest: Guest, peer: Peer, pass: Pass, shutdown: CancellationToken) {
        let server = Arc::clone(self);
        self.tasks.spawn(async move {
            match guest {
                Guest::Ip(stream, _) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%peer, %error, "TCP_NODELAY was refused");
                    }
                    server.session(stream, peer, shutdown).await;
                }
                Guest::Unix(stream) => server.session(stream, peer, shutdown).await,
            }
            drop(pass);
        });
    }
}

/// A listener of either kind, in the runtime.
enum Door {
    Tcp(TcpListener),
    Unix { socket: UnixListener, _removed_with_it: Option<Made> },
}

/// A connection that was accepted, and nobody has spoken on.
enum Guest {
    Ip(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Door {
    fn open(socket: Bound) -> io::Result<Self> {
        match socket {
            Bound::Tcp(socket) => Ok(Self::Tcp(TcpListener::from_std(socket)?)),
            Bound::Unix(socket, made) => {
                Ok(Self::Unix { socket: UnixListener::from_std(socket)?, _removed_with_it: made })
            }
        }
    }

    async fn accept(&self) -> io::Result<Guest> {
        match self {
            Self::Tcp(socket) => socket.accept().await.map(|(stream, peer)| Guest::Ip(stream, peer)),
            Self::Unix { socket, .. } => socket.accept().await.map(|(stream, _)| Guest::Unix(stream)),
        }
    }
}

impl Guest {
    /// A socket that was passed may take IPv4 at an IPv6 address: it is an IPv4 peer all the same.
    fn peer(&self) -> Peer {
        match self {
            Self::Ip(_, address) => Peer::Ip(SocketAddr::new(address.ip().to_canonical(), address.port())),
            Self::Unix(_) => Peer::Unix,
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Ip(stream, _) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}

/// Out of descriptors, or a connection that was gone before we took it: neither ends the loop.
/// Answers the next pause.
async fn rest(pause: Duration, error: &io::Error) -> Duration {
    warn!(%error, "cannot accept a connection");
    sleep(pause).await;
    (pause * 2).min(LONGEST_PAUSE)
}

/// Numbers the sessions of this process.
fn next_session() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
