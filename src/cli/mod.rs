//! The commands, one file each. The only place that speaks to people, and the only one that uses
//! `anyhow`: below, errors are types that callers can match on.

pub mod away;
pub mod back;
pub mod check;
pub mod demo;
pub mod explain;
pub mod replay;
pub mod serve;
pub mod status;
pub mod threads;

mod absence;
mod certificates;
mod daemon;
mod folder;
mod front;
mod house;
mod input;
mod judge;
mod line_ends;
mod mail_client;
mod recall;
mod rehearsal;
mod sheet;
mod table;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sysexits::ExitCode;

use crate::config::{Config, Remark};
use crate::mail::plain::{is_control, plain};

/// Automated mail is signed by a person; its replies reach that person.
#[derive(Debug, Parser)]
#[command(name = "sincerely", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/sincerely/sincerely.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon in the foreground until SIGTERM or SIGINT.
    Serve,
    /// Shows the whole job in a scratch folder; needs no configuration and no mail server.
    Demo,
    /// Reads the configuration and prints who gets what, or every mistake (exit code 78).
    Check,
    /// Tells what would be done with messages, and why; changes nothing.
    Explain(explain::Options),
    /// Judges old mail under two configurations and tells what would change; changes nothing.
    Replay(replay::Options),
    /// Says that somebody is away, and who stands in; or lists who is away.
    Away(away::Options),
    /// Says that somebody is back.
    Back(back::Options),
    /// One screen: the daemon, its listeners, the next hop, what is held, who is away, the last errors.
    Status(status::Options),
    /// Tells what is remembered of threads, or forgets a customer.
    #[command(subcommand)]
    Threads(threads::Command),
}

/// Runs the command that the arguments name.
///
/// # Errors
/// With a text for people; the exit code is then 70 (`EX_SOFTWARE`).
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let ended = match cli.command {
        Command::Serve => serve::run(&cli.config),
        Command::Demo => demo::run(),
        Command::Check => check::run(&cli.config),
        Command::Explain(options) => explain::run(&cli.config, &options),
        Command::Replay(options) => replay::run(&cli.config, &options),
        Command::Away(options) => away::run(&cli.config, &options),
        Command::Back(options) => back::run(&cli.config, &options),
        Command::Status(options) => status::run(&cli.config, &options),
        Command::Threads(command) => threads::run(&cli.config, &command),
    };
    match ended {
        // Whoever read our output has seen enough: `sincerely explain … | head`.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::Ok),
        ended => ended,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Tells people on standard error. Where nothing can be written there, nobody can be told; the exit
/// code still says it.
pub fn complain(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A path on a line for people: its name may be a stranger's.
fn shown(path: &std::path::Path) -> String {
    plain(&path.display().to_string()).into_owned()
}

/// Tells of arguments that are none; what of them is repeated is shown, and speaks to no terminal.
///
/// # Errors
/// When nothing can be written.
pub fn refuse(error: &clap::Error) -> std::io::Result<()> {
    let told = error.render().to_string();
    let is_odd = |c: char| c != '\n' && is_control(c);
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let mut odd: Vec<String> = arguments.flat_map(values).filter(|text| text.contains(is_control)).collect();
    if odd.is_empty() && !told.contains(is_odd) {
        return error.print();
    }
    // The longest first: one may be a part of another.
    odd.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let told = odd.iter().fold(told, |told, text| told.replace(text, &plain(text)));
    let lines: Vec<_> = told.lines().map(plain).collect();
    writeln!(anstream::stderr(), "{}", lines.join("\n"))
}

/// An argument, and the value in `--option=value`.
fn values(argument: String) -> Vec<String> {
    let value = argument.split_once('=').map(|(_, value)| value.to_owned());
    value.into_iter().chain([argument]).collect()
}

/// The configuration and its warnings, or the exit code after all its mistakes were printed.
fn load(path: &std::path::Path) -> Result<(Config, Vec<Remark>), ExitCode> {
    Config::load(path).map_err(|problems| {
        complain(problems);
        ExitCode::Config
    })
}
