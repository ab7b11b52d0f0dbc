//! Whom a pool chooses.

use proptest::prelude::*;
use rstest::rstest;

use super::super::tests::persona;
use super::super::{Leaver, PersonName};
use super::*;

const ALL: [&str; 4] = ["sophie", "tom", "ute", "vera"];

fn names(names: &[&str]) -> Vec<PersonName> {
    names.iter().map(|name| PersonName((*name).into())).collect()
}

fn person(name: &str) -> Person {
    Person { name: PersonName(name.into()), inboxes: vec![format!("{name}@corp.example").parse().unwrap()] }
}

/// The four of them, with a pool of these.
fn company(pool: &[&str], shared: Shared) -> (People, Persona) {
    let team = Persona { shared, ..persona("team", "The team", &["team@acme.example"], pool) };
    (People::new(ALL.map(person).to_vec(), vec![team.clone()]), team)
}

fn customer(number: u16) -> Address {
    format!("c{number}@customer.example").parse().unwrap()
}

/// What is told as `tom 3, ute 4`.
fn told<N: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> HashMap<PersonName, N> {
    let pair = |pair: &str| {
        let (name, number) = pair.split_once(' ').unwrap();
        (PersonName(name.into()), number.parse().unwrap())
    };
    text.split(", ").filter(|pair| !pair.is_empty()).map(pair).collect()
}

#[rstest]
// Of this mail before, of the thread's writer and of who had it last, the first who may be chosen.
#[case("tom", "ute", "sophie", "tom retry")]
#[case("", "ute", "sophie", "ute wrote-last")]
#[case("", "", "ute", "ute had-it-last")]
#[case("vera", "vera", "ute", "ute had-it-last")]
#[case("gone", "", "tom", "tom had-it-last")]
#[case("", "", "", "sophie turn")]
#[case("vera", "gone", "", "sophie turn")]
fn whoever_has_a_conversation_keeps_it(
    #[case] before: &str,
    #[case] writer: &str,
    #[case] last: &str,
    #[case] expected: &str,
) {
    let name = |name: &str| (!name.is_empty()).then(|| PersonName(name.into()));
    let (before, writer, last) = (name(before), name(writer), name(last));
    let (people, team) = company(&["sophie", "tom", "ute"], Shared::RoundRobin);
    let known = Known { before: before.as_ref(), writer: writer.as_ref(), last: last.as_ref(), ..Known::default() };
    let chosen = people.choose(&team, &team.answered_by, &known).unwrap();
    assert_eq!(format!("{} {}", chosen.person.name, chosen.reason), expected);
    assert_eq!(chosen.is_turn(), expected.ends_with("turn"));
}

#[rstest]
#[case(Shared::RoundRobin, "", "", "sophie turn")]
#[case(Shared::RoundRobin, "sophie 1", "", "tom turn")]
#[case(Shared::RoundRobin, "sophie 3, tom 1, ute 2", "", "tom turn")]
#[case(Shared::RoundRobin, "sophie 3, tom 1, ute 2, vera 0", "tom 9", "tom turn")]
#[case(Shared::LeastWaiting, "", "", "sophie fewest-waiting")]
#[case(Shared::LeastWaiting, "", "sophie 2, tom 1, ute 1", "tom fewest-waiting")]
#[case(Shared::LeastWaiting, "tom 2, ute 1", "sophie 2, tom 1, ute 1", "ute fewest-waiting")]
#[case(Shared::LeastWaiting, "ute 5", "sophie 1, tom 1", "ute fewest-waiting")]
fn what_is_nobodys_is_shared_out(
    #[case] shared: Shared,
    #[case] turns: &str,
    #[case] waiting: &str,
    #[case] expected: &str,
) {
    let (turns, waiting) = (told(turns), told(waiting));
    let (people, team) = company(&["sophie", "tom", "ute"], shared);
    let known = Known { turns: Some(&turns), waiting: Some(&waiting), ..Known::default() };
    let chosen = people.choose(&team, &team.answered_by, &known).unwrap();
    assert_eq!(format!("{} {}", chosen.person.name, chosen.reason), expected);
}

#[test]
fn one_alone_is_no_choice_and_nobody_is_nobody() {
    let (people, team) = company(&["sophie", "tom"], Shared::RoundRobin);
    let before = PersonName("sophie".into());
    let known = Known { before: Some(&before), ..Known::default() };
    let chosen = people.choose(&team, &names(&["tom"]), &known).unwrap();
    assert_eq!((chosen.person.name.0.as_str(), chosen.reason), ("tom", ChoiceReason::Only));
    assert_eq!(people.choose(&team, &[], &known), None);
}

/// The person with whom a pool keeps a customer.
fn keeper(people: &People, team: &Persona, customer: &Address) -> String {
    let known = Known { correspondent: Some(customer), ..Known::default() };
    people.choose(team, &team.answered_by, &known).unwrap().person.name.0.clone()
}

#[test]
fn a_sticky_pool_gives_all_of_them_customers() {
    let (people, team) = company(&ALL, Shared::Sticky);
    let mut counts: HashMap<String, u32> = HashMap::new();
    (0..400).for_each(|number| *counts.entry(keeper(&people, &team, &customer(number))).or_default() += 1);
    assert!(counts.len() == 4 && counts.values().all(|count| (60..140).contains(count)), "{counts:?}");
}

#[test]
fn the_customers_of_who_left_are_the_successors_and_all_others_stay() {
    let (people, team) = company(&["sophie", "ute", "vera"], Shared::Sticky);
    // Tom takes Sophie's seat, or Ute has hers too.
    for (successor, rest) in [("tom", ["tom", "ute", "vera"].as_slice()), ("ute", &["ute", "vera"])] {
        let left = Leaver { person: person("sophie"), successor: PersonName(successor.into()) };
        let there = ["tom", "ute", "vera"].map(person).to_vec();
        let after = People::new(there, vec![team.clone()]).handing_over(vec![left]);
        let pool = after.persona(&team.name).unwrap();
        assert_eq!(pool.answered_by, names(rest), "each counts once");
        for number in 0..100 {
            let before = keeper(&people, &team, &customer(number));
            let expected = if before == "sophie" { successor } else { &before };
            assert_eq!(keeper(&after, pool, &customer(number)), expected);
        }
    }
}

proptest! {
    #[test]
    fn a_customer_keeps_the_same_person_in_whatever_order_they_are_written(
        number in any::<u16>(), order in Just(ALL.to_vec()).prop_shuffle(), left in 0..4_usize,
    ) {
        let ((people, team), (_, shuffled)) = (company(&ALL, Shared::Sticky), company(&order, Shared::Sticky));
        let customer = customer(number);
        let first = keeper(&people, &team, &customer);
        prop_assert_eq!(&keeper(&people, &shuffled, &customer), &first);
        // Whoever else leaves the pool.
        let rest: Vec<&str> = ALL.into_iter().filter(|name| *name != ALL[left]).collect();
        let smaller = company(&rest, Shared::Sticky).1;
        prop_assert!(ALL[left] == first || keeper(&people, &smaller, &customer) == first);
    }

    /// Some mails go on with a conversation: they are nobody's turn.
    #[test]
    fn turns_differ_by_one_at_most(conversations in prop::collection::vec(prop::option::of(0..4_usize), 0..60)) {
        let (people, team) = company(&ALL, Shared::RoundRobin);
        let (mut turns, mut counts) = (HashMap::new(), HashMap::<PersonName, u32>::new());
        for (at, conversation) in conversations.into_iter().enumerate() {
            let last = conversation.map(|index| PersonName(ALL[index].into()));
            let known = Known { last: last.as_ref(), turns: Some(&turns), ..Known::default() };
            let chosen = people.choose(&team, &team.answered_by, &known).unwrap();
            prop_assert_eq!(chosen.is_turn(), last.is_none());
            if chosen.is_turn() {
                let name = chosen.person.name.clone();
                *counts.entry(name.clone()).or_default() += 1;
                turns.insert(name, i64::try_from(at).unwrap());
            }
        }
        let count = |name: &&str| counts.get(&PersonName((*name).into())).copied().unwrap_or_default();
        let (most, fewest) = (ALL.iter().map(count).max(), ALL.iter().map(count).min());
        prop_assert!(most.unwrap() - fewest.unwrap() <= 1, "{counts:?}");
    }
}
