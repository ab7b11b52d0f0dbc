//! `[[test]]`: what `check` tries, and what must come out.

use std::fmt::Display;
use std::path::PathBuf;

use crate::config::document::KeyPath;
use crate::config::file::File;
use crate::config::handover;
use crate::config::include::Placed;
use crate::config::people;
use crate::config::problems::Report;
use crate::config::succession;
use crate::config::values::{As, Code};
use crate::config::{Expectation, Expected, Test};
use crate::mail::{Evidence, FateName, HoldReason, Kind, PersonName, PersonaName};
use crate::rules::{Rules, Target, defaults};

use super::values::Moment;
use super::{unknown_word, value, written};

/// What only a memory, or something signed by this installation, can show.
const OF_A_MEMORY: [Evidence; 7] = [
    Evidence::RecipientToken,
    Evidence::Seed,
    Evidence::MessageId,
    Evidence::QuotedId,
    Evidence::Conversation,
    Evidence::Subject,
    Evidence::Correspondent,
];
/// What only shows on the way to the next hop, or with several recipients.
const OF_THE_WAY: [HoldReason; 3] = [HoldReason::Rejected, HoldReason::Undelivered, HoldReason::Unsupported];

/// The tests that can be run.
pub(in crate::config) fn check(
    written: &Placed<written::Test>,
    file: &File,
    rules: &Rules,
    report: &mut Report<'_>,
) -> Vec<Test> {
    written.iter().filter_map(|(at, test)| one(at, test, file, rules, report)).collect()
}

fn one(at: &KeyPath, written: &written::Test, file: &File, rules: &Rules, report: &mut Report<'_>) -> Option<Test> {
    if written.mail.is_none() {
        report.missing(&at.key("mail"), "the file of a message");
    }
    if written.to.is_none() {
        report.missing(&at.key("to"), "the recipient");
    }
    let expect = expected(&written.expect, &at.key("expect"), file, rules, report);
    if expect.is_empty() && !report.has_mistakes_in(&at.key("expect")) {
        report.incomplete(&at.key("expect"), "expects nothing: write what must come out");
    }
    let (path, line) = report.place_of(at);
    Some(Test {
        file: PathBuf::from(path),
        line,
        mail: report.folder_of(at).join(&written.mail.as_ref()?.0),
        to: written.to.as_ref()?.0.clone(),
        from: written.from.as_ref().map(|As(path)| path.clone()),
        at: written.at.map(|As(Moment(at))| at),
        expect,
    })
}

fn expected(
    written: &written::Expect,
    at: &KeyPath,
    file: &File,
    rules: &Rules,
    report: &mut Report<'_>,
) -> Vec<Expectation> {
    let mut all: Vec<(&'static str, Option<Expected>)> = Vec::new();
    let word = |word: &Option<As<String>>| word.as_ref().map(|As(word)| word.clone());
    if let Some(fate) = word(&written.fate) {
        let fate = value::<FateName>(&fate, &at.key("fate"), report);
        all.push(("fate", comes_out(fate, &[FateName::Defer], &at.key("fate"), report).map(Expected::Fate)));
    }
    if let Some(names) = &written.forward_to {
        let key = at.key("forward_to");
        let each = names.0.iter().enumerate();
        let targets: Vec<Target> =
            each.filter_map(|(index, As(name))| people::target(name, &key.item(index), file, report)).collect();
        all.push(("forward_to", Some(Expected::ForwardTo(targets))));
    }
    if let Some(rule) = word(&written.rule) {
        let names: Vec<String> =
            rules.list().iter().map(|rule| rule.name.clone()).chain([defaults::NAME.into()]).collect();
        all.push(("rule", one_of(rule, &names, &at.key("rule"), report).map(Expected::Rule)));
    }
    if let Some(kind) = word(&written.kind) {
        all.push(("kind", value::<Kind>(&kind, &at.key("kind"), report).map(Expected::Kind)));
    }
    if let Some(evidence) = word(&written.evidence) {
        let evidence = value::<Evidence>(&evidence, &at.key("evidence"), report);
        let evidence = comes_out(evidence, &OF_A_MEMORY, &at.key("evidence"), report);
        all.push(("evidence", evidence.map(Expected::Evidence)));
    }
    if let Some(persona) = word(&written.persona) {
        let key = at.key("persona");
        let name = match succession::left(&persona, file) {
            Some(left) => {
                report.mistake(&key, left);
                None
            }
            None => one_of(persona, &succession::names_of_personas(file), &key, report),
        };
        all.push(("persona", name.map(|name| Expected::Persona(PersonaName(name)))));
    }
    if let Some(person) = word(&written.person) {
        let names: Vec<String> = file.people.keys().cloned().collect();
        let key = at.key("person");
        handover::says_whom_it_means(&person, &key, file, report);
        let name = one_of(person, &names, &key, report);
        all.push(("person", name.map(|name| Expected::Person(PersonName(handover::now(&name, file).into())))));
    }
    if let Some(reason) = word(&written.hold) {
        let reason = value::<HoldReason>(&reason, &at.key("hold"), report);
        all.push(("hold", comes_out(reason, &OF_THE_WAY, &at.key("hold"), report).map(Expected::Hold)));
    }
    all.extend(written.reply.map(|As(Code(code))| ("reply", Some(Expected::Reply(code)))));
    let placed = |(key, what): (&'static str, Option<Expected>)| {
        let (_, line) = report.place_of(&at.key(key));
        Some(Expectation { key, line, what: what? })
    };
    all.into_iter().filter_map(placed).collect()
}

/// A value that a test may have: nothing is remembered, signed or sent for it, so some never come out.
fn comes_out<T: PartialEq + Display>(
    value: Option<T>,
    never: &[T],
    at: &KeyPath,
    report: &mut Report<'_>,
) -> Option<T> {
    if let Some(value) = value.as_ref().filter(|value| never.contains(value)) {
        report.mistake(at, format!("{value} cannot come out here: a test remembers, signs and sends nothing"));
    }
    value
}

fn one_of(word: String, words: &[String], at: &KeyPath, report: &mut Report<'_>) -> Option<String> {
    if !words.contains(&word) {
        unknown_word(&word, words, at, report);
        return None;
    }
    Some(word)
}
