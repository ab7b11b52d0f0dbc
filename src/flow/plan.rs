//! The plan: what is to be done with a message, for each recipient. Pure.
//!
//! The same functions serve live mail, `explain` and the tests; nothing here reads a clock, a
//! socket or a file, so the same arguments always make the same plan.

use crate::mail::{
    Address, Delivery, Evidence, Fallback, Fate, HoldReason, Kind, Match, MessageId, Place, Plan, Reply, ReversePath,
    Say, ThreadId,
};
use crate::message::{Message, Signal, kind, signals};
use crate::people::Person;
use crate::people::absence::Absences;
use crate::rules::{Reading, Tried};
use crate::signing::Keys;
use crate::threads::matcher::{self, Candidate, Clues, LookedAt, Matcher, Piece, Recipient, Says};
use crate::threads::token::Token;
use crate::threads::{Claim, Correspondent, Fingerprint, Found, Origin, Query, RetryKey, Topic, Unavailable};

use super::answering::Answering;
use super::course::{Share, could_be_found, is_return_path, possible_evidence};
use super::insiders::Insider;
use super::policy::Policy;

/// No more ids of References join a thread with one message.
const HEALED_PER_MESSAGE: usize = 32;

/// Who decides, and when: what every plan of one message has in common.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// What the configuration asks for.
    pub policy: &'a Policy,
    /// What tokens are signed with.
    pub keys: &'a Keys,
    /// Who was said to be away, besides the configuration.
    pub absences: &'a Absences,
    /// The time of the decision.
    pub now: jiff::Timestamp,
    /// The first of as many numbers as there are recipients, so that ids of the same millisecond differ.
    pub serial: u16,
}

/// A message that has arrived, with its envelope and what could be read of it.
pub struct Arrival {
    /// The message.
    pub message: Message,
    /// The reverse path; `None` where it is not known, as in a file without Return-Path.
    pub reverse_path: Option<ReversePath>,
    /// The recipients that the door accepted, and what each means.
    pub recipients: Vec<(Address, Recipient)>,
    /// What in the message speaks for a machine.
    pub signals: Vec<Signal>,
    /// What it tells of deliveries, where a mail system wrote it.
    pub deliveries: Vec<Delivery>,
    /// The ids in what it returns, reports about or has attached.
    pub(super) quoted: Vec<MessageId>,
}

/// What was decided.
pub struct Planned {
    /// Which of ours wrote it, if the From field says so.
    pub insider: Option<Insider>,
    /// One plan for each recipient, in their order.
    pub plans: Vec<Plan>,
}

/// What all plans of one message are made from.
pub(super) struct Case<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) insider: Option<Insider>,
    clues: Clues<'a>,
    pub(super) correspondent: Option<Address>,
    pub(super) held_at_sight: Option<HoldReason>,
    /// The message as the rules see it.
    pub(super) reading: &'a Reading<'a>,
    pub(super) known: &'a Found,
    pub(super) index_is_away: bool,
    /// The author may be somebody else.
    pub(super) is_doubtful: bool,
    /// What the index might find, were it there; nothing where it is.
    pub(super) unasked: Vec<Evidence>,
}

/// Who gets a message that is forwarded: nobody, the person who answers, or several colleagues; and who
/// instead, where an inbox refuses it.
pub(super) struct Readers<'a> {
    pub(super) people: Vec<&'a Person>,
    pub(super) fallback: Fallback,
    /// Who answers, where somebody does.
    pub(super) answering: Option<Answering<'a>>,
}

impl<'a> Readers<'a> {
    fn answer(answering: Option<Answering<'a>>, fallback: Fallback) -> Self {
        let people = answering.iter().map(|answering| answering.person).collect();
        Self { people, fallback, answering }
    }
}

impl Arrival {
    /// The key under which a retry of this very mail to `recipient` is known.
    pub fn retry_key(&self, recipient: &Address) -> RetryKey {
        let reverse_path = self.reverse_path.as_ref().unwrap_or(&ReversePath::Null);
        RetryKey::new(self.message.bytes_hash(), reverse_path, recipient)
    }

    /// The key under which it is known who was chosen for a place when this very mail came before.
    pub fn key_of(&self, place: &Place) -> RetryKey {
        let reverse_path = self.reverse_path.as_ref().unwrap_or(&ReversePath::Null);
        RetryKey::of_place(self.message.bytes_hash(), reverse_path, place)
    }

    /// The key under which the same mail is known, whatever way it came.
    pub fn twin(&self) -> Fingerprint {
        Fingerprint::of(&self.message)
    }
}

impl<'a> Desk<'a> {
    pub(super) fn matcher(&self) -> Matcher<'a> {
        Matcher {
            people: &self.policy.people,
            keys: self.keys,
            separators: &self.policy.separators,
            reply_domain: self.policy.reply_domain.as_ref(),
            window: self.policy.window,
            now: self.now,
        }
    }

    /// RCPT: whom an address really means. The mail server may know a persona by an address of its own
    /// making, where the real one is also a mailbox: everything later sees the real one.
    pub fn real(&self, address: Address) -> Address {
        match self.policy.inbound.aliases.get(address.domain()) {
            Some(domain) => address.at(domain),
            None => address,
        }
    }

    /// RCPT: what a recipient, by its real address, means to us.
    ///
    /// # Errors
    /// The reply that refuses a recipient who is not ours.
    pub fn recipient(&self, address: &Address) -> Result<Recipient, Reply> {
        let policy = self.policy;
        let (user, _) = address.split_detail(&policy.separators);
        let is_user = |address: &Address| address.folded() == user.folded();
        let is_shared =
            || policy.inbound.accept.iter().any(is_user) || policy.role_addresses().any(|role| is_user(&role));
        match policy.people.personas_at(&user) {
            [only] => return Ok(Recipient::Persona(only.clone())),
            [_, _, ..] => return Ok(Recipient::Shared),
            [] if is_shared() => return Ok(Recipient::Shared),
            [] => {}
        }
        if policy.reply_domain.as_ref() == Some(address.domain()) {
            return self
                .matcher()
                .recipient_token(address)
                .map(Recipient::Token)
                .ok_or_else(|| Say::NoSuchRecipient.reply());
        }
        Err(if self.is_our_domain(address) { Say::NoSuchRecipient.reply() } else { Say::RelayingDenied.reply() })
    }

    fn is_our_domain(&self, address: &Address) -> bool {
        let personas = self.policy.people.personas().flat_map(|persona| &persona.addresses);
        let mut ours = personas.chain(&self.policy.inbound.accept).map(Address::domain).chain([&self.policy.hostname]);
        ours.any(|domain| domain == address.domain())
    }

    /// What could be read in two ways is refused at the door.
    pub fn door(&self, message: &Message) -> Option<Reply> {
        if message.begins_with_space() {
            Some(Say::BeginsWithContinuation.reply())
        } else {
            (message.count("From") > 1).then(|| Say::SeveralFrom.reply())
        }
    }

    /// Reads a message that came with this envelope. In the text of a person's mail no header section is looked
    /// for: people quote.
    pub fn read(
        &self,
        message: Message,
        reverse_path: Option<ReversePath>,
        recipients: Vec<(Address, Recipient)>,
    ) -> Arrival {
        let (mime, is_null) = (self.policy.mime, reverse_path.as_ref().is_some_and(ReversePath::is_null));
        let deliveries = message.deliveries(is_null, mime);
        let signals = signals::collect(&message, is_null, mime, &deliveries);
        let quoted = message.quoted(mime, kind::is_of_mail_system(&signals));
        Arrival { message, reverse_path, recipients, signals, deliveries, quoted }
    }

    /// Everything that the memory must be asked about an arrival, at once; its own id too, which an
    /// earlier try of the same mail may have brought into a thread.
    pub fn question(&self, arrival: &Arrival) -> Query {
        let matcher = self.matcher();
        let ids: Vec<MessageId> = arrival.message.parents().into_iter().chain(arrival.quoted.iter().cloned()).collect();
        let to = || arrival.recipients.iter().map(|(recipient, _)| recipient);
        let tokens = matcher.seeds(&ids).into_iter().chain(to().filter_map(|to| matcher.recipient_token(to)));
        let tokens = tokens.chain(matcher.written_tokens(&arrival.message.recipients()));
        let pools = self.pools_in_turn(arrival);
        Query {
            threads: tokens.map(|token| ThreadId(token.id)).collect(),
            ids: ids.into_iter().chain(arrival.message.message_id().cloned()).collect(),
            retries: to()
                .map(|recipient| arrival.retry_key(recipient))
                .chain(self.named_places().iter().map(|place| arrival.key_of(place)))
                .collect(),
            twin: None,
            correspondent: self.correspondent(arrival),
            waiting: self.waited_for(&pools),
            pools: pools.into_iter().map(|persona| persona.name.clone()).collect(),
        }
    }

    /// The author, where that may be a customer whom we know, and what they write about.
    fn correspondent(&self, arrival: &Arrival) -> Option<Correspondent> {
        let message = &arrival.message;
        let author = &message.author()?.address;
        let is_customer = self.policy.is_customer(author) && !self.is_doubtful(message);
        is_customer.then(|| Correspondent { address: author.folded(), topic: Topic::of(message) })
    }

    /// Whether the company's own servers found that somebody else may have written the author's name: nothing
    /// counts then because that author is known.
    fn is_doubtful(&self, message: &Message) -> bool {
        self.results(message).fail_dmarc()
    }

    /// Match, classify and decide: one plan for each recipient. Without an index, what needs none
    /// is still decided; the rest is deferred, since unknown is not no.
    pub fn plan(&self, arrival: &Arrival, found: Result<&Found, &Unavailable>) -> Planned {
        self.plan_by(&self.reading(arrival), arrival, found)
    }

    /// The same, by what rules have read in the message before.
    pub(super) fn plan_by(
        &self,
        reading: &Reading<'_>,
        arrival: &Arrival,
        found: Result<&Found, &Unavailable>,
    ) -> Planned {
        let nothing = Found::default();
        let known = found.unwrap_or(&nothing).of_now(&self.policy.people);
        let case = self.case(reading, arrival, &known, found.is_err());
        let recipients = arrival.recipients.iter().enumerate();
        let mut plans: Vec<Plan> =
            recipients.map(|(index, (to, recipient))| self.plan_one(&case, index, to, recipient)).collect();
        self.agree_on_lesson(&case, &mut plans);
        Planned { insider: case.insider.clone(), plans }
    }

    /// What tells a machine from a person in a message that came with this reverse path.
    pub fn signals(&self, message: &Message, path: Option<&ReversePath>) -> Vec<Signal> {
        let (mime, is_null) = (self.policy.mime, path.is_some_and(ReversePath::is_null));
        signals::collect(message, is_null, mime, &message.deliveries(is_null, mime))
    }

    /// The message as the rules see it, of which nothing is read yet.
    pub(super) fn reading<'c>(&self, arrival: &'c Arrival) -> Reading<'c>
    where
        'a: 'c,
    {
        let (rules, message) = (&self.policy.rules, &arrival.message);
        Reading::new(rules, message, self.policy.mime, self.results(message))
    }

    fn case<'c>(
        &self,
        reading: &'c Reading<'c>,
        arrival: &'c Arrival,
        known: &'c Found,
        index_is_away: bool,
    ) -> Case<'c>
    where
        'a: 'c,
    {
        let insider = self.insider(&arrival.message);
        let brought_by = self.brought_by(&arrival.message, insider.as_ref());
        let is_doubtful = self.is_doubtful(&arrival.message);
        let author = arrival.message.author().map(|author| &author.address);
        let correspondent = author.filter(|author| insider.is_none() && self.policy.is_customer(author));
        Case {
            arrival,
            clues: self.matcher().clues(&arrival.message, &arrival.quoted, brought_by, self.policy.mime),
            // A person or persona never becomes a correspondent, proved or not.
            correspondent: correspondent.cloned(),
            is_doubtful,
            unasked: if index_is_away {
                could_be_found(arrival, correspondent.is_some() && !is_doubtful)
            } else {
                Vec::new()
            },
            insider,
            held_at_sight: self.held_at_sight(&arrival.message),
            reading,
            known,
            index_is_away,
        }
    }

    fn plan_one(&self, case: &Case<'_>, index: usize, to: &Address, recipient: &Recipient) -> Plan {
        let pieces = self.pieces(case, to, recipient);
        let candidates: Vec<Candidate> = pieces.iter().filter_map(Piece::candidate).collect();
        let matched = matcher::decide(&candidates, recipient, case.correspondent.clone());
        let share = self.share(case, to, recipient, &matched);
        let course = self.course(case, &share);
        let (kind, fresh) = (share.kind, self.fresh(index));
        let teaches = share.writer.is_some() && is_taken(&course.fate);
        let is_forwarded = matches!(course.fate, Fate::Forward(_));
        let whose = course.persona.as_ref().or(matched.persona.as_ref()).filter(|_| is_forwarded);
        let is_handed_on = is_forwarded || !course.copies.is_empty();
        let way = is_handed_on.then(|| self.way_back(case.arrival, whose, fresh)).flatten();
        let (reverse_path, way_back) = way.unzip();
        Plan {
            reverse_path: reverse_path.or_else(|| case.arrival.reverse_path.clone()),
            way_back,
            rescue: course.rescue,
            reports: self.reports(case, &share),
            joins: self.joins(case, &share, fresh),
            heals: self.heals(case, &matched, kind, &pieces),
            lesson: teaches.then(|| self.lesson_of(case, &candidates, &matched, fresh)).flatten(),
            recipient: to.clone(),
            kind,
            matched,
            person: course.person,
            absent: course.absent,
            chosen: course.chosen,
            rule: course.rule,
            continued: course.continued,
            fate: course.fate,
            rejection: None,
            copies: course.copies,
            edits: course.edits,
            choices: course.choices,
        }
    }

    /// For each recipient, in their order, the rules that are asked and what each says; `None` where the message
    /// is held before any is asked.
    pub fn tried(&self, arrival: &Arrival, found: Result<&Found, &Unavailable>) -> Vec<Option<Vec<Tried>>> {
        let nothing = Found::default();
        let known = found.unwrap_or(&nothing).of_now(&self.policy.people);
        let reading = self.reading(arrival);
        let case = self.case(&reading, arrival, &known, found.is_err());
        let tried = |(to, recipient): &(Address, Recipient)| {
            let candidates: Vec<Candidate> =
                self.pieces(&case, to, recipient).iter().filter_map(Piece::candidate).collect();
            let matched = matcher::decide(&candidates, recipient, case.correspondent.clone());
            self.tried_for(&case, &self.share(&case, to, recipient, &matched))
        };
        arrival.recipients.iter().map(tried).collect()
    }

    /// For each recipient, in their order, all that was looked at as evidence, strongest first.
    pub fn looked_at<T>(
        &self,
        arrival: &Arrival,
        found: Result<&Found, &Unavailable>,
        tell: impl Fn(&Piece<'_>) -> T,
    ) -> Vec<Vec<T>> {
        let nothing = Found::default();
        let known = found.unwrap_or(&nothing).of_now(&self.policy.people);
        let reading = self.reading(arrival);
        let case = self.case(&reading, arrival, &known, found.is_err());
        let told =
            |(to, recipient): &(Address, Recipient)| self.pieces(&case, to, recipient).iter().map(&tell).collect();
        arrival.recipients.iter().map(told).collect()
    }

    fn pieces<'c>(&self, case: &'c Case<'_>, to: &'c Address, recipient: &Recipient) -> Vec<Piece<'c>> {
        self.matcher().pieces(&case.clues, to, recipient, case.known)
    }

    fn share<'s>(&self, case: &'s Case<'_>, to: &'s Address, recipient: &'s Recipient, matched: &'s Match) -> Share<'s>
    where
        'a: 's,
    {
        let kind = kind::classify(&case.arrival.signals, matched.evidence.is_strong());
        let is_one_of_ours = |insider: &&Insider| insider.proved && kind == Kind::Human && matched.persona.is_some();
        let writer = case.insider.as_ref().filter(is_one_of_ours);
        let readers = match writer {
            Some(writer) => self.colleagues(case, to, matched, writer),
            None => Readers::answer(self.answering(case, to, matched), self.fallback(case, to, matched)),
        };
        Share { to, recipient, matched, kind, writer, readers }
    }

    /// What is held whatever it matches.
    fn held_at_sight(&self, message: &Message) -> Option<HoldReason> {
        if message.hops() > self.policy.hops {
            return Some(HoldReason::Loop);
        }
        (self.policy.inbound.hold_spam && message.is_marked_as_spam()).then_some(HoldReason::Spam)
    }

    /// The thread that the message's own id joins, which is `fresh` where it opens one. An earlier try of the same
    /// mail has opened it already. What only the index could tell to be an answer opens none while it is away.
    fn joins(&self, case: &Case<'_>, share: &Share<'_>, fresh: ThreadId) -> Option<ThreadId> {
        let id = case.arrival.message.message_id()?;
        let (persona, author) = (share.matched.persona.as_ref()?, share.matched.correspondent.as_ref()?);
        if share.kind != Kind::Human || is_return_path(share.recipient) || !possible_evidence(case, share).is_empty() {
            return None;
        }
        let is_retry = || case.known.retries.contains_key(&case.arrival.retry_key(share.to));
        let before = || self.matcher().joined_before(id, persona, author, case.known).filter(|_| is_retry());
        Some(share.matched.thread.or_else(before).unwrap_or(fresh))
    }

    /// The ids of References that join the thread too: what a provider put in place of our Message-ID, or what
    /// others of the thread wrote. Only where a seed or a learned id named the thread, and the author is its
    /// known correspondent; only what stands after that id, since what stands before it was there before us;
    /// and nothing that we know or signed.
    fn heals(&self, case: &Case<'_>, matched: &Match, kind: Kind, pieces: &[Piece<'_>]) -> Vec<MessageId> {
        let (Some(thread), Some(author), Kind::Human) = (matched.thread, matched.correspondent.as_ref(), kind) else {
            return Vec::new();
        };
        let is_author = |address: &String| *address == author.folded();
        let is_correspondents =
            case.known.threads.get(&thread).is_some_and(|known| known.correspondents.iter().any(is_author));
        // What a customer brought brings nothing along: whoever opens a thread could fill it with any ids.
        let is_ours = |id: &&MessageId| matched.evidence == Evidence::Seed || is_learned(id, case.known);
        let is_known = is_correspondents && !case.is_doubtful;
        let by = matching_id(matched, pieces).filter(|id| is_known && is_ours(id));
        let Some(by) = by else { return Vec::new() };
        let references = case.arrival.message.references();
        let after = references.iter().rposition(|id| id == by).map_or(references.len(), |at| at + 1);
        let after = references.get(after..).unwrap_or_default();
        let newest = after.iter().rev().filter(|id| self.may_heal(id, case)).take(HEALED_PER_MESSAGE);
        newest.cloned().collect()
    }

    fn may_heal(&self, id: &MessageId, case: &Case<'_>) -> bool {
        !is_learned(id, case.known) && !Token::resembles(id.left()) && case.arrival.message.message_id() != Some(id)
    }

    /// A new id for the recipient at `index`.
    pub(super) fn fresh(&self, index: usize) -> ThreadId {
        let offset = u16::try_from(index).unwrap_or(u16::MAX);
        ThreadId::new(self.now, self.serial.wrapping_add(offset).to_be_bytes())
    }

    /// The separator that we write ourselves.
    pub fn separator(&self) -> char {
        self.policy.separators.chars().next().unwrap_or('+')
    }
}

/// The id that decided: of the evidence that won, the piece that names the thread.
fn matching_id<'c>(matched: &Match, pieces: &[Piece<'c>]) -> Option<&'c MessageId> {
    if !matches!(matched.evidence, Evidence::Seed | Evidence::MessageId) {
        return None;
    }
    let names = |says: &Says| matches!(says, Says::Names { thread, .. } if *thread == matched.thread);
    let decided = pieces.iter().find(|piece| piece.evidence == matched.evidence && names(&piece.says))?;
    if let LookedAt::Id(id) = decided.looked_at { Some(id) } else { None }
}

/// Whether the id is that of a message which went out.
fn is_learned(id: &MessageId, known: &Found) -> bool {
    let is_learned = |claim: &Claim| matches!(claim.origin, Origin::Learned(_));
    known.ids.get(id).is_some_and(|claims| claims.iter().any(is_learned))
}

/// `bounce+TOKEN@reply_domain`.
pub(super) fn return_path(domain: &crate::mail::Domain, separator: char, token: &str) -> Option<ReversePath> {
    let bounce = Address::new("bounce", domain).ok()?;
    Some(ReversePath::Address(bounce.with_detail(separator, token)))
}

/// Whether the message is out, or somebody's to decide about: an answer to it may come. What has come back, or
/// is refused, was not sent by anybody now.
fn is_taken(fate: &Fate) -> bool {
    match fate {
        Fate::Forward(_) | Fate::Discard => true,
        Fate::Hold(reason) => *reason == HoldReason::Rule,
        Fate::Reject(_) | Fate::Defer(_) => false,
    }
}
