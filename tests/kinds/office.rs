//! Acme, as `tests/data/kinds/acme.toml` has it, and what it decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sincerely::config::Config;
use sincerely::flow::plan::Desk;
use sincerely::mail::{Evidence, Fate, Kind, ReversePath};
use sincerely::message::{Message, Signal};
use sincerely::people::absence::NOTHING_SAID;
use sincerely::signing::Keys;
use sincerely::threads::Found;

/// Who decides, with nothing remembered.
pub(crate) struct Office {
    config: Config,
    keys: Keys,
}

/// What was decided about a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Decided {
    pub(crate) kind: Kind,
    /// With the reason where it is held.
    pub(crate) fate: String,
    pub(crate) evidence: Evidence,
    pub(crate) signals: Vec<Signal>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kinds")
}

/// The bytes of a message of the folder.
pub(crate) fn read(fixture: &str) -> Vec<u8> {
    let path = folder().join(format!("{fixture}.eml"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all messages of the folder.
pub(crate) fn fixtures() -> BTreeSet<String> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let messages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    messages.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

impl Office {
    pub(crate) fn open() -> Self {
        let (config, _) = Config::load(&folder().join("acme.toml")).unwrap();
        Self { keys: Keys::load(&config.secret_file).unwrap(), config }
    }

    /// Decides about a message to Sophie, which came with the reverse path that it tells.
    pub(crate) fn decide(&self, bytes: &[u8]) -> Decided {
        let message = Message::read(Bytes::copy_from_slice(bytes));
        let path = message.value("Return-Path").and_then(|path| reverse_path(&path));
        let now = jiff::Timestamp::from_second(1_792_054_800).unwrap();
        let desk = Desk { policy: &self.config.policy, keys: &self.keys, absences: &NOTHING_SAID, now, serial: 0x4000 };
        let sophie = "sophie@acme.example".parse().unwrap();
        let recipient = desk.recipient(&sophie).unwrap();
        let arrival = desk.read(message, path, vec![(sophie, recipient)]);
        let plan = desk.plan(&arrival, Ok(&Found::default())).plans.remove(0);
        let reason = if let Fate::Hold(reason) = &plan.fate { format!("/{reason}") } else { String::new() };
        let fate = format!("{}{reason}", plan.fate.name());
        Decided { kind: plan.kind, fate, evidence: plan.matched.evidence, signals: arrival.signals }
    }
}

fn reverse_path(value: &str) -> Option<ReversePath> {
    let address = value.strip_prefix('<')?.strip_suffix('>')?;
    if address.is_empty() { Some(ReversePath::Null) } else { address.parse().ok().map(ReversePath::Address) }
}
