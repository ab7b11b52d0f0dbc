//! Legs: carrying out a plan, one destination at a time.
//!
//! Every leg, be it to an inbox, to an address of the fallback or to `held/`, is claimed, so that nobody
//! else sends the same mail there meanwhile; looked up, so that it does not get there twice; sent; and
//! remembered.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::events;
use crate::held::About;
use crate::mail::dsn::{Notify, PerMessage, PerRecipient};
use crate::mail::{
    Address, Choice, Destination, Edits, Failure, Fate, FateName, HoldReason, Kind, Leg, Outcome, Plan, Reply, Rescue,
    ReversePath, Say, TransactionId, Transport, Turn,
};
use crate::message::trace::Hop;
use crate::message::{edit, trace};
use crate::relay::{self, Recipient};
use crate::threads::{DestinationHash, Durability, Query, Record};

use super::House;
use super::learning;
use super::once::Claim;
use super::plan::Arrival;
use super::rescue::{self, Rescued};
use super::settle;
use super::telling;

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

    /// Where a message goes that an inbox has bounced: to these, or else to `held/`; also where they have had it all
    /// before, since what they got then may bounce too.
    pub(super) async fn to_fallback(&self, plan: &Plan, fallback: &[Address], refusal: Refusal) -> Vec<Leg> {
        let mut refusals = vec![refusal.words()];
        let mut legs = self.send_to_others(plan, fallback.iter(), &mut refusals).await;
        if legs.iter().all(|leg| leg.outcome == Outcome::Collapsed) {
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

    /// All addresses of the fallback get the message, as all inboxes of a person do. Empty where none
    /// of them takes it, for good.
    async fn fall_back(&self, plan: &Plan, to: &Destination, refusal: Refusal, refusals: &mut Vec<String>) -> Vec<Leg> {
        let others: &[Address] = match &refusal {
            Refusal::Inbox(_) => &to.fallback,
            Refusal::Size(_) => &[],
        };
        refusals.push(refusal.words());
        let others = others.iter().filter(|other| other.folded() != to.address.folded());
        self.send_to_others(plan, others, refusals).await
    }

    async fn send_to_others(
        &self,
        plan: &Plan,
        others: impl Iterator<Item = &Address>,
        refusals: &mut Vec<String>,
    ) -> Vec<Leg> {
        let mut legs = Vec::new();
        for other in others {
            match self.send_instead(plan, &other.clone().into()).await {
                Ok(leg) => legs.push(leg),
                Err(refusal) => refusals.push(refusal.words()),
            }
        }
        legs
    }

    /// Sends to an address of the fallback, or to one that gets a copy: what fails there goes to nobody else. Inboxes were
    /// asked about loops when the plan was made.
    async fn send_instead(&self, plan: &Plan, to: &Recipient) -> Result<Leg, Refusal> {
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
    async fn send_once(&self, plan: &Plan, to: &Recipient) -> Result<Leg, Refusal> {
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
            Outcome::Discarded | Outcome::Refused(_) | Outcome::Deferred(_) | Outcome::Uncertain => {}
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

    fn is_collapsed(&self, twin: Option<&crate::threads::Twin>, to: DestinationHash) -> bool {
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
    async fn hold(&self, plan: &Plan, reason: HoldReason, why: String) -> Leg {
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

    /// Learns the id of a message that one of ours wrote, before its fate. It carries no seed that
    /// could stand in for the memory, so it is learned as automated mail is: on disk, or not yet.
    async fn learn(&self, plan: &Plan) -> Result<(), Leg> {
        let Some(lesson) = plan.lesson.clone() else { return Ok(()) };
        learning::learn(&self.house.threads, Some(lesson), &self.arrival.message, self.now)
            .await
            .map_err(|reply| Leg::new("-", Outcome::Deferred(reply)))
    }

    /// Remembers whom pools chose, before the first leg: a retry must not choose another, and a turn is over.
    async fn remember_choices(&self, plan: &Plan) -> Result<(), Leg> {
        if plan.choices.is_empty() {
            return Ok(());
        }
        let chosen = |choice: &Choice| {
            let retry = self.arrival.retry_key(&choice.recipient);
            Record::Chosen { retry, person: choice.person.clone(), at: self.now.as_second() }
        };
        let turn = |choice: &Choice| {
            let Turn { persona, at } = choice.turn.clone()?;
            Some(Record::Turn { persona, person: choice.person.clone(), at })
        };
        let records = plan.choices.iter().flat_map(|choice| [Some(chosen(choice)), turn(choice)]).flatten().collect();
        self.house.threads.learn(records, Durability::Written).await.map_err(|error| {
            events::alarm("a pool's choice could not be remembered", &error);
            Leg::new("-", Outcome::Deferred(settle::local_trouble()))
        })
    }

    /// A leg is done, and the message is told in its thread; where it was handed on, its own id joins, so that an
    /// answer to it is known: in one write, since the peer waits for it.
    async fn remember_told(&self, plan: &Plan, destination: DestinationHash, fate: FateName) {
        self.remember([vec![self.done(plan, destination)], self.told(plan, fate)].concat()).await;
    }

    async fn remember_done(&self, plan: &Plan, destination: DestinationHash) {
        self.remember(vec![self.done(plan, destination)]).await;
    }

    fn done(&self, plan: &Plan, destination: DestinationHash) -> Record {
        let retry = self.arrival.retry_key(&plan.recipient);
        Record::Done { retry, twin: self.arrival.twin(), destination, at: self.now.as_second() }
    }

    /// What is told of the message in its thread, and of mail of the thread that it reports about. What one of ours wrote
    /// was learned as such.
    fn told(&self, plan: &Plan, fate: FateName) -> Vec<Record> {
        if self.is_by_one_of_ours && plan.kind == Kind::Human {
            return Vec::new();
        }
        let reported = telling::reported(plan, self.now);
        telling::came(self.arrival, plan, fate, self.now).into_iter().chain(reported).collect()
    }

    /// A message that nobody got and nobody will is told too.
    async fn tell(&self, plan: &Plan, fate: FateName) {
        let told = self.told(plan, fate);
        if !told.is_empty() {
            self.remember(told).await;
        }
    }

    /// Remembers what a power cut may take: the leg is done whatever becomes of its memory.
    async fn remember(&self, records: Vec<Record>) {
        if let Err(error) = self.house.threads.learn(records, Durability::Written).await {
            events::alarm("a leg that is done could not be remembered", &error);
        }
    }
}

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
    fn words(self) -> String {
        match self {
            Self::Inbox(words) | Self::Size(words) => words,
        }
    }
}

fn refused_by(to: &Address, reply: &Reply) -> Refusal {
    events::rejected(to, reply);
    Refusal::Inbox(format!("{to}: {reply}"))
}

/// An inbox as a destination.
fn inbox(address: &Address) -> DestinationHash {
    DestinationHash::new(&address.folded())
}

/// A destination that this mail did not reach, and need not any more: its copy lies in `held/` instead, or
/// another one was there. Done for a retry, and for nobody else: the same mail may come for another persona
/// with another fallback.
fn given_up(inbox: &str) -> DestinationHash {
    DestinationHash::new(&format!("given-up/{inbox}"))
}

/// A folder of held mail, as the log names it.
fn held_name(reason: HoldReason) -> String {
    format!("held/{reason}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::flow::Onward;
    use crate::flow::once::Once;
    use crate::flow::plan::Desk;
    use crate::flow::policy;
    use crate::flow::turns::Turns;
    use crate::held::Held;
    use crate::kept::{self, Kept};
    use crate::mail::{PersonName, PersonaName};
    use crate::message::Message;
    use crate::people::{People, Person, Persona, Shared};
    use crate::relay::Relay;
    use crate::relay::maildir::MaildirRelay;
    use crate::signing::Keys;
    use crate::threads::Threads;
    use crate::threads::memory::Memory;

    const SOPHIE: &str = "sophie@acme.example";

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn sophie() -> People {
        let name = PersonName("sophie".into());
        let persona = Persona {
            greeted_as: Vec::new(),
            name: PersonaName("sophie".into()),
            display_name: None,
            addresses: vec![address("sophie@acme.example")],
            answered_by: vec![name.clone()],
            shared: Shared::default(),
            fallback: Vec::new(),
        };
        People::new(vec![Person { name, inboxes: vec![address("sophie@corp.example")] }], vec![persona])
    }

    fn house(root: &std::path::Path) -> House {
        let policy = policy::Policy {
            window: Duration::ZERO,
            hostname: "sincerely.acme.example".parse().unwrap(),
            reply_domain: None,
            people: sophie(),
            rules: crate::rules::Rules::default(),
            inbound: policy::Inbound::default(),
            outbound: policy::Outbound::default(),
            stamp: policy::Stamp::default(),
            separators: "+".into(),
            hops: 50,
            mime: crate::message::Mime::default(),
        };
        let onward = || Onward {
            relay: Arc::new(Relay::Maildir(MaildirRelay::new(root.join("mail")))),
            patience: Duration::ZERO,
        };
        House {
            policy: Arc::new(policy),
            keys: Keys::generate().unwrap(),
            threads: Threads::Memory(Memory::default()),
            inbound: onward(),
            outbound: onward(),
            held: Held::new(root),
            kept: Kept::new(root, kept::Settings::default()),
            absences: crate::absences::Register::open(root).0,
            once: Once::default(),
            turns: Turns::default(),
        }
    }

    /// The legs of a mail to Sophie whose time is over in `patience`.
    async fn legs(house: &House, to: &str, patience: Duration) -> Vec<Leg> {
        let now = crate::clock::now();
        let desk = Desk {
            policy: &house.policy,
            keys: &house.keys,
            absences: &crate::people::absence::NOTHING_SAID,
            now,
            serial: 0,
        };
        let to = address(to);
        let recipients = vec![(to.clone(), desk.recipient(&to).unwrap())];
        let bytes = Bytes::from_static(b"From: ann@customer.example\r\nSubject: late\r\n\r\nHello\r\n");
        let path = ReversePath::Address(address("ann@customer.example"));
        let arrival = desk.read(Message::read(bytes), Some(path), recipients);
        let plan = desk.plan(&arrival, Ok(&crate::threads::Found::default())).plans.remove(0);
        let journey = Journey {
            house,
            arrival: &arrival,
            id: &TransactionId::new(0, 0),
            hop: Hop { helo: "mx", peer: "[127.0.0.1]".into(), with: "ESMTP", recipient: None },
            transport: Transport::default(),
            is_by_one_of_ours: false,
            came: now,
            now,
            deadline: Instant::now() + patience,
        };
        journey.carry_out(&plan).await
    }

    #[tokio::test]
    async fn nothing_is_begun_after_the_deadline() {
        let root = tempfile::tempdir().unwrap();
        let house = house(root.path());
        let late = legs(&house, SOPHIE, Duration::ZERO).await;
        assert_eq!(late, [Leg::new("sophie@corp.example", Outcome::Deferred(settle::not_now()))]);
        assert!(!root.path().join("mail").exists(), "what is deferred was not delivered");
        let in_time = legs(&house, SOPHIE, Duration::from_secs(60)).await;
        assert_eq!(in_time, [Leg::new("sophie@corp.example", Outcome::Relayed)]);
    }

    #[tokio::test]
    async fn what_was_collapsed_is_done_also_when_collapsing_is_over() {
        let root = tempfile::tempdir().unwrap();
        let mut house = house(root.path());
        let soon = Duration::from_secs(60);
        let inbox = |outcome| [Leg::new("sophie@corp.example", outcome)];
        assert_eq!(legs(&house, SOPHIE, soon).await, inbox(Outcome::Relayed));
        assert_eq!(legs(&house, "sophie+x@acme.example", soon).await, inbox(Outcome::Collapsed));
        Arc::get_mut(&mut house.policy).unwrap().inbound.collapse = Duration::ZERO;
        assert_eq!(legs(&house, "sophie+x@acme.example", soon).await, inbox(Outcome::Collapsed), "its retry");
        assert_eq!(legs(&house, "sophie+y@acme.example", soon).await, inbox(Outcome::Relayed), "no retry");
    }
}
