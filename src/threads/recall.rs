//! How questions are answered from the index, once for all backends: nothing past keeping is found or told.

use std::collections::{HashMap, HashSet};

use super::acquaintance::AcquaintanceEntry;
use super::bounced::Page;
use super::duty::{COUNTED, TurnsEntry, WaitingEntry};
use super::entry::{Entry, Horizon, Id, Keeping, Retry, ThreadEntry, TwinEntry};
use super::index::{
    Draft, acquaintance_key, all_of, decode, get, id_key, retry_key, thread_key, thread_of, turns_key, twin_key,
    waiting_keys,
};
use super::store::{Broken, Source};
use super::{
    Acquaintance, Bookmark, Bounced, Correspondent, Count, Fingerprint, Found, Named, Query, Story, Thread, Twin,
};
use crate::mail::{PersonName, ThreadId};

/// Answers all questions of one message.
pub(super) fn answer(source: &dyn Source, query: &Query, horizon: Horizon) -> Result<Found, Broken> {
    let mut found = Found::default();
    for message_id in &query.ids {
        let claims = get(source, &id_key(message_id), horizon)?.map(Id::claims).unwrap_or_default();
        if !claims.is_empty() {
            found.ids.insert(message_id.clone(), claims);
        }
    }
    let claimed = found.ids.values().flatten().map(|claim| claim.thread);
    let threads: HashSet<ThreadId> = claimed.chain(query.threads.iter().copied()).collect();
    for thread in threads {
        if let Some(entry) = get(source, &thread_key(thread), horizon)? {
            found.threads.insert(thread, ThreadEntry::thread(entry));
        }
    }
    for retry in &query.retries {
        if let Some(entry) = get(source, &retry_key(*retry), horizon)? {
            found.retries.insert(*retry, Retry::remembered(entry));
        }
    }
    found.twin = query.twin.map_or(Ok(None), |twin| twin_of(source, twin, horizon))?;
    if let Some(correspondent) = &query.correspondent {
        found.acquaintance = acquaintance(source, correspondent, horizon, &mut found.threads)?;
    }
    duties(source, query, horizon, &mut found)?;
    Ok(found)
}

/// Whose turn was when, and how many customers wait for whom.
fn duties(source: &dyn Source, query: &Query, horizon: Horizon, found: &mut Found) -> Result<(), Broken> {
    for persona in &query.pools {
        if let Some(entry) = get(source, &turns_key(persona), horizon)? {
            found.turns.insert(persona.clone(), TurnsEntry::turns(entry));
        }
    }
    for person in &query.waiting {
        let count = waiting_for(source, person, horizon)?;
        if count > 0 {
            found.waiting.insert(person.clone(), count);
        }
    }
    Ok(())
}

fn waiting_for(source: &dyn Source, person: &PersonName, horizon: Horizon) -> Result<u32, Broken> {
    let from = waiting_keys(person);
    let to = [from.as_slice(), &[0xFF; 9]].concat();
    let mut count = 0;
    for pair in source.scan(&from, &to).take(COUNTED) {
        count += u32::from(decode::<WaitingEntry>(&pair?.1)?.keep(horizon));
    }
    Ok(count)
}

fn twin_of(source: &dyn Source, twin: Fingerprint, horizon: Horizon) -> Result<Option<Twin>, Broken> {
    Ok(get(source, &twin_key(twin), horizon)?.map(TwinEntry::twin))
}

/// How a correspondent is known. Whether they are known in a thread is what the thread says now: who merely wrote
/// in it, or is said to have done so, may be known in it later.
fn acquaintance(
    source: &dyn Source,
    correspondent: &Correspondent,
    horizon: Horizon,
    threads: &mut HashMap<ThreadId, Thread>,
) -> Result<Acquaintance, Broken> {
    let key = acquaintance_key(&correspondent.address);
    let Some(entry) = get::<AcquaintanceEntry>(source, &key, horizon)? else { return Ok(Acquaintance::default()) };
    let mut known = Vec::new();
    for familiar in entry.familiar(correspondent.topic) {
        let thread = get::<ThreadEntry>(source, &thread_key(familiar.thread), horizon)?.map(ThreadEntry::thread);
        let Some(thread) = thread.filter(|thread| thread.correspondents.contains(&correspondent.address)) else {
            continue;
        };
        threads.insert(familiar.thread, thread);
        known.push(familiar);
    }
    Ok(Acquaintance { threads: known, is_cut: entry.is_cut(), written_to_by: entry.personas() })
}

/// Tells the threads that are named so, the newest first.
pub(super) fn stories(source: &dyn Source, named: &Named, horizon: Horizon) -> Result<Vec<Story>, Broken> {
    let mut is_of_many = false;
    let mut threads: Vec<ThreadId> = match named {
        Named::Thread(thread) => vec![*thread],
        Named::MessageId(id) => {
            let claims = get(source, &id_key(id), horizon)?.map(Id::claims).unwrap_or_default();
            claims.iter().map(|claim| claim.thread).collect()
        }
        Named::Correspondent(address) => {
            let entry: Option<AcquaintanceEntry> = get(source, &acquaintance_key(address), horizon)?;
            is_of_many = entry.as_ref().is_some_and(AcquaintanceEntry::is_cut);
            entry.iter().flat_map(AcquaintanceEntry::threads).collect()
        }
    };
    threads.sort_unstable();
    threads.dedup();
    let mut stories = Vec::new();
    for thread in threads.into_iter().rev() {
        let entry: Option<ThreadEntry> = get(source, &thread_key(thread), horizon)?;
        stories.extend(entry.map(|entry| Story { is_of_many, ..entry.story(thread) }));
    }
    Ok(stories)
}

/// Whether anything is remembered of a correspondent, folded, up to the moment `at`, by reading all of it.
pub(super) fn knows(source: &dyn Source, address: &str, at: i64) -> Result<bool, Broken> {
    Draft::over(source, Keeping::for_ever()).knows(address, at)
}

/// Counts what is remembered, by reading it.
pub(super) fn count(source: &dyn Source, horizon: Horizon) -> Result<Count, Broken> {
    let mut count = Count::default();
    each_kept(source, horizon, |thread: ThreadEntry| {
        count.threads += 1;
        count.bounced += u64::from(thread.has_failed());
    })?;
    each_kept(source, horizon, |id: Id| {
        count.ids += 1;
        count.healed += u64::from(id.is_healed());
    })?;
    Ok(count)
}

/// A page of the mail that has failed, behind `before`, by reading all threads.
pub(super) fn bounced(source: &dyn Source, before: Option<Bookmark>, horizon: Horizon) -> Result<Vec<Bounced>, Broken> {
    let mut page = Page::behind(before);
    for pair in all_of::<ThreadEntry>(source) {
        let (key, value) = pair?;
        let mut entry: ThreadEntry = decode(&value)?;
        if entry.keep(horizon)
            && let Some(thread) = thread_of(&key)
        {
            entry.failures(thread).for_each(|bounced| page.look_at(bounced));
        }
    }
    Ok(page.into_newest_first())
}

fn each_kept<E: Entry>(source: &dyn Source, horizon: Horizon, mut look: impl FnMut(E)) -> Result<(), Broken> {
    for pair in all_of::<E>(source) {
        let mut entry: E = decode(&pair?.1)?;
        if entry.keep(horizon) {
            look(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::mail::MessageId;
    use crate::threads::Settings;
    use crate::threads::conformance::now;
    use crate::threads::entry::Keeping;

    #[test]
    fn what_cannot_be_decoded_is_broken_and_not_unknown() {
        let map = BTreeMap::from([(id_key(&MessageId::new("a@b").unwrap()), vec![0xFF; 3])]);
        let query = Query { ids: vec![MessageId::new("a@b").unwrap()], ..Query::default() };
        assert!(answer(&map, &query, Keeping::from(&Settings::default()).horizon(now())).is_err());
    }
}
