//! TLS and the login: what is verified, what is refused, and that a password stays where it belongs.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::relay::smtp::fake::LOGIN;
use crate::relay::smtp::login::Credentials;
use crate::relay::smtp::tls::{Authorities, Tls};

/// An authority, and a server that it vouches for.
pub(super) struct Company {
    folder: tempfile::TempDir,
    pub(super) server: Arc<ServerConfig>,
}

impl Company {
    /// The server's certificate is for these names and addresses.
    pub(super) fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut of_authority = CertificateParams::new([]).unwrap();
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = of_authority.self_signed(&key).unwrap();
        let authority = Issuer::new(of_authority, key);

        let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
        let mut of_server = CertificateParams::new(names).unwrap();
        change(&mut of_server);
        let key = KeyPair::generate().unwrap();
        let certificate = of_server.signed_by(&key, &authority).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        std::fs::write(folder.path().join("login"), format!("{}\n{}\n", LOGIN.0, LOGIN.1)).unwrap();
        std::fs::write(folder.path().join("wrong"), format!("{}\nwrong\n", LOGIN.0)).unwrap();
        Self { folder, server: Arc::new(server) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn required(&self) -> Security {
        Security { tls: Tls::Required(Authorities::read(&self.file("ca.pem")).unwrap()), login: None }
    }

    fn logged_in(&self, file: &str) -> Security {
        Security { login: Some(Credentials::read(&self.file(file)).unwrap()), ..self.required() }
    }

    fn behaviour(&self) -> Behaviour {
        Behaviour::usual().with_tls(self.server.clone())
    }
}

const OPPORTUNISTIC: Security = Security { tls: Tls::Opportunistic, login: None };

async fn start_with(behaviour: Behaviour, security: Security) -> (FakeHop, SmtpRelay) {
    let hop = FakeHop::start(behaviour).await;
    let relay = relay_with(&hop.server, Timeouts::default(), security);
    (hop, relay)
}

/// What a hand-over comes to, and how many messages came with TLS and in all.
async fn check(behaviour: Behaviour, security: Security, end: &str, encrypted: usize, all: usize) -> FakeHop {
    let (hop, relay) = start_with(behaviour, security).await;
    let result = told(hand_over(&relay).await);
    assert!(result.contains(end), "{result}");
    hop.saw(|log| assert_eq!((log.encrypted, log.messages.len()), (encrypted, all), "{:?}", log.commands));
    hop
}

#[tokio::test]
async fn a_verified_next_hop_gets_mail_through_tls_alone() {
    let company = Company::new(&["127.0.0.1"]);
    let hop = check(company.behaviour(), company.required(), "taken: 250", 1, 1).await;
    hop.saw(|log| {
        let verbs: Vec<_> = log.commands.iter().map(|command| &command[..4]).collect();
        assert_eq!(verbs, ["EHLO", "STAR", "EHLO", "MAIL", "RCPT", "DATA"]);
    });
}

#[tokio::test]
async fn a_large_message_and_many_messages_go_through_one_connection_with_tls() {
    let company = Company::new(&["127.0.0.1"]);
    let (hop, relay) = start_with(company.behaviour(), company.required()).await;
    let large = [&b"x".repeat(76)[..], b"\r\n"].concat().repeat(50_000);
    relay.hand_over(&mail(), &sophie(), &pieces(&large)).await.unwrap();
    for _ in 0..5 {
        hand_over(&relay).await.unwrap();
    }
    hop.saw(|log| {
        assert!(log.messages[0] == large, "the messages differ");
        assert_eq!((log.connections, log.encrypted), (1, 6));
    });
}

#[tokio::test]
async fn a_host_name_is_verified_as_one() {
    let company = Company::new(&["localhost"]);
    let hop = FakeHop::start(company.behaviour()).await;
    let by_name = hop.server.replace("127.0.0.1", "localhost");
    let named = relay_with(&by_name, Timeouts::default(), company.required());
    assert_eq!(told(hand_over(&named).await), "taken: 250 2.0.0 taken");
    let by_address = relay_with(&hop.server, Timeouts::default(), company.required());
    let result = told(hand_over(&by_address).await);
    assert!(
        result.starts_with("unfit: TLS failed: ") && result.contains("a name that its certificate has"),
        "{result}"
    );
}

#[tokio::test]
async fn what_is_no_proof_is_refused_where_tls_is_required() {
    let company = Company::new(&["127.0.0.1"]);
    let other = Company::new(&["127.0.0.1"]);
    let expired = Company::with(&["127.0.0.1"], |certificate| certificate.not_after = date_time_ymd(2020, 1, 1));
    let early = Company::with(&["127.0.0.1"], |certificate| certificate.not_before = date_time_ymd(4000, 1, 1));
    for (behaviour, security, end) in [
        (Behaviour::usual(), company.required(), "unfit: it does not offer STARTTLS"),
        (company.behaviour(), other.required(), "nobody trusted here signed its certificate"),
        (expired.behaviour(), expired.required(), "its certificate must be renewed"),
        (early.behaviour(), early.required(), "look at the clocks"),
        (
            company.behaviour().at(Stage::StartTls, Act::Say(b"454 4.7.0 no key\r\n")),
            company.required(),
            "unfit: it offers STARTTLS and refuses it: 454 4.7.0 no key",
        ),
        (
            company.behaviour().at(Stage::StartTls, Act::Say(b"502 5.5.1 not really\r\n")),
            company.required(),
            "unfit: it offers STARTTLS and refuses it: 502 5.5.1 not really",
        ),
        (company.behaviour().at(Stage::StartTls, Act::Leave(b"220 go\r\n")), company.required(), "unfit: TLS failed"),
        (company.behaviour().at(Stage::StartTls, Act::Leave(b"")), company.required(), "unreachable"),
    ] {
        let hop = check(behaviour, security, end, 0, 0).await;
        hop.saw(|log| assert!(!log.commands.iter().any(|command| command.starts_with("MAIL")), "{:?}", log.commands));
    }
}

#[tokio::test]
async fn what_is_said_between_starttls_and_tls_is_a_failure() {
    let company = Company::new(&["127.0.0.1"]);
    let injected = b"220 go\r\n250-fake.example\r\n250 AUTH PLAIN\r\n";
    let behaviour = company.behaviour().at(Stage::StartTls, Act::Say(injected));
    check(behaviour.clone(), company.required(), "unfit: ", 0, 0).await;
    check(behaviour, OPPORTUNISTIC, "taken: 250", 0, 1).await;
}

#[tokio::test]
async fn opportunistic_tls_takes_any_certificate_and_none() {
    let expired = Company::with(&["other.example"], |certificate| certificate.not_after = date_time_ymd(2020, 1, 1));
    check(expired.behaviour(), OPPORTUNISTIC, "taken: 250", 1, 1).await;
    check(Behaviour::usual(), OPPORTUNISTIC, "taken: 250", 0, 1).await;
}

#[tokio::test]
async fn opportunistic_tls_that_fails_loses_no_mail() {
    let company = Company::new(&["127.0.0.1"]);
    for act in [
        Act::Say(b"454 4.7.0 no key\r\n"),
        Act::Say(b"502 5.5.1 not really\r\n"),
        Act::Leave(b"220 go\r\n"),
        Act::Leave(b""),
        Act::Leave(b"421 4.3.2 busy\r\n"),
    ] {
        let hop = check(company.behaviour().at(Stage::StartTls, act), OPPORTUNISTIC, "taken: 250", 0, 1).await;
        hop.saw(|log| assert_eq!(log.connections, 2, "{act:?}: a fresh one"));
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_left() {
    let company = Company::new(&["127.0.0.1"]);
    let hop = FakeHop::start(company.behaviour().at(Stage::StartTls, Act::Drip(b"220 go\r\n\x16"))).await;
    let timeouts = Timeouts { connect: Duration::from_millis(500), ..Timeouts::default() };
    let relay = relay_with(&hop.server, timeouts, company.required());
    let result = told(hand_over(&relay).await);
    assert!(result.starts_with("unfit") || result == "unreachable", "{result}");
    let relay = relay_with(&hop.server, timeouts, OPPORTUNISTIC);
    assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken");
}

#[tokio::test]
async fn a_kept_connection_with_tls_that_was_closed_is_not_used() {
    let company = Company::new(&["127.0.0.1"]);
    for act in [Act::Leave(b"250 2.0.0 taken\r\n"), Act::Say(b"250 2.0.0 taken\r\n250 2.0.0 taken\r\n")] {
        let (hop, relay) = start_with(company.behaviour().at(Stage::Dot, act), company.required()).await;
        for _ in 0..3 {
            assert_eq!(told(hand_over(&relay).await), "taken: 250 2.0.0 taken");
        }
        hop.saw(|log| assert_eq!((log.connections, log.messages.len()), (3, 3)));
    }
}

#[tokio::test]
async fn offers_before_tls_count_for_nothing() {
    let company = Company::new(&["127.0.0.1"]);
    let (hop, relay) = start_with(company.behaviour().with("AUTH PLAIN"), company.required()).await;
    hand_over(&relay).await.unwrap();
    hop.saw(|log| assert_eq!(log.commands.iter().filter(|command| command.starts_with("EHLO")).count(), 2));

    // LOGIN is offered in the open only: after TLS it is not, whatever was said before.
    let behaviour = company.behaviour().with_in_tls("AUTH GSSAPI");
    check(behaviour, company.logged_in("login"), "unfit: it offers neither AUTH PLAIN nor AUTH LOGIN", 0, 0).await;
}

#[rstest]
#[case::plain("AUTH CRAM-MD5 PLAIN LOGIN", "AUTH PLAIN ")]
#[case::only_login("AUTH LOGIN", "AUTH LOGIN")]
#[case::lower_case("auth plain", "AUTH PLAIN ")]
#[tokio::test]
async fn the_login_is_said_once_tls_is_there(#[case] offered: &'static str, #[case] said: &str) {
    let company = Company::new(&["127.0.0.1"]);
    let behaviour = company.behaviour().with_in_tls(offered);
    let hop = check(behaviour, company.logged_in("login"), "taken: 250", 1, 1).await;
    hop.saw(|log| {
        let at = |verb: &str| log.commands.iter().rposition(|command| command.starts_with(verb));
        assert!(at("STARTTLS") < at("EHLO") && at("EHLO") < at(said) && at(said) < at("MAIL"), "{:?}", log.commands);
    });
}

#[rstest]
#[case::plain("AUTH PLAIN")]
#[case::login("AUTH LOGIN")]
#[tokio::test]
async fn a_login_that_is_refused_speaks_of_the_setup(#[case] offered: &'static str) {
    let company = Company::new(&["127.0.0.1"]);
    let behaviour = company.behaviour().with_in_tls(offered);
    let refused = "unfit: it refuses the login of relay.credentials_file as sincerely: ";
    let end = format!("{refused}535 5.7.8 who are you?");
    check(behaviour.clone(), company.logged_in("wrong"), &end, 0, 0).await;
    for (act, end) in [
        (Act::Say(b"550 5.7.1 no\r\n"), format!("{refused}550 5.7.1 no")),
        (Act::Say(b"504 5.5.4 what?\r\n"), format!("{refused}504 5.5.4 what?")),
        (Act::Say(b"454 4.7.0 later\r\n"), format!("{refused}454 4.7.0 later")),
        (Act::Leave(b"421 4.3.2 busy\r\n"), format!("{refused}421 4.3.2 busy")),
        (Act::Say(b"334 more\r\n"), format!("{refused}334 more")),
        (Act::Say(b"354 go ahead\r\n"), format!("{refused}354 go ahead")),
        (Act::Leave(b""), "unreachable".into()),
    ] {
        check(behaviour.clone().at(Stage::Auth, act), company.logged_in("login"), &end, 0, 0).await;
    }
}

#[tokio::test]
async fn on_this_machine_a_login_needs_no_tls() {
    let company = Company::new(&["127.0.0.1"]);
    let security = Security { tls: Tls::None, ..company.logged_in("login") };
    check(company.behaviour().with("AUTH PLAIN"), security, "taken: 250", 0, 1).await;
}

#[test]
fn a_file_of_authorities_is_pem_with_certificates() {
    let company = Company::new(&["127.0.0.1"]);
    let pem = std::fs::read_to_string(company.file("ca.pem")).unwrap();
    let key = KeyPair::generate().unwrap().serialize_pem();
    let told = |text: &[u8]| {
        std::fs::write(company.file("x"), text).unwrap();
        Authorities::read(&company.file("x")).map_or_else(|error| error.to_string(), |_| "read".into())
    };
    assert_eq!(told(pem.repeat(2).as_bytes()), "read");
    assert_eq!(told(format!("{key}{pem}").as_bytes()), "read");
    for empty in [&b""[..], b"no PEM\n", b"\x30\x82\x01\xff", key.as_bytes()] {
        assert!(told(empty).starts_with("holds no certificate"), "{}", empty.escape_ascii());
    }
    assert_eq!(told(format!("Issuer: us\n{pem}# the end\n").as_bytes()), "read");
    let cut = pem.split("-----END").next().unwrap();
    assert_eq!(told(cut.as_bytes()), "is not PEM: a section is cut off: its END line is missing");
    let odd = pem.replace("CERTIFICATE-----", "CERTIFICATE");
    assert_eq!(told(odd.as_bytes()), "is not PEM: a BEGIN line does not end in five hyphens");
    let garbled = pem.replace("\nMII", "\n!!!");
    assert_eq!(told(garbled.as_bytes()), "is not PEM: what stands between BEGIN and END is not base64");
    let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(told(format!("{pem}{other}").as_bytes()).starts_with("its certificate 2 cannot be used"));
    assert!(Authorities::read("/nowhere".as_ref()).unwrap_err().to_string().starts_with("cannot be read: "));
}
