//! A real mail program, s-nail: reads over IMAP, answers over SMTP, and keeps what it sent.

use std::fs;
use std::process::Command;

use crate::dovecot::{Dovecot, PASSWORD};
use crate::process;
use crate::support::wait_until;

/// Somebody's mail program, with its account.
pub(crate) struct MailProgram {
    folder: tempfile::TempDir,
    /// Whom it writes as.
    from: String,
    login: String,
    imap: u16,
    smtp: u16,
}

impl MailProgram {
    /// Reads the inbox of `login`, writes as `from` over an SMTP port.
    pub(crate) fn new(mailboxes: &Dovecot, login: &str, from: &str, smtp: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, from: from.to_owned(), login: login.to_owned(), imap: mailboxes.imap, smtp }
    }

    /// Opens the message of that subject, which must be the only one, and answers it. The answer as the
    /// program wrote it: header section and body, as they travel.
    pub(crate) fn answer(&self, subject: &str, text: &str) -> Vec<u8> {
        let sent = self.folder.path().join("sent");
        let _ = fs::remove_file(&sent);
        let script = format!("reply /{subject}\n{text}\n.\nxit\n");
        let mut command = Command::new("s-nail");
        command.env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8").args(["-:/", "-#"]);
        for setting in [
            "v15-compat=yes".to_owned(),
            format!("from={}", self.from),
            format!("mta=smtp://127.0.0.1:{}", self.smtp),
            "smtp-auth=none".to_owned(),
            "imap-auth=login".to_owned(),
            "quote=".to_owned(),
            "sendwait".to_owned(),
            "fullnames".to_owned(),
            "ttycharset=utf-8".to_owned(),
            format!("record={}", sent.display()),
        ] {
            command.args(["-S", &setting]);
        }
        let account = format!("imap://{}:{PASSWORD}@127.0.0.1:{}/INBOX", self.login.replace('@', "%40"), self.imap);
        let output = process::output(command.args(["-f", &account]), script.as_bytes());
        assert!(output.status.success(), "{}", process::said(&output));
        wait_until("the mail program has kept what it sent", || sent.exists());
        let kept = fs::read_to_string(&sent).unwrap();
        // An mbox: a line `From …` above, an empty one below.
        let (_, message) = kept.split_once('\n').unwrap();
        message.strip_suffix('\n').unwrap_or(message).replace('\n', "\r\n").into_bytes()
    }
}
