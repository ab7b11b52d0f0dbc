//! Succession: a persona that left, or has another name now, and the one to which all that was its has come.
//!
//! Its name, its tag in tokens that are out, its addresses and the names by which it was greeted lead to the
//! successor, so whoever asks for a persona gets one that is there.

use super::{Mailbox, People, Persona, fold_name};
use crate::mail::{Address, PersonaName, PersonaTag};

/// A persona that is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// The key in the configuration.
    pub name: PersonaName,
    /// The persona that has what was its; one that is there.
    pub successor: PersonaName,
    /// The display name that customers saw.
    pub display_name: Option<String>,
    /// The addresses that are still written to; perhaps none.
    pub addresses: Vec<Address>,
    /// The names by which customers greet it.
    pub greeted_as: Vec<String>,
}

impl People {
    /// The same people, and those personas that are not there any more.
    #[must_use]
    pub fn succeeding(mut self, predecessors: Vec<Predecessor>) -> Self {
        for predecessor in predecessors {
            self.by_tag.insert(PersonaTag::of(&predecessor.name), predecessor.successor.clone());
            for address in &predecessor.addresses {
                let owners = self.by_address.entry(address.folded()).or_default();
                if !owners.contains(&predecessor.successor) {
                    owners.push(predecessor.successor.clone());
                }
            }
            if let Some(successor) = self.personas.get_mut(&predecessor.successor) {
                successor.inherit(&predecessor);
            }
            self.predecessors.insert(predecessor.name.clone(), predecessor);
        }
        self
    }

    /// The personas that are not there any more, by name.
    pub fn predecessors(&self) -> impl Iterator<Item = &Predecessor> {
        self.predecessors.values()
    }

    /// Whether a mailbox that wrote as one persona, or as one that it succeeds, names it.
    pub(super) fn is_called(&self, persona: &Persona, mailbox: &Mailbox, user: &Address) -> bool {
        let Some(wanted) = mailbox.display_name.as_deref().map(fold_name) else { return false };
        let is_name = |name: &Option<String>| name.as_deref().map(fold_name).as_ref() == Some(&wanted);
        let has_user = |left: &Predecessor| left.addresses.iter().any(|address| address.folded() == user.folded());
        let mut before = self.predecessors().filter(|left| left.successor == persona.name && has_user(left));
        is_name(&persona.display_name) || before.any(|left| is_name(&left.display_name))
    }
}

impl Persona {
    /// Behind its own come the addresses of who left, and the names by which that one is greeted; the whole
    /// name too, since a surname may follow.
    fn inherit(&mut self, left: &Predecessor) {
        for address in &left.addresses {
            if !self.addresses.iter().any(|own| own.folded() == address.folded()) {
                self.addresses.push(address.clone());
            }
        }
        for name in left.greeted_as.iter().chain(left.display_name.as_ref().filter(|_| !left.greeted_as.is_empty())) {
            if !self.greeted_as.contains(name) {
                self.greeted_as.push(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::persona;
    use super::super::{Greeted, People};
    use super::*;

    fn name(text: &str) -> PersonaName {
        PersonaName(text.into())
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    /// Anna left, with an address of her own and the shared one; old left before her, with nothing.
    fn company() -> People {
        let left = |left: &str, display_name: Option<&str>, addresses: &[&str], greeted_as: &[&str]| Predecessor {
            name: name(left),
            successor: name("sophie"),
            display_name: display_name.map(Into::into),
            addresses: addresses.iter().map(|text| address(text)).collect(),
            greeted_as: greeted_as.iter().map(|name| (*name).to_owned()).collect(),
        };
        let people = People::new(
            Vec::new(),
            vec![
                persona("sophie", "Sophie from Acme", &["s@acme.example", "hello@acme.example"], &["sophie"]),
                persona("tom", "Tom from Acme", &["t@acme.example", "hello@acme.example"], &["tom"]),
            ],
        );
        people.succeeding(vec![
            left("anna", Some("Anna Smith"), &["anna@acme.example", "hello@acme.example"], &["Anna"]),
            left("old", None, &[], &[]),
        ])
    }

    #[test]
    fn all_that_was_annas_leads_to_sophie() {
        let people = company();
        for left in ["anna", "old", "sophie"] {
            assert_eq!(people.persona(&name(left)).unwrap().name, name("sophie"), "{left}");
            let by_tag = people.persona_by_tag(PersonaTag::of(&name(left)));
            assert_eq!(by_tag.unwrap().name, name("sophie"), "the tag of {left}");
        }
        assert_eq!(people.persona(&name("nobody")), None);
        assert_eq!(people.persona_by_tag(PersonaTag::of(&name("nobody"))), None);
        assert_eq!(people.personas_at(&address("Anna@acme.example")), [name("sophie")]);
        assert_eq!(people.personas_at(&address("hello@acme.example")), [name("sophie"), name("tom")]);
        assert!(people.is_insider(&address("anna+x@acme.example"), "+"));
        let addresses = &people.persona(&name("sophie")).unwrap().addresses;
        assert_eq!(
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["s@acme.example", "hello@acme.example", "anna@acme.example"]
        );
        assert_eq!(people.personas().count(), 2, "who left is no persona");
    }

    #[test]
    fn mail_from_anna_is_sophies() {
        let people = company();
        for (display_name, at, expect) in [
            (Some("Anna Smith"), "anna@acme.example", Some("sophie")),
            (None, "anna+x@acme.example", Some("sophie")),
            (Some("anna  SMITH"), "hello@acme.example", Some("sophie")),
            (Some("Sophie from Acme"), "hello@acme.example", Some("sophie")),
            (Some("Tom from Acme"), "hello@acme.example", Some("tom")),
            (Some("Anna"), "hello@acme.example", None),
            (None, "hello@acme.example", None),
        ] {
            let mailbox = Mailbox { display_name: display_name.map(Into::into), address: address(at) };
            let author = people.author(&mailbox, "+").map(|persona| persona.name.0.as_str());
            assert_eq!(author, expect, "{display_name:?} <{at}>");
        }
    }

    #[test]
    fn whoever_greets_anna_means_sophie() {
        let people = company();
        for (line, expect) in [
            ("Hi Anna,", Some("sophie")),
            ("Dear Anna Smith,", Some("sophie")),
            ("Hi Anna and Sophie,", Some("sophie")),
            ("Dear Anna Jones,", None),
            ("Hi Old,", None),
        ] {
            let found = match people.greeted(&address("hello@acme.example"), &[line.to_owned()], None) {
                Greeted::One(persona) => Some(persona.name.0.as_str()),
                Greeted::Nobody | Greeted::Several(_) => None,
            };
            assert_eq!(found, expect, "{line}");
        }
    }
}
