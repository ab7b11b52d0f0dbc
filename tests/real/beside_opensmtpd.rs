//! Beside OpenSMTPD, which hands mail to the daemon, and takes it back.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use crate::clients::odd;
use crate::company::{ANN, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::opensmtpd::{HandOver, OpenSmtpd, Ports};
use crate::ports;
use crate::server::Server;
use crate::story::to_and_fro;
use crate::support::daemon::{COMPANY, binary};
use crate::support::{Behaviour, Daemon, NextHop, crlf, field, wait_until};

/// An OpenSMTPD and the daemon.
struct Pair {
    smtpd: OpenSmtpd,
    daemon: Daemon,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl Pair {
    /// The daemon hands on to a next hop that counts.
    fn before(hop: &NextHop, by: HandOver) -> Self {
        // Nobody hands anything back.
        Self::start(Ports::choose(ports::free()), by, Some(hop.address))
    }

    fn start(ports: Ports, by: HandOver, next_hop: Option<SocketAddr>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // OpenSMTPD has users of its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let next_hop = next_hop.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], ports.back)));
        let daemon = Daemon::start_as(&configuration(&ports, by, next_hop), binary);
        let smtpd = OpenSmtpd::start(folder.path(), ports, by);
        Self { smtpd, daemon, _folder: folder }
    }
}

fn configuration(ports: &Ports, by: HandOver, next_hop: SocketAddr) -> String {
    let Ports { inbound, outbound, .. } = ports;
    let (to_personas, automated) = match by {
        HandOver::Smtp | HandOver::Encrypted => ("smtp", "smtp"),
        HandOver::Lmtp => ("lmtp", "lmtp"),
        HandOver::Program => ("lmtp", "smtp"),
    };
    format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
         [[listen]]\naddress = \"127.0.0.1:{inbound}\"\nrole = \"inbound\"\nprotocol = \"{to_personas}\"\n\
         [[listen]]\naddress = \"127.0.0.1:{outbound}\"\nrole = \"outbound\"\nprotocol = \"{automated}\"\n\
         [relay]\nsmtp = \"{next_hop}\"\n{COMPANY}"
    )
}

impl Drop for Pair {
    /// A failure tells all that the servers said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- OpenSMTPD\n{}", self.smtpd.log());
            eprintln!("--- sincerely\n{}", self.daemon.log());
        }
    }
}

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

fn automated(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Sophie from Acme <sophie@acme.example>\nTo: {ANN}\nSubject: {subject}\n\nHello\n"))
}

/// OpenSMTPD is the server in front and the next hop.
#[rstest]
#[case::smtp(HandOver::Smtp)]
#[case::lmtp(HandOver::Lmtp)]
fn answers_go_to_and_fro_and_reach_the_person_who_signed(#[case] by: HandOver) {
    let folder = tempfile::tempdir().unwrap();
    // Dovecot has users of its own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mailboxes = Dovecot::start(&folder.path().join("dovecot"), &[SOPHIE, TOM, ANN], ports::free());
    let pair = Pair::start(Ports::choose(mailboxes.lmtp), by, None);
    to_and_fro(&pair.smtpd, &mailboxes);
}

#[rstest]
#[case::smtp(HandOver::Smtp)]
#[case::lmtp(HandOver::Lmtp)]
#[case::program(HandOver::Program)]
fn our_451_makes_it_come_again(#[case] by: HandOver) {
    let hop = NextHop::start();
    let Pair { smtpd, daemon, .. } = &Pair::before(&hop, by);
    hop.behave(Behaviour { dot: Some("451 4.3.0 not now".into()), ..Behaviour::default() });
    let odd = odd(&format!("Ann <{ANN}>"));
    assert!(smtpd.outside(ANN, &["sophie@acme.example"], &odd).starts_with("250"));
    assert!(smtpd.application("app@acme.example", &[ANN], &automated("welcome")).starts_with("250"));
    wait_until("both wait", || smtpd.all_wait(2));
    assert_eq!(hop.count(), 0);
    assert!(smtpd.queue().iter().all(|envelope| envelope[13].contains("451")), "{:?}", smtpd.queue());

    hop.behave(Behaviour::default());
    smtpd.flush();
    smtpd.wait_for_empty_queue();
    let taken = hop.taken();
    assert_eq!(taken.len(), 2, "each once: {}", daemon.log());
    let to_sophie = taken.iter().find(|taken| taken.to == ["sophie.martin@corp.example"]).unwrap();
    assert!(to_sophie.bytes.ends_with(&odd), "{}", String::from_utf8_lossy(&to_sophie.bytes));
    assert_eq!(to_sophie.from, ANN);
    let to_ann = taken.iter().find(|taken| taken.to == [ANN]).unwrap();
    assert!(field(&to_ann.bytes, "References").is_some(), "stamped");
}

/// It accepts any address of the domain; the daemon tells which there are.
#[rstest]
#[case::smtp(HandOver::Smtp)]
#[case::lmtp(HandOver::Lmtp)]
fn our_550_makes_it_bounce_for_that_recipient_alone(#[case] by: HandOver) {
    let hop = NextHop::start();
    let Pair { smtpd, .. } = &Pair::before(&hop, by);
    assert!(smtpd.outside(ANN, &THREE, &mail("three")).starts_with("250"));
    wait_until("two and a bounce have arrived", || reached(&hop).len() == 3);
    // By LMTP, it takes two replies in one packet for an error, and comes again with the second recipient.
    smtpd.wait_for_empty_queue();
    assert_eq!(reached(&hop), [ANN, "sophie.martin@corp.example", "tom@corp.example"], "each once");
    let bounce = hop.taken().into_iter().find(|taken| taken.to == [ANN]).unwrap();
    assert_eq!(bounce.from, "");
    let told = String::from_utf8_lossy(&bounce.bytes);
    assert!(told.contains("nobody@acme.example") && !told.contains("corp.example"), "{told}");
}

/// Its mail.lmtp takes any refusal for one that is for now.
#[test]
fn by_its_program_only_who_is_refused_waits() {
    let hop = NextHop::start();
    let Pair { smtpd, .. } = &Pair::before(&hop, HandOver::Program);
    assert!(smtpd.outside(ANN, &THREE, &mail("three")).starts_with("250"));
    wait_until("only one waits", || smtpd.recipients_that_wait() == ["nobody@acme.example"]);
    assert_eq!(reached(&hop), ["sophie.martin@corp.example", "tom@corp.example"]);
}

const THREE: [&str; 3] = ["sophie@acme.example", "nobody@acme.example", "tom@acme.example"];

/// Everybody who was reached, sorted.
fn reached(hop: &NextHop) -> Vec<String> {
    let mut reached: Vec<_> = hop.taken().into_iter().flat_map(|taken| taken.to).collect();
    reached.sort();
    reached
}
