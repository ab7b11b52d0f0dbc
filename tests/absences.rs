//! People are away, and come back: who gets the mail, what the commands say, and what a person's own notice does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Behaviour, Client, Daemon, NextHop, crlf, wait_until};

const UTE: &str = "[people.ute]\ninbox = \"ute@corp.example\"\n";
const TEAM: &str = "[personas.team]\naddress = \"team@acme.example\"\nanswered_by = [\"sophie\", \"tom\", \"ute\"]\n";
const SOPHIES: &str = "sophie.martin@corp.example";

/// A daemon, the next hop, and how much of what it took was looked at.
struct Office {
    daemon: Daemon,
    hop: NextHop,
    seen: usize,
    mails: usize,
}

impl Office {
    fn open(top: &str, more: &str) -> Self {
        let hop = NextHop::start();
        let text = support::daemon::configuration(hop.address, &format!("{UTE}{TEAM}{more}"));
        let inbox = format!("inbox = \"{SOPHIES}\"\n");
        // What is trusted of her is below [people.sophie].
        let trust = if more.contains("authserv_id") { "trust_out_of_office = true\n" } else { "" };
        let text = text.replacen(&inbox, &format!("{inbox}{trust}"), 1);
        let daemon = Daemon::start_as(&format!("{top}\n{text}"), support::daemon::binary);
        Self { daemon, hop, seen: 0, mails: 0 }
    }

    /// Who gets a mail of Ann's to an address.
    fn who_gets(&mut self, to: &str, fields: &str) -> Vec<String> {
        self.mails += 1;
        let mail = format!(
            "From: Ann <ann@customer.example>\nMessage-ID: <{}@customer.example>\n{fields}\n\nHello\n",
            self.mails
        );
        let reply = self.send("ann@customer.example", to, &mail);
        assert!(reply.starts_with("250"), "{reply}");
        let taken = self.hop.taken().split_off(self.seen);
        self.seen += taken.len();
        taken.into_iter().flat_map(|taken| taken.to).collect()
    }

    fn send(&self, from: &str, to: &str, mail: &str) -> String {
        Client::connect(self.daemon.inbound()).send(from, &[to], &crlf(mail)).unwrap()
    }

    /// The return path of the last mail that was handed on.
    fn return_path(&self) -> String {
        self.hop.taken().last().unwrap().from.clone()
    }

    fn say(&self, arguments: &[&str]) -> String {
        said(&self.daemon.command(arguments))
    }
}

/// What a command that succeeded has said.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a command has complained of, and its exit code.
fn complained(output: &Output) -> (String, Option<i32>) {
    (String::from_utf8(output.stderr.clone()).unwrap(), output.status.code())
}

/// A day so many days from today, in the system's zone.
fn day(days: i64) -> String {
    let today = sincerely::clock::now().to_zoned(jiff::tz::TimeZone::system()).date();
    (today + jiff::Span::new().days(days)).to_string()
}

#[test]
fn tom_stands_in_until_sophie_is_back_and_a_restart_changes_nothing() {
    let mut office = Office::open("", "");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    let told = office.say(&["away", "sophie", "--until", &day(9), "--to", "tom"]);
    assert_eq!(told, format!("sophie is away until {}. tom stands in (tom@corp.example).", day(9)));
    let answer = "In-Reply-To: <1@customer.example>";
    assert_eq!(office.who_gets("sophie@acme.example", answer), ["tom@corp.example"]);
    assert_eq!(office.who_gets("sophie@acme.example", answer), ["tom@corp.example"]);
    wait_until("it is of the same thread", || {
        let log = office.daemon.log();
        let thread = |line: &str| line.split("thread=").nth(1).map(|rest| rest.split(' ').next().unwrap().to_owned());
        let threads: Vec<_> = log.lines().filter(|line| line.contains("fate=forward")).map(thread).collect();
        threads.len() == 3 && threads.iter().all(|thread| thread.is_some() && *thread == threads[0])
    });

    office.daemon.kill();
    office.daemon.restart();
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["tom@corp.example"]);
    let listed = office.say(&["away"]);
    assert!(listed.starts_with("AWAY FROM UNTIL STANDS IN SAID BY sophie"), "{listed}");
    assert!(listed.ends_with(&format!("{} tom command", day(9))), "{listed}");
    let json: Value = serde_json::from_str(&office.say(&["away", "--json"])).unwrap();
    assert_eq!(
        (&json["person"], &json["stands_in"][0], &json["is_now"]),
        (&"sophie".into(), &"tom".into(), &true.into())
    );

    let told = office.say(&["back", "sophie"]);
    assert!(told.starts_with("sophie is back. Ended is what the command said: away until"), "{told}");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    assert_eq!(office.say(&["away"]), "nobody is away, or will be");
    assert_eq!(office.say(&["back", "sophie"]), "sophie is not away.");
}

#[test]
fn chains_are_followed_circles_end_at_her_own_inbox_and_pools_step_in() {
    let mut office = Office::open("", "");
    office.say(&["away", "sophie", "--to", "tom"]);
    let told = office.say(&["away", "tom", "--to", "ute", "--until", "2 weeks"]);
    assert!(told.contains("ute stands in (ute@corp.example)."), "{told}");
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["ute@corp.example"]);
    let told = office.say(&["away", "sophie", "--to", "tom"]);
    assert!(
        told.contains("until `sincerely back`. tom is away too, until ") && told.contains("; ute stands in"),
        "{told}"
    );

    let output = office.daemon.command(&["away", "tom", "--to", "sophie"]);
    let told = said(&output);
    assert!(
        told.contains("it leads back. Mail of the persona team goes to ute. Nobody stands in for the persona tom"),
        "{told}"
    );
    assert!(complained(&output).0.contains("warning: nobody who is there stands in"), "{output:?}");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    assert_eq!(office.who_gets("team@acme.example", ""), ["ute@corp.example"], "whoever is there");

    let told = office.say(&["away", "ute"]);
    assert!(told.contains("Nobody stands in for the persona team: its mail goes to ute's own inbox."), "{told}");
    assert_eq!(office.who_gets("team@acme.example", "").len(), 1, "nothing is lost");
    assert_eq!(office.say(&["away", "--json"]).matches("{\"person\"").count(), 3);
}

#[test]
fn dates_of_the_configuration_count_and_back_ends_them() {
    let more = format!(
        "[[people.sophie.away]]\nfrom = {}\nuntil = {}\nto = \"tom\"\n[[people.sophie.away]]\nfrom = {}\nto = \"ute\"\n\
         [[people.tom.away]]\nfrom = {}\nuntil = {}\n",
        day(-3),
        day(3),
        day(20),
        day(-9),
        day(0)
    );
    let mut office = Office::open("", &more);
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["tom@corp.example"], "Tom came back today");
    let checked = office.say(&["check"]);
    let row = |days: i64, until: &str, rest: &str| format!("sophie {} {until} {rest} configuration", day(days));
    assert!(checked.contains(&row(-3, &day(3), "tom")) && checked.contains(&row(20, "open", "ute")), "{checked}");
    let told = office.say(&["back", "sophie"]);
    assert!(told.contains("Ended is what the configuration said"), "{told}");
    assert!(
        told.ends_with(&format!("sophie will be away from {} until `sincerely back`, by the configuration.", day(20))),
        "{told}"
    );
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    office.daemon.terminate();
    office.daemon.restart();
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES], "it is remembered");
}

#[test]
fn without_a_daemon_the_file_is_written_and_explain_reads_it() {
    let mut office = Office::open("", "");
    assert_eq!(office.daemon.terminate(), Some(0));
    assert_eq!(complained(&office.daemon.command(&["status"])).1, Some(69), "no daemon runs");
    office.say(&["away", "sophie", "--to", "tom", "--until", &day(5)]);
    let told = office.say(&["away", "tom", "--from", &day(2), "--until", "3 days", "--to", "ute"]);
    assert!(told.starts_with(&format!("tom will be away from {} until {}.", day(2), day(5))), "{told}");
    let file = office.daemon.folder.path().join("mail.eml");
    std::fs::write(&file, "From: ann@customer.example\nTo: sophie@acme.example\n\nhi\n").unwrap();
    let file = file.to_str().unwrap();
    let json: Value = serde_json::from_str(&office.say(&["explain", "--json", file])).unwrap();
    assert_eq!((&json["person"], &json["stands_in_for"]), (&"tom".into(), &"sophie".into()));
    assert_eq!(json["absent"]["person"], "sophie");
    let text = office.say(&["explain", file]);
    assert!(text.contains(&format!("away sophie is away until {}; tom stands in", day(5))), "{text}");
    let status = office.daemon.command(&["status", "--json"]);
    let json: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (status.status.code(), &json["daemon"], json["away"].as_array().unwrap().len()),
        (Some(69), &Value::Null, 2)
    );

    office.daemon.restart();
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["tom@corp.example"]);
    let explained = office.say(&["explain", file]);
    assert!(explained.contains("tom stands in"), "{explained}");
}

#[test]
fn what_cannot_be_said_is_refused_and_a_broken_file_is_set_aside() {
    let mut office = Office::open("", "[people.anna]\nsucceeded_by = \"tom\"\n");
    let anna = "anna has left, and tom has what was theirs: type `sincerely";
    for (arguments, words, code) in [
        (&["away", "anna"][..], &format!("{anna} away tom`")[..], 64),
        (&["away", "sophie", "--to", "anna"], &format!("{anna} away sophie --to tom`"), 64),
        (&["away", "tom", "--to", "anna"], &format!("{anna} away tom`"), 64),
        (&["back", "anna"], &format!("{anna} back tom`"), 64),
        (
            &["away", "sofie"],
            "there is no person \"sofie\"; did you mean \"sophie\"? (there are: sophie, tom, ute)",
            67,
        ),
        (&["back", "nobody"], "there is no person \"nobody\"", 67),
        (&["away", "sophie", "--to", "tim"], "did you mean \"tom\"?", 67),
        (&["away", "sophie", "--to", "sophie"], "sophie cannot stand in for sophie", 64),
        (&["away", "sophie", "--until", "2020-01-01"], "--until is past", 64),
        (&["away", "sophie", "--until", "soon"], "expected a day such as", 64),
        (&["away", "--to", "tom"], "PERSON", 64),
    ] {
        let (told, found) = complained(&office.daemon.command(arguments));
        assert!(told.contains(words) && found == Some(code), "{arguments:?}: {found:?} {told}");
    }
    office.daemon.terminate();
    std::fs::write(office.daemon.state().join("absences.toml"), "[sophie\n").unwrap();
    let (told, code) = complained(&office.daemon.command(&["away", "sophie"]));
    assert!(told.contains("absences.toml:1: ") && code == Some(65), "{code:?} {told}");
    let (told, code) = complained(&office.daemon.command(&["check"]));
    assert!(told.contains("absences.toml:1: ") && told.contains("nobody is away") && code == Some(0), "{told}");
    let output = office.daemon.command(&["status"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("absences.toml:1: ") && told.contains("mend it") && !told.contains("\\n"), "{told}");
    let stay = |person: &str| format!("[[{person}.away]]\nfrom = \"2026-01-01T00:00:00Z\"\nto = \"tim\"\n");
    std::fs::write(office.daemon.state().join("absences.toml"), stay("sofie")).unwrap();
    for (told, _) in [complained(&office.daemon.command(&["check"])), {
        let output = office.daemon.command(&["status"]);
        (String::from_utf8(output.stdout).unwrap(), None)
    }] {
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in ["\"sofie\"; did you mean \"sophie\"?", "\"tim\"; did you mean \"tom\"?"] {
            assert!(told.contains(&format!("absences.toml: there is no person {name}")), "{told}");
        }
    }
    std::fs::write(office.daemon.state().join("absences.toml"), "[sophie\n").unwrap();
    office.daemon.restart();
    assert!(office.daemon.log().contains("set aside as absences.broken"));
    assert!(office.daemon.state().join("absences.broken").exists());
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    let status = office.say(&["status"]);
    assert!(status.contains("who is away could not be read, and was set aside as absences.broken"), "{status}");
    assert!(status.contains("absences.broken: could not be read"), "{status}");
    assert!(complained(&office.daemon.command(&["check"])).0.contains("absences.broken: could not be read"));
    office.say(&["away", "sophie", "--to", "tom"]);
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["tom@corp.example"]);
}

#[test]
fn a_daemon_that_was_not_restarted_promises_nothing_of_whom_it_does_not_know() {
    let mut office = Office::open("", "");
    let file = office.daemon.folder.path().join("sincerely.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let new = "[people.new]\ninbox = \"new@corp.example\"\n";
    let stay = format!("[[people.sophie.away]]\nfrom = {}\nto = \"tom\"\n", day(-1));
    std::fs::write(&file, format!("{before}{new}{stay}")).unwrap();
    for arguments in [&["away", "sophie", "--to", "new"][..], &["away", "new"], &["back", "new"]] {
        let (told, code) = complained(&office.daemon.command(arguments));
        assert!(told.contains("knows no person \"new\"") && told.contains("Restart it"), "{told}");
        assert_eq!(code, Some(67), "{arguments:?}");
    }
    assert!(!office.daemon.state().join("absences.toml").exists(), "nothing was written");
    assert_eq!(office.say(&["away"]), "nobody is away, or will be", "it is what the daemon does");
    assert!(office.say(&["status"]).contains("away nobody"));
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    office.daemon.terminate();
    office.daemon.restart();
    assert!(office.say(&["away", "sophie", "--to", "new"]).contains("new stands in (new@corp.example)."));
    office.seen = office.hop.count();
    assert_eq!(office.who_gets("sophie@acme.example", ""), ["new@corp.example"]);
}

#[test]
fn what_gives_way_to_a_new_absence_is_told_and_a_length_counts_from_its_beginning() {
    let office = Office::open("", "");
    office.say(&["away", "sophie", "--from", &day(20), "--until", &day(40), "--to", "tom"]);
    let told = office.say(&["away", "sophie", "--from", &day(30), "--until", "1 day", "--to", "ute"]);
    assert_eq!(
        told,
        format!(
            "sophie will be away from {} until {}. ute stands in (ute@corp.example). It takes the place of an absence \
             from {} until {}, with tom standing in.",
            day(30),
            day(31),
            day(20),
            day(40)
        )
    );
    let output = office.daemon.command(&["away", "sophie", "--from", &day(30), "--json"]);
    assert!(complained(&output).0.starts_with("It takes the place of an absence from"), "{output:?}");
    let told = office.say(&["away", "tom", "--from", &day(1)]);
    assert!(!told.contains("It takes the place"), "{told}");
}

/// What Sophie's responder says to a return path.
fn notice(fields: &str, text: &str) -> String {
    format!(
        "{fields}From: Sophie Martin <{SOPHIES}>\nSubject: Out of office: hi\nAuto-Submitted: auto-replied\n\
         Message-ID: <{}@corp.example>\n\n{text}\n",
        text.len()
    )
}

#[test]
fn her_own_notice_is_held_shown_and_never_sent_on() {
    let mut office = Office::open("reply_domain = \"replies.acme.example\"", "");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    let back = office.return_path();
    assert!(back.starts_with("bounce+") && back.ends_with("@replies.acme.example"), "{back}");
    let reply = office.send("", &back, &notice("", &format!("I am away until {}.", day(7))));
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!((office.hop.count(), office.daemon.held("auto-reply").len()), (1, 1));
    let status = office.say(&["status"]);
    assert!(status.contains(&format!("until {}: Out of office: hi", day(7))), "{status}");
    assert!(status.contains("away nobody") && status.contains("held # auto-reply 1, the oldest of"), "{status}");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES], "it is only shown");
    assert!(
        status.contains("next hop + smtp 127.0.0.1:") && status.contains("errors none since the start"),
        "{status}"
    );
    assert!(status.contains("listeners + inbound 127.0.0.1:") && status.contains("index + answers"), "{status}");

    // Tom knows the return path of his own mail: what he says is nothing about her.
    assert_eq!(office.who_gets("tom@acme.example", ""), ["tom@corp.example"]);
    let toms = office.return_path();
    assert!(office.send("", &toms, &notice("", &format!("I am away until {}, forged.", day(9)))).starts_with("250"));
    let told = office.say(&["status"]);
    assert!(told.contains(&format!("until {}: Out of office", day(7))) && !told.contains(&day(9)), "{told}");

    // What a customer's machine says is nothing about ours.
    let back = office.return_path();
    let strangers = notice("", "Away.").replace(SOPHIES, "ann@customer.example");
    assert!(office.send("", &back, &strangers).starts_with("250"));
    let json: Value = serde_json::from_str(&office.say(&["status", "--json"])).unwrap();
    assert_eq!(json["notices"].as_array().unwrap().len(), 1);
    assert_eq!((&json["notices"][0]["person"], &json["held"][0]["messages"]), (&"sophie".into(), &3.into()));
}

#[test]
fn a_notice_that_is_trusted_sets_her_away_until_she_is_back() {
    let trust = "[inbound]\nauthserv_id = \"mx.acme.example\"\n";
    let mut office = Office::open("reply_domain = \"replies.acme.example\"", trust);
    let of_team = |office: &mut Office, round: &str| {
        // Of so many customers, some are Sophie's.
        (0..8)
            .map(|number| {
                let mail = format!("From: c{number}@customer.example\nSubject: {round}\n\nHello\n");
                let reply = office.send(&format!("c{number}@customer.example"), "team@acme.example", &mail);
                assert!(reply.starts_with("250"), "{reply}");
                let taken = office.hop.taken().split_off(office.seen);
                office.seen += taken.len();
                taken[0].to[0].clone()
            })
            .collect::<Vec<_>>()
    };
    assert!(of_team(&mut office, "first").contains(&SOPHIES.to_owned()));
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES]);
    let back = office.return_path();
    let forged = "Authentication-Results: mx.acme.example; dmarc=fail header.from=corp.example\n";
    let text = format!("Zurück am {}", day(7));
    assert!(office.send("", &back, &notice(forged, &text)).starts_with("250"));
    assert_eq!(office.say(&["away"]), "nobody is away, or will be", "somebody else may have written it");
    // She knows her own return paths, and Tom his own, which name his copies alone.
    assert_eq!(office.who_gets("tom@acme.example", ""), ["tom@corp.example"]);
    let toms = office.return_path();
    assert!(office.send("", &toms, &notice("", &text)).starts_with("250"));
    assert_eq!(office.say(&["away"]), "nobody is away, or will be", "Tom may have written it");
    assert!(office.send("", &back, &notice("", &text)).starts_with("250"));
    let listed = office.say(&["away"]);
    assert!(listed.ends_with(&format!("{} tom, ute notice", day(7))), "{listed}");
    office.seen = office.hop.count();
    assert!(!of_team(&mut office, "second").contains(&SOPHIES.to_owned()), "the others step in");
    assert_eq!(office.who_gets("sophie@acme.example", ""), [SOPHIES], "nobody else answers for her own persona");

    let told = office.say(&["back", "sophie"]);
    assert!(told.contains("Ended is what the person's own notice said"), "{told}");
    assert_eq!(office.say(&["away"]), "nobody is away, or will be");
    assert!(office.send("", &back, &notice("", &format!("{text}."))).starts_with("250"));
    assert!(office.say(&["away"]).contains("notice"), "a newer one counts");
}

#[test]
fn a_mail_that_comes_again_reaches_nobody_a_second_time_whoever_comes_or_goes() {
    let Office { daemon, hop, mut seen, .. } = Office::open("", "");
    let both = ["sophie@acme.example", "tom@acme.example"];
    let mut try_both = |subject: &str, toms: Option<&str>| {
        let recipients = toms.map(|reply| ("tom@".into(), reply.into())).into_iter().collect();
        hop.behave(Behaviour { recipients, ..Behaviour::default() });
        let mail = crlf(&format!("From: ann@customer.example\nMessage-ID: <{subject}@customer.example>\n\nHello\n"));
        let reply = Client::connect(daemon.inbound()).send("ann@customer.example", &both, &mail).unwrap();
        let taken = hop.taken().split_off(seen);
        seen += taken.len();
        (reply[..3].to_owned(), taken.into_iter().flat_map(|taken| taken.to).collect::<Vec<_>>())
    };
    let (later, toms) = (Some("451 4.3.0 later"), vec!["tom@corp.example".to_owned()]);
    assert_eq!(try_both("goes", later), ("451".into(), vec![SOPHIES.to_owned()]));
    said(&daemon.command(&["away", "sophie", "--to", "ute"]));
    assert_eq!(try_both("goes", None), ("250".into(), toms.clone()));
    assert_eq!(try_both("comes", later), ("451".into(), vec!["ute@corp.example".to_owned()]));
    said(&daemon.command(&["back", "sophie"]));
    assert_eq!(try_both("comes", None), ("250".into(), toms));
}
