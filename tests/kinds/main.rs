//! Kinds as they really come: people with the marks of machines, and machines that look like people.
//!
//! `cases` is a table, one line for a message of `tests/data/kinds`. Every case is decided as live mail is, by the same
//! functions, with the defaults and nothing remembered; what is signed is known all the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

#[path = "../support/shuffle.rs"]
mod shuffle;

mod answers;
mod cases;
mod cut;
mod office;
mod shuffled;

use std::collections::BTreeSet;

use cases::{CASES, Case};
use office::{Office, fixtures, read};

#[test]
fn no_machine_reaches_sophie_and_no_person_is_turned_away() {
    let office = Office::open();
    let complaints: Vec<String> = CASES.iter().filter_map(|case| check(&office, case).err()).collect();
    assert!(complaints.is_empty(), "{} cases:\n{}", complaints.len(), complaints.join("\n"));
}

fn check(office: &Office, (fixture, kind, fate, signals): &Case) -> Result<(), String> {
    let decided = office.decide(&read(fixture));
    let found: Vec<String> = decided.signals.iter().map(ToString::to_string).collect();
    let has_signals = signals.split_whitespace().all(|signal| found.iter().any(|it| it == signal));
    let agrees = decided.kind.to_string() == *kind && decided.fate == *fate && has_signals;
    let got = format!("{} {}: {}", decided.kind, decided.fate, found.join(" "));
    agrees
        .then_some(())
        .ok_or_else(|| format!("{fixture}\n    expected  {kind} {fate}: {signals}\n    got       {got}"))
}

#[test]
fn every_message_of_the_folder_is_in_a_case() {
    let named: BTreeSet<String> = CASES.iter().map(|(fixture, ..)| (*fixture).to_owned()).collect();
    assert!(named.len() >= 120, "{} messages", named.len());
    assert_eq!(named, fixtures());
}
