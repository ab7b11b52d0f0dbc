//! A Dovecot of one's own: mailboxes by LMTP, read by IMAP.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::imap::Imap;
use crate::support::{field, wait_until};
use crate::{ports, process};

/// The password of every mailbox.
pub(crate) const PASSWORD: &str = "secret";

/// Mailboxes. Stopped when dropped.
pub(crate) struct Dovecot {
    folder: PathBuf,
    pub(crate) lmtp: u16,
    pub(crate) imap: u16,
    /// Answers Postfix's question whether a mailbox is full.
    pub(crate) quota: u16,
    /// Where answers of Sieve scripts go: the port 25 of a server.
    submission: u16,
    master: Option<Child>,
}

impl Dovecot {
    /// Starts one with mailboxes for these addresses. One that ends in `!` may hold 10 kilobytes only.
    pub(crate) fn start(folder: &Path, users: &[&str], quota: u16) -> Self {
        // Nobody answers by a script, so nobody listens there.
        Self::answering(folder, users, quota, ports::free())
    }

    /// The same, where Sieve scripts answer by a port of a server.
    pub(crate) fn answering(folder: &Path, users: &[&str], quota: u16, submission: u16) -> Self {
        for name in ["mail", "home"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for user in users {
            fs::create_dir_all(folder.join("home").join(user.trim_end_matches('!'))).unwrap();
        }
        process::run(Command::new("chown").args(["-R", "mail:mail"]).args([folder.join("mail"), folder.join("home")]));
        let (lmtp, imap) = (ports::free(), ports::free());
        let mut dovecot = Self { folder: folder.to_owned(), lmtp, imap, quota, submission, master: None };
        fs::write(folder.join("users"), users.iter().map(|user| passwd(user)).collect::<String>()).unwrap();
        fs::write(folder.join("dovecot.conf"), dovecot.configuration()).unwrap();
        dovecot.resume();
        dovecot
    }

    fn configuration(&self) -> String {
        let folder = self.folder.display();
        let Self { lmtp, imap, quota, submission, .. } = self;
        format!(
            "base_dir = {folder}/run\nlog_path = {folder}/log\nstate_dir = {folder}/run\nprotocols = imap lmtp\n\
             listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nauth_mechanisms = plain\n\
             mail_location = maildir:{folder}/mail/%u\nmail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 1\n\
             mail_save_crlf = yes\nrecipient_delimiter = +\nmail_plugins = quota\nlmtp_rcpt_check_quota = yes\n\
             passdb {{\n  driver = passwd-file\n  args = scheme=PLAIN {folder}/users\n}}\n\
             userdb {{\n  driver = passwd-file\n  args = {folder}/users\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
             service lmtp {{\n  inet_listener lmtp {{\n    port = {lmtp}\n  }}\n}}\n\
             service quota-status {{\n  executable = quota-status -p postfix\n  inet_listener {{\n    port = {quota}\n  }}\n  client_limit = 5\n}}\n\
             mail_home = {folder}/home/%u\nsubmission_host = 127.0.0.1:{submission}\n\
             protocol lmtp {{\n  mail_plugins = quota sieve\n}}\n\
             plugin {{\n  sieve = file:~/active.sieve\n  quota = maildir:User quota\n  quota_status_success = DUNNO\n  quota_status_nouser = DUNNO\n  \
             quota_status_overquota = \"552 5.2.2 Mailbox is full\"\n}}\n"
        )
    }

    /// Gives somebody a Sieve script.
    pub(crate) fn give_script(&self, user: &str, script: &str) {
        let file = self.folder.join("home").join(user).join("active.sieve");
        fs::write(&file, script).unwrap();
        process::run(Command::new("sievec").arg("-c").arg(self.folder.join("dovecot.conf")).arg(&file));
        process::run(Command::new("chown").args(["-R", "mail:mail"]).arg(file.parent().unwrap()));
    }

    /// Starts it again after [`Self::stop`].
    pub(crate) fn resume(&mut self) {
        let mut command = Command::new("/usr/sbin/dovecot");
        command.arg("-F").arg("-c").arg(self.folder.join("dovecot.conf"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.master = Some(child.unwrap_or_else(|error| panic!("dovecot: {error}; tests/run installs it")));
        let ports = [self.lmtp, self.imap, self.quota];
        wait_until("Dovecot listens", || {
            let ended = self.master.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "Dovecot ended:\n{}", self.log());
            ports.iter().all(|port| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok())
        });
    }

    /// Stops it: LMTP and IMAP refuse connections.
    pub(crate) fn stop(&mut self) {
        if let Some(mut master) = self.master.take() {
            process::signal("TERM", master.id());
            let _ = master.wait();
        }
    }

    /// The messages in somebody's inbox.
    pub(crate) fn inbox(&self, user: &str) -> Vec<Vec<u8>> {
        Imap::log_in(self.imap, user, PASSWORD).messages()
    }

    /// The only message in somebody's inbox whose text has this; waits for it.
    pub(crate) fn wait_for(&self, user: &str, text: &str) -> Vec<u8> {
        let mut found = Vec::new();
        wait_until(&format!("{text:?} is in the inbox of {user}"), || {
            found = self.with_text(user, text);
            !found.is_empty()
        });
        assert_eq!(found.len(), 1, "{text:?} is there several times, at {user}");
        found.remove(0)
    }

    /// The messages in somebody's inbox whose text has this.
    pub(crate) fn with_text(&self, user: &str, text: &str) -> Vec<Vec<u8>> {
        let has = |message: &Vec<u8>| String::from_utf8_lossy(message).contains(text);
        self.inbox(user).into_iter().filter(has).collect()
    }

    /// The subjects of what is in somebody's inbox, sorted.
    pub(crate) fn subjects(&self, user: &str) -> Vec<String> {
        let inbox = self.inbox(user);
        let mut subjects: Vec<_> = inbox.iter().map(|mail| field(mail, "Subject").unwrap_or_default()).collect();
        subjects.sort();
        subjects
    }

    /// How many copies of the mail with that subject somebody has.
    pub(crate) fn copies(&self, user: &str, subject: &str) -> usize {
        self.with_text(user, &format!("Subject: {subject}")).len()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A line of passwd-file(5).
fn passwd(user: &str) -> String {
    let small = user.strip_suffix('!');
    let quota = small.map_or("", |_| "userdb_quota_rule=*:bytes=10k");
    format!("{}:{PASSWORD}::::::{quota}\n", small.unwrap_or(user))
}
