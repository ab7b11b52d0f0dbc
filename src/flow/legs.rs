//! Legs: carrying out a plan, one destination at a time.
//!
//! What becomes of a destination, read from top to bottom; `leg` is one attempt of it.

use tokio::time::Instant;

use crate::events;
use crate::mail::dsn::{Notify, PerRecipient};
use crate::mail::{
    Address, Destination, Fallback, Fate, FateName, HoldReason, Leg, Outcome, Plan, Rescue, TransactionId, Transport,
};
use crate::message::trace::Hop;
use crate::relay::Recipient;

use super::House;
use super::leg::Refusal;
use super::plan::Arrival;
use super::remember::{given_up, inbox};
use super::rescue::{self, Rescued};

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
    /// Whether one of ours is proved to have written it.
    pub is_by_one_of_ours: bool,
    /// When it came, for the Received field.
    pub came: jiff::Timestamp,
    /// When it was decided.
    pub now: jiff::Timestamp,
    /// When all legs must be over.
    pub deadline: Instant,
}

impl Journey<'_> {
    /// Carries out the fate of one recipient: one leg for each destination.
    pub async fn carry_out(&self, plan: &Plan) -> Vec<Leg> {
        events::planned(plan);
        if let Err(leg) = self.remember_choices(plan).await {
            return vec![leg];
        }
        if let Err(leg) = self.learn(plan).await {
            return vec![leg];
        }
        self.carry_out_fate(plan).await
    }

    /// Makes the copies of one recipient, one leg for each, once the `legs` of the fate are done. Where they
    /// are not, a retry makes them.
    pub async fn make_copies(&self, plan: &Plan, legs: &[Leg]) -> Vec<Leg> {
        let mut copies = Vec::new();
        if legs.iter().all(|leg| leg.outcome.is_done()) {
            for to in &plan.copies {
                copies.extend(self.copy(plan, to).await);
            }
        }
        copies
    }

    async fn carry_out_fate(&self, plan: &Plan) -> Vec<Leg> {
        match &plan.fate {
            Fate::Hold(reason) if let Some(rescue) = &plan.rescue => self.rescue(plan, *reason, rescue).await,
            Fate::Hold(reason) => vec![self.hold(plan, *reason, plan.why()).await],
            Fate::Forward(destinations) => self.forward(plan, destinations).await,
            Fate::Discard => {
                events::discarded(&plan.rule);
                self.tell(plan, FateName::Discard).await;
                vec![Leg::new("-", Outcome::Discarded)]
            }
            Fate::Reject(reply) => {
                events::rejected(&plan.recipient, reply);
                self.tell(plan, FateName::Reject).await;
                vec![Leg::new("-", Outcome::Refused(reply.clone()))]
            }
            // A deferral was answered for all before.
            Fate::Defer(reply) => vec![Leg::new("-", Outcome::Deferred(reply.clone()))],
        }
    }

    /// What a bounce says has failed is not lost by that; then the bounce itself is held. Where nothing else is left of
    /// the message, it is held for what it returns.
    async fn rescue(&self, plan: &Plan, reason: HoldReason, rescue: &Rescue) -> Vec<Leg> {
        match rescue::rescue(self.house, rescue, self.now, self.deadline).await {
            Rescued::Done(mut legs) => {
                legs.push(self.hold(plan, reason, plan.why()).await);
                legs
            }
            Rescued::Gone(why) => {
                let why = format!("{}, and {why}: what the bounce returns is all that is left of it", rescue.why);
                vec![self.hold(plan, HoldReason::Undelivered, why).await]
            }
            Rescued::NotNow(leg) => vec![leg],
        }
    }

    async fn forward(&self, plan: &Plan, destinations: &[Destination]) -> Vec<Leg> {
        let mut legs = Vec::new();
        for to in destinations {
            legs.extend(self.deliver(plan, to).await);
        }
        legs
    }

    /// The story of one destination: its inbox; where that refuses for good, the fallback; where that
    /// refuses too, `held/`.
    ///
    /// The inbox's claim has ended before the fallback's begins: two people may be each other's fallback,
    /// and would wait for each other.
    async fn deliver(&self, plan: &Plan, to: &Destination) -> Vec<Leg> {
        let mut refusals = Vec::new();
        let mut legs = match self.send_once(plan, &to.address.clone().into()).await {
            Ok(leg) => return vec![leg],
            Err(refusal) => self.fall_back(plan, to, refusal, &mut refusals).await,
        };
        let mut known_as = inbox(&to.address);
        if legs.is_empty() {
            legs.push(self.hold(plan, HoldReason::Undelivered, refusals.join("; ")).await);
            known_as = given_up(&to.address.folded());
        }
        // What ended elsewhere is done here: a retry leaves the inbox that refused alone.
        if legs.iter().all(|leg| leg.outcome.is_done()) {
            self.remember_done(plan, known_as).await;
        }
        legs
    }

    /// Where a message goes that an inbox has bounced: to its fallback, or else to `held/`; also where they have had it
    /// all before, since what they got then may bounce too.
    pub(super) async fn to_fallback(&self, plan: &Plan, fallback: &Fallback, refusal: Refusal) -> Vec<Leg> {
        let mut refusals = vec![refusal.words()];
        let is_nothing_new = |legs: &[Leg]| legs.iter().all(|leg| leg.outcome == Outcome::Collapsed);
        let mut legs = self.send_to_all(plan, &fallback.to, &mut refusals).await;
        if is_nothing_new(&legs) {
            legs.extend(self.send_to_all(plan, &fallback.at_last, &mut refusals).await);
        }
        if is_nothing_new(&legs) {
            legs.push(self.hold(plan, HoldReason::Undelivered, refusals.join("; ")).await);
        }
        legs
    }

    /// The story of a copy. It never decides the reply: what its address does not take is held, whatever the
    /// reason; a copy that cannot even be held is told, and no leg of the message.
    async fn copy(&self, plan: &Plan, to: &Address) -> Option<Leg> {
        let name = format!("copy:{to}");
        let why = match self.send_instead(plan, &self.quietly(to, plan)).await {
            Ok(leg) if leg.outcome.is_done() => return Some(Leg::new(name, leg.outcome)),
            // `hand_over` and `claim` have told why.
            Ok(_) => format!("the copy to {to} was not taken, or not surely"),
            Err(refusal) => format!("the copy was refused: {}", refusal.words()),
        };
        let held = self.hold(plan, HoldReason::Undelivered, why).await;
        if !held.outcome.is_done() {
            events::alarm("a copy was neither sent nor held", &name);
            return None;
        }
        self.remember_done(plan, given_up(&to.folded())).await;
        Some(Leg::new(format!("{name}:{}", held.destination), held.outcome))
    }

    /// Whoever gets a copy, as the recipient of one. The sender knows nothing of copies: where bounces go to
    /// the sender, nobody is to be told what becomes of this one, as far as the next hop heeds that.
    fn quietly(&self, to: &Address, plan: &Plan) -> Recipient {
        let is_sent_as_it_came = plan.reverse_path == self.arrival.reverse_path;
        let notify = is_sent_as_it_came.then_some(Notify::NEVER);
        Recipient { address: to.clone(), dsn: PerRecipient { notify, original: None } }
    }

    /// All addresses of the fallback get the message, as all inboxes of a person do; where none of them takes it, those
    /// whose place they take. Empty where these do not either, for good.
    async fn fall_back(&self, plan: &Plan, to: &Destination, refusal: Refusal, refusals: &mut Vec<String>) -> Vec<Leg> {
        let fallback = match &refusal {
            Refusal::Inbox(_) => &to.fallback,
            Refusal::Size(_) => &Fallback::default(),
        };
        refusals.push(refusal.words());
        let legs = self.send_to_all(plan, &fallback.to, refusals).await;
        if legs.is_empty() { self.send_to_all(plan, &fallback.at_last, refusals).await } else { legs }
    }

    async fn send_to_all(&self, plan: &Plan, others: &[Address], refusals: &mut Vec<String>) -> Vec<Leg> {
        let mut legs = Vec::new();
        for other in others {
            match self.send_instead(plan, &other.clone().into()).await {
                Ok(leg) => legs.push(leg),
                Err(refusal) => refusals.push(refusal.words()),
            }
        }
        legs
    }
}
