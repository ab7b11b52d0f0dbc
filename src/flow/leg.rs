//! One leg: a message on its way to one place, be it an inbox, an address of the fallback, or `held/`.
//!
//! It is claimed, so that nobody else sends the same mail there meanwhile; looked up, so that it does not get there
//! twice; sent; and remembered.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::events;
use crate::held::About;
use crate::mail::dsn::PerMessage;
use crate::mail::{
    Address, Edits, Failure, FateName, HoldReason, Leg, Outcome, Plan, Reply, ReversePath, Say, Transport,
};
use crate::message::trace::Hop;
use crate::message::{edit, trace};
use crate::relay::{self, Recipient};
use crate::threads::{DestinationHash, Query, Twin};

use super::House;
use super::legs::Journey;
use super::once::Claim;
use super::remember::{given_up, in_doubt, inbox};
use super::settle;

/// Who did a leg before.
enum Before {
    /// This very mail.
    ByThis,
    /// The same mail, through another alias.
    ByTwin,
}

/// Why an address does not take a message, now or later; with the next hop's words.
pub(super) enum Refusal {
    /// This inbox refuses: another one may take it.
    Inbox(String),
    /// The message is too large for the next hop: no other inbox helps.
    Size(String),
}

/// Why nothing is begun, or waited for, after the deadline.
const OVER: &str = "the time for all legs of the message is over";

impl Refusal {
    pub(super) fn words(self) -> String {
        match self {
            Self::Inbox(words) | Self::Size(words) => words,
        }
    }
}

impl Journey<'_> {
    /// Sends to an address of the fallback, or to one that gets a copy: what fails there goes to nobody else. Inboxes were
    /// asked about loops when the plan was made.
    pub(super) async fn send_instead(&self, plan: &Plan, to: &Recipient) -> Result<Leg, Refusal> {
        let House { policy, keys, .. } = self.house;
        if trace::is_loop(&self.arrival.message, &policy.hostname, &to.address, keys) {
            let reply = Say::BeenThere.reply();
            return Err(refused_by(&to.address, &reply));
        }
        match &plan.way_back {
            Some(way) => self.send_once(&Plan { reverse_path: Some(way.last.clone()), ..plan.clone() }, to).await,
            None => self.send_once(plan, to).await,
        }
    }

    /// Sends a leg unless the same mail is there already; what is done is remembered at once.
    pub(super) async fn send_once(&self, plan: &Plan, to: &Recipient) -> Result<Leg, Refusal> {
        let (name, place) = (to.address.folded(), inbox(&to.address));
        let _claim = match self.claim(plan, &name, place).await {
            Ok(claim) => claim,
            Err(leg) => return Ok(leg),
        };
        let leg = self.send(plan, to).await?;
        match leg.outcome {
            Outcome::Relayed => self.remember_told(plan, place, FateName::Forward).await,
            // It lies in `held/`.
            Outcome::Held | Outcome::Collapsed => self.remember_done(plan, given_up(&name)).await,
            // It is sent there again, and to no stand-in.
            Outcome::Uncertain => self.remember_done(plan, in_doubt(&name)).await,
            Outcome::Discarded | Outcome::Refused(_) | Outcome::Deferred(_) => {}
        }
        Ok(leg)
    }

    /// The right to send this mail to a destination, or the leg as it is without sending.
    async fn claim(&self, plan: &Plan, name: &str, destination: DestinationHash) -> Result<Claim, Leg> {
        let claim = self.house.once.claim(self.arrival.twin(), destination, self.deadline).await;
        let Some(claim) = claim else {
            events::deferred(name, &"another copy of the same mail is still on its way there");
            return Err(Leg::new(name, Outcome::Deferred(settle::not_now())));
        };
        match self.done_before(plan, name, destination).await {
            None => return Ok(claim),
            Some(Before::ByThis) => {}
            // A retry of this mail may come when the other one is forgotten as such. Not under the destination
            // itself: what was collapsed makes the time in which it collapses no longer.
            Some(Before::ByTwin) => self.remember_done(plan, given_up(name)).await,
        }
        events::suppressed(name);
        Err(Leg::new(name, Outcome::Collapsed))
    }

    /// Who did this leg before, if anybody. Where the memory cannot tell, a copy is better than a loss.
    async fn done_before(&self, plan: &Plan, name: &str, to: DestinationHash) -> Option<Before> {
        let retry = self.arrival.retry_key(&plan.recipient);
        let query = Query { retries: vec![retry], twin: Some(self.arrival.twin()), ..Query::default() };
        let found = self.house.threads.look_up(query).await.ok()?;
        let ends = [to, given_up(name)];
        if found.retries.get(&retry).is_some_and(|before| ends.iter().any(|end| before.done.contains(end))) {
            return Some(Before::ByThis);
        }
        self.is_collapsed(found.twin.as_ref(), to).then_some(Before::ByTwin)
    }

    fn is_collapsed(&self, twin: Option<&Twin>, to: DestinationHash) -> bool {
        let window = i64::try_from(self.house.policy.inbound.collapse.as_secs()).unwrap_or(i64::MAX);
        let since = self.now.as_second().saturating_sub(window);
        twin.is_some_and(|twin| twin.done.iter().any(|(destination, at)| *destination == to && *at > since))
    }

    async fn send(&self, plan: &Plan, recipient: &Recipient) -> Result<Leg, Refusal> {
        let to = &recipient.address;
        match self.hand_over(plan, recipient).await {
            Ok(reply) => {
                events::relayed(&to.to_string(), &reply);
                Ok(Leg::new(to.to_string(), Outcome::Relayed))
            }
            Err(Failure::Recipient(reply)) if reply.is_permanent() => Err(refused_by(to, &reply)),
            Err(failure) if failure.is_about_size() => {
                events::deferred(&to.to_string(), &failure);
                Err(Refusal::Size(failure.to_string()))
            }
            Err(failure) => Ok(self.not_taken(plan, to, failure).await),
        }
    }

    async fn hand_over(&self, plan: &Plan, to: &Recipient) -> Result<Reply, Failure> {
        // Begun now, it would be given up at once, and be in doubt where nobody had to doubt.
        if Instant::now() >= self.deadline {
            return Err(Failure::Unreachable(OVER.into()));
        }
        let transport = self.transport_to(plan, &to.address);
        let message = self.message_for(plan, &to.address, transport);
        let mail = relay::Mail {
            reverse_path: plan.reverse_path.clone().unwrap_or(ReversePath::Null),
            transport,
            size: Some(message.iter().map(|piece| piece.len() as u64).sum()),
            dsn: PerMessage::default(),
        };
        let sent = timeout_at(self.deadline, self.house.inbound.relay.hand_over(&mail, to, &message)).await;
        // Whether the final dot was sent by then is not known.
        sent.unwrap_or_else(|_| Err(Failure::Uncertain(OVER.into())))
    }

    /// What was not taken, and not refused for good either.
    async fn not_taken(&self, plan: &Plan, to: &Address, failure: Failure) -> Leg {
        let outcome = match &failure {
            Failure::Unsupported(_) => {
                events::deferred(&to.to_string(), &failure);
                return self.hold(plan, HoldReason::Unsupported, failure.to_string()).await;
            }
            Failure::Uncertain(_) => Outcome::Uncertain,
            Failure::Us(_) | Failure::Unfit(_) => {
                events::alarm("nothing can be handed to the next hop", &failure);
                Outcome::Deferred(settle::not_now())
            }
            Failure::Recipient(_) | Failure::Unreachable(_) => Outcome::Deferred(settle::not_now()),
        };
        events::deferred(&to.to_string(), &failure);
        Leg::new(to.to_string(), outcome)
    }

    /// Keeps the message for an operator, once for each persona and reason: an answer to many
    /// subaddresses of one persona is one answer.
    pub(super) async fn hold(&self, plan: &Plan, reason: HoldReason, why: String) -> Leg {
        let place = self.held_for(plan, reason);
        let _claim = match self.claim(plan, &held_name(reason), place).await {
            Ok(claim) => claim,
            Err(leg) => return leg,
        };
        let leg = self.keep(plan, reason, why).await;
        if leg.outcome.is_done() {
            self.remember_told(plan, place, FateName::Hold).await;
        }
        leg
    }

    fn held_for(&self, plan: &Plan, reason: HoldReason) -> DestinationHash {
        let user = || plan.recipient.split_detail(&self.house.policy.separators).0.folded();
        let whose = plan.matched.persona.as_ref().map_or_else(user, ToString::to_string);
        DestinationHash::new(&format!("{}/{whose}", held_name(reason)))
    }

    /// Writes the message as it came.
    async fn keep(&self, plan: &Plan, reason: HoldReason, why: String) -> Leg {
        let about = About {
            transaction: self.id.clone(),
            reverse_path: self.arrival.reverse_path.clone().unwrap_or(ReversePath::Null),
            recipient: plan.recipient.clone(),
            why,
        };
        match self.house.held.keep(reason, &about, &[self.arrival.message.bytes().clone()], self.now).await {
            Ok(place) => {
                events::held(&place.display().to_string());
                Leg::new(held_name(reason), Outcome::Held)
            }
            Err(error) => {
                events::alarm("a message could not be held", &error);
                Leg::new(held_name(reason), Outcome::Deferred(settle::local_trouble()))
            }
        }
    }

    /// The message with our trace fields above it; all other bytes as they came.
    fn message_for(&self, plan: &Plan, to: &Address, transport: Transport) -> Vec<Bytes> {
        let House { policy, keys, .. } = self.house;
        // RFC 6531 §3.7.3: UTF-8 in a trace field only where the message travels with SMTPUTF8.
        let recipient = Some(&plan.recipient).filter(|to| transport.utf8 || !to.is_international());
        let hop = Hop { recipient, ..self.hop.clone() };
        let prepend = vec![
            trace::received(&hop, &policy.hostname, self.id, self.came),
            trace::sincerely(self.id, plan.matched.evidence, &policy.hostname, to, keys),
        ];
        edit::apply(&self.arrival.message, &Edits { prepend, ..plan.edits.clone() })
    }

    fn transport_to(&self, plan: &Plan, to: &Address) -> Transport {
        let international =
            plan.reverse_path.as_ref().and_then(ReversePath::address).is_some_and(Address::is_international)
                || to.is_international();
        let header = self.arrival.message.header();
        Transport {
            eight_bit: self.transport.eight_bit || !self.arrival.message.bytes().is_ascii(),
            utf8: international || (self.transport.utf8 && !header.is_ascii()),
        }
    }
}

fn refused_by(to: &Address, reply: &Reply) -> Refusal {
    events::rejected(to, reply);
    Refusal::Inbox(format!("{to}: {reply}"))
}

/// A folder of held mail, as the log names it.
fn held_name(reason: HoldReason) -> String {
    format!("held/{reason}")
}
