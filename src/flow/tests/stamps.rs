//! Outbound: what is written into automated mail, and under what it is learned.

use bytes::Bytes;

use super::*;
use crate::flow::stamp::Stamp as Stamped;
use crate::mail::ReversePath;
use crate::message::{Message, edit};
use crate::threads::Twin;

fn message(fields: &str) -> Message {
    Message::read(Bytes::from(format!("From: Sophie from Acme <sophie@acme.example>\r\n{fields}\r\n\r\nbody\r\n")))
}

fn stamp(acme: &Acme, message: &Message, found: &Found) -> Stamped {
    let desk = acme.desk();
    let persona = desk.signing_persona(message).expect("the From field names a persona");
    desk.stamp(persona, message, Some(&ReversePath::Address(address("app@acme.example"))), found)
}

/// The header section after the stamp, the From field left out.
fn stamped(acme: &Acme, fields: &str) -> (Stamped, String) {
    let message = message(fields);
    let stamp = stamp(acme, &message, &Found::default());
    let whole = String::from_utf8(edit::apply(&message, &stamp.edits).concat()).unwrap();
    let head = whole.split("\r\n\r\n").next().unwrap().split_once("\r\n").unwrap().1.to_owned();
    (stamp, head)
}

#[test]
fn the_seed_stands_first_however_references_are_written() {
    let acme = Acme::new();
    for (fields, rest) in [
        ("Message-ID: <a@b>", ""),
        ("Message-ID: <a@b>\r\nReferences: <old@x>", "\r\n <old@x>"),
        ("Message-ID: <a@b>\r\nReferences:<old@x>", "\r\n <old@x>"),
        ("Message-ID: <a@b>\r\nreferences:\r\n <old@x>\r\n <older@x>", "\r\n <old@x>\r\n <older@x>"),
        ("Message-ID: <a@b>\r\nReferences:", ""),
        ("Message-ID: <a@b>\r\nReferences: ", " "),
        ("Message-ID: <a@b>\r\nReferences:\t\r\n <old@x>", "\t\r\n <old@x>"),
    ] {
        let (stamp, head) = stamped(&acme, fields);
        let seed = format!("<{}@acme.example>", acme.token(Purpose::Seed, "sophie", stamp.thread));
        let expected = format!("Message-ID: <a@b>\r\nreferences: {seed}{rest}");
        assert_eq!(head.replace("References", "references"), expected, "{fields:?}");
        assert!(stamp.seeded && stamp.skipped.is_empty());
    }
}

#[test]
fn a_follow_up_keeps_its_seed_and_thread() {
    let acme = Acme::new();
    let (first, head) = stamped(&acme, "Message-ID: <a@b>");
    let (again, unchanged) = stamped(&acme, &head);
    assert_eq!((again.thread, unchanged.as_str()), (first.thread, head.as_str()));
    let of_tom = format!("Message-ID: <a@b>\r\nReferences: {}", acme.seed("tom", 3));
    assert_ne!(stamped(&acme, &of_tom).0.thread, thread(3), "another persona's seed is not ours to keep");
}

#[test]
fn a_missing_message_id_is_minted_and_a_retry_keeps_it() {
    let acme = Acme::new();
    let message = message("Subject: hi");
    let minted = stamp(&acme, &message, &Found::default()).message_id.unwrap();
    assert!(minted.as_str().ends_with("@acme.example"));
    let learned = Some((thread(2), id("minted-before@acme.example")));
    let found = Found { twin: Some(Twin { learned, done: Vec::new() }), ..Found::default() };
    let retry = stamp(&acme, &message, &found);
    assert_eq!((retry.thread, retry.message_id), (thread(2), Some(id("minted-before@acme.example"))));
}

#[test]
fn a_message_id_that_is_there_is_never_written_twice() {
    let acme = Acme::new();
    for (field, read) in [("<>", None), ("", None), ("abc123", Some("abc123")), ("<a b@c>", Some("ab@c"))] {
        let (stamp, head) = stamped(&acme, &format!("Message-ID: {field}\r\nSubject: hi"));
        assert_eq!(head.matches("Message-ID").count(), 1, "{head}");
        assert_eq!(stamp.message_id.as_ref().map(MessageId::as_str), read, "{field}");
        assert!(stamp.seeded);
    }
}

#[test]
fn bounces_of_a_follow_up_in_an_old_thread_come_back() {
    let mut acme = Acme::new();
    acme.policy.stamp.return_path = true;
    let old = ThreadId::new(now() - jiff::SignedDuration::from_hours(24 * 90), [0, 1]);
    let seed = acme.token(Purpose::Seed, "sophie", old);
    let (stamp, _) = stamped(&acme, &format!("Message-ID: <a@b>\r\nReferences: <{seed}@acme.example>"));
    assert_eq!(stamp.thread, old);
    assert!(acme.desk().recipient(stamp.reverse_path.as_ref().and_then(ReversePath::address).unwrap()).is_ok());
}

#[test]
fn what_a_signature_covers_is_left_alone() {
    let acme = Acme::new();
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; h=From:References:\r\n Message-ID; b=x";
    let (stamp, head) = stamped(&acme, signature);
    assert_eq!(head, signature);
    assert_eq!(stamp.skipped, ["Message-ID", "References"]);
    assert_eq!((stamp.message_id, stamp.seeded), (None, false));
}

#[test]
fn reply_to_and_return_path_carry_tokens_where_asked_for() {
    let mut acme = Acme::new();
    acme.policy.stamp.reply_to = true;
    acme.policy.stamp.return_path = true;
    let (stamp, head) = stamped(&acme, "Message-ID: <a@b>\r\nReferences: <x@y>");
    let masked = format!("sophie+{}@acme.example", acme.token(Purpose::Reply, "sophie", stamp.thread));
    assert!(head.ends_with(&format!("\r\nReply-To: {masked}")), "{head}");
    let path = stamp.reverse_path.as_ref().and_then(ReversePath::address).unwrap().clone();
    assert!(acme.desk().recipient(&path).is_ok() && path.to_string().starts_with("bounce+"));
    let (_, own) = stamped(&acme, "Message-ID: <a@b>\r\nReply-To: me@x");
    assert_eq!(own.matches("Reply-To").count(), 1, "an application's own Reply-To stays");
}

#[test]
fn a_stranger_is_no_persona() {
    let acme = Acme::new();
    for from in
        ["Someone <else@acme.example>", "Sophie from Acme <sophie@elsewhere.example>", "Nobody <hello@acme.example>"]
    {
        let message = Message::read(Bytes::from(format!("From: {from}\r\n\r\n")));
        assert!(acme.desk().signing_persona(&message).is_none(), "{from}");
    }
}

#[test]
fn several_from_fields_pass_where_none_is_a_personas() {
    let acme = Acme::new();
    let door = |head: &str| {
        let message = Message::read(Bytes::from(format!("{}\r\n\r\nbody\r\n", head.replace('|', "\r\n"))));
        acme.desk().outbound_door(&message).map_or(0, |reply| reply.code)
    };
    assert_eq!(door("From: crm@acme.example|From: crm@acme.example"), 0, "mail of others passes untouched");
    assert_eq!(door("From: crm@acme.example|From: Sophie <Sophie+x@acme.example>"), 550);
    assert_eq!(door("From: Sophie <sophie@acme.example>|From: crm@acme.example"), 550);
}

#[test]
fn a_mail_whose_copy_was_learned_first_is_stamped_with_the_thread_of_the_copy() {
    let acme = Acme::new();
    let thread_of =
        |fields: &str| stamp(&acme, &message(fields), &Memory::default().learned("a@b", "sophie", 1).0).thread;
    assert_eq!(thread_of("Message-ID: <a@b>\r\nTo: ann@customer.example"), thread(1));
    for other in [
        "Message-ID: <a@b>\r\nTo: ben@customer.example",
        "Message-ID: <a@b>",
        "Message-ID: <c@d>\r\nTo: ann@customer.example",
    ] {
        assert_ne!(thread_of(other), thread(1), "{other}");
    }
}
