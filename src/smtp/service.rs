//! What the SMTP server asks of the program behind it.
//!
//! The server knows sessions, commands, data and replies; what a recipient means, and what becomes
//! of a message, is the service's. This trait is all that the two know of each other.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::mail::dsn::{PerMessage, PerRecipient};
use crate::mail::{Address, Reply, ReversePath, TransactionId, Transport};

/// The protocol that a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321: one reply for a message.
    Smtp,
    /// RFC 2033: one reply for each recipient.
    Lmtp,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A TCP peer.
    Ip(SocketAddr),
    /// A peer at a unix socket.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{}", address.ip()),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// What is known of a session when a transaction begins.
#[derive(Debug, Clone)]
pub struct Session {
    /// The other end of the connection.
    pub peer: Peer,
    /// The name that the peer gave in HELO, EHLO or LHLO.
    pub helo: String,
    /// The peer said EHLO or LHLO, not HELO.
    pub extended: bool,
    /// The listener's protocol.
    pub protocol: Protocol,
    /// It is spoken in TLS, after STARTTLS.
    pub encrypted: bool,
}

/// The extensions of which the service decides whether they are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offers {
    /// RFC 3461: what is asked of delivery status notifications will be heeded.
    pub dsn: bool,
}

/// The MAIL command, parsed and judged by the server's limits.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The name of the transaction that it opens.
    pub id: TransactionId,
    /// Its argument.
    pub reverse_path: ReversePath,
    /// `BODY` and `SMTPUTF8`.
    pub transport: Transport,
    /// `SIZE` in octets (RFC 1870), where the peer declared it.
    pub size: Option<u64>,
    /// `RET` and `ENVID`; empty where they were not offered.
    pub dsn: PerMessage,
}

/// The RCPT command, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rcpt {
    /// Its argument.
    pub to: ForwardPath,
    /// `NOTIFY` and `ORCPT`; empty where they were not offered.
    pub dsn: PerRecipient,
}

/// The argument of RCPT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardPath {
    /// An ordinary recipient; source routes are left out (RFC 5321 appendix F.2).
    Address(Address),
    /// `<Postmaster>`, the one recipient without a domain (RFC 5321 §4.5.1).
    Postmaster,
}

/// Data that no message is made of: a bare CR or LF, too long or too large. The server refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit;

/// The program behind a listener.
///
/// Dropping a transaction (RSET, QUIT, a lost connection) abandons it: nothing was promised.
pub trait Service: Send + Sync + 'static {
    /// What the service keeps between MAIL and the end of data.
    type Transaction: Send + 'static;

    /// EHLO, LHLO: what is offered until the next one. Nothing, unless the service says otherwise.
    fn offers(&self) -> Offers {
        Offers::default()
    }

    /// MAIL: opens a transaction. `Err` is the reply that refuses it.
    fn begin(&self, session: &Session, mail: Mail) -> impl Future<Output = Result<Self::Transaction, Reply>> + Send;

    /// RCPT: judges one recipient. A positive reply accepts it.
    fn recipient(&self, transaction: &mut Self::Transaction, rcpt: Rcpt) -> impl Future<Output = Reply> + Send;

    /// The end of data: takes responsibility for the message, or says why not.
    ///
    /// `bytes` are what was sent, dots unstuffed; CR and LF stand in them only together, and they end in CRLF
    /// unless empty. Answers one reply
    /// (SMTP) or one for each accepted recipient in the order of RCPT (LMTP).
    ///
    /// **The hand-over rule**: a positive reply promises that the next hop has the message or that
    /// it is on disk. The server sends the replies as they are.
    fn message(&self, transaction: Self::Transaction, bytes: Bytes) -> impl Future<Output = Vec<Reply>> + Send;

    /// The end of data that no message is made of; `why` says so. What is handed on or kept must be refused, as
    /// the server does; only who throws it away anyway may answer, as for a message.
    ///
    /// # Errors
    /// Unless the service says otherwise: the server is to refuse it.
    fn unfit(&self, _transaction: Self::Transaction, _why: &dyn fmt::Display) -> Result<Vec<Reply>, Unfit> {
        Err(Unfit)
    }

    /// Whether a chunk (RFC 3030) of such data is refused at once, so that the peer need not send the rest. Not by
    /// who answers for the whole in [`Service::unfit`].
    fn refuses_unfit(&self) -> bool {
        true
    }
}
