//! The company: the decisions that live mail meets, over one memory.

use jiff::Timestamp;
use sincerely::config::Config;
use sincerely::flow::plan::{Arrival, Desk, Planned};
use sincerely::flow::policy::Policy;
use sincerely::flow::stamp::Stamp;
use sincerely::flow::{learning, telling};
use sincerely::mail::{Address, Kind, Lesson, PersonaName, PersonaTag, ReversePath, ThreadId};
use sincerely::message::{Message, edit};
use sincerely::people::absence::NOTHING_SAID;
use sincerely::signing::Keys;
use sincerely::threads::memory::Memory;
use sincerely::threads::token::{Purpose, Token};
use sincerely::threads::{Fingerprint, Found, Query, Record, Settings};

const COMPANY: &str = r#"
hostname = "sincerely.acme.example"
reply_domain = "replies.acme.example"
state_dir = "state"
[relay]
maildir = "mail"
[people.sophie]
inbox = "sophie@corp.example"
[people.tom]
inbox = "tom@corp.example"
[people.ute]
inbox = "ute@corp.example"
[people.max]
inbox = "max@corp.example"
[personas.sophie]
address = "Sophie from Acme <sophie@acme.example>"
aliases = ["hello@acme.example"]
answered_by = ["sophie"]
[personas.tom]
address = "Tom from Acme <tom@acme.example>"
aliases = ["hello@acme.example"]
answered_by = ["tom"]
[personas.mia]
address = "Mia from Acme <mia@acme.example>"
aliases = ["hello@acme.example"]
answered_by = ["ute", "max"]
[inbound]
authserv_id = "mx.acme.example"
"#;

/// The personas: keys of the configuration, which are local parts of their addresses too.
pub(crate) const PERSONAS: [&str; 3] = ["sophie", "tom", "mia"];
pub(crate) const HELLO: &str = "hello@acme.example";

/// What came of a message that the company got.
pub(crate) struct Got {
    pub(crate) arrival: Arrival,
    pub(crate) found: Found,
    pub(crate) planned: Planned,
}

/// The moment of a decision.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) serial: u16,
    /// Whether addresses are masked at that time: signed Reply-To and return paths.
    pub(crate) is_masked: bool,
}

/// The installation.
pub(crate) struct Company {
    plain: Policy,
    masked: Policy,
    keys: Keys,
    /// The keys of somebody else's installation.
    foreign: Keys,
    memory: Memory,
}

impl Company {
    pub(crate) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = |name: &str, octet: u8| {
            let secret = [[octet; 24].as_slice(), &seed.to_be_bytes()].concat();
            let path = folder.path().join(name);
            std::fs::write(&path, data_encoding::BASE64.encode(&secret)).unwrap();
            Keys::load(&path).unwrap()
        };
        let policy = |more: &str| {
            let text = format!("{COMPANY}[stamp]\n{more}\n");
            Config::parse(&text, &folder.path().join("sincerely.toml")).expect("it is right").0.policy
        };
        // The world has a time of its own, which grows ever older.
        let settings = Settings { keep: std::time::Duration::from_hours(24 * 365 * 1000), ..Settings::default() };
        Self {
            plain: policy(""),
            masked: policy("reply_to = true\nreturn_path = true"),
            keys: keys("ours", 1),
            foreign: keys("theirs", 2),
            memory: Memory::new(settings),
        }
    }

    fn desk(&self, moment: Moment) -> Desk<'_> {
        let policy = if moment.is_masked { &self.masked } else { &self.plain };
        Desk { policy, keys: &self.keys, absences: &NOTHING_SAID, now: moment.now, serial: moment.serial }
    }

    /// The life of an automated message, but for the next hop: the message as it goes out.
    pub(crate) fn send(&self, moment: Moment, message: &Message, path: &str, to: &[Address]) -> (Stamp, Message) {
        let desk = self.desk(moment);
        assert!(desk.outbound_door(message).is_none(), "it may go out");
        let query = Query { twin: Some(Fingerprint::of(message)), ..Query::default() };
        let found = self.memory.look_up(&query).unwrap();
        let persona = desk.signing_persona(message).expect("a persona signs it");
        let stamp = desk.stamp(persona, message, Some(&reverse_path(path)), &found);
        let lesson = Lesson {
            message_id: stamp.message_id.clone().expect("it has an id"),
            thread: stamp.thread,
            persona: persona.name.clone(),
            correspondents: self.plain.customers(to),
            writer: None,
            campaign: None,
        };
        self.memory.learn(learning::records(lesson, message, moment.now)).unwrap();
        let sent = Message::read(edit::apply(message, &stamp.edits).concat().into());
        (stamp, sent)
    }

    /// What the company decides about a message; `None` where the door refuses all its recipients.
    pub(crate) fn get(&self, moment: Moment, message: Message, path: &str, to: &[String]) -> Option<Got> {
        let desk = self.desk(moment);
        assert!(desk.door(&message).is_none(), "it can be read in one way");
        let to = to.iter().map(|to| desk.real(to.parse().unwrap()));
        let recipients: Vec<_> = to.filter_map(|to| Some((to.clone(), desk.recipient(&to).ok()?))).collect();
        if recipients.is_empty() {
            return None;
        }
        let arrival = desk.read(message, Some(reverse_path(path)), recipients);
        let found = self.memory.look_up(&desk.question(&arrival)).unwrap();
        let planned = desk.plan(&arrival, Ok(&found));
        Some(Got { arrival, found, planned })
    }

    /// Remembers a message as the flow does once its legs are done.
    pub(crate) fn remember(&self, moment: Moment, got: &Got) {
        let is_ours = got.planned.insider.as_ref().is_some_and(|insider| insider.proved);
        for plan in &got.planned.plans {
            let message = &got.arrival.message;
            let lesson = plan.lesson.clone().map(|lesson| learning::records(lesson, message, moment.now));
            let is_told = !is_ours || plan.kind != Kind::Human;
            let came = || telling::came(&got.arrival, plan, plan.fate.name(), moment.now).map(Record::Came);
            let came = if is_told { came() } else { None };
            self.memory.learn(lesson.into_iter().flatten().chain(came).collect()).unwrap();
        }
    }

    /// What was looked at, for people.
    pub(crate) fn looked_at(&self, moment: Moment, got: &Got) -> Vec<Vec<String>> {
        self.desk(moment).looked_at(&got.arrival, Ok(&got.found), |piece| format!("{piece:?}"))
    }

    /// A seed for that thread as another installation would write it.
    pub(crate) fn foreign_seed(&self, persona: usize, thread: ThreadId) -> String {
        format!("{}@acme.example", self.foreign_token(Purpose::Seed, persona, thread))
    }

    /// A token for that thread as another installation would write it.
    pub(crate) fn foreign_token(&self, purpose: Purpose, persona: usize, thread: ThreadId) -> String {
        let persona = PersonaTag::of(&PersonaName(PERSONAS[persona].into()));
        Token { purpose, persona, id: thread.0 }.seal(&self.foreign)
    }

    /// How many threads and ids are remembered.
    pub(crate) fn count(&self) -> sincerely::threads::Count {
        self.memory.count().unwrap()
    }
}

fn reverse_path(path: &str) -> ReversePath {
    if path.is_empty() { ReversePath::Null } else { ReversePath::Address(path.parse().unwrap()) }
}
