//! Copies: BCC or journaling copies of mail that other systems sent. Learned, never relayed, never held.
//!
//! The mail itself has gone on its way: a copy is never refused, since a bounce of it would go to whoever
//! wrote the mail. It is answered 250 once what it teaches is on disk, or where it teaches nothing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::mail::{Address, Lesson, Reply, Say, ThreadId};
use crate::message::Message;
use crate::people::absence::NOTHING_SAID;
use crate::smtp::service::{Mail, Rcpt, Service, Session, Unfit};
use crate::{clock, events};

use super::House;
use super::plan::Desk;
use super::reception::address;
use super::{learning, settle};

/// The service behind a listener of role `copies`.
pub struct Copies(pub Arc<House>);

/// One transaction with a copy.
pub struct Transaction {
    session: Session,
    mail: Mail,
    recipients: Vec<Address>,
}

impl Service for Copies {
    type Transaction = Transaction;

    async fn begin(&self, session: &Session, mail: Mail) -> Result<Transaction, Reply> {
        Ok(Transaction { session: session.clone(), mail, recipients: Vec::new() })
    }

    /// Whatever the address of the archive is: only the peers in `allow` come here.
    async fn recipient(&self, transaction: &mut Transaction, rcpt: Rcpt) -> Reply {
        let Some(address) = address(rcpt.to, self.desk()) else { return settle::local_trouble() };
        transaction.recipients.push(address);
        Say::RecipientOk.reply()
    }

    /// The life of a copy.
    async fn message(&self, transaction: Transaction, bytes: Bytes) -> Vec<Reply> {
        let began = Instant::now();
        events::received(bytes.len());

        // read; nobody else learns the same mail meanwhile
        let message = Message::read(bytes);
        let Some(_claim) = learning::claim(&self.0.once, &message, began + self.0.outbound.patience).await else {
            return transaction.settle(None, settle::not_now(), began);
        };

        // match, decide
        let decided = self.decide(&message).await;

        // learn, settle
        let thread = decided.as_ref().ok().and_then(|lesson| lesson.as_ref()).map(|lesson| lesson.thread);
        let learned = match decided {
            Ok(lesson) => learning::learn(&self.0.threads, lesson, &message, clock::now()).await,
            Err(reply) => Err(reply),
        };
        let reply = learned.map_or_else(|refusal| refusal, |()| settle::done(&transaction.mail.id));
        transaction.settle(thread, reply, began)
    }

    /// Nothing is relayed, so nobody behind us could read it in another way: it only teaches nothing.
    fn unfit(&self, transaction: Transaction, why: &dyn fmt::Display) -> Result<Vec<Reply>, Unfit> {
        events::not_learned(why);
        let reply = settle::done(&transaction.mail.id);
        Ok(transaction.settle(None, reply, Instant::now()))
    }

    fn refuses_unfit(&self) -> bool {
        false
    }
}

impl Copies {
    fn desk(&self) -> Desk<'_> {
        self.0.desk(&NOTHING_SAID, 1)
    }

    /// What the copy teaches, if anything. Where the memory cannot tell what it knows, the copy waits with the
    /// peer: learned a second time and otherwise, an id would say nothing any more.
    async fn decide(&self, message: &Message) -> Result<Option<Lesson>, Reply> {
        let desk = self.desk();
        let known = self.0.threads.look_up(desk.question_of_copy(message)).await.map_err(|error| {
            events::deferred("copies", &error);
            settle::local_trouble()
        })?;
        match desk.lesson_of_copy(message, &known) {
            Ok(lesson) => Ok(Some(lesson)),
            Err(why) => {
                events::not_learned(&why);
                Ok(None)
            }
        }
    }
}

impl Transaction {
    fn settle(&self, thread: Option<ThreadId>, reply: Reply, began: Instant) -> Vec<Reply> {
        self.summarise(thread, &reply, began);
        settle::same_for_all(self.session.protocol, reply, self.recipients.len())
    }

    fn summarise(&self, thread: Option<ThreadId>, reply: &Reply, began: Instant) {
        for to in &self.recipients {
            events::settled(&events::Summary {
                from: &self.mail.reverse_path,
                to,
                kind: "-",
                evidence: "-",
                thread,
                rule: "-",
                fate: (!reply.is_positive()).then(|| settle::fate_of(reply)),
                destination: "-".into(),
                reply,
                took: began.elapsed(),
            });
        }
    }
}
