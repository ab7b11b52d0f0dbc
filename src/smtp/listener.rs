//! The server of a listener: who is let in, and their sessions.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, field, info_span, warn};

use super::driver::Driver;
use super::exhaustion::Exhaustion;
use super::gate::{Gate, Pass};
use super::proxy::{self, NoHeader};
use super::service::{Peer, Service};
use super::session::Session;
use super::settings::Settings;
use super::socket::{Bound, Listener};
use super::unix::Made;
use crate::mail::Say;

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
            let mut exhaustion = Exhaustion::new();
            loop {
                match door.accept().await {
                    Ok(guest) => {
                        self.welcome(guest, &shutdown);
                        exhaustion.accepted();
                    }
                    Err(error) => exhaustion.rest(&error).await,
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
        let span = info_span!("session", session = next_session(), %peer, tls = field::Empty);
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
            Err(say) => turn_away(&peer, say, &guest.socket()),
        }
    }

    /// Of a proxy, nothing is known yet but that there is room.
    fn admit(&self, peer: &Peer) -> Result<Pass, Say> {
        if self.settings.is_proxy(peer) {
            return self.gate.admit(None).ok_or(Say::Busy);
        }
        if !self.settings.lets_in(peer) {
            return Err(Say::NotAllowed);
        }
        let address = match peer {
            Peer::Ip(address) => Some(address.ip()),
            Peer::Unix => None,
        };
        self.gate.admit(address).ok_or(Say::Busy)
    }

    /// The peer of a connection: who is at its other end, or whom a proxy there announces. `None` where it is over
    /// before it begins.
    async fn peer(&self, connected: Peer, stream: &mut TcpStream, pass: &mut Pass) -> Option<Peer> {
        if !self.settings.is_proxy(&connected) {
            return Some(connected);
        }
        let announced = match proxy::announced(stream).await {
            Ok(announced) => announced,
            Err(why) => {
                report_no_header(&connected, &why);
                return None;
            }
        };
        // Its own connection counts with all others only, as every connection of a proxy does.
        let has_room = announced.is_none_or(|address| pass.count_for(address.ip()));
        let peer = announced.map_or_else(|| connected.clone(), Peer::Ip);
        debug!(%peer, proxy = %connected, "a proxy has announced its peer");
        if !self.settings.lets_in(&peer) {
            turn_away(&peer, Say::NotAllowed, &SockRef::from(&*stream));
            None
        } else if !has_room {
            turn_away(&peer, Say::Busy, &SockRef::from(&*stream));
            None
        } else {
            Some(peer)
        }
    }

    fn begin(self: &Arc<Self>, guest: Guest, peer: Peer, mut pass: Pass, shutdown: CancellationToken) {
        let server = Arc::clone(self);
        self.tasks.spawn(async move {
            match guest {
                Guest::Ip(mut stream, _) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%peer, %error, "TCP_NODELAY was refused");
                    }
                    if let Some(peer) = server.peer(peer, &mut stream, &mut pass).await {
                        server.session(stream, peer, shutdown).await;
                    }
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

fn turn_away(peer: &Peer, say: Say, socket: &SockRef<'_>) {
    let reply = say.reply();
    warn!(%peer, %reply, "connection refused");
    // An answer of one packet, sent without waiting: the next peer is at the door.
    let _ = socket.send(&reply.to_wire());
}

/// Proxies look whether we are there; that is no matter for the log. All else is: one of the two is not configured as
/// the other thinks.
fn report_no_header(proxy: &Peer, why: &NoHeader) {
    match why {
        NoHeader::Unused => debug!(%proxy, %why, "connection closed"),
        NoHeader::Torn | NoHeader::TimedOut | NoHeader::Malformed | NoHeader::TooLong(_) | NoHeader::Broken(_) => {
            warn!(%proxy, %why, "connection closed");
        }
    }
}

/// Numbers the sessions of this process.
fn next_session() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
