//! Listeners, the next hop and paths.

use super::*;
use crate::relay::NextHop;
use crate::smtp::settings::{PeerName, UnixSocket};
use crate::smtp::{Listener, Passed};

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
    check(
        &own("[::ffff:127.0.0.1]:10026", "127.0.0.1:10026"),
        &["f:2: relay.smtp: is our own listener 127.0.0.1:10026: mail would go round; name the mail server"],
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
fn listeners_at_unix_sockets() {
    let listen = |fields: &str| format!("[[listen]]\nrole = 'inbound'\n{fields}\n");
    let unix = |fields: &str| listen(&format!("address = 'unix:in.sock'\n{fields}\nprotocol = 'lmtp'"));
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
    check_warnings(
        &unix("mode = '0440'"),
        &["f:8: listen.mode: 0440 lets nobody write, so nobody but root can connect"],
    );
    check_warnings(
        &listen("address = 'unix:in.sock'\nprotocol = 'smtp'"),
        &["f:8: listen.protocol: Postfix and Exim speak only LMTP at unix sockets: write protocol = \"lmtp\""],
    );
    check_added(
        &(unix("") + &listen("address = 'unix:./in.sock'") + &listen("address = 'unix:out.sock'")),
        &["f:12: listen.address: unix:./in.sock is listened at already, by the listener unix:in.sock"],
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
fn peers_that_speak_for_others() {
    let listen = |address: &str, fields: &str| {
        format!("[[listen]]\nrole = 'inbound'\naddress = '{address}'\nprotocol = 'lmtp'\n{fields}\n")
    };
    let listener = |text: &str| parse(&format!("{BASE}{text}")).unwrap().0.listen.remove(0);
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    let both = listener(&listen("systemd:in", "xforward = ['unix', '127.0.0.0/8', '::1']\nproxy = '192.0.2.10'"));
    let names = [PeerName::Unix, PeerName::Net(net("127.0.0.0/8")), PeerName::Net(net("::1/128"))];
    assert_eq!((both.xforward, both.proxy), (names.to_vec(), vec![net("192.0.2.10/32")]));
    let none = listener(&listen("systemd:in", ""));
    assert_eq!((none.xforward, none.proxy), (Vec::new(), Vec::new()));

    check_added(
        &listen("unix:in.sock", "xforward = ['unix', '127.0.0.1']\nproxy = '127.0.0.1'"),
        &[
            "f:9: listen.xforward: peers at a unix socket have no address: write \"unix\"",
            "f:10: listen.proxy: is for TCP: no proxy stands in front of a unix socket",
        ],
    );
    check_added(
        &listen("[::1]:0", "xforward = 'unix'\nproxy = 'unix'"),
        &[
            "f:9: listen.xforward: \"unix\" is for unix sockets: write the addresses of the peers",
            r#"f:10: listen.proxy: invalid value: string "unix", expected a net such as "127.0.0.0/8", or an IP address"#,
        ],
    );
    check_added(
        &listen("[::1]:0", "xforward = 'localhost'"),
        &[
            r#"f:9: listen.xforward: invalid value: string "localhost", expected a net such as "127.0.0.0/8", an IP address, or "unix""#,
        ],
    );
}

#[test]
fn peers_that_speak_for_others_are_few() {
    let listen =
        |fields: &str| format!("[[listen]]\nrole = 'inbound'\naddress = '[::1]:0'\nallow = ['::1']\n{fields}\n");
    let wider = "is wider than loopback and private nets: whoever connects from there can";
    check_warnings(
        &listen("proxy = ['192.0.2.0/24', '10.0.0.0/8', 'fd00::/8', '2001:db8::1', '0.0.0.0/0']"),
        &[
            &format!(
                "f:9: listen.proxy: 192.0.2.0/24 {wider} pass for any address, in the log and before listen.allow"
            ),
            &format!("f:9: listen.proxy: 0.0.0.0/0 {wider} pass for any address, in the log and before listen.allow"),
        ],
    );
    check_warnings(
        &listen("xforward = ['::/0', '127.0.0.1']"),
        &[
            &format!("f:9: listen.xforward: ::/0 {wider} write any client into the log"),
            "f:9: listen.xforward: listen.allow lets nobody from 127.0.0.1/32 in",
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
        &["f:5: listen.address: too long: from the root on the path has 100 octets, and 99 are the most here"],
    );
    // Where the file has a relative path, the path is longer than it is written.
    let here = std::env::current_dir().unwrap().as_os_str().len() + 1;
    for (length, fits) in [(99 - here, true), (100 - here, false)] {
        let text = format!("{BASE}listen = [{{ role = 'inbound', address = 'unix:{}' }}]", "s".repeat(length));
        assert_eq!(Config::parse(&text, Path::new("f")).is_ok(), fits, "{length}");
    }
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
fn a_certificate_needs_its_key() {
    let listen = |tls: &str| format!("[[listen]]\naddress = '127.0.0.1:10025'\nrole = 'inbound'\n{tls}\n");
    check_added(
        &listen("tls = { certificate = 'c.pem' }"),
        &["f:8: listen.tls.key: missing: a file in PEM: the certificate's private key"],
    );
    check_added(
        &listen("tls = {}"),
        &[
            "f:8: listen.tls.certificate: missing: a file in PEM: the certificate, then those up to the root's",
            "f:8: listen.tls.key: missing: a file in PEM: the certificate's private key",
        ],
    );
    check_added(
        &listen("tls = { certificat = 'c.pem', key = 'k.pem' }"),
        &[
            r#"f:8: listen.tls.certificat: unknown key; did you mean "certificate"?"#,
            "f:8: listen.tls.certificate: missing: a file in PEM: the certificate, then those up to the root's",
        ],
    );
    let text = BASE.to_owned() + &listen("[listen.tls]\nkey = '/run/k.pem'\ncertificate = 'c.pem'");
    let (config, _) = Config::parse(&text, Path::new("/etc/sincerely/x.toml")).unwrap();
    let Tls { certificate, key } = config.listen[0].tls.clone().unwrap();
    assert_eq!((certificate.path.as_path(), certificate.line), (Path::new("/etc/sincerely/c.pem"), 10));
    assert_eq!((key.path.as_path(), key.line), (Path::new("/run/k.pem"), 9));
}
