//! What rules see of a message's thread, of the time, and of what our own servers found.

use std::collections::BTreeMap;

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::policy::Trust;
use crate::mail::{Fate, ReversePath};
use crate::message::Message;
use crate::rules::{Additions, Age, Bound, Condition, Content, Decision, Finding, Method, Pattern, Rule, When};
use crate::threads::Unavailable;

/// Acme with one rule, which holds.
fn acme(condition: Condition) -> Acme {
    let mut acme = Acme::new();
    let (when, decision, additions) = (When(vec![condition]), Some(Decision::Hold), Additions::default());
    acme.policy.rules = Rules::new(vec![Rule { name: "r".into(), when, decision, additions }]);
    let name: crate::mail::Domain = "mx.acme.example".parse().unwrap();
    acme.policy.inbound.trust = Some(Trust { authserv_id: name.clone(), servers: vec![name] });
    acme
}

fn message(fields: &str) -> Message {
    let from = if fields.contains("From: ") { "" } else { "From: Ann <ann@customer.example>|" };
    Message::read(Bytes::from(format!("{from}{fields}\n\nHello\n").replace(['|', '\n'], "\r\n")))
}

/// `yes`, `no`, or `cannot tell`.
fn answer(acme: &Acme, fields: &str, found: Result<&Found, &Unavailable>) -> &'static str {
    let desk = acme.desk();
    let to = address("sophie@acme.example");
    let recipient = desk.recipient(&to).unwrap();
    let path = ReversePath::Address(address("ann@customer.example"));
    let arrival = desk.read(message(fields), Some(path), vec![(to, recipient)]);
    let plan = desk.plan(&arrival, found).plans.remove(0);
    match (plan.rule.as_str(), plan.fate) {
        ("r", Fate::Hold(_)) => "yes",
        ("r", Fate::Defer(_)) => "cannot tell",
        _ => "no",
    }
}

/// A thread that `<one@acme.example>` leads to, with this in it.
fn known(change: impl Fn(&mut Thread)) -> Found {
    let mut found = Memory::default().learned("one@acme.example", "sophie", 1).0;
    found.threads.values_mut().for_each(change);
    found
}

const ANSWER: &str = "Subject: re|In-Reply-To: <one@acme.example>";

#[test]
fn the_first_answer_is_the_one_before_which_nothing_came() {
    let first =
        |wanted: bool, fields: &str, found: &Found| answer(&acme(Condition::FirstReply(wanted)), fields, Ok(found));
    let nothing = known(|_| {});
    let this = known(|thread| thread.first = Some(Fingerprint::of(&message(ANSWER))));
    let another = known(|thread| thread.first = Some(Fingerprint([9; 16])));
    assert_eq!([&nothing, &this, &another].map(|found| first(true, ANSWER, found)), ["yes", "yes", "no"]);
    assert_eq!([&nothing, &this, &another].map(|found| first(false, ANSWER, found)), ["no", "no", "yes"]);
    assert_eq!(first(true, "Subject: hi", &nothing), "no", "it is in no thread");
    assert_eq!(first(false, "Subject: hi", &nothing), "yes", "so it is no first answer");
    let vacation = format!("{ANSWER}|Auto-Submitted: auto-replied");
    assert_eq!(first(true, &vacation, &nothing), "no", "a machine's answer is none");
    let colleague = format!("From: tom@corp.example|{ANSWER}");
    assert_eq!(first(true, &colleague, &nothing), "no", "nor is one of ours");
}

#[rstest]
#[case(Bound::Below, 61, "yes")]
#[case(Bound::AtMost, 60, "yes")]
#[case(Bound::Above, 60, "no")]
#[case(Bound::Above, 59, "yes")]
#[case(Bound::AtLeast, 61, "no")]
fn a_thread_is_as_old_as_its_id(#[case] bound: Bound, #[case] seconds: u64, #[case] expected: &str) {
    let acme = acme(Condition::ThreadAge(vec![Age { bound, seconds }]));
    assert_eq!(answer(&acme, ANSWER, Ok(&known(|_| {}))), expected);
    assert_eq!(answer(&acme, "Subject: hi", Ok(&known(|_| {}))), "no", "it is in no thread");
    let seed = format!("References: {}", acme.seed("sophie", 1));
    assert_eq!(answer(&acme, &seed, Ok(&Found::default())), expected, "a signed id tells it");
}

#[test]
fn a_campaign_is_that_of_the_thread() {
    let acme = acme(Condition::Campaign(vec![Pattern::new("spring-*").unwrap()]));
    let of = |name: Option<&str>| known(|thread| thread.campaign = name.map(Into::into));
    let found = [of(Some("Spring-2026")), of(Some("autumn")), of(None)];
    assert_eq!(found.each_ref().map(|found| answer(&acme, ANSWER, Ok(found))), ["yes", "no", "no"]);
    assert_eq!(answer(&acme, "Subject: hi", Ok(&found[0])), "no");
}

#[rstest]
#[case("In-Reply-To: <one@acme.example>", ["cannot tell", "cannot tell", "cannot tell"])]
#[case("Subject: it may be a thread's", ["cannot tell", "cannot tell", "cannot tell"])]
#[case("References: SEED", ["cannot tell", "yes", "cannot tell"])]
#[case("References: SEED|Auto-Submitted: auto-replied", ["no", "yes", "cannot tell"])]
#[case("X-Nothing: refers to nothing", ["no", "no", "no"])]
fn without_the_index(#[case] fields: &str, #[case] expected: [&str; 3]) {
    let conditions = [
        Condition::FirstReply(true),
        Condition::ThreadAge(vec![Age { bound: Bound::AtLeast, seconds: 0 }]),
        Condition::Campaign(vec![Pattern::new("*").unwrap()]),
    ];
    let answers = conditions.map(|condition| {
        let acme = acme(condition);
        let fields = fields.replace("SEED", &acme.seed("sophie", 1));
        answer(&acme, &fields, Err(&Unavailable("rebuilding".into())))
    });
    assert_eq!(answers, expected);
}

#[rstest]
#[case("mx.acme.example; dmarc=pass header.from=customer.example", "yes")]
#[case("mx.acme.example; DMARC=Pass", "yes")]
#[case("mx.acme.example; dmarc=fail", "no")]
#[case("mx.acme.example; dmarc=fail; dmarc=pass", "yes")]
#[case("mx.acme.example; dkim=pass", "no")]
#[case("mx.acme.example; none", "no")]
#[case("mx.other.example; dmarc=pass", "no")]
#[case("\"mx.acme.example\"; dmarc=pass", "no")]
#[case("mx.acme.example; dmarc=", "no")]
fn what_our_own_servers_found(#[case] results: &str, #[case] expected: &str) {
    let pass = BTreeMap::from([(Method::Dmarc, vec![Finding::Pass])]);
    let acme = acme(Condition::Content(Content::Auth(pass)));
    let fields = format!("Authentication-Results: {results}|Subject: hi");
    assert_eq!(answer(&acme, &fields, Ok(&Found::default())), expected);
    let below = format!("Received: from x by mail.other.example; Mon, 23 Nov 2026 10:00:00 +0000|{fields}");
    assert_eq!(answer(&acme, &below, Ok(&Found::default())), "no", "a stranger may have written it");
}

#[rstest]
#[case("X-Spam-Flag: YES", true, "yes")]
#[case("X-Spam-Flag: yes", true, "yes")]
#[case("X-Spam-Flag: NO", true, "no")]
#[case("Subject: hi", true, "no")]
#[case("Subject: hi", false, "yes")]
fn marked_as_spam(#[case] fields: &str, #[case] wanted: bool, #[case] expected: &str) {
    let mut acme = acme(Condition::Content(Content::Spam(wanted)));
    acme.policy.inbound.hold_spam = false;
    assert_eq!(answer(&acme, fields, Ok(&Found::default())), expected);
}

#[test]
fn a_copy_of_automated_mail_tells_its_campaign_and_a_colleagues_mail_none() {
    let mut acme = Acme::new();
    acme.policy.stamp.campaign_header = Some("x-campaign".into());
    let campaign = |fields: &str| {
        let fields =
            format!("{fields}|Message-ID: <new@acme.example>|In-Reply-To: <one@acme.example>|To: ann@customer.example");
        acme.desk().lesson_of_copy(&message(&fields), &known(|_| {})).unwrap().campaign
    };
    let of_sophie = "From: Sophie from Acme <sophie@acme.example>";
    assert_eq!(
        campaign(&format!("{of_sophie}|X-Campaign: =?utf-8?Q?Fr=C3=BChling?= |X-Campaign: b")).as_deref(),
        Some("Frühling")
    );
    assert_eq!(campaign(&format!("{of_sophie}|X-Campaign: ")), None);
    assert_eq!(campaign(of_sophie), None);
    let long = campaign(&format!("{of_sophie}|X-Campaign: {}", "é".repeat(300))).unwrap();
    assert_eq!(long.len(), 200);
    assert_eq!(campaign("From: Sophie <sophie@corp.example>|X-Campaign: spring"), None);
}
