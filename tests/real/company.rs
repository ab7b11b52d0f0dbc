//! A company: its Postfix, its mailboxes and those of its customers, and Sincerely beside them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::dovecot::Dovecot;
use crate::ports;
use crate::postfix::{Ports, Postfix, Wishes};
use crate::shipped::Shipped;
use crate::support::Daemon;
use crate::support::daemon::binary;

pub(crate) const SOPHIE: &str = "sophie.martin@corp.example";
pub(crate) const TOM: &str = "tom@corp.example";
pub(crate) const ANN: &str = "ann@customer.example";

/// All servers of one test.
pub(crate) struct Company {
    pub(crate) postfix: Postfix,
    pub(crate) daemon: Daemon,
    pub(crate) mailboxes: Dovecot,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl Company {
    pub(crate) fn start() -> Self {
        Self::with(Wishes::default(), "", &[SOPHIE, TOM, ANN])
    }

    /// With wishes for Postfix, more lines for the daemon, and these mailboxes.
    pub(crate) fn with(wishes: Wishes, more: &str, mailboxes: &[&str]) -> Self {
        Self::with_quota_port(wishes, more, mailboxes, ports::free())
    }

    /// The same, where Postfix was told already at which port to ask whether a mailbox is full.
    pub(crate) fn with_quota_port(wishes: Wishes, more: &str, mailboxes: &[&str], quota: u16) -> Self {
        assert_eq!(fs::metadata("/proc/self").unwrap().uid(), 0, "mail servers need root: tests/run sees to that");
        let folder = tempfile::tempdir().unwrap();
        // Postfix and Dovecot have users of their own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let outside = match wishes.outside {
            0 => ports::free(),
            port => port,
        };
        let dovecot = Dovecot::answering(&folder.path().join("dovecot"), mailboxes, quota, outside);
        let ports = Ports { outside, ..Ports::choose(dovecot.lmtp, wishes.smtp, folder.path()) };
        let daemon = Daemon::start_as(&configuration(&ports, &wishes, more), binary);
        let postfix = Postfix::start(&folder.path().join("postfix"), ports, mailboxes, &wishes);
        Self { postfix, daemon, mailboxes: dovecot, _folder: folder }
    }

    /// The subjects of what is in somebody's inbox, sorted.
    pub(crate) fn subjects(&self, user: &str) -> Vec<String> {
        self.mailboxes.subjects(user)
    }
}

/// The configuration that is shipped for Postfix, with this test's ports.
fn configuration(ports: &Ports, wishes: &Wishes, more: &str) -> String {
    let reply_domain = match wishes.reply_domain {
        "" => String::new(),
        domain => format!("reply_domain = \"{domain}\"\n"),
    };
    let listener = |listener: &str| match wishes.smtp {
        false => format!("\"unix:{listener}\"\nmode = \"0660\"\ngroup = \"postfix\""),
        true => format!("\"{listener}\""),
    };
    let mut file = Shipped::read("examples/postfix.toml")
        .replace("\"systemd:inbound\"", &listener(&ports.inbound))
        .replace("\"systemd:outbound\"", &listener(&ports.outbound))
        .replace("127.0.0.1:10026", &format!("127.0.0.1:{}", ports.replies))
        .replace("127.0.0.1:10027", &format!("127.0.0.1:{}", ports.automated))
        .replace("state_dir = \"/var/lib/sincerely\"\n", &format!("state_dir = \"state\"\n{reply_domain}"));
    if wishes.smtp {
        file = file.replace("\"lmtp\"\n", "\"smtp\"\n").replace("\"unix\"", "\"127.0.0.1\"");
    }
    file.and(more).text()
}

impl Drop for Company {
    /// A failure tells all that the servers said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- Postfix\n{}", self.postfix.log());
            eprintln!("--- its queue\n{}", self.postfix.queue_listing());
            eprintln!("--- sincerely\n{}", self.daemon.log());
            eprintln!("--- Dovecot\n{}", self.mailboxes.log());
            eprintln!("--- main.cf\n{}", self.postfix.settings());
        }
    }
}
