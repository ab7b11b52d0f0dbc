//! `sincerely status`: how things are, on one screen.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use sysexits::ExitCode;

use crate::absences;
use crate::clock;
use crate::config::Config;
use crate::control::{self, Gone, Reach, Status};
use crate::events::Alarm;
use crate::held::{Count, Held};
use crate::people::absence::{Absences, Notice};

use super::absence::{BROKEN, Teller, Told, set_aside, strangers};
use super::sheet::{Row, Sheet, Sign, Signs};

/// What `status` is asked.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 where the daemon answers, 69 where none runs, 75 where one does not answer.")]
pub struct Options {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows how the daemon is, and what the files of its state directory tell.
///
/// # Errors
/// When nothing can be written to standard output.
pub fn run(config: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    let config = match super::load(config) {
        Ok((config, _)) => config,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (daemon, absences, gone) = runtime.block_on(ask(&config));
    let view = View::new(&config, daemon, absences, gone);
    let told = if options.json { serde_json::to_string(&view.told())? + "\n" } else { view.text(Signs::of_locale()) };
    anstream::stdout().write_all(told.as_bytes()).context("cannot write to standard output")?;
    Ok(view.exit_code())
}

/// The daemon, or why there is no answer.
enum Daemon {
    Answers(Box<Status>),
    Nobody,
    Silent(String),
}

/// What of absences the daemon says; nothing, where it does not answer: then it is by the files.
type ByDaemon = Option<Vec<Gone>>;

async fn ask(config: &Config) -> (Daemon, Result<Absences, String>, ByDaemon) {
    let client = control::Client::new(&config.state_dir);
    let on_disk = || absences::read(&config.state_dir).map_err(|unread| format!("{unread}. {BROKEN}"));
    match client.reach().await {
        Reach::Alive => match client.status().await {
            Ok(status) => {
                let absences = client.absences().await.map_err(|error| error.0);
                (Daemon::Answers(Box::new(status)), absences, client.away().await.ok())
            }
            Err(error) => (Daemon::Silent(error.0), on_disk(), None),
        },
        Reach::Nobody => (Daemon::Nobody, on_disk(), None),
        Reach::Silent(why) => (Daemon::Silent(why), on_disk(), None),
    }
}

/// All that is shown.
struct View<'c> {
    config: &'c Config,
    now: Timestamp,
    daemon: Daemon,
    held: Result<Vec<Count>, String>,
    absences: Absences,
    gone: Vec<Gone>,
    /// Why it is not known what was said.
    unread: Option<String>,
}

impl<'c> View<'c> {
    fn new(config: &'c Config, daemon: Daemon, absences: Result<Absences, String>, gone: ByDaemon) -> Self {
        let (unread, now) = (absences.as_ref().err().cloned(), clock::now());
        let absences = absences.unwrap_or_default();
        let by_files = || Teller::new(&config.policy.people, &absences, now).gone();
        Self {
            config,
            now,
            daemon,
            held: Held::new(&config.state_dir).count().map_err(|error| error.to_string()),
            gone: gone.unwrap_or_else(by_files),
            absences,
            unread,
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self.daemon {
            Daemon::Answers(_) => ExitCode::Ok,
            Daemon::Nobody => ExitCode::Unavailable,
            Daemon::Silent(_) => ExitCode::TempFail,
        }
    }

    fn teller(&self) -> Teller<'_> {
        Teller::new(&self.config.policy.people, &self.absences, self.now)
    }

    fn status(&self) -> Option<&Status> {
        if let Daemon::Answers(status) = &self.daemon { Some(status) } else { None }
    }

    /// Each person's newest notice that may still be true.
    fn notices(&self) -> Vec<(String, &Notice)> {
        let notice = |(name, said): (&crate::mail::PersonName, &'_ crate::people::absence::Said)| {
            let notice = self.absences.of(name)?.notice.as_ref()?;
            let is_news = said.back.is_none_or(|back| back < notice.seen) && notice.may_be_true(self.now);
            is_news.then(|| (name.to_string(), notice))
        };
        self.absences.iter().filter_map(notice).collect()
    }

    fn text(&self, signs: Signs) -> String {
        let mut sheet = Sheet::new(signs);
        let teller = self.teller();
        sheet.headline(&self.headline(&teller));
        sheet.section("listeners", &self.listeners());
        sheet.section("next hop", &self.next_hops());
        sheet.section("index", &self.index());
        sheet.section("held", &self.held(&teller));
        sheet.section("away", &self.away(&teller));
        sheet.section("notices", &self.notice_rows(&teller));
        sheet.section("errors", &self.errors(&teller));
        sheet.gap();
        sheet.into_text()
    }

    fn headline(&self, teller: &Teller<'_>) -> String {
        match &self.daemon {
            Daemon::Answers(status) => {
                let since = teller.moment(status.since);
                format!("sincerely {} runs since {since}, process {}", status.version, status.pid)
            }
            Daemon::Nobody => {
                format!("no daemon runs on {}: this is by the files alone", self.config.state_dir.display())
            }
            Daemon::Silent(why) => format!("a daemon may be running, but does not answer: {why}"),
        }
    }

    fn listeners(&self) -> Vec<Row> {
        let status = self.status().map(|status| status.listeners.as_slice()).unwrap_or_default();
        status.iter().map(|(role, place)| Row::named(Some(Sign::Yes), role, place)).collect()
    }

    fn next_hops(&self) -> Vec<Row> {
        let status = self.status().map(|status| status.next_hops.as_slice()).unwrap_or_default();
        let row = |(name, answer): &(String, Result<(), String>)| match answer {
            Ok(()) => Row::named(Some(Sign::Yes), name, "answers"),
            Err(why) => Row::named(Some(Sign::No), name, format!("does not answer: {why}")),
        };
        status.iter().map(row).collect()
    }

    fn index(&self) -> Vec<Row> {
        let row = |status: &Status| match &status.index {
            Ok(()) => Row::named(Some(Sign::Yes), "answers", "`sincerely threads stats` counts what it knows"),
            Err(why) => Row::named(Some(Sign::No), "away", why),
        };
        self.status().map(row).into_iter().collect()
    }

    fn held(&self, teller: &Teller<'_>) -> Vec<Row> {
        let row = |count: &Count| {
            let oldest = count.oldest.map_or_else(String::new, |at| format!(", the oldest of {}", teller.moment(at)));
            Row::named(Some(Sign::Stays), count.reason.to_string(), format!("{}{oldest}", count.messages))
        };
        match &self.held {
            Ok(counts) if counts.is_empty() => vec![Row::text("nothing")],
            Ok(counts) => counts.iter().map(row).collect(),
            Err(why) => vec![Row::named(Some(Sign::No), "unknown", why)],
        }
    }

    fn away(&self, teller: &Teller<'_>) -> Vec<Row> {
        let row = |gone: &Gone| {
            let begins = if gone.is_now { String::new() } else { format!("from {} ", teller.moment(gone.from)) };
            let sign = if gone.is_missing { Sign::No } else { Sign::Neutral };
            let text = format!("{begins}until {}, by {}. {}", teller.until(gone.until), gone.said_by, gone.words);
            Row::named(Some(sign), &gone.person, text)
        };
        let unread = self.unread.clone().into_iter().chain(set_aside(&self.config.state_dir));
        let unread = unread.chain(strangers(self.config, &self.absences, self.now));
        let unread = unread.map(|why| Row::named(Some(Sign::No), "unknown", why));
        let rows: Vec<Row> = unread.chain(self.gone.iter().map(row)).collect();
        if rows.is_empty() { vec![Row::text("nobody")] } else { rows }
    }

    /// What was not believed is shown all the same: somebody may say it with `away`.
    fn notice_rows(&self, teller: &Teller<'_>) -> Vec<Row> {
        let row = |(name, notice): (String, &Notice)| {
            let until = notice
                .until
                .map_or_else(|| "no date could be read".into(), |at| format!("until {}", teller.moment(at)));
            let far = if notice.is_too_far() { ", too far away to count" } else { "" };
            Row::named(None, name, format!("came {}, {until}{far}: {}", teller.moment(notice.seen), notice.subject))
        };
        self.notices().into_iter().map(row).collect()
    }

    fn errors(&self, teller: &Teller<'_>) -> Vec<Row> {
        let Some(status) = self.status() else { return Vec::new() };
        let row = |alarm: &Alarm| {
            Row::named(Some(Sign::No), teller.moment(alarm.at), format!("{}: {}", alarm.what, alarm.why))
        };
        let rows: Vec<Row> = status.alarms.iter().map(row).collect();
        if rows.is_empty() { vec![Row::text("none since the start")] } else { rows }
    }

    fn told(&self) -> Whole<'_> {
        let held = |count: &Count| HeldTold {
            reason: count.reason.to_string(),
            messages: count.messages,
            oldest: count.oldest,
        };
        let notice = |(person, notice): (String, &Notice)| NoticeTold {
            person,
            seen: notice.seen,
            until: notice.until,
            subject: notice.subject.clone(),
        };
        Whole {
            daemon: self.status().map(|status| DaemonTold {
                version: &status.version,
                pid: status.pid,
                since: status.since,
            }),
            silent: if let Daemon::Silent(why) = &self.daemon { Some(why) } else { None },
            listeners: self
                .status()
                .map(|status| status.listeners.iter().map(|(role, address)| ListenerTold { role, address }).collect()),
            next_hops: self.status().map(|status| status.next_hops.iter().map(NextHopTold::new).collect()),
            index: self.status().map(|status| status.index.as_ref().err().map_or("answers", String::as_str)),
            held: self.held.as_ref().ok().map(|counts| counts.iter().map(held).collect()),
            away: self.gone.iter().map(Told::from).collect(),
            notices: self.notices().into_iter().map(notice).collect(),
            alarms: self.status().map(|status| status.alarms.as_slice()),
        }
    }
}

/// All of it for programs; what only the daemon knows is null where it does not answer.
#[derive(Serialize)]
struct Whole<'a> {
    daemon: Option<DaemonTold<'a>>,
    silent: Option<&'a String>,
    listeners: Option<Vec<ListenerTold<'a>>>,
    next_hops: Option<Vec<NextHopTold<'a>>>,
    index: Option<&'a str>,
    held: Option<Vec<HeldTold>>,
    away: Vec<Told>,
    notices: Vec<NoticeTold>,
    alarms: Option<&'a [Alarm]>,
}

#[derive(Serialize)]
struct DaemonTold<'a> {
    version: &'a str,
    pid: u32,
    since: Timestamp,
}

#[derive(Serialize)]
struct ListenerTold<'a> {
    role: &'a str,
    address: &'a str,
}

#[derive(Serialize)]
struct NextHopTold<'a> {
    next_hop: &'a str,
    answers: bool,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct HeldTold {
    reason: String,
    messages: usize,
    oldest: Option<Timestamp>,
}

#[derive(Serialize)]
struct NoticeTold {
    person: String,
    seen: Timestamp,
    until: Option<Timestamp>,
    subject: String,
}

impl<'a> NextHopTold<'a> {
    fn new((next_hop, answer): &'a (String, Result<(), String>)) -> Self {
        Self { next_hop, answers: answer.is_ok(), why: answer.as_ref().err().map(String::as_str) }
    }
}
