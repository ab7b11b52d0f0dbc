//! What an entry remembers of a thread's story: the opening message, and the newest of the others.
//!
//! Every message has one place, by its mark. Which ones stay is decided by times and marks alone, and times only
//! rise: so a record that is learned again finds its message, or finds that it gave way, and changes nothing.

use serde::{Deserialize, Serialize};

use super::places::Places;
use super::record::{Came, Fingerprint, by_name};
use super::story::{Event, What};
use crate::mail::{Evidence, FateName, Kind, MessageId, PersonName};

/// The messages that are told beside the opening one.
const NEWEST: usize = 63;
/// The longest id that is told: longer ones are no mail program's.
const LONGEST_ID: usize = 250;
/// The recipients of one mail that are told by name.
const NAMED: usize = 8;

/// The messages of a thread.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tale {
    /// The earliest of all messages.
    first: Option<(i64, Mark)>,
    /// That message, once it has given way among the newest.
    opening: Option<Box<Told>>,
    newest: Vec<Told>,
    /// Another one gave way.
    is_cut: bool,
}

/// Tells one mail from another in its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Mark([u8; 8]);

impl Mark {
    /// The mark of a hash.
    pub(super) fn new(hash: &[u8]) -> Self {
        let mut mark = [0; 8];
        mark.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
        Self(mark)
    }

    /// The mark of mail that came: the same for the same mail, whatever way it came.
    pub(super) fn of_mail(mail: Fingerprint) -> Self {
        Self::new(&mail.0)
    }
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    mark: Mark,
    at: i64,
    /// When it was learned last, by a retry.
    last: i64,
    message_id: Option<MessageId>,
    deed: Deed,
}

#[derive(Debug, Serialize, Deserialize)]
enum Deed {
    Sent {
        writer: Option<PersonName>,
        to: Places,
    },
    Came {
        correspondent: Option<String>,
        #[serde(with = "by_name")]
        kind: Kind,
        #[serde(with = "by_name")]
        evidence: Evidence,
        #[serde(with = "by_name")]
        fate: FateName,
        person: Option<PersonName>,
        healed: Vec<MessageId>,
    },
}

impl Told {
    /// Mail of the persona's to correspondents at these places.
    pub(super) fn sent(mark: Mark, at: i64, id: &MessageId, writer: Option<&PersonName>, to: Places) -> Self {
        let deed = Deed::Sent { writer: writer.cloned(), to };
        Self { mark, at, last: at, message_id: Some(id).filter(|id| is_told(id)).cloned(), deed }
    }

    /// Mail that came, and the ids that it brought. Of what somebody wrote who is forgotten only that it came.
    pub(super) fn came(came: &Came, is_forgotten: bool, healed: Vec<MessageId>) -> Self {
        let deed = Deed::Came {
            correspondent: came.correspondent.clone().filter(|_| !is_forgotten),
            kind: came.kind,
            evidence: came.evidence,
            fate: came.fate,
            person: came.person.clone(),
            healed: healed.into_iter().filter(is_told).collect(),
        };
        let message_id = came.message_id.clone().filter(|id| !is_forgotten && is_told(id));
        Self { mark: Mark::of_mail(came.mail), at: came.at, last: came.at, message_id, deed }
    }

    /// The same message was learned again. What was known stands; only what could not be known before is new.
    /// What is older than this place was learned before the message gave way, and has no part in it.
    fn again(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        if other.at < self.at {
            return;
        }
        match (&mut self.deed, other.deed) {
            (Deed::Sent { writer, to }, Deed::Sent { writer: known, to: others }) => {
                *writer = writer.take().or(known);
                to.extend(&others);
            }
            (Deed::Came { fate, .. }, Deed::Came { fate: FateName::Forward, .. }) => *fate = FateName::Forward,
            (Deed::Sent { .. } | Deed::Came { .. }, Deed::Sent { .. } | Deed::Came { .. }) => {}
        }
    }

    fn age(&self) -> (i64, Mark) {
        (self.last, self.mark)
    }

    /// The address goes, and the ids with it: their mail program may have made them of their name.
    fn forget(&mut self, address: &str, at: i64) -> bool {
        let Deed::Came { correspondent, healed, .. } = &mut self.deed else { return false };
        let is_theirs = self.at <= at && correspondent.take_if(|who| who == address).is_some();
        if is_theirs {
            healed.clear();
            self.message_id = None;
        }
        is_theirs
    }

    fn event(self, at: i64, address: impl Fn(u16) -> Option<String>) -> Event {
        let what = match self.deed {
            Deed::Sent { writer, to } => {
                let count = u32::try_from(to.iter().count()).unwrap_or(u32::MAX);
                What::Sent { writer, to: to.iter().filter_map(address).take(NAMED).collect(), count }
            }
            Deed::Came { correspondent, kind, evidence, fate, person, healed } => {
                What::Came { correspondent, kind, evidence, fate, person, healed }
            }
        };
        Event { at, message_id: self.message_id, what }
    }
}

impl Tale {
    /// Takes in a message.
    pub(super) fn tell(&mut self, told: Told) {
        let mark = (told.at, told.mark);
        if self.first.is_none_or(|first| mark < first) {
            self.begin(mark);
        }
        match self.newest.iter_mut().find(|known| known.mark == told.mark) {
            Some(known) => known.again(told),
            None => self.newest.push(told),
        }
        let oldest = self.newest.iter().enumerate().min_by_key(|(_, told)| told.age()).map(|(place, _)| place);
        if let Some(place) = oldest.filter(|_| self.newest.len() > NEWEST) {
            let gone = self.newest.remove(place);
            self.let_go(gone);
        }
    }

    /// An earlier message than all others; what stood as the opening one has had its place.
    fn begin(&mut self, first: (i64, Mark)) {
        self.first = Some(first);
        self.is_cut |= self.opening.take_if(|opening| opening.mark != first.1).is_some();
    }

    fn let_go(&mut self, gone: Told) {
        let is_first = self.first.is_some_and(|(_, mark)| mark == gone.mark);
        if is_first {
            self.opening.get_or_insert_with(|| Box::new(gone));
        } else {
            self.is_cut = true;
        }
    }

    /// Takes the address out of what came up to `at`; false when it was nowhere.
    pub(super) fn forget(&mut self, address: &str, at: i64) -> bool {
        let all = self.newest.iter_mut().chain(self.opening.as_deref_mut());
        all.fold(false, |forgotten, told| told.forget(address, at) | forgotten)
    }

    /// Drops what is older than `horizon`.
    pub(super) fn keep(&mut self, horizon: i64) {
        let before = self.newest.len();
        self.newest.retain(|told| told.at >= horizon);
        let opening = self.opening.take_if(|told| told.at < horizon);
        self.is_cut |= self.newest.len() < before || opening.is_some();
    }

    /// The messages in order of time, and whether others are missing. `address` tells who has a place among the
    /// thread's correspondents.
    pub(super) fn events(self, address: impl Fn(u16) -> Option<String>) -> (Vec<Event>, bool) {
        let opening = self.opening.map(|told| *told);
        let is_opening = opening.as_ref().map(|told| told.mark);
        let others = self.newest.into_iter().filter(|told| Some(told.mark) != is_opening);
        let at = |told: &Told| match self.first {
            Some((at, mark)) if mark == told.mark => at,
            Some(_) | None => told.at,
        };
        let mut events: Vec<Event> = opening
            .into_iter()
            .chain(others)
            .map(|told| (at(&told), told))
            .map(|(at, told)| told.event(at, &address))
            .collect();
        // In the order that they were learned, where a second has several.
        events.sort_by_key(|event| event.at);
        (events, self.is_cut)
    }
}

fn is_told(id: &MessageId) -> bool {
    id.as_str().len() <= LONGEST_ID
}
