//! Replies as they really come: who gets each, by which evidence, and in which thread it goes on.
//!
//! `cases` is a table, one line for a message of `tests/data/replies`; `memory` is what was learned before. Every case
//! is decided as live mail is, by the same functions: the door, the question, the look-up, the plan.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

#[path = "../support/shuffle.rs"]
mod shuffle;

mod cases;
mod cut;
mod memory;
mod office;
mod poison;
mod shuffled;

use std::collections::BTreeSet;

use cases::{CASES, Case};
use office::{Office, fixtures};

#[test]
fn every_reply_finds_its_thread_and_its_person() {
    let office = Office::open();
    let complaints: Vec<String> = CASES.iter().filter_map(|case| check(&office, case).err()).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn check(office: &Office, (fixture, to, expect): &Case) -> Result<(), String> {
    let told = office.told(&office::read(fixture), to);
    let agrees = told == *expect;
    agrees.then_some(()).ok_or_else(|| format!("{fixture}\n    expected  {expect}\n    got       {told}"))
}

#[test]
fn every_message_of_the_folder_is_in_a_case() {
    let named: BTreeSet<String> = CASES.iter().map(|(fixture, _, _)| (*fixture).to_owned()).collect();
    let there: BTreeSet<String> = fixtures().into_iter().collect();
    assert!(there.len() >= 80, "{} messages", there.len());
    assert_eq!(named, there);
}

/// What a new message of the folder needs; run it by hand.
#[test]
#[ignore = "makes text for people who write messages"]
fn a_token_for_another_message() {
    let office = Office::open();
    for (name, tokens) in memory::tokens(&office.keys) {
        println!("{name}: {tokens}");
    }
}
