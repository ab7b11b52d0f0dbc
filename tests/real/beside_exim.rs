//! Beside Exim: the same story and the same trouble as beside Postfix, and what is Exim's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use crate::company::{ANN, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::exim::{Exim, HandOver, Ports, Style};
use crate::ports;
use crate::server::Server;
use crate::several::{DORA, DORA_TOO, DORAS_SECOND, OFFICE, each_is_settled_by_itself};
use crate::shipped::Shipped;
use crate::story::to_and_fro;
use crate::support::daemon::binary;
use crate::support::{Daemon, crlf, field, wait_until};
use crate::trouble::{all_arrived_once, send_all};
use crate::unchanged::odd;

/// All servers of one test.
struct Company {
    exim: Exim,
    daemon: Daemon,
    mailboxes: Dovecot,
    // The last field: dropped when all servers have stopped.
    _folder: tempfile::TempDir,
}

impl Company {
    fn start() -> Self {
        Self::with(Style::Split, HandOver::Lmtp, &[SOPHIE, TOM, ANN], |file| file)
    }

    /// With these mailboxes, and a change to the daemon's configuration.
    fn with(style: Style, by: HandOver, mailboxes: &[&str], change: impl FnOnce(Shipped) -> Shipped) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Exim and Dovecot have users of their own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let dovecot = Dovecot::start(&folder.path().join("dovecot"), mailboxes, ports::free());
        let ports = Ports::choose(dovecot.lmtp);
        let exim = Exim::start(&folder.path().join("exim"), ports, mailboxes, style, by);
        let daemon = Daemon::start_as(&change(configuration(&exim, by)).text(), binary);
        Self { exim, daemon, mailboxes: dovecot, _folder: folder }
    }
}

/// The configuration that is shipped for Exim, with this test's ports.
fn configuration(exim: &Exim, by: HandOver) -> Shipped {
    let to = |port: u16| format!("127.0.0.1:{port}");
    let Ports { replies, automated, inbound, outbound, .. } = exim.ports;
    let file = Shipped::read("examples/exim.toml")
        .replace("127.0.0.1:10025", &to(inbound))
        .replace("127.0.0.1:10028", &to(outbound))
        .replace("127.0.0.1:10026", &to(replies))
        .replace("127.0.0.1:10027", &to(automated))
        .replace("\"60 MiB\"", "\"6000 KiB\"")
        .replace("/var/lib/sincerely", "state");
    match by {
        HandOver::Lmtp => file,
        HandOver::Smtp => file.replace("protocol = \"lmtp\"", "protocol = \"smtp\""),
        HandOver::Socket => {
            let socket = exim.socket().display().to_string();
            file.replace(
                "\n# And here automated mail",
                &format!("\n[[listen]]\naddress = \"unix:{socket}\"\nrole = \"inbound\"\nprotocol = \"lmtp\"\ngroup = \"Debian-exim\"\n\n# And here automated mail"),
            )
        }
    }
}

impl Drop for Company {
    /// A failure tells all that the servers said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- Exim\n{}", self.exim.log());
            eprintln!("--- sincerely\n{}", self.daemon.log());
            eprintln!("--- Dovecot\n{}", self.mailboxes.log());
        }
    }
}

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

/// The reply to RCPT.
fn recipient(exim: &Exim, from: &str, to: &str) -> String {
    let mut client = Exim::client(exim.ports.outside);
    client.begin(from, &[to]).unwrap().unwrap_or_else(|| "354".into())
}

#[rstest]
#[case::lmtp_and_split(HandOver::Lmtp, Style::Split)]
#[case::smtp_and_single(HandOver::Smtp, Style::Single)]
fn answers_go_to_and_fro_and_reach_the_person_who_signed(#[case] by: HandOver, #[case] style: Style) {
    let company = Company::with(style, by, &[SOPHIE, TOM, ANN], |file| file);
    to_and_fro(&company.exim, &company.mailboxes);
}

#[test]
fn the_daemon_is_down() {
    let mut company = Company::start();
    company.daemon.kill();
    send_all(&company.exim);
    wait_until("all three wait", || company.exim.all_wait(3));
    company.daemon.restart();
    all_arrived_once(&company.exim, &company.mailboxes);
}

#[test]
fn the_way_back_into_exim_is_down() {
    let mut company = Company::start();
    company.exim.accept_nothing_back(true);
    send_all(&company.exim);
    wait_until("all three wait", || company.exim.all_wait(3));
    company.exim.accept_nothing_back(false);
    all_arrived_once(&company.exim, &company.mailboxes);
}

#[test]
fn the_mailbox_server_is_down() {
    let mut company = Company::start();
    company.mailboxes.stop();
    send_all(&company.exim);
    // Two legs of one mail are two messages behind the daemon.
    wait_until("four wait for their mailboxes", || company.exim.all_wait(4));
    company.mailboxes.resume();
    all_arrived_once(&company.exim, &company.mailboxes);
}

#[rstest]
#[case::lmtp(HandOver::Lmtp)]
#[case::smtp(HandOver::Smtp)]
#[case::socket(HandOver::Socket)]
fn one_inbox_is_full_and_one_is_away(#[case] by: HandOver) {
    let boxes = ["sophie.martin@corp.example!", TOM, ANN, OFFICE, DORA, DORAS_SECOND];
    let company = Company::with(Style::Split, by, &boxes, |file| file.and(DORA_TOO));
    let Company { exim, mailboxes, daemon, .. } = &company;
    exim.add("sincerely.personas", "dora@acme.example: dora@corp.example\n");
    exim.add("away", &format!("{DORAS_SECOND}\n"));
    each_is_settled_by_itself(exim, mailboxes, daemon, || exim.remove("away"));
}

#[test]
fn a_retry_completes_what_is_missing_also_after_a_restart() {
    let mut company = Company::with(Style::Split, HandOver::Smtp, &[SOPHIE, TOM, ANN], |file| {
        file.replace("inbox = \"tom@corp.example\"", "inbox = [\"tom@corp.example\", \"sophie.martin@corp.example\"]")
    });
    company.exim.add("away", "sophie.martin@corp.example\n");
    assert!(company.exim.outside(ANN, &["tom@acme.example"], &mail("legs")).starts_with("250"));
    company.mailboxes.wait_for(TOM, "Subject: legs");
    wait_until("it waits", || company.exim.all_wait(1));
    company.daemon.kill();
    company.daemon.restart();
    company.exim.remove("away");
    company.exim.wait_for_empty_queue();
    assert_eq!([TOM, SOPHIE].map(|user| company.mailboxes.copies(user, "legs")), [1, 1]);
}

#[test]
fn addresses_of_the_reply_domain_are_asked_about_at_rcpt() {
    let mut company = Company::start();
    let first = company.exim.outside(ANN, &["tom+any@acme.example"], &mail("first"));
    assert!(first.starts_with("250"), "{first}");
    let arrived = company.mailboxes.wait_for(TOM, "Subject: first");
    assert!(String::from_utf8_lossy(&arrived).contains("for <tom+any@acme.example>"), "the subaddress is kept");
    let return_path = field(&arrived, "Return-Path").unwrap();
    let genuine = return_path.trim_matches(['<', '>']);
    assert!(genuine.starts_with("bounce+") && genuine.ends_with("@replies.acme.example"), "{return_path}");
    let forged = genuine.replacen("bounce+", "bounce+a", 1);
    for (to, code) in [
        (genuine, "354"),
        (&forged, "550"),
        ("anyone@replies.acme.example", "550"),
        ("sophie@acme.example", "354"),
        ("unknown@acme.example", "550"),
        ("sophie@sincerely.internal", "550"),
        ("someone@elsewhere.example", "550"),
    ] {
        let reply = recipient(&company.exim, "", to);
        assert!(reply.starts_with(code), "{to}: {reply}");
    }
    // Unknown is not no.
    company.daemon.kill();
    assert!(recipient(&company.exim, "", genuine).starts_with("451"));
    assert!(recipient(&company.exim, "", "sophie@acme.example").starts_with("354"), "the queue is here");
    company.exim.wait_for_empty_queue();
    assert!(company.mailboxes.inbox(ANN).is_empty(), "nobody was sent a bounce");
}

#[test]
fn without_the_list_of_personas_their_mail_waits() {
    let company = Company::start();
    company.exim.remove("sincerely.personas");
    let reply = recipient(&company.exim, ANN, "sophie@acme.example");
    assert!(reply.starts_with("451"), "{reply}");
}

#[test]
fn an_inbox_that_leads_back_to_the_persona_ends_in_held_after_one_round() {
    let company = Company::start();
    company.exim.add("aliases", &format!("{SOPHIE}: sophie@acme.example\n"));
    assert!(company.exim.outside(ANN, &["sophie@acme.example"], &mail("round")).starts_with("250"));
    wait_until("it is held", || company.daemon.held("loop").len() == 1);
    company.exim.wait_for_empty_queue();
    assert_eq!(company.daemon.log().matches("event=\"settled\"").count(), 2, "there, and back once");
    assert!(company.mailboxes.inbox(ANN).is_empty(), "no bounce");
}

#[test]
fn no_octet_changes_below_the_trace_fields() {
    let company = Company::start();
    let reply = company.exim.outside(ANN, &["sophie@acme.example"], &odd());
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = company.mailboxes.wait_for(SOPHIE, "folded");
    assert!(arrived.ends_with(&odd()), "{}", String::from_utf8_lossy(&arrived));
    let above = String::from_utf8_lossy(&arrived[..arrived.len() - odd().len()]).to_lowercase();
    for field in ["date:", "message-id:", "sender:", "to:"] {
        assert!(!above.lines().any(|line| line.starts_with(field)), "{above}");
    }
}

/// Exim writes the bounce itself: it has neither a sender nor a client.
#[test]
fn a_bounce_of_its_own_is_held_and_nobody_gets_it() {
    let company = Company::start();
    let Company { exim, mailboxes, daemon, .. } = &company;
    let automated = "From: Sophie from Acme <sophie@acme.example>\nTo: gone@customer.example\nSubject: gone\n\nHello\n";
    exim.sendmail("sophie@acme.example", &["gone@customer.example"], automated.as_bytes());
    wait_until("the bounce is held", || daemon.held("bounce").len() == 1);
    exim.wait_for_empty_queue();
    let bounce = daemon.held("bounce").remove(0);
    let told = String::from_utf8_lossy(&bounce);
    assert!(told.contains("Final-Recipient: rfc822;gone@customer.example") && told.contains("evidence seed"), "{told}");
    assert!(mailboxes.inbox(SOPHIE).is_empty() && mailboxes.inbox(ANN).is_empty());
}

/// Exim would only queue what follows the tenth message of a connection, and the daemon keeps its own.
#[test]
fn many_messages_over_one_connection_are_delivered_at_once() {
    let company = Company::start();
    let mut client = Exim::client(company.exim.ports.outside);
    for number in 0..25 {
        let reply = client.send(ANN, &["sophie@acme.example"], &mail(&format!("many-{number}"))).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    wait_until("all are there, without a queue run", || company.mailboxes.inbox(SOPHIE).len() == 25);
}

/// Exim hangs up on clients with many errors or idle commands; our connection is kept for many messages.
#[test]
fn many_refused_inboxes_in_a_row_delay_nobody() {
    let more = "[people.gone]\ninbox = \"gone@corp.example\"\n\
                [personas.gone]\naddress = \"Gone <gone@acme.example>\"\nanswered_by = \"gone\"\n";
    let company = Company::with(Style::Split, HandOver::Lmtp, &[SOPHIE, ANN], |file| file.and(more));
    company.exim.add("sincerely.personas", "gone@acme.example:\n");
    let mut client = Exim::client(company.exim.ports.outside);
    for number in 0..30 {
        let reply = client.send(ANN, &["gone@acme.example"], &mail(&format!("gone-{number}"))).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    wait_until("all are held", || company.daemon.held("undelivered").len() == 30);
    assert!(!company.exim.log().contains(" == "), "none was deferred: {}", company.exim.log());
}

#[test]
fn mail_as_large_as_may_be_passes() {
    let company = Company::start();
    let mail = |size: usize| {
        let mut mail = mail("large");
        let line = crlf("All work and no play makes Ann a dull girl, as she often says these days.\n");
        mail.extend(line.iter().copied().cycle().take(size - mail.len() - 2));
        mail.extend_from_slice(b"\r\n");
        mail
    };
    // Exim counts a line end as one octet: what it takes may be larger on the wire.
    let limit = 5000 << 10;
    let reply = company.exim.outside(ANN, &["sophie@acme.example"], &mail(limit + limit / 100));
    assert!(reply.starts_with("250"), "{reply}");
    wait_until("it is there", || company.mailboxes.inbox(SOPHIE).len() == 1);
    let reply = company.exim.outside(ANN, &["sophie@acme.example"], &mail(limit + limit / 50));
    assert!(reply.starts_with("552"), "refused at the door, and by nobody behind it: {reply}");
}

#[test]
fn a_persona_may_be_a_real_mailbox_too() {
    let company = Company::with(Style::Split, HandOver::Lmtp, &["sophie@acme.example", TOM, ANN], |file| {
        file.replace("inbox = \"sophie.martin@corp.example\"", "inbox = \"sophie@sincerely.internal\"")
    });
    let Company { exim, mailboxes, daemon, .. } = &company;
    assert!(exim.outside(ANN, &["sophie+x@acme.example"], &mail("hers")).starts_with("250"));
    let arrived = mailboxes.wait_for("sophie@acme.example", "Subject: hers");
    assert!(field(&arrived, "X-Sincerely").is_some());
    exim.wait_for_empty_queue();
    assert!(daemon.held("loop").is_empty());
}

#[test]
fn bypass_is_one_command_and_so_is_the_way_back() {
    let mut company = Company::start();
    assert!(company.exim.bypass("status").contains("bypass is off"));
    company.daemon.kill();
    send_all(&company.exim);
    wait_until("all three wait", || company.exim.all_wait(3));
    assert!(company.exim.bypass("on").contains("bypass is on"));
    // What waited, and what comes now.
    all_arrived_once(&company.exim, &company.mailboxes);
    assert!(company.exim.outside(ANN, &["tom+token@acme.example"], &mail("meanwhile")).starts_with("250"));
    let meanwhile = company.mailboxes.wait_for(TOM, "Subject: meanwhile");
    assert_eq!(field(&meanwhile, "X-Sincerely"), None);
    company.exim.wait_for_empty_queue();

    company.daemon.restart();
    assert!(company.exim.bypass("off").contains("bypass is off"));
    assert!(company.exim.outside(ANN, &["tom@acme.example"], &mail("afterwards")).starts_with("250"));
    // In the second of the last refusal Exim leaves new mail to the next queue run.
    wait_until("it is in the inbox", || {
        company.exim.flush();
        company.mailboxes.subjects(TOM).contains(&"afterwards".to_owned())
    });
    let afterwards = company.mailboxes.wait_for(TOM, "Subject: afterwards");
    assert!(field(&afterwards, "X-Sincerely").is_some());
    company.exim.wait_for_empty_queue();
    assert_eq!(company.mailboxes.inbox(SOPHIE).len() + company.mailboxes.inbox(TOM).len(), 5);
    assert_eq!(company.mailboxes.inbox(ANN).len(), 1);
}

/// Exim's own applications get Date and Message-ID, as ever; mail that is from no persona never sees the daemon.
#[test]
fn only_mail_from_personas_takes_the_way_through_the_daemon() {
    let company = Company::start();
    let Company { exim, mailboxes, daemon, .. } = &company;
    let other = crlf("From: Billing <billing@acme.example>\nSubject: bill\n\nHello\n");
    let reply = Exim::client(exim.ports.local).send("app@acme.example", &[ANN], &other).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = mailboxes.wait_for(ANN, "Subject: bill");
    assert_eq!(field(&arrived, "References"), None);
    assert!(!daemon.log().contains("settled"), "{}", daemon.log());
    // Nor does what strangers send in her name.
    let forged = crlf("From: Sophie from Acme <sophie@acme.example>\nSubject: forged\n\nHello\n");
    assert!(exim.outside("app@acme.example", &["office@acme.example"], &forged).starts_with("550"));
    let reply = exim.outside("app@acme.example", &[TOM], &forged);
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(field(&mailboxes.wait_for(TOM, "Subject: forged"), "References"), None);
    // A persona may be written to by another one: out by one way, in by the other.
    let from_sophie = crlf("From: Sophie from Acme <sophie@acme.example>\nSubject: colleague\n\nHello\n");
    let reply = Exim::client(exim.ports.local).send("app@acme.example", &["tom@acme.example"], &from_sophie).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = mailboxes.wait_for(TOM, "Subject: colleague");
    assert!(field(&arrived, "References").is_some() && field(&arrived, "X-Sincerely").is_some());
}
