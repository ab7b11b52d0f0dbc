//! Sockets: binding, and who may begin a session.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info, info_span, warn};

use super::driver::Driver;
use super::gate::{Gate, Pass};
use super::replies::Say;
use super::service::{Peer, Service};
use super::session::Session;
use super::settings::Settings;

/// Connections that may wait to be accepted; the system lowers it to its own maximum.
const BACKLOG: i32 = 4096;

/// How long to wait after the system had no connection to give, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A bound TCP socket; connections wait from now on.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 lets the system choose. An IPv6 address is for IPv6 only, so that
    /// `0.0.0.0` and `[::]` can stand side by side.
    ///
    /// # Errors
    /// When the system refuses: the port is in use, or below 1024.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
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
        Ok(Self { address: socket.local_addr()?, socket })
    }

    /// The address that is bound, with its port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

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
    /// Returns when no more are accepted. Sessions without a transaction end at once then, others
    /// after their message; wait for `tasks`, as long as you can afford, to see them end.
    ///
    /// # Errors
    /// When the runtime cannot take the socket.
    pub async fn run(self: Arc<Self>, listener: Listener, shutdown: CancellationToken) -> io::Result<()> {
        let socket = tokio::net::TcpListener::from_std(listener.socket)?;
        info!(address = %listener.address, "listening");
        let accepting = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match socket.accept().await {
                    Ok((stream, peer)) => {
                        self.welcome(stream, peer, &shutdown);
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
            let session = Session::new(service, settings, self.tasks.clone(), peer);
            let end = Driver::new(stream, session, &self.settings.limits, shutdown).run().await;
            debug!(%end, "session ends");
        }
        .instrument(span)
        .await;
    }

    fn welcome(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, shutdown: &CancellationToken) {
        match self.admit(peer.ip().to_canonical()) {
            Ok(pass) => self.begin(stream, peer, pass, shutdown.clone()),
            Err(say) => {
                let reply = say.reply();
                warn!(%peer, %reply, "connection refused");
                // An answer of one packet, sent without waiting: the next peer is at the door.
                let _ = SockRef::from(&stream).send(&reply.to_wire());
            }
        }
    }

    fn admit(&self, address: IpAddr) -> Result<Pass, Say> {
        if !self.settings.allow.iter().any(|network| network.contains(&address)) {
            return Err(Say::NotAllowed);
        }
        self.gate.admit(address).ok_or(Say::Busy)
    }

    fn begin(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, pass: Pass, shutdown: CancellationToken) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "TCP_NODELAY was refused");
        }
        let server = Arc::clone(self);
        self.tasks.spawn(async move {
            server.session(stream, Peer::Ip(peer), shutdown).await;
            drop(pass);
        });
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
