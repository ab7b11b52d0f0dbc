//! Somebody is away: who gets what instead.

use jiff::SignedDuration;
use rstest::rstest;

use super::plans::{arrival, plan, told};
use super::*;
use crate::flow::plan::Arrival;
use crate::flow::policy::Unmatched;
use crate::flow::remember;
use crate::mail::{Absent, Choice, Fate, PersonName, Place, Plan};
use crate::people::absence::Stay;
use crate::rules::{Additions, Decision, Rule, Target, When};
use crate::threads::{Remembered, Unavailable};

const SOPHIE: &str = "sophie@acme.example";
const TEAM: &str = "team@acme.example";

/// Acme with a pool of Sophie, Tom and Ute, and these away: `who>stand-in`, or `who` alone.
fn acme(away: &[&str]) -> Acme {
    let mut acme = Acme::new();
    let people = &acme.policy.people;
    let ute = Person { name: PersonName("ute".into()), inboxes: vec![address("ute@corp.example")] };
    let team = Persona {
        name: PersonaName("team".into()),
        display_name: None,
        addresses: vec![address(TEAM)],
        answered_by: ["sophie", "tom", "ute"].map(|name| PersonName(name.into())).into(),
        shared: Default::default(),
        fallback: Vec::new(),
        greeted_as: Vec::new(),
    };
    let all = people.people().cloned().chain([ute]).collect();
    acme.policy.people = People::new(all, people.personas().cloned().chain([team]).collect());
    for away in away {
        let (who, to) = away.split_once('>').map_or((*away, None), |(who, to)| (who, Some(to)));
        let to = to.map(|to| PersonName(to.into()));
        let stay = Stay { from: now() - SignedDuration::from_hours(1), until: Some(tomorrow()), to, said: None };
        acme.absences.leave(&PersonName(who.into()), stay, now());
    }
    acme
}

fn tomorrow() -> jiff::Timestamp {
    now() + SignedDuration::from_hours(24)
}

/// `inboxes person absent`, with `-` for nobody.
fn who(plan: &Plan) -> String {
    let told = told(plan);
    let inboxes = told.rsplit(' ').next().unwrap();
    let person = plan.person.as_ref().map_or("-", |name| name.0.as_str());
    let absent = plan.absent.as_ref().map_or("-", |absent| absent.person.0.as_str());
    format!("{inboxes} {person} {absent}")
}

#[rstest]
#[case(&[], "sophie@corp.example sophie -")]
#[case(&["tom"], "sophie@corp.example sophie -")]
#[case(&["sophie>tom"], "tom@corp.example tom sophie")]
#[case(&["sophie>tom", "tom>ute"], "ute@corp.example ute sophie")]
// Nobody is there: her own inbox keeps it.
#[case(&["sophie>tom", "tom>sophie"], "sophie@corp.example sophie sophie")]
#[case(&["sophie>tom", "tom"], "sophie@corp.example sophie sophie")]
#[case(&["sophie"], "sophie@corp.example sophie sophie")]
fn a_persona_of_one_person(#[case] away: &[&str], #[case] expected: &str) {
    let acme = acme(away);
    let plan = plan(&acme, SOPHIE, "Subject: hi", Ok(&Found::default()));
    assert_eq!(who(&plan), expected);
    let until = plan.absent.as_ref().map(|absent| absent.until);
    assert_eq!(
        until,
        expected.ends_with(" sophie").then_some(Some(tomorrow())).filter(|_| !away.is_empty() && away != ["tom"])
    );
}

#[test]
fn a_pool_passes_over_who_is_away_for_new_and_old_threads() {
    let everybody = acme(&[]);
    let before = plan(&everybody, TEAM, "Subject: hi", Ok(&Found::default())).person.unwrap().0;
    let others: Vec<&str> = ["sophie", "tom", "ute"].into_iter().filter(|name| *name != before).collect();
    let after =
        |away: &[&str], memory: &Found| who(&plan(&acme(away), TEAM, "In-Reply-To: <one@acme.example>", Ok(memory)));
    let one = |name: &str, absent: &str| format!("{name}@corp.example {name} {absent}");

    let alone = after(&[&before, others[0]], &Found::default());
    assert_eq!(alone, one(others[1], &before), "who is left");
    assert_eq!(after(&others, &Found::default()), one(&before, "-"));
    let all = after(&["sophie", "tom", "ute"], &Found::default());
    assert_eq!(all, one(&before, &before), "nobody is there: as if all were");
    let named = format!("{before}>{}", others[1]);
    assert_eq!(after(&[&named], &Found::default()), one(others[1], &before), "who was named");

    let known = Memory::default().learned("one@acme.example", "team", 1).written_by("ute").0;
    assert_eq!(after(&[], &known), one("ute", "-"));
    assert_eq!(after(&["ute>tom"], &known), one("tom", "ute"));
    let passed = after(&["ute", "tom"], &known);
    assert_eq!(passed, one("sophie", "ute"));
}

#[test]
fn a_retry_goes_to_whom_the_first_try_chose() {
    let retried = |acme: &Acme, chosen: &str| {
        let mut found = Found::default();
        let key = arrival(acme, SOPHIE, "Subject: hi").retry_key(&address(SOPHIE));
        found.retries.insert(key, Remembered { chosen: Some(PersonName(chosen.into())), ..Remembered::default() });
        plan(acme, SOPHIE, "Subject: hi", Ok(&found))
    };
    let first = plan(&acme(&["sophie>ute"]), SOPHIE, "Subject: hi", Ok(&Found::default()));
    assert_eq!(
        first.choices,
        [Choice { place: Place::Recipient(address(SOPHIE)), person: PersonName("ute".into()), turn: None }]
    );
    assert_eq!(who(&retried(&acme(&[]), "ute")), "ute@corp.example ute -", "Sophie came back meanwhile");
    assert_eq!(who(&retried(&acme(&["sophie>tom"]), "ute")), "ute@corp.example ute -");
    assert_eq!(who(&retried(&acme(&["sophie>ute"]), "ute")), "ute@corp.example ute -", "it is theirs already");
    assert_eq!(who(&retried(&acme(&[]), "gone")), "sophie@corp.example sophie -");
    let there = plan(&acme(&[]), SOPHIE, "Subject: hi", Ok(&Found::default()));
    assert_eq!(there.choices, [], "one person who is there is no choice");
}

#[test]
fn the_index_is_not_needed_for_a_stand_in() {
    let plan = plan(&acme(&["sophie>tom"]), SOPHIE, "Subject: hi", Err(&Unavailable("away".into())));
    assert_eq!(who(&plan), "tom@corp.example tom sophie");
}

fn rule(decision: Decision, copy_to: Vec<Target>) -> Rule {
    let additions = Additions { copy_to, ..Additions::default() };
    Rule { name: "r".into(), when: When(Vec::new()), decision: Some(decision), additions }
}

#[test]
fn a_person_whom_a_rule_names_has_a_stand_in_and_an_address_and_a_copy_have_none() {
    let sophie = || Target::Person(PersonName("sophie".into()));
    let team = || Target::Persona(PersonaName("team".into()));
    let address_of_sophie = || Target::Address(address("sophie@corp.example"));
    for (targets, away, expected) in [
        (vec![sophie()], &["sophie>ute"][..], "ute@corp.example ute sophie"),
        (vec![sophie()], &["sophie"], "sophie@corp.example sophie sophie"),
        (vec![address_of_sophie()], &["sophie>ute"], "sophie@corp.example - -"),
    ] {
        let mut acme = acme(away);
        acme.policy.rules = Rules::new(vec![rule(Decision::ForwardTo(targets), Vec::new())]);
        let plan = plan(&acme, "tom@acme.example", "Subject: hi", Ok(&Found::default()));
        assert_eq!(who(&plan), expected);
    }
    let mut of_pool = acme(&["sophie", "tom"]);
    of_pool.policy.rules = Rules::new(vec![rule(Decision::ForwardTo(vec![team()]), Vec::new())]);
    let of_pool = plan(&of_pool, "tom@acme.example", "Subject: hi", Ok(&Found::default()));
    assert_eq!(of_pool.person, Some(PersonName("ute".into())));
    let mut acme = acme(&["sophie>ute"]);
    acme.policy.rules = Rules::new(vec![rule(Decision::Forward, vec![sophie()])]);
    let plan = plan(&acme, "tom@acme.example", "Subject: hi", Ok(&Found::default()));
    assert_eq!((who(&plan).as_str(), plan.copies), ("tom@corp.example tom -", vec![address("sophie@corp.example")]));
}

#[test]
fn a_fallback_who_is_away_has_a_stand_in() {
    let plan = plan(&acme(&["tom>ute"]), SOPHIE, "Subject: hi", Ok(&Found::default()));
    let Fate::Forward(to) = &plan.fate else { panic!("{:?}", plan.fate) };
    assert_eq!(to[0].fallback.to, [address("ute@corp.example")]);
}

#[test]
fn what_matches_nothing_goes_to_the_stand_in_too() {
    let mut acme = acme(&["sophie>ute"]);
    acme.policy.inbound.unmatched = Unmatched::Person(PersonName("sophie".into()));
    let plan = plan(&acme, "hello@acme.example", "Subject: hi", Ok(&Found::default()));
    assert_eq!(who(&plan), "ute@corp.example ute sophie");
    assert_eq!(plan.absent, Some(Absent { person: PersonName("sophie".into()), until: Some(tomorrow()) }));
}

/// Where a mail to Sophie ends, of whom these inboxes refuse it.
#[rstest]
#[case(&[], &[], "sophie")]
#[case(&[], &["sophie"], "tom")]
#[case(&[], &["sophie", "tom"], "held")]
#[case(&["tom>ute"], &["sophie"], "ute")]
#[case(&["tom>ute"], &["sophie", "ute"], "tom")]
// Tom's mail is Sophie's meanwhile, who refused it.
#[case(&["tom>sophie"], &["sophie"], "tom")]
#[case(&["tom>sophie"], &["sophie", "tom"], "held")]
// Hers is Tom's, who is her fallback too.
#[case(&["sophie>tom"], &["tom"], "sophie")]
#[case(&["sophie>tom"], &["sophie", "tom"], "held")]
#[case(&["sophie>ute"], &["ute"], "tom")]
#[case(&["sophie>ute"], &["ute", "tom"], "sophie")]
#[case(&["sophie>tom", "tom>ute"], &["ute"], "tom sophie")]
fn an_inbox_that_refused_is_nobodys_fallback(#[case] away: &[&str], #[case] refuse: &[&str], #[case] expected: &str) {
    let plan = plan(&acme(away), SOPHIE, "Subject: hi", Ok(&Found::default()));
    let Fate::Forward(to) = &plan.fate else { panic!("{:?}", plan.fate) };
    let takes = |addresses: &[Address]| {
        let names = addresses.iter().map(|address| address.to_string().replace("@corp.example", ""));
        names.filter(|name| !refuse.contains(&name.as_str())).collect::<Vec<_>>().join(" ")
    };
    let rounds =
        [takes(std::slice::from_ref(&to[0].address)), takes(&to[0].fallback.to), takes(&to[0].fallback.at_last)];
    let end = rounds.into_iter().find(|end| !end.is_empty()).unwrap_or_else(|| "held".into());
    assert_eq!(end, expected);
}

/// Where a mail goes, and where it goes when it comes again to other absences: its legs are done, and others were not.
fn twice(first: &Acme, then: &Acme, to: &str) -> [String; 2] {
    let mail: &dyn Fn(&Acme) -> Arrival = &|acme| arrival(acme, to, "Subject: hi");
    let plan = |acme: &Acme, found: &Found| acme.desk().plan(&mail(acme), Ok(found)).plans.remove(0);
    let before = plan(first, &Found::default());
    let Fate::Forward(inboxes) = &before.fate else { panic!("{:?}", before.fate) };
    let done = inboxes.iter().map(|to| remember::inbox(&to.address)).collect();
    let mut found = Found::default();
    let asked = then.desk().question(&mail(then)).retries;
    found.retries.insert(mail(then).retry_key(&address(to)), Remembered { done, chosen: None });
    for choice in &before.choices {
        let key = mail(then).key_of(&choice.place);
        assert!(asked.contains(&key), "{choice:?}");
        found.retries.entry(key).or_default().chosen = Some(choice.person.clone());
    }
    [&before, &plan(then, &found)].map(|plan| who(plan).split(' ').next().unwrap().replace("@corp.example", ""))
}

#[rstest]
fn what_is_done_stays_with_who_has_it(
    #[values("persona", "rule", "rule-persona", "unmatched", "pool")] way: &str,
    #[values(true, false)] comes_back: bool,
) {
    let office = |away: &[&str]| {
        let mut acme = acme(away);
        let target = match way {
            "rule" => Target::Person(PersonName("sophie".into())),
            "rule-persona" => Target::Persona(PersonaName("sophie".into())),
            _ => {
                acme.policy.inbound.unmatched = Unmatched::Person(PersonName("sophie".into()));
                return acme;
            }
        };
        acme.policy.rules = Rules::new(vec![rule(Decision::ForwardTo(vec![target]), Vec::new())]);
        acme
    };
    let to = match way {
        "persona" => SOPHIE,
        "pool" => TEAM,
        "unmatched" => "hello@acme.example",
        _ => "tom@acme.example",
    };
    // Whose it is where nobody is away.
    let [whose, _] = twice(&office(&[]), &office(&[]), to);
    let other = if whose == "ute" { "sophie" } else { "ute" };
    let away = format!("{whose}>{other}");
    let (there, gone) = (office(&[]), office(&[&away]));
    let mut back = office(&[&away]);
    back.absences.come_back(&PersonName(whose.clone()), true, now());
    if comes_back {
        assert_eq!(twice(&gone, &back, to), [other, other]);
    } else {
        assert_eq!(twice(&there, &gone, to), [&*whose, &*whose]);
    }
}

#[test]
fn who_may_have_it_keeps_it_and_who_was_not_reached_does_not() {
    let there = arrival(&acme(&[]), SOPHIE, "Subject: hi").retry_key(&address(SOPHIE));
    let gone = |done| {
        let mut found = Found::default();
        found.retries.insert(there, Remembered { done, chosen: None });
        who(&plan(&acme(&["sophie>ute"]), SOPHIE, "Subject: hi", Ok(&found)))
    };
    let [at_inbox, given_up, in_doubt] = remember::ends_at(&address("sophie@corp.example"));
    for end in [at_inbox, given_up, in_doubt] {
        assert_eq!(gone(vec![end]), "sophie@corp.example sophie -");
    }
    assert_eq!(gone(vec![remember::inbox(&address("tom@corp.example"))]), "ute@corp.example ute sophie");
}
