//! When people are away, as it is written.

use super::*;

const TOM: &str = "people.tom.inbox = 'tom@corp.example'\n";

#[test]
fn dates_are_those_of_toml_or_texts() {
    let text = format!(
        "{BASE}reply_domain = 'r.example'\n{TOM}people.sophie.trust_out_of_office = true\n\
         [[people.sophie.away]]\nfrom = 2026-12-20\nuntil = '2027-01-07'\nto = 'tom'\n\
         [[people.sophie.away]]\nfrom = 2027-02-01T09:00:00+01:00\nuntil = 2027-02-01 12:00:00\n"
    );
    let (config, _) = parse(&text).unwrap();
    let (people, sophie) = (&config.policy.people, PersonName("sophie".into()));
    assert!(people.trusts_notices_of(&sophie) && !people.trusts_notices_of(&PersonName("tom".into())));
    let at = |text: &str| text.parse::<crate::people::moment::Moment>().unwrap().at(&jiff::tz::TimeZone::system());
    let [holidays, morning] = people.stays(&sophie) else { panic!("two stays") };
    assert_eq!((Some(holidays.from), holidays.until), (at("2026-12-20"), at("2027-01-07")));
    assert_eq!(holidays.to, Some(PersonName("tom".into())));
    assert_eq!((morning.from.to_string(), morning.until), ("2027-02-01T08:00:00Z".into(), at("2027-02-01T12:00")));
}

#[test]
fn what_is_wrong_with_a_stay() {
    check_added(
        &format!(
            "{TOM}people.sophie.trust_out_of_office = 'yes'\n\
             [[people.sophie.away]]\nuntil = 2027-01-07\n\
             [[people.sophie.away]]\nfrom = 2027-01-07\nuntil = 2027-01-07\nto = 'sophie'\n\
             [[people.sophie.away]]\nfrom = 2027-01-07\nto = 'tim'\n\
             [[people.sophie.away]]\nfrom = 'soon'\nuntil = 5\nfor = 2027-01-07\n\
             [[people.sophie.away]]\nfrom = 09:00:00\nto = 2027-01-07\n"
        ),
        &[
            "f:6: people.sophie.trust_out_of_office: invalid value: string \"yes\", expected true or false",
            "f:7: people.sophie.away.from: missing: a day such as 2026-12-20, or a moment such as 2026-12-20T09:00:00+01:00",
            "f:11: people.sophie.away.until: is not after from; it is the day, or the moment, of return",
            "f:12: people.sophie.away.to: sophie cannot stand in for sophie",
            "f:15: people.sophie.away.to: there is no person \"tim\"; did you mean \"tom\"?",
            "f:17: people.sophie.away.from: invalid value: string \"soon\", expected a day such as 2026-12-20, or a moment such as 2026-12-20T09:00:00+01:00",
            "f:18: people.sophie.away.until: invalid value: integer `5`, expected a day such as 2026-12-20, or a moment such as 2026-12-20T09:00:00+01:00",
            "f:19: people.sophie.away.for: unknown key",
            "f:21: people.sophie.away.from: invalid value: date `09:00:00`, expected a day such as 2026-12-20, or a moment such as 2026-12-20T09:00:00+01:00",
            "f:22: people.sophie.away.to: invalid value: date `2027-01-07`, expected a name in quotes",
        ],
    );
}

#[test]
fn a_circle_is_warned_of_where_it_is_one_at_the_same_time() {
    let both = |tom_from: &str| {
        format!(
            "reply_domain = 'r.example'\n{TOM}personas.tom = {{ address = 't@acme.example', answered_by = 'tom' }}\n\
             [[people.sophie.away]]\nfrom = 2026-12-20\nuntil = 2027-01-07\nto = 'tom'\n\
             [[people.tom.away]]\nfrom = {tom_from}\nuntil = 2027-02-01\nto = 'sophie'\n"
        )
    };
    check_warnings(&both("2027-01-07"), &[]);
    check_warnings(
        &both("2027-01-06"),
        &[
            "f:11: people.sophie.away.to: who stands in is away at the same time, and it leads back: whoever else answers gets the mail, or sophie's own inbox",
            "f:15: people.tom.away.to: who stands in is away at the same time, and it leads back: whoever else answers gets the mail, or tom's own inbox",
        ],
    );
}

#[test]
fn stays_that_overlap_and_chains_that_end_with_somebody_who_is_away() {
    let stays = |stays: &[(&str, &str)]| {
        let stay = |(who, fields): &(&str, &str)| format!("[[people.{who}.away]]\n{fields}\n");
        let stays: String = stays.iter().map(stay).collect();
        format!(
            "reply_domain = 'r.example'\n{TOM}personas.tom = {{ address = 't@acme.example', answered_by = 'tom', fallback = 'sophie' }}\n{stays}"
        )
    };
    let december = "from = 2026-12-01\nuntil = 2026-12-24\nto = 'tom'";
    check_warnings(&stays(&[("sophie", december), ("sophie", "from = 2026-12-24\nto = 'tom'")]), &[]);
    check_warnings(
        &stays(&[("sophie", december), ("sophie", "from = 2026-12-23\nto = 'tom'")]),
        &["f:13: people.sophie.away.from: overlaps the absence of line 9, which alone counts as long as both last"],
    );
    check_warnings(
        &stays(&[("sophie", december), ("tom", "from = 2026-12-23\nuntil = 2026-12-24")]),
        &[
            "f:7: personas.tom.fallback: from 2026-12-23 everybody whom it leads to is away, and nobody stands in: what an inbox refuses waits in theirs",
            "f:11: people.sophie.away.to: who stands in is away at the same time, and names nobody who is there: whoever else answers gets the mail, or sophie's own inbox",
        ],
    );
}

#[test]
fn trust_that_changes_nothing_is_told() {
    let trust = |more: &str| format!("{more}{TOM}people.sophie.trust_out_of_office = true\n");
    let team = "personas.team = { address = 'team@acme.example', answered_by = ['sophie', 'tom'] }\n";
    let told = |text: &str| {
        let (_, warnings) = parse(&format!("{BASE}{text}")).unwrap();
        let told = warnings.iter().find(|warning| warning.key == "people.sophie.trust_out_of_office");
        told.map_or_else(String::new, |warning| warning.message.clone())
    };
    assert_eq!(told(&trust(&format!("{team}reply_domain = 'r.example'\n"))), "");
    assert_eq!(
        told(&trust("reply_domain = 'r.example'\n")),
        "has no effect: nobody else answers for the same persona, and a notice names no stand-in: mail goes to the own inbox as ever"
    );
    let for_tom = "reply_domain = 'r.example'\n[[people.tom.away]]\nfrom = 2026-12-20\nto = 'sophie'\n";
    assert_eq!(told(&format!("people.sophie.trust_out_of_office = true\n{TOM}{for_tom}")), "", "she stands in for Tom");
    assert_eq!(told(&trust(team)), "has no effect: notices come back only with reply_domain");
    assert_eq!(
        told(&trust(&format!("{team}reply_domain = 'r.example'\nrelay.keep_copies_for = '0'\n"))),
        "has no effect: without relay.keep_copies_for nobody can tell whose a notice is"
    );
}
