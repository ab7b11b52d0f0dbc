//! A parcel: one automated message with its envelope, and the steps of the outbound flow that need
//! nothing else.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::mail::dsn::{PerMessage, PerRecipient};
use crate::mail::{Address, Edits, Failure, Lesson, Reply, ReversePath, Transport};
use crate::message::{Message, edit, trace};
use crate::people::Persona;
use crate::relay::Recipient;
use crate::smtp::service::{Mail, Session};
use crate::threads::{DestinationHash, Durability, Fingerprint, Found, Query, Record, RetryKey};
use crate::{events, relay};

use super::House;
use super::learning;
use super::once::Claim;
use super::outbound::{Passed, Transaction};
use super::reception::hop;
use super::settle;
use super::stamp::{self, Stamp};

/// One automated message with its envelope.
pub(super) struct Parcel<'a> {
    pub(super) house: &'a House,
    pub(super) session: &'a Session,
    pub(super) mail: &'a Mail,
    pub(super) recipients: &'a [Recipient],
    pub(super) message: &'a Message,
    now: jiff::Timestamp,
    began: Instant,
    deadline: Instant,
}

/// How a message was sent.
pub(super) enum Sent {
    /// The next hop took it now, for these recipients, and said this.
    Now(Reply, Vec<Recipient>),
    /// It had reached all its recipients before.
    Before,
}

/// MAIL to the next hop as it came to us, before anything of the message is known.
pub(super) fn as_it_came(mail: &Mail) -> relay::Mail {
    let Mail { id: _, reverse_path, transport, size, dsn } = mail.clone();
    relay::Mail { reverse_path, transport, size, dsn }
}

impl<'a> Parcel<'a> {
    pub(super) fn new(
        house: &'a House,
        transaction: &'a Transaction,
        message: &'a Message,
        now: jiff::Timestamp,
        began: Instant,
    ) -> Self {
        let Transaction { session, mail, recipients, .. } = transaction;
        Self { house, session, mail, recipients, message, now, began, deadline: began + house.outbound.patience }
    }

    /// Waits until nobody else learns this mail, such as a copy of it that comes at the same time.
    pub(super) async fn claim_lesson(&self) -> Option<Claim> {
        learning::claim(&self.house.once, self.message, self.deadline).await
    }

    /// Waits until nobody else sends this mail to any of these recipients. One after the other in an
    /// order that all share, so that two never wait for each other.
    pub(super) async fn claim(&self) -> Option<Vec<Claim>> {
        let mut legs: Vec<DestinationHash> = self.recipients.iter().map(|to| leg(&to.address)).collect();
        legs.sort_unstable();
        legs.dedup();
        let mut claims = Vec::new();
        for leg in legs {
            claims.push(self.house.once.claim(Fingerprint::of(self.message), leg, self.deadline).await?);
        }
        Some(claims)
    }

    /// What the memory knows of this mail. Where it cannot tell, the mail goes out as if it were new:
    /// a copy is better than a loss.
    pub(super) async fn look_up(&self) -> Found {
        let retries = self.recipients.iter().map(|to| self.retry_key(&to.address)).collect();
        let query = Query { retries, ..stamp::question(self.message) };
        self.house.threads.look_up(query).await.unwrap_or_else(|error| {
            events::alarm("the memory could not be asked about an automated message", &error);
            Found::default()
        })
    }

    /// What is to be learned: nothing where the message has no id and may be given none.
    pub(super) fn learned(&self, persona: &Persona, stamp: &Stamp) -> Option<Vec<Record>> {
        let addresses: Vec<Address> = self.recipients.iter().map(|to| to.address.clone()).collect();
        let lesson = Lesson {
            message_id: stamp.message_id.clone()?,
            thread: stamp.thread,
            persona: persona.name.clone(),
            correspondents: self.house.policy.customers(&addresses),
            writer: None,
            campaign: learning::campaign(self.message, &self.house.policy),
        };
        Some(learning::records(lesson, self.message, self.now))
    }

    /// Sends the message to those whom it has not reached before, in the transaction that is open
    /// where that says what is right.
    pub(super) async fn relay(
        &self,
        passed: Option<Passed>,
        stamp: Option<&Stamp>,
        found: &Found,
    ) -> Result<Sent, Failure> {
        let mut open = self.not_reached(found);
        if open.is_empty() {
            events::suppressed("every recipient");
            return Ok(Sent::Before);
        }
        let pieces = self.pieces(stamp);
        let mut mail = self.mail_now();
        if let Some(path) = stamp.and_then(|stamp| stamp.reverse_path.clone()) {
            replace_reverse_path(path, &mut mail, &mut open);
        }
        let is_right = |passed: &Passed| mail == as_it_came(self.mail) && open == passed.recipients;
        // Begun now, it would be given up at once, and be in doubt where nobody had to doubt.
        if Instant::now() >= self.deadline {
            return Err(Failure::Unreachable("the time for the message is over".into()));
        }
        let send = async {
            if let Some(passed) = passed.filter(is_right) {
                match passed.transaction.data(&pieces).await {
                    // A slow peer outlasts the next hop's patience: nothing was handed on yet.
                    Err(Failure::Unreachable(_)) => {}
                    sent => return sent,
                }
            }
            self.open_anew(&mail, &open).await?.data(&pieces).await
        };
        let late = || Failure::Uncertain("the time for the message is over".into());
        let reply = timeout_at(self.deadline, send).await.unwrap_or_else(|_| Err(late()))?;
        events::relayed("next hop", &reply);
        Ok(Sent::Now(reply, open))
    }

    /// A transaction that says what is now known to be right. The next hop accepted all these
    /// recipients before: what it refuses now is in doubt, not final.
    async fn open_anew(&self, mail: &relay::Mail, recipients: &[Recipient]) -> Result<relay::Transaction, Failure> {
        let mut transaction = self.house.outbound.relay.begin(mail).await?;
        for recipient in recipients {
            transaction.recipient(recipient).await.map_err(|failure| match failure {
                Failure::Recipient(reply) => {
                    Failure::Unreachable(format!("{} was accepted before, now: {reply}", recipient.address))
                }
                Failure::Us(_)
                | Failure::Unfit(_)
                | Failure::Unsupported(_)
                | Failure::Unreachable(_)
                | Failure::Uncertain(_) => failure,
            })?;
        }
        Ok(transaction)
    }

    fn not_reached(&self, found: &Found) -> Vec<Recipient> {
        let is_done = |Recipient { address, dsn: _ }: &&Recipient| {
            let before = found.retries.get(&self.retry_key(address));
            before.is_some_and(|before| before.done.contains(&leg(address)))
        };
        self.recipients.iter().filter(|to| !is_done(to)).cloned().collect()
    }

    fn pieces(&self, stamp: Option<&Stamp>) -> Vec<Bytes> {
        let mut edits = stamp.map_or_else(Edits::default, |stamp| stamp.edits.clone());
        let mut hop = hop(self.session, self.mail);
        // One recipient is no secret to himself; several must not see each other (RFC 5321 §7.2).
        hop.recipient = self.recipients.first().map(|to| &to.address).filter(|_| self.recipients.len() == 1);
        edits.prepend = vec![trace::received(&hop, &self.house.policy.hostname, &self.mail.id, self.now)];
        edit::apply(self.message, &edits)
    }

    /// MAIL as it must be now that the message is known.
    fn mail_now(&self) -> relay::Mail {
        let mut mail = as_it_came(self.mail);
        let is_eight_bit = !self.message.bytes().is_ascii();
        mail.transport = Transport { eight_bit: mail.transport.eight_bit || is_eight_bit, ..mail.transport };
        mail
    }

    /// A retry after a lost 250 must not send these again.
    pub(super) async fn remember_done(&self, reached: &[Recipient]) {
        let twin = Fingerprint::of(self.message);
        let done = |Recipient { address, dsn: _ }: &Recipient| Record::Done {
            retry: self.retry_key(address),
            twin,
            destination: leg(address),
            at: self.now.as_second(),
        };
        let records = reached.iter().map(done).collect();
        if let Err(error) = self.house.threads.learn(records, Durability::Written).await {
            events::alarm("automated mail that went out could not be remembered", &error);
        }
    }

    /// The reply, in the next hop's own words, and a line in the log for each recipient.
    pub(super) fn settle(&self, stamp: Option<&Stamp>, sent: Result<Sent, Failure>) -> Vec<Reply> {
        let reply = match sent {
            Ok(Sent::Now(mut reply, _)) => {
                reply.text = format!("{} ({})", reply.text, self.mail.id);
                reply
            }
            Ok(Sent::Before) => settle::done(&self.mail.id),
            Err(failure) => refused(&"next hop", failure),
        };
        self.summarise(stamp, &reply);
        settle::same_for_all(self.session.protocol, reply, self.recipients.len())
    }

    /// Refuses the message for all recipients.
    pub(super) fn refuse(&self, reply: Reply) -> Vec<Reply> {
        self.summarise(None, &reply);
        settle::same_for_all(self.session.protocol, reply, self.recipients.len())
    }

    fn summarise(&self, stamp: Option<&Stamp>, reply: &Reply) {
        for Recipient { address: to, dsn: _ } in self.recipients {
            events::settled(&events::Summary {
                from: &self.mail.reverse_path,
                to,
                kind: "-",
                evidence: "-",
                thread: stamp.map(|stamp| stamp.thread),
                rule: "-",
                fate: Some(settle::fate_of(reply)),
                destination: to.to_string(),
                reply,
                took: self.began.elapsed(),
            });
        }
    }

    /// What is asked of notifications is no part of it: mail that comes again, asking otherwise, is the same mail.
    fn retry_key(&self, to: &Address) -> RetryKey {
        RetryKey::new(self.message.bytes_hash(), &self.mail.reverse_path, to)
    }
}

/// Where bounces go to us, what the sender asked of notifications is dropped: it would not be told them.
fn replace_reverse_path(path: ReversePath, mail: &mut relay::Mail, recipients: &mut [Recipient]) {
    if path == mail.reverse_path {
        return;
    }
    mail.reverse_path = path;
    mail.dsn = PerMessage::default();
    recipients.iter_mut().for_each(|to| to.dsn = PerRecipient::default());
}

/// The reply to what the next hop did not take; the log has why, and an operator sees what somebody must mend.
pub(super) fn refused(about: &dyn std::fmt::Display, failure: Failure) -> Reply {
    if failure.is_about_setup() {
        events::alarm("nothing can be handed to the next hop", &failure);
    }
    answered(about, failure)
}

/// As [`refused`], where an operator was told before.
pub(super) fn answered(about: &dyn std::fmt::Display, failure: Failure) -> Reply {
    let (why, reply) = (failure.to_string(), settle::refusal(failure));
    events::refused(about, &why, &reply);
    reply
}

/// The leg to a customer, apart from an inbound leg to the same address.
fn leg(to: &Address) -> DestinationHash {
    DestinationHash::new(&format!("outbound/{}", to.folded()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> (relay::Mail, [Recipient; 1]) {
        let mail = relay::Mail {
            reverse_path: ReversePath::Address("app@acme.example".parse().unwrap()),
            transport: Transport::default(),
            size: None,
            dsn: PerMessage { ret: "FULL".parse().ok(), envelope_id: "x".parse().ok() },
        };
        let dsn = PerRecipient { notify: "SUCCESS".parse().ok(), original: "rfc822;ann@customer.example".parse().ok() };
        (mail, [Recipient { address: "ann@customer.example".parse().unwrap(), dsn }])
    }

    #[test]
    fn what_the_sender_asked_goes_with_its_reverse_path() {
        let (mut mail, mut recipients) = envelope();
        let path = mail.reverse_path.clone();
        replace_reverse_path(path, &mut mail, &mut recipients);
        assert_eq!((&mail, &recipients), (&envelope().0, &envelope().1), "the same path");

        let ours = ReversePath::Address("bounce+x@replies.acme.example".parse().unwrap());
        replace_reverse_path(ours.clone(), &mut mail, &mut recipients);
        assert_eq!(mail, relay::Mail { reverse_path: ours, dsn: PerMessage::default(), ..envelope().0 });
        assert_eq!(recipients, [Recipient { dsn: PerRecipient::default(), ..envelope().1[0].clone() }]);
    }
}
