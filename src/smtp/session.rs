//! What each command does: the rules of RFC 5321 and RFC 2033 on the order of commands, the
//! limits, and the questions to the service.
//!
//! Knows no sockets and no time: [`super::driver`] feeds it lines and messages, and sends what it
//! says. Here is the session; what is between MAIL and the reply to a message is in [`transaction`].

mod transaction;

use std::sync::Arc;

use bytes::BytesMut;
use tokio_util::task::TaskTracker;
use tracing::trace;

use self::transaction::Transaction;
use super::budget::Budget;
use super::chunks::Chunk;
use super::command::{self, Command, Hello, HelloVerb};
use super::data::Receiver;
use super::greetings;
use super::service::{self, Offers, Peer, Service};
use super::settings::Settings;
use super::state::{self, State, Then};
use super::tls::Tls;
use super::xforward::{Attributes, Forwarded};
use crate::mail::{Reply, Say};

/// Where the dialogue itself is logged, at trace: it holds addresses.
const PROTOCOL: &str = "sincerely::smtp::protocol";

/// One session: from the greeting to the end of the connection.
pub(super) struct Session<S: Service> {
    service: Arc<S>,
    settings: Arc<Settings>,
    /// The memory of all messages.
    budget: Arc<Budget>,
    /// Where a message is handed over, so that it outlives a lost connection.
    tasks: TaskTracker,
    peer: Peer,
    state: State,
    /// Who the peer says that it is, once it has.
    client: Option<service::Session>,
    /// Whom the peer forwards the next transaction for.
    forwarded: Forwarded,
    /// What it was offered of what the service decides.
    offers: Offers,
    transaction: Option<Transaction<S>>,
    /// The chunk whose octets come next.
    chunk: Option<Chunk>,
    /// The handshake is done.
    encrypted: bool,
    /// Commands that were no step of a transaction, since the last accepted message.
    commands: usize,
    /// Replies of class 5, but to RCPT and to chunks before the last, since the last accepted message.
    errors: usize,
}

/// What the peer is to send next.
pub(super) enum Awaits {
    /// A command.
    Command,
    /// The data of a message, after 354.
    Data(Receiver),
    /// The octets of a chunk.
    Chunk(Chunk),
}

impl<S: Service> Session<S> {
    /// A session that has just begun: the banner is said.
    pub(super) fn new(
        service: Arc<S>,
        settings: Arc<Settings>,
        budget: Arc<Budget>,
        tasks: TaskTracker,
        peer: Peer,
    ) -> Self {
        let mut state = State::new(&settings.hostname, settings.protocol, &peer);
        state.say(&greetings::banner(&settings));
        Self {
            service,
            settings,
            budget,
            tasks,
            peer,
            state,
            client: None,
            forwarded: Forwarded::default(),
            offers: Offers::default(),
            transaction: None,
            chunk: None,
            encrypted: false,
            commands: 0,
            errors: 0,
        }
    }

    /// Whether a transaction is open.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// What STARTTLS encrypts with; none where it is not offered, or done.
    pub(super) fn tls(&self) -> Option<&Arc<Tls>> {
        self.settings.tls.as_ref().filter(|_| !self.encrypted)
    }

    /// The handshake is done. RFC 3207 §4.2: nothing that was said before it is known any more. What was
    /// counted is: it bounds what one peer may cost, however often it begins again.
    pub(super) fn begin_again(&mut self) {
        self.state = State::new(&self.settings.hostname, self.settings.protocol, &self.peer);
        self.client = None;
        self.forwarded = Forwarded::default();
        self.offers = Offers::default();
        self.transaction = None;
        self.encrypted = true;
    }

    /// Gives up the open transaction: nothing was promised.
    pub(super) fn abandon(&mut self) {
        self.transaction = None;
        self.chunk = None;
    }

    /// Moves what was said to the end of `wire`.
    pub(super) fn speak(&mut self, wire: &mut Vec<u8>) -> Then {
        self.state.speak(wire)
    }

    /// Says something of our own table.
    pub(super) fn say(&mut self, say: Say) {
        self.answer(say.reply());
    }

    /// What is to come now, with what receives it; each receiver is given once.
    pub(super) fn awaits(&mut self) -> Awaits {
        if let Some(chunk) = self.chunk.take() {
            return Awaits::Chunk(chunk);
        }
        let declared = self.transaction.as_ref().and_then(|transaction| transaction.declared);
        match self.state.awaits() {
            state::Awaits::Data => Awaits::Data(Receiver::new(&self.settings.limits, declared)),
            state::Awaits::Command => Awaits::Command,
        }
    }

    /// One command line, or what is wrong with it already.
    pub(super) async fn line(&mut self, line: Result<BytesMut, Say>) {
        let parsed = line.and_then(|line| command::parse(&line));
        match self.count(parsed) {
            Ok(command) => {
                trace!(target: PROTOCOL, ?command);
                self.obey(command).await;
            }
            Err(say) => self.say(say),
        }
        self.limit_errors();
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Hello(hello) => self.hello(hello).await,
            Command::Mail(mail) => self.mail(mail).await,
            Command::Rcpt(rcpt) => self.recipient(rcpt).await,
            Command::Data => self.data(),
            Command::Bdat(bdat) => self.bdat(bdat),
            Command::Reset => {
                self.transaction = None;
                self.forwarded = Forwarded::default();
                self.state.reset().await;
                self.say(Say::Reset);
            }
            Command::Noop => {
                self.state.noop().await;
                self.say(Say::Ok);
            }
            Command::Quit => {
                self.transaction = None;
                self.state.quit().await;
                self.say(Say::Bye);
            }
            Command::Help => self.say(Say::Help),
            Command::Verify => self.say(Say::CannotVerify),
            Command::Xforward(attributes) => {
                let refused = self.forward(attributes).err();
                self.say(refused.unwrap_or(Say::Ok));
            }
            Command::StartTls => match self.permit_tls() {
                Ok(()) => self.state.start_tls(),
                Err(say) => self.say(say),
            },
        }
    }

    /// Not inside a transaction: the handshake would drop it, which nobody means. Postfix has it so too.
    fn permit_tls(&self) -> Result<(), Say> {
        if self.settings.tls.is_none() {
            Err(Say::NotOffered)
        } else if self.encrypted {
            Err(Say::EncryptedAlready)
        } else if self.client.is_none() {
            Err(Say::GreetFirst)
        } else if self.is_in_transaction() {
            Err(Say::TlsInTransaction)
        } else {
            Ok(())
        }
    }

    async fn hello(&mut self, hello: Hello) {
        let extended = match hello.verb {
            HelloVerb::Helo => false,
            HelloVerb::Ehlo | HelloVerb::Lhlo => true,
        };
        let Some(helo) = self.state.hello(hello).await else { return self.say(Say::WrongGreeting) };
        // RFC 5321 §4.1.4: a second greeting resets, as RSET does.
        self.transaction = None;
        self.forwarded = Forwarded::default();
        let (protocol, encrypted) = (self.settings.protocol, self.encrypted);
        self.client = Some(service::Session { peer: self.peer.clone(), helo, extended, protocol, encrypted });
        self.offers = if extended { self.service.offers() } else { Offers::default() };
        self.state.say(&if extended {
            greetings::extended_hello(&self.settings, &self.peer, self.tls().is_some(), self.offers)
        } else {
            greetings::hello(&self.settings)
        });
    }

    /// XFORWARD: lasts until the end of the next transaction, or RSET.
    fn forward(&mut self, attributes: Result<Attributes, Say>) -> Result<(), Say> {
        if !self.settings.may_forward(&self.peer) {
            Err(Say::NotOffered)
        } else if !self.client.as_ref().is_some_and(|client| client.extended) {
            Err(Say::GreetFirst)
        } else if self.is_in_transaction() {
            Err(Say::NestedMail)
        } else {
            self.forwarded.update(attributes?);
            Ok(())
        }
    }

    /// Counts what brings no message: everything but the steps of a transaction, which have limits of
    /// their own. An empty chunk brings nothing, unless it is the last.
    fn count(&mut self, parsed: Result<Command, Say>) -> Result<Command, Say> {
        let is_step = match parsed {
            Ok(Command::Rcpt(_) | Command::Data) => true,
            Ok(Command::Bdat(bdat)) => bdat.size > 0 || bdat.is_last,
            Ok(_) | Err(_) => false,
        };
        self.commands += usize::from(!(is_step && self.is_in_transaction()));
        if self.commands > self.settings.limits.commands { Err(Say::TooManyCommands) } else { parsed }
    }

    fn limit_errors(&mut self) {
        if self.errors >= self.settings.limits.errors {
            self.say(Say::TooManyErrors);
        }
    }

    fn answer(&mut self, reply: Reply) {
        self.errors += usize::from(reply.is_permanent());
        self.tell(reply);
    }

    fn tell(&mut self, mut reply: Reply) {
        // RFC 2034 §4: a next hop may have had none, whose words the service repeats.
        reply.enhanced = reply.enhanced.or_else(|| Reply::new(reply.code, 0, 0, "").enhanced);
        trace!(target: PROTOCOL, %reply);
        self.state.say(&reply);
        if reply.code == 421 {
            // RFC 5321 §3.8: it announces the end, also where it is the service's.
            self.state.close();
        }
    }
}
