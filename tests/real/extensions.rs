//! What mail servers make of the extensions that we offer: pipelining, SIZE, 8BITMIME and SMTPUTF8; and one
//! refused recipient among several of a transaction.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rstest::rstest;

use crate::clients::odd;
use crate::company::ANN;
use crate::exim::{self, Exim, HandOver, Style};
use crate::ports;
use crate::postfix::{self, Postfix, Wishes};
use crate::programs::{Door, Program};
use crate::server::Server;
use crate::shipped::Shipped;
use crate::support::daemon::{COMPANY, binary};
use crate::support::{Daemon, NextHop, wait_until};

/// Somebody whom the mail server takes mail for, and the daemon does not know.
const GHOST: &str = "ghost@acme.example";

const JOERG: &str = "j\u{f6}rg@customer.example";

/// A mail server, and the daemon before a next hop that counts.
struct Scene<S> {
    server: S,
    daemon: Daemon,
    hop: NextHop,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl<S> Scene<S> {
    /// The daemon listens at `inbound`, a path or a port, and says what it is told.
    fn new(inbound: &str, protocol: &str, folder: tempfile::TempDir, start: impl FnOnce() -> S) -> Self {
        let hop = NextHop::start();
        let address = match inbound.starts_with('/') {
            true => format!("\"unix:{inbound}\"\nmode = \"0666\""),
            false => format!("\"{inbound}\""),
        };
        let configuration = format!(
            "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
             [[listen]]\naddress = {address}\nrole = \"inbound\"\nprotocol = \"{protocol}\"\n\
             [relay]\nsmtp = \"{}\"\n{COMPANY}",
            hop.address
        );
        let daemon = Daemon::start_as(&configuration, tracing);
        Self { server: start(), daemon, hop, _folder: folder }
    }
}

/// The daemon, which logs the commands that it is given.
fn tracing() -> Command {
    let mut program = binary();
    program.env("SINCERELY_LOG", "sincerely=info,sincerely::smtp::protocol=trace");
    program
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Mail servers have users of their own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn beside_postfix(smtp: bool) -> Scene<Postfix> {
    let folder = folder();
    let ports = postfix::Ports::choose(ports::free(), smtp, folder.path());
    let wishes = Wishes {
        smtp,
        personas: "ghost@acme.example ghost@corp.example\n",
        main: "smtputf8_enable = yes\n".into(),
        ..Wishes::default()
    };
    let (inbound, place) = (ports.inbound.clone(), folder.path().join("postfix"));
    let protocol = if smtp { "smtp" } else { "lmtp" };
    Scene::new(&inbound, protocol, folder, || {
        let postfix = Postfix::start(&place, ports, &[ANN], &wishes);
        // Both transports log what they say to the daemon.
        let master = postfix.config.join("master.cf");
        Shipped::read(master.to_str().unwrap())
            .replace(" 20 lmtp\n", " 20 lmtp -v\n")
            .replace(" 20 smtp\n", " 20 smtp -v\n")
            .write(&master);
        postfix.reload();
        postfix
    })
}

fn beside_exim(by: HandOver) -> Scene<Exim> {
    let folder = folder();
    let ports = exim::Ports::choose(ports::free());
    let place = folder.path().join("exim");
    let protocol = if by == HandOver::Smtp { "smtp" } else { "lmtp" };
    Scene::new(&format!("127.0.0.1:{}", ports.inbound), protocol, folder, || {
        let exim = Exim::start(&place, ports, &[ANN], Style::Split, by);
        exim.add("sincerely.personas", &format!("{GHOST}:\n"));
        exim
    })
}

impl<S: Server> Scene<S> {
    /// Three recipients, one of them refused, get a mail from Jörg with 8-bit octets; smtplib asks for 8BITMIME and
    /// SMTPUTF8. Two have it, to the octet.
    fn three_are_sent_one_mail(&self) {
        let mail = odd(&format!("J\u{f6}rg <{JOERG}>"));
        let door = Door::Smtp(SocketAddr::from(([127, 0, 0, 1], self.server.outside_port())));
        let told = Program::Smtplib.send(&door, JOERG, &["sophie@acme.example", GHOST, "tom@acme.example"], &mail);
        assert!(told.done, "{}", told.text);
        wait_until("two have it", || self.hop.count() == 2);
        let taken = self.hop.taken();
        for taken in &taken {
            assert_eq!(taken.from, JOERG);
            assert!(taken.bytes.ends_with(&mail), "{}", String::from_utf8_lossy(&taken.bytes));
        }
        let mut reached: Vec<_> = taken.into_iter().flat_map(|taken| taken.to).collect();
        reached.sort();
        assert_eq!(reached, ["sophie.martin@corp.example", "tom@corp.example"]);
    }

    /// The MAIL commands that the daemon was given.
    fn mail_commands(&self) -> Vec<String> {
        let log = self.daemon.log();
        log.lines().filter(|line| line.contains("command=Mail(")).map(str::to_owned).collect()
    }
}

#[rstest]
#[case::lmtp(false, 1)]
#[case::smtp(true, 3)]
fn postfix_uses_them_all(#[case] smtp: bool, #[case] transactions: usize) {
    let scene = beside_postfix(smtp);
    scene.three_are_sent_one_mail();
    let is_told = |line: &str| line.contains("to=<ghost@acme.example>") && line.contains("said: 550 5.1.1");
    wait_until("it knows who is refused", || scene.server.log().lines().any(is_told));
    let commands = scene.mail_commands();
    assert_eq!(commands.len(), transactions);
    for part in ["eight_bit: true", "utf8: true", "size: Some("] {
        assert!(commands.iter().all(|command| command.contains(part)), "{commands:?}");
    }
    assert!(scene.server.log().contains("MTP PIPELINING"), "{}", scene.server.log());
}

/// It sends 8-bit octets without BODY, unless it is told to look for them.
#[rstest]
#[case::lmtp(HandOver::Lmtp, 1)]
#[case::smtp(HandOver::Smtp, 3)]
fn exim_uses_most_of_them(#[case] by: HandOver, #[case] transactions: usize) {
    let scene = beside_exim(by);
    scene.three_are_sent_one_mail();
    let log = || scene.server.log();
    wait_until("it knows who is refused", || log().contains("RCPT TO:<ghost@acme.example>: 550 5.1.1"));
    let commands = scene.mail_commands();
    assert_eq!(commands.len(), transactions);
    for part in ["utf8: true", "size: Some("] {
        assert!(commands.iter().all(|command| command.contains(part)), "{commands:?}");
    }
    // The mark of pipelining.
    let delivered = |log: &str| log.lines().any(|line| line.contains("=> sophie@acme.example") && line.contains(" L "));
    wait_until("it has logged the delivery", || delivered(&log()) || log().contains("Completed"));
    assert!(delivered(&log()), "{}", log());
}
