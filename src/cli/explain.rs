//! `sincerely explain`: what would be done with messages, and why.
//!
//! Makes the same plan as live mail, with the same functions, and carries nothing out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sysexits::ExitCode;

use crate::config::Config;
use crate::control::{self, Reach};
use crate::flow::plan::{Arrival, Desk};
use crate::mail::address::AddressError;
use crate::mail::{Address, Reply, ReversePath};
use crate::message::Message;
use crate::signing::{self, KeyError, Keys};
use crate::threads::{Fingerprint, Found, Query, Unavailable};
use crate::{clock, smtp};

use super::complain;
use super::input::{self, Input};

mod report;

use report::Report;

/// What `explain` is asked.
#[derive(Debug, Args)]
pub struct Options {
    /// Messages, one a file, or mboxes.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A recipient; may be given several times [default: those of the header section that are ours].
    #[arg(long, value_name = "ADDR", value_parser = recipient)]
    to: Vec<Address>,
    /// The reverse path, `<>` for the null path [default: Return-Path; without one, not known].
    #[arg(long, value_name = "ADDR", value_parser = reverse_path)]
    from: Option<ReversePath>,
    /// The listener that the messages come to.
    #[arg(long, value_enum, default_value_t = Role::Inbound)]
    role: Role,
    /// Every file is an mbox.
    #[arg(long)]
    mbox: bool,
    /// One JSON object for each message and recipient.
    #[arg(long)]
    json: bool,
}

/// The role of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Mail from customers.
    Inbound,
    /// Automated mail.
    Outbound,
    /// Copies of mail that other systems sent.
    Copies,
}

/// Explains every file. One that cannot be read is named, and the others are still done.
///
/// # Errors
/// When the secret cannot be read, or nothing can be written to standard output.
pub fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let config = match super::load(config) {
        Ok((config, _)) => config,
        Err(code) => return Ok(code),
    };
    let explainer = Explainer { keys: keys(&config)?, index: Index::of(&config)?, config, options };
    let mut code = ExitCode::Ok;
    for file in &options.files {
        match input::read(file, options.mbox) {
            Ok(inputs) => inputs.into_iter().try_for_each(|input| explainer.explain(file, input))?,
            Err(error) => {
                complain(format_args!("sincerely: cannot read {}: {error}", file.display()));
                code = ExitCode::NoInput;
            }
        }
    }
    Ok(code)
}

/// The installation's keys where there are any that we may read, else a key in memory; nothing is
/// written.
fn keys(config: &Config) -> anyhow::Result<Keys> {
    match Keys::load(&config.secret_file) {
        Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        Err(error @ KeyError::File { .. }) => {
            complain(format_args!("warning: {error}; no seed can be verified: run explain as the daemon's user"));
        }
        loaded => return Ok(loaded?),
    }
    Ok(Keys::generate()?)
}

/// Whom `explain` asks what is remembered.
enum Index {
    /// The running daemon.
    Live(control::Client, tokio::runtime::Runtime),
    /// Nobody: nothing is remembered.
    Empty,
}

impl Index {
    fn of(config: &Config) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = control::Client::new(&config.state_dir);
        let why = match runtime.block_on(client.reach()) {
            Reach::Alive => return Ok(Self::Live(client, runtime)),
            Reach::Silent(why) => why,
            Reach::Nobody => "no daemon runs here".into(),
        };
        complain(format_args!("warning: {why}: explaining as if nothing were remembered"));
        Ok(Self::Empty)
    }

    fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        match self {
            Self::Live(client, runtime) => runtime.block_on(client.look_up(&query)),
            Self::Empty => Ok(Found::default()),
        }
    }
}

struct Explainer<'a> {
    config: Config,
    keys: Keys,
    index: Index,
    options: &'a Options,
}

impl Explainer<'_> {
    fn explain(&self, file: &Path, input: Input) -> anyhow::Result<()> {
        let index = input.index;
        let report = match self.options.role {
            Role::Inbound => self.inbound(input.bytes),
            Role::Outbound => self.outbound(input.bytes),
            Role::Copies => self.copy(input.bytes),
        };
        report.print(file, index, self.options.json).context("cannot write to standard output")
    }

    fn desk(&self) -> Desk<'_> {
        Desk { policy: &self.config.policy, keys: &self.keys, now: clock::now(), serial: signing::serials(1) }
    }

    fn inbound(&self, bytes: Bytes) -> Report {
        let desk = self.desk();
        let message = Message::read(bytes);
        let door = self.listener(&message).or_else(|| desk.door(&message));
        let judged: Vec<_> = self.recipients(&message).into_iter().map(|to| (desk.recipient(&to), to)).collect();
        let accepted = judged.iter().filter_map(|(judged, to)| Some((to.clone(), judged.clone().ok()?))).collect();
        let arrival = Arrival { reverse_path: self.reverse_path(&message), message, recipients: accepted };
        let found = self.index.look_up(desk.question(&arrival));
        let planned = desk.plan(&arrival, found.as_ref());
        let refused = judged.into_iter().filter_map(|(judged, to)| Some((to, judged.err()?))).collect();
        Report::inbound(&arrival, planned, refused, door)
    }

    fn outbound(&self, bytes: Bytes) -> Report {
        let desk = self.desk();
        let message = Message::read(bytes);
        let path = self.reverse_path(&message);
        let twin = Some(Fingerprint::of(&message));
        let found = self.index.look_up(Query { twin, ..Query::default() }).unwrap_or_default();
        let stamp = desk
            .signing_persona(&message)
            .map(|persona| (persona.name.clone(), desk.stamp(persona, &message, path.as_ref(), &found)));
        let recipients = if self.options.to.is_empty() { message.recipients() } else { self.options.to.clone() };
        let door = self.listener(&message).or_else(|| desk.outbound_door(&message));
        Report::outbound(&message, path, stamp, door, recipients)
    }

    fn copy(&self, bytes: Bytes) -> Report {
        let desk = self.desk();
        let message = Message::read(bytes);
        let found = self.index.look_up(desk.question_of_copy(&message));
        let lesson = found.map(|known| desk.lesson_of_copy(&message, &known));
        let path = self.reverse_path(&message);
        Report::copy(&message, path, lesson, self.listener(&message), self.options.to.clone())
    }

    /// What the listener itself would refuse, before any flow sees it.
    fn listener(&self, message: &Message) -> Option<Reply> {
        smtp::judge(&self.config.limits, message.bytes())
    }

    /// Those that were asked for, else those in the header section that are ours.
    fn recipients(&self, message: &Message) -> Vec<Address> {
        let desk = self.desk();
        if !self.options.to.is_empty() {
            return self.options.to.iter().cloned().map(|address| desk.real(address)).collect();
        }
        let mut ours: Vec<Address> = Vec::new();
        for address in message.recipients().into_iter().map(|address| desk.real(address)) {
            if desk.recipient(&address).is_ok() && !ours.contains(&address) {
                ours.push(address);
            }
        }
        ours
    }

    fn reverse_path(&self, message: &Message) -> Option<ReversePath> {
        let written = || message.value("Return-Path").and_then(|value| reverse_path(&value).ok());
        self.options.from.clone().or_else(written)
    }
}

/// `<a@b>` or `a@b`.
fn recipient(text: &str) -> Result<Address, AddressError> {
    without_brackets(text).parse()
}

fn without_brackets(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text).trim()
}

/// `<>`, `<a@b>` or `a@b`.
fn reverse_path(text: &str) -> Result<ReversePath, AddressError> {
    match without_brackets(text) {
        "" if text.contains('<') => Ok(ReversePath::Null),
        address => address.parse().map(ReversePath::Address),
    }
}
