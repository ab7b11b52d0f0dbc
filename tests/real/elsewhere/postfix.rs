//! A Unix machine somewhere else: its Postfix has local users, whose `.forward` and `.procmailrc` answer for them.
//!
//! Their programs know one sendmail(1) and one folder of configuration, and people are those of /etc/passwd: it has a
//! mount namespace (unshare(1)) in which its own lie over the machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::postfix::{Postfix, end};
use crate::support::wait_until;
use crate::{ports, process};

/// Lays the files of `$1` over their places, for this process and its children alone, and becomes the rest.
const BECOME: &str = "set -e; own=$1; shift
mount --bind \"$own/etc\" /etc/postfix
mount --bind \"$own/passwd\" /etc/passwd
exec \"$@\"";

/// The domain of its users. It also takes mail for some at corp.example.
pub(crate) const DOMAIN: &str = "unix.example";

/// A user, who exists in its namespace only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    /// Files in her home, and what is in them.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

/// Its services: Postfix's own, without a chroot.
const SERVICES: [(&str, &str); 18] = [
    ("pickup unix n - n 1 1", "pickup"),
    ("cleanup unix n - n - 0", "cleanup"),
    ("qmgr unix n - n 1 1", "qmgr"),
    ("rewrite unix - - n - -", "trivial-rewrite"),
    ("bounce unix - - n - 0", "bounce"),
    ("defer unix - - n - 0", "bounce"),
    ("trace unix - - n - 0", "bounce"),
    ("verify unix - - n - 1", "verify"),
    ("flush unix n - n - 0", "flush"),
    ("proxymap unix - - n - -", "proxymap"),
    ("smtp unix - - n - -", "smtp"),
    ("showq unix n - n - -", "showq"),
    ("error unix - - n - -", "error"),
    ("retry unix - - n - -", "error"),
    ("lmtp unix - - n - -", "lmtp"),
    ("local unix - n n - -", "local"),
    ("anvil unix - - n - 1", "anvil"),
    ("postlog unix-dgram n - n - 1", "postlogd"),
];

/// A Postfix elsewhere. Stopped when dropped.
pub(crate) struct UnixMachine {
    folder: PathBuf,
    /// Its port 25.
    pub(crate) port: u16,
}

impl UnixMachine {
    /// Starts one that knows these users and sends all that is for others to a port of the company's. More lines of
    /// main.cf say what is wrong with it. It takes mail for anybody, and finds out later who is there.
    pub(crate) fn start(folder: &Path, company: u16, users: &[User], main: &str) -> Self {
        let machine = Self { folder: folder.to_owned(), port: ports::free() };
        for (name, owner) in [("queue", "root"), ("data", "postfix"), ("log", "postfix"), ("home", "root")] {
            fs::create_dir_all(folder.join(name)).unwrap();
            process::run(Command::new("chown").arg(owner).arg(folder.join(name)));
        }
        // What Postfix's own scripts look for beside main.cf.
        process::run(Command::new("cp").args(["-r", "/etc/postfix"]).arg(folder.join("etc")));
        fs::write(folder.join("etc/main.cf"), machine.main(company, main)).unwrap();
        fs::write(folder.join("etc/master.cf"), machine.master()).unwrap();
        machine.settle(users);
        process::run(machine.inside("root").args(["postfix", "start"]));
        Postfix::wait_for(&[machine.port]);
        machine
    }

    fn main(&self, company: u16, more: &str) -> String {
        let folder = self.folder.display();
        format!(
            "compatibility_level = 3.6\nmyhostname = mx.{DOMAIN}\nmyorigin = {DOMAIN}\nmydestination = {DOMAIN}, corp.example\n\
             mynetworks = 192.0.2.0/24\nsmtpd_relay_restrictions = reject_unauth_destination\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\nalias_database =\n\
             queue_directory = {folder}/queue\ndata_directory = {folder}/data\n\
             maillog_file = {folder}/log/mail\nmaillog_file_prefixes = {folder}\n\
             home_mailbox = Maildir/\nlocal_recipient_maps =\nrelayhost = [127.0.0.1]:{company}\n\
             minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n{more}"
        )
    }

    fn master(&self) -> String {
        let services = SERVICES.map(|(service, program)| format!("{service} {program}\n")).concat();
        format!("{services}127.0.0.1:{} inet n - n - - smtpd\n", self.port)
    }

    /// Gives users their homes.
    fn settle(&self, users: &[User]) {
        let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
        for (user, id) in users.iter().zip(64_111..) {
            let home = self.home(user.name);
            fs::create_dir_all(&home).unwrap();
            for (name, text) in user.files {
                fs::write(home.join(name), text).unwrap();
            }
            process::run(Command::new("chown").args(["-R", &format!("{id}:{id}")]).arg(&home));
            passwd.push_str(&format!("{0}:x:{id}:{id}:{0}:{1}:/bin/sh\n", user.name, home.display()));
        }
        fs::write(self.folder.join("passwd"), passwd).unwrap();
    }

    fn home(&self, user: &str) -> PathBuf {
        self.folder.join("home").join(user)
    }

    /// What somebody runs on this machine: the program and its arguments are added.
    pub(crate) fn inside(&self, user: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", BECOME, "sh"]).arg(&self.folder);
        if user != "root" {
            command.args(["runuser", "-u", user, "--"]).env("HOME", self.home(user));
        }
        command
    }

    /// Has vacation(1) set itself up for a user, with the message that it proposes.
    pub(crate) fn turn_on_vacation(&self, user: &str) {
        // It asks only where it has a terminal, which script(1) is.
        let mut command = self.inside(user);
        command.args(["env", "EDITOR=true", "script", "-qec", "cd && vacation", "/dev/null"]);
        let output = process::output(&mut command, b"y\ny\n");
        assert!(self.home(user).join(".forward").exists(), "{}", process::said(&output));
    }

    /// The messages in a user's mailbox.
    pub(crate) fn inbox(&self, user: &str) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(self.home(user).join("Maildir/new")).into_iter().flatten();
        entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    /// Waits until all its mail is delivered.
    pub(crate) fn wait_for_empty_queue(&self) {
        wait_until("the Unix machine's queue is empty", || {
            let mut list = Command::new("/usr/sbin/postqueue");
            process::run(list.arg("-c").arg(self.folder.join("etc")).arg("-j")).is_empty()
        });
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log/mail")).unwrap_or_default()
    }
}

impl Drop for UnixMachine {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.folder.join("queue/pid/master.pid")).unwrap_or_default();
        if let Ok(master) = pid.trim().parse() {
            end(master);
        }
        if std::thread::panicking() {
            eprintln!("--- Postfix elsewhere\n{}", self.log());
        }
    }
}
