//! Bad input gets a clear error and an exit code, before anything is half-done.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::process::Output;

use support::daemon::{COMPANY, command, configuration};
use support::{Client, Daemon, NextHop, crlf, wait_until};

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

#[test]
fn a_full_disk_under_standard_error_changes_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, "hostname = 5").unwrap();
    for arguments in [["check"], ["serve"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut sincerely = std::process::Command::new(env!("CARGO_BIN_EXE_sincerely"));
        let status = sincerely.arg("--config").arg(&config).args(arguments).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(78), "{arguments:?}");
    }
}

#[test]
fn a_hang_up_ends_nothing() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    daemon.signal("HUP");
    wait_until("it is logged", || daemon.log().contains("SIGHUP"));
    let mail = crlf("From: ann@customer.example\n\nhi\n");
    let reply = Client::connect(daemon.inbound()).send("ann@customer.example", &["sophie@acme.example"], &mail);
    assert!(reply.unwrap().starts_with("250"));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn who_asks_twice_for_the_end_waits_for_no_session() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mut client = Client::connect(daemon.inbound());
    assert_eq!(client.begin("ann@customer.example", &["sophie@acme.example"]).unwrap(), None);
    client.raw(b"Subject: never ends\r\n").unwrap();
    daemon.signal("TERM");
    wait_until("it is ending", || daemon.log().contains("SIGTERM: ending"));
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), Some(0));
    wait_until("the end is logged", || daemon.log().contains("SIGTERM again"));
    assert!(client.reply().is_err(), "no answer: the peer comes again");
}

#[test]
fn a_state_directory_that_others_may_enter_shows_them_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mail = crlf("From: a@b.example\nX-Spam-Flag: YES\n\nhi\n");
    let reply = Client::connect(daemon.inbound()).send("a@b.example", &["sophie@acme.example"], &mail);
    assert!(reply.unwrap().starts_with("250"));
    assert_eq!(daemon.held("spam").len(), 1);
    let open = |path: &std::path::Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    let closed = |daemon: &Daemon| {
        for entry in std::fs::read_dir(daemon.state()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}: {:o}", path.display(), mode(&path));
        }
    };
    closed(&daemon);
    // As an earlier version left it.
    assert_eq!(daemon.terminate(), Some(0));
    ["", "journal", "index"].iter().for_each(|name| open(&daemon.state().join(name)));
    daemon.restart();
    assert_eq!(mode(&daemon.state()) & 0o777, 0o755, "its own mode is the administrator's");
    closed(&daemon);
}
