//! Bad input gets a clear error and an exit code, before anything is half-done.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::process::Output;

use support::daemon::{COMPANY, command, configuration};
use support::{Daemon, NextHop};

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a command on a configuration of its own.
fn run(text: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, text).unwrap();
    told(&command(&config, arguments))
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_once() {
    let text = "hostnam = \"x\"\nhostname = \"sincerely.acme.example\"\n[relay]\nsmtp = \"127.0.0.1:25\"\ntimeout = { total = \"soon\" }\n\
                [people.tom]\ninbox = \"tom\"\n[personas.tom]\naddress = \"Tom <tom@acme.example>\"\nanswered_by = [\"tim\"]\n";
    for arguments in [["check"], ["serve"]] {
        let (code, errors) = run(text, &arguments);
        assert_eq!(code, Some(78), "{errors}");
        for (line, key) in
            [(1, "hostnam"), (5, "relay.timeout.total"), (7, "people.tom.inbox"), (10, "personas.tom.answered_by")]
        {
            assert!(errors.contains(&format!("sincerely.toml:{line}: {key}")), "line {line}, {key}: {errors}");
        }
    }
}

#[test]
fn a_missing_configuration_is_named() {
    let (code, errors) = told(&command("/nowhere/sincerely.toml".as_ref(), &["check"]));
    assert_eq!(code, Some(78));
    assert!(errors.contains("/nowhere/sincerely.toml"), "{errors}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n[[listen]]\naddress = \"{address}\"\nrole = \"inbound\"\n\
         [relay]\nmaildir = \"mail\"\n{COMPANY}"
    );
    let (code, errors) = run(&text, &["serve"]);
    assert_eq!(code, Some(69), "EX_UNAVAILABLE: {errors}");
    assert!(errors.contains(&address.to_string()), "{errors}");
}

#[test]
fn a_state_directory_in_use_is_named() {
    let hop = NextHop::start();
    let daemon = Daemon::start(hop.address);
    let (code, errors) = told(&daemon.command(&["serve"]));
    assert_eq!(code, Some(75), "EX_TEMPFAIL: {errors}");
    assert!(errors.contains("state"), "{errors}");
}

#[test]
fn serving_needs_a_listener() {
    let text =
        format!("hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n[relay]\nmaildir = \"mail\"\n{COMPANY}");
    let (code, errors) = run(&text, &["serve"]);
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("[[listen]]"), "{errors}");
    assert_eq!(run(&text, &["check"]).0, Some(0), "explain and check need none");
}

#[test]
fn a_broken_secret_is_named_but_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    std::fs::write(folder.path().join("state/secret"), "not base64: tell nobody\n").unwrap();
    let (code, errors) = told(&command(&config, &["serve"]));
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("state/secret:1") && !errors.contains("tell nobody"), "{errors}");
}

#[test]
fn a_secret_that_cannot_be_read_may_be_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, configuration("127.0.0.1:9".parse().unwrap(), "")).unwrap();
    std::fs::create_dir_all(folder.path().join("state/secret")).unwrap();
    let (code, errors) = told(&command(&config, &["serve"]));
    assert_eq!(code, Some(75), "EX_TEMPFAIL: {errors}");
    assert!(errors.contains("state/secret"), "{errors}");
}
