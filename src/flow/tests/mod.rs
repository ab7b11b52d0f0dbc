//! What is decided: tables of cases over the pure functions; and what is remembered of it.

mod absences;
mod copies;
mod evidence;
mod insiders;
mod legs;
mod notices;
mod plans;
mod pools;
mod retries;
mod returns;
mod rules;
mod stamps;
mod standing;
mod succession;
mod telling;
mod tokens;

use crate::flow::plan::Desk;
use crate::flow::policy::{Inbound, Outbound, Policy, Stamp};
use crate::mail::{Address, MessageId, PersonName, PersonaName, PersonaTag, ThreadId};
use crate::people::absence::Absences;
use crate::people::{People, Person, Persona};
use crate::rules::Rules;
use crate::signing::Keys;
use crate::threads::token::{Purpose, Token};
use crate::threads::{Claim, Familiar, Fingerprint, Found, Origin, Thread, Topic};

/// Acme: Sophie and Tom, who share `hello@`, and a domain of masked addresses.
struct Acme {
    policy: Policy,
    keys: Keys,
    absences: Absences,
}

/// The time of all decisions.
const NOW: i64 = 1_800_000_000;

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(NOW).unwrap()
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

/// A thread that was opened a minute before [`NOW`].
fn thread(number: u8) -> ThreadId {
    ThreadId::new(now() - jiff::SignedDuration::from_mins(1), [0, number])
}

impl Acme {
    fn new() -> Self {
        let person = |name: &str| Person {
            name: PersonName(name.into()),
            inboxes: vec![address(&format!("{name}@corp.example"))],
        };
        let persona = |name: &str, display_name: &str, fallback: &str| Persona {
            name: PersonaName(name.into()),
            display_name: Some(display_name.into()),
            addresses: vec![address(&format!("{name}@acme.example")), address("hello@acme.example")],
            answered_by: vec![PersonName(name.into())],
            shared: Default::default(),
            fallback: vec![address(fallback)],
            greeted_as: vec![name.into()],
        };
        let people = People::new(
            vec![person("sophie"), person("tom")],
            vec![
                persona("sophie", "Sophie from Acme", "tom@corp.example"),
                persona("tom", "Tom from Acme", "sophie@corp.example"),
            ],
        );
        let policy = Policy {
            hostname: "sincerely.acme.example".parse().unwrap(),
            reply_domain: Some("replies.acme.example".parse().unwrap()),
            people,
            rules: Rules::default(),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            stamp: Stamp::default(),
            separators: "+".into(),
            window: std::time::Duration::from_hours(60 * 24),
            hops: 50,
            mime: crate::message::Mime::default(),
        };
        Self { policy, keys: Keys::generate().unwrap(), absences: Absences::default() }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { policy: &self.policy, keys: &self.keys, absences: &self.absences, now: now(), serial: 0x0707 }
    }

    fn token(&self, purpose: Purpose, persona: &str, thread: ThreadId) -> String {
        let persona = PersonaTag::of(&PersonaName(persona.into()));
        Token { purpose, persona, id: thread.0 }.seal(&self.keys)
    }

    fn seed(&self, persona: &str, number: u8) -> String {
        format!("<{}@acme.example>", self.token(Purpose::Seed, persona, thread(number)))
    }
}

/// A memory that knows some ids.
#[derive(Default)]
struct Memory(Found);

impl Memory {
    fn learned(self, text: &str, persona: &str, number: u8) -> Self {
        self.claim(text, persona, number, Origin::Learned(Fingerprint([number; 16])))
    }

    fn healed(self, text: &str, persona: &str, number: u8, correspondent: &str) -> Self {
        self.claim(text, persona, number, Origin::Healed(correspondent.into()))
    }

    /// A thread in which Ann is known, by what it was about; in seconds before [`NOW`].
    fn familiar(mut self, persona: &str, number: u8, topic: Topic, ago: i64) -> Self {
        self = self.claim(&format!("topic-{number}@acme.example"), persona, number, Origin::Healed("-".into()));
        self.0.acquaintance.threads.push(Familiar { thread: thread(number), topic, at: NOW - ago });
        self
    }

    /// The personas that wrote to Ann.
    fn written_to_by(mut self, personas: &[&str]) -> Self {
        let names = personas.iter().map(|name| PersonaName((*name).into()));
        self.0.acquaintance.written_to_by = names.collect();
        self
    }

    /// Of all threads, who wrote last.
    fn written_by(mut self, person: &str) -> Self {
        self.0.threads.values_mut().for_each(|thread| thread.writer = Some(PersonName(person.into())));
        self
    }

    fn claim(mut self, text: &str, persona: &str, number: u8, origin: Origin) -> Self {
        let known = Thread {
            persona: PersonaName(persona.into()),
            opened: NOW,
            correspondents: vec!["ann@customer.example".into()],
            healed: 0,
            writer: None,
            person: None,
            first: None,
            campaign: None,
        };
        self.0.ids.entry(id(text)).or_default().push(Claim { thread: thread(number), origin });
        self.0.threads.insert(thread(number), known);
        self
    }
}
