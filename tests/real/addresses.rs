//! Which addresses exist: at RCPT, in Postfix, so that nobody has to bounce anything.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::postfix::Wishes;
use crate::support::{crlf, field, wait_until};

fn mail(subject: &str) -> Vec<u8> {
    crlf(&format!("From: {ANN}\nMessage-ID: <{subject}@customer.example>\nSubject: {subject}\n\nHello\n"))
}

/// The reply to RCPT.
fn recipient(company: &Company, from: &str, to: &str) -> String {
    let mut client = company.postfix.client_from_outside();
    client.begin(from, &[to]).unwrap().unwrap_or_else(|| "354".into())
}

/// Whoever writes *From: Sophie* outside must not teach us ids.
#[test]
fn mail_from_outside_never_passes_the_door_of_automated_mail() {
    let company = Company::start();
    let forged = crlf("From: Sophie from Acme <sophie@acme.example>\nSubject: forged\n\nHello\n");
    let reply = company.postfix.outside("stranger@elsewhere.example", &[ANN], &forged);
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = company.mailboxes.wait_for(ANN, "Subject: forged");
    assert!(field(&arrived, "References").is_none() && !company.daemon.log().contains("settled"));
}

fn masked() -> Company {
    let wishes = Wishes {
        reply_domain: "replies.acme.example",
        // A probe is awaited by polls: more of them, more often.
        main: "address_verify_poll_delay = 1s\naddress_verify_poll_count = 10\n".into(),
        ..Wishes::default()
    };
    Company::with(wishes, "", &["sophie.martin@corp.example!", TOM, ANN])
}

#[test]
fn personas_exist_with_any_subaddress_and_nobody_else_does() {
    let company = Company::start();
    for there in ["sophie@acme.example", "Sophie+anything@ACME.example", "hello@acme.example"] {
        let reply = recipient(&company, ANN, there);
        assert!(reply.starts_with("354"), "{there}: {reply}");
    }
    for (not_there, code) in
        [("nobody@acme.example", "550"), ("someone@elsewhere.example", "454"), ("sophie@sincerely.internal", "454")]
    {
        let reply = recipient(&company, ANN, not_there);
        assert!(reply.starts_with(code), "{not_there}: {reply}");
    }
    // The daemon sees the token, and takes it off for nobody.
    assert!(company.postfix.outside(ANN, &["sophie+abc@acme.example"], &mail("token")).starts_with("250"));
    let arrived = company.mailboxes.wait_for(SOPHIE, "Subject: token");
    assert!(String::from_utf8_lossy(&arrived).contains("for <sophie+abc@acme.example>"));
}

#[test]
fn a_forged_token_is_refused_at_rcpt_and_a_full_inbox_bounces_to_the_daemon() {
    let company = masked();
    assert!(company.postfix.outside(ANN, &["tom@acme.example"], &mail("first")).starts_with("250"));
    let arrived = company.mailboxes.wait_for(TOM, "Subject: first");
    let return_path = field(&arrived, "Return-Path").unwrap();
    let genuine = return_path.trim_matches(['<', '>']);
    assert!(genuine.starts_with("bounce+") && genuine.ends_with("@replies.acme.example"), "{return_path}");
    company.postfix.wait_for_empty_queue();

    let reply = recipient(&company, "", genuine);
    assert!(reply.starts_with("354"), "{reply}");
    let forged = genuine.replacen("bounce+", "bounce+a", 1);
    let reply = recipient(&company, "", &forged);
    assert!(reply.starts_with("550"), "{reply}");
    assert!(recipient(&company, ANN, "anyone@replies.acme.example").starts_with("550"));
    company.postfix.wait_for_empty_queue();
    assert!(!company.postfix.log().contains("status=bounced"), "{}", company.postfix.log());

    // Sophie's mailbox holds 10 kilobytes; its server refuses only when Postfix has taken the mail.
    let large = [mail("large"), crlf(&"a line of text\n".repeat(2000))].concat();
    assert!(company.postfix.outside(ANN, &["sophie@acme.example"], &large).starts_with("250"));
    wait_until("the bounce is held", || company.daemon.held("bounce").len() == 1);
    company.postfix.wait_for_empty_queue();
    assert!(company.mailboxes.inbox(ANN).is_empty(), "the customer learns nothing of Sophie's mailbox");
}

const INTERNAL: &str = "[inbound]\naliases = { \"sincerely.internal\" = \"acme.example\" }\n";

#[test]
fn an_internal_domain_serves_where_postfix_only_knows_aliases() {
    let wishes = Wishes { internal: "sincerely.internal", only_aliases: true, ..Wishes::default() };
    let company = Company::with(wishes, INTERNAL, &[SOPHIE, TOM, ANN]);
    assert!(company.postfix.outside(ANN, &["sophie+abc@acme.example"], &mail("alias")).starts_with("250"));
    let arrived = company.mailboxes.wait_for(SOPHIE, "Subject: alias");
    assert!(field(&arrived, "X-Sincerely").is_some());
    assert!(recipient(&company, ANN, "nobody@acme.example").starts_with("550"));
    assert!(recipient(&company, ANN, "sophie@sincerely.internal").starts_with("454"), "nobody else's to address");
}

#[test]
fn a_persona_may_be_a_mailbox_too_by_an_internal_domain() {
    let wishes = Wishes { internal: "sincerely.internal", ..Wishes::default() };
    let more = format!(
        "{INTERNAL}[people.dora]\ninbox = \"dora@acme.example\"\n\
         [personas.dora]\naddress = \"Dora <dora@acme.example>\"\nanswered_by = \"dora\"\n"
    );
    let wishes = Wishes { personas: "dora@acme.example dora@acme.example\n", ..wishes };
    let company = Company::with(wishes, &more, &["dora@acme.example", ANN]);
    assert!(company.postfix.outside(ANN, &["dora@acme.example"], &mail("own")).starts_with("250"));
    let arrived = company.mailboxes.wait_for("dora@acme.example", "Subject: own");
    assert_eq!(String::from_utf8_lossy(&arrived).matches("X-Sincerely:").count(), 1, "one round");
    company.postfix.wait_for_empty_queue();
    assert!(company.daemon.held("loop").is_empty());
    assert_eq!(company.subjects("dora@acme.example"), ["own"]);
}
