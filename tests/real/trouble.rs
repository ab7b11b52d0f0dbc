//! Something is down for a while: mail waits in Postfix's queue, then all of it arrives, once.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::ports;
use crate::shipped::Shipped;
use crate::support::{crlf, wait_until};

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

fn automated(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Sophie from Acme <sophie@acme.example>\nTo: {ANN}\nSubject: {subject}\n\nHello\n"))
}

/// One mail to Sophie, one to both, and one from her.
fn send_all(company: &Company) {
    let postfix = &company.postfix;
    for (to, subject) in [(&["sophie@acme.example"][..], "one"), (&["sophie@acme.example", "tom@acme.example"], "two")]
    {
        let reply = postfix.outside(ANN, to, &mail(subject));
        assert!(reply.starts_with("250"), "{reply}");
    }
    postfix.sendmail("app@acme.example", &[ANN], &automated("three"));
}

/// Whether Postfix has tried to hand over all of them in vain.
fn all_wait(company: &Company, messages: usize) -> bool {
    company.postfix.queue().len() == messages && company.postfix.deferred() == messages
}

fn all_arrived_once(company: &Company) {
    company.postfix.flush();
    company.postfix.wait_for_empty_queue();
    assert_eq!(company.subjects(SOPHIE), ["one", "two"]);
    assert_eq!(company.subjects(TOM), ["two"]);
    assert_eq!(company.subjects(ANN), ["three"]);
}

#[test]
fn the_daemon_is_down() {
    let mut company = Company::start();
    company.daemon.kill();
    send_all(&company);
    wait_until("all three wait", || all_wait(&company, 3));
    company.daemon.restart();
    all_arrived_once(&company);
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
    send_all(&company);
    wait_until("all three wait", || all_wait(&company, 3));
    std::fs::write(&master, running).unwrap();
    company.postfix.reload();
    all_arrived_once(&company);
}

#[test]
fn the_mailbox_server_is_down() {
    let mut company = Company::start();
    company.mailboxes.stop();
    send_all(&company);
    // Two legs of one mail are two messages behind the daemon.
    wait_until("four wait for their mailboxes", || all_wait(&company, 4));
    company.mailboxes.resume();
    all_arrived_once(&company);
}
