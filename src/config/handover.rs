//! People who left: that each has a successor who is there.

use super::document::KeyPath;
use super::file::{self, File};
use super::people::values;
use super::problems::Report;
use super::succession::follow;
use super::values::As;
use crate::people::{Leaver, Person, PersonName};

/// The people who left, as far as they are right.
pub(super) fn check(file: &File, report: &mut Report<'_>) -> Vec<Leaver> {
    file.people.iter().filter_map(|(name, written)| leaver(name, written, file, report)).collect()
}

/// Whom a name means: the person, or the one at the end of the chain of those who succeeded them.
pub(super) fn now<'f>(name: &'f str, file: &'f File) -> &'f str {
    last_successor(name, file).unwrap_or(name)
}

/// Warns where somebody names a person who left, and says whom that means.
pub(super) fn says_whom_it_means(name: &str, at: &KeyPath, file: &File, report: &mut Report<'_>) {
    if let Some(now) = last_successor(name, file) {
        report.warn(at, format!("{name} has left: it means {now}, who succeeded {name}"));
    }
}

fn leaver(name: &str, written: &file::Person, file: &File, report: &mut Report<'_>) -> Option<Leaver> {
    let As(next) = written.succeeded_by.as_ref()?;
    let at = KeyPath::from(["people", name]).key("succeeded_by");
    if !file.people.contains_key(next) {
        let near = report.did_you_mean(next, file.people.keys().map(String::as_str));
        report.mistake(&at, format!("there is no person {next:?}{near}"));
    } else if chain(name, file).skip(1).any(|other| other == name) {
        report.mistake(&at, "leads back to the same person; one of them must be there");
    }
    let successor = PersonName(last_successor(name, file)?.to_owned());
    let person = Person { name: PersonName(name.into()), inboxes: values(&written.inbox) };
    Some(Leaver { person, successor })
}

/// Who is there at the end of the chain; `None` where nobody left, or it goes in circles or nowhere.
fn last_successor<'f>(name: &'f str, file: &'f File) -> Option<&'f str> {
    let last = chain(name, file).last().filter(|last| *last != name)?;
    file.people.get(last).filter(|written| written.succeeded_by.is_none()).map(|_| last)
}

fn chain<'f>(name: &'f str, file: &'f File) -> impl Iterator<Item = &'f str> {
    follow(name, file.people.len(), |name| Some(file.people.get(name)?.succeeded_by.as_ref()?.0.as_str()))
}
