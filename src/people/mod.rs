//! Personas that customers see, and the people who answer for them.
//!
//! A [`People`] is built once from a checked configuration; every name in it leads somewhere, and
//! a recipient or an author resolves to personas by look-up. Pure: who is meant, never who is there.

mod greeting;
mod handover;
mod pool;
mod succession;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::mail::{Address, Mailbox, PersonaName, PersonaTag};

pub use crate::mail::PersonName;
pub use handover::Leaver;
pub use pool::{Chosen, Known, Shared};
pub use succession::Predecessor;

/// A human being with a personal inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The key in the configuration.
    pub name: PersonName,
    /// One inbox or several; all of them get each message.
    pub inboxes: Vec<Address>,
}

/// The named sender that customers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// The key in the configuration.
    pub name: PersonaName,
    /// The display name that customers see; tells apart personas that share an address.
    pub display_name: Option<String>,
    /// The address, then the aliases; never empty.
    pub addresses: Vec<Address>,
    /// Who answers; several make a pool. Never empty, every name exists, each once.
    pub answered_by: Vec<PersonName>,
    /// How a pool shares its mail.
    pub shared: Shared,
    /// Where mail goes when an inbox refuses it for good.
    pub fallback: Vec<Address>,
    /// The names by which customers greet it.
    pub greeted_as: Vec<String>,
}

/// Whom the opening of a message greets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeted<'a> {
    /// No persona.
    Nobody,
    /// Exactly one.
    One(&'a Persona),
    /// Several that different people answer, in the order in which they are greeted.
    Several(Vec<&'a Persona>),
}

/// All personas and people.
#[derive(Debug, Clone, Default)]
pub struct People {
    people: BTreeMap<PersonName, Person>,
    personas: BTreeMap<PersonaName, Persona>,
    by_address: HashMap<String, Vec<PersonaName>>,
    by_tag: HashMap<PersonaTag, PersonaName>,
    predecessors: BTreeMap<PersonaName, Predecessor>,
    leavers: BTreeMap<PersonName, Leaver>,
    /// Who answers for a persona as it is written, where one of them left.
    seats: BTreeMap<PersonaName, Vec<PersonName>>,
}

impl People {
    /// Builds the index. The caller (config) has checked names, addresses and tags.
    pub fn new(people: Vec<Person>, personas: Vec<Persona>) -> Self {
        let mut all = Self::default();
        for persona in personas {
            for address in &persona.addresses {
                all.by_address.entry(address.folded()).or_default().push(persona.name.clone());
            }
            all.by_tag.insert(PersonaTag::of(&persona.name), persona.name.clone());
            all.personas.insert(persona.name.clone(), persona);
        }
        all.people = people.into_iter().map(|person| (person.name.clone(), person)).collect();
        all
    }

    /// The persona of that name, or the one that succeeded it.
    pub fn persona(&self, name: &PersonaName) -> Option<&Persona> {
        let successor = || self.predecessors.get(name).map(|left| &left.successor);
        self.personas.get(name).or_else(|| self.personas.get(successor()?))
    }

    /// The persona of that tag, from a verified token, or the one that succeeded it.
    pub fn persona_by_tag(&self, tag: PersonaTag) -> Option<&Persona> {
        self.by_tag.get(&tag).and_then(|name| self.personas.get(name))
    }

    /// The person of that name, or the one who succeeded them.
    pub fn person(&self, name: &PersonName) -> Option<&Person> {
        let successor = || self.leavers.get(name).map(|left| &left.successor);
        self.people.get(name).or_else(|| self.people.get(successor()?))
    }

    /// All personas, by name.
    pub fn personas(&self) -> impl Iterator<Item = &Persona> {
        self.personas.values()
    }

    /// All people who are there, by name.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The personas of an address, its subaddress already removed: none, one, or several that share it.
    pub fn personas_at(&self, address: &Address) -> &[PersonaName] {
        self.by_address.get(&address.folded()).map_or(&[], Vec::as_slice)
    }

    /// Whether the address is a persona's or a person's own: such an address is never a correspondent.
    pub fn is_insider(&self, address: &Address, separators: &str) -> bool {
        let (user, _) = address.split_detail(separators);
        !self.personas_at(&user).is_empty() || self.people_at(address, separators).next().is_some()
    }

    /// The people who read mail at the address, or at another subaddress of the same user; where nobody does,
    /// those who left and did.
    pub fn people_at(&self, address: &Address, separators: &str) -> impl Iterator<Item = &Person> {
        let user = address.split_detail(separators).0.folded();
        let reads = move |inbox: &Address| inbox.split_detail(separators).0.folded() == user;
        let is_there = move |person: &&Person| person.inboxes.iter().any(&reads);
        let mut readers: Vec<&Person> = self.people.values().filter(&is_there).collect();
        if readers.is_empty() {
            readers.extend(self.leavers.values().map(|left| &left.person).filter(&is_there));
        }
        readers.into_iter()
    }

    /// The persona that an author's mailbox names: by its address, and where several share the
    /// address, by its display name too.
    pub fn author(&self, mailbox: &Mailbox, separators: &str) -> Option<&Persona> {
        let (user, _) = mailbox.address.split_detail(separators);
        match self.personas_at(&user) {
            [] => None,
            [only] => self.persona(only),
            several => {
                let personas = several.iter().filter_map(|name| self.persona(name));
                personas.into_iter().find(|persona| self.is_called(persona, mailbox, &user))
            }
        }
    }

    /// Whom the first lines of a text greet that came to `at`, an address without its subaddress, from an author
    /// who may have the name of a persona. Where a name may mean several personas, one that has the address comes
    /// first; those whom the same people answer are one.
    pub fn greeted(&self, at: &Address, opening: &[String], author: Option<&Mailbox>) -> Greeted<'_> {
        let mentions = greeting::mentions(self.personas(), opening, author);
        let mut meant: Vec<&Persona> = Vec::new();
        for persona in mentions.into_iter().flat_map(|mention| self.owners_first(at, mention)) {
            if !meant.iter().any(|other| is_answered_alike(other, persona)) {
                meant.push(persona);
            }
        }
        match meant.as_slice() {
            [] => Greeted::Nobody,
            [only] => Greeted::One(only),
            _ => Greeted::Several(meant),
        }
    }

    /// Of the personas that one name may mean, those that have the address, or else all.
    fn owners_first<'a>(&self, at: &Address, mention: Vec<&'a Persona>) -> Vec<&'a Persona> {
        let owners = self.personas_at(at);
        let own: Vec<&Persona> = mention.iter().copied().filter(|persona| owners.contains(&persona.name)).collect();
        if own.is_empty() { mention } else { own }
    }
}

fn is_answered_alike(one: &Persona, other: &Persona) -> bool {
    let people = |persona: &Persona| persona.answered_by.iter().cloned().collect::<BTreeSet<_>>();
    people(one) == people(other)
}

/// Whether somebody can be greeted so: a name has a letter.
pub fn is_name(text: &str) -> bool {
    text.contains(char::is_alphabetic)
}

/// A display name as it is compared: case-blind, white space of any length alike.
pub fn fold_name(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    pub(super) fn persona(name: &str, display_name: &str, addresses: &[&str], answered_by: &[&str]) -> Persona {
        Persona {
            name: PersonaName(name.into()),
            display_name: Some(display_name.into()),
            addresses: addresses.iter().map(|text| address(text)).collect(),
            answered_by: answered_by.iter().map(|name| PersonName((*name).into())).collect(),
            shared: Shared::default(),
            fallback: Vec::new(),
            greeted_as: vec![name.into()],
        }
    }

    fn company() -> People {
        let person = |name: &str| Person {
            name: PersonName(name.into()),
            inboxes: vec![address(&format!("{name}@corp.example"))],
        };
        People::new(
            vec![person("sophie"), person("tom"), person("ute")],
            vec![
                persona("sophie", "Sophie from Acme", &["sophie@acme.example", "hello@acme.example"], &["sophie"]),
                persona("tom", "Tom from Acme", &["tom@acme.example", "hello@acme.example"], &["tom"]),
                persona("team", "The team", &["team@acme.example"], &["sophie", "tom", "ute"]),
            ],
        )
    }

    #[test]
    fn personas_that_share_an_address_are_told_apart_by_display_name() {
        let company = company();
        let author = |name: Option<&str>, at: &str| {
            let mailbox = Mailbox { display_name: name.map(Into::into), address: address(at) };
            company.author(&mailbox, "+").map(|persona| persona.name.0.clone())
        };
        assert_eq!(author(Some("TOM  from acme"), "Hello@acme.example").as_deref(), Some("tom"));
        assert_eq!(author(Some("Sophie from Acme"), "hello@acme.example").as_deref(), Some("sophie"));
        assert_eq!(author(Some("Somebody"), "hello@acme.example"), None);
        assert_eq!(author(None, "hello@acme.example"), None);
        assert_eq!(author(Some("S."), "sophie+x@acme.example").as_deref(), Some("sophie"));
    }
}
