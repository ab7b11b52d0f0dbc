//! One transaction: MAIL, its recipients, the message by DATA or in chunks, and its replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument, Span, error, info, info_span};

use super::Session;
use crate::clock;
use crate::mail::dsn::OriginalRecipient;
use crate::mail::{Address, Reply, Say, TransactionId};
use crate::smtp::budget::{NoRoom, Reservation};
use crate::smtp::chunks::{Came, Chunk};
use crate::smtp::command::{Bdat, Mail};
use crate::smtp::content::{Content, Fault};
use crate::smtp::room::Room;
use crate::smtp::service::{self, ForwardPath, Protocol, Rcpt, Service};
use crate::smtp::xforward::Forwarded;

/// MAIL to the end of data. Dropped, nothing was promised.
pub(super) struct Transaction<S: Service> {
    id: TransactionId,
    /// What the service keeps.
    inner: S::Transaction,
    span: Span,
    /// Its memory.
    room: Room,
    /// MAIL asked for SMTPUTF8: RCPT may be international.
    utf8: bool,
    /// `SIZE` of MAIL.
    pub(super) declared: Option<u64>,
    /// RCPT commands, and those among them that were accepted.
    asked: usize,
    accepted: usize,
    /// What came in chunks so far, once one has.
    content: Option<Content>,
}

impl<S: Service> Session<S> {
    pub(super) async fn mail(&mut self, mail: Mail) {
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

    pub(super) async fn recipient(&mut self, rcpt: Rcpt) {
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
    pub(super) fn data(&mut self) {
        match &self.transaction {
            None => self.say(Say::NeedMail),
            Some(Transaction { accepted: 0, .. }) => self.say(Say::NeedRecipient),
            // RFC 3030 §2: a message comes in one way or the other.
            Some(Transaction { content: Some(_), .. }) => self.say(Say::InsideChunks),
            Some(_) => self.state.await_data(),
        }
    }

    /// RFC 3030 §2: the octets are on their way, whatever we think of the command.
    pub(super) fn bdat(&mut self, bdat: Bdat) {
        let empty = |declared| Content::new(&self.settings.limits, declared);
        self.chunk = Some(match &mut self.transaction {
            None => Chunk::refused(empty(None), bdat, Say::NeedMail),
            Some(Transaction { accepted: 0, .. }) => Chunk::refused(empty(None), bdat, Say::NeedRecipient),
            Some(Transaction { content, declared, .. }) => {
                Chunk::of(content.take().unwrap_or_else(|| empty(*declared)), bdat)
            }
        });
    }

    /// The memory that the open transaction holds.
    pub(in crate::smtp) fn reservation(&self) -> Option<&Reservation> {
        self.transaction.as_ref().map(|transaction| transaction.room.reservation())
    }

    /// Waits for a buffer of so many octets for the data.
    pub(in crate::smtp) async fn make_room(&mut self, capacity: usize) -> Result<(), NoRoom> {
        let Some(transaction) = &mut self.transaction else { return Err(NoRoom) };
        transaction.room.buffer(capacity as u64).await
    }

    /// Gives back the memory of data that are thrown away.
    pub(in crate::smtp) fn free_room(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.room.without_data();
        }
    }

    /// The octets of a chunk.
    pub(in crate::smtp) async fn chunk(&mut self, chunk: Chunk) {
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
    pub(in crate::smtp) async fn message(&mut self, content: Content) {
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
