//! The next hop over SMTP (RFC 5321), spoken with lettre on connections that are kept.
//!
//! One transaction runs on one connection, alone: `pool` keeps the idle ones, `opening` says
//! MAIL and what may go with it, `introduction` all that comes before it, with `tls` and `login`;
//! `connection` asks, hears and sends the message, `wire` is the socket below lettre. lettre greets,
//! says EHLO and reads replies. What it does not give, we do on the same socket: TLS below it,
//! pipelining (RFC 2920), a refusal's lines as they came, and message data in large writes.
//!
//! There is no bound on how many connections are in use at once: that is the listener's, since every
//! message we hand on is one that a peer waits for.

pub mod login;
pub mod tls;

mod connection;
mod introduction;
mod opening;
mod pool;
mod reply;
mod stuffing;
mod wire;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use self::connection::Connection;
use self::introduction::Introduction;
pub use self::introduction::Security;
use self::opening::Opening;
use self::pool::Pool;
use super::{Mail, Recipient, Timeouts};
use crate::mail::{Failure, Reply};

/// The reply code of a next hop that takes leave, as it may of any command (RFC 5321 §3.8).
const CLOSING: u16 = 421;

/// A mail server that takes messages over.
pub struct SmtpRelay {
    introduction: Introduction,
    pool: Arc<Pool>,
    // What EHLO was last answered, on any connection; not offered, as long as nobody was greeted.
    offers_dsn: AtomicBool,
}

/// A transaction that MAIL has opened; each recipient is answered as it comes.
///
/// Dropping it abandons the transaction: RSET in the background, then its connection is kept.
pub struct SmtpTransaction {
    // None once `data` has taken it.
    connection: Option<Connection>,
    pool: Arc<Pool>,
    // It was said that what the sender asks of notifications is left out.
    left_out: bool,
}

impl SmtpRelay {
    /// A relay to `server` (host and port), which is not contacted yet. `hostname` is what EHLO says.
    pub fn new(server: String, hostname: &str, timeouts: Timeouts, security: Security) -> Self {
        let introduction = Introduction::new(server, hostname, timeouts, security);
        Self { introduction, pool: Arc::default(), offers_dsn: AtomicBool::new(false) }
    }

    /// Connects to hear what the next hop offers, and takes leave.
    ///
    /// # Errors
    /// When it cannot be reached, or does not let us in.
    pub async fn greet(&self) -> Result<(), Failure> {
        self.connect().await?.quit().await;
        Ok(())
    }

    /// Whether the next hop offered DSN (RFC 3461) when it was last greeted.
    pub fn offers_dsn(&self) -> bool {
        self.offers_dsn.load(Ordering::Relaxed)
    }

    /// Hands a message to one recipient in a transaction of its own. Ok is the reply to the final dot.
    ///
    /// A future that is dropped half-way closes its connection; whether the message was taken is
    /// then as unknown as after [`Failure::Uncertain`].
    ///
    /// # Errors
    /// Every way not to get that reply.
    pub async fn hand_over(&self, mail: &Mail, recipient: &Recipient, message: &[Bytes]) -> Result<Reply, Failure> {
        let octets = message.iter().map(|piece| piece.len() as u64).sum();
        let mail = Mail { size: Some(octets), ..mail.clone() };
        let mut connection = self.open(&Opening::Whole(&mail, recipient)).await?;
        let result = connection.message(message).await;
        self.pool.settle(connection, &result);
        result
    }

    /// Opens a transaction: MAIL, and nothing else yet.
    ///
    /// # Errors
    /// When the next hop cannot be reached, refuses us, or lacks an extension.
    pub async fn begin(&self, mail: &Mail) -> Result<SmtpTransaction, Failure> {
        let connection = self.open(&Opening::Mail(mail)).await?;
        let dsn = connection.offers().dsn;
        let mut transaction =
            SmtpTransaction { connection: Some(connection), pool: Arc::clone(&self.pool), left_out: false };
        transaction.note(dsn || mail.dsn.is_empty());
        Ok(transaction)
    }

    /// A connection on which `opening` was accepted.
    ///
    /// A kept connection may be dead without our knowing: its peer restarted, or took leave while
    /// our command was on the way. No message data was sent yet, so a fresh one is tried, once, and
    /// nobody needs to hear of it.
    async fn open(&self, opening: &Opening<'_>) -> Result<Connection, Failure> {
        if let Some(kept) = self.pool.take() {
            match self.open_on(kept, opening).await {
                Err(failure) if is_dead(&failure) => tracing::debug!(%failure, "a kept connection was dead"),
                settled => return settled,
            }
        }
        self.open_on(self.connect().await?, opening).await
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let connection = self.introduction.connect().await?;
        self.offers_dsn.store(connection.offers().dsn, Ordering::Relaxed);
        Ok(connection)
    }

    async fn open_on(&self, mut connection: Connection, opening: &Opening<'_>) -> Result<Connection, Failure> {
        let result = opening.say(&mut connection).await;
        match result {
            Ok(()) => Ok(connection),
            Err(failure) => {
                let result = Err(failure);
                self.pool.settle(connection, &result);
                result
            }
        }
    }
}

/// Whether a failure speaks of the connection only, and another one may do better.
fn is_dead(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_) => true,
        Failure::Us(reply) | Failure::Recipient(reply) => reply.code == CLOSING,
        Failure::Unfit(_) | Failure::Unsupported(_) | Failure::Uncertain(_) => false,
    }
}

impl SmtpTransaction {
    /// Passes one recipient on; Ok is the next hop's positive answer.
    ///
    /// # Errors
    /// [`Failure::Recipient`] with the next hop's words, after which others may still be accepted;
    /// or a lost connection, after which none will be.
    pub async fn recipient(&mut self, recipient: &Recipient) -> Result<Reply, Failure> {
        let connection = self.connection.as_mut().ok_or_else(spent)?;
        let offers = connection.offers();
        let reply = connection.ask(&opening::rcpt(recipient, offers)).await?;
        self.note(offers.dsn || recipient.dsn.is_empty());
        reply::completed(reply, Failure::Recipient)
    }

    /// Says, once, that the sender's wish is left out: it was offered DSN on the word of another connection,
    /// and to refuse its mail now would be worse than to forget what it asked.
    fn note(&mut self, is_passed_on: bool) {
        if !is_passed_on && !std::mem::replace(&mut self.left_out, true) {
            tracing::warn!(
                "the next hop does not offer DSN any more: what the sender asks of notifications is left out"
            );
        }
    }

    /// Sends the message; Ok is the next hop's reply to the final dot.
    ///
    /// # Errors
    /// Every way not to get that reply.
    pub async fn data(mut self, message: &[Bytes]) -> Result<Reply, Failure> {
        // Taken, so that a dropped future closes the connection instead of saying RSET amid data.
        let mut connection = self.connection.take().ok_or_else(spent)?;
        let result = connection.data(message).await;
        self.pool.settle(connection, &result);
        result
    }
}

impl Drop for SmtpTransaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.reset(connection);
        }
    }
}

fn spent() -> Failure {
    Failure::Unreachable("the transaction is over".into())
}
