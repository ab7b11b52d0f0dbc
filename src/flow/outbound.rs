//! Outbound: automated mail, on its way to customers. Its id is learned before it goes.
//!
//! The envelope is kept: every recipient is passed to the next hop as it comes and the next hop's
//! own words are returned. The transaction with the next hop is opened at the first recipient (where that
//! fails, once for all of them), and opened anew at the end of data where it must say something else than was known then: fewer
//! recipients, since a retry's others are done, a signed reverse path, or 8-bit data.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::mail::{Failure, Reply};
use crate::message::Message;
use crate::people::absence::NOTHING_SAID;
use crate::relay::Recipient;
use crate::smtp::service::{Mail, Offers, Rcpt, Service, Session};
use crate::threads::{Durability, Found};
use crate::{clock, events, relay};

use super::House;
use super::parcel::{Parcel, Sent, answered, as_it_came, refused};
use super::plan::Desk;
use super::reception::address;
use super::settle;
use super::stamp::Stamp;

/// The service behind a listener of role `outbound`.
pub struct Outbound(pub Arc<House>);

/// One outbound transaction.
pub struct Transaction {
    pub(super) session: Session,
    pub(super) mail: Mail,
    /// Those whom the next hop accepted.
    pub(super) recipients: Vec<Recipient>,
    next_hop: NextHop,
    // How long the next hop may take for all recipients together: the peer waits.
    deadline: Instant,
}

/// How far a transaction has come with the next hop.
#[derive(Default)]
enum NextHop {
    /// It was not asked, or its connection was lost.
    #[default]
    Unasked,
    /// It is open.
    Open(Box<Passed>),
    /// It could not be opened, and is not tried again for each recipient.
    Failed(Failure),
}

/// A transaction with the next hop, and whom it has accepted in it.
pub(super) struct Passed {
    pub(super) transaction: relay::Transaction,
    pub(super) recipients: Vec<Recipient>,
}

impl Service for Outbound {
    type Transaction = Transaction;

    /// DSN is what the next hop was heard to offer: we write none ourselves, so the server in front must know
    /// whom it can leave that to. Not where signed return paths are wanted, since DSNs go to the sender's.
    fn offers(&self) -> Offers {
        Offers { dsn: !self.0.policy.stamp.return_path && self.0.outbound.relay.offers_dsn() }
    }

    async fn begin(&self, session: &Session, mail: Mail) -> Result<Transaction, Reply> {
        let deadline = Instant::now() + self.0.outbound.patience;
        let (session, next_hop) = (session.clone(), NextHop::Unasked);
        Ok(Transaction { session, mail, recipients: Vec::new(), next_hop, deadline })
    }

    async fn recipient(&self, transaction: &mut Transaction, Rcpt { to, dsn }: Rcpt) -> Reply {
        let Some(address) = address(to, self.desk()) else { return settle::local_trouble() };
        let recipient = Recipient { address, dsn };
        if let NextHop::Failed(failure) = &transaction.next_hop {
            return answered(&recipient.address, failure.clone());
        }
        match self.pass_on(transaction, &recipient).await {
            Ok(reply) => {
                transaction.recipients.push(recipient);
                reply
            }
            Err(failure) => refused(&recipient.address, failure),
        }
    }

    /// The life of an automated message.
    async fn message(&self, mut transaction: Transaction, bytes: Bytes) -> Vec<Reply> {
        let began = Instant::now();
        events::received(bytes.len());
        let passed = match std::mem::take(&mut transaction.next_hop) {
            NextHop::Open(passed) => Some(*passed),
            NextHop::Unasked | NextHop::Failed(_) => None,
        };

        // read
        let message = Message::read(bytes);
        let parcel = Parcel::new(&self.0, &transaction, &message, clock::now(), began);
        if let Some(reply) = self.desk().outbound_door(&message) {
            return parcel.refuse(reply);
        }

        // ask what was done and learned before; nobody else sends the same mail meanwhile
        let Some(_claim) = parcel.claim().await else { return parcel.refuse(settle::not_now()) };
        let Some(lesson) = parcel.claim_lesson().await else { return parcel.refuse(settle::not_now()) };
        let found = parcel.look_up().await;

        // stamp, learn
        let stamp = match self.learn(&parcel, &found).await {
            Ok(stamp) => stamp,
            Err(reply) => return parcel.refuse(reply),
        };
        drop(lesson);

        // relay, remember, settle
        let sent = parcel.relay(passed, stamp.as_ref(), &found).await;
        if let Ok(Sent::Now(_, recipients)) = &sent {
            parcel.remember_done(recipients).await;
        }
        parcel.settle(stamp.as_ref(), sent)
    }
}

impl Outbound {
    fn desk(&self) -> Desk<'_> {
        self.0.desk(&NOTHING_SAID, 1)
    }

    /// Passes a recipient on, opening the transaction with the next hop at the first one.
    async fn pass_on(&self, transaction: &mut Transaction, to: &Recipient) -> Result<Reply, Failure> {
        let opened = match std::mem::take(&mut transaction.next_hop) {
            NextHop::Open(passed) => Ok(passed),
            NextHop::Failed(failure) => Err(failure),
            NextHop::Unasked => self.open(transaction).await,
        };
        let mut passed = match opened {
            Ok(passed) => passed,
            Err(failure) => {
                transaction.next_hop = NextHop::Failed(failure.clone());
                return Err(failure);
            }
        };
        let answer = until(transaction.deadline, passed.transaction.recipient(to)).await;
        if answer.is_ok() {
            passed.recipients.push(to.clone());
        }
        // A lost connection loses the recipients before; the message then opens a transaction anew.
        if matches!(answer, Ok(_) | Err(Failure::Recipient(_))) {
            transaction.next_hop = NextHop::Open(passed);
        }
        answer
    }

    async fn open(&self, transaction: &Transaction) -> Result<Box<Passed>, Failure> {
        let mail = as_it_came(&transaction.mail);
        let transaction = until(transaction.deadline, self.0.outbound.relay.begin(&mail)).await?;
        Ok(Box::new(Passed { transaction, recipients: Vec::new() }))
    }

    /// A persona's address without the display name that tells whose mail it is: most likely a mistake
    /// of the application, and the answer to it would match nobody.
    fn wonder(&self, message: &Message) {
        let policy = &self.0.policy;
        let Some(author) = message.author() else { return };
        let (user, _) = author.address.split_detail(&policy.separators);
        if !policy.people.personas_at(&user).is_empty() {
            events::alarm(
                "automated mail from a shared address has no persona's display name: it is not learned",
                author,
            );
        }
    }

    /// Stamps the message and learns its id, on disk, before it goes: a reply must not overtake it.
    /// `Ok(None)` is mail of a stranger, which passes untouched.
    async fn learn(&self, parcel: &Parcel<'_>, found: &Found) -> Result<Option<Stamp>, Reply> {
        let desk = self.desk();
        let Some(persona) = desk.signing_persona(parcel.message) else {
            self.wonder(parcel.message);
            return Ok(None);
        };
        let stamp = desk.stamp(persona, parcel.message, Some(&parcel.mail.reverse_path), found);
        let Some(records) = parcel.learned(persona, &stamp) else { return Ok(Some(stamp)) };
        match self.0.threads.learn(records, Durability::Disk).await {
            Ok(()) => events::learned(stamp.thread, &persona.name.0, &stamp.skipped),
            Err(error) => {
                events::alarm("the id of an automated message could not be learned", &error);
                // The seed alone finds the thread; without one, the reply would find nobody.
                if !stamp.seeded {
                    return Err(settle::local_trouble());
                }
            }
        }
        Ok(Some(stamp))
    }
}

/// What is not answered by then, is not; what would begin later, does not begin.
async fn until<T>(deadline: Instant, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let over = || Failure::Unreachable("the time for the recipients of the message is over".into());
    if Instant::now() >= deadline {
        return Err(over());
    }
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(over()))
}
