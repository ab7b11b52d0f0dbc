//! Personas that left: that each has a successor who is there, and nothing that only such a one has.

use super::document::KeyPath;
use super::file::{self, File};
use super::people::{greeted_names, values};
use super::problems::Report;
use super::values::{As, Scalar, Several};
use crate::mail::{Address, Mailbox, PersonaName};
use crate::people::Predecessor;

/// The personas that left, as far as they are right.
pub(super) fn check(file: &File, report: &mut Report<'_>) -> Vec<Predecessor> {
    let left = file.personas.iter().filter(|(_, written)| written.succeeded_by.is_some());
    left.filter_map(|(name, written)| predecessor(name, written, file, report)).collect()
}

/// The personas that are there.
pub(super) fn names_of_personas(file: &File) -> Vec<String> {
    let there = file.personas.iter().filter(|(_, written)| written.succeeded_by.is_none());
    there.map(|(name, _)| name.clone()).collect()
}

/// What is said where somebody names a persona that left: whose name to write.
pub(super) fn left(name: &str, file: &File) -> Option<String> {
    let As(successor) = file.personas.get(name)?.succeeded_by.as_ref()?;
    let last = last_successor(name, file).unwrap_or(successor);
    Some(format!("{name} is succeeded by {successor}, and no persona any more; write {last:?}"))
}

fn predecessor(name: &str, written: &file::Persona, file: &File, report: &mut Report<'_>) -> Option<Predecessor> {
    let at = KeyPath::from(["personas", name]);
    for (key, is_written) in [
        ("answered_by", !written.answered_by.0.is_empty()),
        ("shared", written.shared.is_some()),
        ("fallback", written.fallback.is_some()),
    ] {
        if is_written {
            let message = "a persona with succeeded_by is not there any more; leave one of the two keys out";
            report.mistake(&at.key(key), message);
        }
    }
    if written.address.is_none() && !written.aliases.0.is_empty() {
        report.missing(&at.key("address"), Mailbox::EXPECTED);
    }
    let greeted_as = greeted_names(written, &at, report);
    let successor = successor(name, file, &at.key("succeeded_by"), report)?;
    let address = written.address.as_deref();
    Some(Predecessor {
        name: PersonaName(name.into()),
        successor,
        display_name: address.and_then(|mailbox| mailbox.display_name.clone()),
        addresses: addresses(address.map(|mailbox| &mailbox.address), &written.aliases),
        greeted_as,
    })
}

fn addresses(address: Option<&Address>, aliases: &Several<Address>) -> Vec<Address> {
    address.cloned().into_iter().chain(values(aliases)).collect()
}

/// The persona at the end of the chain, which is there.
fn successor(name: &str, file: &File, at: &KeyPath, report: &mut Report<'_>) -> Option<PersonaName> {
    let As(next) = file.personas.get(name)?.succeeded_by.as_ref()?;
    if !file.personas.contains_key(next) {
        let near = report.did_you_mean(next, file.personas.keys().map(String::as_str));
        report.mistake(at, format!("there is no persona {next:?}{near}"));
        return None;
    }
    let last = last_successor(name, file);
    if last.is_none() && is_in_circle(name, file) {
        report.mistake(at, "leads back to the same persona; one of them must be there");
    }
    last.map(|name| PersonaName(name.into()))
}

/// Follows the chain; `None` where it goes in circles, or nowhere.
fn last_successor<'f>(name: &'f str, file: &'f File) -> Option<&'f str> {
    let chain = chain(name, file).last()?;
    file.personas.get(chain).filter(|written| written.succeeded_by.is_none()).map(|_| chain)
}

fn is_in_circle(name: &str, file: &File) -> bool {
    chain(name, file).skip(1).any(|other| other == name)
}

fn chain<'f>(name: &'f str, file: &'f File) -> impl Iterator<Item = &'f str> {
    follow(name, file.personas.len(), |name| Some(file.personas.get(name)?.succeeded_by.as_ref()?.0.as_str()))
}

/// A name and those that follow, no more than there are and one.
pub(super) fn follow<'f>(
    name: &'f str,
    all: usize,
    next: impl Fn(&str) -> Option<&'f str>,
) -> impl Iterator<Item = &'f str> {
    std::iter::successors(Some(name), move |name| next(name)).take(all + 1)
}
