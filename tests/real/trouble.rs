//! Something is down for a while: mail waits in the queue, then all of it arrives, once.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::ports;
use crate::server::Server;
use crate::shipped::Shipped;
use crate::support::{crlf, wait_until};

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

fn automated(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Sophie from Acme <sophie@acme.example>\nTo: {ANN}\nSubject: {subject}\n\nHello\n"))
}

/// One mail to Sophie, one to both, and one from her.
pub(crate) fn send_all(server: &impl Server) {
    for (to, subject) in [(&["sophie@acme.example"][..], "one"), (&["sophie@acme.example", "tom@acme.example"], "two")]
    {
        let reply = server.outside(ANN, to, &mail(subject));
        assert!(reply.starts_with("250"), "{reply}");
    }
    server.sendmail("app@acme.example", &[ANN], &automated("three"));
}

/// Tries again: each mail is where it belongs, once.
pub(crate) fn all_arrived_once(server: &impl Server, mailboxes: &Dovecot) {
    server.flush();
    server.wait_for_empty_queue();
    assert_eq!(mailboxes.subjects(SOPHIE), ["one", "two"]);
    assert_eq!(mailboxes.subjects(TOM), ["two"]);
    assert_eq!(mailboxes.subjects(ANN), ["three"]);
}

#[test]
fn the_daemon_is_down() {
    let mut company = Company::start();
    company.daemon.kill();
    send_all(&company.postfix);
    wait_until("all three wait", || company.postfix.all_wait(3));
    company.daemon.restart();
    all_arrived_once(&company.postfix, &company.mailboxes);
}

#[test]
fn the_way_back_into_postfix_is_down() {
    let company = Company::start();
    let master = company.postfix.config.join("master.cf");
    let running = std::fs::read_to_string(&master).unwrap();
    // As it is after a slip in master.cf: the ports are others.
    let mut slip = Shipped::read(master.to_str().unwrap());
    for port in [company.postfix.ports.replies, company.postfix.ports.automated] {
        slip = slip.replace(&format!("\n127.0.0.1:{port} inet"), &format!("\n127.0.0.1:{} inet", ports::free()));
    }
    slip.write(&master);
    company.postfix.reload();
    send_all(&company.postfix);
    wait_until("all three wait", || company.postfix.all_wait(3));
    std::fs::write(&master, running).unwrap();
    company.postfix.reload();
    all_arrived_once(&company.postfix, &company.mailboxes);
}

#[test]
fn the_mailbox_server_is_down() {
    let mut company = Company::start();
    company.mailboxes.stop();
    send_all(&company.postfix);
    // Two legs of one mail are two messages behind the daemon.
    wait_until("four wait for their mailboxes", || company.postfix.all_wait(4));
    company.mailboxes.resume();
    all_arrived_once(&company.postfix, &company.mailboxes);
}
