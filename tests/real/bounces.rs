//! Bounces and delay warnings of automated mail, as real servers write them: held, in the thread of the mail that failed.

use serde_json::Value;

use crate::company::{Company, SOPHIE, TOM};
use crate::elsewhere::postfix::User;
use crate::elsewhere::world::{Setting, World, came_back, settled};
use crate::server::Server;
use crate::support::{Daemon, wait_until};

/// Whom the Unix machine refuses at the door. It warns after a second.
const AT_THE_DOOR: &str = "smtpd_client_restrictions = check_recipient_access inline:{ \
    {refused@unix.example = 550 5.1.1 Nobody of that name} {gone@smtpd.example = 550 5.1.1 Nobody of that name} \
    {slow@smtpd.example = 450 4.2.0 The mailbox is locked} }\n\
    delay_warning_time = 1s\n";

/// What it takes and cannot deliver, for good or for now.
const TROUBLED: &[User] = &[
    User { name: "full", files: &[(".forward", "\"|echo 5.2.2 The mailbox is full; exit 69\"\n")] },
    User { name: "slow", files: &[(".forward", "\"|echo 4.2.0 The mailbox is locked; exit 75\"\n")] },
];

/// Whom mail cannot reach, or not yet, and what is told of it. Of the first, the company's own Postfix knows nobody of
/// that name; of the second, the next server says so at once; the others are found out later. Exim and
/// OpenSMTPD say why in their texts alone.
const NOBODY: [(&str, &str, &str); 10] = [
    ("gone@customer.example", "failed", "5.1.1"),
    ("refused@unix.example", "failed", "5.1.1"),
    ("full@exim.example", "failed", "5.0.0"),
    ("full@unix.example", "failed", "5.2.2"),
    ("gone@exim.example", "failed", "5.0.0"),
    ("gone@smtpd.example", "failed", "5.0.0"),
    ("gone@unix.example", "failed", "5.1.1"),
    ("slow@exim.example", "delayed", "4.0.0"),
    ("slow@smtpd.example", "delayed", "4.0.0"),
    ("slow@unix.example", "delayed", "4.2.0"),
];

/// Sophie's address as the sender: the thread is known by the mail that comes back. Exim names it in References.
#[test]
fn what_comes_back_to_sophie_is_held_in_its_thread() {
    what_comes_back_is_held("", "", |to| if to.ends_with("@exim.example") { "seed" } else { "quoted-id" });
}

#[test]
fn what_comes_back_to_our_return_path_is_held_in_its_thread() {
    let daemon = "[stamp]\nreturn_path = true\n";
    what_comes_back_is_held("replies.acme.example", daemon, |_| "recipient-token");
}

fn what_comes_back_is_held(reply_domain: &'static str, daemon: &'static str, evidence: impl Fn(&str) -> &'static str) {
    let unix = AT_THE_DOOR.to_owned();
    let setting = Setting { reply_domain, daemon, unix, users: TROUBLED, opensmtpd: true, ..Setting::default() };
    let world = World::start(&setting);
    for (customer, ..) in NOBODY {
        world.welcome(customer);
    }
    let Company { daemon, mailboxes, postfix, .. } = &world.company;
    wait_until("all is back", || {
        // Exim and OpenSMTPD warn when they try again.
        world.exim.flush();
        world.opensmtpd.as_ref().unwrap().flush();
        settled(daemon).len() >= 2 * NOBODY.len()
    });
    postfix.wait_for_empty_queue();
    let mut expected = NOBODY.map(|(to, ..)| [to, evidence(to), "bounce", "hold"].map(str::to_owned));
    expected.sort();
    assert_eq!(came_back(daemon), expected, "each once");
    let mut told = NOBODY.map(|(to, action, status)| [to, action, status].map(str::to_owned)).to_vec();
    told.sort();
    assert_eq!(reported(daemon), told);
    let failed = NOBODY.into_iter().filter(|(_, action, _)| *action == "failed");
    let mut failed: Vec<_> =
        failed.map(|(to, _, status)| [to.to_owned(), status.to_owned(), thread_of(daemon, to)]).collect();
    failed.sort();
    assert_eq!(marked(daemon), failed);
    assert!(mailboxes.inbox(SOPHIE).is_empty() && mailboxes.inbox(TOM).is_empty(), "nobody is troubled");
}

/// The thread of the mail that went out to somebody.
fn thread_of(daemon: &Daemon, to: &str) -> String {
    settled(daemon).into_iter().find(|line| line["to"] == to).map(|line| line["thread"].clone()).unwrap()
}

/// The recipients of mail that is marked as failed, with the status codes and the threads.
fn marked(daemon: &Daemon) -> Vec<[String; 3]> {
    let stats = daemon.command(&["threads", "stats", "--bounced", "--json"]);
    values(&stats.stdout, |line| vec![line], ["recipient", "status", "thread"])
}

/// Values of the objects in lines of JSON, sorted.
fn values(lines: &[u8], objects: impl Fn(Value) -> Vec<Value>, names: [&'static str; 3]) -> Vec<[String; 3]> {
    let lines = String::from_utf8_lossy(lines).into_owned();
    let objects = lines.lines().flat_map(|line| objects(serde_json::from_str(line).unwrap()));
    let told = |object: Value| names.map(|name| object[name].as_str().unwrap_or_default().to_owned());
    let mut told: Vec<_> = objects.map(told).collect();
    told.sort();
    told
}

/// What the held bounces tell, as `explain` reads it: the recipient, what became of the mail, and the status code.
fn reported(daemon: &Daemon) -> Vec<[String; 3]> {
    let held = std::fs::read_dir(daemon.state().join("held/bounce/new")).unwrap();
    let files: Vec<_> = held.map(|entry| entry.unwrap().path().display().to_string()).collect();
    let arguments =
        ["explain", "--json", "--to", "sophie@acme.example"].into_iter().chain(files.iter().map(String::as_str));
    let explained = daemon.command(&arguments.collect::<Vec<_>>());
    values(&explained.stdout, |line| line["reported"].as_array().unwrap().clone(), ["recipient", "action", "status"])
}
