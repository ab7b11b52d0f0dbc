//! What each command does: the rules of RFC 5321 and RFC 2033 on the order of commands, the
//! limits, and the questions to the service.
//!
//! Knows no sockets and no time: [`super::driver`] feeds it lines and messages, and sends what it
//! says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, error, info, info_span, trace};

use super::budget::{Budget, NoRoom, Reservation};
use super::command::{self, Command, Hello, HelloVerb, Mail};
use super::data::{Fault, Receiver};
use super::greetings;
use super::room::Room;
use super::service::{self, ForwardPath, Peer, Protocol, Service};
use super::settings::Settings;
use super::state::{Awaits, State, Then};
use crate::clock;
use crate::mail::{Address, Reply, Say, TransactionId};

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
    transaction: Option<Transaction<S>>,
    /// Commands that were no step of a transaction, since the last accepted message.
    commands: usize,
    /// Replies of class 5, but to RCPT, since the last accepted message.
    errors: usize,
}

/// MAIL to the end of data. Dropped, nothing was promised.
struct Transaction<S: Service> {
    id: TransactionId,
    /// What the service keeps.
    inner: S::Transaction,
    span: Span,
    /// Its memory.
    room: Room,
    /// MAIL asked for SMTPUTF8: RCPT may be international.
    utf8: bool,
    /// `SIZE` of MAIL.
    declared: Option<u64>,
    /// RCPT commands, and those among them that were accepted.
    asked: usize,
    accepted: usize,
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
        Self { service, settings, budget, tasks, peer, state, client: None, transaction: None, commands: 0, errors: 0 }
    }

    /// Whether a transaction is open.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Moves what was said to the end of `wire`.
    pub(super) fn speak(&mut self, wire: &mut Vec<u8>) -> Then {
        self.state.speak(wire)
    }

    /// Says something of our own table.
    pub(super) fn say(&mut self, say: Say) {
        self.answer(say.reply());
    }

    /// The receiver for the message that is to come now, if one is.
    pub(super) fn receiver(&self) -> Option<Receiver> {
        let declared = self.transaction.as_ref().and_then(|transaction| transaction.declared);
        match self.state.awaits() {
            Awaits::Data => Some(Receiver::new(&self.settings.limits, declared)),
            Awaits::Command => None,
        }
    }

    /// The memory that the open transaction holds.
    pub(super) fn reservation(&self) -> Option<&Reservation> {
        self.transaction.as_ref().map(|transaction| transaction.room.reservation())
    }

    /// Waits for a buffer of so many octets for the data.
    pub(super) async fn make_room(&mut self, capacity: usize) -> Result<(), NoRoom> {
        let Some(transaction) = &mut self.transaction else { return Err(NoRoom) };
        transaction.room.buffer(capacity as u64).await
    }

    /// Gives back the memory of data that are thrown away.
    pub(super) fn free_room(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.room.without_data();
        }
    }

    /// Waits for what it takes to read a whole message, with a header section of so many octets.
    pub(super) async fn make_room_to_read(&mut self, message: usize, header: u64) -> Result<(), NoRoom> {
        let Some(transaction) = &mut self.transaction else { return Err(NoRoom) };
        transaction.room.whole(message, header).await
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

    /// The data of a message: hands it to the service, or refuses it.
    pub(super) async fn message(&mut self, received: Result<Bytes, Fault>) {
        self.state.end();
        // `receiver` is answered only after DATA, which leaves a transaction open.
        let Some(transaction) = self.transaction.take() else { return };
        let due = self.replies_due(&transaction);
        let mut replies = match received {
            Ok(bytes) => self.hand_over(transaction, bytes).await.unwrap_or_else(|failure| given_up(&failure)),
            Err(fault) => {
                let Transaction { inner, span, .. } = transaction;
                // What may be well later is never the service's to judge: nobody has seen the message.
                let judged = match fault {
                    Fault::NoRoom => Err(service::Unfit),
                    Fault::LongLine | Fault::LongHeader | Fault::TooLarge | Fault::BareNewline => {
                        span.in_scope(|| self.service.unfit(inner, &fault))
                    }
                };
                judged.unwrap_or_else(|service::Unfit| {
                    info!(parent: &span, %fault, "a message was refused");
                    vec![Say::from(fault).reply(); due]
                })
            }
        };
        replies.resize(due, Say::Failed.reply());
        if replies.iter().any(Reply::is_positive) {
            self.commands = 0;
            self.errors = 0;
        }
        replies.into_iter().for_each(|reply| self.answer(reply));
        self.limit_errors();
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Hello(hello) => self.hello(hello).await,
            Command::Mail(mail) => self.mail(mail).await,
            Command::Rcpt(to) => self.recipient(to).await,
            Command::Data => self.data(),
            Command::Reset => {
                self.transaction = None;
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
        let protocol = self.settings.protocol;
        self.client = Some(service::Session { peer: self.peer.clone(), helo, extended, protocol });
        self.state.say(&if extended {
            greetings::extended_hello(&self.settings)
        } else {
            greetings::hello(&self.settings)
        });
    }

    async fn mail(&mut self, mail: Mail) {
        match self.begin(mail).await {
            Ok(transaction) => {
                self.state.begin(&transaction.id);
                self.transaction = Some(transaction);
                self.say(Say::SenderOk);
            }
            Err(reply) => self.answer(reply),
        }
    }

    /// RFC 5321 §4.1.1.2: judges MAIL, then asks the service for a transaction.
    async fn begin(&mut self, mail: Mail) -> Result<Transaction<S>, Reply> {
        let client = self.permit(&mail).map_err(Say::reply)?;
        let room = Room::open(&self.budget, &self.settings.limits, mail.size).await.map_err(|NoRoom| no_room())?;
        let id = next_id();
        let span = info_span!("transaction", transaction = %id);
        let Mail { reverse_path, transport, size, extended: _ } = mail;
        let mail = service::Mail { id: id.clone(), reverse_path, transport, size };
        let inner = self.service.begin(client, mail).instrument(span.clone()).await?;
        Ok(Transaction { id, inner, span, room, utf8: transport.utf8, declared: size, asked: 0, accepted: 0 })
    }

    fn permit(&self, mail: &Mail) -> Result<&service::Session, Say> {
        let client = self.client.as_ref().ok_or(Say::GreetFirst)?;
        if self.transaction.is_some() {
            // RFC 5321 §4.1.4: the open transaction goes on.
            Err(Say::NestedMail)
        } else if mail.extended && !client.extended {
            Err(Say::UnknownParameter)
        } else if mail.size.is_some_and(|size| size > self.settings.limits.message_size) {
            Err(Say::MessageTooLarge)
        } else if mail.reverse_path.address().is_some_and(Address::is_international) && !mail.transport.utf8 {
            Err(Say::NeedSmtpUtf8)
        } else {
            Ok(client)
        }
    }

    async fn recipient(&mut self, to: ForwardPath) {
        let Some(transaction) = &mut self.transaction else { return self.say(Say::NeedMail) };
        transaction.asked += 1;
        let limit = self.settings.limits.recipients;
        if transaction.asked > limit {
            // Told once for each, up to as many again: then it is no mail server.
            let is_deaf = transaction.asked > limit.saturating_mul(2);
            return self.say(if is_deaf { Say::TooManyErrors } else { Say::TooManyRecipients });
        }
        if needs_utf8(&to) && !transaction.utf8 {
            return self.say(Say::NeedSmtpUtf8);
        }
        if transaction.room.recipient(octets(&to)).is_err() {
            return self.tell(no_room());
        }
        let judging = self.service.recipient(&mut transaction.inner, to);
        let reply = judging.instrument(transaction.span.clone()).await;
        transaction.accepted += usize::from(reply.is_positive());
        // No error of the peer's: a list of recipients may hold any number of old ones.
        self.tell(reply);
    }

    /// RFC 5321 §3.3 and RFC 2033 §4.2: without a recipient there is nothing to receive; the
    /// transaction stays, and another RCPT may mend it.
    fn data(&mut self) {
        match &self.transaction {
            None => self.say(Say::NeedMail),
            Some(Transaction { accepted: 0, .. }) => self.say(Say::NeedRecipient),
            Some(_) => self.state.await_data(),
        }
    }

    /// RFC 2033 §4.2: one reply for each RCPT that was accepted. SMTP has one.
    fn replies_due(&self, transaction: &Transaction<S>) -> usize {
        match self.settings.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => transaction.accepted,
        }
    }

    /// In a task of its own: it goes on when the peer is gone, since what is relayed must be
    /// remembered; and should it panic, the peer is told to try again.
    fn hand_over(&self, transaction: Transaction<S>, bytes: Bytes) -> JoinHandle<Vec<Reply>> {
        let Transaction { inner, span, room, .. } = transaction;
        let bytes = room.around(bytes);
        let service = Arc::clone(&self.service);
        self.tasks.spawn(async move { service.message(inner, bytes).await }.instrument(span))
    }

    /// Counts what brings no message: everything but the steps of a transaction, which have limits of
    /// their own.
    fn count(&mut self, parsed: Result<Command, Say>) -> Result<Command, Say> {
        let is_step = self.is_in_transaction() && matches!(parsed, Ok(Command::Rcpt(_) | Command::Data));
        self.commands += usize::from(!is_step);
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

/// No reply at all: each that is due becomes a 451.
fn given_up(failure: &JoinError) -> Vec<Reply> {
    error!(%failure, "a message was given up");
    Vec::new()
}

fn no_room() -> Reply {
    info!("there is no memory for a message or a recipient now");
    Say::NoRoom.reply()
}

fn octets(path: &ForwardPath) -> usize {
    match path {
        ForwardPath::Address(address) => address.to_string().len(),
        ForwardPath::Postmaster => 0,
    }
}

fn needs_utf8(path: &ForwardPath) -> bool {
    match path {
        ForwardPath::Address(address) => address.is_international(),
        ForwardPath::Postmaster => false,
    }
}

/// A name that no other transaction of this process has.
fn next_id() -> TransactionId {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    TransactionId::new(clock::now().as_microsecond(), SERIAL.fetch_add(1, Ordering::Relaxed))
}
