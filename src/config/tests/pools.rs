//! Pools, and people who left.

use super::*;
use crate::people::Shared;

/// Tom, Ute and a team of the three.
const TEAM: &str = "people.tom.inbox = 'tom@acme.example'\npeople.ute.inbox = 'ute@acme.example'\n\
    personas.team = { address = 'team@acme.example', answered_by = ['sophie', 'tom', 'ute'] }\n";

/// The people who answer for the team.
fn team(text: &str) -> (Config, String) {
    let (config, _) = parse(&format!("{BASE}{text}")).unwrap();
    let team = config.policy.people.persona(&PersonaName("team".into())).unwrap();
    let names = team.answered_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    (config, names)
}

fn shared(text: &str) -> Shared {
    team(text).0.policy.people.persona(&PersonaName("team".into())).unwrap().shared
}

#[test]
fn a_pool_is_shared_as_it_says() {
    assert_eq!(shared(TEAM), Shared::Sticky);
    for (word, expected) in
        [("sticky", Shared::Sticky), ("round-robin", Shared::RoundRobin), ("least-waiting", Shared::LeastWaiting)]
    {
        let text = TEAM.replace("] }", &format!("], shared = '{word}' }}"));
        assert_eq!(shared(&text), expected);
        check_warnings(&text, &[]);
    }
    check_added(
        &TEAM.replace("] }", "], shared = 'fair' }"),
        &[
            r#"f:7: personas.team.shared: invalid value: string "fair", expected "sticky", "round-robin" or "least-waiting""#,
        ],
    );
    check_warnings(
        "personas.tom = { address = 'tom@acme.example', answered_by = ['sophie', 'sophie'], shared = 'sticky' }",
        &["f:5: personas.tom.shared: says nothing: one person alone answers"],
    );
    check_added(
        "personas.anna = { succeeded_by = 'sophie', shared = 'sticky' }",
        &[
            "f:5: personas.anna.shared: a persona with succeeded_by is not there any more; leave one of the two keys out",
        ],
    );
}

#[test]
fn the_successor_has_the_place_of_who_left() {
    let kim = "people.kim.inbox = 'kim@acme.example'\n";
    let left = |old: &str, new: &str| TEAM.replace(old, new) + kim;
    for (text, names) in [
        (left("people.tom.inbox = 'tom@acme.example'", "people.tom.succeeded_by = 'ute'"), "sophie ute"),
        (left("people.tom.inbox = 'tom@acme.example'", "people.tom.succeeded_by = 'kim'"), "sophie kim ute"),
        (
            left("people.tom.inbox = 'tom@acme.example'", "people.tom.succeeded_by = 'ute'")
                .replace("people.ute.inbox = 'ute@acme.example'", "people.ute.succeeded_by = 'kim'"),
            "sophie kim",
        ),
        (left("people.tom.inbox =", "people.tom.succeeded_by = 'kim'\npeople.tom.inbox ="), "sophie kim ute"),
    ] {
        assert_eq!(team(&text).1, names, "{text}");
    }
}

#[test]
fn a_name_of_who_left_means_the_successor() {
    let ute = "people.ute = { succeeded_by = 'sophie' }\n";
    let text = format!(
        "{ute}personas.tom = {{ address = 'tom@acme.example', answered_by = 'sophie', fallback = 'ute' }}\n\
         personas.two = {{ address = 'two@acme.example', answered_by = ['ute', 'sophie'], fallback = 'tom' }}\n\
         inbound.unmatched = 'ute'\n\
         rule = [{{ name = 'r', when.person = ['sophie', 'ute'], then.forward_to = 'ute' }}]\n\
         test = [{{ mail = 'a.eml', to = 'tom@acme.example', expect = {{ person = 'ute' }} }}]\n"
    );
    let it_means = "ute has left: it means sophie, who succeeded ute";
    check_warnings(
        &text,
        &[
            &format!("f:6: personas.tom.fallback: {it_means}"),
            "f:6: personas.tom.fallback: leads to the inbox that has just refused",
            "f:7: personas.two.fallback: leads to the inbox that has just refused",
            &format!("f:9: rule.when.person: {it_means}"),
            &format!("f:9: rule.then.forward_to: {it_means}"),
            &format!("f:10: test.expect.person: {it_means}"),
        ],
    );
    let (config, _) = parse(&format!("{BASE}{text}")).unwrap();
    let sophie = || PersonName("sophie".into());
    assert_eq!(config.policy.inbound.unmatched, Unmatched::Person(sophie()));
    assert_eq!(config.policy.rules.list()[0].when.to_string(), r#"person = ["sophie", "sophie"]"#);
    assert_eq!(config.tests[0].expect[0].what, Expected::Person(sophie()));
    for persona in config.policy.people.personas() {
        assert_eq!(persona.answered_by, [sophie()]);
    }
}

#[test]
fn successors_who_are_none() {
    check_added(
        "people.tom.succeeded_by = 'sofie'",
        &[r#"f:5: people.tom.succeeded_by: there is no person "sofie"; did you mean "sophie"?"#],
    );
    let circle = "leads back to the same person; one of them must be there";
    check_added(
        "people.tom.succeeded_by = 'ute'\npeople.ute.succeeded_by = 'vera'\npeople.vera.succeeded_by = 'ute'\n",
        &[&format!("f:6: people.ute.succeeded_by: {circle}"), &format!("f:7: people.vera.succeeded_by: {circle}")],
    );
}
