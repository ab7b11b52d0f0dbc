//! When people are away: that each stay ends after it begins, and who stands in is somebody else.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Config;
use super::document::KeyPath;
use super::file::{self, File};
use super::handover;
use super::problems::Report;
use super::values::As;
use crate::people::absence::{Instead, NOTHING_SAID, Planned, Presence, Stay};
use crate::people::moment::Moment;
use crate::people::{People, PersonName, Persona};

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

/// Warns of absences that are perhaps not what was meant.
pub(super) fn give_advice(config: &Config, report: &mut Report<'_>) {
    let people = &config.policy.people;
    let names: Vec<&PersonName> = people.people().map(|person| &person.name).collect();
    let mut begins: Vec<Timestamp> = names.iter().flat_map(|name| people.stays(name)).map(|stay| stay.from).collect();
    begins.sort_unstable();
    for name in names {
        stays_that_overlap(people, name, report);
        chains_that_lead_nowhere(people, name, &begins, report);
        trust_without_effect(config, name, report);
    }
    fallbacks_that_are_away(people, &begins, report);
}

/// Of two stays at the same time the first one counts, and nobody is told of the other.
fn stays_that_overlap(people: &People, name: &PersonName, report: &mut Report<'_>) {
    let stays = people.stays(name);
    for (index, stay) in stays.iter().enumerate() {
        if let Some(other) = stays.iter().take(index).position(|other| other.overlaps(stay)) {
            let (_, line) = report.place_of(&key(name, other).key("from"));
            let message = format!("overlaps the absence of line {line}, which alone counts as long as both last");
            report.warn(&key(name, index).key("from"), message);
        }
    }
}

/// Stays in which whoever would stand in is away too, and nobody is named who is there.
fn chains_that_lead_nowhere(people: &People, name: &PersonName, begins: &[Timestamp], report: &mut Report<'_>) {
    for (index, stay) in people.stays(name).iter().enumerate().filter(|(_, stay)| stay.to.is_some()) {
        let during = |at: &&Timestamp| stay.from <= **at && stay.until.is_none_or(|until| **at < until);
        let nowhere = begins.iter().filter(during).find_map(|at| match presence(people, *at).instead_of(name) {
            Instead::InCircle => Some("it leads back"),
            Instead::Unnamed => Some("names nobody who is there"),
            Instead::There | Instead::By(_) => None,
        });
        if let Some(why) = nowhere {
            let message = format!(
                "who stands in is away at the same time, and {why}: whoever else answers gets the mail, or {name}'s own inbox"
            );
            report.warn(&key(name, index).key("to"), message);
        }
    }
}

/// What an inbox refuses would wait with people who are away.
fn fallbacks_that_are_away(people: &People, begins: &[Timestamp], report: &mut Report<'_>) {
    for persona in people.personas().filter(|persona| !persona.fallback.is_empty()) {
        let all_wait = |at: &&Timestamp| persona.fallback.iter().all(|address| presence(people, **at).waits(address));
        if let Some(at) = begins.iter().find(all_wait) {
            let day = at.to_zoned(TimeZone::system()).date();
            let message = format!(
                "from {day} everybody whom it leads to is away, and nobody stands in: what an inbox refuses waits in theirs"
            );
            report.warn(&KeyPath::from(["personas", persona.name.0.as_str(), "fallback"]), message);
        }
    }
}

/// A notice is known by the copy that it answers, and names no stand-in. Whoever stands in for another does so no more
/// once it counts.
fn trust_without_effect(config: &Config, name: &PersonName, report: &mut Report<'_>) {
    let people = &config.policy.people;
    if !people.trusts_notices_of(name) {
        return;
    }
    let is_shared = |persona: &Persona| persona.answered_by.len() > 1 && persona.answered_by.contains(name);
    let why = if config.policy.reply_domain.is_none() {
        "notices come back only with reply_domain"
    } else if config.kept.keep_for.is_zero() {
        "without relay.keep_copies_for nobody can tell whose a notice is"
    } else if !people.personas().any(is_shared) && !stands_in(name, people) {
        "nobody else answers for the same persona, and a notice names no stand-in: mail goes to the own inbox as ever"
    } else {
        return;
    };
    let at = KeyPath::from(["people", name.0.as_str(), "trust_out_of_office"]);
    report.warn(&at, format!("has no effect: {why}"));
}

fn presence(people: &People, now: Timestamp) -> Presence<'_> {
    Presence { people, absences: &NOTHING_SAID, now }
}

fn key(name: &PersonName, index: usize) -> KeyPath {
    KeyPath::from(["people", name.0.as_str(), "away"]).item(index)
}
