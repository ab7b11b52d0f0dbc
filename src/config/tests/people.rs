//! People and personas: names, addresses, and what would come back.

use super::*;
use crate::mail::{PersonaName, PersonaTag};

#[test]
fn names_that_lead_nowhere() {
    check_added(
        "personas.tom = { address = 't@acme.example', answered_by = ['sophi', 'sophie'], fallback = 'nobody' }",
        &[
            r#"f:5: personas.tom.answered_by: there is no person "sophi"; did you mean "sophie"?"#,
            r#"f:5: personas.tom.fallback: "nobody" is no person, no persona and no address"#,
        ],
    );
    check_added(
        "personas.tom = { address = 't@acme.example', answered_by = [] }",
        &["f:5: personas.tom.answered_by: missing: at least one person who answers"],
    );
    check_added(
        "inbound.unmatched = 'holt'",
        &[
            r#"f:5: inbound.unmatched: there is no person "holt"; expected "hold" or the name of a person; did you mean "hold"?"#,
        ],
    );
    check_added(
        "people.hold.inbox = 'hold@corp.example'\n[people.'to m']\ninbox = []\n",
        &[
            r#"f:5: people.hold: inbound.unmatched = "hold" has another meaning; choose another name"#,
            r#"f:6: people."to m": a name is made of letters, digits, "-", "_" and ".""#,
        ],
    );
}

#[test]
fn names_by_which_personas_are_greeted() {
    let greeted_as = |rest: &str| {
        let tom = "personas.tom = { address = '\u{c9}mile from Acme <t@acme.example>', answered_by = 'sophie'";
        let (config, _) = parse(&format!("{BASE}{tom}{rest} }}")).unwrap();
        config.policy.people.persona(&PersonaName("tom".into())).unwrap().greeted_as.join("|")
    };
    assert_eq!(greeted_as(""), "\u{c9}mile");
    assert_eq!(greeted_as(", greeted_as = 'Herr Weber'"), "Herr Weber");
    assert_eq!(greeted_as(", greeted_as = ['Tom', 'Tomek']"), "Tom|Tomek");
    assert_eq!(greeted_as(", greeted_as = []"), "");
    check_added(
        "personas.tom = { address = 't@acme.example', answered_by = 'sophie', greeted_as = ['Tom', '', ' ', '-', '12 3'] }",
        &[
            r#"f:5: personas.tom.greeted_as: invalid value: string "", expected a name in quotes"#,
            r#"f:5: personas.tom.greeted_as: " " has no letter; expected a name such as "Sophie""#,
            r#"f:5: personas.tom.greeted_as: "-" has no letter; expected a name such as "Sophie""#,
            r#"f:5: personas.tom.greeted_as: "12 3" has no letter; expected a name such as "Sophie""#,
        ],
    );
}

#[test]
fn personas_that_left() {
    let anna = |rest: &str| format!("personas.anna = {{ succeeded_by = 'sophie'{rest} }}\n");
    for right in [
        anna(""),
        anna(", address = 'Anna <anna@acme.example>', aliases = 'a@acme.example', greeted_as = 'Ann'"),
        anna(", address = 'anna@acme.example', aliases = 'sophie@acme.example'"),
        anna(", address = 'Sophie <sophie@acme.example>'"),
        anna("") + "personas.bea.succeeded_by = 'anna'\n",
    ] {
        check_added(&right, &[]);
    }
    let chain = anna(", address = 'Anna <anna@acme.example>'") + "personas.bea.succeeded_by = 'anna'\n";
    let (config, _) = parse(&format!("{BASE}{chain}")).unwrap();
    for left in ["anna", "bea"] {
        let persona = config.policy.people.persona(&PersonaName(left.into())).unwrap();
        assert_eq!(
            (persona.name.0.as_str(), persona.greeted_as.as_slice()),
            ("sophie", &["Sophie".into(), "Anna".into()][..])
        );
    }
    let both = "a persona with succeeded_by is not there any more; leave one of the two keys out";
    check_added(
        &anna(", answered_by = 'sophie', fallback = 'sophie'"),
        &[&format!("f:5: personas.anna.answered_by: {both}"), &format!("f:5: personas.anna.fallback: {both}")],
    );
    check_added(
        &anna(", aliases = 'a@acme.example'"),
        &[
            r#"f:5: personas.anna.address: missing: a name and an address such as "Sophie from Acme <sophie@acme.example>""#,
        ],
    );
}

#[test]
fn successors_that_are_none() {
    check_added(
        "personas.anna.succeeded_by = 'sofie'",
        &[r#"f:5: personas.anna.succeeded_by: there is no persona "sofie"; did you mean "sophie"?"#],
    );
    let circle = "leads back to the same persona; one of them must be there";
    check_added("personas.anna.succeeded_by = 'anna'", &[&format!("f:5: personas.anna.succeeded_by: {circle}")]);
    check_added(
        "personas.anna.succeeded_by = 'bea'\npersonas.bea.succeeded_by = 'cleo'\npersonas.cleo.succeeded_by = 'bea'\n",
        &[&format!("f:6: personas.bea.succeeded_by: {circle}"), &format!("f:7: personas.cleo.succeeded_by: {circle}")],
    );
}

#[test]
fn whoever_left_is_named_nowhere_and_has_addresses_of_their_own() {
    let anna = "personas.anna = { succeeded_by = 'sophie', address = 'Anna <anna@acme.example>' }\n";
    let left = r#"anna is succeeded by sophie, and no persona any more; write "sophie""#;
    check_added(
        &format!(
            "{anna}rule = [{{ name = 'r', when.persona = ['sophie', 'anna'], then.forward_to = 'anna' }}]\n\
             test = [{{ mail = 'a.eml', to = 'anna@acme.example', expect = {{ persona = 'anna', forward_to = 'anna' }} }}]\n\
             people.tom.inbox = 'anna+x@acme.example'\n"
        ),
        &[
            &format!("f:6: rule.when.persona: {left}"),
            &format!("f:6: rule.then.forward_to: {left}"),
            &format!("f:7: test.expect.forward_to: {left}"),
            &format!("f:7: test.expect.persona: {left}"),
            "f:8: people.tom.inbox: anna+x@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox",
        ],
    );
    check_added(
        &format!("{anna}personas.tom = {{ answered_by = 'sophie', address = 'anna@acme.example', fallback = 'anna' }}"),
        &[
            &format!("f:6: personas.tom.fallback: {left}"),
            "f:6: personas.tom.address: anna@acme.example is also an address of persona anna; to share it, both need display names that differ",
        ],
    );
    check(
        &format!(
            "reply_domain = 'r.acme.example'\n{BASE}personas.anna = {{ succeeded_by = 'sophie', address = 'a@r.acme.example' }}"
        ),
        &[
            "f:6: personas.anna.address: a@r.acme.example is inside reply_domain, where every address is the daemon's own",
        ],
    );
}

#[test]
fn addresses_of_two_personas() {
    let tom = |rest: &str| format!("[personas.tom]\nanswered_by = 'sophie'\n{rest}");
    check_added(&tom("address = 'Tom <SOPHIE@acme.example>'"), &[]);
    check_added(
        &tom("address = 'sophie@acme.example'"),
        &[
            "f:7: personas.tom.address: sophie@acme.example is also an address of persona sophie; to share it, both need display names that differ",
        ],
    );
    check_added(
        &tom("address = ' sophie  <sophie@acme.example>'"),
        &[
            "f:7: personas.tom.address: sophie@acme.example is also an address of persona sophie; to share it, both need display names that differ",
        ],
    );
    check_added(
        &tom("address = 't@acme.example'\naliases = ['tom@acme.example', 'T@acme.example']"),
        &["f:8: personas.tom.aliases: T@acme.example is an address of this persona already"],
    );
    check_added(
        &tom("address = 'tom+x@acme.example'"),
        &["f:7: personas.tom.address: tom+x@acme.example is a subaddress of tom@acme.example; leave the detail out"],
    );
    check_added(
        &tom("address = 'Tom <tom@>'"),
        &[
            r#"f:7: personas.tom.address: invalid value: string "Tom <tom@>", expected a name and an address such as "Sophie from Acme <sophie@acme.example>""#,
        ],
    );
}

#[test]
fn personas_whose_tags_are_equal() {
    let (one, other) = ("p40211", "p59844");
    assert_eq!(PersonaTag::of(&PersonaName(one.into())), PersonaTag::of(&PersonaName(other.into())));
    let persona =
        |name: &str| format!("personas.{name} = {{ address = '{name}@acme.example', answered_by = 'sophie' }}\n");
    check_added(
        &(persona(one) + &persona(other)),
        &["f:6: personas.p59844: has the same tag in signed tokens as persona p40211; rename one of the two"],
    );
    check_added(
        &format!("{}personas.{other}.succeeded_by = 'sophie'", persona(one)),
        &["f:6: personas.p59844: has the same tag in signed tokens as persona p40211; rename one of the two"],
    );
}

#[test]
fn mail_that_would_come_back() {
    let with = |top: &str, rest: &str| format!("{top}\n{BASE}{rest}");
    check_added(
        "people.tom.inbox = 'Sophie+tom@acme.example'",
        &[
            "f:5: people.tom.inbox: Sophie+tom@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox",
        ],
    );
    check(
        &with("reply_domain = 'r.acme.example'", "people.tom.inbox = 'tom@R.acme.example'"),
        &[
            "f:6: people.tom.inbox: tom@r.acme.example is inside reply_domain: mail to it would come back; expected a personal inbox",
        ],
    );
    check_added(
        "people.tom.inbox = ['t@acme.example', 'hello@acme.example']\ninbound.accept = ['Hello@acme.example', 'a+b@acme.example']",
        &[
            "f:5: people.tom.inbox: hello@acme.example is in inbound.accept: mail to it would come back; expected a personal inbox",
            "f:6: inbound.accept: a+b@acme.example is a subaddress of a@acme.example; leave the detail out",
        ],
    );
    check_added(
        "personas.tom = { address = 'tom@acme.example', answered_by = 'sophie', fallback = 'sophie+x@acme.example' }",
        &[
            "f:5: personas.tom.fallback: sophie+x@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox",
        ],
    );
    check(
        &with("reply_domain = 'acme.example'", ""),
        &[
            "f:4: people.sophie.inbox: sophie.martin@acme.example is inside reply_domain: mail to it would come back; expected a personal inbox",
            "f:5: personas.sophie.address: sophie@acme.example is inside reply_domain, where every address is the daemon's own",
        ],
    );
    check_added(
        "people.tom.inbox = ['abuse@acme.example', 'Abuse+tom@sincerely.acme.example']\n\
         personas.tom = { address = 'tom@acme.example', answered_by = 'tom', fallback = 'postmaster@sincerely.acme.example' }",
        &[
            "f:5: people.tom.inbox: Abuse+tom@sincerely.acme.example is accepted for hostname: mail to it would come back; expected a personal inbox",
            "f:6: personas.tom.fallback: postmaster@sincerely.acme.example is accepted for hostname: mail to it would come back; expected a personal inbox",
        ],
    );
}

#[test]
fn stamps() {
    check_added("stamp.return_path = true", &["f:5: stamp.return_path: needs reply_domain, whose addresses it makes"]);
    let local = |length| "s".repeat(length);
    let tom = |length| {
        format!(
            "stamp.reply_to = true\npersonas.tom = {{ address = '{}@acme.example', answered_by = 'sophie' }}",
            local(length)
        )
    };
    check_added(&tom(23), &[]);
    check_added(
        &tom(24),
        &[
            "f:6: personas.tom.address: too long for stamp.reply_to: before the @ of ssssssssssssssssssssssss@acme.example may stand 23 octets",
        ],
    );
}

#[test]
fn warnings() {
    check_warnings(
        "people.tom.inbox = 'tom@corp.example'",
        &[
            "f:5: people.tom.inbox: tom@corp.example is outside the domains of the personas: its server may refuse forwarded mail (SPF), and customers see its bounces; set reply_domain",
            "f:5: people.tom: answers for no persona, is nobody's fallback, stands in for nobody, and no rule names this person",
        ],
    );
    check_warnings(
        "reply_domain = 'r.acme.example'\npeople.tom.inbox = 'tom@corp.example'\ninbound.unmatched = 'tom'",
        &[],
    );
    check_warnings("inbound.unmatched = 'sophie'", &[]);
    check_warnings(
        "inbound.accept = 'sophie@acme.example'",
        &["f:5: inbound.accept: sophie@acme.example is an address of persona sophie already"],
    );
    check_warnings("limits = { recipients = 10 }", &["f:5: limits.recipients: RFC 5321 asks for 100 at least"]);
    check_warnings(
        "personas.tom = { address = 't@acme.example', answered_by = 'sophie', fallback = 'sophie' }",
        &["f:5: personas.tom.fallback: leads to the inbox that has just refused"],
    );
}

#[test]
fn a_person_before_a_persona_before_an_address() {
    let text = format!(
        "{BASE}people.tom.inbox = ['t1@acme.example', 't2@acme.example']\n\
         personas.tom = {{ address = 'tom@acme.example', answered_by = ['sophie', 'tom'], fallback = 'tom' }}\n\
         personas.a = {{ address = 'a@acme.example', answered_by = 'tom', fallback = 'sophie' }}\n\
         personas.team = {{ address = 'team@acme.example', answered_by = 'tom', fallback = 'x@acme.example' }}\n\
         personas.b = {{ address = 'b@acme.example', answered_by = 'sophie', fallback = 'team' }}\n"
    );
    let (config, warnings) = parse(&text).unwrap();
    let fallback = |name: &str| {
        let persona = config.policy.people.persona(&PersonaName(name.into())).unwrap();
        persona.fallback.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(fallback("tom"), ["t1@acme.example", "t2@acme.example"]);
    assert_eq!(fallback("a"), ["sophie.martin@acme.example"]);
    assert_eq!(fallback("team"), ["x@acme.example"]);
    assert_eq!(fallback("b"), ["t1@acme.example", "t2@acme.example"]);
    assert!(warnings.iter().any(|warning| warning.message.contains("is a person and a persona")), "{warnings:?}");
}

#[test]
fn internal_domains() {
    let aliases = |written: &str| format!("[inbound.aliases]\n{written}");
    check_added(&aliases("'sincerely.internal' = 'ACME.example'"), &[]);
    check_added(
        &aliases("'a b' = 'acme.example'\n'a.internal' = 'nobody'\n'A.internal' = 'acme.example'"),
        &[
            r#"f:6: inbound.aliases."a b": is no domain; expected a domain name such as "mail.acme.example""#,
            "f:7: inbound.aliases.\"a.internal\": is written twice, in upper and lower case; keep one of the two",
            "f:7: inbound.aliases.\"a.internal\": nobody is the domain of no persona and of nothing in inbound.accept",
        ],
    );
    check(
        &format!(
            "reply_domain = 'r.acme.example'\n{BASE}{}",
            aliases(
                "'r.acme.example' = 'acme.example'\n'sincerely.acme.example' = 'acme.example'\n\
                 'b.internal' = 'a.internal'\n'a.internal' = 'acme.example'",
            )
        ),
        &[
            "f:7: inbound.aliases.\"r.acme.example\": r.acme.example is reply_domain; an internal domain is the mail server's own and serves nothing else",
            "f:8: inbound.aliases.\"sincerely.acme.example\": sincerely.acme.example is hostname; an internal domain is the mail server's own and serves nothing else",
            "f:9: inbound.aliases.\"b.internal\": a.internal is an internal domain itself; name the real domain",
        ],
    );
    check_added(
        &aliases("'acme.example' = 'acme.example'"),
        &[
            "f:3: people.sophie.inbox: sophie.martin@acme.example is inside the internal domain acme.example: mail to it would come back; expected a personal inbox",
            "f:6: inbound.aliases.\"acme.example\": acme.example is the domain of a persona, or in inbound.accept; an internal domain is the mail server's own and serves nothing else",
            "f:6: inbound.aliases.\"acme.example\": acme.example is an internal domain itself; name the real domain",
        ],
    );
    check_added(
        &("people.tom.inbox = 'tom@a.internal'\n".to_owned() + &aliases("'a.internal' = 'acme.example'")),
        &[
            "f:5: people.tom.inbox: tom@a.internal is inside the internal domain a.internal: mail to it would come back; expected a personal inbox",
        ],
    );
}

#[test]
fn whose_results_are_believed() {
    let trust = |text: &str| parse(&format!("{BASE}{text}")).unwrap().0.policy.inbound.trust;
    let servers =
        |text: &str| trust(text).unwrap().servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(trust(""), None);
    assert_eq!(servers("inbound.authserv_id = 'MX.acme.example'"), "mx.acme.example sincerely.acme.example");
    let two = "inbound = { authserv_id = 'mx', servers = ['a.example', 'b.example'] }";
    assert_eq!(servers(two), "a.example b.example sincerely.acme.example");
    check_warnings(
        "inbound.servers = 'a.example'",
        &["f:5: inbound.servers: is of no use without inbound.authserv_id, which says whose results to believe"],
    );
    check_added(
        "inbound.authserv_id = 'mx; dmarc=pass'",
        &[
            r#"f:5: inbound.authserv_id: invalid value: string "mx; dmarc=pass", expected a domain name such as "mail.acme.example""#,
        ],
    );
}

#[test]
fn a_persona_that_is_a_mailbox_too_needs_an_internal_domain() {
    let mailbox = "people.tom.inbox = 'tom@acme.example'\npersonas.tom = { address = 'Tom <tom@acme.example>', answered_by = 'tom' }\n";
    check_added(
        mailbox,
        &[
            "f:5: people.tom.inbox: tom@acme.example is an address of persona tom: mail to it would come back; expected a personal inbox",
        ],
    );
    check_warnings(
        &format!("{mailbox}inbound.aliases = {{ 'sincerely.internal' = 'acme.example' }}"),
        &[
            "f:5: people.tom.inbox: tom@acme.example is an address of persona tom: mail to it comes back unless the mail server leaves what we hand it as it is, and rewrites only what comes in to the internal domain",
        ],
    );
}
