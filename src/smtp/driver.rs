//! The I/O of one session: bytes in, bytes out, and how long each may take.
//!
//! PIPELINING (RFC 2920): replies are sent when no complete command is left in the input, so that
//! a batch of commands is answered in one write. Works over any stream; tests use a pipe.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Span, debug, info};

use super::budget::NoRoom;
use super::chunks::Chunk;
use super::content::Fault;
use super::data::{Fed, Framing, Receiver};
use super::lines::{Cut, Lines};
use super::service::Service;
use super::session::{Awaits, Session};
use super::settings::Limits;
use super::state::Then;
use super::stay::Stay;
use super::tls::{Agreed, Stream};
use crate::mail::Say;

/// Octets that one read asks for: commands are short, messages are long. A connection has no more than a block
/// outside the budget of memory.
const COMMAND_BLOCK: usize = 4 << 10;
const DATA_BLOCK: usize = 16 << 10;

/// How long the last words of a session may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a transaction may hear nothing from its peer at shutdown: mail servers are quicker.
pub(super) const LULL: Duration = Duration::from_secs(10);

/// How long a session may take to its first transaction at shutdown. Mail servers need milliseconds; one that
/// is told 421 instead of being heard keeps its mail for minutes.
pub(super) const WELCOME: Duration = Duration::from_secs(3);

/// Drives a session over a stream.
pub(super) struct Driver<IO, S: Service> {
    stream: Stream<IO>,
    session: Session<S>,
    limits: Limits,
    shutdown: CancellationToken,
    /// Until when shutdown waits for the first transaction; none once it was opened.
    welcome: Option<Instant>,
    /// Until when the message that has begun must have come.
    patience: Option<Instant>,
    lines: Lines,
    /// How long the peer may keep memory that others wait for.
    stay: Stay,
    /// What arrived and was not taken yet.
    input: BytesMut,
    /// What is said and not sent yet.
    output: Vec<u8>,
}

/// Why a session is over.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// QUIT, or a reply that announced it.
    #[error("closed by us")]
    Closed,
    /// The peer closed the connection.
    #[error("closed by the peer")]
    Gone,
    /// The connection is broken.
    #[error(transparent)]
    Broken(#[from] io::Error),
    /// Nothing came in time.
    #[error("timed out")]
    TimedOut,
    /// The peer made no use of memory that others wait for.
    #[error("others wait for its memory")]
    Idle,
    /// Nothing could be sent in time.
    #[error("the peer does not read")]
    Stuck,
    /// The peer sent far more than the limits.
    #[error("far more came than the limits allow")]
    Overrun,
    /// More came in the packet of STARTTLS.
    #[error("more came behind STARTTLS, in plaintext")]
    BehindStartTls,
    /// The handshake failed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// The daemon stops.
    #[error("shutting down")]
    ShuttingDown,
}

impl End {
    /// What the peer is told of it, if it was not told and can be.
    fn farewell(&self) -> Option<Say> {
        match self {
            Self::Closed | Self::Gone | Self::Broken(_) | Self::Stuck | Self::Handshake(_) => None,
            Self::BehindStartTls => Some(Say::BehindStartTls),
            Self::TimedOut => Some(Say::TimedOut),
            Self::Idle => Some(Say::Idle),
            Self::Overrun => Some(Say::Overrun),
            Self::ShuttingDown => Some(Say::ShuttingDown),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, S: Service> Driver<IO, S> {
    pub(super) fn new(stream: IO, session: Session<S>, limits: &Limits, shutdown: CancellationToken) -> Self {
        Self {
            stream: Stream::Plain(stream),
            session,
            shutdown,
            limits: limits.clone(),
            welcome: Some(Instant::now() + WELCOME),
            patience: None,
            lines: Lines::new(limits),
            stay: Stay::default(),
            input: BytesMut::new(),
            output: Vec::new(),
        }
    }

    /// The session, from the banner to the end of the connection.
    pub(super) async fn run(mut self) -> End {
        let Err(end) = self.converse().await;
        // What it holds is given back before the last words, which a peer that does not read delays.
        self.session.abandon();
        if let Some(say) = end.farewell() {
            self.session.say(say);
            self.session.speak(&mut self.output);
        }
        // Nobody is there to be told when this fails.
        let _ = timeout(FAREWELL, self.part()).await;
        end
    }

    async fn converse(&mut self) -> Result<Infallible, End> {
        loop {
            match self.session.speak(&mut self.output) {
                Then::GoOn => {}
                Then::Encrypt => self.encrypt().await?,
                Then::Close => return Err(End::Closed),
            }
            if !self.session.is_in_transaction() {
                self.patience = None;
            }
            match self.session.awaits() {
                Awaits::Command => self.command().await?,
                Awaits::Data(receiver) => self.message(receiver).await?,
                Awaits::Chunk(chunk) => self.chunk(chunk).await?,
            }
        }
    }

    /// RFC 5321 §4.5.3.2.7: a command has to come in time, however it is cut into packets.
    async fn command(&mut self) -> Result<(), End> {
        let deadline = self.deadline(self.limits.command_timeout);
        let line = loop {
            self.heed_shutdown()?;
            match self.lines.next(&mut self.input) {
                Cut::Line(line) => break Ok(line),
                Cut::Refused(say) => break Err(say),
                Cut::Overrun => return Err(End::Overrun),
                Cut::Incomplete => self.read_or_shutdown(deadline).await?,
            }
        };
        let began = Instant::now();
        self.session.line(line).await;
        self.stay.forgive(began.elapsed());
        if self.session.is_in_transaction() {
            self.welcome = None;
        }
        Ok(())
    }

    async fn message(&mut self, mut receiver: Receiver) -> Result<(), End> {
        self.receive(&mut receiver).await?;
        // A peer that did not wait for 354 gets it now: the service may take minutes.
        self.flush().await?;
        self.session.message(receiver.finish()).await;
        self.free_block();
        Ok(())
    }

    async fn chunk(&mut self, mut chunk: Chunk) -> Result<(), End> {
        self.receive(&mut chunk).await?;
        if chunk.is_last() {
            self.flush().await?;
        }
        self.session.chunk(chunk).await;
        self.free_block();
        Ok(())
    }

    /// Blocks of data are larger than a waiting session should keep.
    fn free_block(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    async fn receive(&mut self, frame: &mut impl Framing) -> Result<(), End> {
        self.patience.get_or_insert(Instant::now() + self.limits.message_timeout);
        loop {
            match self.feed(frame).await? {
                Fed::More => {}
                Fed::End { .. } => return Ok(()),
                Fed::Overrun => return Err(End::Overrun),
            }
            self.read(DATA_BLOCK, self.deadline(self.limits.data_timeout)).await?;
        }
    }

    /// A wait that begins now; none outlasts the time for the whole message.
    fn deadline(&self, wait: Duration) -> Instant {
        let next = Instant::now() + wait;
        self.patience.map_or(next, |last| next.min(last))
    }

    /// Feeds what has arrived, and waits for memory where that takes some: nothing is read from the peer meanwhile.
    async fn feed(&mut self, frame: &mut impl Framing) -> Result<Fed, End> {
        loop {
            let room = frame.content().map_or(usize::MAX, |content| content.room());
            if room == 0 && !self.input.is_empty() {
                self.grow(frame).await?;
                continue;
            }
            let octets = room.min(self.input.len());
            let fed = frame.feed(self.input.get(..octets).unwrap_or(&self.input));
            match fed {
                Fed::More => self.input.advance(octets),
                Fed::End { consumed } => self.input.advance(consumed),
                Fed::Overrun => {}
            }
            if frame.content().is_some_and(|content| content.fault().is_some()) {
                self.session.free_room();
            }
            if fed != Fed::More || self.input.is_empty() {
                return Ok(fed);
            }
        }
    }

    /// The time that it takes is ours, not the peer's.
    async fn grow(&mut self, frame: &mut impl Framing) -> Result<(), End> {
        // A peer that did not wait for 354 hears it before we wait.
        self.flush().await?;
        let Some(content) = frame.content() else { return Ok(()) };
        let (began, capacity) = (Instant::now(), content.next_capacity());
        match self.session.make_room(capacity).await {
            Ok(()) => content.grow(capacity),
            Err(NoRoom) => content.refuse(Fault::NoRoom),
        }
        self.stay.forgive(began.elapsed());
        self.patience = self.patience.map(|until| until + began.elapsed());
        Ok(())
    }

    /// A session with no transaction open ends as soon as the daemon is to stop; a transaction may
    /// finish first, and a session that has just begun may open one.
    fn heed_shutdown(&self) -> Result<(), End> {
        let is_welcome = self.welcome.is_some_and(|until| Instant::now() < until);
        let stop = self.shutdown.is_cancelled() && !self.session.is_in_transaction() && !is_welcome;
        if stop { Err(End::ShuttingDown) } else { Ok(()) }
    }

    async fn read_or_shutdown(&mut self, deadline: Instant) -> Result<(), End> {
        if self.session.is_in_transaction() {
            return self.read(COMMAND_BLOCK, deadline).await;
        }
        tokio::select! {
            biased;
            () = self.ended() => Err(End::ShuttingDown),
            read = self.read(COMMAND_BLOCK, deadline) => read,
        }
    }

    /// Waits until shutdown ends a session that has no transaction open.
    fn ended(&self) -> impl Future<Output = ()> + use<IO, S> {
        let (shutdown, welcome) = (self.shutdown.clone(), self.welcome);
        async move {
            shutdown.cancelled().await;
            if let Some(until) = welcome {
                sleep_until(until).await;
            }
        }
    }

    /// RFC 3207 §4: whoever says STARTTLS waits for the reply. What stands behind it was put there by somebody
    /// between us and the peer, to be obeyed as if it had come in TLS. Dropping it would do no harm; to end the
    /// session makes the outcome the same however the octets are cut into packets, since the part that comes
    /// after the reply fails as a handshake.
    async fn encrypt(&mut self) -> Result<(), End> {
        if !self.input.is_empty() {
            info!("STARTTLS refused: more came behind it, in plaintext");
            return Err(End::BehindStartTls);
        }
        let Some(tls) = self.session.tls().map(Arc::clone) else { return Err(End::Closed) };
        self.session.say(Say::ReadyForTls);
        self.session.speak(&mut self.output);
        self.flush().await?;
        let deadline = Instant::now() + self.limits.command_timeout;
        let shaken = tokio::select! {
            biased;
            () = self.ended() => Err(End::ShuttingDown),
            shaken = timeout_at(deadline, self.stream.encrypt(&tls)) => {
                shaken.map_err(|_| End::TimedOut).and_then(|shaken| shaken.map_err(End::Handshake))
            }
        };
        let Agreed { version, cipher } = shaken.inspect_err(|end| info!(%end, "no TLS"))?;
        Span::current().record("tls", version);
        debug!(version, cipher, "encrypted");
        self.session.begin_again();
        Ok(())
    }

    /// Waits for more input; whoever waits has heard all that was said before.
    async fn read(&mut self, block: usize, deadline: Instant) -> Result<(), End> {
        self.flush().await?;
        self.input.reserve(block);
        let read = tokio::select! {
            biased;
            read = timeout_at(deadline, self.stream.read_buf(&mut self.input)) => read,
            () = self.stay.is_over(self.session.reservation()) => return Err(End::Idle),
            () = lull(&self.shutdown) => return Err(End::ShuttingDown),
        };
        match read.map_err(|_| End::TimedOut)?? {
            0 => Err(End::Gone),
            octets => {
                self.stay.brings(octets, self.session.reservation());
                Ok(())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let sent = tokio::select! {
            biased;
            sent = timeout(self.limits.command_timeout, send(&mut self.stream, &self.output)) => sent,
            () = self.stay.is_over(self.session.reservation()) => return Err(End::Idle),
        };
        sent.map_err(|_| End::Stuck)??;
        self.output.clear();
        Ok(())
    }

    async fn part(&mut self) -> io::Result<()> {
        send(&mut self.stream, &self.output).await?;
        self.stream.shutdown().await
    }
}

/// While the daemon ends, a peer in the middle of something may not be silent for long.
async fn lull(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(LULL).await;
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
