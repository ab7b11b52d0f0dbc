//! Inbound: who gets what, by which evidence.

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::plan::Arrival;
use crate::mail::{Fate, Plan, ReversePath};
use crate::message::Message;
use crate::threads::{Remembered, Unavailable};

const SOPHIE: &str = "sophie@acme.example";

/// The plan for a message from Ann: `fields` is its header section with `|` between fields.
pub(super) fn plan(acme: &Acme, to: &str, fields: &str, found: Result<&Found, &Unavailable>) -> Plan {
    acme.desk().plan(&arrival(acme, to, fields), found).plans.remove(0)
}

/// What [`plan`] decides about.
pub(super) fn arrival(acme: &Acme, to: &str, fields: &str) -> Arrival {
    let desk = acme.desk();
    let (path, fields) = match fields.strip_prefix("<>|") {
        Some(rest) => (ReversePath::Null, rest),
        None => (ReversePath::Address(address("ann@customer.example")), fields),
    };
    let from = if fields.contains("From:") { "" } else { "From: Ann <ann@customer.example>\r\n" };
    let text = format!("{from}Message-ID: <own@customer.example>\r\n{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"));
    let to = address(to);
    let recipient = desk.recipient(&to).unwrap();
    desk.read(Message::read(Bytes::from(text)), Some(path), vec![(to, recipient)])
}

/// `evidence persona thread fate`, with `-` for nothing.
pub(super) fn told(plan: &Plan) -> String {
    let persona = plan.matched.persona.as_ref().map_or("-", |name| name.0.as_str());
    let number = plan.matched.thread.map_or("-".into(), |id| id.0[7].to_string());
    let fate = match &plan.fate {
        Fate::Forward(to) => to.iter().map(|to| to.address.to_string()).collect::<Vec<_>>().join(","),
        Fate::Hold(reason) => format!("held/{reason}"),
        Fate::Discard => "discarded".into(),
        Fate::Reject(reply) | Fate::Defer(reply) => reply.code.to_string(),
    };
    format!("{} {persona} {number} {fate}", plan.matched.evidence)
}

/// Ids 1 and 2 are Sophie's threads, 3 is Tom's; `twice@x` was learned under two messages.
fn memory() -> Found {
    let memory = Memory::default()
        .learned("one@acme.example", "sophie", 1)
        .learned("two@acme.example", "sophie", 2)
        .learned("three@acme.example", "tom", 3)
        .learned("twice@x", "sophie", 1)
        .learned("twice@x", "sophie", 2)
        .healed("anns@customer.example", "sophie", 1, "ann@customer.example")
        .healed("colleagues@customer.example", "sophie", 2, "ben@customer.example")
        .healed("strangers@elsewhere.example", "sophie", 2, "eve@elsewhere.example")
        .learned("gone@acme.example", "someone-who-left", 9);
    memory.0
}

#[rstest]
// A persona's own address: the persona is settled, evidence chooses the thread.
#[case("sophie@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example")]
#[case("SOPHIE@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example")]
#[case("sophie+anything@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <one@acme.example>", "message-id sophie 1 sophie@corp.example")]
#[case(
    "sophie@acme.example",
    "References: <one@acme.example> <two@acme.example>",
    "message-id sophie 2 sophie@corp.example"
)]
#[case("sophie@acme.example", "References: SEED:sophie:1 <ses@amazonses.com>", "seed sophie 1 sophie@corp.example")]
#[case(
    "sophie@acme.example",
    "In-Reply-To: <two@acme.example>|References: SEED:sophie:1",
    "seed sophie 1 sophie@corp.example"
)]
#[case("sophie@acme.example", "In-Reply-To: <unknown@x>", "persona-address sophie - sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <twice@x>", "persona-address sophie - sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <gone@acme.example>", "persona-address sophie - sophie@corp.example")]
// Another persona's thread is a conflict, not evidence.
#[case("sophie@acme.example", "In-Reply-To: <three@acme.example>", "persona-address sophie - sophie@corp.example")]
#[case("sophie@acme.example", "References: SEED:tom:3", "persona-address sophie - sophie@corp.example")]
// Healed ids: for their correspondent and his domain only, and below learned ones.
#[case("sophie@acme.example", "In-Reply-To: <anns@customer.example>", "message-id sophie 1 sophie@corp.example")]
#[case("sophie@acme.example", "In-Reply-To: <colleagues@customer.example>", "message-id sophie 2 sophie@corp.example")]
#[case(
    "sophie@acme.example",
    "In-Reply-To: <strangers@elsewhere.example>",
    "persona-address sophie - sophie@corp.example"
)]
#[case(
    "sophie@acme.example",
    "In-Reply-To: <anns@customer.example>|References: <two@acme.example>",
    "message-id sophie 2 sophie@corp.example"
)]
// A shared address: evidence chooses the persona too.
#[case("hello@acme.example", "In-Reply-To: <three@acme.example>", "message-id tom 3 tom@corp.example")]
#[case("hello@acme.example", "References: SEED:sophie:2", "seed sophie 2 sophie@corp.example")]
#[case("hello@acme.example", "Subject: hi", "unmatched - - held/unmatched")]
#[case("hello+REPLY:tom:3@acme.example", "Subject: hi", "recipient-token tom 3 tom@corp.example")]
#[case("hello@acme.example", "To: <hello+REPLY:tom:3@acme.example>", "recipient-token tom 3 tom@corp.example")]
#[case("hello+REPLY:tom:3@acme.example", "References: SEED:sophie:1", "recipient-token tom 3 tom@corp.example")]
// A token of another purpose, or cut, is nothing.
#[case("hello+SEED-TOKEN:tom:3@acme.example", "Subject: hi", "unmatched - - held/unmatched")]
#[case("hello+CUT:tom:3@acme.example", "Subject: hi", "unmatched - - held/unmatched")]
// The domain of masked addresses.
#[case("sophie+REPLY:tom:3@replies.acme.example", "Subject: hi", "recipient-token tom 3 tom@corp.example")]
#[case(
    "bounce+RETURN:sophie:1@replies.acme.example",
    "<>|Auto-Submitted: auto-replied",
    "recipient-token sophie 1 held/auto-reply"
)]
// Our own return path: never handed on, whatever it looks like; a responder would answer to a new one.
#[case("bounce+RETURN:sophie:1@replies.acme.example", "Subject: I am away", "recipient-token sophie 1 held/bounce")]
#[case(
    "bounce+RETURN:sophie:1@replies.acme.example",
    "Auto-Submitted: auto-generated",
    "recipient-token sophie 1 held/bounce"
)]
#[case("postmaster@replies.acme.example", "Subject: hi", "unmatched - - held/unmatched")]
#[case("Abuse+x@sincerely.acme.example", "Subject: hi", "unmatched - - held/unmatched")]
// Machines.
#[case(
    "sophie@acme.example",
    "Auto-Submitted: auto-replied|In-Reply-To: <one@acme.example>",
    "message-id sophie 1 held/auto-reply"
)]
#[case(
    "sophie@acme.example",
    "Auto-Submitted: auto-generated|In-Reply-To: <one@acme.example>",
    "message-id sophie 1 sophie@corp.example"
)]
#[case("sophie@acme.example", "Auto-Submitted: auto-generated", "persona-address sophie - held/auto-generated")]
#[case("sophie@acme.example", "List-Id: <l.example>", "persona-address sophie - held/list")]
#[case(
    "sophie@acme.example",
    "List-Id: <l.example>|In-Reply-To: <one@acme.example>",
    "message-id sophie 1 sophie@corp.example"
)]
#[case("sophie@acme.example", "X-Spam-Flag: YES", "persona-address sophie - held/spam")]
#[case("sophie@acme.example", "X-Spam-Flag: maybe", "persona-address sophie - sophie@corp.example")]
fn inbound_plans(#[case] to: &str, #[case] fields: &str, #[case] expect: &str) {
    let acme = Acme::new();
    let (to, fields) = (tokens(&acme, to), tokens(&acme, fields));
    assert_eq!(told(&plan(&acme, &to, &fields, Ok(&memory()))), expect);
}

/// Writes tokens for `SEED:persona:number` and its like.
fn tokens(acme: &Acme, text: &str) -> String {
    let mut text = text.to_owned();
    for persona in ["sophie", "tom"] {
        for number in 1..=3 {
            let token = |purpose| acme.token(purpose, persona, thread(number));
            let mut write = |name: &str, value: &str| text = text.replace(&format!("{name}:{persona}:{number}"), value);
            write("SEED-TOKEN", &token(Purpose::Seed));
            write("SEED", &acme.seed(persona, number));
            write("REPLY", &token(Purpose::Reply));
            write("RETURN", &token(Purpose::ReturnOfOutbound));
            write("CUT", &token(Purpose::Reply)[..39]);
        }
    }
    text
}

#[test]
fn evidence_that_lost_is_told() {
    let acme = Acme::new();
    let plan = plan(&acme, "sophie@acme.example", "In-Reply-To: <three@acme.example>", Ok(&memory()));
    let [conflict] = plan.matched.conflicts.as_slice() else { panic!("{:?}", plan.matched.conflicts) };
    assert_eq!((conflict.persona.0.as_str(), conflict.thread), ("tom", Some(thread(3))));
}

#[rstest]
#[case("ann@customer.example", 550, (5, 7, 1))]
#[case("nobody@acme.example", 550, (5, 1, 1))]
#[case("bounce+forged@replies.acme.example", 550, (5, 1, 1))]
#[case("sophie@replies.acme.example", 550, (5, 1, 1))]
fn others_are_refused_at_rcpt(#[case] to: &str, #[case] code: u16, #[case] enhanced: (u8, u16, u16)) {
    let acme = Acme::new();
    let reply = acme.desk().recipient(&address(to)).unwrap_err();
    assert_eq!((reply.code, reply.enhanced), (code, Some(enhanced)));
}

#[test]
fn an_internal_domain_stands_for_the_real_one() {
    let mut acme = Acme::new();
    let domain = |text: &str| text.parse().unwrap();
    acme.policy.inbound.aliases = [(domain("sincerely.internal"), domain("acme.example"))].into();
    let real = |text: &str| acme.desk().real(address(text)).to_string();
    assert_eq!(real("Sophie+x@Sincerely.internal"), "Sophie+x@acme.example");
    assert_eq!(real("sophie@corp.example"), "sophie@corp.example");
    let refused = acme.desk().recipient(&acme.desk().real(address("nobody@sincerely.internal"))).unwrap_err();
    assert_eq!(refused.enhanced, Some((5, 1, 1)), "no attempt to relay");
}

#[test]
fn a_return_token_expires_after_thirty_days() {
    let acme = Acme::new();
    let old = ThreadId::new(now() - jiff::SignedDuration::from_hours(24 * 31), [0, 1]);
    let to =
        |id| address(&format!("bounce+{}@replies.acme.example", acme.token(Purpose::ReturnOfForward, "sophie", id)));
    assert!(acme.desk().recipient(&to(thread(1))).is_ok());
    assert!(acme.desk().recipient(&to(old)).is_err());
}

#[test]
fn a_forwarded_copy_has_our_return_path_and_a_null_path_stays_null() {
    let acme = Acme::new();
    let known = memory();
    let forwarded = plan(&acme, "sophie@acme.example", "Subject: hi", Ok(&known)).reverse_path.unwrap();
    let path = forwarded.address().unwrap();
    assert_eq!(path.domain().as_str(), "replies.acme.example");
    assert!(acme.desk().recipient(path).is_ok(), "we accept what comes back to {path}");
    let null = "<>|Auto-Submitted: auto-generated|In-Reply-To: <one@acme.example>";
    assert_eq!(plan(&acme, "sophie@acme.example", null, Ok(&known)).reverse_path, Some(ReversePath::Null));
}

#[test]
fn without_an_index_only_what_it_could_decide_is_deferred() {
    let acme = Acme::new();
    let down = Unavailable("rebuilding".into());
    for (to, fields, expect) in [
        ("sophie@acme.example", "In-Reply-To: <one@acme.example>", "persona-address sophie - sophie@corp.example"),
        ("hello@acme.example", "References: SEED:tom:3", "seed tom 3 tom@corp.example"),
        ("hello@acme.example", "In-Reply-To: <one@acme.example>", "unmatched - - 451"),
        // It could be known who wrote this, and to whom they belong.
        ("hello@acme.example", "Subject: hi", "unmatched - - 451"),
        ("sophie@acme.example", "Subject: hi", "persona-address sophie - sophie@corp.example"),
        ("hello@acme.example", "From: Tom <tom@corp.example>", "unmatched - - held/unmatched"),
        ("hello@acme.example", "<>|Auto-Submitted: auto-replied|Subject: hi", "unmatched - - held/auto-reply"),
    ] {
        assert_eq!(told(&plan(&acme, to, &tokens(&acme, fields), Err(&down))), expect);
    }
}

#[test]
fn a_person_takes_what_matches_nothing_where_one_is_named() {
    let mut acme = Acme::new();
    acme.policy.inbound.unmatched = crate::flow::policy::Unmatched::Person(PersonName("tom".into()));
    let known = memory();
    assert_eq!(told(&plan(&acme, "hello@acme.example", "Subject: hi", Ok(&known))), "unmatched - - tom@corp.example");
    let bounce = "<>|Auto-Submitted: auto-replied";
    assert_eq!(told(&plan(&acme, "hello@acme.example", bounce, Ok(&known))), "unmatched - - held/auto-reply");
}

#[test]
fn also_what_matched_nobody_shows_no_customer_the_inbox() {
    let mut acme = Acme::new();
    acme.policy.inbound.unmatched = crate::flow::policy::Unmatched::Person(PersonName("tom".into()));
    let plan = plan(&acme, "hello@acme.example", "Subject: hi", Ok(&memory()));
    let path = plan.reverse_path.as_ref().and_then(ReversePath::address).unwrap();
    assert_eq!(path.domain().as_str(), "replies.acme.example");
    assert!(acme.desk().recipient(path).is_ok());
}

#[test]
fn a_message_with_two_authors_fields_is_refused_at_the_door() {
    let acme = Acme::new();
    let door = |text: &'static str| acme.desk().door(&Message::read(Bytes::from_static(text.as_bytes())));
    assert_eq!(door("From: a@b.example\r\nFrom: c@d.example\r\n\r\n").map(|reply| reply.code), Some(550));
    assert_eq!(door(" From: a@b.example\r\n\r\n").map(|reply| reply.code), Some(550));
    assert_eq!(door("From: a@b.example, c@d.example\r\n\r\n"), None);
}

#[test]
fn a_retry_joins_the_thread_that_its_first_try_opened() {
    let acme = Acme::new();
    let mut known = Memory::default()
        .healed("own@customer.example", "tom", 2, "ann@customer.example")
        .healed("own@customer.example", "sophie", 1, "ann@customer.example")
        .0;
    let joins = |known: &Found| plan(&acme, SOPHIE, "Subject: hi", Ok(known)).joins.unwrap();
    assert!(![thread(1), thread(2)].contains(&joins(&known)), "another mail under the same id opens its own");
    let retry = arrival(&acme, SOPHIE, "Subject: hi").retry_key(&address(SOPHIE));
    known.retries.insert(retry, Remembered::default());
    assert_eq!(joins(&known), thread(1));
}

#[test]
fn an_id_that_came_in_several_threads_names_none() {
    let acme = Acme::new();
    let brought = |known: Memory, threads: &[(&str, u8)], by: &str| {
        let add =
            |known: Memory, (persona, number): &(&str, u8)| known.healed("own@customer.example", persona, *number, by);
        threads.iter().fold(known, add)
    };
    for by in ["ann@customer.example", "ben@customer.example"] {
        let reply = |to: &str, threads: &[(&str, u8)]| {
            let known = brought(Memory::default(), threads, by).0;
            told(&plan(&acme, to, "In-Reply-To: <own@customer.example>", Ok(&known)))
        };
        let both = [("tom", 2), ("sophie", 1)];
        assert_eq!(reply(SOPHIE, &both), "message-id sophie 1 sophie@corp.example");
        assert_eq!(reply("tom@acme.example", &both), "message-id tom 2 tom@corp.example");
        assert_eq!(reply("hello@acme.example", &both), "unmatched - - held/unmatched", "it was brought to both");
        let twice = [("sophie", 1), ("sophie", 3)];
        assert_eq!(reply(SOPHIE, &twice), "persona-address sophie - sophie@corp.example");
        assert_eq!(reply("hello@acme.example", &twice), "message-id sophie - sophie@corp.example");
    }
}

#[test]
fn what_comes_round_is_held() {
    let acme = Acme::new();
    let hops = vec!["Received: by somewhere"; 51].join("|");
    let known = memory();
    assert_eq!(told(&plan(&acme, "sophie@acme.example", &hops, Ok(&known))), "persona-address sophie - held/loop");
    let id = crate::mail::TransactionId::new(1, 1);
    let to = |text: &str| {
        let evidence = crate::mail::Evidence::Seed;
        let field = crate::message::trace::sincerely(&id, evidence, &acme.policy.hostname, &address(text), &acme.keys);
        format!("{}: {}", field.name, field.value)
    };
    let own = to("sophie@corp.example");
    assert_eq!(told(&plan(&acme, "sophie@acme.example", &own, Ok(&known))), "persona-address sophie - held/loop");
    let others = to("tom@corp.example");
    let passed = "persona-address sophie - sophie@corp.example";
    assert_eq!(told(&plan(&acme, "sophie@acme.example", &others, Ok(&known))), passed);
}

#[test]
fn only_a_customers_own_mail_joins_a_thread() {
    let acme = Acme::new();
    let known = memory();
    let joins = |fields: &str| plan(&acme, "sophie@acme.example", fields, Ok(&known)).joins;
    assert_eq!(joins("In-Reply-To: <one@acme.example>"), Some(thread(1)));
    assert!(joins("Subject: a new thread").is_some());
    assert_eq!(joins("Auto-Submitted: auto-generated|In-Reply-To: <one@acme.example>"), None);
    assert_eq!(joins("From: Tom <tom@corp.example>|In-Reply-To: <one@acme.example>"), None);
    let to = tokens(&acme, "bounce+RETURN:sophie:1@replies.acme.example");
    assert_eq!(plan(&acme, &to, "Subject: I am away", Ok(&known)).joins, None);
}

#[test]
fn quotes_that_an_address_does_not_need_make_no_stranger() {
    let acme = Acme::new();
    for (quoted, plain) in [
        ("\"Sophie\"@acme.example", "sophie@acme.example"),
        ("\"sophie+x\"@acme.example", "sophie@acme.example"),
        ("\"hello\"@acme.example", "hello@acme.example"),
    ] {
        assert_eq!(acme.desk().recipient(&address(quoted)), acme.desk().recipient(&address(plain)), "{quoted}");
        assert!(acme.desk().recipient(&address(quoted)).is_ok());
    }
}
