//! Something is down for a while: mail waits in Postfix's queue, then all of it arrives, once.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::postfix::Wishes;
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

/// Whether Postfix has tried, and nothing is on its way.
fn all_wait(company: &Company, messages: usize) -> bool {
    let queue = company.postfix.queue();
    queue.len() == messages && queue.iter().all(|message| message["queue_name"] == "deferred")
}

fn all_arrived_once(company: &Company) {
    company.postfix.flush();
    company.postfix.wait_for_empty_queue();
    let subjects = |user: &str| {
        let inbox = company.mailboxes.inbox(user);
        let mut subjects: Vec<_> = inbox.iter().map(|mail| crate::support::field(mail, "Subject").unwrap()).collect();
        subjects.sort();
        subjects
    };
    assert_eq!(
        (subjects(SOPHIE), subjects(TOM), subjects(ANN)),
        (vec!["one".into(), "two".into()], vec!["two".into()], vec!["three".into()])
    );
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
    let replies = format!("\n127.0.0.1:{} inet", company.postfix.ports.replies);
    assert!(running.contains(&replies));
    // As it is after a slip in master.cf: the port is taken away.
    std::fs::write(&master, running.replace(&replies, "\n127.0.0.1:0 inet")).unwrap();
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

#[test]
fn bypass_is_one_command() {
    let company = Company::with(Wishes::default(), "", &[SOPHIE, TOM, ANN]);
    assert!(company.postfix.bypass("status").contains("bypass is off"));
}
