//! Beside OpenSMTPD, which hands mail to the daemon and takes it back.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use crate::company::{ANN, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::opensmtpd::{HandOver, OpenSmtpd, Ports};
use crate::ports;
use crate::story::to_and_fro;
use crate::support::Daemon;
use crate::support::daemon::{COMPANY, binary};

/// All servers of one test.
struct Company {
    smtpd: OpenSmtpd,
    daemon: Daemon,
    mailboxes: Dovecot,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl Company {
    fn start(by: HandOver) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // OpenSMTPD and Dovecot have users of their own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mailboxes = Dovecot::start(&folder.path().join("dovecot"), &[SOPHIE, TOM, ANN], ports::free());
        let ports = Ports::choose(mailboxes.lmtp);
        let daemon = Daemon::start_as(&configuration(&ports, by), binary);
        let smtpd = OpenSmtpd::start(&folder.path().join("opensmtpd"), ports, by);
        Self { smtpd, daemon, mailboxes, _folder: folder }
    }
}

fn configuration(ports: &Ports, by: HandOver) -> String {
    let Ports { inbound, outbound, back, .. } = ports;
    let (to_personas, automated) = match by {
        HandOver::Smtp => ("smtp", "smtp"),
        HandOver::Lmtp => ("lmtp", "lmtp"),
        HandOver::Program => ("lmtp", "smtp"),
    };
    format!(
        "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
         [[listen]]\naddress = \"127.0.0.1:{inbound}\"\nrole = \"inbound\"\nprotocol = \"{to_personas}\"\n\
         [[listen]]\naddress = \"127.0.0.1:{outbound}\"\nrole = \"outbound\"\nprotocol = \"{automated}\"\n\
         [relay]\nsmtp = \"127.0.0.1:{back}\"\n{COMPANY}"
    )
}

impl Drop for Company {
    /// A failure tells all that the servers said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- OpenSMTPD\n{}", self.smtpd.log());
            eprintln!("--- sincerely\n{}", self.daemon.log());
            eprintln!("--- Dovecot\n{}", self.mailboxes.log());
        }
    }
}

#[rstest]
#[case::smtp(HandOver::Smtp)]
#[case::lmtp(HandOver::Lmtp)]
#[case::program(HandOver::Program)]
fn answers_go_to_and_fro_and_reach_the_person_who_signed(#[case] by: HandOver) {
    let company = Company::start(by);
    to_and_fro(&company.smtpd, &company.mailboxes);
}
