//! Acme, as `tests/data/replies/acme.toml` has it, and what it decides.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sincerely::config::Config;
use sincerely::flow::plan::{Arrival, Desk};
use sincerely::flow::telling;
use sincerely::mail::{Address, Fate, FateName, Plan, Reply, ReversePath, ThreadId};
use sincerely::message::Message;
use sincerely::people::absence::NOTHING_SAID;
use sincerely::signing::Keys;
use sincerely::threads::matcher::Recipient;
use sincerely::threads::memory::Memory;
use sincerely::threads::{Query, Record};

use super::memory;

/// A recipient, and what the door makes of it.
type Judged = (Address, Result<Recipient, Reply>);

/// Who decides, with what is remembered.
pub(crate) struct Office {
    config: Config,
    pub(crate) keys: Keys,
    memory: Memory,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replies")
}

/// The bytes of a message of the folder.
pub(crate) fn read(fixture: &str) -> Vec<u8> {
    let path = folder().join(format!("{fixture}.eml"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all messages of the folder.
pub(crate) fn fixtures() -> Vec<String> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let messages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    messages.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

impl Office {
    pub(crate) fn open() -> Self {
        let (config, _) = Config::load(&folder().join("acme.toml")).unwrap();
        let keys = Keys::load(&config.secret_file).unwrap();
        Self { keys, memory: memory::remembered(), config }
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            policy: &self.config.policy,
            keys: &self.keys,
            absences: &NOTHING_SAID,
            now: memory::now(),
            serial: 0x4000,
        }
    }

    /// The plans for a message to `to`, or what the door says to a recipient.
    pub(crate) fn decide(&self, bytes: &[u8], path: Option<ReversePath>, to: &str) -> Vec<Result<Plan, Reply>> {
        let desk = self.desk();
        let judged = self.judged(to);
        let arrival = arrival(&desk, bytes, path, &judged);
        if let Some(reply) = desk.door(&arrival.message) {
            return vec![Err(reply); judged.len()];
        }
        let mut plans = self.plans(&desk, &arrival).into_iter();
        judged.into_iter().map(|(_, judged)| judged.map(|_| plans.next().unwrap())).collect()
    }

    /// What each address means to the door.
    fn judged(&self, to: &str) -> Vec<Judged> {
        let desk = self.desk();
        let addresses = to.split(' ').map(|to| desk.real(to.parse().unwrap()));
        addresses.map(|to| (to.clone(), desk.recipient(&to))).collect()
    }

    fn plans(&self, desk: &Desk<'_>, arrival: &Arrival) -> Vec<Plan> {
        let found = self.memory.look_up(&desk.question(arrival)).unwrap();
        desk.plan(arrival, Ok(&found)).plans
    }

    /// Decides about a message, and remembers what is handed on; how many records that makes.
    pub(crate) fn remember(&self, bytes: &[u8], to: &str) -> usize {
        let desk = self.desk();
        let arrival = arrival(&desk, bytes, reverse_path(bytes), &self.judged(to));
        let forwarded = self.plans(&desk, &arrival).into_iter().filter(|plan| matches!(plan.fate, Fate::Forward(_)));
        let records: Vec<Record> = forwarded
            .filter_map(|plan| telling::came(&arrival, &plan, FateName::Forward, memory::now()).map(Record::Came))
            .collect();
        let count = records.len();
        self.memory.learn(records).unwrap();
        count
    }

    /// The threads of all ids in References, also of those that are too many to be looked at.
    pub(crate) fn referred(&self, bytes: &[u8]) -> Vec<ThreadId> {
        let message = message(bytes);
        let query = Query { ids: message.references().to_vec(), ..Query::default() };
        let claims = self.memory.look_up(&query).unwrap().ids.into_values().flatten();
        claims.map(|claim| claim.thread).collect()
    }

    /// What is decided for each recipient, as the table writes it.
    pub(crate) fn told(&self, bytes: &[u8], to: &str) -> String {
        let decided = self.decide(bytes, reverse_path(bytes), to);
        decided.iter().map(told).collect::<Vec<_>>().join(" | ")
    }
}

/// A message with the recipients that the door takes.
fn arrival(desk: &Desk<'_>, bytes: &[u8], path: Option<ReversePath>, judged: &[Judged]) -> Arrival {
    let ours = judged.iter().filter_map(|(to, judged)| Some((to.clone(), judged.clone().ok()?)));
    desk.read(message(bytes), path, ours.collect())
}

fn message(bytes: &[u8]) -> Message {
    Message::read(Bytes::copy_from_slice(bytes))
}

/// The reverse path, as the server in front wrote it down.
pub(crate) fn reverse_path(bytes: &[u8]) -> Option<ReversePath> {
    let value = message(bytes).value("Return-Path")?;
    let address = value.strip_prefix('<')?.strip_suffix('>')?;
    let path = |address: &str| address.parse::<Address>().ok().map(ReversePath::Address);
    if address.is_empty() { Some(ReversePath::Null) } else { path(address) }
}

fn told(decided: &Result<Plan, Reply>) -> String {
    match decided {
        Ok(plan) => of_plan(plan),
        Err(reply) => {
            let (class, subject, detail) = reply.enhanced.unwrap();
            format!("{} {class}.{subject}.{detail}", reply.code)
        }
    }
}

/// Evidence, persona, thread, person, kind, fate and how many ids it heals: `-` for nothing, `new` for a thread that is
/// opened.
fn of_plan(plan: &Plan) -> String {
    let text = |value: Option<&String>| value.map_or("-", String::as_str).to_owned();
    let (matched, joined) = (plan.matched.thread, plan.joins);
    assert!(
        matched.is_none() || joined.is_none() || matched == joined,
        "it joins the thread that it matches: {plan:?}"
    );
    let thread = match (matched, joined) {
        (Some(thread), _) => memory::name_of(thread),
        (None, Some(_)) => "new".into(),
        (None, None) => "-".into(),
    };
    let fate = match &plan.fate {
        Fate::Hold(reason) => format!("hold/{reason}"),
        Fate::Forward(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => plan.fate.name().to_string(),
    };
    let persona = text(plan.matched.persona.as_ref().map(|name| &name.0));
    let person = text(plan.person.as_ref().map(|name| &name.0));
    let heals = if plan.heals.is_empty() { String::new() } else { format!(" heals {}", plan.heals.len()) };
    format!("{} {persona} {thread} {person} {} {fate}{heals}", plan.matched.evidence, plan.kind)
}
