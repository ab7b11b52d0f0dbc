//! Insiders: who else gets what one of ours wrote, and what is learned from it.

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::plan::Planned;
use crate::flow::policy::Trust;
use crate::mail::{Fate, Lesson, Place, Plan, ReversePath};
use crate::message::Message;
use crate::rules::{Additions, Decision, Rule, Target, When};
use crate::threads::Unavailable;

const PROVED: &str = "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example";
const PROVED_PERSONA: &str = "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example";

/// Acme with a team of three, Ute's inbox being a subaddress, and a server whose word is believed.
fn acme() -> Acme {
    let mut acme = Acme::new();
    let person = |name: &str, inboxes: &[&str]| Person {
        name: PersonName(name.into()),
        inboxes: inboxes.iter().map(|inbox| address(inbox)).collect(),
    };
    let team = Persona {
        greeted_as: Vec::new(),
        name: PersonaName("team".into()),
        display_name: None,
        addresses: vec![address("team@acme.example")],
        answered_by: ["sophie", "tom", "ute"].map(|name| PersonName(name.into())).into(),
        shared: Default::default(),
        fallback: vec![address("SOPHIE@corp.example"), address("boss@corp.example")],
    };
    let two = Persona {
        name: PersonaName("two".into()),
        addresses: vec![address("two@acme.example")],
        answered_by: ["sophie", "tom"].map(|name| PersonName(name.into())).into(),
        ..team.clone()
    };
    let people = ["sophie", "tom"].map(|name| acme.policy.people.person(&PersonName(name.into())).unwrap().clone());
    let ute = person("ute", &["ute+personas@corp.example", "ute@home.example"]);
    let personas = acme.policy.people.personas().cloned().chain([team, two]).collect();
    acme.policy.people = People::new(people.into_iter().chain([ute]).collect(), personas);
    let domain = |text: &str| text.parse().unwrap();
    acme.policy.inbound.trust = Some(Trust {
        authserv_id: domain("mx.acme.example"),
        servers: vec![domain("mx.acme.example"), domain("sincerely.acme.example")],
    });
    acme
}

fn planned(acme: &Acme, to: &[&str], fields: &str, found: Result<&Found, &Unavailable>) -> Planned {
    let desk = acme.desk();
    let text = format!("{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"));
    let recipients = to.iter().map(|to| (address(to), desk.recipient(&address(to)).unwrap())).collect();
    let path = ReversePath::Address(address("sophie@corp.example"));
    desk.plan(&desk.read(Message::read(Bytes::from(text)), Some(path), recipients), found)
}

fn plan(acme: &Acme, to: &str, fields: &str) -> Plan {
    planned(acme, &[to], fields, Ok(&memory())).plans.remove(0)
}

/// What Sophie and her customers have learned and brought: thread 1 and 2 are Sophie's, 3 is Tom's.
fn memory() -> Found {
    Memory::default()
        .learned("one@acme.example", "sophie", 1)
        .learned("three@acme.example", "tom", 3)
        .healed("anns@customer.example", "sophie", 2, "ann@customer.example")
        .0
}

/// Acme with one rule for all mail.
fn with_rule(decision: Option<Decision>, copy_to: Vec<Target>) -> Acme {
    let mut acme = acme();
    let additions = Additions { copy_to, ..Additions::default() };
    acme.policy.rules = Rules::new(vec![Rule { name: "r".into(), when: When::default(), decision, additions }]);
    acme
}

fn person(name: &str) -> Target {
    Target::Person(PersonName(name.into()))
}

fn team() -> Target {
    Target::Persona(PersonaName("team".into()))
}

#[rstest]
#[case(Decision::Hold, "held/rule", "sophie new ann@customer.example")]
#[case(Decision::Discard, "nowhere", "sophie new ann@customer.example")]
#[case(Decision::ForwardTo(vec![person("tom")]), "tom@corp.example", "sophie new ann@customer.example")]
#[case(Decision::Reject(None), "550", "-")]
fn its_id_is_learned_whatever_fate_a_rule_gives(#[case] decision: Decision, #[case] fate: &str, #[case] lesson: &str) {
    let acme = with_rule(Some(decision), Vec::new());
    let plan = plan(&acme, "sophie@acme.example", &sophies("To: ann@customer.example"));
    assert_eq!((inboxes(&plan).as_str(), learns(&plan).as_str()), (fate, lesson));
}

#[test]
fn what_came_back_teaches_nothing() {
    let acme = with_rule(Some(Decision::ForwardTo(vec![person("tom")])), Vec::new());
    let field = crate::message::trace::sincerely(
        &crate::mail::TransactionId::new(0, 0),
        crate::mail::Evidence::Seed,
        &acme.policy.hostname,
        &address("tom@corp.example"),
        &acme.keys,
    );
    let fields = sophies(&format!("To: ann@customer.example|{}: {}", field.name, field.value));
    let plan = plan(&acme, "sophie@acme.example", &fields);
    assert_eq!((inboxes(&plan).as_str(), learns(&plan).as_str()), ("held/loop", "-"));
}

#[rstest]
#[case(vec![person("tom"), person("sophie")], "tom@corp.example", Some("tom"))]
#[case(vec![person("sophie"), person("tom")], "tom@corp.example", Some("tom"))]
#[case(vec![Target::Address(address("Sophie@corp.example")), person("tom")], "tom@corp.example", Some("tom"))]
#[case(vec![team()], "tom@corp.example", Some("tom"))]
#[case(vec![person("sophie")], "sophie@corp.example", Some("sophie"))]
fn a_rule_sends_it_to_the_writer_only_where_nobody_else_is_named(
    #[case] targets: Vec<Target>,
    #[case] expected: &str,
    #[case] to: Option<&str>,
) {
    let acme = with_rule(Some(Decision::ForwardTo(targets)), Vec::new());
    // Whom the pool would choose, and chose before.
    let mut found = memory();
    let fields = sophies("Subject: hi");
    let text = format!("{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"));
    let path = ReversePath::Address(address("sophie@corp.example"));
    let arrival = acme.desk().read(Message::read(Bytes::from(text)), Some(path), Vec::new());
    let key = arrival.key_of(&Place::Persona(PersonaName("team".into())));
    let chosen = Some(PersonName("sophie".into()));
    found.retries.insert(key, crate::threads::Remembered { chosen, ..Default::default() });
    let plan = planned(&acme, &["team@acme.example"], &fields, Ok(&found)).plans.remove(0);
    assert_eq!((inboxes(&plan).as_str(), plan.person.as_ref().map(|name| name.0.as_str())), (expected, to));
    let Fate::Forward(destinations) = &plan.fate else { panic!("{:?}", plan.fate) };
    let own = address("SOPHIE@corp.example");
    assert!(!destinations.iter().any(|to| to.fallback.to.contains(&own)), "{destinations:?}");
}

#[rstest]
#[case(None, vec![person("sophie"), team()], "")]
#[case(None, vec![person("sophie"), Target::Address(address("boss@corp.example"))], "boss@corp.example")]
#[case(Some(Decision::Hold), vec![person("sophie"), team()], "tom@corp.example")]
#[case(Some(Decision::Hold), vec![person("sophie")], "")]
#[case(Some(Decision::Discard), vec![person("sophie")], "sophie@corp.example")]
fn the_writer_gets_no_copy(#[case] decision: Option<Decision>, #[case] copy_to: Vec<Target>, #[case] expected: &str) {
    let acme = with_rule(decision, copy_to);
    let plan = plan(&acme, "team@acme.example", &sophies("Subject: hi"));
    let copies = plan.copies.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(copies.join(" "), expected);
}

/// Where it goes.
fn inboxes(plan: &Plan) -> String {
    match &plan.fate {
        Fate::Forward(to) => to.iter().map(|to| to.address.to_string()).collect::<Vec<_>>().join(" "),
        Fate::Hold(reason) => format!("held/{reason}"),
        Fate::Discard => "nowhere".into(),
        Fate::Reject(reply) | Fate::Defer(reply) => reply.code.to_string(),
    }
}

/// `persona thread correspondents` of the lesson; the thread is new where its number is above 3.
fn learns(plan: &Plan) -> String {
    let told = |lesson: &Lesson| {
        let thread = if lesson.thread.0[7] > 3 { "new".into() } else { lesson.thread.0[7].to_string() };
        let with = lesson.correspondents.iter().map(|who| format!(" {who}")).collect::<String>();
        format!("{} {thread}{with}", lesson.persona)
    };
    plan.lesson.as_ref().map_or_else(|| "-".into(), told)
}

/// Sophie's own mail.
fn sophies(fields: &str) -> String {
    format!("{PROVED}|From: Sophie <Sophie@corp.example>|Message-ID: <own@corp.example>|{fields}")
}

#[rstest]
// The others of a pool; Ute writes from the mailbox that her inbox is a subaddress of, or another one.
#[case("Sophie@Corp.example", "tom@corp.example ute+personas@corp.example ute@home.example")]
#[case("tom+x@corp.example", "sophie@corp.example ute+personas@corp.example ute@home.example")]
#[case("ute@corp.example", "sophie@corp.example tom@corp.example")]
#[case("ute+personas@corp.example", "sophie@corp.example tom@corp.example")]
#[case("ute@home.example", "sophie@corp.example tom@corp.example")]
fn the_others_of_a_pool_get_what_one_of_them_wrote(#[case] from: &str, #[case] expect: &str) {
    let acme = acme();
    let proved = PROVED.replace("corp.example", &from[from.find('@').unwrap() + 1..]);
    let plan = plan(&acme, "team@acme.example", &format!("{proved}|From: {from}|Message-ID: <own@x>"));
    assert_eq!((inboxes(&plan).as_str(), learns(&plan).as_str()), (expect, "team new"));
    assert_eq!((&plan.matched.correspondent, plan.joins, &plan.person), (&None, None, &None));
}

#[test]
fn nobodys_fallback_is_the_writer() {
    let acme = acme();
    let plan = plan(&acme, "team@acme.example", &sophies("Subject: hi"));
    let Fate::Forward(to) = &plan.fate else { panic!("{:?}", plan.fate) };
    assert!(to.iter().all(|to| to.fallback.to == [address("boss@corp.example")]), "{to:?}");
}

#[test]
fn the_writer_gets_it_where_there_is_nobody_else() {
    let acme = acme();
    assert_eq!(inboxes(&plan(&acme, "sophie@acme.example", &sophies("Subject: hi"))), "sophie@corp.example");
    assert_eq!(inboxes(&plan(&acme, "tom@acme.example", &sophies("Subject: hi"))), "tom@corp.example");
}

#[rstest]
#[case("Subject: hi")]
#[case("Authentication-Results: mx.acme.example; dmarc=fail header.from=corp.example")]
#[case("Authentication-Results: mx.acme.example; dmarc=pass header.from=evil.example")]
#[case("Authentication-Results: mx.evil.example; dmarc=pass header.from=corp.example")]
#[case("Received: from x by mx.acme.example; d|Received: from y by mx.evil.example; d|PROVED")]
#[case("PROVED|From: Sophie@corp.example, eve@evil.example")]
fn who_is_not_proved_is_treated_as_anybody_but_never_made_a_correspondent(#[case] fields: &str) {
    let acme = acme();
    let from = if fields.contains("From:") { "" } else { "|From: Sophie <sophie@corp.example>" };
    let fields = format!("{}{from}|Message-ID: <own@corp.example>", fields.replace("PROVED", PROVED));
    let planned = planned(&acme, &["team@acme.example"], &fields, Ok(&memory()));
    assert!(planned.insider.as_ref().is_some_and(|insider| !insider.proved), "{:?}", planned.insider);
    let plan = &planned.plans[0];
    assert_eq!(inboxes(plan).split(' ').filter(|inbox| inbox.ends_with("@corp.example")).count(), 1, "one person");
    assert_eq!((learns(plan).as_str(), &plan.matched.correspondent, plan.joins), ("-", &None, None));
}

#[rstest]
#[case("Received: from x by MX.acme.example (Postfix) with ESMTPSA id 1; d|PROVED")]
#[case("PROVED|Received: from x by mx.evil.example; d")]
#[case(
    "Received: from x by sincerely.acme.example; d|Authentication-Results: MX.Acme.Example 1; DMARC=Pass Header.From=Corp.example"
)]
#[case("Authentication-Results: mx.acme.example; auth=pass smtp.auth=sophie@corp.example smtp.mailfrom=x@y")]
fn our_own_servers_word_proves_who_wrote(#[case] fields: &str) {
    let acme = acme();
    let fields =
        format!("{}|From: sophie@corp.example|Message-ID: <own@corp.example>", fields.replace("PROVED", PROVED));
    let planned = planned(&acme, &["team@acme.example"], &fields, Ok(&memory()));
    assert!(planned.insider.is_some_and(|insider| insider.proved));
}

#[test]
fn without_a_server_to_believe_nobody_is_proved() {
    let mut acme = acme();
    acme.policy.inbound.trust = None;
    assert_eq!(learns(&plan(&acme, "team@acme.example", &sophies("Subject: hi"))), "-");
}

#[rstest]
#[case("References: SEED", "sophie 1 ann@customer.example")]
#[case("In-Reply-To: <one@acme.example>", "sophie 1 ann@customer.example")]
// Another persona's thread: the copy goes to the recipient's people, the id into the thread.
#[case("In-Reply-To: <three@acme.example>", "tom 3 ann@customer.example")]
// What Ann brought is evidence in an answer to her.
#[case("In-Reply-To: <anns@customer.example>", "sophie 2 ann@customer.example")]
#[case("In-Reply-To: <anns@customer.example>|To: Eve <eve@elsewhere.example>", "sophie new eve@elsewhere.example")]
#[case("Subject: hi", "sophie new ann@customer.example")]
// Ours are no customers, whatever address of theirs is written.
#[case(
    "To: tom@corp.example, Sophie+x@acme.example, ann@customer.example, Ann@Customer.example|Cc: x@replies.acme.example, abuse@sincerely.acme.example",
    "sophie new ann@customer.example"
)]
#[case("In-Reply-To: <one@acme.example>|To: sophie@acme.example", "sophie 1")]
fn its_id_joins_the_thread_that_evidence_names(#[case] fields: &str, #[case] expect: &str) {
    let acme = acme();
    let is_addressed = format!("|{fields}").contains("|To: ");
    let to = if is_addressed { "" } else { "|To: Ann <ann@customer.example>" };
    let fields = sophies(&format!("{}{to}|Cc: sophie@acme.example", fields.replace("SEED", &acme.seed("sophie", 1))));
    assert_eq!(learns(&plan(&acme, "sophie@acme.example", &fields)), expect);
}

#[test]
fn a_retry_keeps_the_thread_and_a_variant_is_not_learned_again() {
    let acme = acme();
    let fields = sophies("To: ann@customer.example");
    let message = Message::read(Bytes::from(format!("{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"))));
    let as_before =
        |fingerprint| Memory::default().claim("own@corp.example", "sophie", 2, Origin::Learned(fingerprint));
    let retry = as_before(Fingerprint::of(&message)).0;
    let plans =
        |found: &Found, fields: &str| planned(&acme, &["sophie@acme.example"], fields, Ok(found)).plans.remove(0);
    assert_eq!(learns(&plans(&retry, &fields)), "sophie 2 ann@customer.example");
    let nobodys = as_before(Fingerprint([9; 16])).0;
    assert_eq!(learns(&plans(&nobodys, &fields)), "sophie 2 ann@customer.example", "who wrote it is news");
    let other = as_before(Fingerprint([9; 16])).written_by("sophie").0;
    assert_eq!(learns(&plans(&other, &fields)), "-", "the mail as it was before somebody signed it, or after");
    let to_ben = fields.replace("ann@", "ben@");
    assert_eq!(learns(&plans(&other, &to_ben)), "sophie new ben@customer.example", "another mail under the same id");
    let seeded = format!("{fields}|References: {}", acme.seed("sophie", 2));
    assert_eq!(learns(&plans(&other, &seeded)), "-", "the same thread knows it, from the mail before it was stamped");
}

#[test]
fn what_a_machine_writes_in_her_name_goes_the_ordinary_way() {
    let mut acme = acme();
    let vacation = plan(&acme, "team@acme.example", &sophies("Auto-Submitted: auto-replied"));
    assert_eq!((inboxes(&vacation).as_str(), learns(&vacation).as_str()), ("held/auto-reply", "-"));
    let spam = plan(&acme, "team@acme.example", &sophies("X-Spam-Flag: YES"));
    assert_eq!((inboxes(&spam).as_str(), learns(&spam).as_str()), ("held/spam", "-"));
    let shared = plan(&acme, "hello@acme.example", &sophies("Subject: hi"));
    assert_eq!((inboxes(&shared).as_str(), learns(&shared).as_str()), ("held/unmatched", "-"), "sent to no persona");
    acme.policy.inbound.unmatched = crate::flow::policy::Unmatched::Person(PersonName("tom".into()));
    let shared = plan(&acme, "hello@acme.example", &sophies("Subject: hi"));
    assert_eq!((inboxes(&shared).as_str(), learns(&shared).as_str()), ("tom@corp.example", "-"));
}

#[test]
fn a_persona_that_writes_to_a_persona_is_an_insider() {
    let acme = acme();
    let from = |from: &str| format!("{PROVED_PERSONA}|From: {from}|Message-ID: <own@acme.example>");
    let of_sophie = plan(&acme, "team@acme.example", &from("Sophie from Acme <hello@acme.example>"));
    assert_eq!(inboxes(&of_sophie), "tom@corp.example ute+personas@corp.example ute@home.example");
    let of_two = plan(&acme, "team@acme.example", &from("two@acme.example"));
    assert_eq!(inboxes(&of_two).split(' ').count(), 4, "who of the two wrote is not known: all get it");
    assert_eq!((&of_two.matched.correspondent, learns(&of_two).as_str()), (&None, "two new"));
}

#[test]
fn one_message_teaches_one_thing_to_whomever_it_goes() {
    let acme = acme();
    let taught = |to: &[&str], fields: &str| {
        let plans = planned(&acme, to, &sophies(&format!("To: ann@customer.example|{fields}")), Ok(&memory())).plans;
        assert!(plans.iter().all(|plan| plan.lesson == plans[0].lesson), "{plans:?}");
        learns(&plans[0])
    };
    assert_eq!(taught(&["tom@acme.example", "sophie@acme.example"], "Subject: hi"), "sophie new ann@customer.example");
    assert_eq!(taught(&["team@acme.example", "sophie@acme.example"], "Subject: hi"), "team new ann@customer.example");
    assert_eq!(taught(&["tom@acme.example"], "Subject: hi"), "tom new ann@customer.example");
    // Evidence that one recipient's persona gives is stronger than any new thread.
    assert_eq!(
        taught(&["team@acme.example", "sophie@acme.example"], "In-Reply-To: <anns@customer.example>"),
        "sophie 2 ann@customer.example"
    );
}

#[test]
fn known_for_one_recipient_is_known_for_all() {
    let acme = acme();
    let known = || Memory::default().claim("own@corp.example", "team", 2, Origin::Learned(Fingerprint([9; 16])));
    let taught = |known: &Found| {
        let fields = sophies("To: ann@customer.example");
        let plans = planned(&acme, &["team@acme.example", "tom@acme.example"], &fields, Ok(known)).plans;
        plans.iter().map(learns).collect::<Vec<_>>()
    };
    assert_eq!(taught(&known().written_by("sophie").0), ["-", "-"]);
    assert_eq!(taught(&known().0), ["team 2 ann@customer.example"; 2], "who wrote it is news");
}

#[rstest]
// Her inbox is hers alone; Ute has two.
#[case("Sophie@corp.example", "dmarc=pass header.from=corp.example", "team@acme.example", Some("sophie"))]
#[case("ute@home.example", "dmarc=pass header.from=home.example", "team@acme.example", Some("ute"))]
// She does not answer for Tom.
#[case("Sophie@corp.example", "dmarc=pass header.from=corp.example", "tom@acme.example", None)]
// As the persona, whoever it was: only the login tells.
#[case("team@acme.example", "dmarc=pass header.from=acme.example", "team@acme.example", None)]
#[case("team@acme.example", "auth=pass smtp.auth=tom@corp.example", "team@acme.example", Some("tom"))]
#[case("team@acme.example", "auth=pass smtp.auth=team@acme.example", "team@acme.example", None)]
fn the_lesson_says_who_wrote(
    #[case] from: &str,
    #[case] finding: &str,
    #[case] to: &str,
    #[case] expect: Option<&str>,
) {
    let fields = format!("Authentication-Results: mx.acme.example; {finding}|From: {from}|Message-ID: <own@x>");
    let lesson = plan(&acme(), to, &fields).lesson.unwrap();
    assert_eq!(lesson.writer.map(|name| name.0).as_deref(), expect);
}

#[rstest]
#[case("sophie@corp.example", "auth=pass smtp.auth=tom@corp.example")]
#[case("sophie@corp.example", "auth=pass smtp.auth=sophie")]
#[case("sophie@corp.example", "auth=pass smtp.auth=sophie@corp.example; dmarc=fail header.from=corp.example")]
#[case("two@acme.example", "auth=pass smtp.auth=ute@home.example")]
fn a_login_that_is_not_the_authors_proves_nothing(#[case] from: &str, #[case] finding: &str) {
    let fields = format!("Authentication-Results: mx.acme.example; {finding}|From: {from}|Message-ID: <own@x>");
    let planned = planned(&acme(), &["team@acme.example"], &fields, Ok(&memory()));
    assert!(planned.insider.is_some_and(|insider| !insider.proved));
}

#[test]
fn the_customers_answer_comes_back_to_whoever_wrote_last() {
    let acme = acme();
    let answer = "From: ann@customer.example|In-Reply-To: <own@corp.example>";
    let of = |writer: Option<&str>| {
        let known = Memory::default().learned("own@corp.example", "team", 2);
        let known = if let Some(writer) = writer { known.written_by(writer).0 } else { known.0 };
        planned(&acme, &["team@acme.example"], answer, Ok(&known)).plans.remove(0).person.unwrap().0
    };
    let by_hash = of(None);
    for person in ["sophie", "tom", "ute"] {
        assert_eq!(of(Some(person)), person);
    }
    assert_eq!(of(Some("boss")), by_hash, "who left, or never answered for her");
}

#[test]
fn without_an_index_an_insiders_mail_waits() {
    let acme = acme();
    let down = Unavailable("rebuilding".into());
    let plans = planned(&acme, &["team@acme.example"], &sophies("Subject: hi"), Err(&down)).plans;
    assert_eq!((inboxes(&plans[0]).as_str(), learns(&plans[0]).as_str()), ("451", "-"));
}
