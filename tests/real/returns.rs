//! Inboxes at other servers, which take the mail first and find out later that they cannot have it: what comes back sends
//! it to a colleague, once, and never to the customer.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::dovecot::Dovecot;
use crate::elsewhere::world::{Place, Setting, World, settled};
use crate::ports;
use crate::support::{body, crlf, field, wait_until};

fn question(subject: &str) -> Vec<u8> {
    crlf(&format!(
        "From: Ann <{ANN}>\nTo: Sophie <sophie@acme.example>\nMessage-ID: <{subject}@customer.example>\n\
         Subject: {subject}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nSchöne Grüße\n"
    ))
}

/// Hands in a mail from Ann to Sophie; waits until Tom has it instead, as she wrote it.
fn goes_to_tom(world: &World, subject: &str) {
    let Company { postfix, mailboxes, daemon, .. } = &world.company;
    let mail = question(subject);
    assert!(postfix.outside(ANN, &["sophie@acme.example"], &mail).starts_with("250"));
    let arrived = mailboxes.wait_for(TOM, &format!("Subject: {subject}"));
    assert!(arrived.ends_with(&mail), "{}", String::from_utf8_lossy(&arrived));
    assert_eq!(body(&arrived), body(&mail));
    assert!(field(&arrived, "Return-Path").unwrap().starts_with("<bounce+"));
    postfix.wait_for_empty_queue();
    assert_eq!(mailboxes.copies(TOM, subject), 1);
    assert_eq!(daemon.held("bounce").len(), 1);
    assert!(mailboxes.inbox(ANN).is_empty() && daemon.held("undelivered").is_empty());
    wait_until("the bounce is the last", || settled(daemon).last().is_some_and(|line| line["kind"] == "bounce"));
}

const SOPHIE_AT_UNIX: &[(&str, Place)] = &[(SOPHIE, Place::Unix)];
const SOPHIE_AT_EXIM: &[(&str, Place)] = &[(SOPHIE, Place::Exim)];
const BOTH: &[(&str, Place)] = &[(SOPHIE, Place::Unix), (TOM, Place::Exim)];

fn world(inboxes: &'static [(&'static str, Place)], unix: String) -> World {
    World::start(&Setting { reply_domain: "replies.acme.example", inboxes, unix, ..Setting::default() })
}

#[test]
fn the_inbox_is_gone() {
    goes_to_tom(&world(SOPHIE_AT_UNIX, String::new()), "gone");
}

/// Its Postfix takes the mail, and its Dovecot does not.
#[test]
fn the_inbox_is_full() {
    let folder = tempfile::tempdir().unwrap();
    // Dovecot has users of its own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let there = Dovecot::start(&folder.path().join("dovecot"), &["sophie.martin@corp.example!"], ports::free());
    let unix = format!("transport_maps = inline:{{ {{{SOPHIE} = lmtp:inet:127.0.0.1:{}}} }}\n", there.lmtp);
    let world = world(SOPHIE_AT_UNIX, unix);
    let filling = [question("filling"), crlf(&"a line of text\n".repeat(600))].concat();
    assert!(world.company.postfix.outside(ANN, &["sophie@acme.example"], &filling).starts_with("250"));
    there.wait_for(SOPHIE, "Subject: filling");
    goes_to_tom(&world, "full");
    assert_eq!(there.subjects(SOPHIE), ["filling"]);
}

#[test]
fn the_inbox_is_full_at_exim() {
    goes_to_tom(&world(SOPHIE_AT_EXIM, String::new()), "full");
}

#[test]
fn both_inboxes_are_gone() {
    let world = world(BOTH, String::new());
    let Company { postfix, mailboxes, daemon, .. } = &world.company;
    let mail = question("both");
    assert!(postfix.outside(ANN, &["sophie@acme.example"], &mail).starts_with("250"));
    wait_until("it is held", || daemon.held("undelivered").len() == 1);
    assert!(daemon.held("undelivered")[0].ends_with(&mail));
    postfix.wait_for_empty_queue();
    wait_until("both bounces are there", || settled(daemon).len() == 3);
    assert!(mailboxes.inbox(ANN).is_empty(), "no bounce");
}
