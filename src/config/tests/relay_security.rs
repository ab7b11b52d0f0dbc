//! TLS and the login of the next hops: the defaults, what each role has of its own, and what is a mistake.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::relay::Settings;
use crate::relay::smtp::tls::Tls;

/// A folder with an authority's certificate and two logins.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(["mail.acme.example".to_owned()]).unwrap().cert;
    let login = |name: &str| format!("{name}\nopen sesame\n");
    let files = [("ca.pem", certificate.pem()), ("login", login("all")), ("own", login("own"))];
    for (name, text) in files.iter().cloned().chain([("empty", String::new()), ("text", "no PEM".into())]) {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    folder
}

/// `relay` in the place of BASE's line, from line 4 on; the mistakes without the folder's name.
fn read(relay: &str) -> Result<(Config, Vec<Remark>), String> {
    let folder = folder();
    let text = BASE.replace("relay.smtp = \"127.0.0.1:10026\"\n", "") + relay;
    let place = format!("{}/", folder.path().display());
    Config::parse(&text, &folder.path().join("f")).map_err(|problems| problems.to_string().replace(&place, ""))
}

/// A folder has a name of its own in each test.
fn shown(settings: &Settings) -> String {
    settings.to_string().split(" in /").next().unwrap_or_default().to_owned()
}

#[track_caller]
fn check_next_hops(relay: &str, expected: [&str; 2]) {
    let relays = read(relay).unwrap().0.relay;
    assert_eq!([shown(&relays.inbound), shown(&relays.outbound)], expected, "{relay}");
}

#[track_caller]
fn check_mistakes(relay: &str, expected: &[&str]) {
    let told = read(relay).err().unwrap_or_default();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{relay}");
}

#[test]
fn tls_is_taken_where_it_is_offered_but_on_this_machine() {
    for local in ["127.0.0.1:25", "127.8.0.1:25", "[::1]:25", "[::ffff:127.0.0.1]:25", "localhost:25", "LOCALHOST:25"] {
        check_next_hops(&format!("relay.smtp = '{local}'"), [&format!("smtp {local}"); 2]);
    }
    for other in ["192.0.2.1:25", "[2001:db8::1]:25", "mail.acme.example:587", "localhost.example:25"] {
        check_next_hops(&format!("relay.smtp = '{other}'"), [&format!("smtp {other}, with TLS where offered"); 2]);
    }
}

#[test]
fn each_role_may_have_its_own() {
    check_next_hops(
        "[relay]\nsmtp = 'mail.acme.example:25'\ntls = 'required'\nca_file = 'ca.pem'\ncredentials_file = 'login'\n",
        ["smtp mail.acme.example:25, always with TLS, logged in as all"; 2],
    );
    check_next_hops(
        "[relay]\nsmtp = 'mail.acme.example:25'\ntls = 'required'\nca_file = 'ca.pem'\ncredentials_file = 'login'\n\
         [relay.inbound]\nsmtp = '127.0.0.1:25'\ntls = 'none'\n[relay.outbound]\ncredentials_file = 'own'\n",
        ["smtp 127.0.0.1:25", "smtp mail.acme.example:25, always with TLS, logged in as own"],
    );
    // The password of one host is not told to another.
    check_next_hops(
        "[relay]\nsmtp = 'mail.acme.example:25'\ntls = 'required'\nca_file = 'ca.pem'\ncredentials_file = 'login'\n\
         [relay.inbound]\nsmtp = 'Mail.acme.example:587'\n[relay.outbound]\nsmtp = 'other.example:25'\n",
        ["smtp Mail.acme.example:587, always with TLS, logged in as all", "smtp other.example:25, always with TLS"],
    );
    check_next_hops(
        "[relay]\nsmtp = '127.0.0.1:25'\ncredentials_file = 'login'\n[relay.inbound]\nmaildir = 'mail'\n",
        ["Maildirs", "smtp 127.0.0.1:25, logged in as all"],
    );
}

#[test]
fn the_systems_authorities_are_asked_where_none_are_named() {
    let relays = read("relay = { smtp = 'mail.acme.example:25', tls = 'required' }\n");
    // A system without any is told so.
    match relays {
        Ok((config, _)) => assert!(matches!(config.relay.inbound.security.tls, Tls::Required(_))),
        Err(problems) => assert!(problems.contains("relay.tls: this system has no certificates")),
    }
}

#[test]
fn what_cannot_be_used_is_told_at_its_key() {
    let smtp = "[relay]\nsmtp = 'mail.acme.example:25'\ntls = 'required'\n";
    for (line, message) in [
        ("ca_file = 'none.pem'", "ca_file: none.pem cannot be read: No such file or directory (os error 2)"),
        (
            "ca_file = 'empty'",
            "ca_file: empty holds no certificate: expected at least one between BEGIN CERTIFICATE and END CERTIFICATE",
        ),
        (
            "ca_file = 'text'",
            "ca_file: text holds no certificate: expected at least one between BEGIN CERTIFICATE and END CERTIFICATE",
        ),
        (
            "ca_file = 'ca.pem'\ncredentials_file = 'none'",
            "credentials_file: none cannot be read: No such file or directory (os error 2)",
        ),
        (
            "ca_file = 'ca.pem'\ncredentials_file = 'text'",
            "credentials_file: text expected two lines: the user, and below it the password; nothing else",
        ),
    ] {
        let number = 7 + line.matches('\n').count();
        check_mistakes(&format!("{smtp}{line}\n"), &[&format!("f:{number}: relay.{message}")]);
    }
    check_mistakes(
        "[relay]\nsmtp = '127.0.0.1:25'\ntls = 'always'\n",
        &[r#"f:6: relay.tls: invalid value: string "always", expected "none", "opportunistic" or "required""#],
    );
}

#[test]
fn a_password_goes_through_verified_tls_or_stays_on_this_machine() {
    let message = r#"the password could be read on the way to mail.acme.example:25, or by whoever answers there: write tls = "required""#;
    for tls in ["", "tls = 'none'\n", "tls = 'opportunistic'\n"] {
        let line = if tls.is_empty() { 6 } else { 7 };
        check_mistakes(
            &format!("[relay]\nsmtp = 'mail.acme.example:25'\n{tls}credentials_file = 'login'\n"),
            &[&format!("f:{line}: relay.credentials_file: {message}")],
        );
    }
}

#[test]
fn a_name_that_no_certificate_can_be_for_is_told() {
    check_mistakes(
        "relay.smtp = 'jörg.example:25'\n",
        &["f:4: relay.smtp: is no name that a certificate can be for; write it in ASCII (xn--…), or tls = \"none\""],
    );
    check_next_hops("relay = { smtp = 'jörg.example:25', tls = 'none' }\n", ["smtp jörg.example:25"; 2]);
}

/// What is said of the keys of `relay`.
fn warnings(relay: &str) -> Vec<String> {
    let (_, warnings) = read(relay).unwrap();
    let about_relay = warnings.into_iter().filter(|remark| remark.key.starts_with("relay"));
    about_relay.map(|remark| format!("{}: {}", remark.key, remark.message)).collect()
}

#[test]
fn a_server_that_speaks_tls_at_once_is_told() {
    let message = "a server at port 465 speaks TLS from the first octet, which we do not: TLS begins with STARTTLS here; name port 587 or 25";
    assert_eq!(warnings("relay.smtp = 'mail.acme.example:465'\n"), [format!("relay.smtp: {message}")]);
    let own = "relay = { smtp = '127.0.0.1:4650', outbound.smtp = '[2001:db8::465]:465' }\n";
    assert_eq!(warnings(own), [format!("relay.outbound.smtp: {message}")]);
}

#[test]
fn what_has_no_effect_is_told() {
    let smtp = "[relay]\nsmtp = 'mail.acme.example:25'\n";
    assert_eq!(
        warnings(&format!("{smtp}ca_file = 'ca.pem'\n")),
        ["relay.ca_file: has no effect: certificates are verified where tls is \"required\" alone"]
    );
    assert_eq!(
        warnings(&format!("{smtp}[relay.inbound]\nmaildir = 'in'\ntls = 'required'\n")),
        ["relay.inbound.tls: has no effect: no mail server goes with it"]
    );
    assert_eq!(
        warnings(
            "[relay]\nsmtp = '127.0.0.1:25'\ncredentials_file = 'login'\ninbound.smtp = '127.0.0.2:25'\noutbound.maildir = 'out'\n"
        ),
        ["relay.credentials_file: has no effect: it is told to the host of the same table's smtp alone"]
    );
}

#[test]
fn a_password_that_everybody_can_read_is_told() {
    let folder = folder();
    let path = folder.path().join("login");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let text = BASE.to_owned() + "relay.credentials_file = 'login'\n";
    let (_, warnings) = Config::parse(&text, &folder.path().join("f")).unwrap();
    let told = warnings.iter().map(ToString::to_string).find(|line| line.contains("credentials_file")).unwrap();
    assert!(told.contains(":5: relay.credentials_file: everybody on this machine can read the password"), "{told}");
}
