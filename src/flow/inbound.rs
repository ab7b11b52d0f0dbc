//! Inbound: mail from customers, on its way to the people behind the personas.

use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{Instant, timeout_at};

use crate::events;
use crate::kept::Keeping;
use crate::mail::{Address, Leg, Outcome, Plan, Reply, ReversePath, Say};
use crate::message::Message;
use crate::people::absence::NOTHING_SAID;
use crate::smtp::service::{Mail, Rcpt, Service, Session};
use crate::threads::Durability;
use crate::threads::matcher::Recipient;

use super::House;
use super::insiders::Insider;
use super::legs::Journey;
use super::plan::{Arrival, Desk};
use super::reception::{address, hop};
use super::rescue;
use super::settle::{defer_all, fate_of, hold_rejections, local_trouble, same_for_all, settle};

/// The service behind a listener of role `inbound`.
///
/// It offers no DSN: whoever asked to be told of success would be told, by the next hop, the inbox that the
/// mail went to (RFC 3461 §9.2). The server in front tells its senders that the mail was relayed.
pub struct Inbound(pub Arc<House>);

/// One inbound transaction.
pub struct Transaction {
    session: Session,
    mail: Mail,
    recipients: Vec<(Address, Recipient)>,
}

impl Service for Inbound {
    type Transaction = Transaction;

    async fn begin(&self, session: &Session, mail: Mail) -> Result<Transaction, Reply> {
        Ok(Transaction { session: session.clone(), mail, recipients: Vec::new() })
    }

    async fn recipient(&self, transaction: &mut Transaction, rcpt: Rcpt) -> Reply {
        let desk = self.0.desk(&NOTHING_SAID, 0);
        let Some(address) = address(rcpt.to, desk).map(|address| desk.real(address)) else { return local_trouble() };
        match desk.recipient(&address) {
            Ok(recipient) => {
                transaction.recipients.push((address, recipient));
                Say::RecipientOk.reply()
            }
            Err(reply) => {
                events::rejected(&address, &reply);
                reply
            }
        }
    }

    /// The life of an inbound message.
    async fn message(&self, transaction: Transaction, bytes: Bytes) -> Vec<Reply> {
        let began = Instant::now();
        events::received(bytes.len());
        let Transaction { session, mail, recipients } = transaction;
        let absences = self.0.absences.snapshot();
        let desk = self.0.desk(&absences, recipients.len());

        // read
        let arrival = desk.read(Message::read(bytes), Some(mail.reverse_path.clone()), recipients);
        if let Some(reply) = desk.door(&arrival.message) {
            summarise_refusal(&arrival, &reply, began);
            return same_for_all(session.protocol, reply, arrival.recipients.len());
        }

        // match, classify, decide
        let question = desk.question(&arrival);
        let asks_for_turns = !question.pools.is_empty();
        let found = self.0.threads.look_up(question).await;
        // Its share in pools is under way until all is settled.
        let (mut planned, _share) = aside(self.0.policy.rules.list().len(), || {
            let reading = desk.reading(&arrival);
            self.0.turns.decide(asks_for_turns, found, |found| desk.plan_by(&reading, &arrival, found))
        });
        if let Some(reply) = defer_all(&mut planned.plans) {
            let replies = same_for_all(session.protocol, reply, planned.plans.len());
            summarise(&arrival, &planned.plans, &vec![Vec::new(); planned.plans.len()], &replies, began);
            return replies;
        }
        hold_rejections(session.protocol, &mut planned.plans);

        // edit, relay, remember
        let journey = self.journey(&session, &mail, &arrival, planned.insider.as_ref(), desk.now, began);
        let keeping = self.keep(&session, &mail, &arrival, &planned.plans, desk.now);
        let mut legs = Vec::new();
        for plan in &planned.plans {
            legs.push(journey.carry_out(plan).await);
        }
        // Last: a copy that hangs must take no time from what decides a reply.
        for (plan, legs) in planned.plans.iter().zip(&mut legs) {
            legs.extend(journey.make_copies(plan, legs).await);
        }

        self.note_absence(&desk, &arrival, &planned.plans, journey.deadline).await;
        self.end_keeping(keeping, &planned.plans, &legs).await;

        // settle
        let replies = settle(session.protocol, &mail.id, &legs);
        self.keep_what_is_done(&replies, &legs).await;
        summarise(&arrival, &planned.plans, &legs, &replies, began);
        replies
    }
}

impl Inbound {
    fn journey<'a>(
        &'a self,
        session: &'a Session,
        mail: &'a Mail,
        arrival: &'a Arrival,
        insider: Option<&Insider>,
        now: jiff::Timestamp,
        began: Instant,
    ) -> Journey<'a> {
        Journey {
            house: &self.0,
            arrival,
            id: &mail.id,
            hop: hop(session, mail),
            transport: mail.transport,
            is_by_one_of_ours: insider.is_some_and(|insider| insider.proved),
            came: now,
            now,
            deadline: began + self.0.inbound.patience,
        }
    }

    /// Begins to keep what is about to be handed on, for the day on which it may bounce.
    fn keep(&self, session: &Session, mail: &Mail, arrival: &Arrival, plans: &[Plan], now: jiff::Timestamp) -> Keeping {
        self.0.kept.begin(rescue::to_keep(session, mail, plans, now), arrival.message.bytes().clone())
    }

    /// A bounce finds it from now on. No message fails for the sake of its copy; what nobody was sent is not kept.
    async fn end_keeping(&self, keeping: Keeping, plans: &[Plan], legs: &[Vec<Leg>]) {
        let is_out = |leg: &Leg| matches!(leg.outcome, Outcome::Relayed | Outcome::Uncertain);
        let unsent = plans.iter().zip(legs).filter(|(_, legs)| !legs.iter().any(is_out));
        let unsent = unsent.filter_map(|(plan, _)| Some(plan.way_back.as_ref()?.copy)).collect();
        let kept = keeping.end().await;
        if let Err(error) = kept.and(self.0.kept.let_go(unsent).await) {
            events::alarm(
                "a copy of forwarded mail could not be kept: should it bounce, only the bounce is left",
                &error,
            );
        }
    }

    /// A vacation notice of one of ours is noted, where what it answers is still kept. It is held all the same: where
    /// it cannot be noted, an operator is told.
    async fn note_absence(&self, desk: &Desk<'_>, arrival: &Arrival, plans: &[Plan], deadline: Instant) {
        const UNNOTED: &str = "a person's own vacation notice could not be noted";
        let Some(copy) = desk.answered(arrival, plans) else { return };
        let handed_to = match timeout_at(deadline, self.0.kept.handed_to(copy)).await {
            Ok(Ok(handed_to)) => handed_to,
            Ok(Err(error)) => return events::alarm(UNNOTED, &error),
            Err(late) => return events::alarm(UNNOTED, &late),
        };
        let Some((person, notice)) = desk.notice(arrival, &handed_to, &TimeZone::system()) else { return };
        let (house, name) = (Arc::clone(&self.0), person.clone());
        let noting = tokio::task::spawn_blocking(move || house.absences.note(&name, notice));
        if let Err(error) = noting.await.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked))) {
            events::alarm(UNNOTED, &format!("{person}: {error}"));
        }
    }

    /// A 451 makes the peer send everything again: the legs that are done must outlive a power cut
    /// first. If they cannot, it is a 451 all the same: a copy rather than a loss.
    async fn keep_what_is_done(&self, replies: &[Reply], legs: &[Vec<Leg>]) {
        let again = replies.iter().any(Reply::is_transient);
        if again
            && legs.iter().flatten().any(|leg| leg.outcome.is_done())
            && let Err(error) = self.0.threads.learn(Vec::new(), Durability::Disk).await
        {
            events::alarm("legs that are done could not be brought to disk", &error);
        }
    }
}

/// So many rules are asked in no time, whatever they look for.
const FEW_RULES: usize = 50;

/// Decides, while other mail goes on where there are many rules: a stranger may write what thousands of them look for. A
/// thread more for each mail would cost memory, so few rules are asked at once. A runtime of one thread, as tests have
/// it, has nobody who could go on.
fn aside<T>(rules: usize, decide: impl FnOnce() -> T) -> T {
    let has_others = || Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if rules > FEW_RULES && has_others() { tokio::task::block_in_place(decide) } else { decide() }
}

/// One line for each recipient of a message that the door refuses.
fn summarise_refusal(arrival: &Arrival, reply: &Reply, began: Instant) {
    for (to, _) in &arrival.recipients {
        events::settled(&events::Summary {
            from: arrival.reverse_path.as_ref().unwrap_or(&ReversePath::Null),
            to,
            kind: "-",
            evidence: "-",
            thread: None,
            rule: "-",
            fate: Some(fate_of(reply)),
            destination: "-".into(),
            reply,
            took: began.elapsed(),
        });
    }
}

/// One line for each recipient.
fn summarise(arrival: &Arrival, plans: &[Plan], legs: &[Vec<Leg>], replies: &[Reply], began: Instant) {
    let each_reply = replies.iter().chain(std::iter::repeat(replies.last()).flatten());
    for ((plan, legs), reply) in plans.iter().zip(legs).zip(each_reply) {
        events::settled(&events::Summary {
            from: arrival.reverse_path.as_ref().unwrap_or(&ReversePath::Null),
            to: &plan.recipient,
            kind: plan.kind.into(),
            evidence: plan.matched.evidence.into(),
            thread: plan.matched.thread.or(plan.joins).or(plan.lesson.as_ref().map(|lesson| lesson.thread)),
            rule: &plan.rule,
            fate: Some(plan.fate.name()),
            destination: destination(legs),
            reply,
            took: began.elapsed(),
        });
    }
}

/// Where the legs ended, with what is noteworthy about it.
fn destination(legs: &[Leg]) -> String {
    let ends = legs.iter().map(|leg| match leg.outcome {
        Outcome::Relayed | Outcome::Held | Outcome::Discarded | Outcome::Refused(_) | Outcome::Deferred(_) => {
            leg.destination.clone()
        }
        Outcome::Collapsed => format!("{}:suppressed", leg.destination),
        Outcome::Uncertain => format!("{}:uncertain", leg.destination),
    });
    if legs.is_empty() { "-".to_owned() } else { ends.collect::<Vec<_>>().join(",") }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_takes_long_stops_no_other_mail() {
        let deciding = tokio::spawn(async {
            let (other_mail, answer) = mpsc::channel();
            tokio::spawn(async move { other_mail.send(()) });
            aside(usize::MAX, || answer.recv_timeout(Duration::from_secs(10)))
        });
        assert_eq!(deciding.await.unwrap(), Ok(()));
    }
}
