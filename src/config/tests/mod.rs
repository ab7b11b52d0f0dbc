//! Small texts and exactly what is said about them.

mod conditions;
mod include;
mod network;
mod people;
mod pools;
mod relay_security;
mod rules;
mod sample;
mod toml;
mod values;

use super::*;
use crate::smtp::settings::BareNewlines;

/// All that must be written: four lines, so that what a test adds begins on line 5.
const BASE: &str = r#"hostname = "sincerely.acme.example"
relay.smtp = "127.0.0.1:10026"
people.sophie.inbox = "sophie.martin@acme.example"
personas.sophie = { address = "Sophie <sophie@acme.example>", answered_by = "sophie" }
"#;

fn parse(text: &str) -> Result<(Config, Vec<Remark>), Problems> {
    Config::parse(text, Path::new("f"))
}

/// Every mistake of `text`, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = parse(text).map_or_else(|problems| problems.to_string(), |_| String::new());
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{text}");
}

/// Every mistake of `text` where all that must be written stands before it.
#[track_caller]
fn check_added(text: &str, expected: &[&str]) {
    check(&format!("{BASE}{text}"), expected);
}

/// Every warning but the one that each configuration has, about sending as the persona.
#[track_caller]
fn check_warnings(text: &str, expected: &[&str]) {
    let (_, warnings) = parse(&format!("{BASE}{text}")).unwrap();
    let shown = warnings.iter().map(ToString::to_string).filter(|line| !line.contains(" people: answering from"));
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn what_must_be_written() {
    check(BASE, &[]);
    check(
        "",
        &[
            r#"f:1: hostname: missing: the name of this machine, such as "sincerely.acme.example""#,
            "f:1: personas: missing: at least one table [personas.NAME], the sender that customers see",
            r#"f:1: relay.smtp: missing: the mail server such as "127.0.0.1:10026", or relay.maildir, a folder"#,
        ],
    );
    check_added(
        "[[listen]]\n[people.tom]\n[personas.tom]\n",
        &[
            r#"f:5: listen.address: missing: an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#,
            r#"f:5: listen.role: missing: "inbound", "outbound" or "copies""#,
            "f:6: people.tom.inbox: missing: the address where this person reads mail",
            r#"f:7: personas.tom.address: missing: a name and an address such as "Sophie from Acme <sophie@acme.example>""#,
            "f:7: personas.tom.answered_by: missing: at least one person who answers",
        ],
    );
}

#[test]
fn ten_mistakes_are_said_at_once() {
    let text = r#"
hostname = "sincerely acme"
state_dri = "/tmp"
[[listen]]
address = "localhost:10025"
role = "inbond"
[relay]
smtp = "127.0.0.1:10026"
maildir = "var/mail"
[people.sophie]
inbox = ["sophie@acme.example", 5,
  "no address"]
[personas.sophie]
address = "Sophie <sophie@acme.example>"
answered_by = ["sofie"]
fallback = "tom"
[limits]
connections = 0
message_size = "plenty"
"#;

    check(
        text,
        &[
            r#"f:2: hostname: invalid value: string "sincerely acme", expected a domain name such as "mail.acme.example""#,
            r#"f:3: state_dri: unknown key; did you mean "state_dir"?"#,
            r#"f:5: listen.address: invalid value: string "localhost:10025", expected an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#,
            r#"f:6: listen.role: invalid value: string "inbond", expected "inbound", "outbound" or "copies""#,
            "f:9: relay.maildir: is written beside relay.smtp; keep one of the two",
            r#"f:11: people.sophie.inbox: invalid value: integer `5`, expected an address such as "sophie@acme.example""#,
            "f:11: people.sophie.inbox: sophie@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox",
            r#"f:12: people.sophie.inbox: invalid value: string "no address", expected an address such as "sophie@acme.example""#,
            r#"f:15: personas.sophie.answered_by: there is no person "sofie"; did you mean "sophie"?"#,
            r#"f:16: personas.sophie.fallback: "tom" is no person, no persona and no address"#,
            "f:18: limits.connections: invalid value: integer `0`, expected a whole number above zero",
            r#"f:19: limits.message_size: invalid value: string "plenty", expected a size above zero such as "50 MiB", or a number of octets"#,
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let problems = Config::load(Path::new("/nowhere/sincerely.toml")).unwrap_err().to_string();
    assert_eq!(problems, "/nowhere/sincerely.toml: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn bare_newlines_are_refused_unless_it_is_written() {
    let bare_newlines = |text: &str| parse(&format!("{BASE}{text}")).unwrap().0.limits.bare_newlines;
    assert_eq!(bare_newlines(""), BareNewlines::Refuse);
    assert_eq!(bare_newlines("limits.bare_newlines = 'refuse'"), BareNewlines::Refuse);
    assert_eq!(bare_newlines("limits.bare_newlines = 'normalize'"), BareNewlines::Normalize);
    check_added(
        "limits.bare_newlines = true",
        &[r#"f:5: limits.bare_newlines: invalid value: boolean `true`, expected "refuse" or "normalize""#],
    );
}
