//! The entries of the index: what is kept under each key, and how it takes in what is learned.
//!
//! Pure values. Each change is a merge that may be repeated: lists only grow, up to a bound, first
//! come first kept; times only rise; who is forgotten leaves an empty place. So the state after a
//! record stays the same when the journal is replayed over it from any earlier point. Nothing here
//! may give a place free that an earlier record was refused, but age.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::places::Places;
use super::story::Report;
use super::tale::{Tale, Told};
use super::{
    Bookmark, Bounced, Claim, DestinationHash, Fingerprint, Origin, Remembered, Reported, Settings, Story, Thread, Twin,
};
use crate::mail::{Action, MessageId, PersonName, PersonaName, Status, ThreadId};

/// The messages that one id was learned with: one mail is signed and stamped on its way, and may come by
/// before and after that. Two threads make it ambiguous; a third cannot make it more so.
const LEARNED_PER_ID: usize = 8;
/// Several customers may bring one id; many are an attack on our memory.
const HEALED_PER_ID: usize = 8;
/// Ids that one thread may gain by healing.
const HEALED_PER_THREAD: u32 = 200;
/// Whom one thread goes to: more than a server's recipients in one transaction.
pub(super) const CORRESPONDENTS: usize = 2000;
/// Recipients of one thread of whom it is kept what mail systems told.
const REPORTS: usize = 100;
/// Octets of a campaign's name.
const CAMPAIGN: usize = 200;
/// Destinations of one message.
const DESTINATIONS: usize = 1000;

/// How long entries are kept, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping {
    ids: i64,
    retries: i64,
    waiting: i64,
}

impl From<&Settings> for Keeping {
    fn from(settings: &Settings) -> Self {
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self {
            ids: seconds(settings.keep),
            retries: seconds(settings.keep_retries),
            waiting: seconds(settings.keep_waiting),
        }
    }
}

impl Keeping {
    /// Nothing is ever past keeping.
    pub(super) fn for_ever() -> Self {
        Self { ids: i64::MAX, retries: i64::MAX, waiting: i64::MAX }
    }

    /// What is past keeping at the moment `now`.
    pub(super) fn horizon(self, now: i64) -> Horizon {
        Horizon {
            ids: now.saturating_sub(self.ids),
            retries: now.saturating_sub(self.retries),
            waiting: now.saturating_sub(self.waiting),
        }
    }
}

/// The earliest times that are still kept, in seconds of the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    pub(super) ids: i64,
    retries: i64,
    pub(super) waiting: i64,
}

/// One kind of entry.
pub(super) trait Entry: Serialize + DeserializeOwned {
    /// The first octet of its keys.
    const KIND: u8;

    /// Drops what is past keeping; false when nothing is left.
    fn keep(&mut self, horizon: Horizon) -> bool;
}

/// The claims on one Message-ID.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Id {
    learned: Vec<LearnedId>,
    healed: Vec<HealedId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LearnedId {
    thread: ThreadId,
    fingerprint: Fingerprint,
    at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct HealedId {
    thread: ThreadId,
    /// `None` once forgotten: the place stays taken.
    correspondent: Option<String>,
    at: i64,
}

impl Id {
    /// Takes a learned id; returns the thread that this message has it in, which is not `thread`
    /// where the message was learned before. Learning takes an id from healing.
    pub(super) fn learn(&mut self, thread: ThreadId, fingerprint: Fingerprint, at: i64) -> ThreadId {
        self.healed.clear();
        if let Some(same) = self.learned.iter_mut().find(|claim| claim.fingerprint == fingerprint) {
            same.at = same.at.max(at);
            return same.thread;
        }
        if self.learned.len() < LEARNED_PER_ID {
            self.learned.push(LearnedId { thread, fingerprint, at });
        }
        thread
    }

    /// The threads of the messages that it was learned with, the first one first; none where this message is
    /// among them, or no further one has room.
    pub(super) fn threads_of_others(&self, fingerprint: Fingerprint) -> Vec<ThreadId> {
        let is_among = self.learned.iter().any(|claim| claim.fingerprint == fingerprint);
        let is_settled = is_among || self.learned.len() >= LEARNED_PER_ID;
        if is_settled { Vec::new() } else { self.learned.iter().map(|claim| claim.thread).collect() }
    }

    /// Renews a healed claim that is already there; false when it is not.
    pub(super) fn renew(&mut self, thread: ThreadId, correspondent: &str, at: i64) -> bool {
        let same =
            |claim: &&mut HealedId| claim.thread == thread && claim.correspondent.as_deref() == Some(correspondent);
        let found = self.healed.iter_mut().find(same);
        found.map(|claim| claim.at = claim.at.max(at)).is_some()
    }

    /// Whether healing may still claim this id.
    pub(super) fn can_heal(&self) -> bool {
        self.learned.is_empty() && self.healed.len() < HEALED_PER_ID
    }

    /// Whether healing alone brought it.
    pub(super) fn is_healed(&self) -> bool {
        self.learned.is_empty()
    }

    /// Adds a healed claim.
    pub(super) fn heal(&mut self, thread: ThreadId, correspondent: &str, at: i64) {
        self.healed.push(HealedId { thread, correspondent: Some(correspondent.into()), at });
    }

    /// Takes the address out of the claims up to `at`; false when it was in none.
    pub(super) fn forget(&mut self, address: &str, at: i64) -> bool {
        let mut forgotten = false;
        for claim in self.healed.iter_mut().filter(|claim| claim.at <= at) {
            forgotten |= claim.correspondent.take_if(|correspondent| correspondent == address).is_some();
        }
        forgotten
    }

    /// The claims as the matcher sees them, learned ones first.
    pub(super) fn claims(self) -> Vec<Claim> {
        let learned =
            self.learned.into_iter().map(|id| Claim { thread: id.thread, origin: Origin::Learned(id.fingerprint) });
        let healed = self
            .healed
            .into_iter()
            .filter_map(|id| Some(Claim { thread: id.thread, origin: Origin::Healed(id.correspondent?) }));
        learned.chain(healed).collect()
    }
}

impl Entry for Id {
    const KIND: u8 = b'i';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.learned.retain(|claim| claim.at >= horizon.ids);
        self.healed.retain(|claim| claim.at >= horizon.ids);
        !self.learned.is_empty() || !self.healed.is_empty()
    }
}

/// One thread.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ThreadEntry {
    persona: PersonaName,
    opened: i64,
    /// The newest record that named it: a thread is kept as long as the ids that lead to it.
    newest: i64,
    correspondents: Vec<Correspondent>,
    healed: u32,
    writer: Option<(PersonName, i64)>,
    person: Option<(PersonName, i64)>,
    first: Option<(Fingerprint, i64)>,
    campaign: Option<(String, i64)>,
    reports: Vec<ReportOf>,
    /// Mail of the persona's went out in it, or what came proves that the thread was there before: nobody else
    /// opens it any more.
    is_taken: bool,
    tale: Tale,
}

/// What was told last of a recipient.
#[derive(Debug, Serialize, Deserialize)]
struct ReportOf {
    whom: Whom,
    action: String,
    status: Option<Status>,
    at: i64,
}

/// Of whom a mail system told.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Whom {
    /// Of this address, folded.
    Named(String),
    /// That could not be read.
    Unread,
    /// The place stays taken.
    Forgotten,
}

#[derive(Debug, Serialize, Deserialize)]
struct Correspondent {
    /// `None` once forgotten: the place stays taken.
    address: Option<String>,
    at: i64,
}

impl ThreadEntry {
    /// A thread as its first record opens it.
    pub(super) fn open(persona: &PersonaName, at: i64) -> Self {
        Self {
            persona: persona.clone(),
            opened: at,
            newest: at,
            correspondents: Vec::new(),
            healed: 0,
            writer: None,
            person: None,
            first: None,
            campaign: None,
            reports: Vec::new(),
            is_taken: false,
            tale: Tale::default(),
        }
    }

    /// A record named the thread.
    pub(super) fn touch(&mut self, at: i64) {
        self.newest = self.newest.max(at);
    }

    /// Nobody opens it any more.
    pub(super) fn take(&mut self) {
        self.is_taken = true;
    }

    /// Somebody wrote in it: its correspondent, where nobody was before. A place that was forgotten is somebody's.
    pub(super) fn opened_by(&mut self, address: &str, at: i64) {
        if !self.is_taken && self.correspondents.is_empty() {
            self.join(&[address], at);
        }
    }

    /// A message of it is to be told.
    pub(super) fn tell(&mut self, told: Told) {
        self.tale.tell(told);
    }

    /// A person wrote into it; whoever did so last stays.
    pub(super) fn wrote(&mut self, person: &PersonName, at: i64) {
        if self.writer.as_ref().is_none_or(|(_, last)| at >= *last) {
            self.writer = Some((person.clone(), at));
        }
    }

    /// A customer wrote into it: the first such message stays, and who got the last one.
    pub(super) fn was_written_to(&mut self, mail: Fingerprint, person: Option<&PersonName>, at: i64) {
        if self.first.as_ref().is_none_or(|(_, first)| at < *first) {
            self.first = Some((mail, at));
        }
        if let Some(person) = person.filter(|_| self.person.as_ref().is_none_or(|(_, last)| at >= *last)) {
            self.person = Some((person.clone(), at));
        }
    }

    /// Who got the last message that a customer wrote in it.
    pub(super) fn person(&self) -> Option<&PersonName> {
        self.person.as_ref().map(|(person, _)| person)
    }

    /// When a customer wrote last in it, where this person is to answer, and nobody of ours has since.
    pub(super) fn waits_for(&self, person: &PersonName) -> Option<i64> {
        let (last, asked) = self.person.as_ref()?;
        let is_answered = self.writer.as_ref().is_some_and(|(_, at)| at >= asked);
        (last == person && !is_answered).then_some(*asked)
    }

    /// Its automated mail is of a campaign; the newest stays.
    pub(super) fn is_of_campaign(&mut self, campaign: &str, at: i64) {
        if self.campaign.as_ref().is_none_or(|(_, last)| at >= *last) {
            let end = campaign.floor_char_boundary(CAMPAIGN);
            self.campaign = Some((campaign[..end].to_owned(), at));
        }
    }

    /// A mail system told of a recipient; what was told last stays.
    pub(super) fn report(&mut self, told: &Reported) {
        let whom = told.recipient.clone().map_or(Whom::Unread, Whom::Named);
        let has_room = self.reports.len() < REPORTS;
        match self.reports.iter_mut().find(|known| known.whom == whom) {
            Some(known) if known.at <= told.at => *known = ReportOf::of(told, whom),
            None if has_room => self.reports.push(ReportOf::of(told, whom)),
            Some(_) | None => {}
        }
    }

    /// Whether mail of it has failed for good.
    pub(super) fn has_failed(&self) -> bool {
        self.reports.iter().any(ReportOf::is_failure)
    }

    /// The mail of it that has failed for good, as it is told last.
    pub(super) fn failures(&self, thread: ThreadId) -> impl Iterator<Item = Bounced> {
        let failed = self.reports.iter().enumerate().filter(|(_, report)| report.is_failure());
        failed.map(move |(number, report)| Bounced {
            place: Bookmark { at: report.at, thread, number: u16::try_from(number).unwrap_or(u16::MAX) },
            persona: self.persona.clone(),
            recipient: if let Whom::Named(name) = &report.whom { Some(name.clone()) } else { None },
            status: report.status,
        })
    }

    /// Whether a mail of `persona` to these, under an id of this thread, is a mail of this thread.
    pub(super) fn is_of_same_mail(&self, persona: &PersonaName, correspondents: &[String]) -> bool {
        let own = self.correspondents.iter().filter_map(|known| known.address.as_deref());
        super::is_same_mail((&self.persona, own), (persona, correspondents))
    }

    /// Adds correspondents, or renews them; returns their places, of those for whom there was room.
    pub(super) fn join(&mut self, addresses: &[&str], at: i64) -> Places {
        // Looked for in one go: a mail may go to thousands.
        let joining: HashSet<&str> = addresses.iter().copied().collect();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, known) in self.correspondents.iter().enumerate() {
            if let Some(address) = known.address.as_deref().and_then(|address| joining.get(address)) {
                places.entry(address).or_insert(place);
            }
        }
        let mut joined = Places::default();
        for address in addresses {
            let place = *places.entry(address).or_insert(self.correspondents.len());
            if let Some(known) = self.correspondents.get_mut(place) {
                known.at = known.at.max(at);
            } else if place < CORRESPONDENTS {
                self.correspondents.push(Correspondent { address: Some((*address).into()), at });
            } else {
                continue;
            }
            u16::try_from(place).into_iter().for_each(|place| joined.add(place));
        }
        joined
    }

    /// Counts one more healed id; false, and no change, when the thread has enough of them. The
    /// count never falls: else a replay would count an id again.
    pub(super) fn gain(&mut self) -> bool {
        let gains = self.healed < HEALED_PER_THREAD;
        self.healed += u32::from(gains);
        gains
    }

    /// Takes the address out of the correspondents, and of what is told, up to `at`; false when it was nowhere.
    pub(super) fn forget(&mut self, address: &str, at: i64) -> bool {
        let mut forgotten = self.tale.forget(address, at);
        let is_of = |report: &&mut ReportOf| matches!(&report.whom, Whom::Named(name) if name == address);
        for report in self.reports.iter_mut().filter(|report| report.at <= at).filter(is_of) {
            report.whom = Whom::Forgotten;
            forgotten = true;
        }
        for known in self.correspondents.iter_mut().filter(|known| known.at <= at) {
            forgotten |= known.address.take_if(|known| known == address).is_some();
        }
        forgotten
    }

    /// The thread as people are told of it.
    pub(super) fn story(mut self, thread: ThreadId) -> Story {
        let tale = std::mem::take(&mut self.tale);
        let address = |place: u16| self.correspondents.get(usize::from(place))?.address.clone();
        let (events, is_cut) = tale.events(address);
        let reports = std::mem::take(&mut self.reports).into_iter().filter_map(ReportOf::report).collect();
        let Thread { persona, opened, correspondents, healed, writer, person, campaign, .. } = self.thread();
        Story {
            thread,
            persona,
            opened,
            correspondents,
            writer,
            person,
            campaign,
            reports,
            healed,
            events,
            is_cut,
            is_of_many: false,
        }
    }

    /// The thread as the matcher sees it.
    pub(super) fn thread(self) -> Thread {
        let correspondents = self.correspondents.into_iter().filter_map(|known| known.address).collect();
        Thread {
            persona: self.persona,
            opened: self.opened,
            correspondents,
            healed: self.healed,
            writer: self.writer.map(|(person, _)| person),
            person: self.person.map(|(person, _)| person),
            first: self.first.map(|(mail, _)| mail),
            campaign: self.campaign.map(|(campaign, _)| campaign),
        }
    }
}

impl ReportOf {
    fn of(told: &Reported, whom: Whom) -> Self {
        Self { whom, action: told.action.to_string(), status: told.status, at: told.at }
    }

    fn is_failure(&self) -> bool {
        self.action.parse() == Ok(Action::Failed)
    }

    fn report(self) -> Option<Report> {
        let recipient = if let Whom::Named(name) = self.whom { Some(name) } else { None };
        Some(Report { recipient, action: self.action.parse().ok()?, status: self.status, at: self.at })
    }
}

impl Entry for ThreadEntry {
    const KIND: u8 = b't';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.tale.keep(horizon.ids);
        self.newest >= horizon.ids
    }
}

/// What was done for one recipient of a byte-identical mail.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Retry {
    done: Vec<(DestinationHash, i64)>,
    chosen: Option<(PersonName, i64)>,
}

impl Retry {
    /// A leg is done.
    pub(super) fn done(&mut self, destination: DestinationHash, at: i64) {
        note(&mut self.done, destination, at);
    }

    /// A pool chose a person; the first choice stands.
    pub(super) fn choose(&mut self, person: &PersonName, at: i64) {
        match &mut self.chosen {
            Some((first, when)) if first == person => *when = at.max(*when),
            Some(_) => {}
            None => self.chosen = Some((person.clone(), at)),
        }
    }

    /// The memory as the flow sees it.
    pub(super) fn remembered(self) -> Remembered {
        let done = self.done.into_iter().map(|(destination, _)| destination).collect();
        Remembered { done, chosen: self.chosen.map(|(person, _)| person) }
    }
}

impl Entry for Retry {
    const KIND: u8 = b'r';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.done.retain(|(_, at)| *at >= horizon.retries);
        self.chosen.take_if(|(_, at)| *at < horizon.retries);
        !self.done.is_empty() || self.chosen.is_some()
    }
}

/// What was done with the same mail, whatever way it came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TwinEntry {
    learned: Option<(ThreadId, MessageId, i64)>,
    done: Vec<(DestinationHash, i64)>,
}

impl TwinEntry {
    /// It was learned; the first time stands.
    pub(super) fn learn(&mut self, thread: ThreadId, message_id: &MessageId, at: i64) {
        match &mut self.learned {
            Some((first, id, when)) if *first == thread && id == message_id => *when = at.max(*when),
            Some(_) => {}
            None => self.learned = Some((thread, message_id.clone(), at)),
        }
    }

    /// It reached a destination.
    pub(super) fn done(&mut self, destination: DestinationHash, at: i64) {
        note(&mut self.done, destination, at);
    }

    /// The memory as the flow sees it.
    pub(super) fn twin(self) -> Twin {
        Twin { learned: self.learned.map(|(thread, message_id, _)| (thread, message_id)), done: self.done }
    }
}

impl Entry for TwinEntry {
    const KIND: u8 = b'w';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.learned.take_if(|(_, _, at)| *at < horizon.ids);
        self.done.retain(|(_, at)| *at >= horizon.retries);
        self.learned.is_some() || !self.done.is_empty()
    }
}

/// Notes that a destination was reached, and when last.
fn note(done: &mut Vec<(DestinationHash, i64)>, destination: DestinationHash, at: i64) {
    if let Some((_, last)) = done.iter_mut().find(|(known, _)| *known == destination) {
        *last = at.max(*last);
    } else if done.len() < DESTINATIONS {
        done.push((destination, at));
    }
}

/// An address is to be forgotten: nothing up to that time is learned of it again, so that a replay
/// from before cannot bring it back.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Forgotten {
    at: i64,
}

impl Forgotten {
    /// Forgets what is learned up to `at`.
    pub(super) fn up_to(&mut self, at: i64) {
        self.at = self.at.max(at);
    }

    /// Whether what was learned at `at` is forgotten.
    pub(super) fn covers(&self, at: i64) -> bool {
        at <= self.at
    }
}

impl Entry for Forgotten {
    const KIND: u8 = b'f';

    fn keep(&mut self, horizon: Horizon) -> bool {
        self.at >= horizon.ids
    }
}
