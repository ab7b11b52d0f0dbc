//! Inbound, with rules: who gets what, and what no rule may change.

use std::collections::BTreeMap;

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::plan::Arrival;
use crate::flow::settle::defer_all;
use crate::mail::{Choice, Evidence, Fate, Kind, Place, Plan, ReversePath};
use crate::message::{Message, edit};
use crate::rules::{Additions, Condition, Content, Decision, Pattern, Rule, Target, When};
use crate::threads::{Remembered, Unavailable};

fn patterns(text: &str) -> Vec<Pattern> {
    vec![Pattern::new(text).unwrap()]
}

fn subject(text: &str) -> When {
    When(vec![Condition::Content(Content::Subject(patterns(text)))])
}

fn rule(name: &str, when: When, decision: Decision) -> Rule {
    Rule { name: name.into(), when, decision: Some(decision), additions: Additions::default() }
}

fn person(name: &str) -> Target {
    Target::Person(PersonName(name.into()))
}

/// Acme, with these rules and a pool: `team@` is answered by Sophie and Tom.
fn acme(rules: Vec<Rule>) -> Acme {
    let mut acme = Acme::new();
    let team = Persona {
        greeted_as: Vec::new(),
        name: PersonaName("team".into()),
        display_name: None,
        addresses: vec![address("team@acme.example")],
        answered_by: vec![PersonName("sophie".into()), PersonName("tom".into())],
        shared: Default::default(),
        fallback: vec![address("sophie@corp.example")],
    };
    let people = acme.policy.people.people().cloned().collect();
    acme.policy.people = People::new(people, acme.policy.people.personas().cloned().chain([team]).collect());
    acme.policy.rules = Rules::new(rules);
    acme
}

/// The plan for a message from Ann; `fields` is its header section with `|` between fields.
fn plan(acme: &Acme, to: &str, fields: &str, found: Result<&Found, &Unavailable>) -> Plan {
    let arrival = arrival(acme, to, fields);
    acme.desk().plan(&arrival, found).plans.remove(0)
}

fn arrival(acme: &Acme, to: &str, fields: &str) -> Arrival {
    let text = format!("From: Ann <ann@customer.example>\r\n{}\r\n\r\nbody\r\n", fields.replace('|', "\r\n"));
    let to = address(to);
    let recipient = acme.desk().recipient(&to).unwrap();
    let path = ReversePath::Address(address("ann@customer.example"));
    acme.desk().read(Message::read(Bytes::from(text)), Some(path), vec![(to, recipient)])
}

/// `rule fate`.
fn told(plan: &Plan) -> String {
    let fate = match &plan.fate {
        Fate::Forward(to) => to.iter().map(|to| to.address.to_string()).collect::<Vec<_>>().join(","),
        Fate::Hold(reason) => format!("held/{reason}"),
        Fate::Discard => "discarded".into(),
        Fate::Reject(reply) | Fate::Defer(reply) => reply.to_string(),
    };
    format!("{} {fate}", plan.rule)
}

fn found() -> Found {
    Memory::default().learned("one@acme.example", "sophie", 1).0
}

#[rstest]
#[case(Decision::Forward, "r sophie@corp.example")]
#[case(Decision::ForwardTo(vec![person("tom")]), "r tom@corp.example")]
#[case(Decision::ForwardTo(vec![person("tom"), Target::Address(address("x@out.example")), person("tom")]), "r tom@corp.example,x@out.example")]
#[case(Decision::ForwardTo(vec![Target::Persona(PersonaName("tom".into()))]), "r tom@corp.example")]
#[case(Decision::Hold, "r held/rule")]
#[case(Decision::Reject(Some("go away".into())), "r 550 5.7.1 go away")]
#[case(Decision::Reject(None), "r 550 5.7.1 the message is not accepted here")]
#[case(Decision::Discard, "r discarded")]
fn a_rule_decides_and_the_first_one_wins(#[case] decision: Decision, #[case] expected: &str) {
    let acme = acme(vec![rule("r", subject("*hi*"), decision), rule("s", When::default(), Decision::Hold)]);
    assert_eq!(told(&plan(&acme, "sophie@acme.example", "Subject: Hi there", Ok(&found()))), expected);
    assert_eq!(told(&plan(&acme, "sophie@acme.example", "Subject: ho", Ok(&found()))), "s held/rule");
}

/// A rule that takes everything changes nothing of this.
#[rstest]
#[case("sophie@acme.example", "X-Spam-Flag: YES", "default held/spam")]
#[case("bounce+RETURN@replies.acme.example", "Subject: I am away", "default held/bounce")]
#[case("bounce+RETURN@replies.acme.example", "Auto-Submitted: auto-replied", "default held/auto-reply")]
#[case("sophie@acme.example", "HOPS", "default held/loop")]
#[case("sophie@acme.example", "BEEN-AT-TOM", "r held/loop")]
#[case("sophie@acme.example", "BEEN-AT-SOPHIE", "r tom@corp.example")]
fn what_no_rule_may_override(#[case] to: &str, #[case] fields: &str, #[case] expected: &str) {
    let mut forward = rule("r", When::default(), Decision::ForwardTo(vec![person("tom")]));
    forward.additions.copy_to = vec![Target::Address(address("copy@out.example"))];
    let acme = acme(vec![forward]);
    let been_at = |text: &str| {
        let id = crate::mail::TransactionId::new(1, 1);
        let (host, to) = (&acme.policy.hostname, address(text));
        let field = crate::message::trace::sincerely(&id, Evidence::Seed, host, &to, &acme.keys);
        format!("{}: {}", field.name, field.value)
    };
    let fields = fields.replace("HOPS", &vec!["Received: by x"; 51].join("|"));
    let fields = fields.replace("BEEN-AT-TOM", &been_at("tom@corp.example"));
    let fields = fields.replace("BEEN-AT-SOPHIE", &been_at("sophie@corp.example"));
    let to = to.replace("RETURN", &acme.token(Purpose::ReturnOfOutbound, "sophie", thread(1)));
    let plan = plan(&acme, &to, &fields, Ok(&found()));
    assert_eq!(told(&plan), expected);
    let copies = usize::from(matches!(plan.fate, Fate::Forward(_)));
    assert_eq!(plan.copies.len(), copies, "what is held here is nobody's copy");
}

#[test]
fn what_comes_to_a_rules_person_and_persona_has_their_fallback() {
    let fallback = |target: Target| {
        let acme = acme(vec![rule("r", When::default(), Decision::ForwardTo(vec![target]))]);
        let fate = plan(&acme, "tom@acme.example", "Subject: hi", Ok(&found())).fate;
        let Fate::Forward(to) = fate else { panic!("{fate:?}") };
        to[0].fallback.to[0].to_string()
    };
    assert_eq!(fallback(person("tom")), "sophie@corp.example", "of the persona that is written to");
    assert_eq!(
        fallback(Target::Persona(PersonaName("sophie".into()))),
        "tom@corp.example",
        "of the persona that is named"
    );
}

#[test]
fn additions_of_rules_that_go_on_add_up() {
    let adds = |name: &str, prefix: &str, to: &str| Rule {
        name: name.into(),
        when: When::default(),
        decision: None,
        additions: Additions {
            copy_to: vec![Target::Address(address(to))],
            add_header: BTreeMap::from([(format!("X-{name}"), "Büro".to_owned())]),
            subject_prefix: Some(prefix.into()),
        },
    };
    let mut rules = vec![adds("one", "[1] ", "one@out.example"), adds("two", "[2]", "SOPHIE@corp.example")];
    let by_default = acme(rules.clone());
    let arrival = arrival(&by_default, "sophie@acme.example", "Subject: hi");
    let plan = by_default.desk().plan(&arrival, Ok(&found())).plans.remove(0);
    assert_eq!(told(&plan), "default sophie@corp.example");
    assert_eq!(plan.continued, ["one", "two"]);
    assert_eq!(plan.copies, [address("one@out.example")], "Sophie has it already");
    let sent = String::from_utf8(edit::apply(&arrival.message, &plan.edits).concat()).unwrap();
    let expected = "From: Ann <ann@customer.example>\r\nSubject: [1] [2] hi\r\nX-one: =?utf-8?B?QsO8cm8=?=\r\n\
        X-two: =?utf-8?B?QsO8cm8=?=\r\n\r\nbody\r\n";
    assert_eq!(sent, expected);

    rules.push(rule("end", When::default(), Decision::Hold));
    let held = acme(rules.clone());
    let plan = self::plan(&held, "sophie@acme.example", "Subject: hi", Ok(&found()));
    assert_eq!((told(&plan), plan.copies.len()), ("end held/rule".into(), 2));
    let path = plan.reverse_path.unwrap();
    assert_eq!(path.address().unwrap().domain().as_str(), "replies.acme.example", "a copy is handed on too");

    *rules.last_mut().unwrap() = rule("end", When::default(), Decision::Reject(None));
    let rejected = self::plan(&acme(rules), "sophie@acme.example", "Subject: hi", Ok(&found()));
    assert_eq!((rejected.copies.len(), rejected.edits.append.len()), (0, 0), "what is refused is nobody's");
}

#[test]
fn a_pool_that_a_rule_names_keeps_its_choice_apart_from_the_recipients() {
    let team = || Target::Persona(PersonaName("team".into()));
    let acme = acme(vec![rule("r", subject("*team*"), Decision::ForwardTo(vec![team()]))]);
    let arrival = arrival(&acme, "sophie@acme.example", "Subject: to the team");
    let desk = acme.desk();
    let pool = arrival.key_of(&Place::Persona(PersonaName("team".into())));
    assert!(desk.question(&arrival).retries.contains(&pool), "it is asked what the pool chose before");
    let first = desk.plan(&arrival, Ok(&Found::default())).plans.remove(0);
    let choice = &first.choices[0];
    assert_eq!(
        (choice.place.clone(), Some(&choice.person)),
        (Place::Persona(PersonaName("team".into())), first.person.as_ref())
    );
    for name in ["sophie", "tom"] {
        let mut found = Found::default();
        let chosen = Some(PersonName(name.into()));
        found.retries.insert(pool, Remembered { chosen, ..Remembered::default() });
        let retry = desk.plan(&arrival, Ok(&found)).plans.remove(0);
        assert_eq!(told(&retry), format!("r {name}@corp.example"));
    }
}

#[test]
fn a_copy_to_a_pool_is_a_choice_too() {
    let team = vec![Target::Persona(PersonaName("team".into()))];
    let additions = Additions { copy_to: team, ..Additions::default() };
    let acme = acme(vec![Rule { additions, ..rule("r", When::default(), Decision::Hold) }]);
    let arrival = arrival(&acme, "sophie@acme.example", "Subject: hi");
    let pool = arrival.key_of(&Place::Persona(PersonaName("team".into())));
    for name in ["sophie", "tom"] {
        let mut found = Found::default();
        let chosen = Some(PersonName(name.into()));
        found.retries.insert(pool, Remembered { chosen, ..Remembered::default() });
        let plan = acme.desk().plan(&arrival, Ok(&found)).plans.remove(0);
        assert_eq!(plan.copies, [address(&format!("{name}@corp.example"))]);
        let choice =
            Choice { place: Place::Persona(PersonaName("team".into())), person: PersonName(name.into()), turn: None };
        assert_eq!((plan.choices, plan.person), (vec![choice], None), "a copy is nobody's to answer");
    }
}

#[rstest]
// Certain without the index: the message alone tells, or something signed does.
#[case("sophie@acme.example", "Subject: x", "In-Reply-To: <one@acme.example>", "r held/rule")]
#[case("hello@acme.example", "evidence seed", "In-Reply-To: <one@acme.example>|References: SEED", "r held/rule")]
#[case("hello@acme.example", "persona sophie", "References: SEED", "r held/rule")]
#[case("sophie@acme.example", "persona sophie", "In-Reply-To: <one@acme.example>", "r held/rule")]
#[case("sophie@acme.example", "persona tom", "In-Reply-To: <one@acme.example>", "default sophie@corp.example")]
#[case("sophie@acme.example", "kind human", "In-Reply-To: <one@acme.example>", "r held/rule")]
#[case("sophie@acme.example", "evidence seed", "In-Reply-To: <one@acme.example>", "default sophie@corp.example")]
// Only the index could tell.
#[case("sophie@acme.example", "evidence message-id", "In-Reply-To: <one@acme.example>", "r 451")]
#[case("sophie@acme.example", "evidence persona-address", "In-Reply-To: <one@acme.example>", "r 451")]
#[case("hello@acme.example", "persona sophie", "In-Reply-To: <one@acme.example>", "r 451")]
#[case("hello@acme.example", "persona sophie", "Subject: no parents", "r 451")]
#[case("hello@acme.example", "person tom", "In-Reply-To: <one@acme.example>", "r 451")]
#[case("sophie@acme.example", "kind list", "List-Id: <l.example>|In-Reply-To: <one@acme.example>", "r 451")]
// The defaults wait too, where they could say otherwise.
#[case(
    "sophie@acme.example",
    "Subject: y",
    "Auto-Submitted: auto-generated|In-Reply-To: <one@acme.example>",
    "default 451"
)]
#[case("sophie@acme.example", "Subject: y", "List-Id: <l.example>|In-Reply-To: <one@acme.example>", "default 451")]
#[case(
    "hello@acme.example",
    "Subject: y",
    "Auto-Submitted: auto-replied|In-Reply-To: <one@acme.example>",
    "default held/auto-reply"
)]
#[case("hello@acme.example", "Subject: y", "X-Spam-Flag: YES|In-Reply-To: <one@acme.example>", "default held/spam")]
fn without_the_index(#[case] to: &str, #[case] when: &str, #[case] fields: &str, #[case] expected: &str) {
    let one = match when {
        "Subject: x" => Condition::Content(Content::From(patterns("*@customer.example"))),
        "Subject: y" => Condition::Content(Content::From(patterns("nobody@customer.example"))),
        "evidence seed" => Condition::Evidence(vec![Evidence::Seed]),
        "evidence message-id" => Condition::Evidence(vec![Evidence::MessageId]),
        "evidence persona-address" => Condition::Evidence(vec![Evidence::PersonaAddress]),
        "persona sophie" => Condition::Persona(vec![PersonaName("sophie".into())]),
        "persona tom" => Condition::Persona(vec![PersonaName("tom".into())]),
        "person tom" => Condition::Person(vec![PersonName("tom".into())]),
        "kind human" => Condition::Kind(vec![Kind::Human]),
        "kind list" => Condition::Kind(vec![Kind::List]),
        other => panic!("{other}"),
    };
    let acme = acme(vec![rule("r", When(vec![one]), Decision::Hold)]);
    let fields = fields.replace("SEED", &acme.seed("sophie", 1));
    let told = told(&plan(&acme, to, &fields, Err(&Unavailable("rebuilding".into()))));
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_pool_waits_for_the_index_which_knows_its_choice() {
    let acme = acme(Vec::new());
    let down = Err(&Unavailable("rebuilding".into()));
    let waits = |to: &str, fields: &str| told(&plan(&acme, to, fields, down)).contains(" 451 ");
    assert!(waits("team@acme.example", "Subject: hi"));
    assert!(!waits("sophie@acme.example", "Subject: hi"), "nobody is to be chosen");
}

#[test]
fn one_plan_that_waits_makes_all_wait_and_each_keeps_its_rule() {
    let waits = Condition::Evidence(vec![Evidence::MessageId]);
    let tom = Condition::Persona(vec![PersonaName("tom".into())]);
    let acme = acme(vec![
        rule("for Tom", When(vec![tom]), Decision::Discard),
        rule("known", When(vec![waits]), Decision::Hold),
    ]);
    let mut arrival = arrival(&acme, "sophie@acme.example", "In-Reply-To: <one@acme.example>");
    let to = address("tom@acme.example");
    arrival.recipients.push((to.clone(), acme.desk().recipient(&to).unwrap()));
    let mut plans = acme.desk().plan(&arrival, Err(&Unavailable("rebuilding".into()))).plans;
    let short = |plan: &Plan| told(plan).split(" 4.").take(1).collect::<String>();
    assert_eq!(plans.iter().map(short).collect::<Vec<_>>(), ["known 451", "for Tom discarded"]);
    let reply = defer_all(&mut plans).unwrap();
    assert_eq!(reply.code, 451);
    assert_eq!(plans.iter().map(short).collect::<Vec<_>>(), ["known 451", "for Tom 451"]);
    let mut plans = acme.desk().plan(&arrival, Ok(&Found::default())).plans;
    assert_eq!(defer_all(&mut plans), None);
}

#[test]
fn why_a_rule_does_not_match_is_told() {
    let acme = acme(vec![
        rule("one", subject("a"), Decision::Hold),
        Rule { decision: None, ..rule("two", When::default(), Decision::Hold) },
        rule("three", subject("hi"), Decision::Hold),
        rule("four", When::default(), Decision::Hold),
    ]);
    let tried = |fields: &str| {
        let arrival = arrival(&acme, "sophie@acme.example", fields);
        let tried = acme.desk().tried(&arrival, Ok(&Found::default())).remove(0)?;
        Some(tried.into_iter().map(|tried| format!("{} {:?}", tried.rule, tried.failed)).collect::<Vec<_>>())
    };
    let asked = [r#"one Some("subject = \"a\"")"#, "two None", "three None"].map(str::to_owned);
    assert_eq!(tried("Subject: hi"), Some(asked.to_vec()));
    assert_eq!(tried("X-Spam-Flag: YES"), None, "no rule is asked");
}
