//! `sincerely away`: somebody is away, or will be; and who is.

use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sysexits::ExitCode;

use crate::absences::Change;
use crate::clock;
use crate::config::Config;
use crate::control::Changed;
use crate::mail::PersonName;
use crate::people::absence::{Absences, Stay};
use crate::people::moment::Moment;

use super::absence::{Keeper, NotThere, Teller, Trouble, gone, lines, person, table};
use super::complain;

/// What `away` is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Days begin at midnight of the system's zone. Without --to, the others who answer for the same \
    personas step in; where nobody does, mail waits in the person's own inbox. A new absence takes the place of those \
    that the command said before and that it overlaps; it is told which."
)]
pub struct Options {
    /// Who is away; without a name, all who are away or will be are listed.
    #[arg(value_name = "PERSON")]
    person: Option<String>,
    /// The day, or the moment, of return, or how long it lasts, counted from --from: 2026-12-01, "2026-12-01 12:00",
    /// "2 weeks" [default: until `sincerely back`].
    #[arg(long, value_name = "DATE|DURATION", requires = "person")]
    until: Option<When>,
    /// The first day or moment, or how long from now it begins: 2026-12-20, "2 days" [default: now].
    #[arg(long, value_name = "DATE|DURATION", requires = "person")]
    from: Option<When>,
    /// Who stands in.
    #[arg(long, value_name = "PERSON", requires = "person")]
    to: Option<String>,
    /// One JSON object for each absence.
    #[arg(long)]
    json: bool,
}

/// A moment, or one so long after another.
#[derive(Debug, Clone, Copy)]
enum When {
    Moment(Moment),
    Later(Span),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let later = |_| text.trim().parse().map(Self::Later);
        let expected = |_| format!("expected {}, or a duration such as \"2 weeks\"", Moment::EXPECTED);
        text.parse().map(Self::Moment).or_else(later).map_err(|error: jiff::Error| expected(error))
    }
}

impl When {
    /// When that is, counted from a moment.
    fn after(self, from: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::system();
        match self {
            Self::Moment(moment) => moment.at(&zone),
            Self::Later(span) => from.to_zoned(zone).checked_add(span).ok().map(|at| at.timestamp()),
        }
    }
}

/// Says that somebody is away, to the running daemon where there is one; or lists who is.
///
/// # Errors
/// When nothing can be written to standard output.
pub fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let config = match super::load(config) {
        Ok((config, _)) => config,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match &options.person {
            Some(name) => leave(&config, name, options).await,
            None => list(&config, options).await,
        }
    });
    match done {
        Ok(told) => {
            anstream::stdout().write_all(told.as_bytes()).context("cannot write to standard output")?;
            Ok(ExitCode::Ok)
        }
        Err((why, code)) => {
            complain(format_args!("sincerely: {why}"));
            Ok(code)
        }
    }
}

/// What is told, or why it was not done and the exit code.
type Done = Result<String, (String, ExitCode)>;

fn trouble(trouble: Trouble) -> (String, ExitCode) {
    (trouble.to_string(), trouble.exit_code())
}

async fn list(config: &Config, options: &Options) -> Done {
    let gone = gone(config).await.map_err(trouble)?;
    if options.json {
        return Ok(lines(&gone));
    }
    Ok(if gone.is_empty() { "nobody is away, or will be\n".to_owned() } else { table(&gone) + "\n" })
}

async fn leave(config: &Config, name: &str, options: &Options) -> Done {
    let now = clock::now();
    let not_there = |why: NotThere| (why.to_string(), why.exit_code());
    let person = person(config, name, |now| format!("sincerely away {now}")).map_err(not_there)?;
    // Nobody stands in for themselves, also where they succeeded whoever was named.
    let instead = |now: &PersonName| {
        let to = if *now == person.name { String::new() } else { format!(" --to {now}") };
        format!("sincerely away {name}{to}")
    };
    let to = |to: &String| self::person(config, to, instead);
    let to = options.to.as_ref().map(to).transpose().map_err(not_there)?;
    let stay = stay(options, to.map(|to| to.name.clone()), now).map_err(|why| (why.to_owned(), ExitCode::Usage))?;
    if to.is_some_and(|to| to.name == person.name) {
        return Err((format!("{name} cannot stand in for {name}"), ExitCode::Usage));
    }
    let from = stay.from;
    let keeper = Keeper::of(config).await.map_err(trouble)?;
    let changed = keeper.change(&Change::Leave(person.name.clone(), stay.clone())).await.map_err(trouble)?;
    let teller = Teller::new(&config.policy.people, &changed.after, now);
    let replaced = replaced(&changed, &person.name, now, &teller);
    if options.json {
        replaced.iter().for_each(complain);
        return Ok(lines(&teller.gone()));
    }
    let begins = if from > now { format!("will be away from {}", teller.moment(from)) } else { "is away".to_owned() };
    let (sentences, is_missing) = teller.who_gets_the_mail(&person.name, from);
    if is_missing {
        complain(format_args!("warning: nobody who is there stands in; name somebody else with --to"));
    }
    let sentences = sentences.into_iter().chain(replaced).collect::<Vec<_>>().join(" ");
    Ok(format!("{name} {begins} until {}. {sentences}\n", teller.until(stay.until)))
}

/// What was said before, is not past, and has given way: a sentence each.
fn replaced(changed: &Changed, name: &PersonName, now: Timestamp, teller: &Teller<'_>) -> Vec<String> {
    let stays = |absences: &Absences| absences.of(name).map(|said| said.away.clone()).unwrap_or_default();
    let after = stays(&changed.after);
    let has_gone = |stay: &Stay| stay.until.is_none_or(|until| now < until) && !after.contains(stay);
    let sentence = |stay: Stay| {
        let to = stay.to.map(|to| format!(", with {to} standing in")).unwrap_or_default();
        let (from, until) = (teller.moment(stay.from), teller.until(stay.until));
        format!("It takes the place of an absence from {from} until {until}{to}.")
    };
    stays(&changed.before).into_iter().filter(has_gone).map(sentence).collect()
}

fn stay(options: &Options, to: Option<PersonName>, now: Timestamp) -> Result<Stay, &'static str> {
    const BEYOND: &str = "no clock reaches so far";
    let from = options.from.map_or(Some(now), |when| when.after(now)).ok_or(BEYOND)?;
    let until = options.until.map(|when| when.after(from).ok_or(BEYOND)).transpose()?;
    if until.is_some_and(|until| until <= now) {
        return Err("--until is past; it is the day, or the moment, of return");
    }
    if until.is_some_and(|until| until <= from) {
        return Err("--until is not after --from; it is the day, or the moment, of return");
    }
    Ok(Stay { from, until, to, said: Some(now) })
}
