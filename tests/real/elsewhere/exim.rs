//! An Exim somewhere else, whose users have its autoreply transport answer, as its specification tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::exim::PACKAGE;
use crate::postfix::Postfix;
use crate::support::wait_until;
use crate::{ports, process};

/// The domain of its users. It also has a mailbox for sophie.martin@corp.example, in which no mail has room.
pub(crate) const DOMAIN: &str = "exim.example";

/// An Exim elsewhere. Stopped when dropped.
pub(crate) struct Exim {
    folder: PathBuf,
    /// Its port 25.
    pub(crate) port: u16,
    master: Option<Child>,
}

/// Its routers and transports. It takes mail for anybody, and finds out later who is there.
///
/// `autoreply` has Exim's transport answer; so has `old`, whose answers lack the field that early versions did not write;
/// `filter` has a filter file do it. What is for others goes to the company.
const CONFIGURATION: &str = r##"
primary_hostname = mx.exim.example
qualify_domain = exim.example
domainlist local_domains = exim.example : corp.example
exim_path = PACKAGE/usr/sbin/exim4
spool_directory = FOLDER/spool
log_file_path = FOLDER/log/%slog
pid_file_path = FOLDER/exim.pid
local_interfaces = 127.0.0.1.PORT
keep_environment =
host_lookup =
acl_smtp_rcpt = acl_rcpt
smtp_accept_queue_per_connection = 0
delay_warning = 1s:99h
tls_advertise_hosts =

begin acl
acl_rcpt:
  deny    !domains = +local_domains
  accept

begin routers
elsewhere:
  driver = manualroute
  domains = !+local_domains
  route_list = * 127.0.0.1
  self = send
  transport = company

autoreply:
  driver = accept
  local_parts = autoreply : old
  condition = ${if and{{!eq{$sender_address}{}}{!match{$h_auto-submitted:}{auto-}}{!match{$h_precedence:}{(?i)bulk|list|junk}}}}
  senders = ! ^.*-request@.* : ! ^owner-.*@.* : ! ^postmaster@.* : ! ^mailer-daemon@.* : ! ^root@.*
  no_verify
  no_expn
  unseen
  transport = autoreply

filter:
  driver = redirect
  local_parts = filter
  allow_filter
  user = Debian-exim
  no_verify
  reply_transport = filter_reply
  data = "#Exim filter\nif personal then\nvacation from filter@exim.example file FOLDER/etc/notice once FOLDER/box/filter.once log FOLDER/box/filter.log\nendif"

full:
  driver = redirect
  local_parts = full
  allow_fail
  data = :fail: the mailbox is full

slow:
  driver = redirect
  local_parts = slow
  allow_defer
  data = :defer: the mailbox is locked

users:
  driver = accept
  local_parts = autoreply : old : filter : sophie.martin
  transport = mailbox

begin transports
company:
  driver = smtp
  port = COMPANY
  allow_localhost
  headers_remove = <; ${if match{$h_from:}{old@}{auto-submitted}}

autoreply:
  driver = autoreply
  user = Debian-exim
  from = $local_part@$domain
  to = $sender_address
  subject = "Away: $h_subject:"
  text = "Back on Monday.\n"
  once = FOLDER/box/${local_part_data}.once
  once_repeat = 7d

filter_reply:
  driver = autoreply
  user = Debian-exim

mailbox:
  driver = appendfile
  user = Debian-exim
  file = FOLDER/box/$local_part_data
  quota = ${if eq{$local_part}{sophie.martin}{100}{0}}

begin retry
* quota
* * F,4d,1s
"##;

impl Exim {
    /// Starts one that sends all that is for others to a port of the company's.
    pub(crate) fn start(folder: &Path, company: u16) -> Self {
        for (name, owner) in [("etc", "root"), ("spool", "Debian-exim"), ("log", "Debian-exim"), ("box", "Debian-exim")]
        {
            fs::create_dir_all(folder.join(name)).unwrap();
            process::run(Command::new("chown").arg(owner).arg(folder.join(name)));
        }
        let port = ports::free();
        let configuration = CONFIGURATION
            .replace("PACKAGE", PACKAGE)
            .replace("FOLDER", &folder.display().to_string())
            .replace("COMPANY", &company.to_string())
            .replace("PORT", &port.to_string());
        fs::write(folder.join("exim.conf"), configuration).unwrap();
        fs::write(folder.join("etc/notice"), "Back on Monday.\n").unwrap();
        let mut exim = Self { folder: folder.to_owned(), port, master: None };
        let mut command = exim.command();
        let child = command.arg("-bdf").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        exim.master = Some(child.unwrap());
        Postfix::wait_for(&[port]);
        exim
    }

    fn command(&self) -> Command {
        let mut command = Command::new(format!("{PACKAGE}/usr/sbin/exim4"));
        command.arg("-C").arg(self.folder.join("exim.conf"));
        command
    }

    /// How many messages are in a user's mailbox (mbox(5)).
    pub(crate) fn count(&self, user: &str) -> usize {
        let mailbox = fs::read_to_string(self.folder.join("box").join(user)).unwrap_or_default();
        mailbox.lines().filter(|line| line.starts_with("From ")).count()
    }

    /// Tries again what waits.
    pub(crate) fn flush(&self) {
        process::run(self.command().arg("-qff"));
    }

    /// Waits until all its mail is delivered.
    pub(crate) fn wait_for_empty_queue(&self) {
        wait_until("the queue of Exim elsewhere is empty", || process::run(self.command().arg("-bpc")).trim() == "0");
    }

    pub(crate) fn log(&self) -> String {
        ["mainlog", "paniclog"]
            .map(|name| fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        if let Some(mut master) = self.master.take() {
            process::signal("TERM", master.id());
            let _ = master.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- Exim elsewhere\n{}", self.log());
        }
    }
}
