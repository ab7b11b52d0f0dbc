//! `config/postfix/setup` and what an administrator has already.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};

use rstest::rstest;
use socket2::{Domain, Socket, Type};

use crate::company::{SOPHIE, TOM};
use crate::postfix::{Ports, Postfix, Wishes};
use crate::process;
use crate::shipped::Shipped;

/// A Postfix that has never run, with lines of the administrator's own.
struct Site {
    postfix: Postfix,
    _folder: tempfile::TempDir,
}

fn site(main: &str) -> Site {
    site_with(main, "", |_| {})
}

/// The same with more lines of the file `personas`, and other ports.
fn site_with(main: &str, personas: &'static str, choose: impl FnOnce(&mut Ports)) -> Site {
    let folder = tempfile::tempdir().unwrap();
    // Postfix has a user of its own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut ports = Ports::choose(crate::ports::free(), false, folder.path());
    choose(&mut ports);
    let reply_domain = "replies.acme.example";
    let wishes = Wishes { main: main.to_owned(), reply_domain, personas, ..Wishes::default() };
    let postfix = Postfix::configured(&folder.path().join("postfix"), ports, &[SOPHIE, TOM], &wishes);
    Site { postfix, _folder: folder }
}

impl Site {
    fn files(&self) -> [String; 2] {
        ["main.cf", "master.cf"].map(|name| fs::read_to_string(self.postfix.config.join(name)).unwrap())
    }

    fn set_up(&self) -> Output {
        process::output(&mut self.postfix.setup(), b"")
    }

    fn value(&self, name: &str) -> String {
        process::run(self.postfix.command("postconf").args(["-h", name])).trim().to_owned()
    }
}

#[test]
fn the_administrators_lists_survive_and_a_second_time_changes_nothing() {
    let site = site(
        "virtual_alias_maps = inline:{{info@acme.example = tom@corp.example}}\n\
         transport_maps = inline:{{old.example = smtp:[192.0.2.1]}},\n    inline:{{older.example = smtp:[192.0.2.2]}}\n\
         relay_domains = old.example\nsmtpd_client_restrictions = permit_mynetworks, reject_unknown_client_hostname\n\
         smtpd_recipient_restrictions = reject_non_fqdn_recipient\nrecipient_delimiter = +-\n",
    );
    let before = site.files();
    let first = site.set_up();
    assert!(first.status.success(), "{}", process::said(&first));
    assert!(process::said(&first).contains("+transport_maps = $sincerely_transport, $sincerely_replies"));
    assert_eq!(
        site.value("virtual_alias_maps"),
        "$sincerely_personas, inline:{{info@acme.example = tom@corp.example}}"
    );
    assert_eq!(
        site.value("transport_maps"),
        "$sincerely_transport, $sincerely_replies, inline:{{old.example = smtp:[192.0.2.1]}}, inline:{{older.example = smtp:[192.0.2.2]}}"
    );
    assert_eq!(site.value("relay_domains"), "$sincerely_reply_domain, old.example");
    assert_eq!(
        site.value("smtpd_client_restrictions"),
        "$sincerely_applications, permit_mynetworks, reject_unknown_client_hostname"
    );
    assert_eq!(site.value("smtpd_recipient_restrictions"), "$sincerely_recipients, reject_non_fqdn_recipient");
    assert_eq!(site.value("recipient_delimiter"), "+-");

    let after = site.files();
    let second = site.set_up();
    assert!(process::said(&second).contains("nothing to change"), "{}", process::said(&second));
    assert_eq!(site.files(), after);
    let backups: Vec<_> = fs::read_dir(site.postfix.config.join("sincerely/backup")).unwrap().collect();
    assert_eq!(backups.len(), 1);
    let kept = ["main.cf", "master.cf"]
        .map(|name| fs::read_to_string(backups[0].as_ref().unwrap().path().join(name)).unwrap());
    assert_eq!(kept, before);
    // And Postfix has nothing to complain about.
    let complaints = process::output(site.postfix.command("postconf").arg("-n"), b"").stderr;
    assert!(complaints.is_empty(), "{}", String::from_utf8_lossy(&complaints));
}

#[rstest]
#[case::delimiter("recipient_delimiter = -\n", "recipient_delimiter = -")]
#[case::filter("content_filter = smtp-amavis:[127.0.0.1]:10024\n", "content_filter = smtp-amavis")]
#[case::code("unverified_recipient_reject_code = 450\n", "unverified_recipient_reject_code")]
#[case::extensions("propagate_unmatched_extensions = canonical\n", "propagate_unmatched_extensions")]
fn a_value_in_the_way_is_told_and_nothing_changes(#[case] line: &str, #[case] told: &str) {
    let site = site(line);
    let before = site.files();
    let output = site.set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains(told) && said.contains("Nothing was changed"), "{said}");
    assert_eq!(site.files(), before);
}

/// The commands of BYPASS.md, as they stand there.
#[test]
fn what_takes_it_out_for_good_leaves_postfix_as_it_was() {
    let site = site("relay_domains = old.example\ntransport_maps = inline:{{old.example = smtp:[192.0.2.1]}}\n");
    site.postfix.run_without_ours();
    let services = || process::run(site.postfix.command("postconf").arg("-M"));
    let before = services();
    assert!(site.set_up().status.success());
    assert_ne!(services(), before);
    let document = Shipped::read("config/postfix/BYPASS.md").text();
    let section = document.split("## Taking it out for good").nth(1).unwrap();
    let commands = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    // MAIL_CONFIG stands for -c.
    process::run(Command::new("sh").args(["-ec", commands]).env("MAIL_CONFIG", &site.postfix.config));
    assert_eq!(services(), before);
    assert_eq!(site.value("relay_domains"), "old.example");
    assert_eq!(site.value("transport_maps"), "inline:{{old.example = smtp:[192.0.2.1]}}");
    let main = process::run(site.postfix.command("postconf").arg("-n"));
    assert!(!main.contains("sincerely"), "{main}");
}

#[rstest]
#[case::same("127.0.0.1:")]
#[case::brackets("[127.0.0.1]:")]
#[case::name("localhost:")]
#[case::bare("")]
fn another_service_at_our_port_is_told(#[case] host: &str) {
    let site = site("");
    let master = site.postfix.config.join("master.cf");
    let mut text = fs::read_to_string(&master).unwrap();
    text.push_str(&format!("{host}{} inet n - n - - smtpd\n", site.postfix.ports.replies));
    fs::write(&master, &text).unwrap();
    let output = site.set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains("there is another service"), "{said}");
    assert_eq!(site.files()[1], text);
}

#[rstest]
#[case::there("127.0.0.1:0")]
#[case::everywhere("0.0.0.0:0")]
#[case::everywhere_and_ipv6("[::]:0")]
fn a_port_that_something_else_has_is_told_and_nothing_changes(#[case] address: &str) {
    let other = TcpListener::bind(address).unwrap();
    let port = other.local_addr().unwrap().port();
    let site = site_with("", "", |ports| ports.automated = port);
    let before = site.files();
    let output = site.set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains(&format!("listens at port {port}")), "{said}");
    assert!(said.contains("Nothing was changed"), "{said}");
    assert_eq!(site.files(), before);
    assert!(!site.postfix.config.join("sincerely/made").exists());
}

/// A socket that is bound without SO_REUSEADDR and does not listen shows nowhere, and keeps its port.
#[test]
fn a_postfix_that_ends_of_it_runs_again_as_before() {
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    other.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = other.local_addr().unwrap().as_socket().unwrap().port();
    let site = site_with("", "", |ports| ports.automated = port);
    site.postfix.run_without_ours();
    let before = site.files();
    let output = site.set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains("it runs again"), "{said}\n{}", site.postfix.log());
    assert_eq!(site.files(), before);
    site.postfix.wait_for_its_own_ports();
}

#[test]
fn a_reader_that_has_gone_stops_nothing_half_way() {
    let site = site("");
    site.postfix.run_without_ours();
    // A pipe whose reader is gone before anything is written.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    site.postfix.setup().stdout(writer).status().unwrap();
    Postfix::wait_for(&[site.postfix.ports.replies, site.postfix.ports.automated]);
}

/// As after a run that was interrupted before Postfix was told.
#[test]
fn postfix_reads_its_files_where_nothing_is_to_change_too() {
    let site = site("");
    site.postfix.run_without_ours();
    assert!(site.set_up().status.success());
    let (master, port) = (site.postfix.config.join("master.cf"), crate::ports::free());
    let text = fs::read_to_string(&master).unwrap() + &format!("127.0.0.1:{port} inet n - n - - smtpd\n");
    fs::write(&master, text).unwrap();
    let said = process::said(&site.set_up());
    assert!(said.contains("nothing to change"), "{said}");
    Postfix::wait_for(&[port]);
}

/// Addresses that lead back, addresses that only one side knows, and a daemon that is not there.
#[test]
fn what_postfix_cannot_know_is_told() {
    let site = site_with(
        "myorigin = acme.example\nmydestination = acme.example, localhost\nalias_maps = inline:{sophie=root}\n",
        "root@acme.example tom@corp.example\n",
        |_| {},
    );
    let Ports { inbound, outbound, .. } = &site.postfix.ports;
    let _listens = UnixListener::bind(outbound).unwrap();
    let path = with_sincerely(&site);
    let said = process::said(&process::output(site.postfix.setup().env("PATH", path), b""));
    for told in [
        "WARNING: sophie@acme.example is a persona, and sophie a local user or an alias",
        "WARNING: root@acme.example is a persona, and root a local user or an alias",
        &format!("NOTE: nobody listens at unix:{inbound}"),
        "NOTE: team@acme.example is in sincerely.toml, and not in",
        "NOTE: support@acme.example is in sincerely.toml, and not in",
        "NOTE: root@acme.example is in",
    ] {
        assert!(said.contains(told), "{told:?} is not said:\n{said}");
    }
    for silent in ["WARNING: tom@", "WARNING: hello@", "NOTE: tom@", "NOTE: postmaster@", "NOTE: *@"] {
        assert!(!said.contains(silent), "{silent:?} is said:\n{said}");
    }
    assert!(!said.contains(&format!("nobody listens at unix:{outbound}")), "{said}");
}

/// What would let strangers speak as a persona, or lose mail later; and files that somebody else manages.
#[test]
fn what_would_go_wrong_later_is_told() {
    let site = site(
        "message_size_limit = 104857600\nsmtpd_delay_reject = no\nreceive_override_options = no_address_mappings\n",
    );
    let folder = &site.postfix.config;
    let (main, master) = (folder.join("main.cf"), folder.join("master.cf"));
    let managed = folder.join("managed.cf");
    fs::rename(&main, &managed).unwrap();
    std::os::unix::fs::symlink(&managed, &main).unwrap();
    fs::set_permissions(&master, fs::Permissions::from_mode(0o640)).unwrap();
    let filter =
        "spamassassin unix - n n - - pipe flags=Rq user=nobody argv=/usr/sbin/sendmail -i -f ${sender} ${recipient}";
    let scanned = "127.0.0.1:1 inet n - n - - smtpd -o content_filter=spamassassin";
    fs::write(&master, fs::read_to_string(&master).unwrap() + &format!("{filter}\n{scanned}\n")).unwrap();

    let output = site.set_up();
    let said = process::said(&output);
    assert!(output.status.success(), "{said}");
    for told in
        ["is a program (pipe)", "message_size_limit = 104857600", "smtpd_delay_reject = no", "no_address_mappings"]
    {
        assert!(said.lines().any(|line| line.starts_with("NOTE: ") && line.contains(told)), "{told:?}:\n{said}");
    }
    let filters = process::run(site.postfix.command("postconf").arg("-P"));
    assert!(!filters.contains("pickup/unix/content_filter"), "{filters}");
    assert!(fs::symlink_metadata(&main).unwrap().is_symlink() && said.contains("nobody listens"), "{said}");
    assert!(fs::read_to_string(&managed).unwrap().contains("sincerely_inbound"));
    assert_eq!(fs::metadata(&master).unwrap().permissions().mode() & 0o777, 0o640);
}

/// The reply domain's addresses are in no table of recipients.
#[test]
fn a_table_of_relay_recipients_must_know_the_reply_domain() {
    let maps = |items: &str| site(&format!("relay_recipient_maps = inline:{{{{a@old.example = x}}}}{items}\n"));
    let output = maps("").set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains("add inline:{{@replies.acme.example = x}} to it"), "{said}");
    assert!(maps(", inline:{{@replies.acme.example = x}}").set_up().status.success());
}

/// A search path on which `sincerely` reads a configuration of more than the shipped `personas`.
fn with_sincerely(site: &Site) -> String {
    let folder = site.postfix.config.join("bin");
    fs::create_dir(&folder).unwrap();
    let (script, example) =
        (folder.join("sincerely.sh"), concat!(env!("CARGO_MANIFEST_DIR"), "/examples/two-people.toml"));
    fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\" --config {example}\n", env!("CARGO_BIN_EXE_sincerely")))
        .unwrap();
    process::install(&script, &folder.join("sincerely"));
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}
