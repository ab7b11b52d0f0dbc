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
use crate::mail::{Address, ReversePath};
use crate::message::Message;
use crate::signing::{KeyError, Keys};
use crate::threads::{Fingerprint, Found, Query, Unavailable};

use super::complain;
use super::input::{self, Input};
use super::judge::{self, Judge};

mod report;

use report::Report;

/// What `explain` is asked.
#[derive(Debug, Args)]
pub struct Options {
    /// Messages, one a file, or mboxes.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A recipient; may be given several times [default: those of the header section that are ours].
    #[arg(long, value_name = "ADDR", value_parser = judge::recipient)]
    to: Vec<Address>,
    /// The reverse path, `<>` for the null path [default: Return-Path; without one, not known].
    #[arg(long, value_name = "ADDR", value_parser = judge::reverse_path)]
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

    fn judge(&self) -> Judge<'_> {
        Judge { config: &self.config, keys: &self.keys }
    }

    fn inbound(&self, bytes: Bytes) -> Report {
        let (to, from) = (&self.options.to, self.options.from.as_ref());
        Report::inbound(self.judge().inbound(bytes, to, from, |query| self.index.look_up(query)))
    }

    fn outbound(&self, bytes: Bytes) -> Report {
        let desk = self.judge().desk();
        let message = Message::read(bytes);
        let path = judge::path_of(&message, self.options.from.as_ref());
        let twin = Some(Fingerprint::of(&message));
        let found = self.index.look_up(Query { twin, ..Query::default() }).unwrap_or_default();
        let stamp = desk
            .signing_persona(&message)
            .map(|persona| (persona.name.clone(), desk.stamp(persona, &message, path.as_ref(), &found)));
        let recipients = if self.options.to.is_empty() { message.recipients() } else { self.options.to.clone() };
        let door = self.judge().listener(&message).or_else(|| desk.outbound_door(&message));
        let signals = desk.signals(&message, path.as_ref());
        Report::outbound(&message, signals, path, stamp, door, recipients)
    }

    fn copy(&self, bytes: Bytes) -> Report {
        let desk = self.judge().desk();
        let message = Message::read(bytes);
        let found = self.index.look_up(desk.question_of_copy(&message));
        let lesson = found.map(|known| desk.lesson_of_copy(&message, &known));
        let path = judge::path_of(&message, self.options.from.as_ref());
        let signals = desk.signals(&message, path.as_ref());
        Report::copy(&message, signals, lesson, self.judge().listener(&message), self.options.to.clone())
    }
}
