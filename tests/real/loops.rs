//! Loops are easily built: an inbox that leads back to the persona.

use std::fs;

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::postfix::Wishes;
use crate::shipped::Shipped;
use crate::support::{crlf, daemon, wait_until};

#[test]
fn check_refuses_an_inbox_that_is_a_persona() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sincerely.toml");
    let file = Shipped::read("examples/postfix.toml").replace(SOPHIE, "sophie+inbox@ACME.example").text();
    fs::write(&config, file).unwrap();
    let checked = daemon::command(&config, &["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(78), "{said}");
    assert!(said.contains("people.sophie.inbox") && said.contains("would come back"), "{said}");
}

/// No check can see what Postfix makes of an inbox.
#[test]
fn an_inbox_that_postfix_aliases_to_the_persona_is_held_after_one_round() {
    let wishes = Wishes {
        main: format!("virtual_alias_maps = inline:{{{{{SOPHIE} = sophie@acme.example}}}}\n"),
        ..Wishes::default()
    };
    let company = Company::with(wishes, "", &[SOPHIE, TOM, ANN]);
    let mail = crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <round@customer.example>\nSubject: round\n\nHello\n"));
    let reply = company.postfix.outside(ANN, &["sophie@acme.example"], &mail);
    assert!(reply.starts_with("250"), "{reply}");
    wait_until("it is held", || company.daemon.held("loop").len() == 1);
    company.postfix.wait_for_empty_queue();
    wait_until("two rounds are in the log", || company.daemon.log().matches("event=\"settled\"").count() == 2);
    assert!(company.mailboxes.inbox(ANN).is_empty(), "no bounce");
}

/// Twenty errors end a session at Postfix, unless it is told otherwise; our connection is kept for many
/// messages, and each refused inbox is an error there.
#[test]
fn many_refused_inboxes_in_a_row_delay_nobody() {
    let more = "[people.gone]\ninbox = \"gone@corp.example\"\n[personas.gone]\naddress = \"Gone <gone@acme.example>\"\nanswered_by = \"gone\"\n";
    let wishes = Wishes { personas: "gone@acme.example gone@corp.example\n", ..Wishes::default() };
    let company = Company::with(wishes, more, &[SOPHIE, TOM, ANN]);
    let mut outside = company.postfix.client_from_outside();
    for number in 0..30 {
        let mail = crlf(&format!("From: Ann <{ANN}>\nMessage-ID: <{number}@customer.example>\n\nHello {number}\n"));
        let reply = outside.send(ANN, &["gone@acme.example"], &mail).unwrap();
        assert!(reply.starts_with("250"), "{reply}");
    }
    company.postfix.wait_for_empty_queue();
    assert_eq!(company.daemon.held("undelivered").len(), 30);
    let log = company.postfix.log();
    assert!(!log.contains("status=deferred") && !log.contains("too many errors"), "{log}");
}
