//! Tables of who is away when, and who stands in.

use proptest::prelude::*;

use super::*;
use crate::people::Leaver;

const NOW: i64 = 1_800_000_000;

fn name(text: &str) -> PersonName {
    PersonName(text.into())
}

/// Hours after the moment of all tests.
fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(NOW + hours * 3600).unwrap()
}

/// What her own responder says.
fn proved(seen: i64, until: Option<i64>) -> Notice {
    Notice { proved: true, ..Notice::new(at(seen), until.map(at), "away") }
}

fn stay(from: i64, until: Option<i64>, to: Option<&str>) -> Stay {
    Stay { from: at(from), until: until.map(at), to: to.map(name), said: None }
}

fn person(text: &str) -> Person {
    Person { name: name(text), inboxes: vec![format!("{text}@corp.example").parse().unwrap()] }
}

/// Four people; the configuration says of these when they are away, and trusts Sophie's notices.
fn people(stays: &[(&str, Stay)]) -> People {
    let mut planned = Planned { trusted: [name("sophie")].into(), ..Planned::default() };
    for (who, stay) in stays {
        planned.stays.entry(name(who)).or_default().push(stay.clone());
    }
    People::new(["sophie", "tom", "ute", "eve"].map(person).into(), Vec::new()).with_absences(planned)
}

fn said(stays: &[(&str, Stay)]) -> Absences {
    let mut absences = Absences::default();
    for (who, stay) in stays {
        absences.leave(&name(who), stay.clone(), at(0));
    }
    absences
}

/// Who has Sophie's mail, in a word.
fn instead(people: &People, absences: &Absences, hours: i64) -> String {
    let presence = Presence { people, absences, now: at(hours) };
    match presence.instead_of(&name("sophie")) {
        Instead::There => "there".into(),
        Instead::By(name) => name.to_string(),
        Instead::Unnamed => "unnamed".into(),
        Instead::InCircle => "circle".into(),
    }
}

#[test]
fn a_stand_in_has_the_mail_from_the_first_moment_until_the_return() {
    for (stay, hours, expected) in [
        (stay(-1, Some(1), Some("tom")), 0, "tom"),
        (stay(0, Some(1), Some("tom")), 0, "tom"),
        (stay(0, Some(1), Some("tom")), 1, "there"),
        (stay(1, Some(2), Some("tom")), 0, "there"),
        (stay(-1, None, Some("tom")), 10_000, "tom"),
        (stay(-1, None, None), 0, "unnamed"),
        (stay(-1, None, Some("nobody")), 0, "unnamed"),
    ] {
        let (by_command, configured) = (said(&[("sophie", stay.clone())]), people(&[("sophie", stay.clone())]));
        assert_eq!(instead(&people(&[]), &by_command, hours), expected, "{stay:?}");
        assert_eq!(instead(&configured, &NOTHING_SAID, hours), expected, "configured {stay:?}");
    }
}

#[test]
fn chains_are_followed_and_circles_end() {
    for (stays, expected) in [
        (vec![("sophie", Some("tom")), ("tom", Some("ute"))], "ute"),
        (vec![("sophie", Some("tom")), ("tom", Some("ute")), ("ute", Some("eve"))], "eve"),
        (vec![("sophie", Some("tom")), ("tom", None)], "unnamed"),
        (vec![("sophie", Some("tom")), ("tom", Some("sophie"))], "circle"),
        (vec![("sophie", Some("tom")), ("tom", Some("ute")), ("ute", Some("tom"))], "circle"),
        (vec![("sophie", Some("sophie"))], "circle"),
        (vec![("tom", Some("sophie"))], "there"),
    ] {
        let stays: Vec<_> = stays.into_iter().map(|(who, to)| (who, stay(-1, None, to))).collect();
        assert_eq!(instead(&people(&[]), &said(&stays), 0), expected, "{stays:?}");
        assert_eq!(instead(&people(&stays), &NOTHING_SAID, 0), expected, "configured {stays:?}");
    }
}

/// Tom left, and Ute has what was his.
#[test]
fn who_left_is_whoever_succeeded_them() {
    let ute_for_tom = |people: People| {
        let left = Leaver { person: person("tom"), successor: name("ute") };
        let there = people.people().filter(|person| person.name != name("tom")).cloned().collect();
        People::new(there, Vec::new()).with_absences(people.planned.clone()).handing_over(vec![left])
    };
    for (stays, expected) in [
        (vec![("sophie", Some("tom"))], "ute"),
        (vec![("sophie", Some("tom")), ("tom", Some("eve"))], "ute"),
        (vec![("sophie", Some("tom")), ("ute", Some("eve"))], "eve"),
        (vec![("sophie", Some("tom")), ("ute", Some("tom"))], "circle"),
        (vec![("sophie", Some("tom")), ("ute", None)], "unnamed"),
    ] {
        let stays: Vec<_> = stays.into_iter().map(|(who, to)| (who, stay(-1, None, to))).collect();
        assert_eq!(instead(&ute_for_tom(people(&[])), &said(&stays), 0), expected, "{stays:?}");
        assert_eq!(instead(&ute_for_tom(people(&stays)), &NOTHING_SAID, 0), expected, "configured {stays:?}");
    }
    let (people, absences) = (ute_for_tom(people(&[])), said(&[("ute", stay(-1, None, None))]));
    let presence = Presence { people: &people, absences: &absences, now: at(0) };
    let names = ["tom", "ute", "eve"].map(name);
    assert_eq!(presence.there(&names).collect::<Vec<_>>(), [&name("eve")]);
    assert_eq!(presence.away(&name("tom")), presence.away(&name("ute")));
}

#[test]
fn the_command_comes_before_the_configuration_and_both_before_a_notice() {
    let configured = people(&[("sophie", stay(-2, Some(9), Some("tom")))]);
    let mut absences = said(&[("sophie", stay(-1, Some(5), Some("ute")))]);
    absences.note(&name("sophie"), proved(0, Some(20)));
    let of = |hours| {
        let away = Presence { people: &configured, absences: &absences, now: at(hours) }.away(&name("sophie"));
        away.map(|away| away.said_by)
    };
    assert_eq!(of(4), Some(SaidBy::Command));
    assert_eq!(of(6), Some(SaidBy::Configuration));
    assert_eq!(of(10), Some(SaidBy::Notice));
    assert_eq!(of(20), None);
}

#[test]
fn back_ends_what_has_begun_whoever_said_it() {
    let configured = people(&[("sophie", stay(-2, Some(9), Some("tom"))), ("sophie", stay(30, Some(40), Some("tom")))]);
    let mut absences = said(&[("sophie", stay(-1, Some(5), Some("ute"))), ("sophie", stay(50, None, Some("ute")))]);
    absences.note(&name("sophie"), proved(0, Some(20)));
    absences.come_back(&name("sophie"), false, at(1));
    assert_eq!(instead(&configured, &absences, 1), "there");
    assert_eq!(instead(&configured, &absences, 15), "there", "the notice came before");
    assert_eq!(instead(&configured, &absences, 31), "tom", "the next time of the configuration");
    assert_eq!(instead(&configured, &absences, 51), "ute", "the next time that was said");
    absences.note(&name("sophie"), proved(2, Some(20)));
    assert_eq!(instead(&configured, &absences, 3), "unnamed", "a notice that came later");
    absences.come_back(&name("sophie"), true, at(4));
    assert_eq!(instead(&configured, &absences, 51), "there");
}

#[test]
fn a_notice_counts_where_it_is_trusted_and_for_three_days_where_it_tells_no_end() {
    let mut absences = Absences::default();
    for who in ["sophie", "tom"] {
        absences.note(&name(who), proved(0, None));
        absences.note(&name(who), proved(-5, Some(900)));
    }
    let people = people(&[]);
    let is_away =
        |who, hours| Presence { people: &people, absences: &absences, now: at(hours) }.away(&name(who)).is_some();
    assert!(is_away("sophie", 71) && !is_away("sophie", 72));
    assert!(!is_away("tom", 0), "his notices are only shown");
}

#[test]
fn a_notice_counts_for_six_weeks_at_most_and_only_where_it_is_proved() {
    const SIX_WEEKS: i64 = 6 * 7 * 24;
    let people = people(&[]);
    let end = |notice: Notice| {
        let mut absences = Absences::default();
        absences.note(&name("sophie"), notice);
        let presence = Presence { people: &people, absences: &absences, now: at(0) };
        presence.away(&name("sophie")).map(|away| away.until.unwrap())
    };
    assert_eq!(end(proved(0, Some(SIX_WEEKS))), Some(at(SIX_WEEKS)));
    assert_eq!(end(proved(0, Some(SIX_WEEKS + 1))), Some(at(72)), "as if no day were named");
    assert!(proved(0, Some(SIX_WEEKS + 1)).may_be_true(at(SIX_WEEKS)), "it is shown all the same");
    assert_eq!(end(Notice::new(at(0), Some(at(20)), "away")), None);
}

#[test]
fn what_anybody_may_have_written_takes_no_place_of_what_is_proved() {
    let after = |back: Option<i64>, seen: i64, is_proved: bool| {
        let mut absences = Absences::default();
        absences.note(&name("sophie"), proved(0, Some(20)));
        if let Some(back) = back {
            absences.come_back(&name("sophie"), false, at(back));
        }
        absences.note(&name("sophie"), Notice { proved: is_proved, ..Notice::new(at(seen), None, "another") });
        absences.of(&name("sophie")).unwrap().notice.as_ref().unwrap().subject.clone()
    };
    assert_eq!(after(None, 19, false), "away");
    assert_eq!(after(None, 19, true), "another");
    assert_eq!(after(None, 20, false), "another", "it is over");
    assert_eq!(after(Some(5), 19, false), "another", "she is back");
}

#[test]
fn a_new_stay_takes_the_place_of_those_at_the_same_time() {
    let mut absences = said(&[("sophie", stay(10, Some(20), None)), ("sophie", stay(30, Some(40), None))]);
    absences.leave(&name("sophie"), stay(20, Some(30), Some("tom")), at(0));
    let kept = |absences: &Absences| {
        absences.of(&name("sophie")).unwrap().away.iter().map(|stay| stay.from).collect::<Vec<_>>()
    };
    assert_eq!(kept(&absences), [at(10), at(20), at(30)], "the last moment is not of it");
    absences.leave(&name("sophie"), stay(19, None, Some("ute")), at(0));
    assert_eq!(kept(&absences), [at(19)]);
    absences.leave(&name("sophie"), stay(5, Some(6), None), at(0));
    absences.leave(&name("sophie"), stay(50, None, None), at(7));
    assert_eq!(kept(&absences), [at(50)], "what is past is forgotten");
}

#[test]
fn an_address_of_one_who_is_away_is_the_stand_ins() {
    let absences = said(&[("sophie", stay(-1, None, Some("tom"))), ("ute", stay(-1, None, None))]);
    let people = people(&[]);
    let presence = Presence { people: &people, absences: &absences, now: at(0) };
    let there = |addresses: &[&str]| {
        let addresses: Vec<Address> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let Fallback { to, at_last } = presence.fallback(&addresses, |_| false);
        [to, at_last].map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(there(&["Sophie@corp.example"]), ["tom@corp.example", "Sophie@corp.example"]);
    assert_eq!(there(&["ute@corp.example"]), ["ute@corp.example", ""], "nobody is named");
    assert_eq!(
        there(&["tom@corp.example", "Sophie@corp.example"]),
        ["tom@corp.example", "Sophie@corp.example"],
        "once"
    );
    assert_eq!(there(&["desk@corp.example", "eve@corp.example"]), ["desk@corp.example eve@corp.example", ""]);
}

proptest! {
    /// Whatever is said, somebody has the mail who is there, or it goes to the person's own inbox.
    #[test]
    fn whoever_stands_in_is_there(stays in prop::collection::vec((0..4_usize, -9..9_i64, 0..9_i64, 0..5_usize), 0..12)) {
        let names = ["sophie", "tom", "ute", "eve", "nobody"];
        let mut absences = Absences::default();
        for (who, from, hours, to) in stays {
            let stay = stay(from, Some(from + hours), names.get(to).copied());
            absences.leave(&name(names[who]), stay, at(-9));
        }
        let people = people(&[]);
        let presence = Presence { people: &people, absences: &absences, now: at(0) };
        for who in names {
            match presence.instead_of(&name(who)) {
                Instead::By(other) => prop_assert!(presence.away(other).is_none() && people.person(other).is_some()),
                Instead::There => prop_assert!(presence.away(&name(who)).is_none()),
                Instead::Unnamed | Instead::InCircle => prop_assert!(presence.away(&name(who)).is_some()),
            }
        }
    }
}
