//! The logic of the index, once for all backends: what a record changes, what has grown old. How questions
//! are answered is in `recall`.
//!
//! Keys are one octet of kind and a hash (or a thread's id), so that an entry costs the same
//! whatever the length of a Message-ID. Times are arguments: a record changes things as of its own
//! time, an answer is given as of `now`.

use sha2::{Digest, Sha256};

use super::acquaintance::AcquaintanceEntry;
use super::duty::{TurnsEntry, WaitingEntry};
use super::entry::{self, Entry, Forgotten, Horizon, Id, Keeping, Retry, ThreadEntry, TwinEntry};
use super::store::{Broken, Changes, Pair, Source, View};
use super::tale::{Mark, Told};
use super::{Came, DestinationHash, Fingerprint, Record, Reported, RetryKey, Sent, Topic};
use crate::mail::{MessageId, PersonName, PersonaName, ThreadId};

/// Ids that one message may bring into its thread, beside its own.
const HEALED_PER_MESSAGE: usize = 32;

/// Whether an id joins a thread.
#[derive(PartialEq, Eq)]
enum Joins {
    Now,
    Before,
    Never,
}

/// What records change, before it is put into a store.
pub(super) struct Draft<'a> {
    below: &'a dyn Source,
    keeping: Keeping,
    changes: Changes,
}

impl<'a> Draft<'a> {
    /// Nothing changed yet.
    pub(super) fn over(below: &'a dyn Source, keeping: Keeping) -> Self {
        Self { below, keeping, changes: Changes::new() }
    }

    /// All that has changed.
    pub(super) fn into_changes(self) -> Changes {
        self.changes
    }

    /// Takes in one record. Twice is as good as once, and so is a replay from any earlier point.
    pub(super) fn apply(&mut self, record: &Record) -> Result<(), Broken> {
        match record {
            Record::Sent(sent) => self.send(sent),
            Record::Came(came) => self.come(came),
            Record::Learned { message_id, thread, persona, fingerprint, correspondents, at } => self.send(&Sent {
                message_id: message_id.clone(),
                thread: *thread,
                persona: persona.clone(),
                fingerprint: *fingerprint,
                correspondents: correspondents.clone(),
                writer: None,
                topic: Topic::default(),
                at: *at,
            }),
            Record::LearnedFrom { message_id, thread, persona, fingerprint, correspondents, writer, at } => {
                self.send(&Sent {
                    message_id: message_id.clone(),
                    thread: *thread,
                    persona: persona.clone(),
                    fingerprint: *fingerprint,
                    correspondents: correspondents.clone(),
                    writer: Some(writer.clone()),
                    topic: Topic::default(),
                    at: *at,
                })
            }
            Record::Healed { message_id, thread, persona, correspondent, at } => {
                self.heal(message_id, *thread, persona, correspondent, *at)
            }
            Record::Done { retry, twin, destination, at } => self.done(*retry, *twin, *destination, *at),
            Record::Chosen { retry, person, at } => {
                self.change(retry_key(*retry), *at, |entry: &mut Retry| entry.choose(person, *at))
            }
            Record::Forgotten { correspondent, at } => self.forget(correspondent, *at),
            Record::Reported(reported) => self.report(reported),
            Record::Campaign { thread, persona, campaign, at } => {
                let mut entry = self.thread_or_new(*thread, persona, *at)?;
                entry.is_of_campaign(campaign, *at);
                self.put(thread_key(*thread), &entry)
            }
            Record::Turn { persona, person, at } => {
                self.change(turns_key(persona), record.at(), |entry: &mut TurnsEntry| entry.took(person, *at))
            }
        }
    }

    /// The id joins a thread, the thread those whom the message goes to and who wrote it, and the message is
    /// known again.
    fn send(&mut self, sent: &Sent) -> Result<(), Broken> {
        let Sent { message_id, fingerprint, at, .. } = sent;
        let mut id: Id = self.get(&id_key(message_id), *at)?.unwrap_or_default();
        let wanted = self.thread_of_same_mail(&id, sent)?.unwrap_or(sent.thread);
        let thread = id.learn(wanted, *fingerprint, *at);
        self.put(id_key(message_id), &id)?;
        self.send_in_thread(thread, sent)?;
        self.change(twin_key(*fingerprint), *at, |twin: &mut TwinEntry| twin.learn(thread, message_id, *at))
    }

    /// The thread in which the same mail was learned as it was before somebody stamped or signed it, or after:
    /// one id, one persona, a common correspondent. Decided here, where one record comes after the other,
    /// since several copies of a mail come at the same time.
    fn thread_of_same_mail(&self, id: &Id, sent: &Sent) -> Result<Option<ThreadId>, Broken> {
        for thread in id.threads_of_others(sent.fingerprint) {
            let known: Option<ThreadEntry> = self.get(&thread_key(thread), sent.at)?;
            if known.is_some_and(|known| known.is_of_same_mail(&sent.persona, &sent.correspondents)) {
                return Ok(Some(thread));
            }
        }
        Ok(None)
    }

    /// Opens the thread, or adds whom this message goes to.
    fn send_in_thread(&mut self, thread: ThreadId, sent: &Sent) -> Result<(), Broken> {
        let at = sent.at;
        let mut entry = self.thread_or_new(thread, &sent.persona, at)?;
        let mut correspondents = Vec::new();
        for correspondent in sent.correspondents.iter().take(entry::CORRESPONDENTS) {
            if !self.is_forgotten(correspondent, at)? {
                correspondents.push(correspondent.as_str());
                self.change(acquaintance_key(correspondent), at, |known: &mut AcquaintanceEntry| {
                    known.written_to(&sent.persona, thread, sent.topic, at);
                })?;
            }
        }
        let to = entry.join(&correspondents, at);
        entry.take();
        if let Some(writer) = &sent.writer {
            entry.wrote(writer, at);
            self.wait(thread, &entry, entry.person())?;
        }
        // Signed or stamped on its way, it is the same message under its id.
        let mark = Mark::new(&hash(sent.message_id.as_str()));
        entry.tell(Told::sent(mark, at, &sent.message_id, sent.writer.as_ref(), to));
        self.put(thread_key(thread), &entry)
    }

    /// The message is told in its thread; where a person wrote it and one of ours got it, it opens the thread where
    /// it may, its ids join, and its author is known by what it is about.
    fn come(&mut self, came: &Came) -> Result<(), Broken> {
        let at = came.at;
        let is_forgotten =
            came.correspondent.as_deref().map_or(Ok(false), |correspondent| self.is_forgotten(correspondent, at))?;
        let mut entry = self.thread_or_new(came.thread, &came.persona, at)?;
        let mut healed = Vec::new();
        if let Some(author) = came.author().filter(|_| !is_forgotten) {
            if came.may_open() {
                entry.opened_by(author, at);
            } else {
                entry.take();
            }
            self.change(acquaintance_key(author), at, |known: &mut AcquaintanceEntry| {
                known.wrote(came.thread, came.topic, at);
            })?;
            self.await_answer(came, &mut entry)?;
            healed = self.heal_all(came, author, &mut entry)?;
        }
        entry.tell(Told::came(came, is_forgotten, healed));
        self.put(thread_key(came.thread), &entry)
    }

    /// Somebody of ours is to answer a customer: the thread waits for them, and no longer for whoever had it before.
    fn await_answer(&mut self, came: &Came, thread: &mut ThreadEntry) -> Result<(), Broken> {
        let before = thread.person().cloned();
        thread.was_written_to(came.mail, came.person.as_ref(), came.at);
        self.wait(came.thread, thread, before.as_ref())?;
        self.wait(came.thread, thread, came.person.as_ref())
    }

    /// Notes whether a thread that may have waited for a person does so now.
    fn wait(&mut self, thread: ThreadId, entry: &ThreadEntry, person: Option<&PersonName>) -> Result<(), Broken> {
        let Some(person) = person else { return Ok(()) };
        let key = waiting_key(person, thread);
        if let Some(asked) = entry.waits_for(person) {
            return self.put(key, &WaitingEntry { asked });
        }
        self.changes.insert(key, None);
        Ok(())
    }

    /// A mail system told what became of mail of a thread: the thread is marked.
    fn report(&mut self, reported: &Reported) -> Result<(), Broken> {
        let recipient = reported.recipient.as_deref();
        if recipient.map_or(Ok(false), |address| self.is_forgotten(address, reported.at))? {
            return Ok(());
        }
        let mut entry = self.thread_or_new(reported.thread, &reported.persona, reported.at)?;
        entry.report(reported);
        self.put(thread_key(reported.thread), &entry)
    }

    /// Lets the ids that a message brings join its thread; returns those, but for its own, that were not there.
    fn heal_all(&mut self, came: &Came, author: &str, thread: &mut ThreadEntry) -> Result<Vec<MessageId>, Broken> {
        let mut healed = Vec::new();
        let Some(own) = &came.message_id else { return Ok(healed) };
        self.join(own, came.thread, author, thread, came.at)?;
        for id in came.heals.iter().take(HEALED_PER_MESSAGE) {
            if self.join(id, came.thread, author, thread, came.at)? == Joins::Now {
                healed.push(id.clone());
            }
        }
        Ok(healed)
    }

    /// Lets an id join a thread, where there is room and nobody has learned it.
    fn join(
        &mut self,
        message_id: &MessageId,
        thread: ThreadId,
        correspondent: &str,
        entry: &mut ThreadEntry,
        at: i64,
    ) -> Result<Joins, Broken> {
        let mut id: Id = self.get(&id_key(message_id), at)?.unwrap_or_default();
        let joins = if id.renew(thread, correspondent, at) {
            Joins::Before
        } else if id.can_heal() && entry.gain() {
            id.heal(thread, correspondent, at);
            Joins::Now
        } else {
            return Ok(Joins::Never);
        };
        self.put(id_key(message_id), &id)?;
        Ok(joins)
    }

    /// What a journal of before says of a matched message: its id joins a thread, or opens it.
    fn heal(
        &mut self,
        message_id: &MessageId,
        thread: ThreadId,
        persona: &PersonaName,
        correspondent: &str,
        at: i64,
    ) -> Result<(), Broken> {
        if self.is_forgotten(correspondent, at)? {
            return Ok(());
        }
        let mut entry = self.thread_or_new(thread, persona, at)?;
        if self.join(message_id, thread, correspondent, &mut entry, at)? == Joins::Never {
            return Ok(());
        }
        entry.opened_by(correspondent, at);
        self.put(thread_key(thread), &entry)?;
        self.change(acquaintance_key(correspondent), at, |known: &mut AcquaintanceEntry| {
            known.wrote(thread, Topic::default(), at);
        })
    }

    fn done(
        &mut self,
        retry: RetryKey,
        twin: Fingerprint,
        destination: DestinationHash,
        at: i64,
    ) -> Result<(), Broken> {
        self.change(retry_key(retry), at, |entry: &mut Retry| entry.done(destination, at))?;
        self.change(twin_key(twin), at, |entry: &mut TwinEntry| entry.done(destination, at))
    }

    /// Takes an address out of all threads and healed ids, as far as they are not younger.
    ///
    /// Reads the whole index: somebody asks to be forgotten a few times a year. How they are known does not tell
    /// where they stand: the ids that they brought are not there, nor are threads that gave way to others, nor those
    /// in which they are only told.
    fn forget(&mut self, address: &str, at: i64) -> Result<(), Broken> {
        self.change(forgotten_key(address), at, |entry: &mut Forgotten| entry.up_to(at))?;
        self.forget_acquaintance(address, at)?;
        self.rewrite(|id: &mut Id| id.forget(address, at))?;
        self.rewrite(|thread: &mut ThreadEntry| thread.forget(address, at))
    }

    /// Whether forgetting an address up to `at` takes anything away.
    pub(super) fn knows(mut self, address: &str, at: i64) -> Result<bool, Broken> {
        self.forget(address, at)?;
        let note = forgotten_key(address);
        Ok(self.changes.keys().any(|key| *key != note))
    }

    fn forget_acquaintance(&mut self, address: &str, at: i64) -> Result<(), Broken> {
        let key = acquaintance_key(address);
        let Some(mut known) = self.get::<AcquaintanceEntry>(&key, at)? else { return Ok(()) };
        if known.forget(at) {
            return self.put(key, &known);
        }
        self.changes.insert(key, None);
        Ok(())
    }

    /// Edits every entry of a kind that `edit` says true to.
    fn rewrite<E: Entry>(&mut self, edit: impl Fn(&mut E) -> bool) -> Result<(), Broken> {
        let mut edited = Vec::new();
        for pair in all_of::<E>(&self.view()) {
            let (key, value) = pair?;
            let mut entry: E = decode(&value)?;
            if edit(&mut entry) {
                edited.push((key, entry));
            }
        }
        edited.into_iter().try_for_each(|(key, entry)| self.put(key, &entry))
    }

    /// Edits the entry under `key`, or a new one.
    fn change<E: Entry + Default, T>(
        &mut self,
        key: Vec<u8>,
        at: i64,
        edit: impl FnOnce(&mut E) -> T,
    ) -> Result<T, Broken> {
        let mut entry = self.get(&key, at)?.unwrap_or_default();
        let result = edit(&mut entry);
        self.put(key, &entry)?;
        Ok(result)
    }

    fn is_forgotten(&self, correspondent: &str, at: i64) -> Result<bool, Broken> {
        let entry: Option<Forgotten> = self.get(&forgotten_key(correspondent), at)?;
        Ok(entry.is_some_and(|forgotten| forgotten.covers(at)))
    }

    fn thread_or_new(&self, thread: ThreadId, persona: &PersonaName, at: i64) -> Result<ThreadEntry, Broken> {
        let known = self.get(&thread_key(thread), at)?;
        let mut entry = known.unwrap_or_else(|| ThreadEntry::open(persona, at));
        entry.touch(at);
        Ok(entry)
    }

    /// What is under `key` as of `at`: what has grown old by then no longer takes a place.
    fn get<E: Entry>(&self, key: &[u8], at: i64) -> Result<Option<E>, Broken> {
        get(&self.view(), key, self.keeping.horizon(at))
    }

    fn put<E: Entry>(&mut self, key: Vec<u8>, entry: &E) -> Result<(), Broken> {
        let value = postcard::to_stdvec(entry).map_err(|error| Broken(format!("cannot encode an entry: {error}")))?;
        self.changes.insert(key, Some(value));
        Ok(())
    }

    fn view(&self) -> View<'_> {
        View { below: self.below, changes: &self.changes }
    }
}

/// Looks at `steps` entries of `stored` from the key `from` on, and says which of them are past
/// keeping; returns where to go on, which is the beginning again after the last one.
///
/// `pending` are the changes that lie over `stored`: an entry that has one is young.
pub(super) fn sweep(
    stored: &dyn Source,
    pending: &Changes,
    from: &[u8],
    steps: usize,
    horizon: Horizon,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), Broken> {
    let mut old = Vec::new();
    let mut last = None;
    for pair in stored.scan(from, &[0xFF]).take(steps) {
        let (key, value) = pair?;
        if !pending.contains_key(&key) && is_old(&key, &value, horizon)? {
            old.push(key.clone());
        }
        last = Some(key);
    }
    let next = last.map(|mut key| {
        key.push(0);
        key
    });
    Ok((old, next.unwrap_or_default()))
}

fn is_old(key: &[u8], value: &[u8], horizon: Horizon) -> Result<bool, Broken> {
    Ok(match key.first() {
        Some(&Id::KIND) => !decode::<Id>(value)?.keep(horizon),
        Some(&ThreadEntry::KIND) => !decode::<ThreadEntry>(value)?.keep(horizon),
        Some(&Retry::KIND) => !decode::<Retry>(value)?.keep(horizon),
        Some(&TwinEntry::KIND) => !decode::<TwinEntry>(value)?.keep(horizon),
        Some(&AcquaintanceEntry::KIND) => !decode::<AcquaintanceEntry>(value)?.keep(horizon),
        Some(&TurnsEntry::KIND) => !decode::<TurnsEntry>(value)?.keep(horizon),
        Some(&WaitingEntry::KIND) => !decode::<WaitingEntry>(value)?.keep(horizon),
        Some(&Forgotten::KIND) => !decode::<Forgotten>(value)?.keep(horizon),
        Some(_) | None => false,
    })
}

pub(super) fn get<E: Entry>(source: &dyn Source, key: &[u8], horizon: Horizon) -> Result<Option<E>, Broken> {
    let Some(value) = source.get(key)? else { return Ok(None) };
    let mut entry: E = decode(&value)?;
    Ok(entry.keep(horizon).then_some(entry))
}

pub(super) fn decode<E: Entry>(value: &[u8]) -> Result<E, Broken> {
    postcard::from_bytes(value).map_err(|error| Broken(format!("an entry of kind {:?}: {error}", char::from(E::KIND))))
}

pub(super) fn all_of<'a, E: Entry>(source: &'a dyn Source) -> Box<dyn Iterator<Item = Result<Pair, Broken>> + 'a> {
    source.scan(&[E::KIND], &[E::KIND + 1])
}

pub(super) fn id_key(message_id: &MessageId) -> Vec<u8> {
    key::<Id>(&hash(message_id.as_str()))
}

pub(super) fn thread_key(thread: ThreadId) -> Vec<u8> {
    key::<ThreadEntry>(&thread.0)
}

/// The thread that a key is of.
pub(super) fn thread_of(key: &[u8]) -> Option<ThreadId> {
    key.strip_prefix(&[ThreadEntry::KIND])?.try_into().ok().map(ThreadId)
}

pub(super) fn retry_key(retry: RetryKey) -> Vec<u8> {
    key::<Retry>(&retry.0)
}

pub(super) fn twin_key(twin: Fingerprint) -> Vec<u8> {
    key::<TwinEntry>(&twin.0)
}

pub(super) fn acquaintance_key(correspondent: &str) -> Vec<u8> {
    key::<AcquaintanceEntry>(&hash(correspondent))
}

pub(super) fn turns_key(persona: &PersonaName) -> Vec<u8> {
    key::<TurnsEntry>(&hash(&persona.0))
}

fn waiting_key(person: &PersonName, thread: ThreadId) -> Vec<u8> {
    [waiting_keys(person), thread.0.to_vec()].concat()
}

/// What the keys begin with of all threads that wait for a person.
pub(super) fn waiting_keys(person: &PersonName) -> Vec<u8> {
    key::<WaitingEntry>(&hash(&person.0))
}

fn forgotten_key(correspondent: &str) -> Vec<u8> {
    key::<Forgotten>(&hash(correspondent))
}

fn key<E: Entry>(name: &[u8]) -> Vec<u8> {
    [&[E::KIND], name].concat()
}

/// Sixteen octets: strangers choose Message-IDs, so it must be hard to find another text with the
/// hash of one of ours.
fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text).iter().take(16).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::threads::conformance::{healed, learned, many_records, now, records};
    use crate::threads::{Settings, store};

    type Map = BTreeMap<Vec<u8>, Vec<u8>>;

    fn keeping() -> Keeping {
        (&Settings::default()).into()
    }

    fn apply(map: &mut Map, records: &[Record]) {
        for record in records {
            let mut draft = Draft::over(map, keeping());
            draft.apply(record).unwrap();
            let changes = draft.into_changes();
            store::settle(map, changes);
        }
    }

    fn applied(records: &[Record]) -> Map {
        let mut map = Map::new();
        apply(&mut map, records);
        map
    }

    proptest! {
        /// What a start relies on: it replays from some point before the one the index had reached.
        #[test]
        fn a_replay_from_any_earlier_point_changes_nothing(
            records in records(1..60), reached in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(),
        ) {
            let reached = reached.index(records.len() + 1);
            let from = from.index(reached + 1);
            let mut replayed = applied(&records[..reached]);
            apply(&mut replayed, &records[from..]);
            prop_assert_eq!(replayed, applied(&records));
        }

        #[test]
        fn every_record_twice_is_as_good_as_once(records in records(1..60)) {
            let twice: Vec<Record> = records.iter().flat_map(|record| [record.clone(), record.clone()]).collect();
            prop_assert_eq!(applied(&twice), applied(&records));
        }

        #[test]
        fn many_records_at_once_are_as_good_as_one_by_one(records in records(1..60)) {
            let map = Map::new();
            let mut draft = Draft::over(&map, keeping());
            records.iter().for_each(|record| draft.apply(record).unwrap());
            let changes = draft.into_changes();
            let mut map = map.clone();
            store::settle(&mut map, changes);
            prop_assert_eq!(map, applied(&records));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Where bounds are passed, what gave way stays away.
        #[test]
        fn a_replay_changes_nothing_at_the_bounds_either(
            records in many_records(), reached in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(),
        ) {
            let reached = reached.index(records.len() + 1);
            let from = from.index(reached + 1);
            let mut replayed = applied(&records[..reached]);
            apply(&mut replayed, &records[from..]);
            prop_assert_eq!(replayed, applied(&records));
        }
    }

    #[test]
    fn a_sweep_goes_around_and_names_what_is_old() {
        let map = applied(&[learned("a", 1, 7, &[1]), healed("b", 2, 2)]);
        let year = 500 * 86_400;
        let sweep_all = |horizon| {
            let (mut old, mut from) = (Vec::new(), Vec::new());
            loop {
                let (more, next) = sweep(&map, &Changes::new(), &from, 2, horizon).unwrap();
                old.extend(more);
                from = next;
                if from.is_empty() {
                    return old;
                }
            }
        };
        assert_eq!(sweep_all(keeping().horizon(now())), Vec::<Vec<u8>>::new());
        assert_eq!(sweep_all(keeping().horizon(now() + year)), map.keys().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn an_entry_that_is_being_changed_is_not_swept() {
        let map = applied(&[learned("a", 1, 7, &[1])]);
        let pending = map.keys().map(|key| (key.clone(), Some(vec![]))).collect();
        let horizon = keeping().horizon(i64::MAX);
        assert_eq!(sweep(&map, &pending, &[], 100, horizon).unwrap().0, Vec::<Vec<u8>>::new());
    }
}
