//! Listeners, the next hop and paths.

use super::*;
use crate::relay::NextHop;

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
    check_warnings(
        &listen("allow = ['127.0.0.1', '10.0.0.0/8']"),
        &[
            "f:8: listen.allow: 10.0.0.0/8 is wider than loopback: whoever connects from there can hand in mail that no mail server in front has checked",
        ],
    );
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
    assert_eq!(config.relay.next_hop, NextHop::Maildir("/etc/sincerely/mail".into()));
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
