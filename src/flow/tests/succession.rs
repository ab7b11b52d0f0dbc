//! A persona that left: what was Anna's comes to Sophie, and is remembered as hers.

use bytes::Bytes;
use rstest::rstest;

use super::plans::{arrival, plan, told};
use super::*;
use crate::flow::copy::Unlearned;
use crate::mail::ReversePath;
use crate::message::Message;
use crate::people::Predecessor;
use crate::threads::Remembered;
use crate::threads::Twin;

/// Acme, where Anna was before Sophie, and had an address that is still written to. Of Bea nothing is known.
fn acme() -> Acme {
    let mut acme = Acme::new();
    let anna = Predecessor {
        name: PersonaName("anna".into()),
        successor: PersonaName("sophie".into()),
        display_name: Some("Anna from Acme".into()),
        addresses: vec![address("anna@acme.example"), address("hello@acme.example")],
        greeted_as: vec!["Anna".into()],
    };
    acme.policy.people = std::mem::take(&mut acme.policy.people).succeeding(vec![anna]);
    acme
}

/// Thread 1 was learned as Anna's, 2 as Sophie's, 3 as Tom's; Ann opened Anna's thread 4; 9 was Bea's.
fn memory() -> Memory {
    Memory::default()
        .learned("one@acme.example", "anna", 1)
        .learned("two@acme.example", "sophie", 2)
        .learned("three@acme.example", "tom", 3)
        .healed("anns@customer.example", "anna", 4, "ann@customer.example")
        .learned("gone@acme.example", "bea", 9)
}

/// `PURPOSE:persona:thread` as a token.
fn with_tokens(acme: &Acme, text: &str) -> String {
    let mut text = text.to_owned();
    for (word, purpose) in [("SEED", Purpose::Seed), ("REPLY", Purpose::Reply), ("RETURN", Purpose::ReturnOfOutbound)] {
        for (persona, number) in [("anna", 1), ("bea", 9), ("tom", 3)] {
            let token = acme.token(purpose, persona, thread(number));
            text = text.replace(&format!("{word}:{persona}"), &token);
        }
    }
    text
}

#[rstest]
#[case("anna@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example")]
#[case("Anna+x@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example")]
#[case("anna@acme.example", "In-Reply-To: <one@acme.example>", "message-id sophie 1 sophie@corp.example")]
#[case("anna@acme.example", "In-Reply-To: <two@acme.example>", "message-id sophie 2 sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <one@acme.example>", "message-id sophie 1 sophie@corp.example")]
#[case("hello@acme.example", "In-Reply-To: <one@acme.example>", "message-id sophie 1 sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <anns@customer.example>", "message-id sophie 4 sophie@corp.example")]
#[case("hello@acme.example", "References: <SEED:anna@acme.example>", "seed sophie 1 sophie@corp.example")]
#[case("sophie@acme.example", "References: <SEED:anna@acme.example>", "seed sophie 1 sophie@corp.example")]
#[case("anna+REPLY:anna@acme.example", "Subject: hi", "recipient-token sophie 1 sophie@corp.example")]
#[case("bounce+RETURN:anna@replies.acme.example", "Subject: failed", "recipient-token sophie 1 held/bounce")]
// What was Anna's is not Tom's.
#[case("tom@acme.example", "References: <SEED:anna@acme.example>", "persona-address tom - tom@corp.example")]
#[case("anna@acme.example", "In-Reply-To: <three@acme.example>", "persona-address sophie - sophie@corp.example")]
// Whoever is not in the configuration is no evidence.
#[case("hello@acme.example", "References: <SEED:bea@acme.example>", "unmatched - - held/unmatched")]
#[case("sophie@acme.example", "References: <SEED:bea@acme.example>", "persona-address sophie - sophie@corp.example")]
#[case("hello@acme.example", "In-Reply-To: <gone@acme.example>", "unmatched - - held/unmatched")]
#[case("hello+REPLY:bea@acme.example", "Subject: hi", "unmatched - - held/unmatched")]
#[case("x+REPLY:bea@replies.acme.example", "Subject: hi", "unmatched - - held/unmatched")]
fn mail_to_anna_is_sophies(#[case] to: &str, #[case] fields: &str, #[case] expect: &str) {
    let acme = acme();
    let (to, fields) = (with_tokens(&acme, to), with_tokens(&acme, fields));
    let plan = plan(&acme, &to, &fields, Ok(&memory().0));
    assert_eq!(told(&plan), expect, "{to} {fields}");
    let is_conflict = |conflict: &crate::mail::Conflict| conflict.persona == PersonaName("anna".into());
    assert!(!plan.matched.conflicts.iter().any(is_conflict), "Anna and Sophie never disagree");
}

/// A retry of a customer's first mail, which opened a thread of Anna's, opens no other of Sophie's.
#[test]
fn what_joined_a_thread_of_annas_has_joined_it() {
    let (acme, to) = (acme(), "anna@acme.example");
    let mut memory = memory().healed("own@customer.example", "anna", 5, "ann@customer.example").0;
    let retry = arrival(&acme, to, "Subject: hi").retry_key(&address(to));
    memory.retries.insert(retry, Remembered::default());
    let plan = plan(&acme, to, "Subject: hi", Ok(&memory));
    assert_eq!(plan.joins, Some(thread(5)));
}

fn message(fields: &str) -> Message {
    Message::read(Bytes::from(format!("{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"))))
}

/// The thread of an automated message, and whose seed stands first in it.
fn stamped(acme: &Acme, fields: &str, found: &Found) -> (ThreadId, Option<PersonaTag>) {
    let (desk, message) = (acme.desk(), message(&with_tokens(acme, fields)));
    let persona = desk.signing_persona(&message).expect("the From field names a persona");
    let stamp = desk.stamp(persona, &message, Some(&ReversePath::Null), found);
    let head = String::from_utf8(crate::message::edit::apply(&message, &stamp.edits).concat()).unwrap();
    let first = Message::read(Bytes::from(head)).references().first().cloned();
    let seed = first.and_then(|id| Token::open(id.left(), Purpose::Seed, &acme.keys));
    (stamp.thread, seed.map(|token| token.persona))
}

#[test]
fn mail_from_anna_is_stamped_as_sophies_and_a_follow_up_keeps_its_thread() {
    let (acme, nothing) = (acme(), Found::default());
    let tag = |name: &str| Some(PersonaTag::of(&PersonaName(name.into())));
    for from in ["Anna <anna@acme.example>", "Anna from Acme <hello@acme.example>", "sophie@acme.example"] {
        assert_eq!(stamped(&acme, &format!("From: {from}"), &nothing).1, tag("sophie"), "{from}");
        let follow_up = format!("From: {from}|References: <SEED:anna@acme.example>");
        assert_eq!(stamped(&acme, &follow_up, &nothing), (thread(1), tag("anna")), "{from}");
        for other in ["bea", "tom"] {
            let follow_up = format!("From: {from}|References: <SEED:{other}@acme.example>");
            let opened = acme.desk().new_thread();
            assert_eq!(stamped(&acme, &follow_up, &nothing), (opened, tag("sophie")), "{from} after {other}");
        }
    }
}

#[test]
fn mail_that_was_learned_as_annas_keeps_its_thread_when_it_comes_again() {
    let mut found = memory().0;
    found.twin = Some(Twin { learned: Some((thread(1), id("one@acme.example"))), ..Twin::default() });
    assert_eq!(stamped(&acme(), "From: anna@acme.example", &found).0, thread(1));
    assert_ne!(stamped(&acme(), "From: tom@acme.example", &found).0, thread(1));
}

#[test]
fn a_copy_of_what_was_learned_as_annas_teaches_nothing_new() {
    let acme = acme();
    let copy = |from: &str| {
        let text = format!("From: {from}|To: ann@customer.example|Message-ID: <one@acme.example>");
        acme.desk().lesson_of_copy(&message(&text), &memory().0).map(|lesson| lesson.persona.0)
    };
    assert_eq!(copy("anna@acme.example"), Err(Unlearned::Known));
    assert_eq!(copy("sophie@acme.example"), Err(Unlearned::Known));
    assert_eq!(copy("tom@acme.example"), Ok("tom".into()));
}

#[test]
fn anna_is_one_of_ours() {
    let insider = acme().desk().insider(&message("From: Anna <anna+x@acme.example>")).unwrap();
    assert_eq!(insider.people, [PersonName("sophie".into())]);
}

#[test]
fn who_was_written_to_by_anna_and_by_sophie_knows_one_persona() {
    let mut found = memory().0;
    found.acquaintance.written_to_by = ["anna", "sophie", "bea"].map(|name| PersonaName(name.into())).into();
    let acme = acme();
    let now = found.of_now(&acme.policy.people);
    let names: Vec<&str> = now.acquaintance.written_to_by.iter().map(|name| name.0.as_str()).collect();
    assert_eq!(names, ["sophie", "bea"]);
}
