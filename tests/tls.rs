//! STARTTLS at the real daemon: its certificate, what can be wrong with it, and how it is renewed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::daemon::{binary, command, listening};
use support::{Client, Daemon, NextHop, Pki, crlf, field, wait_until};
use tempfile::TempDir;

const HELLO: &str = "EHLO client.example";

/// A folder with a certificate and its key.
fn folder_of(pki: &Pki) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    pki.write(folder.path());
    folder
}

/// A listener on a port that the system chooses, with the files of a folder.
fn listener(role: &str, folder: &Path) -> String {
    let file = |name| folder.join(name).display().to_string();
    let tls = format!("tls = {{ certificate = {:?}, key = {:?} }}", file("certificate.pem"), file("key.pem"));
    format!("address = \"127.0.0.1:0\"\nrole = \"{role}\"\n{tls}")
}

fn serving(hop: &NextHop, folder: &Path) -> Daemon {
    Daemon::start_as(&listening(hop.address, &[&listener("inbound", folder)]), binary)
}

/// Writes a configuration that needs no next hop, and runs a command on it.
fn run(folder: &TempDir, listeners: &[&str], mut program: Command, argument: &str) -> (Option<i32>, String) {
    let config = folder.path().join("sincerely.toml");
    std::fs::write(&config, listening("127.0.0.1:9".parse().unwrap(), listeners)).unwrap();
    told(&program.arg("--config").arg(config).arg(argument).output().unwrap())
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn mail_comes_in_through_tls() {
    let (hop, pki) = (NextHop::start(), Pki::new());
    let files = folder_of(&pki);
    let daemon = serving(&hop, files.path());
    let mut client = Client::connect(daemon.inbound()).starttls(pki.client(), HELLO).unwrap();
    let mail = crlf("From: ann@customer.example\n\nhi\n");
    assert!(client.send("ann@customer.example", &["sophie@acme.example"], &mail).unwrap().starts_with("250"));
    let received = field(&hop.only().bytes, "Received").unwrap();
    assert!(received.contains(" with ESMTPS id "), "{received}");
    assert!(daemon.log().lines().any(|line| line.contains("settled") && line.contains("tls=\"TLSv1_3\"")));
}

#[test]
fn lmtp_at_a_unix_socket_speaks_tls_too() {
    let (hop, pki) = (NextHop::start(), Pki::new());
    let files = folder_of(&pki);
    let socket = files.path().join("in.sock");
    let text = listener("inbound", files.path()).replace("127.0.0.1:0", &format!("unix:{}", socket.display()));
    let _daemon = Daemon::start_as(&listening(hop.address, &[&(text + "\nprotocol = \"lmtp\"")]), binary);
    let client = Client::greet(UnixStream::connect(&socket).unwrap(), "LHLO client.example").unwrap();
    let mut client = client.starttls(pki.client(), "LHLO client.example").unwrap();
    let mail = crlf("From: ann@customer.example\n\nhi\n");
    assert!(client.send_lmtp("ann@customer.example", &["sophie@acme.example"], &mail).unwrap()[0].starts_with("250"));
    let received = field(&hop.only().bytes, "Received").unwrap();
    assert!(received.contains(" with LMTPS id "), "{received}");
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_with_its_key() {
    let (good, other) = (folder_of(&Pki::new()), folder_of(&Pki::new()));
    std::fs::copy(other.path().join("key.pem"), good.path().join("key.pem")).unwrap();
    let nowhere = PathBuf::from("nowhere");
    let (first, second) = (listener("inbound", good.path()), listener("outbound", &nowhere));
    for argument in ["check", "serve"] {
        let (code, errors) = run(&good, &[&first, &second], binary(), argument);
        assert_eq!(code, Some(78), "{argument}: {errors}");
        let lines: Vec<&str> = errors.lines().collect();
        let [of_first, certificate, key] = lines[..] else { panic!("{errors}") };
        assert!(of_first.contains("sincerely.toml:6: listen.tls.key: ") && of_first.contains("not the key of"));
        assert!(
            certificate.contains("sincerely.toml:10: listen.tls.certificate: ") && certificate.contains("not there")
        );
        assert!(key.contains("sincerely.toml:10: listen.tls.key: ") && key.contains("not there"), "{key}");
        let path = good.path().join("nowhere/key.pem").display().to_string();
        assert!(key.contains(&path), "relative to the file: {key}");
    }
}

/// The binary as a user who may not read everything.
fn unprivileged() -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return binary();
    }
    let mut program = Command::new("setpriv");
    program.args(["--bounding-set=-dac_override,-dac_read_search", "--", env!("CARGO_BIN_EXE_sincerely")]);
    program
}

#[test]
fn a_key_that_another_user_may_read_is_no_mistake_to_check() {
    let folder = folder_of(&Pki::new());
    std::fs::set_permissions(folder.path().join("key.pem"), PermissionsExt::from_mode(0o000)).unwrap();
    let listeners: [&str; 1] = [&listener("inbound", folder.path())];
    let (code, errors) = run(&folder, &listeners, unprivileged(), "check");
    assert_eq!(code, Some(0), "{errors}");
    let said = errors.lines().find(|line| line.contains("listen.tls.key")).unwrap_or_else(|| panic!("{errors}"));
    assert!(said.starts_with("warning: ") && said.contains("may not be read by this user"), "{said}");
    let (code, errors) = run(&folder, &listeners, unprivileged(), "serve");
    assert_eq!(code, Some(78), "{errors}");
    assert!(errors.contains("sincerely.toml:6: listen.tls.key: ") && errors.contains("may not be read"), "{errors}");
}

#[test]
fn an_expired_certificate_is_told_and_shown_all_the_same() {
    let (hop, pki) = (NextHop::start(), Pki::valid_until(2010));
    let files = folder_of(&pki);
    let daemon = serving(&hop, files.path());
    let told = "sincerely.toml:6: listen.tls.certificate: ";
    let warning = daemon.log().lines().find(|line| line.contains(told)).map(str::to_owned).unwrap();
    assert!(warning.contains("WARN") && warning.contains("expired on 2010-01-01"), "{warning}");
    assert!(Client::connect(daemon.inbound()).starttls(pki.client(), HELLO).is_ok());
    let check = command(&daemon.folder.path().join("sincerely.toml"), &["check"]);
    assert_eq!(check.status.code(), Some(0));
    let (_, errors) = self::told(&check);
    assert!(errors.contains("warning: ") && errors.contains(told) && errors.contains("expired on"), "{errors}");
    let shown = String::from_utf8_lossy(&check.stdout);
    assert!(shown.contains("smtp, STARTTLS"), "{shown}");
}

#[test]
fn sighup_renews_the_certificate() {
    let (hop, old, new) = (NextHop::start(), Pki::new(), Pki::new());
    let files = folder_of(&old);
    let mut daemon = serving(&hop, files.path());
    let connect = |pki: &Pki| Client::connect(daemon.inbound()).starttls(pki.client(), HELLO);
    let mut before = connect(&old).unwrap();

    new.write(files.path());
    assert!(connect(&new).is_err(), "nobody has asked yet");
    daemon.signal("HUP");
    wait_until("it is renewed", || daemon.log().contains("new sessions get it"));
    connect(&new).unwrap();
    assert!(connect(&old).is_err(), "it is gone");

    std::fs::write(files.path().join("key.pem"), "half a key").unwrap();
    daemon.signal("HUP");
    wait_until("the alarm is raised", || daemon.log().contains("alarm"));
    let alarm = daemon.log().lines().find(|line| line.contains("alarm")).map(str::to_owned).unwrap();
    assert!(alarm.contains("the old certificate stays") && alarm.contains("listen.tls.key"), "{alarm}");
    connect(&new).unwrap();
    assert!(before.say("NOOP").unwrap().starts_with("250"), "sessions that run are left alone");
    drop(before);
    assert_eq!(daemon.terminate(), Some(0));
}
