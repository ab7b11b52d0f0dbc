//! At 3 a.m.: the daemon is taken out of the way, and put back.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::process;
use crate::support::{crlf, field, wait_until};

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

fn automated(subject: &str) -> Vec<u8> {
    format!("From: Sophie from Acme <sophie@acme.example>\nTo: {ANN}\nSubject: {subject}\n\nHello\n").into_bytes()
}

#[test]
fn bypass_on_and_off_loses_nothing_and_doubles_nothing() {
    let mut company = Company::start();
    company.daemon.kill();
    let postfix = &company.postfix;
    let to_personas = |to: &[&str], subject: &str| {
        let reply = postfix.outside(ANN, to, &mail(subject));
        assert!(reply.starts_with("250"), "{reply}");
    };
    to_personas(&["sophie+token@acme.example", "tom@acme.example"], "before");
    postfix.sendmail("app@acme.example", &[ANN], &automated("welcome before"));
    wait_until("both wait", || postfix.bypass("status").contains("\n2 messages wait"));
    wait_until("both were tried", || postfix.deferred() == 2);

    let on = postfix.bypass("on");
    assert!(on.contains("bypass is on: the daemon is out\n0 messages wait"), "{on}");
    assert!(!on.contains("in hand") && !on.contains("Requeued: 0"), "{on}");
    let settings = process::output(postfix.command("postconf").args(["-n", "sincerely_outbound"]), b"");
    let complaints = String::from_utf8_lossy(&settings.stderr);
    assert!(!complaints.contains("main.cf: unused parameter: sincerely"), "{complaints}");
    to_personas(&["sophie@acme.example"], "during");
    to_personas(&["hello+abc@acme.example"], "to both");
    postfix.sendmail("app@acme.example", &[ANN], &automated("welcome during"));
    postfix
        .client_of_applications()
        .send("app@acme.example", &[ANN], &automated_on_wire("welcome by port 25"))
        .unwrap();
    postfix.wait_for_empty_queue();
    assert!(postfix.bypass("status").contains("\n0 messages wait"));
    assert_eq!(company.subjects(SOPHIE), ["before", "during", "to both"]);
    assert_eq!(company.subjects(TOM), ["before", "to both"]);
    assert_eq!(company.subjects(ANN), ["welcome before", "welcome by port 25", "welcome during"]);

    // Back; what came in a moment too early waits for the daemon.
    assert!(postfix.bypass("off").contains("bypass is off"));
    to_personas(&["sophie@acme.example"], "after");
    company.daemon.restart();
    let postfix = &company.postfix;
    postfix.sendmail("app@acme.example", &[ANN], &automated("welcome after"));
    postfix.flush();
    postfix.wait_for_empty_queue();
    let after = company.mailboxes.wait_for(SOPHIE, "Subject: after");
    assert!(field(&after, "X-Sincerely").is_some(), "by the daemon again");
    let welcome = company.mailboxes.wait_for(ANN, "Subject: welcome after");
    assert!(field(&welcome, "References").is_some(), "stamped again");
    assert_eq!(company.subjects(SOPHIE).len(), 4);
    assert_eq!(company.subjects(ANN).len(), 4);
    // Nothing is left of it.
    let again = String::from_utf8(postfix.setup().output().unwrap().stdout).unwrap();
    assert!(again.contains("nothing to change"), "{again}");
}

fn automated_on_wire(subject: &str) -> Vec<u8> {
    crlf(&String::from_utf8(automated(subject)).unwrap())
}
