//! When people are away: that each stay ends after it begins, and who stands in is somebody else.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::document::KeyPath;
use super::file::{self, File};
use super::handover;
use super::problems::Report;
use super::values::As;
use crate::people::absence::{Instead, NOTHING_SAID, Planned, Presence, Stay};
use crate::people::moment::Moment;
use crate::people::{People, PersonName};

/// What is written of absences, as far as it is right. Days begin at midnight of the system's zone.
pub(super) fn check(file: &File, report: &mut Report<'_>) -> Planned {
    let mut planned = Planned::default();
    for (name, written) in file.people.iter() {
        if written.trust_out_of_office.is_some_and(|As(trusted)| trusted) {
            planned.trusted.insert(PersonName(name.clone()));
        }
        let at = KeyPath::from(["people", name.as_str(), "away"]);
        let stays = written.away.0.iter().enumerate();
        let stays = stays.filter_map(|(index, away)| stay(name, away, file, &at.item(index), report)).collect();
        planned.stays.insert(PersonName(name.clone()), stays);
    }
    planned
}

fn stay(name: &str, written: &file::Away, file: &File, at: &KeyPath, report: &mut Report<'_>) -> Option<Stay> {
    let zone = TimeZone::system();
    if written.from.is_none() {
        report.missing(&at.key("from"), Moment::EXPECTED);
    }
    let to = written.to.as_ref().and_then(|As(to)| stand_in(name, to, file, &at.key("to"), report));
    let from = written.from?.at(&zone)?;
    let until = written.until.and_then(|until| until.at(&zone));
    if until.is_some_and(|until| until <= from) {
        report.mistake(&at.key("until"), "is not after from; it is the day, or the moment, of return");
        return None;
    }
    Some(Stay { from, until, to, said: None })
}

/// Whether somebody is named in the configuration to stand in for another.
pub(super) fn stands_in(name: &PersonName, people: &People) -> bool {
    people.people().flat_map(|person| people.stays(&person.name)).any(|stay| stay.to.as_ref() == Some(name))
}

fn stand_in(name: &str, to: &str, file: &File, at: &KeyPath, report: &mut Report<'_>) -> Option<PersonName> {
    if to == name {
        report.mistake(at, format!("{name} cannot stand in for {name}"));
        return None;
    }
    if !file.people.contains_key(to) {
        let near = report.did_you_mean(to, file.people.keys().map(String::as_str));
        report.mistake(at, format!("there is no person {to:?}{near}"));
        return None;
    }
    handover::says_whom_it_means(to, at, file, report);
    Some(PersonName(handover::now(to, file).into()))
}

/// Warns of stays in which everybody who would stand in is away too, and the chain leads back.
pub(super) fn give_advice(people: &People, report: &mut Report<'_>) {
    let names: Vec<&PersonName> = people.people().map(|person| &person.name).collect();
    let begins: Vec<Timestamp> = names.iter().flat_map(|name| people.stays(name)).map(|stay| stay.from).collect();
    for name in names {
        for (index, stay) in people.stays(name).iter().enumerate() {
            let in_circle = |at: &&Timestamp| {
                let presence = Presence { people, absences: &NOTHING_SAID, now: **at };
                presence.instead_of(name) == Instead::InCircle
            };
            let during = |at: &&Timestamp| stay.from <= **at && stay.until.is_none_or(|until| **at < until);
            if begins.iter().filter(during).any(|at| in_circle(&at)) {
                let at = KeyPath::from(["people", name.0.as_str(), "away"]).item(index).key("to");
                let message = format!(
                    "who stands in is away at the same time, and it leads back: whoever else answers gets the mail, or {name}'s own inbox"
                );
                report.warn(&at, message);
            }
        }
    }
}
