//! `sincerely check`: reads the configuration, tries its `[[test]]`s, and prints who gets what, or every mistake.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use sysexits::ExitCode;

use crate::clock;
use crate::config::{Config, Listen, Relays, Test};
use crate::flow::policy::{Policy, Unmatched};
use crate::mail::{Address, Domain, PersonaName};
use crate::people::absence::NOTHING_SAID;
use crate::people::{Leaver, Persona, Predecessor};
use crate::rules::Rule;
use crate::smtp::service::Protocol;
use crate::smtp::settings::{Endpoint, UnixSocket};

use super::absence::{self, Teller, table as table_of_absences};
use super::certificates::Certificates;
use super::rehearsal::{self, Failure};
use super::table::aligned;

/// Checks the configuration at `path`. Who gets what goes to standard output, warnings and
/// mistakes to standard error; with a mistake, or a
/// `[[test]]` that fails, the exit code is 78 (`EX_CONFIG`).
///
/// # Errors
/// When standard output cannot be written to.
pub fn run(path: &Path) -> anyhow::Result<ExitCode> {
    match Config::load(path) {
        Ok((config, warnings)) => {
            let (_, found) = Certificates::read(&config.listen, clock::now());
            if !found.mistakes.is_empty() {
                found.mistakes.iter().for_each(super::complain);
                return Ok(ExitCode::Config);
            }
            // What this user may not read, the daemon's perhaps may.
            let warnings = warnings.iter().chain(&found.forbidden).chain(&found.warnings);
            warnings.for_each(|warning| super::complain(format_args!("warning: {warning}")));
            let unread = absence::unread(&config);
            unread.for_each(|warning| super::complain(format_args!("warning: {warning}")));
            let failures = rehearsal::run(&config)?;
            let told = render(&config) + &passed(&config, &failures);
            anstream::stdout().write_all(told.as_bytes()).context("cannot write to standard output")?;
            failures.iter().for_each(super::complain);
            Ok(if failures.is_empty() { ExitCode::Ok } else { ExitCode::Config })
        }
        Err(problems) => {
            super::complain(problems);
            Ok(ExitCode::Config)
        }
    }
}

/// Who gets what, where mail comes in and where it goes, as aligned text.
pub fn render(config: &Config) -> String {
    let policy = &config.policy;
    let blocks = [
        who_gets_what(policy),
        pools(policy),
        leavers(policy),
        names(policy),
        absences(policy),
        rules(policy),
        listeners(&config.listen),
        surroundings(config),
    ];
    let blocks = blocks.into_iter().filter(|block| !block.is_empty()).map(|block| block + "\n");
    blocks.collect::<Vec<_>>().join("\n")
}

/// How many of the tests passed, where there are any.
fn passed(config: &Config, failures: &[Failure<'_>]) -> String {
    let failed: HashSet<*const Test> = failures.iter().map(|failure| std::ptr::from_ref(failure.test)).collect();
    match (config.tests.len(), failed.len()) {
        (0, _) => String::new(),
        (1, 0) => "\n1 test passed\n".into(),
        (all, 0) => format!("\n{all} tests passed\n"),
        (all, failed) => format!("\n{failed} of {all} tests failed\n"),
    }
}

/// The rules in their order, as they are written.
fn rules(policy: &Policy) -> String {
    if policy.rules.list().is_empty() {
        return String::new();
    }
    let head = ["RULE", "WHEN", "THEN"].map(String::from);
    let row = |rule: &Rule| {
        let when = rule.when.to_string();
        let goes_on = if rule.decision.is_none() { ", and goes on" } else { "" };
        [rule.name.clone(), if when.is_empty() { "always".into() } else { when }, rule.then() + goes_on]
    };
    aligned([head].into_iter().chain(policy.rules.list().iter().map(row)))
}

/// One line of the table: address, persona, person, inboxes, fallback.
type Row = [String; 5];

fn who_gets_what(policy: &Policy) -> String {
    let head = ["MAIL TO", "PERSONA", "PERSON", "INBOX", "FALLBACK"].map(String::from);
    let of_personas = addresses(policy).into_iter().flat_map(|address| persona_rows(address, policy));
    let by_thread = |address| shared_rows(address, "by the thread", otherwise(policy));
    let by_token = |domain| shared_rows(format!("*@{domain}"), "by the signed token", refused());
    let shared = shared_addresses(policy).into_iter().flat_map(by_thread);
    let replies = policy.reply_domain.iter().flat_map(by_token);
    let internal = policy.inbound.aliases.iter().map(|(internal, real)| internal_row(internal, real));
    aligned([head].into_iter().chain(of_personas).chain(shared).chain(replies).chain(internal))
}

/// Who of a pool gets what is nobody's yet.
fn pools(policy: &Policy) -> String {
    let pools = policy.people.personas().filter(|persona| persona.answered_by.len() > 1);
    let row = |persona: &Persona| {
        let people = persona.answered_by.iter().map(ToString::to_string).collect::<Vec<_>>();
        [persona.name.to_string(), people.join(", "), format!("{}: {}", persona.shared, persona.shared.meaning())]
    };
    table(["POOL", "PEOPLE", "SHARED"], pools.map(row).collect())
}

/// Who has what was of people who left.
fn leavers(policy: &Policy) -> String {
    let row = |left: &Leaver| {
        let from = if left.person.inboxes.is_empty() { "nowhere".into() } else { listed(&left.person.inboxes) };
        [left.person.name.to_string(), left.successor.to_string(), from]
    };
    table(["LEFT", "SUCCEEDED BY", "STILL ONE OF OURS FROM"], policy.people.leavers().map(row).collect())
}

/// Nothing, where there are no rows.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() { String::new() } else { aligned([head.map(String::from)].into_iter().chain(rows)) }
}

/// By which names a persona gets mail at shared addresses, and who has what was of those that left.
fn names(policy: &Policy) -> String {
    let head = ["PERSONA", "GREETED AS"].map(String::from);
    let row = |persona: &Persona| [persona.name.to_string(), persona.greeted_as.join(", ")];
    let left = |left: &Predecessor| [left.name.to_string(), format!("(left, succeeded by {})", left.successor)];
    let rows = policy.people.personas().map(row).chain(policy.people.predecessors().map(left));
    aligned([head].into_iter().chain(rows))
}

/// Who is away, or will be, as the configuration has it.
fn absences(policy: &Policy) -> String {
    let gone = Teller::new(&policy.people, &NOTHING_SAID, clock::now()).gone();
    if gone.is_empty() { String::new() } else { table_of_absences(&gone) }
}

/// A domain of the mail server's own making.
fn internal_row(internal: &Domain, real: &Domain) -> Row {
    [format!("*@{internal}"), format!("as to *@{real}"), String::new(), String::new(), String::new()]
}

/// The addresses of all personas, each once, in the order of the personas.
fn addresses(policy: &Policy) -> Vec<&Address> {
    let mut addresses: Vec<&Address> = Vec::new();
    for address in policy.people.personas().flat_map(|persona| &persona.addresses) {
        if !addresses.iter().any(|seen| seen.folded() == address.folded()) {
            addresses.push(address);
        }
    }
    addresses
}

/// A shared address has a group of rows for each persona, and one for what matches none.
fn persona_rows(address: &Address, policy: &Policy) -> Vec<Row> {
    let names = policy.people.personas_at(address);
    let persona = |name: &PersonaName| policy.people.persona(name);
    let mut rows =
        names.iter().filter_map(persona).flat_map(|persona| answer_rows(persona, policy)).collect::<Vec<_>>();
    if names.len() > 1 {
        rows.push(otherwise(policy));
    }
    if let Some([first, ..]) = rows.first_mut() {
        *first = address.to_string();
    }
    rows
}

/// One row for each person who answers, the address left out.
fn answer_rows(persona: &Persona, policy: &Policy) -> Vec<Row> {
    let people = persona.answered_by.iter().filter_map(|name| policy.people.person(name));
    let row = |(index, person): (usize, &crate::people::Person)| {
        let inboxes = listed(&person.inboxes);
        match index {
            0 => [String::new(), title(persona), person.name.to_string(), inboxes, listed(&persona.fallback)],
            _ => [String::new(), String::new(), format!("or {}", person.name), inboxes, String::new()],
        }
    };
    people.enumerate().map(row).collect()
}

fn title(persona: &Persona) -> String {
    match &persona.display_name {
        Some(display_name) => format!("{} ({display_name})", persona.name),
        None => persona.name.to_string(),
    }
}

/// Addresses that are no persona's own, each once.
fn shared_addresses(policy: &Policy) -> Vec<String> {
    let mut seen = HashSet::new();
    let addresses = policy.inbound.accept.iter().cloned().chain(policy.role_addresses());
    let shared = addresses.filter(|address| policy.people.personas_at(address).is_empty());
    shared.filter(|address| seen.insert(address.folded())).map(|address| address.to_string()).collect()
}

/// What chooses the persona of an address that belongs to none, and what becomes of the rest.
fn shared_rows(address: String, chosen: &str, otherwise: Row) -> [Row; 2] {
    [[address, chosen.into(), String::new(), String::new(), String::new()], otherwise]
}

fn refused() -> Row {
    ["", "otherwise", "refused", "", ""].map(String::from)
}

/// What becomes of mail to a shared address that matches nothing.
fn otherwise(policy: &Policy) -> Row {
    let (person, inboxes) = match &policy.inbound.unmatched {
        Unmatched::Hold => ("held".into(), String::new()),
        Unmatched::Person(name) => {
            let person = policy.people.person(name);
            (name.to_string(), person.map(|person| listed(&person.inboxes)).unwrap_or_default())
        }
    };
    [String::new(), "otherwise".into(), person, inboxes, String::new()]
}

fn listed(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn listeners(listeners: &[Listen]) -> String {
    let head = ["LISTENER", "ROLE", "PROTOCOL", "FROM"].map(String::from);
    let row = |listen: &Listen| {
        let protocol = match listen.protocol {
            Protocol::Smtp => "smtp",
            Protocol::Lmtp => "lmtp",
        };
        let tls = if listen.tls.is_some() { ", STARTTLS" } else { "" };
        [listen.address.to_string(), listen.role.to_string(), format!("{protocol}{tls}"), who_may_connect(listen)]
    };
    if listeners.is_empty() {
        return "no listener: `sincerely serve` needs one".into();
    }
    aligned([head].into_iter().chain(listeners.iter().map(row)))
}

fn who_may_connect(listen: &Listen) -> String {
    match &listen.address {
        Endpoint::Unix(UnixSocket { mode, group: Some(group), .. }) => format!("mode {mode:04o}, group {group}"),
        Endpoint::Unix(UnixSocket { mode, group: None, .. }) => format!("mode {mode:04o}"),
        Endpoint::Ip(_) | Endpoint::Passed(_) => {
            listen.allow.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    }
}

fn surroundings(config: &Config) -> String {
    let Relays { inbound, outbound } = &config.relay;
    let (inbound, outbound) = (inbound.to_string(), outbound.to_string());
    let next_hops = if inbound == outbound {
        vec![["NEXT HOP".into(), inbound]]
    } else {
        vec![["NEXT HOP".into(), format!("inbound: {inbound}")], [String::new(), format!("outbound: {outbound}")]]
    };
    let state = config.state_dir.display().to_string();
    let secret = config.secret_file.display().to_string();
    let zone = zone_of_the_system(&config.policy).map(|zone| ["ZONE".into(), zone]);
    aligned(next_hops.into_iter().chain([["STATE".into(), state], ["SECRET".into(), secret]]).chain(zone))
}

/// Whose clock it is where a rule names no zone; `None` where all do.
fn zone_of_the_system(policy: &Policy) -> Option<String> {
    let mut windows = policy.rules.list().iter().flat_map(|rule| rule.when.windows());
    let window = windows.find(|window| window.zone.name.is_none())?;
    let name = window.zone.rules.iana_name().unwrap_or("without a name");
    Some(format!("{name}, the system's, for windows of time that name none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_people_who_share_an_address() {
        let text = include_str!("../../examples/two-people.toml");
        let (config, warnings) = Config::parse(text, Path::new("/etc/sincerely/two-people.toml")).unwrap();
        insta::assert_snapshot!(render(&config), @r#"
        MAIL TO                            PERSONA                    PERSON   INBOX                                     FALLBACK
        sophie@acme.example                sophie (Sophie from Acme)  sophie   sophie.martin@corp.example                tom@corp.example, tom.weber@home.example
        hello@acme.example                 sophie (Sophie from Acme)  sophie   sophie.martin@corp.example                tom@corp.example, tom.weber@home.example
                                           tom (Tom from Acme)        tom      tom@corp.example, tom.weber@home.example  sophie.martin@corp.example
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        team@acme.example                  team (The team at Acme)    sophie   sophie.martin@corp.example
                                                                      or tom   tom@corp.example, tom.weber@home.example
        tom@acme.example                   tom (Tom from Acme)        tom      tom@corp.example, tom.weber@home.example  sophie.martin@corp.example
        support@acme.example               by the thread
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        postmaster@sincerely.acme.example  by the thread
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        abuse@sincerely.acme.example       by the thread
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        postmaster@replies.acme.example    by the thread
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        abuse@replies.acme.example         by the thread
                                           otherwise                  tom      tom@corp.example, tom.weber@home.example
        *@replies.acme.example             by the signed token
                                           otherwise                  refused

        POOL  PEOPLE       SHARED
        team  sophie, tom  sticky: a customer keeps the same person

        PERSONA  GREETED AS
        sophie   Sophie
        team     The
        tom      Tom

        LISTENER         ROLE      PROTOCOL  FROM
        127.0.0.1:10025  inbound   smtp      127.0.0.0/8, ::1/128
        127.0.0.1:10027  outbound  smtp      127.0.0.0/8, ::1/128

        NEXT HOP  smtp 127.0.0.1:10026
        STATE     /etc/sincerely/var/sincerely
        SECRET    /etc/sincerely/var/sincerely/secret
        "#);
        insta::assert_snapshot!(warnings.iter().map(|warning| format!("{warning}\n")).collect::<String>(), @r#"
        /etc/sincerely/two-people.toml:21: people: answering from a personal inbox shows the customer its address, unless the mail program sends as the persona: sophie as sophie@acme.example and team@acme.example, tom as team@acme.example and tom@acme.example
        "#);
    }

    #[test]
    fn an_address_is_shared_once_and_only_if_no_persona_has_it() {
        let text = include_str!("../../examples/minimal.toml");
        let text = format!(
            "reply_domain = 'sincerely.acme.example'\n\
             inbound.accept = ['Postmaster@sincerely.acme.example', 'hello@acme.example', 'sophie@acme.example']\n{text}"
        );
        let (config, _) = Config::parse(&text, Path::new("minimal.toml")).unwrap();
        let shared = shared_addresses(&config.policy);
        assert_eq!(shared, ["Postmaster@sincerely.acme.example", "hello@acme.example", "abuse@sincerely.acme.example"]);
    }

    #[test]
    fn an_internal_domain_is_shown_with_the_real_one() {
        let text = include_str!("../../examples/minimal.toml");
        let text = format!("inbound.aliases = {{ 'sincerely.internal' = 'acme.example' }}\n{text}");
        let (config, _) = Config::parse(&text, Path::new("minimal.toml")).unwrap();
        let shown = who_gets_what(&config.policy);
        assert!(
            shown
                .lines()
                .any(|line| line.starts_with("*@sincerely.internal") && line.ends_with("as to *@acme.example"))
        );
    }

    #[test]
    fn a_configuration_without_a_listener_can_be_checked() {
        let text = include_str!("../../examples/minimal.toml");
        let (mut config, _) = Config::parse(text, Path::new("minimal.toml")).unwrap();
        config.listen.clear();
        assert!(render(&config).contains("\n\nno listener: `sincerely serve` needs one\n\n"));
    }

    #[test]
    fn sockets_and_two_next_hops() {
        let text = include_str!("../../examples/minimal.toml")
            .replace("\"127.0.0.1:10025\"", "\"unix:in.sock\"\ngroup = \"postfix\"");
        let text = text.replace("127.0.0.1:10027", "systemd:outbound") + "[relay.outbound]\nmaildir = \"out\"\n";
        let (config, _) = Config::parse(&text, Path::new("/etc/minimal.toml")).unwrap();
        let shown = render(&config);
        insta::assert_snapshot!(shown.split_once("\n\n").unwrap().1, @r"
        PERSONA  GREETED AS
        sophie   Sophie

        LISTENER           ROLE      PROTOCOL  FROM
        unix:/etc/in.sock  inbound   smtp      mode 0660, group postfix
        systemd:outbound   outbound  smtp      127.0.0.0/8, ::1/128

        NEXT HOP  inbound: smtp 127.0.0.1:10026
                  outbound: Maildirs in /etc/out
        STATE     /etc/var/sincerely
        SECRET    /etc/var/sincerely/secret
        ");
    }

    #[test]
    fn the_systems_zone_is_shown_where_a_rule_goes_by_it() {
        let shown = |time: &str| {
            let rule = format!("[[rule]]\nname = 'r'\nwhen.not.time = {time}\nthen = 'hold'\n");
            let text = format!("{}{rule}", include_str!("../../examples/minimal.toml"));
            let (config, _) = Config::parse(&text, Path::new("minimal.toml")).unwrap();
            render(&config).lines().find(|line| line.starts_with("ZONE")).map(str::to_owned)
        };
        let told = shown("[{ days = 'sat', zone = 'UTC' }, { days = 'sun' }]").unwrap();
        assert!(told.ends_with(", the system's, for windows of time that name none"), "{told}");
        assert_eq!(shown("{ days = 'sat', zone = 'UTC' }"), None);
    }

    #[test]
    fn mistakes_exit_with_78() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sincerely.toml");
        assert_eq!(run(&path).unwrap(), ExitCode::Config, "a file that is not there");
        std::fs::write(&path, "hostname = 5").unwrap();
        assert_eq!(run(&path).unwrap(), ExitCode::Config);
    }
}
