//! `config/postfix/setup` and what an administrator has already.

use std::fs;
use std::process::Output;

use rstest::rstest;

use crate::company::{SOPHIE, TOM};
use crate::postfix::{Ports, Postfix, Wishes};
use crate::process;

/// A Postfix that has never run, with lines of the administrator's own.
struct Site {
    postfix: Postfix,
    _folder: tempfile::TempDir,
}

fn site(main: &str) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::choose(crate::ports::free(), false, folder.path());
    let wishes = Wishes { main: main.to_owned(), reply_domain: "replies.acme.example", ..Wishes::default() };
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

#[test]
fn another_service_at_our_port_is_told() {
    let site = site("");
    let master = site.postfix.config.join("master.cf");
    let mut text = fs::read_to_string(&master).unwrap();
    text.push_str(&format!("127.0.0.1:{} inet n - n - - smtpd\n", site.postfix.ports.replies));
    fs::write(&master, &text).unwrap();
    let output = site.set_up();
    let said = process::said(&output);
    assert!(!output.status.success() && said.contains("there is another service"), "{said}");
    assert_eq!(site.files()[1], text);
}
