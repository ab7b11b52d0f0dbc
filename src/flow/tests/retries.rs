//! A mail that comes again: whoever was given it keeps it, and what one place was given says nothing of another.

use std::slice::from_ref;

use bytes::Bytes;
use jiff::SignedDuration;
use rstest::rstest;

use super::*;
use crate::flow::plan::Arrival;
use crate::flow::remember;
use crate::mail::{Fate, Plan, ReversePath};
use crate::message::Message;
use crate::people::Shared;
use crate::people::absence::Stay;
use crate::rules::{Additions, Condition, Decision, Rule, Target, When};
use crate::threads::Remembered;

/// Acme with these people (`name: inbox ...`), personas (`name: address: people: fallback`) and rules.
fn acme(people: &[&str], personas: &[&str], rules: Vec<Rule>, away: &[&str]) -> Acme {
    let mut acme = Acme::new();
    let at =
        |text: &str, domain: &str| text.split_whitespace().map(|user| address(&format!("{user}@{domain}"))).collect();
    let person = |text: &&str| {
        let (name, inboxes) = text.split_once(": ").unwrap();
        Person { name: PersonName(name.into()), inboxes: at(inboxes, "corp.example") }
    };
    let persona = |text: &&str| {
        let [name, user, people, fallback] = text.split(": ").collect::<Vec<_>>()[..] else { panic!("{text}") };
        Persona {
            name: PersonaName(name.into()),
            display_name: None,
            addresses: at(user, "acme.example"),
            answered_by: people.split_whitespace().map(|name| PersonName(name.into())).collect(),
            shared: Default::default(),
            fallback: at(fallback, "corp.example"),
            greeted_as: Vec::new(),
        }
    };
    acme.policy.people = People::new(people.iter().map(person).collect(), personas.iter().map(persona).collect());
    acme.policy.rules = Rules::new(rules);
    for away in away {
        let (who, to) = away.split_once('>').map_or((*away, None), |(who, to)| (who, Some(to)));
        let to = to.map(|to| PersonName(to.into()));
        let stay = Stay { from: now() - SignedDuration::from_hours(1), until: None, to, said: None };
        acme.absences.leave(&PersonName(who.into()), stay, now());
    }
    acme
}

/// A rule for the mail to a persona; to every other one, with `*`.
fn rule(persona: &str, to: &[Target], copy_to: &[Target]) -> Rule {
    let when = match persona {
        "*" => Vec::new(),
        name => vec![Condition::Persona(vec![PersonaName(name.into())])],
    };
    let additions = Additions { copy_to: copy_to.to_vec(), ..Additions::default() };
    Rule { name: "r".into(), when: When(when), decision: Some(Decision::ForwardTo(to.to_vec())), additions }
}

fn person(name: &str) -> Target {
    Target::Person(PersonName(name.into()))
}

fn persona(name: &str) -> Target {
    Target::Persona(PersonaName(name.into()))
}

fn mail(acme: &Acme, to: &[&str]) -> Arrival {
    let desk = acme.desk();
    let recipients = to.iter().map(|to| (address(to), desk.recipient(&address(to)).unwrap())).collect();
    let text = "From: ann@customer.example\r\nMessage-ID: <own@customer.example>\r\nSubject: hi\r\n\r\nbody\r\n";
    let path = ReversePath::Address(address("ann@customer.example"));
    desk.read(Message::read(Bytes::from_static(text.as_bytes())), Some(path), recipients)
}

/// `inbox ... + copy ...` for each recipient.
fn told(plans: &[Plan]) -> String {
    let names = |all: Vec<&Address>| {
        let all: Vec<String> = all.into_iter().map(|to| to.to_string().replace("@corp.example", "")).collect();
        all.join(" ")
    };
    let one = |plan: &Plan| {
        let Fate::Forward(to) = &plan.fate else { panic!("{:?}", plan.fate) };
        let copies = names(plan.copies.iter().collect());
        let plus = if copies.is_empty() { "" } else { " + " };
        format!("{}{plus}{copies}", names(to.iter().map(|to| &to.address).collect()))
    };
    plans.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The plans of a mail, and those of its retry to other absences: the inboxes of `done` have it.
fn tries(first: &Acme, then: &Acme, to: &[&str], done: &[&str]) -> [Vec<Plan>; 2] {
    let before = first.desk().plan(&mail(first, to), Ok(&Found::default())).plans;
    let again = mail(then, to);
    let asked = then.desk().question(&again).retries;
    let mut found = Found::default();
    for to in to {
        let done = done.iter().map(|user| remember::inbox(&address(&format!("{user}@corp.example")))).collect();
        found.retries.insert(again.retry_key(&address(to)), Remembered { done, chosen: None });
    }
    for choice in before.iter().flat_map(|plan| &plan.choices) {
        let key = again.key_of(&choice.place);
        assert!(asked.contains(&key), "{choice:?}");
        found.retries.entry(key).or_default().chosen = Some(choice.person.clone());
    }
    let plans = then.desk().plan(&again, Ok(&found)).plans;
    [before, plans]
}

/// Sophie, whose inbox is one of Tom's too; and Ute.
const SHARED: &[&str] = &["sophie: team", "tom: team tom", "ute: ute"];

#[rstest]
#[case::one_rule(&["sales@acme.example"], "ute team tom")]
#[case::two_rules(&["s@acme.example", "t@acme.example"], "ute, team tom")]
fn a_stand_in_is_nobodys_but_theirs(#[case] to: &[&str], #[case] expected: &str) {
    let personas = &["sales: sales: sophie: ", "s: s: sophie: ", "t: t: tom: "];
    let rules = || {
        let [sophie, tom] = ["sophie", "tom"].map(person);
        vec![rule("s", from_ref(&sophie), &[]), rule("t", from_ref(&tom), &[]), rule("sales", &[sophie, tom], &[])]
    };
    let office = |away: &[&str]| acme(SHARED, personas, rules(), away);
    let (gone, mut back) = (office(&["sophie>ute"]), office(&["sophie>ute"]));
    back.absences.come_back(&PersonName("sophie".into()), true, now());
    for then in [&gone, &back] {
        let [before, again] = tries(&gone, then, to, &["ute"]);
        assert_eq!([told(&before), told(&again)], [expected, expected]);
    }
}

#[test]
fn what_one_pool_chose_is_no_choice_of_another_with_the_same_address() {
    let people = &["sophie: sophie", "ute: ute", "tom: tom", "eve: eve"];
    let personas = &["a: sales: sophie ute: ", "b: sales: tom eve: "];
    for (targets, copies) in [(vec!["a", "b"], vec![]), (vec!["b"], vec!["a"])] {
        let [targets, copies] = [targets, copies].map(|names| names.into_iter().map(persona).collect::<Vec<_>>());
        let acme = acme(people, personas, vec![rule("*", &targets, &copies)], &[]);
        let [before, again] = tries(&acme, &acme, &["sales@acme.example"], &[]);
        let choices = before[0].choices.len();
        assert_eq!((told(&again), choices), (told(&before), 2));
        assert_eq!(told(&before).split(' ').filter(|name| *name != "+").count(), 2, "somebody of each");
    }
}

/// Whose it was at last is theirs when it comes again, too.
#[rstest]
fn a_retry_of_a_pools_mail_has_the_same_fallback(
    #[values(Shared::Sticky, Shared::RoundRobin, Shared::LeastWaiting)] shared: Shared,
    #[values(true, false)] comes_back: bool,
) {
    let office = |away: &[&str]| {
        let people = &["sophie: sophie", "tom: tom", "ute: ute"];
        let mut acme = acme(people, &["team: team: sophie tom: ute"], Vec::new(), away);
        let mut team = acme.policy.people.personas().next().unwrap().clone();
        team.shared = shared;
        acme.policy.people = People::new(acme.policy.people.people().cloned().collect(), vec![team]);
        acme
    };
    let to = &["team@acme.example"];
    let [there, _] = tries(&office(&[]), &office(&[]), to, &[]);
    let whose = told(&there);
    let (gone, mut then) = (office(&[&whose]), office(&[&whose]));
    if comes_back {
        then.absences.come_back(&PersonName(whose.clone()), true, now());
    }
    let [before, again] = tries(&gone, &then, to, &[]);
    let Fate::Forward(first) = &before[0].fate else { panic!("{:?}", before[0].fate) };
    let own = address(&format!("{whose}@corp.example"));
    assert_ne!(first[0].address, own);
    assert_eq!(first[0].fallback.at_last.contains(&own), shared == Shared::Sticky, "a turn is nobody's yet");
    assert_eq!(again[0].fate, before[0].fate);
}

#[rstest]
#[case::of_a_persona(Vec::new())]
#[case::of_a_persona_in_a_rule(vec![rule("*", &[persona("s")], &[])])]
#[case::of_an_address(vec![rule("*", &[Target::Address(address("sophie@corp.example"))], &[])])]
fn whoever_of_a_fallback_has_it_keeps_it(#[case] rules: Vec<Rule>) {
    let people = &["sophie: sophie", "tom: tom", "ute: ute", "eve: eve"];
    let office = |away: &[&str]| acme(people, &["s: s: sophie: tom eve"], rules.clone(), away);
    let others = |plans: &[Plan]| {
        let Fate::Forward(to) = &plans[0].fate else { panic!("{:?}", plans[0].fate) };
        to[0].fallback.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").replace("@corp.example", "")
    };
    for (done, expected) in [("tom", "tom eve"), ("eve", "ute eve")] {
        let [before, again] = tries(&office(&[]), &office(&["tom>ute"]), &["s@acme.example"], &[done]);
        assert_eq!([others(&before), others(&again)], ["tom eve", expected], "{done} has it");
    }
}
