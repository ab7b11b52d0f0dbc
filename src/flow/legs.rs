//! Legs: carrying out a plan, one destination at a time.
//!
//! A leg is claimed, so that nobody else sends the same mail there meanwhile; looked up, so that a
//! retry does not send it again; sent, with the fallback and `held/` behind it; and remembered.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::events;
use crate::held::About;
use crate::mail::{
    Address, Destination, Edits, Failure, Fate, HoldReason, Leg, Outcome, Plan, Reply, ReversePath, TransactionId,
    Transport,
};
use crate::message::trace::Hop;
use crate::message::{edit, trace};
use crate::relay;
use crate::threads::{DestinationHash, Durability, Query, Record};

use super::House;
use super::plan::Arrival;
use super::settle;

/// One message on its way.
pub struct Journey<'a> {
    /// What the flows work with.
    pub house: &'a House,
    /// The message and its envelope.
    pub arrival: &'a Arrival,
    /// The name of the transaction.
    pub id: &'a TransactionId,
    /// How it came, for the Received field.
    pub hop: Hop<'a>,
    /// What MAIL asked of the transport.
    pub transport: Transport,
    /// When it was decided.
    pub now: jiff::Timestamp,
    /// When all legs must be over.
    pub deadline: Instant,
}

impl Journey<'_> {
    /// Carries out the plan of one recipient: one leg for each destination.
    pub async fn carry_out(&self, plan: &Plan) -> Vec<Leg> {
        events::planned(plan);
        match &plan.fate {
            Fate::Hold(reason) => vec![
                self.once(
                    plan,
                    &held_name(*reason),
                    self.hold(plan, *reason, format!("kind {}, evidence {}", plan.kind, plan.matched.evidence)),
                )
                .await,
            ],
            Fate::Forward(destinations) => self.forward(plan, destinations).await,
            // Both were answered before any leg: at RCPT, and before this plan's message was settled.
            Fate::Reject(reply) | Fate::Defer(reply) => vec![Leg::new("-", Outcome::Deferred(reply.clone()))],
        }
    }

    async fn forward(&self, plan: &Plan, destinations: &[Destination]) -> Vec<Leg> {
        if let Err(leg) = self.remember_choice(plan).await {
            return vec![leg];
        }
        let mut legs = Vec::new();
        for to in destinations {
            legs.push(self.once(plan, &to.address.folded(), self.hand_on(plan, to)).await);
        }
        if legs.iter().any(|leg| leg.outcome == Outcome::Relayed) {
            self.heal(plan).await;
        }
        legs
    }

    /// Sends a leg unless the same mail is there already; what is done is remembered at once.
    async fn once(&self, plan: &Plan, destination: &str, send: impl Future<Output = Leg>) -> Leg {
        let hash = DestinationHash::new(destination);
        let claim = self.house.once.claim(self.arrival.twin(), hash, self.deadline).await;
        if claim.is_none() {
            events::deferred(destination, &"another copy of the same mail is still on its way there");
            return Leg::new(destination, Outcome::Deferred(settle::not_now()));
        }
        if self.is_done(plan, hash).await {
            events::suppressed(destination);
            return Leg::new(destination, Outcome::Collapsed);
        }
        let leg = send.await;
        if leg.outcome.is_done() {
            self.remember_done(plan, hash).await;
        }
        leg
    }

    /// Whether this leg is done: by this very mail, or, for inboxes, by the same mail through another
    /// alias. Where the memory cannot tell, a copy is better than a loss.
    async fn is_done(&self, plan: &Plan, to: DestinationHash) -> bool {
        let retry = self.arrival.retry_key(&plan.recipient);
        let query = Query { retries: vec![retry], twin: Some(self.arrival.twin()), ..Query::default() };
        let Ok(found) = self.house.threads.look_up(query).await else { return false };
        let by_retry = found.retries.get(&retry).is_some_and(|before| before.done.contains(&to));
        by_retry || (matches!(plan.fate, Fate::Forward(_)) && self.is_collapsed(found.twin.as_ref(), to))
    }

    fn is_collapsed(&self, twin: Option<&crate::threads::Twin>, to: DestinationHash) -> bool {
        let window = i64::try_from(self.house.policy.inbound.collapse.as_secs()).unwrap_or(i64::MAX);
        let since = self.now.as_second().saturating_sub(window);
        twin.is_some_and(|twin| twin.done.iter().any(|(destination, at)| *destination == to && *at > since))
    }

    /// Hands a message to an inbox; refused for good, to the fallback; refused there too, to `held/`.
    async fn hand_on(&self, plan: &Plan, to: &Destination) -> Leg {
        let mut refusals = Vec::new();
        for address in std::iter::once(&to.address).chain(&to.fallback) {
            match self.hand_over(plan, address).await {
                Ok(reply) => {
                    events::relayed(&address.to_string(), &reply);
                    return Leg::new(address.to_string(), Outcome::Relayed);
                }
                Err(Failure::Recipient(reply)) if reply.is_permanent() => {
                    events::rejected(address, &reply);
                    refusals.push(format!("{address}: {reply}"));
                }
                Err(failure) => return self.not_taken(plan, address, failure).await,
            }
        }
        self.hold(plan, HoldReason::Undelivered, refusals.join("; ")).await
    }

    async fn hand_over(&self, plan: &Plan, to: &Address) -> Result<Reply, Failure> {
        let message = self.message_for(plan, to);
        let mail = relay::Mail {
            reverse_path: plan.reverse_path.clone().unwrap_or(ReversePath::Null),
            transport: self.transport_to(plan, to),
            size: Some(message.iter().map(|piece| piece.len() as u64).sum()),
        };
        // The time is up: whether the final dot was sent by then is not known.
        let late = || Failure::Uncertain("the time for all legs of the message is over".into());
        timeout_at(self.deadline, self.house.relay.hand_over(&mail, to, &message)).await.unwrap_or_else(|_| Err(late()))
    }

    /// What was not taken, and not refused for good either.
    async fn not_taken(&self, plan: &Plan, to: &Address, failure: Failure) -> Leg {
        let outcome = match &failure {
            Failure::Unsupported(_) => {
                events::deferred(&to.to_string(), &failure);
                return self.hold(plan, HoldReason::Unsupported, failure.to_string()).await;
            }
            Failure::Uncertain(_) => Outcome::Uncertain,
            Failure::Us(_) => {
                events::alarm("the next hop refuses us", &failure);
                Outcome::Deferred(settle::not_now())
            }
            Failure::Recipient(_) | Failure::Unreachable(_) => Outcome::Deferred(settle::not_now()),
        };
        events::deferred(&to.to_string(), &failure);
        Leg::new(to.to_string(), outcome)
    }

    /// Keeps the message for an operator, as it came.
    async fn hold(&self, plan: &Plan, reason: HoldReason, why: String) -> Leg {
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
    fn message_for(&self, plan: &Plan, to: &Address) -> Vec<Bytes> {
        let House { policy, keys, .. } = self.house;
        let hop = Hop { recipient: Some(&plan.recipient), ..self.hop.clone() };
        let prepend = vec![
            trace::received(&hop, &policy.hostname, self.id, self.now),
            trace::sincerely(self.id, plan.matched.evidence, &policy.hostname, to, keys),
        ];
        edit::apply(&self.arrival.message, &Edits { prepend, ..Edits::default() })
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

    /// Remembers whom a pool chose, before the first leg: a retry must not choose another.
    async fn remember_choice(&self, plan: &Plan) -> Result<(), Leg> {
        let persona = plan.matched.persona.as_ref().and_then(|name| self.house.policy.people.persona(name));
        let is_pool = persona.is_some_and(|persona| persona.answered_by.len() > 1);
        let Some(person) = plan.person.clone().filter(|_| is_pool) else { return Ok(()) };
        let retry = self.arrival.retry_key(&plan.recipient);
        let record = Record::Chosen { retry, person, at: self.now.as_second() };
        self.house.threads.learn(vec![record], Durability::Written).await.map_err(|error| {
            events::alarm("a pool's choice could not be remembered", &error);
            Leg::new("-", Outcome::Deferred(settle::local_trouble()))
        })
    }

    async fn remember_done(&self, plan: &Plan, destination: DestinationHash) {
        let retry = self.arrival.retry_key(&plan.recipient);
        let record = Record::Done { retry, twin: self.arrival.twin(), destination, at: self.now.as_second() };
        self.remember(record, "a leg that is done could not be remembered").await;
    }

    /// The message's own id joins its thread, so that an answer to it is known.
    async fn heal(&self, plan: &Plan) {
        let matched = &plan.matched;
        if let (Some(thread), Some(id), Some(persona), Some(correspondent)) =
            (plan.joins, self.arrival.message.message_id(), &matched.persona, &matched.correspondent)
        {
            let record = Record::Healed {
                message_id: id.clone(),
                thread,
                persona: persona.clone(),
                correspondent: correspondent.folded(),
                at: self.now.as_second(),
            };
            self.remember(record, "an id could not be remembered").await;
        }
    }

    /// Remembers what a power cut may take: the leg is done whatever becomes of its memory.
    async fn remember(&self, record: Record, trouble: &str) {
        if let Err(error) = self.house.threads.learn(vec![record], Durability::Written).await {
            events::alarm(trouble, &error);
        }
    }
}

/// The name of a held leg as a destination.
pub(super) fn held_name(reason: HoldReason) -> String {
    format!("held/{reason}")
}
