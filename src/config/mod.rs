//! The configuration: one TOML file and those that it includes, read strictly.
//!
//! In two stages: `file` is the file as it is written, [`Config`] what the program needs, built
//! from it and checked. Unknown keys, values that cannot be read, names that lead nowhere and
//! addresses that would loop are all said at once, each with its line and key, before anything is
//! bound or opened. A [`Config`] that exists is right; nothing is validated later.
//!
//! Every default is its own module's `Default`, or stands here where no module owns it.

mod document;
mod file;
mod include;
mod problems;
mod values;

mod advice;
mod handover;
mod inbound;
mod limits;
mod loops;
mod network;
mod peers;
mod people;
mod relay_security;
mod relays;
mod rules;
mod succession;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::flow::policy::{self, Policy, Unmatched};
use crate::mail::{Address, Domain, Evidence, FateName, HoldReason, Kind, PersonaName, ReversePath};
use crate::people::PersonName;
use crate::rules::Target;
use crate::smtp::service::Protocol;
use crate::smtp::settings::{Endpoint, Limits, PeerName};
use crate::{kept, relay, telemetry, threads};

use document::KeyPath;
use file::File;
use include::{Merged, Placed, Text};
use problems::Report;
use values::{As, Count, DurationOrOff, Separators, Several};

pub use problems::{Problems, Remark};

/// Where the state lies unless `state_dir` says otherwise (FHS: variable state of a program).
const STATE_DIR: &str = "/var/lib/sincerely";
/// The control socket in the state directory.
const SOCKET: &str = "control.sock";
/// The default of `matching.separators`.
const SEPARATORS: &str = "+";
/// The default of `matching.window`.
const WINDOW: std::time::Duration = std::time::Duration::from_hours(60 * 24);
/// The default of `limits.hops`; RFC 5321 §6.3 asks for 100 of a server that only relays.
const HOPS: usize = 50;

/// The configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Our name in greetings and trace fields.
    pub hostname: Domain,
    /// The folder of threads, held mail and the secret.
    pub state_dir: PathBuf,
    /// The keys that sign tokens; made on the first start.
    pub secret_file: PathBuf,
    /// Where mail comes in. May be empty: `check` and `explain` need no listener.
    pub listen: Vec<Listen>,
    /// The next hop of each flow.
    pub relay: Relays,
    /// How much of what was forwarded is kept, and how long.
    pub kept: kept::Settings,
    /// What decides about messages.
    pub policy: Policy,
    /// `[[test]]`: what `check` tries.
    pub tests: Vec<Test>,
    /// How long threads are remembered.
    pub threads: threads::Settings,
    /// What bounds a session.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
}

/// One `[[test]]`: a message, and what must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The file that the test is written in.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
    /// The file of the message.
    pub mail: PathBuf,
    /// The recipient.
    pub to: Address,
    /// The reverse path; `None`: as the message says.
    pub from: Option<ReversePath>,
    /// When it comes; `None`: now.
    pub at: Option<jiff::Timestamp>,
    /// What must come out; never empty.
    pub expect: Vec<Expectation>,
}

/// One key of `test.expect`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The key.
    pub key: &'static str,
    /// Its line.
    pub line: usize,
    /// What is expected.
    pub what: Expected,
}

/// What a test expects.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// The name of the fate.
    Fate(FateName),
    /// The inboxes of these.
    ForwardTo(Vec<Target>),
    /// The rule that decides, or `default`.
    Rule(String),
    /// What the message is.
    Kind(Kind),
    /// Why it belongs where it does.
    Evidence(Evidence),
    /// Whom it is for.
    Persona(PersonaName),
    /// Whose inboxes it goes to.
    Person(PersonName),
    /// Why it is held.
    Hold(HoldReason),
    /// The code of the reply.
    Reply(u16),
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// What it is bound to.
    pub address: Endpoint,
    /// Whose mail comes in here.
    pub role: Role,
    /// What is spoken.
    pub protocol: Protocol,
    /// Who may connect over TCP; never empty. At a unix socket of ours its mode decides, and this is nobody.
    pub allow: Vec<IpNet>,
    /// Who may say XFORWARD.
    pub xforward: Vec<PeerName>,
    /// The proxies in front of a TCP port.
    pub proxy: Vec<IpNet>,
    /// `listen.tls`: STARTTLS is offered with these files.
    pub tls: Option<Tls>,
}

/// `listen.tls`. The files are not read here: `explain` has no use for them, and may not be allowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, with those between it and the root.
    pub certificate: Written,
    /// Its private key.
    pub key: Written,
}

/// A path, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The path, in the folder of the file.
    pub path: PathBuf,
    /// The file that it is written in.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
}

/// `[relay]`, with what `[relay.inbound]` and `[relay.outbound]` say instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relays {
    /// For mail from customers.
    pub inbound: relay::Settings,
    /// For automated mail.
    pub outbound: relay::Settings,
}

/// Whose mail comes in at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Mail from customers.
    Inbound,
    /// Automated mail.
    Outbound,
    /// Copies of mail that other systems sent.
    Copies,
}

/// `[log]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Log {
    /// For people or for machines.
    pub format: telemetry::Format,
}

impl Config {
    /// Reads and checks the file at `path`; gives the warnings too.
    ///
    /// # Errors
    /// Every mistake at once, or that the file cannot be read.
    pub fn load(path: &Path) -> Result<(Self, Vec<Remark>), Problems> {
        let text = fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
        Self::parse(&text, path)
    }

    /// Checks `text`, which stands in the file `path`; relative paths in it are relative to that file.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Vec<Remark>), Problems> {
        Self::parse_with(text, path, include::texts)
    }

    /// The same, where `texts` gets the files that are included.
    fn parse_with(
        text: &str,
        path: &Path,
        texts: impl FnOnce(&Several<PathBuf>, &mut Report<'_>) -> Vec<Text>,
    ) -> Result<(Self, Vec<Remark>), Problems> {
        let (file, mut of_main) = File::read(text, path)?;
        let included = texts(&file.include, &mut of_main);
        // From here on it speaks of the included files too, which live shorter than the main one.
        let mut report = of_main;
        let Some(written) = include::read(&included, file, &mut report) else {
            return Err(report.into_problems());
        };
        let rules: Vec<KeyPath> = written.rules.iter().map(|(place, _)| place.clone()).collect();
        let config = checked(written, &mut report);
        rules::sense::check(&config, &rules, &mut report);
        loops::check(&config.policy, &mut report);
        advice::give(&config, &mut report);
        report.finish(config)
    }
}

/// Builds what the program needs. What is missing or wrong is noted, and a stand-in takes its place
/// so that the rest can be judged too: with a mistake noted, no [`Config`] leaves this module.
fn checked(written: Merged, report: &mut Report<'_>) -> Config {
    let Merged { file, rules, tests } = written;
    let folder = report.file().parent().unwrap_or(Path::new(""));
    let state_dir = state_dir(&file, folder, report);
    let policy = policy(&file, &rules, report);
    let tests = rules::expect::check(&tests, &file, &policy.rules, report);
    let listen = network::listen(&file.listen, folder, report);
    Config {
        hostname: policy.hostname.clone(),
        secret_file: file.secret_file.map_or_else(|| state_dir.join("secret"), |As(path)| folder.join(path)),
        state_dir,
        relay: relays::check(&file.relay, folder, &listen, report),
        kept: limits::kept(&file.relay, &file.limits, report),
        listen,
        policy,
        tests,
        threads: limits::threads(&file.threads, report),
        limits: limits::limits(&file.limits, report),
        log: Log { format: or(file.log.format, telemetry::Format::default()) },
    }
}

fn state_dir(file: &File, folder: &Path, report: &mut Report<'_>) -> PathBuf {
    let state_dir = folder.join(or(file.state_dir.clone(), STATE_DIR.into()));
    let socket = state_dir.join(SOCKET);
    // unix(7): the address of a socket has 108 octets on Linux, and a NUL ends the path.
    if unix::net::SocketAddr::from_pathname(&socket).is_err() {
        let length = socket.as_os_str().len();
        let message = format!("too long: with {SOCKET} it has {length} octets, and no socket can have such a path");
        report.mistake(&["state_dir"].into(), message);
    }
    state_dir
}

fn policy(file: &File, rules: &Placed<rules::written::Rule>, report: &mut Report<'_>) -> Policy {
    let Separators(separators) = or(file.matching.separators.clone(), Separators(SEPARATORS.into()));
    let Count(hops) = or(file.limits.hops, Count(HOPS));
    let hostname = hostname(file, report);
    Policy {
        reply_domain: file.reply_domain.clone().map(|As(domain)| domain),
        people: people::check(file, &separators, report),
        rules: rules::check(rules, file, report),
        inbound: inbound(file, &hostname, report),
        hostname,
        outbound: policy::Outbound { strangers: or(file.outbound.strangers, policy::Strangers::default()) },
        stamp: stamp(file, report),
        separators,
        window: or(file.matching.window, WINDOW),
        hops,
        mime: limits::mime(&file.limits),
    }
}

fn hostname(file: &File, report: &mut Report<'_>) -> Domain {
    if let Some(As(hostname)) = &file.hostname {
        return hostname.clone();
    }
    report.missing(&["hostname"].into(), r#"the name of this machine, such as "sincerely.acme.example""#);
    "localhost".parse().expect("a word is a domain")
}

fn inbound(file: &File, hostname: &Domain, report: &mut Report<'_>) -> policy::Inbound {
    let (written, default) = (&file.inbound, policy::Inbound::default());
    policy::Inbound {
        accept: written.accept.0.iter().map(|address| address.0.clone()).collect(),
        unmatched: written.unmatched.as_ref().map_or(default.unmatched, |name| unmatched(name, file, report)),
        collapse: or(written.collapse, DurationOrOff(default.collapse)).0,
        hold_spam: or(written.hold_spam, default.hold_spam),
        aliases: inbound::aliases(written, report),
        trust: inbound::trust(file, hostname, report),
    }
}

fn unmatched(name: &str, file: &File, report: &mut Report<'_>) -> Unmatched {
    if name == people::HOLD {
        return Unmatched::Hold;
    }
    if !file.people.contains_key(name) {
        let near = report.did_you_mean(name, file.people.keys().map(String::as_str).chain([people::HOLD]));
        let key = KeyPath::from(["inbound", "unmatched"]);
        report.mistake(&key, format!(r#"there is no person {name:?}; expected "hold" or the name of a person{near}"#));
    }
    Unmatched::Person(PersonName(handover::now(name, file).into()))
}

fn stamp(file: &File, report: &mut Report<'_>) -> policy::Stamp {
    let (written, default) = (&file.stamp, policy::Stamp::default());
    let stamp = policy::Stamp {
        seed: or(written.seed, default.seed),
        reply_to: or(written.reply_to, default.reply_to),
        return_path: or(written.return_path, default.return_path),
        campaign_header: written.campaign_header.as_ref().map(|As(name)| name.clone()),
    };
    if stamp.campaign_header.as_ref().is_some_and(|name| !rules::is_field_name(name)) {
        report.mistake(&["stamp", "campaign_header"].into(), r#"is no name of a header field, such as "X-Campaign""#);
    }
    if stamp.return_path && file.reply_domain.is_none() {
        report.mistake(&["stamp", "return_path"].into(), "needs reply_domain, whose addresses it makes");
    }
    stamp
}

/// What is written, or the default.
fn or<T>(written: Option<As<T>>, default: T) -> T {
    written.map_or(default, |As(value)| value)
}
