//! TLS: clients and mail servers that nobody here wrote ask for it, verify the certificate, and hand in mail.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::clients::odd;
use crate::company::ANN;
use crate::exim::{self, Exim, HandOver, Style};
use crate::opensmtpd::{self, OpenSmtpd};
use crate::ports;
use crate::postfix::{self, Postfix, Wishes};
use crate::programs::{Door, Program};
use crate::server::Server;
use crate::shipped::Shipped;
use crate::support::daemon::{COMPANY, binary};
use crate::support::{Daemon, NextHop, wait_until};

/// A daemon whose listener has a certificate, before a next hop that counts.
struct Scene {
    daemon: Daemon,
    hop: NextHop,
    /// What a client has to trust.
    trust: PathBuf,
    folder: tempfile::TempDir,
}

impl Scene {
    /// At a port of 127.0.0.1; 0 lets the system choose.
    fn new(port: u16, role: &str, protocol: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Mail servers have users of their own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (trust, key) = certificate(folder.path(), "own");
        let hop = NextHop::start();
        let configuration = format!(
            "hostname = \"sincerely.acme.example\"\nstate_dir = \"state\"\n\
             [[listen]]\naddress = \"127.0.0.1:{port}\"\nrole = \"{role}\"\nprotocol = \"{protocol}\"\n\
             tls = {{ certificate = \"{}\", key = \"{}\" }}\n\
             [relay]\nsmtp = \"{}\"\n{COMPANY}",
            trust.display(),
            key.display(),
            hop.address
        );
        let daemon = Daemon::start_as(&configuration, binary);
        Self { daemon, hop, trust, folder }
    }

    /// The only message that has arrived came by TLS, to the octet.
    fn it_came_encrypted(&self, with: &str, mail: &[u8]) {
        let taken = self.hop.only();
        assert!(taken.bytes.ends_with(mail), "{}", String::from_utf8_lossy(&taken.bytes));
        let ours = String::from_utf8_lossy(&taken.bytes[..taken.bytes.len() - mail.len()]).into_owned();
        assert!(ours.contains(&format!(" with {with} id ")), "{ours}");
    }
}

impl Drop for Scene {
    /// A failure tells what the daemon said.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- sincerely\n{}", self.daemon.log());
        }
    }
}

/// Makes a certificate for this machine and its key; where they lie.
fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    (certificate, key)
}

#[rstest]
#[case::swaks(Program::Swaks)]
#[case::swaks_in_one_go(Program::SwaksInOneGo)]
#[case::msmtp(Program::Msmtp)]
#[case::curl(Program::Curl)]
#[case::smtplib(Program::Smtplib)]
fn a_customers_mail_comes_encrypted(#[case] program: Program) {
    let scene = Scene::new(0, "inbound", "smtp");
    let (door, mail) = (Door::Smtp(scene.daemon.inbound()), odd(&format!("Ann <{ANN}>")));
    let told = program.send_encrypted(&door, &scene.trust, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    scene.it_came_encrypted("ESMTPS", &mail);
}

#[rstest]
#[case::swaks(Program::Swaks)]
#[case::msmtp(Program::Msmtp)]
#[case::smtplib(Program::Smtplib)]
fn by_lmtp_too(#[case] program: Program) {
    let scene = Scene::new(0, "inbound", "lmtp");
    let (door, mail) = (Door::Lmtp(scene.daemon.inbound()), odd(&format!("Ann <{ANN}>")));
    let told = program.send_encrypted(&door, &scene.trust, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    scene.it_came_encrypted("LMTPS", &mail);
}

/// Whoever verifies in vain goes away, and disturbs nobody.
#[rstest]
#[case::swaks(Program::Swaks)]
#[case::msmtp(Program::Msmtp)]
#[case::curl(Program::Curl)]
#[case::smtplib(Program::Smtplib)]
fn a_certificate_that_is_not_trusted_gets_no_mail(#[case] program: Program) {
    let scene = Scene::new(0, "inbound", "smtp");
    let (another, _) = certificate(scene.folder.path(), "another");
    let (door, mail) = (Door::Smtp(scene.daemon.inbound()), odd(&format!("Ann <{ANN}>")));
    let told = program.send_encrypted(&door, &another, ANN, &["sophie@acme.example"], &mail);
    assert!(!told.done, "{}", told.text);
    assert_eq!(scene.hop.count(), 0);
    let told = program.send_encrypted(&door, &scene.trust, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
}

#[rstest]
#[case::swaks(Program::Swaks)]
#[case::curl(Program::Curl)]
fn large_automated_mail_comes_encrypted(#[case] program: Program) {
    let scene = Scene::new(0, "outbound", "smtp");
    let line = b"All work and no play makes Ann a dull girl, as she often says these days.\r\n";
    let mut mail = odd("Sophie from Acme <sophie@acme.example>");
    mail.extend(line.iter().cycle().take(line.len() * 40_000));
    let door = Door::Smtp(scene.daemon.outbound());
    let told = program.send_encrypted(&door, &scene.trust, "app@acme.example", &[ANN], &mail);
    assert!(told.done, "{}", told.text);
    assert!(scene.hop.only().bytes.ends_with(crate::support::body(&mail)));
}

/// A server in front that insists on TLS hands over what came in.
fn hands_over(server: &impl Server, scene: &Scene) {
    let mail = odd(&format!("Ann <{ANN}>"));
    let reply = server.outside(ANN, &["sophie@acme.example"], &mail);
    assert!(reply.starts_with("250"), "{reply}");
    wait_until("it has arrived", || scene.hop.count() == 1);
    scene.it_came_encrypted("ESMTPS", &mail);
}

#[test]
fn postfix_insists_on_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ports = postfix::Ports::choose(ports::free(), true, folder.path());
    let address: SocketAddr = ports.inbound.parse().unwrap();
    let scene = Scene::new(address.port(), "inbound", "smtp");
    let wishes = Wishes { smtp: true, ..Wishes::default() };
    let server = Postfix::start(&folder.path().join("postfix"), ports, &[ANN], &wishes);
    let master = server.config.join("master.cf");
    Shipped::read(master.to_str().unwrap())
        .replace(
            "smtp_tls_security_level=none",
            &format!(
                "smtp_tls_security_level=secure\n  -o smtp_tls_secure_cert_match=localhost\n  -o smtp_tls_CAfile={}",
                scene.trust.display()
            ),
        )
        .write(&master);
    server.reload();
    hands_over(&server, &scene);
}

#[test]
fn exim_insists_on_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ports = exim::Ports::choose(ports::free());
    let scene = Scene::new(ports.inbound, "inbound", "smtp");
    let mut server = Exim::start(&folder.path().join("exim"), ports, &[ANN], Style::Split, HandOver::Smtp);
    server.insist_on_tls(&scene.trust);
    hands_over(&server, &scene);
}

/// It has no way to trust a file of a test's own.
#[test]
fn opensmtpd_insists_on_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ports = opensmtpd::Ports::choose(ports::free());
    let scene = Scene::new(ports.inbound, "inbound", "smtp");
    let server = OpenSmtpd::start(folder.path(), ports, opensmtpd::HandOver::Encrypted);
    hands_over(&server, &scene);
}
