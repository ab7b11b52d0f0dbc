//! Copies: what is learned from mail that other systems sent.

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::copy::Unlearned;
use crate::mail::Lesson;
use crate::message::Message;

fn message(fields: &str) -> Message {
    Message::read(Bytes::from(format!("{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"))))
}

fn lesson(acme: &Acme, fields: &str, known: &Found) -> Result<Lesson, Unlearned> {
    acme.desk().lesson_of_copy(&message(fields), known)
}

/// Thread 1 is Sophie's, 3 is Tom's; Ann opened Sophie's thread 2.
fn memory() -> Memory {
    Memory::default().learned("one@acme.example", "sophie", 1).learned("three@acme.example", "tom", 3).healed(
        "anns@customer.example",
        "sophie",
        2,
        "ann@customer.example",
    )
}

/// `persona thread correspondents`, or why not.
fn told(lesson: Result<Lesson, Unlearned>) -> String {
    let told = |lesson: Lesson| {
        let thread = if lesson.thread.0[7] > 3 { "new".into() } else { lesson.thread.0[7].to_string() };
        let with = lesson.correspondents.iter().map(|who| format!(" {who}")).collect::<String>();
        format!("{} {thread}{with}", lesson.persona)
    };
    lesson.map_or_else(|why| format!("{why:?}"), told)
}

#[rstest]
// A persona's mail is learned, as outbound does.
#[case("From: Sophie from Acme <sophie@acme.example>", "sophie new ann@customer.example")]
#[case("From: Tom from Acme <hello@acme.example>", "tom new ann@customer.example")]
#[case("From: sophie@acme.example|References: SEED:sophie", "sophie 1 ann@customer.example")]
#[case("From: sophie@acme.example|References: SEED:tom", "sophie new ann@customer.example")]
#[case("From: sophie@acme.example|References: <anns@customer.example>", "sophie 2 ann@customer.example")]
#[case("From: sophie@acme.example|References: SEED:sophie <anns@customer.example>", "sophie 1 ann@customer.example")]
#[case("From: sophie@acme.example|In-Reply-To: <three@acme.example>", "sophie new ann@customer.example")]
// A person's, where strong evidence names a thread.
#[case("From: sophie@corp.example|References: SEED:sophie", "sophie 1 ann@customer.example")]
#[case("From: sophie+x@corp.example|In-Reply-To: <three@acme.example>", "tom 3 ann@customer.example")]
#[case("From: sophie@corp.example|In-Reply-To: <anns@customer.example>", "sophie 2 ann@customer.example")]
#[case("From: sophie@corp.example|In-Reply-To: <anns@customer.example>|To: eve@elsewhere.example", "NoThread")]
#[case("From: sophie@corp.example|Subject: hi", "NoThread")]
#[case("From: Somebody <hello@acme.example>|Subject: hi", "NoThread")]
// The rest teaches nothing.
#[case("From: ann@customer.example|In-Reply-To: <one@acme.example>", "Stranger")]
#[case("Subject: hi", "Stranger")]
#[case("From: sophie@acme.example, tom@acme.example", "NotOneAuthor")]
#[case("From: sophie@acme.example|From: sophie@acme.example", "NotOneAuthor")]
#[case("From: sophie@acme.example|Message-ID: <>", "NoMessageId")]
fn copies_teach(#[case] fields: &str, #[case] expect: &str) {
    let acme = Acme::new();
    let mut fields = fields.replace("SEED:sophie", &acme.seed("sophie", 1)).replace("SEED:tom", &acme.seed("tom", 3));
    for (name, value) in [("To", "Ann <ann@customer.example>, tom@corp.example"), ("Message-ID", "<own@acme.example>")]
    {
        if !fields.contains(&format!("|{name}:")) {
            fields = format!("{fields}|{name}: {value}");
        }
    }
    let fields = format!("Delivered-To: archive@acme.example|Received: by mx|{fields}|Bcc: archive@acme.example");
    assert_eq!(told(lesson(&acme, &fields, &memory().0)), expect);
}

#[test]
fn a_copy_of_a_mail_that_also_went_through_us_is_the_same_learned_id() {
    let acme = Acme::new();
    let mail = "From: sophie@acme.example|Message-ID: <own@acme.example>|To: ann@customer.example|Subject: hi";
    let by_outbound = Origin::Learned(Fingerprint::of(&message(mail)));
    let known = Memory::default().claim("own@acme.example", "sophie", 1, by_outbound).0;
    let copy = format!("Delivered-To: archive@acme.example|Received: from x by mx; d|{mail}|Bcc: archive@acme.example");
    assert_eq!(told(lesson(&acme, &copy, &known)), "sophie 1 ann@customer.example");
    assert_eq!(Fingerprint::of(&message(&copy)), Fingerprint::of(&message(mail)));

    let stamped = format!("{mail}|References: {}", acme.seed("sophie", 1));
    assert_eq!(told(lesson(&acme, &stamped, &known)), "Known", "learned otherwise, it would be ambiguous");
    let seeded_by_us = format!("{mail}|References: {}", acme.seed("sophie", 2));
    let by_another_way = Origin::Learned(Fingerprint::of(&message(&seeded_by_us)));
    let known_in_one = Memory::default().claim("own@acme.example", "sophie", 1, by_another_way).0;
    assert_eq!(told(lesson(&acme, &seeded_by_us, &known_in_one)), "sophie 2 ann@customer.example", "as outbound does");
    let another = format!("{mail}|X-Other: mail");
    assert_eq!(told(lesson(&acme, &another, &known)), "sophie new ann@customer.example");
}
