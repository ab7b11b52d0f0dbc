//! Absence: who is away from when until when, and who stands in. Pure: the time is an argument.
//!
//! Three may say that somebody is away: the command `away`, the configuration, and, where that is trusted, the
//! person's own vacation notice; the first of them that says so now decides. A stand-in may be away too, so
//! chains are followed. Where they lead back, or nobody is named, the others of a pool step in; where none of them is
//! there, mail goes to the person's own inbox: it waits there, and is not lost. A name of somebody who left means
//! whoever succeeded them: it is the successor who is asked for, and who stands in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{People, Person, PersonName};
use crate::mail::{Address, Fallback};

/// How long a notice counts that does not say until when: mail that comes then brings the next notice.
const UNTOLD: SignedDuration = SignedDuration::from_hours(72);
/// How far away a day may be that a notice names and that counts: whoever is away for longer is known to be.
const FURTHEST: SignedDuration = SignedDuration::from_hours(6 * 7 * 24);
/// Characters of a notice's subject that are kept.
const LONGEST_SUBJECT: usize = 200;

/// A time away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment of return; `None`: until `back` says so.
    pub until: Option<Timestamp>,
    /// Who stands in; `None`: whoever else answers.
    pub to: Option<PersonName>,
    /// When it was said; the configuration does not tell.
    pub said: Option<Timestamp>,
}

/// A person's own vacation notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// When it came.
    pub seen: Timestamp,
    /// The moment of return that it names, where it could be read.
    pub until: Option<Timestamp>,
    /// Its subject.
    pub subject: String,
    /// Nobody but the person's own responder can have written it; only such a one sets anybody away.
    #[serde(default)]
    pub proved: bool,
}

/// What was said of one person, besides the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Said {
    /// When `back` was said last: what began or came before is over.
    pub back: Option<Timestamp>,
    /// The newest notice.
    pub notice: Option<Notice>,
    /// What `away` said; no two of them at the same time.
    pub away: Vec<Stay>,
}

/// What was said of everybody, besides the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Absences(BTreeMap<PersonName, Said>);

/// What the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// `people.x.away`.
    pub stays: BTreeMap<PersonName, Vec<Stay>>,
    /// `people.x.trust_out_of_office`.
    pub trusted: BTreeSet<PersonName>,
}

/// Who says that somebody is away.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SaidBy {
    /// The command `away`.
    Command,
    /// The configuration.
    Configuration,
    /// The person's own vacation notice.
    Notice,
}

/// Somebody who is away now, or will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away<'a> {
    /// Since when.
    pub from: Timestamp,
    /// The moment of return, where it is known.
    pub until: Option<Timestamp>,
    /// Who stands in, where somebody is named.
    pub to: Option<&'a PersonName>,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who has what is for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead<'a> {
    /// The person: they are there.
    There,
    /// This one, who stands in and is there.
    By(&'a PersonName),
    /// Nobody is named: whoever else answers.
    Unnamed,
    /// The chain leads back: whoever else answers.
    InCircle,
}

/// Who is there at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Presence<'a> {
    /// Everybody, with what the configuration says of their absence.
    pub people: &'a People,
    /// What else was said.
    pub absences: &'a Absences,
    /// The moment.
    pub now: Timestamp,
}

/// Nothing was said of anybody.
pub static NOTHING_SAID: Absences = Absences(BTreeMap::new());

impl Stay {
    fn covers(&self, now: Timestamp) -> bool {
        self.from <= now && !self.is_past(now)
    }

    fn is_past(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether both are true at some moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_past(other.from) && !other.is_past(self.from)
    }
}

impl Notice {
    /// A notice with a subject of any length, which may be anybody's.
    pub fn new(seen: Timestamp, until: Option<Timestamp>, subject: &str) -> Self {
        Self { seen, until, subject: subject.chars().take(LONGEST_SUBJECT).collect(), proved: false }
    }

    /// When it does not count any more. A day that is further away than six weeks is as if it were not told: nobody
    /// would miss the person's mail for so long by one mail of a machine.
    pub fn end(&self) -> Timestamp {
        let untold = || self.seen.checked_add(UNTOLD).unwrap_or(Timestamp::MAX);
        self.until.filter(|_| !self.is_too_far()).unwrap_or_else(untold)
    }

    /// Whether the day that it names is too far away to count.
    pub fn is_too_far(&self) -> bool {
        self.until.is_some_and(|until| until.duration_since(self.seen) > FURTHEST)
    }

    /// Whether it may still be true, whatever counts.
    pub fn may_be_true(&self, now: Timestamp) -> bool {
        now < self.until.map_or_else(|| self.end(), |until| until.max(self.end()))
    }
}

impl Absences {
    /// What was said of a person.
    pub fn of(&self, name: &PersonName) -> Option<&Said> {
        self.0.get(name)
    }

    /// What was said of each.
    pub fn iter(&self) -> impl Iterator<Item = (&PersonName, &Said)> {
        self.0.iter()
    }

    /// Everybody who is named in what still counts, or will: who is away, and who stands in.
    pub fn names(&self, now: Timestamp) -> BTreeSet<&PersonName> {
        let mut names = BTreeSet::new();
        for (name, said) in self.iter() {
            let to_come: Vec<&Stay> = said.away.iter().filter(|stay| !stay.is_past(now)).collect();
            names.extend(to_come.first().map(|_| name));
            names.extend(to_come.iter().filter_map(|stay| stay.to.as_ref()));
        }
        names
    }

    /// `away`: a new stay takes the place of those that it overlaps; what is past is forgotten.
    pub fn leave(&mut self, name: &PersonName, stay: Stay, now: Timestamp) {
        let said = self.0.entry(name.clone()).or_default();
        said.away.retain(|other| !other.is_past(now) && !other.overlaps(&stay));
        said.away.push(stay);
        said.away.sort_by_key(|stay| stay.from);
    }

    /// `back`: ends what has begun, whoever said it; with `all`, what is to come too, as far as `away` said it.
    pub fn come_back(&mut self, name: &PersonName, all: bool, now: Timestamp) {
        let said = self.0.entry(name.clone()).or_default();
        said.away.retain(|stay| !all && stay.from > now);
        said.back = Some(now);
    }

    /// A person's own notice came. One that proves nothing takes no place of one that still counts.
    pub fn note(&mut self, name: &PersonName, notice: Notice) {
        let said = self.0.entry(name.clone()).or_default();
        let is_over = |before: &Notice| said.back.is_some_and(|back| before.seen <= back);
        let counts = |before: &Notice| before.proved && notice.seen < before.end() && !is_over(before);
        let stays = |before: &Notice| notice.seen < before.seen || !notice.proved && counts(before);
        if !said.notice.as_ref().is_some_and(stays) {
            said.notice = Some(notice);
        }
    }
}

impl People {
    /// The same people, with what the configuration says of their absence.
    #[must_use]
    pub fn with_absences(mut self, planned: Planned) -> Self {
        self.planned = planned;
        self
    }

    /// `people.x.away`: when the configuration says that a person is away.
    pub fn stays(&self, name: &PersonName) -> &[Stay] {
        self.planned.stays.get(name).map_or(&[], Vec::as_slice)
    }

    /// `people.x.trust_out_of_office`: whether a person's own notice sets them away.
    pub fn trusts_notices_of(&self, name: &PersonName) -> bool {
        self.planned.trusted.contains(name)
    }
}

impl<'a> Presence<'a> {
    /// The same, at another moment.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// Whether a person is away, and until when.
    pub fn away(&self, name: &PersonName) -> Option<Away<'a>> {
        let now = self.now;
        let by_command = self.said(name).and_then(|said| said.away.iter().find(|stay| stay.covers(now)));
        let by_command = by_command.map(|stay| self.told(stay, SaidBy::Command));
        let of_configuration = || self.stays(name).find(|stay| stay.covers(now));
        let of_configuration = || of_configuration().map(|stay| self.told(stay, SaidBy::Configuration));
        by_command.or_else(of_configuration).or_else(|| self.by_notice(name))
    }

    /// What is said to come, the earliest first.
    pub fn to_come(&self, name: &PersonName) -> Vec<Away<'a>> {
        let now = self.now;
        let by_command = self.said(name).map(|said| said.away.as_slice()).unwrap_or_default();
        let by_command = by_command.iter().map(|stay| self.told(stay, SaidBy::Command));
        let all = by_command.chain(self.stays(name).map(|stay| self.told(stay, SaidBy::Configuration)));
        let mut to_come: Vec<Away<'a>> = all.filter(|away| away.from > now).collect();
        to_come.sort_by_key(|away| away.from);
        to_come
    }

    /// Who has what is for a person now.
    pub fn instead_of(&self, name: &PersonName) -> Instead<'a> {
        let Some(mut away) = self.away(name) else { return Instead::There };
        let mut passed = vec![self.now_called(name).unwrap_or(name)];
        loop {
            // Who is named may have been taken out of the configuration since.
            let named = away.to.filter(|to| self.people.person(to).is_some());
            let Some(next) = named else { return Instead::Unnamed };
            if passed.contains(&next) {
                return Instead::InCircle;
            }
            match self.away(next) {
                None => return Instead::By(next),
                Some(further) => away = further,
            }
            passed.push(next);
        }
    }

    /// Those of `names` who are there.
    pub fn there<'n>(self, names: &'n [PersonName]) -> impl Iterator<Item = &'n PersonName> + use<'a, 'n> {
        names.iter().filter(move |name| self.away(name).is_none())
    }

    /// A fallback to these addresses, with the inboxes of stand-ins in the place of those who are away and have one.
    /// Whom nobody else is left for has it at last: no mail is nobody's because its people stand in for one another.
    /// Each address once; an inbox that `has_it` keeps it.
    pub fn fallback(&self, addresses: &[Address], has_it: impl Fn(&Address) -> bool) -> Fallback {
        let mut fallback = Fallback::default();
        let mut own = Vec::new();
        for address in addresses {
            match self.stand_in_at(address).filter(|_| !has_it(address)) {
                None => fallback = fallback.and_to(std::slice::from_ref(address)),
                Some(person) => {
                    fallback = fallback.and_to(&person.inboxes);
                    own.push(address.clone());
                }
            }
        }
        fallback.or_to(&own)
    }

    /// Who reads what comes to an inbox whose people are away.
    fn stand_in_at(&self, address: &Address) -> Option<&'a Person> {
        let owners = self.owners(address);
        let is_read = owners.iter().any(|owner| self.away(&owner.name).is_none());
        let stand_in = owners.iter().find_map(|owner| match self.instead_of(&owner.name) {
            Instead::By(name) => self.people.person(name),
            Instead::There | Instead::Unnamed | Instead::InCircle => None,
        });
        stand_in.filter(|_| !is_read)
    }

    /// Whether mail to an address waits: whoever reads it is away, and nobody is named who would be there.
    pub fn waits(&self, address: &Address) -> bool {
        let waits = |owner: &&Person| matches!(self.instead_of(&owner.name), Instead::Unnamed | Instead::InCircle);
        let owners = self.owners(address);
        !owners.is_empty() && owners.iter().all(waits)
    }

    fn owners(&self, address: &Address) -> Vec<&'a Person> {
        let is_it = |inbox: &Address| inbox.folded() == address.folded();
        self.people.people().filter(|person| person.inboxes.iter().any(is_it)).collect()
    }

    /// Who has what is for a name: the person, or who succeeded them; `None` where nobody does.
    fn now_called(&self, name: &PersonName) -> Option<&'a PersonName> {
        self.people.person(name).map(|person| &person.name)
    }

    fn told(&self, stay: &'a Stay, said_by: SaidBy) -> Away<'a> {
        let to = stay.to.as_ref().map(|to| self.now_called(to).unwrap_or(to));
        Away { from: stay.from, until: stay.until, to, said_by }
    }

    /// What was said of who is there. What was said of somebody before they left is nothing about their successor.
    fn said(&self, name: &PersonName) -> Option<&'a Said> {
        self.absences.of(self.now_called(name).unwrap_or(name))
    }

    /// What the configuration says, but for what `back` has ended.
    fn stays(&self, name: &PersonName) -> impl Iterator<Item = &'a Stay> + use<'a> {
        let back = self.back(name);
        let stays = self.now_called(name).map_or(&[][..], |name| self.people.stays(name));
        stays.iter().filter(move |stay| back.is_none_or(|back| back < stay.from))
    }

    fn by_notice(&self, name: &PersonName) -> Option<Away<'a>> {
        let is_trusted = self.now_called(name).is_some_and(|name| self.people.trusts_notices_of(name));
        let notice = self.said(name)?.notice.as_ref().filter(|notice| is_trusted && notice.proved)?;
        let is_newer = self.back(name).is_none_or(|back| back < notice.seen);
        let is_now = notice.seen <= self.now && self.now < notice.end();
        let away = Away { from: notice.seen, until: Some(notice.end()), to: None, said_by: SaidBy::Notice };
        (is_newer && is_now).then_some(away)
    }

    fn back(&self, name: &PersonName) -> Option<Timestamp> {
        self.said(name)?.back
    }
}

#[cfg(test)]
mod tests;
