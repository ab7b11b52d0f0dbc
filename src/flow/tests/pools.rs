//! Who of a pool gets a mail: what the memory knows, what is under way, and who left.

use std::cell::Cell;

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::flow::plan::{Arrival, Planned};
use crate::flow::policy::Trust;
use crate::flow::turns::Turns;
use crate::mail::{ChoiceReason, Fate, Plan, ReversePath, Turn};
use crate::message::Message;
use crate::people::{Leaver, Shared};
use crate::rules::{Additions, Decision, Rule, Target, When};
use crate::threads::{Remembered, Unavailable};

/// Acme with a team of three; Sophie has left where she has a successor.
fn acme(shared: Shared, successor: Option<&str>) -> Acme {
    let mut acme = Acme::new();
    let person =
        |name: &str| Person { name: PersonName(name.into()), inboxes: vec![address(&format!("{name}@corp.example"))] };
    let sophies = acme.policy.people.persona(&PersonaName("sophie".into())).unwrap().clone();
    let team = Persona {
        name: PersonaName("team".into()),
        addresses: vec![address("team@acme.example")],
        answered_by: ["sophie", "tom", "ute"].map(|name| PersonName(name.into())).into(),
        shared,
        ..sophies.clone()
    };
    let left = |name: &str| Leaver { person: person("sophie"), successor: PersonName(name.into()) };
    let there =
        ["sophie", "tom", "ute"].map(person).into_iter().filter(|it| successor.is_none() || it.name.0 != "sophie");
    acme.policy.people =
        People::new(there.collect(), vec![sophies, team]).handing_over(successor.map(left).into_iter().collect());
    acme
}

/// A mail from Ann; `fields` is the rest of its header section with `|` between fields.
fn arrival(acme: &Acme, to: &str, fields: &str) -> Arrival {
    let text = format!("From: ann@customer.example|{fields}||body|").replace('|', "\r\n");
    let recipient = acme.desk().recipient(&address(to)).unwrap();
    let path = ReversePath::Address(address("ann@customer.example"));
    acme.desk().read(Message::read(Bytes::from(text)), Some(path), vec![(address(to), recipient)])
}

/// `person reason`, and the turn that it was.
fn told(planned: &Planned) -> (String, Option<i64>) {
    let plan: &Plan = &planned.plans[0];
    let reason = plan.chosen.map(|reason| reason.to_string()).unwrap_or_default();
    let person = plan.person.as_ref().map(ToString::to_string).unwrap_or_default();
    let turn = plan.choices.iter().find_map(|choice| choice.turn.as_ref()).map(|turn| turn.at);
    (format!("{person} {reason}").trim().to_owned(), turn)
}

fn turns(turns: &[(&str, i64)]) -> Found {
    let turns = turns.iter().map(|(name, at)| (PersonName((*name).into()), *at)).collect();
    Found { turns: [(PersonaName("team".into()), turns)].into(), ..Found::default() }
}

const NOW_IN_MILLISECONDS: i64 = NOW * 1000;

#[test]
fn a_turn_is_later_than_all_before_it_whatever_the_clock_says() {
    let acme = acme(Shared::RoundRobin, None);
    let mail = arrival(&acme, "team@acme.example", "Message-ID: <a@b>");
    let ahead = NOW_IN_MILLISECONDS + 5_000;
    for (known, expected, at) in [
        (turns(&[]), "sophie turn", NOW_IN_MILLISECONDS),
        (turns(&[("sophie", 7), ("tom", 8)]), "ute turn", NOW_IN_MILLISECONDS),
        (turns(&[("sophie", ahead), ("tom", 8), ("ute", 9)]), "tom turn", ahead + 1),
    ] {
        assert_eq!(told(&acme.desk().plan(&mail, Ok(&known))), (expected.into(), Some(at)));
    }
}

#[test]
fn only_pools_that_take_turns_ask_for_them() {
    for (shared, pools, waiting) in [(Shared::Sticky, 0, 0), (Shared::RoundRobin, 1, 0), (Shared::LeastWaiting, 1, 3)] {
        let mut acme = acme(shared, None);
        let question = |acme: &Acme, to: &str| acme.desk().question(&arrival(acme, to, "Message-ID: <a@b>"));
        let asked = question(&acme, "team@acme.example");
        assert_eq!((asked.pools.len(), asked.waiting.len()), (pools, waiting), "{shared}");
        let asked = question(&acme, "sophie@acme.example");
        assert_eq!((asked.pools.len(), asked.waiting.len()), (0, 0), "Sophie is alone");
        let to_team = Decision::ForwardTo(vec![Target::Persona(PersonaName("team".into()))]);
        let (when, additions) = (When::default(), Additions::default());
        acme.policy.rules = Rules::new(vec![Rule { name: "r".into(), when, decision: Some(to_team), additions }]);
        let asked = question(&acme, "sophie@acme.example");
        assert_eq!((asked.pools.len(), asked.waiting.len()), (pools, waiting), "a rule may ask the team");
    }
}

#[test]
fn a_pool_that_a_rule_names_takes_turns_too() {
    let mut acme = acme(Shared::RoundRobin, None);
    let to_team = Decision::ForwardTo(vec![Target::Persona(PersonaName("team".into()))]);
    let (when, additions) = (When::default(), Additions::default());
    acme.policy.rules = Rules::new(vec![Rule { name: "r".into(), when, decision: Some(to_team), additions }]);
    let mail = arrival(&acme, "sophie@acme.example", "Message-ID: <a@b>");
    let planned = acme.desk().plan(&mail, Ok(&turns(&[("sophie", 7)])));
    assert_eq!(told(&planned), ("tom turn".into(), Some(NOW_IN_MILLISECONDS)));
    let turn = Turn { persona: PersonaName("team".into()), at: NOW_IN_MILLISECONDS };
    assert_eq!(planned.plans[0].choices[0].turn, Some(turn));
}

#[rstest]
#[case("Message-ID: <a@b>|In-Reply-To: <one@acme.example>", "ute wrote-last")]
#[case("Message-ID: <anns@customer.example>", "tom had-it-last")]
#[case("Message-ID: <other@customer.example>", "sophie turn")]
fn whoever_has_the_conversation_keeps_it(#[case] fields: &str, #[case] expected: &str) {
    let acme = acme(Shared::RoundRobin, None);
    let mut known = Memory::default().learned("one@acme.example", "team", 1).written_by("ute");
    // The same mail went to another address of the team before.
    known = known.healed("anns@customer.example", "team", 2, "ann@customer.example");
    known.0.threads.get_mut(&thread(2)).unwrap().person = Some(PersonName("tom".into()));
    let planned = acme.desk().plan(&arrival(&acme, "team@acme.example", fields), Ok(&known.0));
    assert_eq!(told(&planned).0, expected);
}

#[test]
fn one_persons_persona_is_no_pool_and_what_nobody_answers_is_no_choice() {
    let acme = acme(Shared::Sticky, None);
    let plan = acme.desk().plan(&arrival(&acme, "sophie@acme.example", "Message-ID: <a@b>"), Ok(&Found::default()));
    assert_eq!((told(&plan).0, plan.plans[0].choices.len()), ("sophie only".into(), 0));
    let held = arrival(&acme, "sophie@acme.example", "X-Spam-Flag: YES");
    let held = acme.desk().plan(&held, Ok(&Found::default()));
    assert_eq!((told(&held).0.as_str(), held.plans[0].chosen), ("", None));
}

#[test]
fn mail_that_is_under_way_has_had_its_turn() {
    let acme = acme(Shared::RoundRobin, None);
    let under_way = Turns::default();
    let mail = arrival(&acme, "team@acme.example", "Message-ID: <a@b>");
    let next = || {
        let (planned, share) = under_way.decide(true, Ok(turns(&[])), |found| acme.desk().plan(&mail, found));
        drop(share);
        told(&planned).0
    };
    assert_eq!([next(), next(), next(), next()], ["sophie turn", "tom turn", "ute turn", "sophie turn"]);
    let away = Err(Unavailable("rebuilding".into()));
    let (planned, _) = under_way.decide(true, away, |found| acme.desk().plan(&mail, found));
    assert!(matches!(planned.plans[0].fate, Fate::Defer(_)), "a pool waits");
}

#[test]
fn no_turn_waits_for_a_mail_that_takes_long() {
    let acme = acme(Shared::RoundRobin, None);
    let (under_way, mails) = (Turns::default(), Cell::new(0));
    let mail = arrival(&acme, "team@acme.example", "Message-ID: <a@b>");
    let (planned, _share) = under_way.decide(true, Ok(turns(&[])), |found| {
        mails.set(mails.get() + 1);
        if mails.get() == 1 {
            let (other, _) = under_way.decide(true, Ok(turns(&[])), |found| acme.desk().plan(&mail, found));
            assert_eq!(told(&other).0, "sophie turn");
        }
        acme.desk().plan(&mail, found)
    });
    assert_eq!(told(&planned).0, "tom turn", "it is decided again, once it is its turn");
}

#[test]
fn mail_that_is_under_way_is_somebodys_to_answer() {
    let acme = acme(Shared::LeastWaiting, None);
    let under_way = Turns::default();
    let mail = arrival(&acme, "team@acme.example", "Message-ID: <a@b>");
    let found = || {
        let waiting = [("sophie", 3), ("tom", 2)].map(|(name, count)| (PersonName(name.into()), count)).into();
        Ok(Found { waiting, ..turns(&[]) })
    };
    let next = || under_way.decide(true, found(), |found| acme.desk().plan(&mail, found));
    let first: Vec<_> = (0..4).map(|_| next()).collect();
    let names: Vec<String> = first.iter().map(|(planned, _)| told(planned).0).collect();
    let expected = ["ute", "ute", "tom", "ute"].map(|name| format!("{name} {}", ChoiceReason::FewestWaiting));
    assert_eq!(names, expected, "Ute has two and Tom two, whose turn was before hers; then Tom has three");
    drop(first);
    assert_eq!(told(&next().0).0, "ute fewest-waiting", "what is done is not under way");
}

#[test]
fn what_is_remembered_of_who_left_is_the_successors() {
    let acme = acme(Shared::LeastWaiting, Some("tom"));
    let desk = acme.desk();
    let mail = arrival(&acme, "team@acme.example", "Message-ID: <a@b>|In-Reply-To: <one@acme.example>");
    let mut known = Memory::default().learned("one@acme.example", "team", 1).written_by("sophie").0;
    assert_eq!(told(&desk.plan(&mail, Ok(&known))).0, "tom wrote-last");
    known.threads.values_mut().for_each(|thread| thread.person = thread.writer.take());
    assert_eq!(told(&desk.plan(&mail, Ok(&known))).0, "tom had-it-last");

    let new = arrival(&acme, "team@acme.example", "Message-ID: <a@b>");
    let asked = desk.question(&new).waiting.into_iter().map(|name| name.0).collect::<Vec<_>>();
    assert_eq!(asked, ["sophie", "tom", "ute"], "who waits for Sophie waits for Tom");
    let mut known = turns(&[("sophie", 9), ("tom", 3), ("ute", 5)]);
    assert_eq!(told(&desk.plan(&new, Ok(&known))).0, "ute fewest-waiting", "Tom's turn was Sophie's");
    known.waiting = [("sophie", 2), ("tom", 1), ("ute", 2)].map(|(name, n)| (PersonName(name.into()), n)).into();
    assert_eq!(told(&desk.plan(&new, Ok(&known))).0, "ute fewest-waiting", "three wait for Tom");
    let chosen = Some(PersonName("sophie".into()));
    known.retries.insert(new.retry_key(&address("team@acme.example")), Remembered { chosen, ..Remembered::default() });
    assert_eq!(told(&desk.plan(&new, Ok(&known))).0, "tom retry");
}

#[test]
fn who_left_is_one_of_ours_and_gets_nothing() {
    let acme = acme(Shared::Sticky, Some("tom"));
    assert!(!acme.policy.is_customer(&address("sophie@corp.example")));
    let mail = arrival(&acme, "sophie@acme.example", "Message-ID: <a@b>");
    let planned = acme.desk().plan(&mail, Ok(&Found::default()));
    let Fate::Forward(to) = &planned.plans[0].fate else { panic!("{:?}", planned.plans[0].fate) };
    assert_eq!(to.iter().map(|to| to.address.to_string()).collect::<Vec<_>>(), ["tom@corp.example"]);
}

#[test]
fn what_who_left_wrote_is_told_to_the_successor_too() {
    let mut acme = acme(Shared::RoundRobin, Some("tom"));
    let servers = vec!["mx.acme.example".parse().unwrap()];
    acme.policy.inbound.trust = Some(Trust { authserv_id: "mx.acme.example".parse().unwrap(), servers });
    let text = "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example\r\n\
        From: sophie@corp.example\r\nTo: ann@customer.example\r\nMessage-ID: <last@corp.example>\r\n\r\nbody\r\n";
    let (desk, to) = (acme.desk(), address("team@acme.example"));
    let recipients = vec![(to.clone(), desk.recipient(&to).unwrap())];
    let mail = desk.read(Message::read(Bytes::from(text)), None, recipients);
    let plan = desk.plan(&mail, Ok(&Found::default())).plans.remove(0);
    let Fate::Forward(to) = &plan.fate else { panic!("{:?}", plan.fate) };
    let to: Vec<String> = to.iter().map(|to| to.address.to_string()).collect();
    assert_eq!(to, ["tom@corp.example", "ute@corp.example"]);
    assert_eq!(plan.lesson.unwrap().writer, Some(PersonName("sophie".into())), "who wrote it then");
}
