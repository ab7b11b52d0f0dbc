//! The whole story: an application submits a mail from Sophie; Ann's mail program answers it; so does
//! Sophie's; so does Ann's again.

use rstest::rstest;

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::mail_program::MailProgram;
use crate::postfix::Wishes;
use crate::server::Server;
use crate::support::{body, crlf, field};

/// What the application submits: as a command's input, with LF.
fn automated(from: &str, subject: &str) -> String {
    format!(
        "From: {from}\nTo: Ann <{ANN}>\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\nHello Ann, schön, dass Sie da sind.\n.\nYours\n"
    )
}

#[rstest]
#[case::lmtp(false)]
#[case::smtp(true)]
fn answers_go_to_and_fro_and_reach_the_person_who_signed(#[case] smtp: bool) {
    let company = Company::with(Wishes { smtp, ..Wishes::default() }, "", &[SOPHIE, TOM, ANN]);
    to_and_fro(&company.postfix, &company.mailboxes);
}

/// The story, beside any mail server.
pub(crate) fn to_and_fro(server: &impl Server, mailboxes: &Dovecot) {
    let ann = MailProgram::new(mailboxes, ANN, "Ann <ann@customer.example>", server.outside_port());

    let first = automated("Sophie from Acme <sophie@acme.example>", "Welcome");
    server.sendmail("app@acme.example", &[ANN], first.as_bytes());
    let welcome = mailboxes.wait_for(ANN, "Subject: Welcome");
    assert_eq!(body(&welcome), body(&crlf(&first)), "every octet as the application wrote it");
    assert!(field(&welcome, "References").unwrap().starts_with('<'), "the seed");

    let sent = ann.answer("Welcome", "Danke schön, Sophie!\n..\nFrom here, Ann");
    let answer = mailboxes.wait_for(SOPHIE, "Subject: Re: Welcome");
    assert_eq!(body(&answer), body(&sent), "every octet as Ann's program wrote it");
    assert!(field(&answer, "X-Sincerely").unwrap().contains("evidence=seed"));

    // By port 25, from the address that both share; only the name says that it is Tom's.
    let shared = automated("Tom from Acme <hello@acme.example>", "Invoice");
    let reply = server.application("app@acme.example", &[ANN], &crlf(&shared));
    assert!(reply.starts_with("250"), "{reply}");
    mailboxes.wait_for(ANN, "Subject: Invoice");
    let sent = ann.answer("Invoice", "Paid, Tom.");
    let answer = mailboxes.wait_for(TOM, "Subject: Re: Invoice");
    assert_eq!(body(&answer), body(&sent));

    // Sophie's program sends as the persona, by the port of mail programs.
    let sophie =
        MailProgram::new(mailboxes, SOPHIE, "Sophie from Acme <sophie@acme.example>", server.submission_port());
    let sent = sophie.answer("Welcome", "What can I do for you?");
    let hers = mailboxes.wait_for(ANN, "What can I do for you?");
    assert_eq!(body(&hers), body(&sent));
    assert!(!String::from_utf8_lossy(&hers).contains("corp.example"), "her own address stays hers");

    ann.answer("Re: Welcome", "The second answer.");
    let again = mailboxes.wait_for(SOPHIE, "The second answer.");
    assert!(field(&again, "X-Sincerely").unwrap().contains("evidence=seed"));

    server.wait_for_empty_queue();
    assert_eq!(mailboxes.inbox(SOPHIE).len(), 2);
    assert_eq!(mailboxes.inbox(TOM).len(), 1);
    assert_eq!(mailboxes.inbox(ANN).len(), 3);
}
