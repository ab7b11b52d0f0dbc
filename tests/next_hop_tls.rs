//! TLS and the login at the next hop, with the real daemon: mail that may not go waits, the log says what to do,
//! and no password is in it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use support::daemon::{binary, command, configuration};
use support::{Behaviour, Client, Daemon, NextHop, Twist, crlf, wait_until};

const PASSWORD: &str = "open sesame";

/// A folder with an authority's certificate and a login, and a server that the authority vouches for.
fn company(folder: &Path, change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
    let mut of_authority = CertificateParams::new([]).unwrap();
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.join("ca.pem"), of_authority.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.join("login"), format!("sincerely\n{PASSWORD}\n")).unwrap();
    let authority = Issuer::new(of_authority, key);
    let mut of_server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    change(&mut of_server);
    let key = KeyPair::generate().unwrap();
    let certificate = of_server.signed_by(&key, &authority).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    Arc::new(server.unwrap())
}

/// A configuration whose next hop must be encrypted and asks for a login.
fn strict(hop: &NextHop, folder: &Path) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    let more = format!(
        "[relay]\ntls = \"required\"\nca_file = \"{}\"\ncredentials_file = \"{}\"\n",
        file("ca.pem"),
        file("login")
    );
    configuration(hop.address, "").replace("[relay]\n", &more)
}

/// Everything that the daemon can log.
fn talkative() -> Command {
    let mut binary = binary();
    binary.env("SINCERELY_LOG", "trace");
    binary
}

fn both(daemon: &Daemon, subject: &str) -> [String; 2] {
    let to_sophie = crlf(&format!("From: ann@customer.example\nMessage-ID: <{subject}@customer.example>\n\nHello\n"));
    let to_ben =
        crlf(&format!("From: Tom from Acme <tom@acme.example>\nMessage-ID: <{subject}@app.example>\n\nHello\n"));
    let (mut inbound, mut outbound) = (Client::connect(daemon.inbound()), Client::connect(daemon.outbound()));
    [
        inbound.send("ann@customer.example", &["sophie@acme.example"], &to_sophie).unwrap(),
        outbound.send("app@acme.example", &["ben@customer.example"], &to_ben).unwrap(),
    ]
}

fn is_shown(log: &str) -> bool {
    let encoded = data_encoding::BASE64.encode(format!("\0sincerely\0{PASSWORD}").as_bytes());
    log.contains(PASSWORD) || log.contains(&encoded)
}

#[test]
fn mail_goes_encrypted_and_logged_in_and_the_password_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let (hop, tls) = (NextHop::start(), company(folder.path(), |_| {}));
    hop.behave(Behaviour { tls: Some(tls), auth: Some("235 2.7.0 welcome".into()), ..Behaviour::default() });
    let daemon = Daemon::start_as(&strict(&hop, folder.path()), talkative);
    for subject in ["one", "two"] {
        for reply in both(&daemon, subject) {
            assert!(reply.starts_with("250"), "{reply}");
        }
    }
    assert!(hop.count() == 4 && hop.taken().iter().all(|taken| taken.encrypted));
    assert!(!is_shown(&daemon.log()));
    let check = daemon.command(&["check"]);
    let told = String::from_utf8_lossy(&check.stdout);
    assert!(told.contains(&format!("smtp {}, always with TLS, logged in as sincerely", hop.address)), "{told}");
    assert!(!is_shown(&told));
}

#[test]
fn mail_waits_for_a_next_hop_that_proves_nothing_and_the_log_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let expired = company(folder.path(), |certificate| certificate.not_after = date_time_ymd(2020, 1, 1));
    let hop = NextHop::start();
    let daemon = Daemon::start_as(&strict(&hop, folder.path()), binary);
    let with_tls = Behaviour { tls: Some(expired), auth: Some("235 2.7.0 ok".into()), ..Behaviour::default() };
    for (behaviour, said) in
        [(Behaviour::default(), "it does not offer STARTTLS"), (with_tls, "its certificate must be renewed")]
    {
        hop.behave(behaviour);
        for reply in both(&daemon, "waits") {
            assert!(reply.starts_with("451 4.4.1"), "{said}: {reply}");
        }
        wait_until(said, || {
            daemon.log().lines().filter(|line| line.contains("alarm") && line.contains(said)).count() >= 2
        });
    }
    assert_eq!(hop.count(), 0);
    assert!(daemon.held("undelivered").is_empty());
}

#[test]
fn mail_waits_while_the_login_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (hop, tls) = (NextHop::start(), company(folder.path(), |_| {}));
    let daemon = Daemon::start_as(&strict(&hop, folder.path()), talkative);
    let auth = |reply: &str| Behaviour { tls: Some(tls.clone()), auth: Some(reply.into()), ..Behaviour::default() };
    for said in ["535 5.7.8 who are you?", "550 5.7.1 no", "504 5.5.4 what?", "454 4.7.0 later"] {
        hop.behave(auth(said));
        for reply in both(&daemon, "login") {
            assert!(reply.starts_with("451 4.4.1"), "a password that has expired bounces nothing: {reply}");
        }
        let is_alarm = |line: &&str| line.contains("alarm") && line.contains(said);
        wait_until("an operator is told", || daemon.log().lines().filter(is_alarm).count() >= 2);
    }
    assert!(!is_shown(&daemon.log()));

    hop.behave(auth("235 2.7.0 welcome"));
    for reply in both(&daemon, "login") {
        assert!(reply.starts_with("250"), "{reply}");
    }
    assert_eq!(hop.count(), 2);
}

#[test]
fn without_a_word_tls_that_fails_loses_no_mail_elsewhere_and_none_is_tried_here() {
    let folder = tempfile::tempdir().unwrap();
    let (hop, tls) = (NextHop::start(), company(folder.path(), |_| {}));
    hop.behave(Behaviour { tls: Some(tls.clone()), ..Behaviour::default() });
    let here = Daemon::start(hop.address);
    assert!(both(&here, "here")[0].starts_with("250"));
    assert!(!hop.taken()[0].encrypted, "loopback: plain");

    let opportunistic = configuration(hop.address, "").replace("[relay]\n", "[relay]\ntls = \"opportunistic\"\n");
    let daemon = Daemon::start_as(&opportunistic, binary);
    assert!(both(&daemon, "offered")[0].starts_with("250"));
    assert!(hop.taken().last().unwrap().encrypted);
    let daemon = Daemon::start_as(&opportunistic, binary);
    let before = hop.count();
    let refusal = Twist::Say("454 4.7.0 no key today".into());
    hop.behave(Behaviour { tls: Some(tls), at: Some(("STAR", refusal)), ..Behaviour::default() });
    assert!(both(&daemon, "fails")[0].starts_with("250"));
    assert_eq!(hop.count(), before + 2);
    assert!(daemon.log().contains("going on without TLS"), "{}", daemon.log());
}

#[test]
fn files_that_cannot_be_used_are_mistakes_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let hop = NextHop::start();
    company(folder.path(), |_| {});
    let text = strict(&hop, folder.path());
    let path: PathBuf = folder.path().join("sincerely.toml");
    std::fs::write(&path, &text).unwrap();
    let line = |key: &str| text.lines().position(|line| line.starts_with(key)).unwrap() + 1;
    assert_eq!(command(&path, &["check"]).status.code(), Some(0));
    for (file, key) in [("ca.pem", "ca_file"), ("login", "credentials_file")] {
        let right = std::fs::read(folder.path().join(file)).unwrap();
        for wrong in [None, Some(""), Some("x")] {
            match wrong {
                None => std::fs::remove_file(folder.path().join(file)).unwrap(),
                Some(text) => std::fs::write(folder.path().join(file), text).unwrap(),
            }
            for arguments in ["check", "serve"] {
                let output = command(&path, &[arguments]);
                let told = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(78), "{told}");
                assert!(told.contains(&format!("sincerely.toml:{}: relay.{key}: ", line(key))), "{told}");
            }
        }
        std::fs::write(folder.path().join(file), right).unwrap();
    }
}
