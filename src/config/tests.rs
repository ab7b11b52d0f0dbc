//! Small texts and exactly what is said about them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::mail::{PersonaName, PersonaTag};
use crate::relay::NextHop;
use crate::smtp::settings::UnixSocket;
use crate::smtp::{Listener, Passed};

/// All that must be written: four lines, so that what a test adds begins on line 5.
const BASE: &str = r#"hostname = "sincerely.acme.example"
relay.smtp = "127.0.0.1:10026"
people.sophie.inbox = "sophie.martin@acme.example"
personas.sophie = { address = "Sophie <sophie@acme.example>", answered_by = "sophie" }
"#;

fn parse(text: &str) -> Result<(Config, Vec<Remark>), Problems> {
    Config::parse(text, Path::new("f"))
}

/// Every mistake of `text`, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = parse(text).map_or_else(|problems| problems.to_string(), |_| String::new());
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{text}");
}

/// Every mistake of `text` where all that must be written stands before it.
#[track_caller]
fn check_added(text: &str, expected: &[&str]) {
    check(&format!("{BASE}{text}"), expected);
}

/// Every warning but the one that each configuration has, about sending as the persona.
#[track_caller]
fn check_warnings(text: &str, expected: &[&str]) {
    let (_, warnings) = parse(&format!("{BASE}{text}")).unwrap();
    let shown = warnings.iter().map(ToString::to_string).filter(|line| !line.contains(" people: answering from"));
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn what_must_be_written() {
    check(BASE, &[]);
    check(
        "",
        &[
            r#"f:1: hostname: missing: the name of this machine, such as "sincerely.acme.example""#,
            "f:1: personas: missing: at least one table [personas.NAME], the sender that customers see",
            r#"f:1: relay.smtp: missing: the mail server such as "127.0.0.1:10026", or relay.maildir, a folder"#,
        ],
    );
    check_added(
        "[[listen]]\n[people.tom]\n[personas.tom]\n",
        &[
            r#"f:5: listen.address: missing: an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#,
            r#"f:5: listen.role: missing: "inbound", "outbound" or "copies""#,
            "f:6: people.tom.inbox: missing: the address where this person reads mail",
            r#"f:7: personas.tom.address: missing: a name and an address such as "Sophie from Acme <sophie@acme.example>""#,
            "f:7: personas.tom.answered_by: missing: at least one person who answers",
        ],
    );
}

#[test]
fn ten_mistakes_are_said_at_once() {
    let text = r#"
hostname = "sincerely acme"
state_dri = "/tmp"
[[listen]]
address = "localhost:10025"
role = "inbond"
[relay]
smtp = "127.0.0.1:10026"
maildir = "var/mail"
[people.sophie]
inbox = ["sophie@acme.example", 5,
  "no address"]
[personas.sophie]
address = "Sophie <sophie@acme.example>"
answered_by = ["sofie"]
fallback = "tom"
[limits]
connections = 0
message_size = "plenty"
"#;
    check(
        text,
        &[
            r#"f:2: hostname: invalid value: string "sincerely acme", expected a domain name such as "mail.acme.example""#,
            r#"f:3: state_dri: unknown key; did you mean "state_dir"?"#,
            r#"f:5: listen.address: invalid value: string "localhost:10025", expected an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#,
            r#"f:6: listen.role: invalid value: string "inbond", expected "inbound", "outbound" or "copies""#,
            "f:9: relay.maildir: is written beside relay.smtp; keep one of the two",
            r#"f:11: people.sophie.inbox: invalid value: integer `5`, expected an address such as "sophie@acme.example""#,
            "f:11: people.sophie.inbox: sophie@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox",
            r#"f:12: people.sophie.inbox: invalid value: string "no address", expected an address such as "sophie@acme.example""#,
            r#"f:15: personas.sophie.answered_by: there is no person "sofie"; did you mean "sophie"?"#,
            r#"f:16: personas.sophie.fallback: "tom" is no person, no persona and no address"#,
            "f:18: limits.connections: invalid value: integer `0`, expected a whole number above zero",
            r#"f:19: limits.message_size: invalid value: string "plenty", expected a size above zero such as "50 MiB", or a number of octets"#,
        ],
    );
}

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
    let kind = "listen: invalid type: map, expected a list of tables, each headed by the key in double brackets";
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
        "hostnam = 1\n[inbound]\nacept = []\nzzz = 1\n[[listen]]\naddress = '[::1]:0'\nrole = 'inbound'\nallowed = []\n[rule]\nx = 1",
        &[
            r#"f:5: hostnam: unknown key; did you mean "hostname"?"#,
            r#"f:7: inbound.acept: unknown key; did you mean "accept"?"#,
            "f:8: inbound.zzz: unknown key",
            r#"f:12: listen.allowed: unknown key; did you mean "allow"?"#,
            "f:13: rule: unknown key",
        ],
    );
}

#[test]
fn a_table_is_a_table() {
    check_added(
        "listen = { address = '[::1]:0' }\ninbound = ['hello@acme.example']\npeople.tom = 'tom@acme.example'",
        &[
            "f:5: listen: invalid type: map, expected a list of tables, each headed by the key in double brackets",
            "f:6: inbound: invalid type: sequence, expected a table, headed by the key in single brackets",
            r#"f:7: people.tom: invalid type: string "tom@acme.example", expected a table, headed by the key in single brackets"#,
        ],
    );
    check_added(
        "[[stamp]]\nseed = true",
        &["f:5: stamp: invalid type: sequence, expected a table, headed by the key in single brackets"],
    );
}

#[test]
fn listeners() {
    let listen = |fields: &str| format!("[[listen]]\naddress = '127.0.0.1:10025'\nrole = 'inbound'\n{fields}\n");
    check_added(
        &(listen("") + &listen("")),
        &["f:10: listen.address: 127.0.0.1:10025 is listened at already, by the listener 127.0.0.1:10025"],
    );
    check_added(
        &listen("allow = []"),
        &["f:8: listen.allow: is empty: nobody could connect; leave it out to allow loopback"],
    );
    check_added(
        &listen("allow = ['::1', '10.0.0.0/33']"),
        &[
            r#"f:8: listen.allow: invalid value: string "10.0.0.0/33", expected a net such as "127.0.0.0/8", or an IP address"#,
        ],
    );
    check_added(
        "listen = [{ address = '[::1]:25', role = 'inbound', protocol = 'lmtp' }]",
        &["f:5: listen.protocol: LMTP may not be spoken on port 25 (RFC 2033 §5); choose another port"],
    );
    check_added(
        "listen = [{ address = '[::1]:0', role = 'inbound' }, { address = '[::1]:0', role = 'outbound' }]",
        &[],
    );
    for (role, consequence) in [
        ("inbound", "hand in mail that no mail server in front has checked"),
        ("outbound", "send mail to anybody through the next hop"),
        ("copies", "teach ids with a forged copy, and so lead replies to a person who should not get them"),
    ] {
        let said = format!(
            "f:8: listen.allow: 10.0.0.0/8 is wider than loopback: whoever connects from there can {consequence}"
        );
        check_warnings(&listen("allow = ['127.0.0.1', '10.0.0.0/8']").replace("inbound", role), &[&*said]);
    }
}

#[test]
fn listeners_that_overlap() {
    let listen = |address: &str| format!("[[listen]]\naddress = '{address}'\nrole = 'inbound'\n");
    for (one, other, overlap) in [
        ("0.0.0.0:25", "127.0.0.1:25", true),
        ("127.0.0.1:25", "0.0.0.0:25", true),
        ("[::]:25", "[::1]:25", true),
        ("[::]:25", "0.0.0.0:25", false),
        ("[::]:25", "127.0.0.1:25", false),
        ("0.0.0.0:25", "127.0.0.1:26", false),
        ("0.0.0.0:0", "127.0.0.1:0", false),
        ("127.0.0.1:25", "127.0.0.2:25", false),
    ] {
        let said = &*format!("f:9: listen.address: {other} is listened at already, by the listener {one}");
        let said: &[_] = &[said];
        check_added(&(listen(one) + &listen(other)), if overlap { said } else { &[] });
    }
}

#[test]
fn listeners_at_unix_sockets() {
    let listen = |fields: &str| format!("[[listen]]\nrole = 'inbound'\n{fields}\n");
    let unix = |fields: &str| listen(&format!("address = 'unix:in.sock'\n{fields}"));
    check_added(
        &unix("allow = '::1'"),
        &["f:8: listen.allow: is for TCP; listen.mode and listen.group say who may connect to a unix socket"],
    );
    let rights = "mode = '0600'\ngroup = 'mail'";
    check_added(
        &listen(&format!("address = '[::1]:0'\n{rights}")),
        &[
            "f:8: listen.mode: is for unix sockets that the daemon makes; listen.allow says who may connect to a port",
            "f:9: listen.group: is for unix sockets that the daemon makes; listen.allow says who may connect to a port",
        ],
    );
    check_added(
        &listen(&format!("address = 'systemd:in'\n{rights}")),
        &[
            "f:8: listen.mode: is for unix sockets that the daemon makes; write SocketMode= and SocketGroup= in the socket unit",
            "f:9: listen.group: is for unix sockets that the daemon makes; write SocketMode= and SocketGroup= in the socket unit",
        ],
    );
    check_warnings(
        &unix("mode = '0666'"),
        &[
            "f:8: listen.mode: 0666 lets everybody on this machine connect, and hand in mail that no mail server in front has checked",
        ],
    );
    check_warnings(&unix(rights), &[]);
    check_added(
        &(unix("") + &listen("address = 'unix:./in.sock'") + &listen("address = 'unix:out.sock'")),
        &["f:11: listen.address: unix:./in.sock is listened at already, by the listener unix:in.sock"],
    );
    let passed = listen("address = 'systemd:in'");
    check_added(
        &(passed.clone() + &passed),
        &["f:10: listen.address: systemd:in is listened at already, by the listener systemd:in"],
    );
    check_warnings(
        &listen("address = 'systemd:in'\nallow = '10.0.0.0/8'"),
        &[
            "f:8: listen.allow: 10.0.0.0/8 is wider than loopback: whoever connects from there can hand in mail that no mail server in front has checked",
        ],
    );
}

#[test]
fn addresses_of_listeners_that_are_none() {
    let listen = |key: &str, value: &str| format!("[[listen]]\nrole = 'inbound'\n{key} = {value}");
    let expected = r#"an IP address and a port such as "127.0.0.1:10025" or "[::1]:10025", "unix:" and a path, or "systemd:" and a name"#;
    for wrong in ["unix:", "unix:/", "unix:/run/", "unix:..", "systemd:", "systemd:a:b", "systemd:é", "/run/in.sock"] {
        check_added(
            &listen("address", &format!("'{wrong}'")),
            &[&format!("f:7: listen.address: invalid value: string {wrong:?}, expected {expected}")],
        );
    }
    let address = "address = 'unix:in.sock'\n";
    for (wrong, told) in [
        ("'0999'", r#"string "0999""#),
        ("'1777'", r#"string "1777""#),
        ("'60'", r#"string "60""#),
        ("'+660'", r#"string "+660""#),
        ("660", "integer `660`"),
    ] {
        let expected = r#"expected permissions in octal digits and quotes, such as "0660""#;
        let said = format!("f:8: listen.mode: invalid value: {told}, {expected}");
        check_added(&listen("mode", wrong).replace("mode", &format!("{address}mode")), &[&said]);
    }
}

#[test]
fn unix_sockets_are_relative_to_the_file_and_have_defaults() {
    let address = |fields: &str| {
        let text = format!("{BASE}[[listen]]\nrole = 'inbound'\n{fields}");
        Config::parse(&text, Path::new("/etc/sincerely/x.toml")).unwrap().0.listen.remove(0).address
    };
    let socket = |path: &str, mode, group: Option<&str>| {
        Endpoint::Unix(UnixSocket { path: path.into(), mode, group: group.map(Into::into) })
    };
    assert_eq!(address("address = 'unix:var/in.sock'"), socket("/etc/sincerely/var/in.sock", 0o660, None));
    let own = "address = 'unix:/run/in.sock'\nmode = '600'\ngroup = 'postfix'";
    assert_eq!(address(own), socket("/run/in.sock", 0o600, Some("postfix")));
    assert_eq!(address("address = 'systemd:in'"), Endpoint::Passed("in".into()));
}

#[test]
fn the_path_of_a_unix_socket_fits() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let name = |length: usize| "s".repeat(length - folder.path().as_os_str().len() - 1);
    for (length, fits) in [(99, true), (100, false)] {
        let text = format!("{BASE}listen = [{{ role = 'inbound', address = 'unix:{}' }}]", name(length));
        let parsed = Config::parse(&text, &folder.path().join("f"));
        assert_eq!(parsed.is_ok(), fits, "{length}");
        let path = folder.path().join(name(length));
        let socket = Endpoint::Unix(UnixSocket { path, mode: 0o600, group: None });
        assert_eq!(Listener::bind(&socket, &mut Passed::default()).is_ok(), fits, "what the daemon does");
    }
    check_added(
        &format!("listen = [{{ role = 'inbound', address = 'unix:/{}' }}]", "s".repeat(99)),
        &["f:5: listen.address: too long: the path has 100 octets, and 99 are the most here"],
    );
}

#[test]
fn a_next_hop_for_each_role() {
    // Tables stand where BASE has its next hop.
    let with = |relay: &str| {
        let head = "hostname = 'sincerely.acme.example'";
        let sophie = "[people.sophie]\ninbox = 'sophie.martin@acme.example'\n\
                      [personas.sophie]\naddress = 'Sophie <sophie@acme.example>'\nanswered_by = 'sophie'";
        format!("{head}\n{relay}\n{sophie}\n")
    };
    let next_hops = |relay: &str| {
        let Relays { inbound, outbound } = parse(&with(relay)).unwrap().0.relay;
        (inbound, outbound)
    };
    let smtp = |server: &str| NextHop::Smtp(server.into());
    let (inbound, outbound) = next_hops("relay.inbound.smtp = 'a:1'\nrelay.outbound.maildir = 'out'");
    assert_eq!((inbound.next_hop, outbound.next_hop), (smtp("a:1"), NextHop::Maildir("out".into())));
    let (inbound, outbound) = next_hops("[relay]\nmaildir = 'all'\ntimeout.command = '5s'\noutbound.smtp = 'b:2'");
    assert_eq!(inbound.next_hop, NextHop::Maildir("all".into()));
    assert_eq!(outbound.next_hop, smtp("b:2"), "one choice of two keys");
    assert_eq!(inbound.timeouts, outbound.timeouts);
    let (inbound, outbound) = next_hops(
        "[relay]\nsmtp = 'a:1'\ntimeout = { command = '5s', total = '100s' }\n[relay.outbound.timeout]\ntotal = '200s'",
    );
    assert_eq!(inbound.next_hop, outbound.next_hop);
    let seconds = |timeouts: relay::Timeouts| (timeouts.command.as_secs(), timeouts.total.as_secs());
    assert_eq!((seconds(inbound.timeouts), seconds(outbound.timeouts)), ((5, 100), (5, 200)), "each key on its own");

    check(
        &with("relay.inbound.smtp = 'a:1'"),
        &[
            r#"f:2: relay.outbound.smtp: missing: the mail server such as "127.0.0.1:10026", or relay.outbound.maildir, a folder; or relay.smtp for both roles"#,
        ],
    );
    check(
        &with("relay.outbound = { smtp = 'a:1', maildir = 'out' }"),
        &[
            "f:2: relay.outbound.maildir: is written beside relay.outbound.smtp; keep one of the two",
            r#"f:2: relay.inbound.smtp: missing: the mail server such as "127.0.0.1:10026", or relay.inbound.maildir, a folder; or relay.smtp for both roles"#,
        ],
    );
    check_added("relay.inbound.smpt = 'a:1'", &[r#"f:5: relay.inbound.smpt: unknown key; did you mean "smtp"?"#]);
}

#[test]
fn no_role_hands_mail_to_our_own_listeners() {
    check_added(
        "relay.outbound.smtp = 'localhost:10025'\n[[listen]]\naddress = '127.0.0.1:10025'\nrole = 'inbound'",
        &["f:5: relay.outbound.smtp: is our own listener 127.0.0.1:10025: mail would go round; name the mail server"],
    );
    check_added(
        "relay.inbound.timeout = { connect = '500s' }",
        &[
            "f:5: relay.inbound.timeout.total: is shorter than relay.inbound.timeout.connect: no message could be handed on",
        ],
    );
    check_warnings(
        "relay.outbound.timeout.total = '700s'",
        &[
            "f:5: relay.outbound.timeout.total: the peer gives up after 600 s and sends again; stay below, or it sends copies",
        ],
    );
}

#[test]
fn the_next_hop() {
    let own = |server: &str, address: &str| {
        let listen = format!("[[listen]]\naddress = '{address}'\nrole = 'inbound'");
        BASE.replace("127.0.0.1:10026", server) + &listen
    };
    check(
        &own("127.0.0.1:10026", "127.0.0.1:10026"),
        &["f:2: relay.smtp: is our own listener 127.0.0.1:10026: mail would go round; name the mail server"],
    );
    check(
        &own("localhost:10026", "[::1]:10026"),
        &["f:2: relay.smtp: is our own listener [::1]:10026: mail would go round; name the mail server"],
    );
    check(
        &own("127.0.0.1:10026", "0.0.0.0:10026"),
        &["f:2: relay.smtp: is our own listener 0.0.0.0:10026: mail would go round; name the mail server"],
    );
    check(&own("localhost:10026", "10.0.0.1:10026"), &[]);
    check(
        &own("mail.acme.example", "[::1]:0"),
        &[
            r#"f:2: relay.smtp: invalid value: string "mail.acme.example", expected a host and a port such as "127.0.0.1:10026" or "mail.acme.example:25""#,
        ],
    );
    check_added(
        "relay.timeout = { total = '5s', command = '0s', data_end = 5 }",
        &[
            r#"f:5: relay.timeout.command: invalid value: string "0s", expected a duration above zero with its unit, such as "10s" or "60 days""#,
            r#"f:5: relay.timeout.data_end: invalid value: integer `5`, expected a duration above zero with its unit, such as "10s" or "60 days""#,
            "f:5: relay.timeout.total: is shorter than relay.timeout.connect: no message could be handed on",
        ],
    );
    check_warnings(
        "relay.timeout.total = '20m'",
        &["f:5: relay.timeout.total: the peer gives up after 600 s and sends again; stay below, or it sends copies"],
    );
}

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
fn values_of_every_kind() {
    check_added(
        "matching.separators = '@'",
        &[
            r#"f:5: matching.separators: invalid value: string "@", expected characters such as "+" or "+-", none of them a letter, a digit, "@" or ".""#,
        ],
    );
    check_added(
        "matching.separators = ''",
        &[
            r#"f:5: matching.separators: invalid value: string "", expected characters such as "+" or "+-", none of them a letter, a digit, "@" or ".""#,
        ],
    );
    check_added(
        "[inbound]\ncollapse = 1\nhold_spam = 'yes'\n[threads]\nkeep = '0s'\ncache = -1\n[log]\nformat = 'xml'\n[outbound]\nstrangers = 1.5",
        &[
            r#"f:6: inbound.collapse: invalid value: integer `1`, expected a duration with its unit, such as "1 day", or 0 for off"#,
            r#"f:7: inbound.hold_spam: invalid value: string "yes", expected true or false"#,
            r#"f:9: threads.keep: invalid value: string "0s", expected a duration above zero with its unit, such as "10s" or "60 days""#,
            r#"f:10: threads.cache: invalid value: integer `-1`, expected a size above zero such as "50 MiB", or a number of octets"#,
            r#"f:12: log.format: invalid value: string "xml", expected "text" or "json""#,
            r#"f:14: outbound.strangers: invalid type: floating point `1.5`, expected "relay" or "refuse""#,
        ],
    );
    check_added(
        "reply_domain = 'a b'\nsecret_file = ''",
        &[
            r#"f:5: reply_domain: invalid value: string "a b", expected a domain name such as "mail.acme.example""#,
            r#"f:6: secret_file: invalid value: string "", expected a path in quotes"#,
        ],
    );
}

#[test]
fn sizes_that_make_no_sense() {
    let sizes = |message_size, line, header_section, cache| {
        format!(
            "limits = {{ message_size = {message_size}, line = {line}, header_section = {header_section} }}\n\
             threads.cache = {cache}"
        )
    };
    check_added(&sizes(1 << 10, 512, 1 << 10, 1 << 20), &[]);
    check_added(&sizes(2_i64 << 30, 1 << 20, 64 << 20, i64::MAX), &[]);
    check_added(
        &sizes((1 << 10) - 1, 511, (1 << 10) - 1, (1 << 20) - 1),
        &[
            "f:5: limits.message_size: is too small: expected 1.0 KiB at least",
            "f:5: limits.line: is too small: expected 512 B at least",
            "f:5: limits.header_section: is too small: expected 1.0 KiB at least",
            "f:6: threads.cache: is too small: expected 1.0 MiB at least",
        ],
    );
    check_added(
        &sizes((2_i64 << 30) + 1, (1 << 20) + 1, (64 << 20) + 1, 1 << 20),
        &[
            "f:5: limits.message_size: is too large: expected 2.0 GiB at most",
            "f:5: limits.line: is too large: expected 1.0 MiB at most",
            "f:5: limits.header_section: is too large: expected 64.0 MiB at most",
        ],
    );
}

#[test]
fn numbers_too_large_for_any_use() {
    check_added(
        "limits.line = 9223372036854775808\nlimits.message_size = 18446744073709551616\nlimits.hops = -9223372036854775809\n\
         inbound.accept = 18446744073709551616\nlog = 18446744073709551616\nlisten = 18446744073709551616\n\
         limits.errors = 170141183460469231731687303715884105728",
        &[
            "f:5: limits.line: is too large: expected 1.0 MiB at most",
            r#"f:6: limits.message_size: invalid value: integer `18446744073709551616`, expected a size above zero such as "50 MiB", or a number of octets"#,
            "f:7: limits.hops: invalid value: integer `-9223372036854775809`, expected a whole number above zero",
            r#"f:8: inbound.accept: invalid value: integer `18446744073709551616`, expected an address such as "sophie@acme.example", or a list of such"#,
            "f:9: log: invalid value: integer `18446744073709551616`, expected a table, headed by the key in single brackets",
            "f:10: listen: invalid value: integer `18446744073709551616`, expected a list of tables, each headed by the key in double brackets",
            "f:11: limits.errors: invalid value: integer `170141183460469231731687303715884105728`, expected a whole number above zero",
        ],
    );
}

#[test]
fn warnings() {
    check_warnings(
        "people.tom.inbox = 'tom@corp.example'",
        &[
            "f:5: people.tom.inbox: tom@corp.example is outside the domains of the personas: its server may refuse forwarded mail (SPF), and customers see its bounces; set reply_domain",
            "f:5: people.tom: answers for no persona and is nobody's fallback",
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
fn paths_are_relative_to_the_file() {
    let text = BASE.replace("relay.smtp = \"127.0.0.1:10026\"", "relay.maildir = 'mail'") + "state_dir = 'state'";
    let (config, _) = Config::parse(&text, Path::new("/etc/sincerely/x.toml")).unwrap();
    assert_eq!(config.relay.inbound.next_hop, NextHop::Maildir("/etc/sincerely/mail".into()));
    assert_eq!(config.secret_file, Path::new("/etc/sincerely/state/secret"));
    let (config, _) = parse(&format!("{BASE}secret_file = '/run/secret'")).unwrap();
    assert_eq!(config.secret_file, Path::new("/run/secret"));
    assert_eq!(config.state_dir, Path::new(STATE_DIR));
}

#[tokio::test]
async fn the_control_socket_fits_into_the_state_directory() {
    let state = tempfile::tempdir_in("/tmp").unwrap();
    let (folder, name) = (state.path(), |length| "s".repeat(length));
    let load = |name: &str| Config::parse(&format!("{BASE}state_dir = '{name}'"), &folder.join("f"));
    // Linux: 107 octets and a NUL.
    let longest = 107 - "//control.sock".len() - folder.as_os_str().len();
    for (length, fits) in [(longest, true), (longest + 1, false)] {
        let state_dir = folder.join(name(length));
        fs::create_dir(&state_dir).unwrap();
        assert_eq!(load(&name(length)).is_ok(), fits, "relative to the file");
        assert_eq!(load(state_dir.to_str().unwrap()).is_ok(), fits, "absolute");
        assert_eq!(crate::control::bind(&state_dir).is_ok(), fits, "what the daemon does");
    }
    let long = format!("/{}", name(93));
    check_added(&format!("state_dir = '{long}'"), &[]);
    check_added(
        &format!("state_dir = '{long}s'"),
        &["f:5: state_dir: too long: with control.sock it has 108 octets, and no socket can have such a path"],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let problems = Config::load(Path::new("/nowhere/sincerely.toml")).unwrap_err().to_string();
    assert_eq!(problems, "/nowhere/sincerely.toml: cannot be read: No such file or directory (os error 2)");
}

/// The sample of the repository: it is complete, and it says the defaults.
mod sample {
    use super::*;

    const SAMPLE: &str = include_str!("../../config/sincerely.toml");

    #[test]
    fn every_value_in_it_is_the_default() {
        let (sample, _) = parse(SAMPLE).unwrap();
        let (default, _) = parse(BASE).unwrap();
        assert_eq!(sample.state_dir, default.state_dir);
        assert_eq!(sample.secret_file, default.secret_file);
        assert_eq!(sample.relay.inbound, default.relay.inbound);
        assert_eq!(sample.relay.outbound, default.relay.outbound);
        assert_eq!(sample.threads, default.threads);
        assert_eq!(sample.limits, default.limits);
        assert_eq!(sample.log, default.log);
        let (sample, default) = (sample.policy, default.policy);
        assert_eq!(sample.reply_domain, default.reply_domain);
        assert_eq!(sample.inbound, default.inbound);
        assert_eq!(sample.outbound, default.outbound);
        assert_eq!(sample.stamp, default.stamp);
        assert_eq!(sample.separators, default.separators);
        assert_eq!(sample.hops, default.hops);
    }

    #[test]
    fn the_listeners_in_it_have_the_defaults() {
        let (sample, _) = parse(SAMPLE).unwrap();
        let [inbound, outbound] = sample.listen.as_slice() else { panic!("two listeners") };
        assert_eq!((inbound.protocol, &inbound.allow), (outbound.protocol, &outbound.allow));
    }

    #[test]
    fn every_key_is_in_it_and_no_other() {
        let mut known = file::every_key();
        let mut written = written_keys();
        known.sort();
        written.sort();
        written.dedup();
        assert_eq!(written, known);
    }

    /// The keys of the sample, also those that are commented out; `*` stands for the name of a person or persona.
    fn written_keys() -> Vec<String> {
        let mut table = String::new();
        let mut keys = Vec::new();
        for line in SAMPLE.lines() {
            let header = line.strip_prefix('[').map(|rest| rest.trim_matches(['[', ']']));
            if let Some(header) = header {
                table = header.replace("people.sophie", "people.*").replace("people.tom", "people.*");
                table = table.replace("personas.sophie", "personas.*") + ".";
            }
            let key = line.trim_start_matches("# ").split_once(" =").map(|(key, _)| key.trim());
            if let Some(key) = key.filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
                keys.push(format!("{table}{key}"));
            }
        }
        keys
    }

    #[test]
    fn the_examples_are_right() {
        for text in [
            include_str!("../../examples/minimal.toml"),
            include_str!("../../examples/two-people.toml"),
            include_str!("../../examples/postfix.toml"),
        ] {
            let (config, _) = parse(text).unwrap();
            assert_eq!(config.listen.len(), 2);
        }
    }
}

#[test]
fn durations_and_sizes_reach_the_settings() {
    let text = "threads = { keep = '60 days', cache = 1048576 }\nlimits.message_size = '1.5 KiB'\ninbound.collapse = 0\nlimits.hops = 3";
    let (config, _) = parse(&format!("{BASE}{text}")).unwrap();
    assert_eq!((config.threads.keep, config.threads.cache), (Duration::from_hours(24 * 60), 1 << 20));
    assert_eq!((config.limits.message_size, config.policy.hops), (1536, 3));
    assert_eq!(config.policy.inbound.collapse, Duration::ZERO);
}

/// Lines that are right, wrong and nonsense, put together in any order.
fn any_text() -> impl Strategy<Value = String> {
    let lines: Vec<String> = include_str!("../../config/sincerely.toml")
        .lines()
        .chain(include_str!("../../examples/two-people.toml").lines())
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
