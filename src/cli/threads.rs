//! `sincerely threads`: what is remembered, told to people; and what is to be forgotten.

mod bounced;
pub(super) mod source;
mod story;
mod told;
mod wanted;

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use sysexits::ExitCode;

use crate::config::Config;
use crate::mail::Address;
use crate::mail::plain::plain;
use crate::signing::{KeyError, Keys};
use crate::threads::{Named, Story, Unavailable};

use super::complain;
use super::house::HouseError;
use super::table::aligned;

use source::Source;
use story::Teller;
use wanted::Wanted;

/// What `threads` is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tells the story of a thread: its messages, who wrote them, and where they went.
    Show(Show),
    /// Counts what is remembered.
    Stats(Stats),
    /// Forgets a customer's address: in all threads, and the ids that were learned from them.
    Forget(Forget),
}

/// What `threads show` is asked.
#[derive(Debug, Args)]
pub struct Show {
    /// The id of a thread (`thread=` in the log), a Message-ID or seed, or a customer's address.
    #[arg(value_name = "ID|MESSAGE-ID|ADDRESS", value_parser = wanted::wanted)]
    wanted: Wanted,
    /// One JSON object for each thread.
    #[arg(long)]
    json: bool,
}

/// What `threads stats` is asked.
#[derive(Debug, Args)]
pub struct Stats {
    /// Lists the mail of threads that has failed for good, the newest first.
    #[arg(long)]
    bounced: bool,
    /// One JSON object; with --bounced, one for each recipient.
    #[arg(long)]
    json: bool,
}

/// What `threads forget` is asked.
#[derive(Debug, Args)]
pub struct Forget {
    /// The customer's address.
    #[arg(value_name = "ADDRESS", value_parser = wanted::address)]
    address: Address,
}

/// Does what is asked, by the running daemon where there is one.
///
/// # Errors
/// When nothing can be written to standard output, or the system refuses what it refuses nobody.
pub fn run(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = match super::load(config) {
        Ok((config, _)) => config,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let source = match Source::of(&config).await {
            Ok(source) => source,
            Err(error) => {
                complain(format_args!("sincerely: {error}"));
                return Ok(error.exit_code());
            }
        };
        let done = match command {
            Command::Show(options) => show(&config, &source, options).await,
            Command::Stats(options) => stats(&source, options).await,
            Command::Forget(options) => forget(&config, &source, options).await,
        };
        source.close().await;
        done.or_else(unanswered)
    })
}

/// What is wrong is said: a memory that cannot answer may do so later, a secret that is none must be mended.
fn unanswered(error: anyhow::Error) -> anyhow::Result<ExitCode> {
    let error = match error.downcast() {
        Ok(Unavailable(why)) => {
            complain(format_args!("sincerely: the memory cannot answer: {why}"));
            return Ok(ExitCode::TempFail);
        }
        Err(other) => other,
    };
    let error = HouseError::Keys(error.downcast()?);
    complain(format_args!("sincerely: {error}"));
    Ok(error.exit_code())
}

async fn show(config: &Config, source: &Source, options: &Show) -> anyhow::Result<ExitCode> {
    let keys = keys(config)?;
    let stories = find(source, &options.wanted, keys.as_ref()).await?;
    if stories.is_empty() {
        complain(unknown(config, &options.wanted, keys.as_ref()));
        return Ok(ExitCode::Unavailable);
    }
    let teller = Teller { people: &config.policy.people, zone: TimeZone::system() };
    let told = if options.json {
        let lines = stories.iter().map(|story| Ok(teller.json(story)? + "\n"));
        lines.collect::<serde_json::Result<String>>()?
    } else {
        teller.all(&stories)
    };
    print(&told)
}

/// What is known by the first name that is known.
async fn find(source: &Source, wanted: &Wanted, keys: Option<&Keys>) -> Result<Vec<Story>, Unavailable> {
    for named in wanted.questions(keys) {
        let stories = source.stories(&named).await?;
        if !stories.is_empty() {
            return Ok(stories);
        }
    }
    Ok(Vec::new())
}

fn unknown(config: &Config, wanted: &Wanted, keys: Option<&Keys>) -> String {
    const DAY: u64 = 24 * 60 * 60;
    format!(
        "sincerely: nothing is remembered of {}. Remembered is what went through here or was learned from a copy in the \
         last {} days (threads.keep). Try another Message-ID of its References field, the thread that the log names \
         (`thread=`), or the customer's address",
        format_args!(
            "{}{}",
            echo(&wanted.describe(keys)),
            wanted.address().map_or_else(String::new, |address| whose(config, address))
        ),
        config.threads.keep.as_secs() / DAY
    )
}

/// The installation's keys, where there are any that we may read: without them a seed is not known as one.
fn keys(config: &Config) -> Result<Option<Keys>, KeyError> {
    match Keys::load(&config.secret_file) {
        Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error @ KeyError::File { .. }) => {
            complain(format_args!("warning: {error}; no seed can be verified"));
            Ok(None)
        }
        loaded => loaded.map(Some),
    }
}

async fn stats(source: &Source, options: &Stats) -> anyhow::Result<ExitCode> {
    if options.bounced {
        return list_bounced(source, options.json).await;
    }
    let count = source.count().await?;
    if options.json {
        return print(&(serde_json::to_string(&count)? + "\n"));
    }
    let rows =
        [("threads", count.threads), ("ids", count.ids), ("ids healed", count.healed), ("bounced", count.bounced)];
    print(&(aligned(rows.map(|(name, count)| [name.to_owned(), count.to_string()])) + "\n"))
}

/// A page after the other: however many there are, only one of them is in memory.
async fn list_bounced(source: &Source, json: bool) -> anyhow::Result<ExitCode> {
    let (zone, mut before) = (TimeZone::system(), None);
    loop {
        let page = source.bounced(before).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::Ok) };
        print(&if json { bounced::json(&page)? } else { bounced::table(&page, before.is_none(), &zone) })?;
        before = Some(last.place);
    }
}

/// Says in which threads the address was, before nothing tells of it any more.
async fn forget(config: &Config, source: &Source, options: &Forget) -> anyhow::Result<ExitCode> {
    let address = &options.address;
    let known = source.stories(&Named::Correspondent(address.folded())).await?;
    if !source.forget(address).await? {
        complain(format_args!(
            "sincerely: nothing is remembered of {}{}",
            echo(&address.to_string()),
            whose(config, address)
        ));
        return Ok(ExitCode::Unavailable);
    }
    let threads: Vec<String> = known.iter().map(|story| story.thread.to_string()).collect();
    let place = match threads.as_slice() {
        [] => "named in stories alone".to_owned(),
        [thread] => format!("a correspondent in the thread {thread}"),
        threads if known.iter().any(|story| story.is_of_many) => {
            format!("a correspondent in {} threads or more, in these last: {}", threads.len(), threads.join(", "))
        }
        threads => format!("a correspondent in {} threads: {}", threads.len(), threads.join(", ")),
    };
    print(&format!("forgotten: {}, {place}. What comes from now on is remembered again\n", echo(&address.to_string())))
}

/// What somebody wrote, on one line that is not too long.
fn echo(text: &str) -> String {
    const LONGEST: usize = 200;
    let text = plain(text);
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(beginning) => format!("{beginning}…"),
        None => text.into_owned(),
    }
}

/// Says of an address of ours that it is no customer's; nothing of others.
fn whose(config: &Config, address: &Address) -> String {
    let policy = &config.policy;
    let (user, _) = address.split_detail(&policy.separators);
    let personas: Vec<&str> = policy.people.personas_at(&user).iter().map(|name| name.0.as_str()).collect();
    let people: Vec<&str> =
        policy.people.people_at(address, &policy.separators).map(|person| person.name.0.as_str()).collect();
    match (personas.as_slice(), people.as_slice()) {
        ([], []) => String::new(),
        ([], people) => format!(": it is the address of {}, one of ours and no customer", people.join(" and ")),
        (personas, _) => format!(": it is the address of the persona {}, and no customer's", personas.join(" and ")),
    }
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    anstream::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::Ok)
}
