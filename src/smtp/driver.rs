//! The I/O of one session: bytes in, bytes out, and how long each may take.
//!
//! PIPELINING (RFC 2920): replies are sent when no complete command is left in the input, so that
//! a batch of commands is answered in one write. Works over any stream; tests use a pipe.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::budget::NoRoom;
use super::data::{Fault, Fed, Receiver};
use super::lines::{Cut, Lines};
use super::service::Service;
use super::session::Session;
use super::settings::Limits;
use super::state::Then;
use super::stay::Stay;
use crate::mail::Say;

/// Octets that one read asks for: commands are short, messages are long. A connection has no more than a block
/// outside the budget of memory.
const COMMAND_BLOCK: usize = 4 << 10;
const DATA_BLOCK: usize = 16 << 10;

/// How long the last words of a session may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a session may take to its first transaction at shutdown. Mail servers need milliseconds; one that
/// is told 421 instead of being heard keeps its mail for minutes.
pub(super) const WELCOME: Duration = Duration::from_secs(3);

/// Drives a session over a stream.
pub(super) struct Driver<IO, S: Service> {
    stream: IO,
    session: Session<S>,
    limits: Limits,
    shutdown: CancellationToken,
    /// Until when shutdown waits for the first transaction; none once it was opened.
    welcome: Option<Instant>,
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
    /// The daemon stops.
    #[error("shutting down")]
    ShuttingDown,
}

impl End {
    /// What the peer is told of it, if it was not told and can be.
    fn farewell(&self) -> Option<Say> {
        match self {
            Self::Closed | Self::Gone | Self::Broken(_) | Self::Stuck => None,
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
            stream,
            session,
            shutdown,
            limits: limits.clone(),
            welcome: Some(Instant::now() + WELCOME),
            lines: Lines::new(limits.line),
            stay: Stay::default(),
            input: BytesMut::new(),
            output: Vec::new(),
        }
    }

    /// The session, from the banner to the end of the connection.
    pub(super) async fn run(mut self) -> End {
        let Err(end) = self.converse().await;
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
            self.speak()?;
            match self.session.receiver() {
                None => self.command().await?,
                Some(receiver) => self.message(receiver).await?,
            }
        }
    }

    fn speak(&mut self) -> Result<(), End> {
        match self.session.speak(&mut self.output) {
            Then::GoOn => Ok(()),
            Then::Close => Err(End::Closed),
        }
    }

    /// RFC 5321 §4.5.3.2.7: a command has to come in time, however it is cut into packets.
    async fn command(&mut self) -> Result<(), End> {
        let deadline = Instant::now() + self.limits.command_timeout;
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

    async fn message(&mut self, receiver: Receiver) -> Result<(), End> {
        let received = self.receive(receiver).await?;
        // A peer that did not wait for 354 gets it now: the service may take minutes.
        self.flush().await?;
        self.session.message(received).await;
        if self.input.is_empty() {
            // Blocks of data are larger than a waiting session should keep.
            self.input = BytesMut::new();
        }
        Ok(())
    }

    async fn receive(&mut self, mut receiver: Receiver) -> Result<Result<Bytes, Fault>, End> {
        let mut last = Instant::now() + self.limits.message_timeout;
        loop {
            match self.feed(&mut receiver, &mut last).await? {
                Fed::More => {}
                Fed::End { .. } => return Ok(self.received(receiver).await),
                Fed::Overrun => return Err(End::Overrun),
            }
            let next = Instant::now() + self.limits.data_timeout;
            self.read(DATA_BLOCK, next.min(last)).await?;
        }
    }

    /// Feeds what has arrived, and waits for memory where that takes some: nothing is read from the peer meanwhile.
    /// The peer has so much more time.
    async fn feed(&mut self, receiver: &mut Receiver, last: &mut Instant) -> Result<Fed, End> {
        while !self.input.is_empty() {
            if receiver.room() == 0 {
                *last += self.grow(receiver).await?;
            }
            let octets = receiver.room().min(self.input.len());
            let piece = self.input.get(..octets).unwrap_or(&self.input);
            let fed = receiver.feed(piece);
            match fed {
                Fed::More => self.input.advance(octets),
                Fed::End { consumed } => self.input.advance(consumed),
                Fed::Overrun => {}
            }
            if receiver.is_refused() {
                self.session.free_room();
            }
            if fed != Fed::More {
                return Ok(fed);
            }
        }
        Ok(Fed::More)
    }

    /// Answers how long it took.
    async fn grow(&mut self, receiver: &mut Receiver) -> Result<Duration, End> {
        // A peer that did not wait for 354 hears it before we wait.
        self.flush().await?;
        let began = Instant::now();
        let capacity = receiver.next_capacity();
        match self.session.make_room(capacity).await {
            Ok(()) => receiver.grow(capacity),
            Err(NoRoom) => receiver.refuse(Fault::NoRoom),
        }
        self.stay.forgive(began.elapsed());
        Ok(began.elapsed())
    }

    async fn received(&mut self, receiver: Receiver) -> Result<Bytes, Fault> {
        let header = receiver.header();
        let message = receiver.finish()?;
        let room = self.session.make_room_to_read(message.len(), header).await;
        room.map(|()| message).map_err(|NoRoom| Fault::NoRoom)
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
        let (shutdown, welcome) = (self.shutdown.clone(), self.welcome);
        let ended = async move {
            shutdown.cancelled().await;
            if let Some(until) = welcome {
                sleep_until(until).await;
            }
        };
        tokio::select! {
            biased;
            () = ended => Err(End::ShuttingDown),
            read = self.read(COMMAND_BLOCK, deadline) => read,
        }
    }

    /// Waits for more input; whoever waits has heard all that was said before.
    async fn read(&mut self, block: usize, deadline: Instant) -> Result<(), End> {
        self.flush().await?;
        self.input.reserve(block);
        let read = tokio::select! {
            biased;
            read = timeout_at(deadline, self.stream.read_buf(&mut self.input)) => read,
            () = self.stay.is_over(self.session.reservation()) => return Err(End::Idle),
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
        let sent = timeout(self.limits.command_timeout, send(&mut self.stream, &self.output)).await;
        sent.map_err(|_| End::Stuck)??;
        self.output.clear();
        Ok(())
    }

    async fn part(&mut self) -> io::Result<()> {
        send(&mut self.stream, &self.output).await?;
        self.stream.shutdown().await
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
