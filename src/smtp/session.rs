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
use super::chunks::{Came, Chunk};
use super::command::{self, Bdat, Command, Hello, HelloVerb, Mail};
use super::content::{Content, Fault};
use super::data::Receiver;
use super::greetings;
use super::room::Room;
use super::service::{self, ForwardPath, Offers, Peer, Protocol, Rcpt, Service};
use super::settings::Settings;
use super::state::{self, State, Then};
use super::tls::Tls;
use super::xforward::{Attributes, Forwarded};
use crate::clock;
use crate::mail::dsn::OriginalRecipient;
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
    /// What came in chunks so far, once one has.
    content: Option<Content>,
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

    /// The octets of a chunk.
    pub(super) async fn chunk(&mut self, chunk: Chunk) {
        match chunk.finish() {
            Came::Refused(say) => self.say(say),
            Came::Part(content) => self.part(content),
            Came::Last(content) => return self.message(content).await,
        }
        self.limit_errors();
    }

    /// RFC 3030 §2: a sender that hears a refusal sends no more of the message. Chunks that it has sent already
    /// are told the same, as the last one will be; they are no errors of their own.
    fn part(&mut self, content: Content) {
        let is_told = |fault: &Fault| fault.is_temporary() || self.service.refuses_unfit();
        let fault = content.fault().filter(is_told);
        self.tell(fault.map_or(Say::ChunkTaken, Say::from).reply());
        if let Some(transaction) = &mut self.transaction {
            transaction.content = Some(content);
        }
    }

    /// The data of a message: hands it to the service, or refuses it.
    pub(super) async fn message(&mut self, content: Content) {
        self.state.end();
        let received = self.received(content).await;
        // A message comes only after DATA or BDAT, which leave a transaction open.
        let Some(transaction) = self.transaction.take() else { return };
        let due = self.replies_due(&transaction);
        let mut replies = match received {
            Ok(bytes) => self.hand_over(transaction, bytes).await.unwrap_or_else(|failure| given_up(&failure)),
            Err(fault) => {
                let Transaction { inner, span, .. } = transaction;
                // What may be well later is never the service's to judge: nobody has seen the message.
                let judged = if fault.is_temporary() {
                    Err(service::Unfit)
                } else {
                    span.in_scope(|| self.service.unfit(inner, &fault))
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
        // One error of the peer's at most, to however many recipients it was sent.
        self.errors += usize::from(replies.iter().any(Reply::is_permanent));
        replies.into_iter().for_each(|reply| self.tell(reply));
        self.limit_errors();
    }

    /// The message, with what it takes to read it: whoever waits for that has the whole message already.
    async fn received(&mut self, content: Content) -> Result<Bytes, Fault> {
        let header = content.header();
        let message = content.finish()?;
        let Some(transaction) = &mut self.transaction else { return Err(Fault::NoRoom) };
        let room = transaction.room.whole(message.len(), header).await;
        room.map(|()| message).map_err(|NoRoom| Fault::NoRoom)
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

    async fn mail(&mut self, mail: Mail) {
        match self.begin(mail).await {
            Ok(transaction) => {
                self.state.begin(&transaction.id);
                self.transaction = Some(transaction);
                // It was told of this transaction; one that was refused may be tried again.
                self.forwarded = Forwarded::default();
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
        let span = info_span!("transaction", transaction = %id, client = self.forwarded.client().map(display));
        span.in_scope(|| self.forwarded.log());
        let Mail { reverse_path, transport, size, dsn, extended: _ } = mail;
        let mail = service::Mail { id: id.clone(), reverse_path, transport, size, dsn };
        let inner = self.service.begin(client, mail).instrument(span.clone()).await?;
        Ok(Transaction {
            id,
            inner,
            span,
            room,
            utf8: transport.utf8,
            declared: size,
            asked: 0,
            accepted: 0,
            content: None,
        })
    }

    fn permit(&self, mail: &Mail) -> Result<&service::Session, Say> {
        let client = self.client.as_ref().ok_or(Say::GreetFirst)?;
        if self.transaction.is_some() {
            // RFC 5321 §4.1.4: the open transaction goes on.
            Err(Say::NestedMail)
        } else if (mail.extended && !client.extended) || !(mail.dsn.is_empty() || self.offers.dsn) {
            Err(Say::UnknownParameter)
        } else if mail.size.is_some_and(|size| size > self.settings.limits.message_size) {
            Err(Say::MessageTooLarge)
        } else if mail.reverse_path.address().is_some_and(Address::is_international) && !mail.transport.utf8 {
            Err(Say::NeedSmtpUtf8)
        } else {
            Ok(client)
        }
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

    async fn recipient(&mut self, rcpt: Rcpt) {
        let Some(transaction) = &mut self.transaction else { return self.say(Say::NeedMail) };
        if transaction.content.is_some() {
            return self.say(Say::InsideChunks);
        }
        transaction.asked += 1;
        let limit = self.settings.limits.recipients;
        if transaction.asked > limit {
            // Told once for each, up to as many again: then it is no mail server.
            let is_deaf = transaction.asked > limit.saturating_mul(2);
            return self.say(if is_deaf { Say::TooManyErrors } else { Say::TooManyRecipients });
        }
        if !(rcpt.dsn.is_empty() || self.offers.dsn) {
            return self.say(Say::UnknownParameter);
        }
        if needs_utf8(&rcpt) && !transaction.utf8 {
            return self.say(Say::NeedSmtpUtf8);
        }
        if transaction.room.recipient(octets(&rcpt)).is_err() {
            return self.tell(no_room());
        }
        let judging = self.service.recipient(&mut transaction.inner, rcpt);
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
            // RFC 3030 §2: a message comes in one way or the other.
            Some(Transaction { content: Some(_), .. }) => self.say(Say::InsideChunks),
            Some(_) => self.state.await_data(),
        }
    }

    /// RFC 3030 §2: the octets are on their way, whatever we think of the command.
    fn bdat(&mut self, bdat: Bdat) {
        let empty = |declared| Content::new(&self.settings.limits, declared);
        self.chunk = Some(match &mut self.transaction {
            None => Chunk::refused(empty(None), bdat, Say::NeedMail),
            Some(Transaction { accepted: 0, .. }) => Chunk::refused(empty(None), bdat, Say::NeedRecipient),
            Some(Transaction { content, declared, .. }) => {
                Chunk::of(content.take().unwrap_or_else(|| empty(*declared)), bdat)
            }
        });
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

/// No reply at all: each that is due becomes a 451.
fn given_up(failure: &JoinError) -> Vec<Reply> {
    error!(%failure, "a message was given up");
    Vec::new()
}

fn no_room() -> Reply {
    info!("there is no memory for a message or a recipient now");
    Say::NoRoom.reply()
}

/// Octets of what RCPT says.
fn octets(rcpt: &Rcpt) -> usize {
    let address = match &rcpt.to {
        ForwardPath::Address(address) => address.to_string().len(),
        ForwardPath::Postmaster => 0,
    };
    address + rcpt.dsn.original.as_ref().map_or(0, |original| original.to_string().len())
}

fn needs_utf8(rcpt: &Rcpt) -> bool {
    let is_international = match &rcpt.to {
        ForwardPath::Address(address) => address.is_international(),
        ForwardPath::Postmaster => false,
    };
    is_international || rcpt.dsn.original.as_ref().is_some_and(OriginalRecipient::is_international)
}

/// A name that no other transaction of this process has.
fn next_id() -> TransactionId {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    TransactionId::new(clock::now().as_microsecond(), SERIAL.fetch_add(1, Ordering::Relaxed))
}
