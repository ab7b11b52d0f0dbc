//! What is no TOML, no key, or no table.

use proptest::prelude::*;

use super::*;

#[test]
fn toml_that_is_none() {
    check(
        "hostname = \n[relay\nsmtp = 1\nsmtp = 2\n",
        &["f:1: string values must be quoted, expected literal string", "f:2: unclosed table, expected `]`"],
    );
}

#[test]
fn keys_that_are_written_twice() {
    let twice = |place: &str| format!("f:{place}: is written twice; keep one of the two");
    check(
        "hostname = 'a.example'\nhostname = 'b.example'\nstate_dri = 'x'\n",
        &[
            r#"f:1: personas: missing: at least one table [personas.NAME], the sender that customers see"#,
            r#"f:1: relay.smtp: missing: the mail server such as "127.0.0.1:10026", or relay.maildir, a folder"#,
            &twice("2: hostname"),
            r#"f:3: state_dri: unknown key; did you mean "state_dir"?"#,
        ],
    );
    check_added(
        "[limits] # of a session\nline = '1 KiB'\nhops = 0\n  line = 5\n[stamp]\nseed = 1\n[limits]\nerrors = 0\n",
        &[
            "f:7: limits.hops: invalid value: integer `0`, expected a whole number above zero",
            &twice("8: limits.line"),
            "f:10: stamp.seed: invalid value: integer `1`, expected true or false",
            &twice("11: limits"),
            "f:12: limits.errors: invalid value: integer `0`, expected a whole number above zero",
        ],
    );
    check_added(
        "[relay]\ntimeout.total = '10m'\ntimeout.total = '9m'\n[people.tom]\ninbox = 'tom@corp.example'\n[people.'tom']\n\
         [personas]\ntom = { address = 't@acme.example', fallback = 'tom', address = 'tom@acme.example' }",
        &[
            &twice("5: relay"),
            &twice("7: relay.timeout.total"),
            &twice("10: people.tom"),
            &twice("11: personas"),
            &twice("12: personas.tom.address"),
        ],
    );
    check_added(
        "limits = { \"line\" = '1 KiB', hops = 0, line = 5 }\n[[listen]]\nrole = 'inbound'\naddress = '[::1]:0'\nrole = 'outbound'\n",
        &[
            &twice("5: limits.line"),
            "f:5: limits.hops: invalid value: integer `0`, expected a whole number above zero",
            &twice("9: listen.role"),
        ],
    );
}

#[test]
fn a_table_beside_a_list_of_tables() {
    let (table, list) = ("[listen]\naddress = '[::1]:0'\n", "[[listen]]\naddress = '[::1]:0'\nrole = 'inbound'\n");
    let kind = "listen: invalid type: map, expected a list of tables, each headed by the key in double brackets or written as [{ … }]";
    let hops = "limits.hops = 0\n";
    check_added(
        &format!("{hops}{list}{table}"),
        &[
            "f:5: limits.hops: invalid value: integer `0`, expected a whole number above zero",
            "f:9: listen: is written twice; keep one of the two",
            &format!("f:9: {kind}"),
        ],
    );
    check_added(
        &format!("{hops}{table}{list}"),
        &[
            "f:5: limits.hops: invalid value: integer `0`, expected a whole number above zero",
            &format!("f:6: {kind}"),
            "f:8: listen: is written twice; keep one of the two",
        ],
    );
}

#[test]
fn a_table_inside_a_value() {
    check_added(
        "[personas.sophie.x]\n[hostname.x]\n",
        &[
            "f:5: personas.sophie: cannot extend value of type inline table with a dotted key",
            "f:6: hostname: cannot extend value of type string with a dotted key",
        ],
    );
}

#[test]
fn more_mistakes_than_anybody_mends_at_once() {
    let wrong = |count| format!("inbound.accept = [{}]", vec!["1"; count].join(",\n"));
    let doubled = |count| "stamp.seed = true\n".repeat(count);
    let syntax = |count| "x\n".repeat(count);
    let count = |text: &str| {
        let problems = parse(&format!("{BASE}{text}")).unwrap_err();
        (problems.remarks().len(), problems.remarks().last().unwrap().to_string())
    };
    let more = "f:104: … and more: mend these first";
    assert_eq!(count(&wrong(100)).0, 100);
    assert_eq!(count(&wrong(3000)), (101, more.into()));
    assert_eq!(count(&doubled(101)).0, 100);
    assert_eq!(count(&doubled(3000)), (101, "f:105: … and more: mend these first".into()));
    assert_eq!(count(&syntax(3000)), (101, more.into()));
    let unknown = (0..300).map(|index| format!("hostnam{index:03} = 1\n")).collect::<String>();
    let problems = parse(&format!("{BASE}{unknown}")).unwrap_err();
    let near = problems.remarks().iter().filter(|remark| remark.message.contains("did you mean"));
    assert_eq!((problems.remarks().len(), near.count()), (300, 100), "each costs a look at all names");
}

#[test]
fn unknown_keys() {
    check_added(
        "hostnam = 1\n[inbound]\nacept = []\nzzz = 1\n[[listen]]\naddress = '[::1]:0'\nrole = 'inbound'\nallowed = []\n[rules]\nx = 1",
        &[
            r#"f:5: hostnam: unknown key; did you mean "hostname"?"#,
            r#"f:7: inbound.acept: unknown key; did you mean "accept"?"#,
            "f:8: inbound.zzz: unknown key",
            r#"f:12: listen.allowed: unknown key; did you mean "allow"?"#,
            r#"f:13: rules: unknown key; did you mean "rule"?"#,
        ],
    );
}

#[test]
fn a_table_is_a_table() {
    check_added(
        "listen = { address = '[::1]:0' }\ninbound = ['hello@acme.example']\npeople.tom = 'tom@acme.example'",
        &[
            "f:5: listen: invalid type: map, expected a list of tables, each headed by the key in double brackets or written as [{ … }]",
            "f:6: inbound: invalid type: sequence, expected a table, headed by the key in single brackets or written as { … }",
            r#"f:7: people.tom: invalid type: string "tom@acme.example", expected a table, headed by the key in single brackets or written as { … }"#,
        ],
    );
    check_added(
        "[[stamp]]\nseed = true",
        &[
            "f:5: stamp: invalid type: sequence, expected a table, headed by the key in single brackets or written as { … }",
        ],
    );
}

/// Lines that are right, wrong and nonsense, put together in any order.
fn any_text() -> impl Strategy<Value = String> {
    let lines: Vec<String> = include_str!("../../../config/sincerely.toml")
        .lines()
        .chain(include_str!("../../../examples/two-people.toml").lines())
        .chain(["[[relay]]", "people = []", "listen = 1", "[personas.sophie.address]", "x.y.z = { a = [ { b = 1 } ] }"])
        .chain([
            "answered_by = [[1], {}, 'a', 1.5, 1979-05-27]",
            "inbox = { a = 'b' }",
            "[personas.'']",
            "\u{0}",
            "\"\"\"",
            "[inbound",
        ])
        .map(|line| line.trim_start_matches("# ").to_owned())
        .collect();
    let line = prop_oneof![8 => proptest::sample::select(lines), 1 => "\\PC{0,20}", 1 => "[a-z]{1,8} = [0-9]{1,20}"];
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any_text()) {
        if let Err(problems) = parse(&text) {
            let lines = text.lines().count().max(1);
            prop_assert!(!problems.remarks().is_empty());
            for remark in problems.remarks() {
                prop_assert!(remark.line.is_some_and(|line| (1..=lines + 1).contains(&line)), "{remark}");
                prop_assert!(!remark.to_string().contains('\n'), "{remark}");
            }
        }
    }
}
