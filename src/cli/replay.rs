//! `sincerely replay`: old mail under two configurations, and what would change.
//!
//! Both judge at the same moment, with the same memory and the same keys: what differs is what was
//! configured otherwise. One message is in memory at a time.

mod change;
mod outcome;
mod tally;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sysexits::ExitCode;

use crate::clock;
use crate::mail::{Address, ReversePath};
use crate::message::Message;
use crate::threads::{Found, Query, Unavailable};

use super::complain;
use super::input::{self, Input, Reading};
use super::judge::{self, Judge, Judged};
use super::recall::{Index, Secret};
use super::sheet::{Sheet, Signs};

use change::Change;
use outcome::Outcome;
use tally::Tally;

/// What `replay` is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Mail is judged as it comes to an inbound listener, under --config and under --against, at the same \
    time, with the keys and the running daemon's memory of --config; its recipients are those of one transaction \
    with the first inbound listener of each. The exit code is 0 also where something changes."
)]
pub struct Options {
    /// Old mail: folders, Maildirs, mboxes, files of one message.
    #[arg(required = true, value_name = "FOLDER")]
    files: Vec<PathBuf>,
    /// The other configuration, of which only what decides about mail is asked.
    #[arg(long, value_name = "FILE")]
    against: PathBuf,
    /// A recipient; may be given several times [default: those of the header section that are ours in either].
    #[arg(long, value_name = "ADDR", value_parser = judge::recipient)]
    to: Vec<Address>,
    /// The reverse path, `<>` for the null path [default: Return-Path; without one, not known].
    #[arg(long, value_name = "ADDR", value_parser = judge::reverse_path)]
    from: Option<ReversePath>,
    /// Files that begin like an mbox are one, even with a single message.
    #[arg(long)]
    mbox: bool,
    /// One JSON object for each change, and one that sums up.
    #[arg(long)]
    json: bool,
}

/// Tells what changes. What cannot be read is named, and the others are still judged.
///
/// # Errors
/// When the secret cannot be read, or nothing can be written to standard output.
pub fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    // The mistakes of both are told.
    let (before, after) = match (super::load(config), super::load(&options.against)) {
        (Ok((before, _)), Ok((after, _))) => (before, after),
        (Err(code), _) | (_, Err(code)) => return Ok(code),
    };
    let (secret, now) = (Secret::of(&before)?, clock::now());
    let index = Index::of(&before)?;
    let absences = index.absences(&before);
    let judge = |config| Judge { config, keys: &secret.keys, absences: &absences, now };
    let replay = Replay {
        before: judge(&before),
        after: judge(&after),
        memory: Memory { index, last: RefCell::default(), was_away: Cell::default() },
        options,
        signs: Signs::of_locale(),
    };
    let tally = replay.run().context("cannot write to standard output")?;
    Ok(if tally.unreadable == 0 { ExitCode::Ok } else { ExitCode::NoInput })
}

struct Replay<'a> {
    before: Judge<'a>,
    after: Judge<'a>,
    memory: Memory,
    options: &'a Options,
    signs: Signs,
}

impl Replay<'_> {
    fn run(&self) -> std::io::Result<Tally> {
        let mut tally = Tally::default();
        let largest = self.before.config.limits.message_size.max(self.after.config.limits.message_size);
        let reading = Reading { mbox: self.options.mbox, largest };
        for message in input::messages(&self.options.files, reading) {
            match message {
                Ok((file, input)) => self.message(&file, &input, &mut tally)?,
                Err(error) => {
                    complain(format_args!("sincerely: {error}"));
                    tally.unreadable += 1;
                }
            }
        }
        if self.options.json {
            self.write(&(serde_json::to_string(&tally::Summary { summary: &tally })? + "\n"))?;
        } else {
            self.draw(|sheet| tally.draw(sheet, self.signs))?;
        }
        Ok(tally)
    }

    fn message(&self, file: &Path, input: &Input, tally: &mut Tally) -> std::io::Result<()> {
        let message = Message::read(input.bytes.clone());
        let outcomes = self.outcomes(&message);
        let place = change::Place::new(file, input.index, &message);
        let changes: Vec<Change<'_>> =
            outcomes.iter().filter_map(|(to, before, after)| Change::new(&place, to.as_ref(), before, after)).collect();
        tally.count(&outcomes, &changes);
        for change in &changes {
            if self.options.json {
                self.write(&(serde_json::to_string(change)? + "\n"))?;
            } else {
                self.draw(|sheet| change.draw(sheet, self.signs))?;
            }
        }
        Ok(())
    }

    /// What becomes of a message for each recipient, before and after.
    fn outcomes(&self, message: &Message) -> Vec<(Option<Address>, Outcome, Outcome)> {
        let to = if self.options.to.is_empty() { self.ours(message) } else { self.options.to.clone() };
        let (before, after) = (self.judged(&self.before, message, &to), self.judged(&self.after, message, &to));
        if to.is_empty() {
            return vec![(None, Outcome::of_nobody(&before), Outcome::of_nobody(&after))];
        }
        let outcome =
            |judge: &Judge<'_>, judged, to: &Address| Outcome::new(judge, judged, &judge.desk().real(to.clone()));
        let both = |to: Address| {
            let outcomes = (outcome(&self.before, &before, &to), outcome(&self.after, &after, &to));
            (Some(to), outcomes.0, outcomes.1)
        };
        to.into_iter().map(both).collect()
    }

    /// The recipients who are ours under either configuration.
    fn ours(&self, message: &Message) -> Vec<Address> {
        let mut ours = self.before.ours(message);
        for address in self.after.ours(message) {
            if !ours.contains(&address) {
                ours.push(address);
            }
        }
        ours
    }

    fn judged(&self, judge: &Judge<'_>, message: &Message, to: &[Address]) -> Judged {
        judge.inbound(message.clone(), to, self.options.from.as_ref(), |query| self.memory.look_up(query))
    }

    fn draw(&self, draw: impl FnOnce(&mut Sheet)) -> std::io::Result<()> {
        let mut sheet = Sheet::new(self.signs);
        draw(&mut sheet);
        self.write(&sheet.into_text())
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        anstream::stdout().lock().write_all(text.as_bytes())
    }
}

/// What is remembered, the same for both: what one of them has asked, the other is answered, even if the
/// daemon learns in between.
struct Memory {
    index: Index,
    last: RefCell<Option<(Query, Result<Found, Unavailable>)>>,
    was_away: Cell<bool>,
}

impl Memory {
    fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        if let Some((_, found)) = self.last.borrow().as_ref().filter(|(asked, _)| *asked == query) {
            return found.clone();
        }
        let found = self.index.look_up(query.clone());
        if let Err(error) = &found
            && !self.was_away.replace(true)
        {
            complain(format_args!("warning: {error}: what only the memory knows is deferred, before and after"));
        }
        self.last.replace(Some((query, found.clone())));
        found
    }
}
