//! What an application asks of delivery notifications, by Postfix, through the daemon, and back into Postfix.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::postfix::{Postfix, Wishes};
use crate::support::{Client, crlf, wait_until};

/// A mail that nobody can get: its recipient has no mailbox.
fn to_nobody(subject: &str) -> Vec<u8> {
    crlf(&format!("From: Sophie from Acme <sophie@acme.example>\nSubject: {subject}\n\nHello\n"))
}

fn is_offered(company: &Company) -> bool {
    let mut client = Client::connect(company.postfix.ports.outbound.parse().unwrap());
    client.say("EHLO test.example").unwrap().contains("DSN")
}

/// Submits by command, and asks (sendmail(1), `-N`).
fn sendmail(postfix: &Postfix, asking: &str, to: &str, subject: &str) {
    postfix.sendmail_with(&["-N", asking], TOM, &[to], &to_nobody(subject));
}

/// The notifications that the sender got, sorted by what they are about.
fn notifications(mailboxes: &Dovecot) -> Vec<String> {
    let mut about: Vec<String> = mailboxes.inbox(TOM).iter().map(|mail| original_recipient(mail)).collect();
    about.sort();
    about
}

fn original_recipient(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
    format!("{} {}", field("Action:").expect("a notification"), field("Final-Recipient:").expect("a notification"))
}

#[test]
fn an_application_is_told_what_it_asked_for() {
    let wishes = Wishes { smtp: true, ..Wishes::default() };
    let company = Company::with(wishes, "", &[SOPHIE, TOM, ANN]);
    // The daemon greeted Postfix before it was there; the first mail does.
    company.postfix.sendmail("app@acme.example", &[ANN], &to_nobody("first"));
    company.mailboxes.wait_for(ANN, "Subject: first");
    assert!(is_offered(&company));

    sendmail(&company.postfix, "never", "never@customer.example", "never");
    sendmail(&company.postfix, "failure", "failure@customer.example", "failure");
    sendmail(&company.postfix, "success", ANN, "success");
    company.postfix.wait_for_empty_queue();
    wait_until("two notifications", || company.mailboxes.inbox(TOM).len() == 2);
    company.postfix.wait_for_empty_queue();
    let expected = ["failed rfc822; failure@customer.example", "relayed rfc822; ann@customer.example"];
    assert_eq!(notifications(&company.mailboxes), expected);
}
