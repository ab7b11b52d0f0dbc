//! Programs that nobody here wrote hand mail to the daemon itself, with no mail server in front: what each is
//! given arrives octet by octet, and what we refuse is what it reports.

use rstest::rstest;

use crate::programs::{Door, Program, Told};
use crate::support::daemon::{binary, listening};
use crate::support::{Behaviour, Daemon, NextHop, body, crlf, field};

const ANN: &str = "ann@customer.example";

/// A daemon before a next hop that counts, and a door of it.
struct Scene {
    hop: NextHop,
    door: Door,
    daemon: Daemon,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Smtp,
    Lmtp,
    Socket,
}

impl Scene {
    fn new(way: Way, role: &str) -> Self {
        let hop = NextHop::start();
        let (address, protocol) = match way {
            Way::Smtp => ("127.0.0.1:0", "smtp"),
            Way::Lmtp => ("127.0.0.1:0", "lmtp"),
            Way::Socket => ("unix:in.sock", "lmtp"),
        };
        let listener = format!("address = \"{address}\"\nrole = \"{role}\"\nprotocol = \"{protocol}\"");
        let daemon = Daemon::start_as(&listening(hop.address, &[&listener]), binary);
        let door = match way {
            Way::Smtp => Door::Smtp(daemon.listener(role)),
            Way::Lmtp => Door::Lmtp(daemon.listener(role)),
            Way::Socket => Door::Socket(daemon.folder.path().join("in.sock")),
        };
        Self { hop, door, daemon }
    }

    fn send(&self, program: Program, from: &str, to: &[&str], mail: &[u8]) -> Told {
        program.send(&self.door, from, to, mail)
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

/// Odd spacing, 8-bit octets in header and body, dots, blank lines at the end. It has a Date and a
/// Message-ID, for programs that would add theirs.
pub(crate) fn odd(from: &str) -> Vec<u8> {
    let head = format!(
        "from:{from}\nTo: sophie@acme.example\nDate: Sun, 22 Nov 2026 12:00:00 +0000\n\
         Message-ID: <odd@customer.example>\nSUBJECT:   odd  \n\tfolded\nX-Latin: "
    );
    [&crlf(&head), &b"caf\xe9\r\n\r\n.\r\n\xff\xfe8-bit \r\n..\r\n.a\r\n. \r\n\ttab, end \r\n\r\n\r\n"[..]].concat()
}

#[rstest]
fn a_customers_mail_arrives_as_it_was_given(
    #[values(Program::Swaks, Program::SwaksInOneGo, Program::Msmtp, Program::Curl, Program::Smtplib, Program::Lettre)]
    program: Program,
) {
    arrives_as_it_was_given(Way::Smtp, program);
}

#[rstest]
fn by_lmtp_too(
    #[values(Way::Lmtp, Way::Socket)] way: Way,
    #[values(Program::Swaks, Program::SwaksInOneGo, Program::Msmtp, Program::Smtplib)] program: Program,
) {
    arrives_as_it_was_given(way, program);
}

fn arrives_as_it_was_given(way: Way, program: Program) {
    let scene = Scene::new(way, "inbound");
    let mail = odd("Ann <ann@customer.example>");
    let told = scene.send(program, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    let taken = scene.hop.only();
    assert_eq!((taken.from.as_str(), taken.to.as_slice()), (ANN, &["sophie.martin@corp.example".to_owned()][..]));
    assert!(taken.bytes.ends_with(&mail), "{}", String::from_utf8_lossy(&taken.bytes));
    let ours = String::from_utf8_lossy(&taken.bytes[..taken.bytes.len() - mail.len()]).into_owned();
    let names = ours.lines().filter(|line| !line.starts_with('\t')).filter_map(|line| line.split(':').next());
    assert_eq!(names.collect::<Vec<_>>(), ["Received", "X-Sincerely"]);
    assert!(ours.contains("from client.example"), "{ours}");
}

/// It waits for no reply between MAIL and DATA, nor does it know then that one recipient is refused.
#[rstest]
fn all_commands_in_one_go(#[values(Way::Smtp, Way::Lmtp, Way::Socket)] way: Way) {
    let scene = Scene::new(way, "inbound");
    let mail = odd("Ann <ann@customer.example>");
    let told = scene.send(Program::SwaksInOneGo, ANN, &["nobody@acme.example", "tom@acme.example"], &mail);
    let dialogue = told.text.split(" -> MAIL").nth(1).unwrap();
    let marks: Vec<_> = dialogue.lines().filter_map(|line| line.get(..7)).take(7).collect();
    assert_eq!(marks[1..], [" -> RCP", " -> RCP", " -> DAT", "<-  250", "<** 550", "<-  250"], "{}", told.text);
    assert_eq!(scene.hop.only().to, ["tom@corp.example"]);
}

#[rstest]
#[case::lmtp(Way::Lmtp, Program::Swaks)]
#[case::swaks(Way::Smtp, Program::Swaks)]
#[case::swaks_in_one_go(Way::Smtp, Program::SwaksInOneGo)]
#[case::msmtp(Way::Smtp, Program::Msmtp)]
#[case::curl(Way::Smtp, Program::Curl)]
#[case::smtplib(Way::Smtp, Program::Smtplib)]
#[case::lettre(Way::Smtp, Program::Lettre)]
fn automated_mail_is_stamped_and_keeps_its_body(#[case] way: Way, #[case] program: Program) {
    let scene = Scene::new(way, "outbound");
    let mail = odd("Sophie from Acme <sophie@acme.example>");
    let told = scene.send(program, "app@acme.example", &[ANN, "ben@customer.example"], &mail);
    assert!(told.done, "{}", told.text);
    let taken = scene.hop.only();
    assert_eq!(taken.to, [ANN, "ben@customer.example"]);
    assert_eq!(body(&taken.bytes), body(&mail));
    assert!(field(&taken.bytes, "References").unwrap().starts_with('<'), "the seed");
    assert_eq!(field(&taken.bytes, "Message-ID").unwrap(), "<odd@customer.example>");
    assert!(
        told.text.contains("queued as NEXT") || program == Program::Curl,
        "the next hop's own words: {}",
        told.text
    );
}

/// What a program makes of one refused recipient among three is its own; that it learns of it is ours.
#[rstest]
#[case::swaks(Program::Swaks, true)]
#[case::swaks_in_one_go(Program::SwaksInOneGo, true)]
#[case::msmtp(Program::Msmtp, false)]
#[case::curl(Program::Curl, false)]
#[case::curl_going_on(Program::CurlGoingOn, true)]
#[case::smtplib(Program::Smtplib, true)]
#[case::lettre(Program::Lettre, false)]
fn one_of_three_recipients_is_refused(#[case] program: Program, #[case] goes_on: bool) {
    let scene = Scene::new(Way::Smtp, "inbound");
    let to = ["sophie@acme.example", "nobody@acme.example", "tom@acme.example"];
    let mail = odd("Ann <ann@customer.example>");
    let told = scene.send(program, ANN, &to, &mail);
    assert_eq!(told.done, goes_on, "{}", told.text);
    // The text of a reply is no part of what curl reports, but of its dialogue.
    assert!(told.text.contains("5.1.1"), "{}", told.text);
    let taken = scene.hop.taken();
    let mut reached: Vec<_> = taken.iter().flat_map(|taken| taken.to.clone()).collect();
    reached.sort();
    if goes_on {
        assert_eq!(reached, ["sophie.martin@corp.example", "tom@corp.example"]);
    } else {
        assert!(reached.is_empty(), "{reached:?}");
        assert!(!scene.daemon.log().contains("settled"));
    }
}

/// The next hop refuses one of three for now: by LMTP, only that one is to come again.
#[rstest]
#[case::lmtp(Way::Lmtp)]
#[case::socket(Way::Socket)]
fn by_lmtp_each_recipient_has_a_reply_of_its_own(#[case] way: Way) {
    let scene = Scene::new(way, "inbound");
    let away = ("tom@corp.example".to_owned(), "450 4.2.1 away".to_owned());
    scene.hop.behave(Behaviour { recipients: vec![away], ..Behaviour::default() });
    let to = ["sophie@acme.example", "nobody@acme.example", "tom@acme.example"];
    let told = scene.send(Program::Swaks, ANN, &to, &odd("Ann <ann@customer.example>"));
    assert!(told.text.contains("550 5.1.1"), "{}", told.text);
    let after_data = told.text.split(" 354 ").nth(1).unwrap();
    let replies: Vec<_> = after_data.lines().filter_map(|line| line.strip_prefix("<")?.get(3..6)).collect();
    assert_eq!(replies, ["250", "451", "221"], "sophie, tom, QUIT: {}", told.text);
    assert_eq!(scene.hop.only().to, ["sophie.martin@corp.example"]);
}

/// What each program reports of a mail that is to come again.
#[rstest]
#[case::lmtp(Way::Lmtp, Program::Smtplib)]
#[case::swaks(Way::Smtp, Program::Swaks)]
#[case::msmtp(Way::Smtp, Program::Msmtp)]
#[case::curl(Way::Smtp, Program::Curl)]
#[case::smtplib(Way::Smtp, Program::Smtplib)]
#[case::lettre(Way::Smtp, Program::Lettre)]
fn a_mail_that_the_next_hop_does_not_take_now_comes_again(#[case] way: Way, #[case] program: Program) {
    let scene = Scene::new(way, "inbound");
    scene.hop.behave(Behaviour { dot: Some("452 4.3.1 no room".into()), ..Behaviour::default() });
    let mail = odd("Ann <ann@customer.example>");
    let told = scene.send(program, ANN, &["sophie@acme.example"], &mail);
    assert!(!told.done && told.text.contains("451"), "{}", told.text);
    assert!(!told.text.contains("no room") && !told.text.contains("corp.example"), "our own words: {}", told.text);
    scene.hop.behave(Behaviour::default());
    let told = scene.send(program, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    assert!(scene.hop.only().bytes.ends_with(&mail));
}

#[rstest]
fn ten_megabytes_arrive_as_they_were_given(
    #[values(Program::Swaks, Program::Msmtp, Program::Curl, Program::Smtplib, Program::Lettre)] program: Program,
) {
    let scene = Scene::new(Way::Smtp, "inbound");
    // Now and then a line begins with a dot, or is empty.
    let lines = ["All work and no play makes Ann a dull girl", ".", "", "..as she often says these days.", ".x"];
    let mut mail = odd("Ann <ann@customer.example>");
    mail.extend(lines.iter().cycle().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).take(10 << 20));
    mail.extend_from_slice(b"\r\nend\r\n");
    let told = scene.send(program, ANN, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    assert!(scene.hop.only().bytes.ends_with(&mail), "the octets differ");
}

/// By SIZE, before a single octet of it has come; or at the final dot.
#[rstest]
#[case::curl(Program::Curl)]
#[case::smtplib(Program::Smtplib)]
#[case::swaks(Program::Swaks)]
fn a_mail_beyond_the_limit_is_refused(#[case] program: Program) {
    let hop = NextHop::start();
    let daemon = Daemon::start_with(hop.address, "[limits]\nmessage_size = \"1 KiB\"\n");
    let mail = [odd("Ann <ann@customer.example>"), crlf(&"a line of text\n".repeat(1000))].concat();
    let told = program.send(&Door::Smtp(daemon.inbound()), ANN, &["sophie@acme.example"], &mail);
    assert!(!told.done && told.text.contains("552 5.3.4"), "{}", told.text);
    assert_eq!(hop.count(), 0);
}

#[rstest]
#[case::lmtp(Way::Lmtp, Program::Swaks)]
#[case::swaks(Way::Smtp, Program::Swaks)]
#[case::msmtp(Way::Smtp, Program::Msmtp)]
#[case::curl(Way::Smtp, Program::Curl)]
#[case::smtplib(Way::Smtp, Program::Smtplib)]
#[case::lettre(Way::Smtp, Program::Lettre)]
fn a_null_reverse_path_stays_null(
    #[case] way: Way,
    #[case] program: Program,
    #[values("inbound", "outbound")] role: &str,
) {
    let scene = Scene::new(way, role);
    let mail = odd("Ann <ann@customer.example>");
    let told = scene.send(program, "", &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    if role == "outbound" {
        assert_eq!(scene.hop.only().from, "");
    } else {
        // Whoever wants no answer is no person: it is held.
        let held = scene.daemon.held("auto-generated");
        assert_eq!(held.len(), 1, "{}", scene.daemon.log());
        assert_eq!(field(&held[0], "Return-Path").unwrap(), "<>");
        assert!(held[0].ends_with(&mail));
    }
}

/// Of its domain, curl would send the A-label.
const JOERG: &str = "j\u{f6}rg@customer.example";

#[rstest]
#[case::lmtp(Way::Lmtp, Program::Smtplib)]
#[case::curl(Way::Smtp, Program::Curl)]
#[case::smtplib(Way::Smtp, Program::Smtplib)]
#[case::lettre(Way::Smtp, Program::Lettre)]
fn an_international_address_arrives_as_it_was_given(#[case] way: Way, #[case] program: Program) {
    let scene = Scene::new(way, "inbound");
    let mail = odd(&format!("J\u{f6}rg <{JOERG}>"));
    let told = scene.send(program, JOERG, &["sophie@acme.example"], &mail);
    assert!(told.done, "{}", told.text);
    let taken = scene.hop.only();
    assert_eq!(taken.from, JOERG);
    assert!(taken.bytes.ends_with(&mail));
    let scene = Scene::new(way, "outbound");
    let told = scene.send(program, "app@acme.example", &[JOERG], &odd("Sophie from Acme <sophie@acme.example>"));
    assert!(told.done, "{}", told.text);
    assert_eq!(scene.hop.only().to, [JOERG]);
}

/// They send the address, and not SMTPUTF8.
#[rstest]
#[case::swaks(Program::Swaks)]
#[case::msmtp(Program::Msmtp)]
fn a_program_without_smtputf8_is_told_what_is_missing(#[case] program: Program) {
    let scene = Scene::new(Way::Smtp, "inbound");
    let told = scene.send(program, JOERG, &["sophie@acme.example"], &odd("Ann <ann@customer.example>"));
    assert!(!told.done && told.text.contains("553 5.6.7"), "{}", told.text);
    assert_eq!(scene.hop.count(), 0);
}
