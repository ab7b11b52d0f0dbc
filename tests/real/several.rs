//! Several recipients, several inboxes: each is settled by itself, and gets one copy.

use std::fs;

use rstest::rstest;

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::postfix::Wishes;
use crate::server::Server;
use crate::support::{Daemon, crlf, wait_until};

pub(crate) const DORA: &str = "dora@corp.example";
pub(crate) const DORAS_SECOND: &str = "dora@home.example";
pub(crate) const OFFICE: &str = "office@acme.example";

/// Dora has two inboxes and two addresses.
pub(crate) const DORA_TOO: &str = r#"
[people.dora]
inbox = ["dora@corp.example", "dora@home.example"]
[personas.dora]
address = "Dora from Acme <dora@acme.example>"
aliases = ["dora.d@acme.example"]
answered_by = "dora"
"#;

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

/// A company with Dora, whose second inbox is away as long as the file `away` says so, and where
/// Postfix knows at once that an inbox is full.
struct Scene {
    company: Company,
    away: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

fn scene(smtp: bool) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    process_readable(folder.path());
    let away = folder.path().join("away");
    fs::write(&away, "dora@home.example 450 4.2.1 Mailbox server is away\n").unwrap();
    let quota = crate::ports::free();
    let checks =
        format!("check_recipient_access texthash:{}, check_policy_service inet:127.0.0.1:{quota}", away.display());
    let wishes = Wishes {
        smtp,
        inbox_checks: checks,
        personas: "dora@acme.example dora@corp.example\ndora.d@acme.example dora@corp.example\n",
        ..Wishes::default()
    };
    let mailboxes = ["sophie.martin@corp.example!", TOM, ANN, DORA, DORAS_SECOND, OFFICE];
    Scene { company: Company::with_quota_port(wishes, DORA_TOO, &mailboxes, quota), away, _folder: folder }
}

fn process_readable(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Scene {
    fn second_inbox_is_back(&self) {
        fs::write(&self.away, "").unwrap();
        self.company.postfix.restart();
    }

    fn copies(&self, user: &str, subject: &str) -> usize {
        self.company.mailboxes.copies(user, subject)
    }
}

#[rstest]
#[case::lmtp(false)]
#[case::smtp(true)]
fn one_inbox_is_full_and_one_is_away(#[case] smtp: bool) {
    let scene = scene(smtp);
    let Company { postfix, mailboxes, daemon, .. } = &scene.company;
    each_is_settled_by_itself(postfix, mailboxes, daemon, || scene.second_inbox_is_back());
}

/// Two personas and a stranger in one message, beside any mail server, where Dora's second inbox is away.
pub(crate) fn each_is_settled_by_itself(
    server: &impl Server,
    mailboxes: &Dovecot,
    daemon: &Daemon,
    second_inbox_is_back: impl FnOnce(),
) {
    // Sophie's mailbox is full.
    let filling = [mail("filling"), crlf(&"a line of text\n".repeat(600))].concat();
    assert!(server.outside(ANN, &["sophie@acme.example"], &filling).starts_with("250"));
    mailboxes.wait_for(SOPHIE, "Subject: filling");

    let to = ["sophie@acme.example", "dora@acme.example", OFFICE];
    assert!(server.outside(ANN, &to, &mail("three")).starts_with("250"));
    // Her fallback, the stranger, and Dora's first inbox have it; only Dora's second is waited for.
    for user in [TOM, OFFICE, DORA] {
        mailboxes.wait_for(user, "Subject: three");
    }
    wait_until("only Dora's copy waits", || server.recipients_that_wait() == ["dora@acme.example"]);
    assert!(daemon.held("undelivered").is_empty());
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());

    second_inbox_is_back();
    server.wait_for_empty_queue();
    mailboxes.wait_for(DORAS_SECOND, "Subject: three");
    let copies = [SOPHIE, TOM, OFFICE, DORA, DORAS_SECOND].map(|user| mailboxes.copies(user, "three"));
    assert_eq!(copies, [0, 1, 1, 1, 1]);
    assert!(mailboxes.inbox(ANN).is_empty(), "no bounce");
}

#[test]
fn a_retry_completes_what_is_missing_also_after_a_restart() {
    let mut scene = scene(false);
    assert!(scene.company.postfix.outside(ANN, &["dora@acme.example"], &mail("legs")).starts_with("250"));
    scene.company.mailboxes.wait_for(DORA, "Subject: legs");
    scene.company.daemon.kill();
    scene.company.daemon.restart();
    scene.second_inbox_is_back();
    scene.company.mailboxes.wait_for(DORAS_SECOND, "Subject: legs");
    scene.company.postfix.wait_for_empty_queue();
    assert_eq!([DORA, DORAS_SECOND].map(|user| scene.copies(user, "legs")), [1, 1]);
}

#[rstest]
#[case::lmtp(false)]
#[case::smtp(true)]
fn two_aliases_lead_to_one_copy_and_other_octets_to_another(#[case] smtp: bool) {
    let scene = scene(smtp);
    scene.second_inbox_is_back();
    let postfix = &scene.company.postfix;
    let send = |to: &[&str], mail: &[u8]| {
        let reply = postfix.outside(ANN, to, mail);
        assert!(reply.starts_with("250"), "{reply}");
        postfix.wait_for_empty_queue();
    };
    send(&["dora@acme.example", "dora.d@acme.example"], &mail("twice"));
    send(&["dora.d@acme.example"], &mail("twice"));
    assert_eq!([DORA, DORAS_SECOND].map(|user| scene.copies(user, "twice")), [1, 1]);
    send(&["dora@acme.example"], &[mail("twice"), b"PS: once more\r\n".to_vec()].concat());
    assert_eq!([DORA, DORAS_SECOND].map(|user| scene.copies(user, "twice")), [2, 2]);
}
