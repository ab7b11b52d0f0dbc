//! `sincerely explain`: what would be done with messages, and why.
//!
//! Makes the same plan as live mail, with the same functions, and carries nothing out.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use sysexits::ExitCode;

use crate::clock;
use crate::config::Config;
use crate::flow::stamp;
use crate::mail::{Address, ReversePath};
use crate::message::Message;

use super::complain;
use super::input::{self, Input, Reading};
use super::judge::{self, Judge};
use super::recall::{Index, Secret};
use super::sheet::Signs;

mod evidence;
mod report;
mod reported;
mod signals;
mod text;
mod verdict;

use evidence::{EvidenceTried, Missing};
use report::{Report, Tried};

/// What `explain` is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "The recipients of a message are those of one transaction with the first inbound listener: over SMTP, which \
    has one reply for all, what a rule rejects for one of several is held; LMTP has a reply for each."
)]
pub struct Options {
    /// Messages: files of one, mboxes, Maildirs, folders of any of these.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A recipient; may be given several times [default: those of the header section that are ours].
    #[arg(long, value_name = "ADDR", value_parser = judge::recipient)]
    to: Vec<Address>,
    /// The reverse path, `<>` for the null path [default: Return-Path; without one, not known].
    #[arg(long, value_name = "ADDR", value_parser = judge::reverse_path)]
    from: Option<ReversePath>,
    /// When it comes, such as `2026-12-24T18:00[Europe/Paris]` or `2026-12-24T17:00:00Z` [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<jiff::Timestamp>,
    /// The listener that the messages come to.
    #[arg(long, value_enum, default_value_t = Role::Inbound)]
    role: Role,
    /// Files that begin like an mbox are one, even with a single message.
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
    let secret = Secret::of(&config)?;
    let explainer = Explainer { secret, index: Index::of(&config)?, config, options, signs: Signs::of_locale() };
    let reading = Reading { mbox: options.mbox, largest: explainer.config.limits.message_size };
    let mut code = ExitCode::Ok;
    for message in input::messages(&options.files, reading) {
        match message {
            Ok((file, input)) => explainer.explain(&file, input)?,
            Err(error) => {
                complain(format_args!("sincerely: {error}"));
                code = ExitCode::NoInput;
            }
        }
    }
    Ok(code)
}

fn moment(written: &str) -> Result<jiff::Timestamp, &'static str> {
    clock::moment(written).ok_or("expected a time such as 2026-12-24T18:00[Europe/Paris] or 2026-12-24T17:00:00Z")
}

struct Explainer<'a> {
    config: Config,
    secret: Secret,
    index: Index,
    options: &'a Options,
    signs: Signs,
}

impl Explainer<'_> {
    fn explain(&self, file: &Path, input: Input) -> anyhow::Result<()> {
        let index = input.index;
        let mut report = match self.options.role {
            Role::Inbound => self.inbound(input.bytes),
            Role::Outbound => self.outbound(input.bytes),
            Role::Copies => self.copy(input.bytes),
        };
        report.tell_what_is_missing(self.secret.is_known, self.index.is_live());
        let text = if self.options.json { report.json(file, index)? } else { report.text(file, index, self.signs) };
        anstream::stdout().lock().write_all(text.as_bytes()).context("cannot write to standard output")
    }

    fn judge(&self) -> Judge<'_> {
        Judge { config: &self.config, keys: &self.secret.keys, now: self.options.at.unwrap_or_else(clock::now) }
    }

    fn inbound(&self, bytes: Bytes) -> Report {
        let (to, from, judge) = (&self.options.to, self.options.from.as_ref(), self.judge());
        let judged = judge.inbound(Message::read(bytes), to, from, |query| self.index.look_up(query));
        let missing = Missing { key: !self.secret.is_known, index: judged.found.is_err() };
        let evidence = judge.looked_at(&judged, |piece| EvidenceTried::new(piece, missing));
        let (rules, own_inboxes, greetings) =
            (judge.tried(&judged), judge.own_inboxes(&judged), judge.greetings(&judged));
        let tried = Tried { evidence, rules, own_inboxes, greetings };
        Report::inbound(judged, tried)
    }

    fn outbound(&self, bytes: Bytes) -> Report {
        let desk = self.judge().desk();
        let message = Message::read(bytes);
        let path = judge::path_of(&message, self.options.from.as_ref());
        let found = self.index.look_up(stamp::question(&message)).unwrap_or_default();
        let stamp = desk
            .signing_persona(&message)
            .map(|persona| (persona.name.clone(), desk.stamp(persona, &message, path.as_ref(), &found)));
        let recipients = if self.options.to.is_empty() { message.addressees() } else { self.options.to.clone() };
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
