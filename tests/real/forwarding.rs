//! Who the client is, which only Postfix sees: it tells the daemon's log.

use rstest::rstest;

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::postfix::Wishes;
use crate::support::{crlf, field, wait_until};

#[rstest]
#[case::lmtp(false)]
#[case::smtp(true)]
fn the_log_names_the_client_of_postfix(#[case] smtp: bool) {
    let company = Company::with(Wishes { smtp, ..Wishes::default() }, "", &[SOPHIE, TOM, ANN]);
    let Company { postfix, mailboxes, daemon, .. } = &company;
    let line_of = |message: &str| {
        let id = format!("from={message}@customer.example");
        let is_it = |line: &&str| line.contains(&id) && line.contains("\"settled\"");
        wait_until(&id, || daemon.log().lines().any(|line| is_it(&line)));
        daemon.log().lines().find(is_it).map(str::to_owned).unwrap()
    };

    for (last, name) in [(7, "seven"), (9, "nine")] {
        let from = format!("{name}@customer.example");
        let mail = crlf(&format!("From: {from}\nMessage-ID: <{from}>\nSubject: from {name}\n\nHello\n"));
        let reply = postfix.client_from([127, 0, 0, last]).send(&from, &["sophie@acme.example"], &mail).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
        let arrived = mailboxes.wait_for(SOPHIE, &format!("Subject: from {name}"));
        let line = line_of(name);
        assert!(line.contains(&format!("client=127.0.0.{last}}}")), "{line}");
        assert!(line.contains(if smtp { "peer=127.0.0.1}" } else { "peer=unix}" }), "{line}");
        let received = field(&arrived, "Received").unwrap();
        assert!(!received.contains(&format!("127.0.0.{last}")), "the first is of the last hop: {received}");
    }

    // What a command submits has no client; an application at port 25 is one.
    let automated = |subject: &str| {
        format!("From: Sophie from Acme <sophie@acme.example>\nTo: {ANN}\nSubject: {subject}\n\nWelcome\n")
    };
    postfix.sendmail("command@customer.example", &[ANN], automated("by command").as_bytes());
    mailboxes.wait_for(ANN, "Subject: by command");
    assert!(!line_of("command").contains("client="), "{}", line_of("command"));
    let mut application = postfix.client_of_applications();
    let reply = application.send("application@customer.example", &[ANN], &crlf(&automated("by port 25"))).unwrap();
    assert!(reply.starts_with("250"), "{reply}");
    mailboxes.wait_for(ANN, "Subject: by port 25");
    assert!(line_of("application").contains("client=127.0.0.1}"), "{}", line_of("application"));
}
