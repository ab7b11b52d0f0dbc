//! People and personas: that every name leads somewhere and every address to one persona.

use std::collections::{BTreeSet, HashMap};

use super::document::KeyPath;
use super::file::{self, File};
use super::handover;
use super::problems::Report;
use super::succession;
use super::values::{As, Scalar, Several};
use crate::mail::{Address, Mailbox, PersonaName, PersonaTag};
use crate::people::{self, People, Person, PersonName, Persona, Predecessor, Shared, fold_name};
use crate::rules::Target;

/// The word that `inbound.unmatched` has for holding; so no person may have this name.
pub(super) const HOLD: &str = "hold";

/// People and personas, as far as they are right.
pub(super) fn check(file: &File, separators: &str, report: &mut Report<'_>) -> People {
    let people: Vec<Person> = file.people.iter().filter_map(|(name, written)| person(name, written, report)).collect();
    let leavers = handover::check(file, report);
    if file.personas.is_empty() {
        report.missing(&["personas"].into(), "at least one table [personas.NAME], the sender that customers see");
    }
    file.personas.keys().for_each(|name| name_is_plain(name, &KeyPath::from(["personas", name.as_str()]), report));
    let there = file.personas.iter().filter(|(_, written)| written.succeeded_by.is_none());
    let personas: Vec<Persona> = there.filter_map(|(name, written)| persona(name, written, file, report)).collect();
    let predecessors = succession::check(file, report);
    addresses_are_clear(&holders(&personas, &predecessors), separators, report);
    tags_differ(file, report);
    let people = People::new(people, personas).succeeding(predecessors).handing_over(leavers);
    pools_are_shared(file, &people, report);
    people
}

/// One person alone shares nothing.
fn pools_are_shared(file: &File, people: &People, report: &mut Report<'_>) {
    let is_written = |persona: &&Persona| file.personas.get(&persona.name.0).is_some_and(|it| it.shared.is_some());
    for persona in people.personas().filter(is_written).filter(|persona| persona.answered_by.len() == 1) {
        let at = KeyPath::from(["personas", persona.name.0.as_str(), "shared"]);
        report.warn(&at, "says nothing: one person alone answers");
    }
}

/// The key that gave a persona's address its place in [`Persona::addresses`]; that of one that left, where it
/// was inherited.
pub(super) fn key_of_its_address(people: &People, persona: &Persona, index: usize) -> KeyPath {
    let address = persona.addresses.get(index).map(Address::folded);
    let place = |left: &Predecessor| left.addresses.iter().position(|other| Some(other.folded()) == address);
    let before = people.predecessors().filter(|left| left.successor == persona.name);
    let inherited = before.filter_map(|left| Some((&left.name, place(left)?))).next();
    inherited.map_or_else(|| key_of_address(&persona.name, index), |(left, index)| key_of_address(left, index))
}

fn key_of_address(persona: &PersonaName, index: usize) -> KeyPath {
    let at = KeyPath::from(["personas", persona.0.as_str()]);
    match index.checked_sub(1) {
        None => at.key("address"),
        Some(alias) => at.key("aliases").item(alias),
    }
}

/// The person, who is there.
fn person(name: &str, written: &file::Person, report: &mut Report<'_>) -> Option<Person> {
    let at = KeyPath::from(["people", name]);
    name_is_plain(name, &at, report);
    if name == HOLD {
        report.mistake(&at, r#"inbound.unmatched = "hold" has another meaning; choose another name"#);
    }
    if written.succeeded_by.is_some() {
        return None;
    }
    if written.inbox.0.is_empty() {
        report.missing(&at.key("inbox"), "the address where this person reads mail");
    }
    Some(Person { name: PersonName(name.into()), inboxes: values(&written.inbox) })
}

fn persona(name: &str, written: &file::Persona, file: &File, report: &mut Report<'_>) -> Option<Persona> {
    let at = KeyPath::from(["personas", name]);
    if written.address.is_none() {
        report.missing(&at.key("address"), Mailbox::EXPECTED);
    }
    let answered_by = answered_by(&written.answered_by, &at.key("answered_by"), file, report);
    let fallback = written.fallback.as_ref().map(|name| fallback(name, &at.key("fallback"), file, report));
    let greeted_as = greeted_names(written, &at, report);
    let As(Mailbox { display_name, address }) = written.address.clone()?;
    Some(Persona {
        greeted_as,
        name: PersonaName(name.into()),
        display_name,
        addresses: [address].into_iter().chain(values(&written.aliases)).collect(),
        answered_by,
        shared: written.shared.map_or_else(Shared::default, |As(shared)| shared),
        fallback: fallback.unwrap_or_default(),
    })
}

/// Names stand in log lines and between other words: they need no quotes there.
fn name_is_plain(name: &str, at: &KeyPath, report: &mut Report<'_>) {
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
        report.mistake(at, r#"a name is made of letters, digits, "-", "_" and ".""#);
    }
}

fn answered_by(written: &Several<String>, at: &KeyPath, file: &File, report: &mut Report<'_>) -> Vec<PersonName> {
    if written.0.is_empty() {
        report.missing(at, "at least one person who answers");
    }
    for (index, name) in written.0.iter().enumerate() {
        if !file.people.contains_key(name.as_str()) {
            let near = report.did_you_mean(name, file.people.keys().map(String::as_str));
            report.mistake(&at.item(index), format!("there is no person {:?}{near}", name.as_str()));
        }
    }
    let mut names: Vec<PersonName> = Vec::new();
    for name in written.0.iter().map(|name| PersonName(name.0.clone())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names by which customers greet a persona, also one that left.
pub(super) fn greeted_names(written: &file::Persona, at: &KeyPath, report: &mut Report<'_>) -> Vec<String> {
    let display_name = || written.address.as_ref().and_then(|mailbox| mailbox.display_name.as_deref());
    let names = written.greeted_as.as_ref();
    names.map_or_else(|| first_word(display_name()), |names| greeted_as(names, &at.key("greeted_as"), report))
}

fn greeted_as(written: &Several<String>, at: &KeyPath, report: &mut Report<'_>) -> Vec<String> {
    for (index, name) in written.0.iter().enumerate().filter(|(_, name)| !people::is_name(name)) {
        let message = format!(r#"{:?} has no letter; expected a name such as "Sophie""#, name.as_str());
        report.mistake(&at.item(index), message);
    }
    values(written)
}

/// What most customers greet a persona by, where nothing is written: "Sophie" of "Sophie from Acme".
fn first_word(display_name: Option<&str>) -> Vec<String> {
    let first = display_name.and_then(|name| name.split_whitespace().next());
    first.into_iter().filter(|word| people::is_name(word)).map(str::to_owned).collect()
}

/// The inboxes behind a name.
fn fallback(name: &str, at: &KeyPath, file: &File, report: &mut Report<'_>) -> Vec<Address> {
    match target(name, at, file, report) {
        Some(Target::Person(name)) => inboxes_of(&name.0, file),
        Some(Target::Persona(name)) => {
            file.personas.get(&name.0).map(|persona| inboxes_behind(persona, file)).unwrap_or_default()
        }
        Some(Target::Address(address)) => vec![address],
        None => Vec::new(),
    }
}

/// A name means a person first, then a persona, then an address; `None` where it is none of them.
pub(super) fn target(name: &str, at: &KeyPath, file: &File, report: &mut Report<'_>) -> Option<Target> {
    let persona = file.personas.get(name);
    if let Some(left) = succession::left(name, file).filter(|_| !file.people.contains_key(name)) {
        report.mistake(at, left);
        return None;
    }
    match (file.people.get(name), persona) {
        (Some(_), persona) => {
            if persona.is_some_and(|persona| persona.answered_by.0.iter().any(|other| other.as_str() != name)) {
                report
                    .warn(at, format!("{name} is a person and a persona that others answer too; it means the person"));
            }
            handover::says_whom_it_means(name, at, file, report);
            Some(Target::Person(PersonName(handover::now(name, file).into())))
        }
        (None, Some(_)) => Some(Target::Persona(PersonaName(name.into()))),
        (None, None) => {
            let address = Address::from_text(name);
            if address.is_none() {
                let names = file.people.keys().chain(file.personas.keys());
                let near = report.did_you_mean(name, names.map(String::as_str));
                report.mistake(at, format!("{name:?} is no person, no persona and no address{near}"));
            }
            address.map(Target::Address)
        }
    }
}

fn inboxes_behind(persona: &file::Persona, file: &File) -> Vec<Address> {
    let people: BTreeSet<&str> = persona.answered_by.0.iter().map(|name| handover::now(name, file)).collect();
    people.into_iter().flat_map(|name| inboxes_of(name, file)).collect()
}

fn inboxes_of(name: &str, file: &File) -> Vec<Address> {
    file.people.get(name).map(|person| values(&person.inbox)).unwrap_or_default()
}

pub(super) fn values<T: Clone>(written: &Several<T>) -> Vec<T> {
    written.0.iter().map(|value| value.0.clone()).collect()
}

/// Somebody who has addresses: a persona, or one that left.
struct Holder<'p> {
    name: &'p PersonaName,
    /// The persona that has them now.
    now: &'p PersonaName,
    display_name: Option<&'p str>,
    addresses: Vec<(KeyPath, &'p Address)>,
}

/// All of them, by name.
fn holders<'p>(personas: &'p [Persona], predecessors: &'p [Predecessor]) -> Vec<Holder<'p>> {
    let placed = |name: &PersonaName, addresses: &'p [Address]| {
        let each = addresses.iter().enumerate();
        each.map(|(index, address)| (key_of_address(name, index), address)).collect()
    };
    let there = personas.iter().map(|Persona { name, display_name, addresses, .. }| Holder {
        name,
        now: name,
        display_name: display_name.as_deref(),
        addresses: placed(name, addresses),
    });
    let left = predecessors.iter().map(|Predecessor { name, successor, display_name, addresses, .. }| Holder {
        name,
        now: successor,
        display_name: display_name.as_deref(),
        addresses: placed(name, addresses),
    });
    let mut all: Vec<Holder<'_>> = there.chain(left).collect();
    all.sort_by_key(|holder| holder.name);
    all
}

/// An address leads to one persona, by itself or together with the display name.
fn addresses_are_clear(holders: &[Holder<'_>], separators: &str, report: &mut Report<'_>) {
    let mut owners: HashMap<String, Vec<&Holder<'_>>> = HashMap::new();
    for holder in holders {
        for (at, address) in &holder.addresses {
            if let (user, Some(_)) = address.split_detail(separators) {
                report.mistake(at, format!("{address} is a subaddress of {user}; leave the detail out"));
            }
            let owners = owners.entry(address.folded()).or_default();
            if owners.last().is_some_and(|owner| owner.name == holder.name) {
                report.mistake(at, format!("{address} is an address of this persona already"));
                continue;
            }
            if let Some(other) = owners.iter().find(|owner| !are_told_apart(owner, holder)) {
                report.mistake(at, not_told_apart(address, other));
            }
            owners.push(holder);
        }
    }
}

/// Two of whom one has succeeded the other, or both had the same successor, need not be.
fn are_told_apart(one: &Holder<'_>, other: &Holder<'_>) -> bool {
    match (one.display_name, other.display_name) {
        _ if one.now == other.now => true,
        (Some(one), Some(other)) => fold_name(one) != fold_name(other),
        (None, _) | (_, None) => false,
    }
}

fn not_told_apart(address: &Address, other: &Holder<'_>) -> String {
    let name = other.name;
    format!("{address} is also an address of persona {name}; to share it, both need display names that differ")
}

/// A token names its persona by a tag of four octets, which two names may have in common; also one that left,
/// since its tokens are out.
fn tags_differ(file: &File, report: &mut Report<'_>) {
    let mut owners: HashMap<PersonaTag, &str> = HashMap::new();
    for name in file.personas.keys() {
        if let Some(other) = owners.insert(PersonaTag::of(&PersonaName(name.clone())), name) {
            let message = format!("has the same tag in signed tokens as persona {other}; rename one of the two");
            report.mistake(&["personas", name.as_str()].into(), message);
        }
    }
}
