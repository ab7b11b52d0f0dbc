//! Inbound: the evidence that is neither signed nor an id that the message refers to, and what heals.

use rstest::rstest;
use strum::VariantArray;

use super::plans::{plan, told};
use super::*;
use crate::mail::{Evidence, Plan};
use crate::message::Message;

const DAY: i64 = 86_400;

/// The subject that [`memory`] knows, and Outlook's conversation.
const SUBJECT: &str = "Subject: AW: Your order";
const CONVERSATION: &str = "Thread-Index: AQHYz1Qk3n3yIu1TzkGq6y4B3pK1F64AAAAA";

/// What a message of `fields` is about.
fn topic(fields: &str) -> Topic {
    Topic::of(&Message::read(format!("{fields}\r\n\r\n").into()))
}

/// What `memory` tells, in words: `subject sophie 1 30` is a thread of Sophie's, 30 days old, with that subject.
fn memory(words: &str) -> Found {
    let mut memory = Memory::default().learned("one@acme.example", "sophie", 1).learned("three@acme.example", "tom", 3);
    for part in words.split(';').filter(|part| !part.trim().is_empty()) {
        let words: Vec<&str> = part.split_whitespace().collect();
        memory = match words.as_slice() {
            ["written", personas @ ..] => memory.written_to_by(personas),
            ["cut"] => {
                memory.0.acquaintance.is_cut = true;
                memory
            }
            [what, persona, number, days] => {
                let fields = if *what == "subject" { SUBJECT } else { CONVERSATION };
                memory.familiar(persona, number.parse().unwrap(), topic(fields), days.parse::<i64>().unwrap() * DAY)
            }
            _ => panic!("{part}"),
        };
    }
    memory.0
}

#[track_caller]
fn check(to: &str, fields: &str, known: &str, expect: &str) {
    assert_eq!(told(&plan(&Acme::new(), to, fields, Ok(&memory(known)))), expect, "{to} {fields} {known}");
}

const SOPHIE: &str = "sophie@acme.example";
const HELLO: &str = "hello@acme.example";

#[rstest]
// A conversation.
#[case(SOPHIE, CONVERSATION, "conversation sophie 2 5", "conversation sophie 2 sophie@corp.example")]
#[case(HELLO, CONVERSATION, "conversation tom 3 5", "conversation tom 3 tom@corp.example")]
#[case(HELLO, CONVERSATION, "conversation tom 3 300", "conversation tom 3 tom@corp.example")]
#[case(SOPHIE, CONVERSATION, "conversation tom 3 5", "persona-address sophie - sophie@corp.example")]
#[case(
    SOPHIE,
    CONVERSATION,
    "conversation sophie 1 5; conversation sophie 2 5",
    "persona-address sophie - sophie@corp.example"
)]
#[case(
    SOPHIE,
    CONVERSATION,
    "conversation sophie 1 5; conversation tom 3 5",
    "conversation sophie 1 sophie@corp.example"
)]
#[case(HELLO, CONVERSATION, "conversation sophie 1 5; conversation tom 3 5", "unmatched - - held/unmatched")]
#[case(
    HELLO,
    CONVERSATION,
    "conversation sophie 1 5; conversation sophie 2 5",
    "conversation sophie - sophie@corp.example"
)]
#[case(HELLO, CONVERSATION, "conversation gone 1 5", "unmatched - - held/unmatched")]
#[case(HELLO, CONVERSATION, "", "unmatched - - held/unmatched")]
// A subject, inside the window.
#[case(SOPHIE, SUBJECT, "subject sophie 2 5", "subject sophie 2 sophie@corp.example")]
#[case(HELLO, SUBJECT, "subject tom 3 60", "subject tom 3 tom@corp.example")]
#[case(HELLO, SUBJECT, "subject tom 3 61", "unmatched - - held/unmatched")]
#[case(HELLO, SUBJECT, "subject tom 3 61; subject sophie 2 3", "unmatched - - held/unmatched")]
#[case(SOPHIE, SUBJECT, "subject sophie 1 61; subject sophie 2 3", "persona-address sophie - sophie@corp.example")]
#[case(HELLO, SUBJECT, "subject sophie 1 61; subject sophie 2 3", "subject sophie - sophie@corp.example")]
#[case(SOPHIE, SUBJECT, "subject tom 3 5", "persona-address sophie - sophie@corp.example")]
#[case(SOPHIE, SUBJECT, "subject sophie 1 9; subject sophie 2 5", "persona-address sophie - sophie@corp.example")]
#[case(HELLO, SUBJECT, "subject sophie 1 9; subject sophie 2 5", "subject sophie - sophie@corp.example")]
#[case(HELLO, SUBJECT, "subject sophie 1 9; subject tom 3 5", "unmatched - - held/unmatched")]
// Where others may have fitted, but are not remembered any more.
#[case(SOPHIE, SUBJECT, "subject sophie 2 5; cut", "persona-address sophie - sophie@corp.example")]
#[case(HELLO, SUBJECT, "subject sophie 2 5; cut", "subject sophie - sophie@corp.example")]
#[case(SOPHIE, CONVERSATION, "conversation sophie 2 5; cut", "persona-address sophie - sophie@corp.example")]
// An answer to another persona's mail is in no thread of the recipient's.
#[case(
    SOPHIE,
    "Subject: Your order|In-Reply-To: <three@acme.example>",
    "subject sophie 2 5",
    "persona-address sophie - sophie@corp.example"
)]
#[case(
    SOPHIE,
    "Thread-Index: AQHYz1Qk3n3yIu1TzkGq6y4B3pK1F64AAAAA|In-Reply-To: <three@acme.example>",
    "conversation sophie 2 5",
    "persona-address sophie - sophie@corp.example"
)]
// A correspondent, at a shared address: the persona, never the thread.
#[case(HELLO, "Subject: news", "written tom", "correspondent tom - tom@corp.example")]
#[case(HELLO, "Subject: news", "written tom sophie", "unmatched - - held/unmatched")]
#[case(HELLO, "Subject: news", "written gone", "unmatched - - held/unmatched")]
#[case(SOPHIE, "Subject: news", "written tom", "persona-address sophie - sophie@corp.example")]
// The stronger wins.
#[case(
    HELLO,
    "Subject: Your order|In-Reply-To: <one@acme.example>",
    "subject tom 3 5; written tom",
    "message-id sophie 1 sophie@corp.example"
)]
#[case(HELLO, "Subject: Your order", "subject sophie 2 5; written tom", "subject sophie 2 sophie@corp.example")]
// Nobody of ours is ever a correspondent.
#[case(HELLO, "From: Tom <tom@corp.example>|Subject: Your order", "", "unmatched - - held/unmatched")]
fn what_counts_because_the_author_is_known(
    #[case] to: &str,
    #[case] fields: &str,
    #[case] known: &str,
    #[case] expect: &str,
) {
    check(to, fields, known, expect);
}

/// A bounce with the message that it returns in a part of this type.
fn returned(kind: &str, part: &str) -> String {
    format!(
        "<>|From: MAILER-DAEMON@mx.customer.example|Content-Type: multipart/mixed; boundary=b||--b||Sorry.|--b|\
         Content-Type: {kind}||{part}|--b--"
    )
}

#[rstest]
#[case("message/rfc822", "Message-ID: <one@acme.example>", "quoted-id sophie 1 held/bounce")]
#[case("text/rfc822-headers", "Message-ID: <three@acme.example>", "quoted-id tom 3 held/bounce")]
#[case("message/rfc822", "Message-ID: <unknown@acme.example>", "unmatched - - held/bounce")]
#[case("text/plain", "Message-ID: <one@acme.example>", "quoted-id sophie 1 held/bounce")]
fn a_bounce_tells_what_failed(#[case] kind: &str, #[case] part: &str, #[case] expect: &str) {
    check(HELLO, &returned(kind, part), "", expect);
}

#[test]
fn an_attached_message_is_strong_evidence_and_quoted_text_none() {
    let attached = "Content-Type: multipart/mixed; boundary=b||--b||See below.|--b|Content-Type: message/rfc822||\
                    Message-ID: <one@acme.example>||Hello|--b--";
    check(HELLO, attached, "", "quoted-id sophie 1 sophie@corp.example");
    let text = "Subject: hi||Somebody wrote:|Message-ID: <one@acme.example>|Hello";
    check(HELLO, text, "", "unmatched - - held/unmatched");
}

#[test]
fn a_seed_in_what_is_returned_needs_no_index() {
    let acme = Acme::new();
    let part = format!("Message-ID: <replaced@amazonses.example>|References: {}", acme.seed("tom", 3));
    let down = crate::threads::Unavailable("rebuilding".into());
    let plan = plan(&acme, HELLO, &returned("message/rfc822", &part), Err(&down));
    assert_eq!(told(&plan), "quoted-id tom 3 held/bounce");
}

#[rstest]
#[case(HELLO, "Subject: hi||Hi Sophie,||a question.", "by-name sophie - sophie@corp.example")]
#[case(HELLO, "Subject: hi||Guten Tag,||> Hi Sophie,", "unmatched - - held/unmatched")]
#[case(HELLO, "Subject: hi||Dear Sophie and Tom,||a question.", "unmatched - - held/unmatched")]
#[case(HELLO, "Subject: hi||Hello,||Bye|Sophie", "unmatched - - held/unmatched")]
#[case(HELLO, "In-Reply-To: <three@acme.example>||Hi Sophie,", "message-id tom 3 tom@corp.example")]
#[case("tom@acme.example", "Subject: hi||Hi Sophie,", "persona-address tom - tom@corp.example")]
#[case("postmaster@replies.acme.example", "Subject: hi||Bonjour Tom,", "by-name tom - tom@corp.example")]
fn a_greeting_counts_at_shared_addresses_where_nothing_else_does(
    #[case] to: &str,
    #[case] fields: &str,
    #[case] expect: &str,
) {
    check(to, fields, "", expect);
}

#[test]
fn every_kind_of_evidence_is_looked_at() {
    let acme = Acme::new();
    let text = "From: Ann <ann@customer.example>\r\n\r\nHello\r\n";
    for to in [SOPHIE, HELLO] {
        let recipients = vec![(address(to), acme.desk().recipient(&address(to)).unwrap())];
        let arrival = acme.desk().read(Message::read(text.into()), None, recipients);
        let seen = acme.desk().looked_at(&arrival, Ok(&Found::default()), |piece| piece.evidence).remove(0);
        let all: Vec<Evidence> = Evidence::VARIANTS.iter().copied().filter(|it| *it != Evidence::Unmatched).collect();
        assert_eq!(seen, all, "{to}: strongest first");
    }
}

/// The ids of References that a message heals, in the thread that `known` and `fields` lead to.
fn healed(fields: &str, known: Found) -> String {
    let acme = Acme::new();
    let fields = fields.replace("SEED", &acme.seed("sophie", 1)).replace("TOMS", &acme.seed("tom", 3));
    let plan: Plan = plan(&acme, SOPHIE, &fields, Ok(&known));
    plan.heals.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
}

#[rstest]
// What a provider put in place of our Message-ID stands after our seed.
#[case("References: SEED <ses@amazonses.com>", "ses@amazonses.com")]
#[case("References: <one@acme.example> <x@y> <z@y>", "z@y x@y")]
#[case("References: <before@y> <one@acme.example> <after@y>", "after@y")]
#[case("References: <before@y> SEED <between@y> <one@acme.example> <after@y>", "after@y between@y")]
#[case("References: <x@y> <z@y>|In-Reply-To: <one@acme.example>", "")]
#[case("References: <x@y> <one@acme.example>", "")]
#[case("References: SEED <three@acme.example> <x@y>", "x@y")]
#[case("References: SEED TOMS <x@y>", "x@y")]
#[case("References: SEED <own@customer.example>", "")]
// Nobody else's mail heals.
#[case("From: Ben <ben@customer.example>|References: SEED <x@y>", "")]
#[case("From: Eve <eve@elsewhere.example>|References: SEED <x@y>", "")]
#[case("From: Tom <tom@corp.example>|References: SEED <x@y>", "")]
// No machine's mail heals.
#[case("Auto-Submitted: auto-replied|References: SEED <x@y>", "")]
#[case("Auto-Submitted: auto-generated|References: SEED <x@y>", "")]
// Weak evidence heals nothing.
#[case("Subject: Your order|References: <x@y> <z@y>", "")]
fn unknown_ids_join_the_thread_within_bounds(#[case] fields: &str, #[case] expect: &str) {
    assert_eq!(healed(fields, memory("")), expect, "{fields}");
}

#[test]
fn a_thread_that_the_index_has_lost_heals_nothing() {
    assert_eq!(healed("References: SEED <x@y>", Found::default()), "", "nobody is known in it");
}

#[test]
fn no_more_than_32_ids_of_a_message_are_healed() {
    let ids: Vec<String> = (0..400).map(|number| format!("<{number}@y>")).collect();
    let healed = healed(&format!("References: SEED {}", ids.join(" ")), memory(""));
    let healed: Vec<&str> = healed.split(' ').collect();
    assert_eq!((healed.len(), healed.first(), healed.last()), (32, Some(&"399@y"), Some(&"368@y")));
}

#[test]
fn what_a_customer_brought_brings_nothing_along() {
    let known = || Memory(memory("")).healed("anns@customer.example", "sophie", 1, "ann@customer.example").0;
    assert_eq!(healed("References: <anns@customer.example> <x@y>", known()), "");
    let ours_too = "References: <one@acme.example> <anns@customer.example> <x@y>";
    assert_eq!(healed(ours_too, known()), "x@y anns@customer.example");
}

#[test]
fn what_is_healed_may_be_known_from_another() {
    // Claimed in advance by somebody else: no reason for it not to join Ann's thread as well.
    let claimed = Memory(memory("")).healed("ses@amazonses.com", "sophie", 2, "eve@elsewhere.example");
    assert_eq!(healed("References: SEED <ses@amazonses.com>", claimed.0), "ses@amazonses.com");
}
