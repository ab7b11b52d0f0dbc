//! `sincerely back`: somebody is back, whoever said that they were away.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use sysexits::ExitCode;

use crate::absences::Change;
use crate::clock;
use crate::config::Config;
use crate::people::absence::{Away, SaidBy};

use super::absence::{Keeper, Teller, Trouble, look, person};
use super::complain;

/// What `back` is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends the absence that runs, whether the command said it, the configuration, or the person's own \
    vacation notice. Where none runs, what `away` said of times to come is taken back."
)]
pub struct Options {
    /// Who is back.
    #[arg(value_name = "PERSON")]
    person: String,
}

/// Says that somebody is back, to the running daemon where there is one.
///
/// # Errors
/// When nothing can be written to standard output.
pub fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let config = match super::load(config) {
        Ok((config, _)) => config,
        Err(code) => return Ok(code),
    };
    if let Err(not_there) = person(&config, &options.person, |now| format!("sincerely back {now}")) {
        complain(format_args!("sincerely: {not_there}"));
        return Ok(not_there.exit_code());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(come_back(&config, &options.person)) {
        Ok(told) => {
            anstream::stdout().write_all(told.as_bytes()).context("cannot write to standard output")?;
            Ok(ExitCode::Ok)
        }
        Err(trouble) => {
            complain(format_args!("sincerely: {trouble}"));
            Ok(trouble.exit_code())
        }
    }
}

async fn come_back(config: &Config, name: &str) -> Result<String, Trouble> {
    let (people, now) = (&config.policy.people, clock::now());
    let person = crate::mail::PersonName(name.to_owned());
    let is_away = Teller::new(people, &look(config).await?, now).presence().away(&person).is_some();
    let changed = Keeper::of(config).await?.change(&Change::ComeBack(person.clone(), !is_away)).await?;
    let before = Teller::new(people, &changed.before, now);
    let ended = before.presence().away(&person);
    let planned = before.presence().to_come(&person);
    let after = Teller::new(people, &changed.after, clock::now());
    let to_come = after.presence().to_come(&person);
    let mut told = match ended {
        Some(away) => format!("{name} is back. {}\n", ended_by(&before, &away)),
        None if planned.len() > to_come.len() => {
            format!("{name} was there; what was said of times to come is taken back.\n")
        }
        None => format!("{name} is not away.\n"),
    };
    for away in to_come {
        let (from, until) = (after.moment(away.from), after.until(away.until));
        told += &format!("{name} will be away from {from} until {until}, by {}.\n", source(away.said_by));
    }
    Ok(told)
}

fn ended_by(teller: &Teller<'_>, away: &Away<'_>) -> String {
    let until = teller.until(away.until);
    let hint = match away.said_by {
        SaidBy::Command => "",
        SaidBy::Configuration => "; it may be taken out there",
        SaidBy::Notice => "; a newer notice counts again",
    };
    format!("Ended is what {} said: away until {until}{hint}.", source(away.said_by))
}

fn source(said_by: SaidBy) -> &'static str {
    match said_by {
        SaidBy::Command => "the command",
        SaidBy::Configuration => "the configuration",
        SaidBy::Notice => "the person's own notice",
    }
}
