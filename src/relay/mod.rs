//! The next hop: the mail server that takes over what we hand on, or Maildirs for trying it out.
//!
//! There is no queue here: a [`Relay`] answers at once, and whoever asked keeps the message until
//! the answer is yes.

pub mod maildir;
pub mod smtp;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use self::smtp::tls::Tls;
use crate::mail::dsn::{PerMessage, PerRecipient};
use crate::mail::{Address, Failure, Reply, ReversePath, Transport};

/// Where messages go and how long they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The next hop.
    pub next_hop: NextHop,
    /// TLS and the login, where it is a mail server.
    pub security: smtp::Security,
    /// The bounds of every wait.
    pub timeouts: Timeouts,
}

impl fmt::Display for Settings {
    /// Where messages go, and how safely.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.next_hop)?;
        match self.security.tls {
            Tls::None => {}
            Tls::Opportunistic => f.write_str(", with TLS where offered")?,
            Tls::Required(_) => f.write_str(", always with TLS")?,
        }
        match &self.security.login {
            None => Ok(()),
            Some(login) => write!(f, ", logged in as {}", login.user()),
        }
    }
}

/// What takes messages over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// A mail server: host and port.
    Smtp(String),
    /// A folder with one Maildir for each address.
    Maildir(PathBuf),
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(server) => write!(f, "smtp {server}"),
            Self::Maildir(root) => write!(f, "Maildirs in {}", root.display()),
        }
    }
}

/// How long to wait for the next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, its greeting and the answer to EHLO; and for each step of TLS once more.
    pub connect: Duration,
    /// For the reply to any other command but the final dot, and for the next hop to take each
    /// 64 KiB of a message.
    pub command: Duration,
    /// For the reply to the final dot (RFC 5321 §4.5.3.2.6 asks for ten minutes of the *first*
    /// client in line; we must answer ours before it gives up).
    pub data_end: Duration,
    /// For all legs of one message together, under the peer's 600 seconds.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            command: Duration::from_secs(60),
            data_end: Duration::from_secs(300),
            total: Duration::from_secs(480),
        }
    }
}

/// The next hop, ready to take messages over.
pub enum Relay {
    /// Over SMTP, on kept connections.
    Smtp(Box<smtp::SmtpRelay>),
    /// Into Maildirs.
    Maildir(maildir::MaildirRelay),
}

/// The sender's side of an envelope: what MAIL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The reverse path.
    pub reverse_path: ReversePath,
    /// What the message needs; an extension the next hop does not offer is [`Failure::Unsupported`].
    pub transport: Transport,
    /// Octets of the message where known, for SIZE.
    pub size: Option<u64>,
    /// What the sender asks of notifications: said where it is offered, else left out.
    pub dsn: PerMessage,
}

/// The recipient's side: what RCPT says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The forward path.
    pub address: Address,
    /// What the sender asks of notifications about it: said where it is offered, else left out.
    pub dsn: PerRecipient,
}

impl From<Address> for Recipient {
    fn from(address: Address) -> Self {
        Self { address, dsn: PerRecipient::default() }
    }
}

/// An open transaction with the next hop, for envelopes that are passed on as they come.
///
/// Dropping it abandons the transaction: its connection is closed or reset, never left half-way.
pub enum Transaction {
    /// Over SMTP.
    Smtp(smtp::SmtpTransaction),
    /// Into Maildirs.
    Maildir(maildir::MaildirTransaction),
}

impl Relay {
    /// A relay to `settings.next_hop`, which is not contacted yet. `hostname` is what EHLO says.
    pub fn new(settings: Settings, hostname: &str) -> Self {
        match settings.next_hop {
            NextHop::Smtp(server) => {
                let relay = smtp::SmtpRelay::new(server, hostname, settings.timeouts, settings.security);
                Self::Smtp(Box::new(relay))
            }
            NextHop::Maildir(root) => Self::Maildir(maildir::MaildirRelay::new(root)),
        }
    }

    /// Connects and takes leave: what the next hop offers is known before the first message.
    /// Nothing is decided by it: whether anybody is there is each message's to find out.
    ///
    /// # Errors
    /// When it cannot be reached, or does not let us in.
    pub async fn greet(&self) -> Result<(), Failure> {
        match self {
            Self::Smtp(relay) => relay.greet().await,
            Self::Maildir(_) => Ok(()),
        }
    }

    /// Whether the next hop was heard to offer DSN (RFC 3461) when it was last greeted. Maildirs tell nobody
    /// anything.
    pub fn offers_dsn(&self) -> bool {
        match self {
            Self::Smtp(relay) => relay.offers_dsn(),
            Self::Maildir(_) => false,
        }
    }

    /// Hands a message to one recipient in a transaction of its own; `message` is its bytes in
    /// pieces, unstuffed. Ok is the next hop's 250.
    ///
    /// Whether the message was taken is unknown, as after [`Failure::Uncertain`], where the future is
    /// dropped before its answer.
    ///
    /// # Errors
    /// Every way not to get that 250.
    pub async fn hand_over(&self, mail: &Mail, recipient: &Recipient, message: &[Bytes]) -> Result<Reply, Failure> {
        match self {
            Self::Smtp(relay) => relay.hand_over(mail, recipient, message).await,
            Self::Maildir(relay) => relay.hand_over(mail, &recipient.address, message).await,
        }
    }

    /// Opens a transaction, to pass on recipients as they come.
    ///
    /// # Errors
    /// When the next hop cannot be reached, refuses us, or lacks an extension.
    pub async fn begin(&self, mail: &Mail) -> Result<Transaction, Failure> {
        match self {
            Self::Smtp(relay) => relay.begin(mail).await.map(Transaction::Smtp),
            Self::Maildir(relay) => Ok(Transaction::Maildir(relay.begin(mail))),
        }
    }
}

impl Transaction {
    /// Passes one recipient on; Ok is the next hop's positive answer.
    ///
    /// # Errors
    /// [`Failure::Recipient`] with the next hop's words, or a lost connection.
    pub async fn recipient(&mut self, recipient: &Recipient) -> Result<Reply, Failure> {
        match self {
            Self::Smtp(transaction) => transaction.recipient(recipient).await,
            Self::Maildir(transaction) => transaction.recipient(&recipient.address),
        }
    }

    /// Sends the message; Ok is the next hop's 250 after the final dot.
    ///
    /// # Errors
    /// Every way not to get that 250.
    pub async fn data(self, message: &[Bytes]) -> Result<Reply, Failure> {
        match self {
            Self::Smtp(transaction) => transaction.data(message).await,
            Self::Maildir(transaction) => transaction.data(message).await,
        }
    }
}
