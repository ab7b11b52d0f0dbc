//! Bounces as mail systems write them, and mail that only looks like one: what is read of each.
//!
//! A line for each message of `tests/data/bounces`: to whom it could not be delivered, what became of it, the status code, and
//! the ids of what is returned. The shapes are real, people and words invented.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rstest::rstest;
use sincerely::mail::{Action, Delivery, Kind, MessageId};
use sincerely::message::{Message, Mime, kind, signals};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bounces")
}

/// The octets of a message, with CRLF.
fn octets(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.eml"));
    let octets = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = octets.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let last = lines.pop().unwrap_or_default();
    let mut whole: Vec<u8> = lines.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect();
    whole.extend(last);
    whole
}

/// `ben@customer.example failed 5.1.1; …`
fn in_words(deliveries: &[Delivery]) -> String {
    let one = |delivery: &Delivery| {
        let status = delivery.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        format!("{} {} {status}", delivery.recipient.as_deref().unwrap_or("-"), delivery.action)
    };
    deliveries.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What is read of a message: deliveries, ids, kind.
fn read(octets: Vec<u8>) -> (Vec<Delivery>, String, Kind) {
    let message = Message::read(Bytes::from(octets));
    let is_null = message.value("Return-Path").as_deref() == Some("<>");
    let mime = Mime::default();
    let deliveries = message.deliveries(is_null, mime);
    let signals = signals::collect(&message, is_null, mime, &deliveries);
    let quoted = message.quoted(mime, kind::is_of_mail_system(&signals));
    let ids = quoted.iter().map(MessageId::as_str).collect::<Vec<_>>().join(" ");
    (deliveries, ids, kind::classify(&signals, false))
}

/// A failure or a delay is a bounce, nothing but successes a report, and anything else no bounce that one could read.
fn kind_of(deliveries: &[Delivery]) -> Option<Kind> {
    let is_success = |delivery: &Delivery| !matches!(delivery.action, Action::Failed | Action::Delayed);
    let kind = if deliveries.iter().all(is_success) { Kind::Report } else { Kind::Bounce };
    (!deliveries.is_empty()).then_some(kind)
}

#[rstest]
#[case::standard("standard", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::standard_delayed(
    "standard-delayed",
    "ben@customer.example delayed 4.4.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_expired("standard-expired", "ben@customer.example failed 4.4.7", "w1@acme.example seed1@acme.example")]
#[case::standard_success(
    "standard-success",
    "ben@customer.example delivered 2.1.5; eva@customer.example relayed 2.0.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_expanded(
    "standard-expanded",
    "team@customer.example expanded 2.1.5",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_no_empty_lines(
    "standard-no-empty-lines",
    "ben@customer.example failed 5.2.1; eva@customer.example delayed 4.2.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_odd_empty_lines(
    "standard-odd-empty-lines",
    "ben@customer.example failed 5.2.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_action_first(
    "standard-action-first",
    "ben@customer.example failed 5.1.1; eva@customer.example failed 5.1.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_no_action(
    "standard-no-action",
    "ben@customer.example failed 5.1.2; eva@customer.example delayed 4.4.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_odd_action(
    "standard-odd-action",
    "ben@customer.example failed 5.2.2; eva@customer.example failed 5.3.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_unknown_is_not_failed(
    "standard-unknown-is-not-failed",
    "ben@customer.example failed 5.3.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_useless_status(
    "standard-useless-status",
    "ben@customer.example failed 5.2.2",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_status_missing(
    "standard-status-missing",
    "ben@customer.example failed 4.0.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_success_with_failure_status(
    "standard-success-with-failure-status",
    "ben@customer.example failed -",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_base64("standard-base64", "ben@customer.example failed 5.1.10", "w1@acme.example seed1@acme.example")]
#[case::standard_wrong_type(
    "standard-wrong-type",
    "ben@customer.example failed 5.1.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_international(
    "standard-international",
    "jörg@customer.example failed 5.1.1",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_cut("standard-cut", "ben@customer.example failed 5.1.1", "")]
#[case::standard_not_null("standard-not-null", "ben@icloud.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::standard_not_an_address(
    "standard-not-an-address",
    "ben@customer.example failed 5.2.2",
    "w1@acme.example seed1@acme.example"
)]
#[case::standard_address_in_text(
    "standard-address-in-text",
    "ben@customer.example failed 5.2.2",
    "w1@acme.example seed1@acme.example"
)]
#[case::status_alone("status-alone", "ben@customer.example failed 5.1.1", "")]
#[case::boundary_lost("boundary-lost", "ben@customer.example failed 5.1.1", "")]
#[case::qmail(
    "qmail",
    "ben@customer.example failed 5.1.1; eva@other.example failed 5.1.2",
    "w1@acme.example seed1@acme.example"
)]
#[case::qmail_queue("qmail-queue", "ben@customer.example failed 4.4.7", "w1@acme.example seed1@acme.example")]
#[case::yahoo("yahoo", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::exim(
    "exim",
    "ben@customer.example failed 5.7.1; eva@other.example failed 5.1.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::exim_delayed("exim-delayed", "ben@customer.example delayed 4.4.7", "")]
#[case::exim_undisclosed("exim-undisclosed", "ben@customer.example failed 4.2.2", "")]
#[case::gmx("gmx", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::zoho("zoho", "ben@customer.example failed 5.0.0", "w1@acme.example seed1@acme.example")]
#[case::postfix_text("postfix-text", "ben@customer.example failed 4.2.0", "")]
#[case::postfix_warning("postfix-warning", "ben@customer.example delayed 4.4.7", "")]
#[case::sendmail(
    "sendmail",
    "ben@customer.example failed 5.1.1; eva@other.example delayed 4.3.0",
    "w1@acme.example seed1@acme.example"
)]
#[case::sendmail_warning("sendmail-warning", "ben@customer.example delayed -", "")]
#[case::sendmail_old("sendmail-old", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::gmail("gmail", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::gmail_delayed("gmail-delayed", "ben@customer.example delayed 4.2.1", "w1@acme.example seed1@acme.example")]
#[case::google_groups("google-groups", "friends@groups.example failed -", "w1@acme.example seed1@acme.example")]
#[case::google_workspace("google-workspace", "ben@customer.example failed -", "w1@acme.example seed1@acme.example")]
#[case::aol("aol", "- failed -", "")]
#[case::exchange_2003("exchange-2003", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::exchange_names("exchange-names", "- failed -", "w1@acme.example seed1@acme.example")]
#[case::exchange_html("exchange-html", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::exchange_german("exchange-german", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::exchange_french("exchange-french", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::exchange_japanese("exchange-japanese", "ben@customer.example failed 5.1.1", "")]
#[case::domino("domino", "ben@customer.example failed 5.1.1", "")]
#[case::notes("notes", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::groupwise("groupwise", "ben@customer.example failed 5.1.1; eva@customer.example failed 4.2.2", "")]
#[case::imail("imail", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::imail_attempts("imail-attempts", "ben@customer.example failed -", "w1@acme.example seed1@acme.example")]
#[case::mailmarshal("mailmarshal", "ben@customer.example failed 5.1.1; eva@customer.example failed 5.1.1", "")]
#[case::mfilter("mfilter", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::surfcontrol("surfcontrol", "ben@customer.example failed 5.1.1", "")]
#[case::messaging_server("messaging-server", "ben@customer.example failed 5.1.1", "w1@acme.example")]
#[case::messaging_server_delayed("messaging-server-delayed", "ben@customer.example delayed -", "")]
#[case::kddi("kddi", "ben..x@ezweb.example failed 4.2.2", "")]
#[case::ezweb("ezweb", "ben@ezweb.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::docomo("docomo", "ben@docomo.example failed 5.1.1", "")]
#[case::unknown_x1("unknown-x1", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::unknown_x2("unknown-x2", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::unknown_x3("unknown-x3", "ben@customer.example failed 5.3.0; eva@customer.example failed 5.3.0", "")]
#[case::unknown_x4("unknown-x4", "ben@customer.example failed 5.7.0", "w1@acme.example seed1@acme.example")]
#[case::unknown_x6("unknown-x6", "ben@customer.example failed 5.1.1", "")]
#[case::opensmtpd("opensmtpd", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::opensmtpd_delayed("opensmtpd-delayed", "ben@customer.example delayed 4.0.0", "")]
#[case::opensmtpd_success("opensmtpd-success", "ben@customer.example delivered -", "")]
#[case::courier("courier", "ben@customer.example failed 5.1.1", "w1@acme.example seed1@acme.example")]
#[case::t_online("t-online", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::dragonfly("dragonfly", "ben@customer.example failed 5.2.2", "w1@acme.example seed1@acme.example")]
#[case::james("james", "ben@vtext.example failed 5.1.1", "")]
#[case::vzwpix("vzwpix", "5550000000@vzwpix.example failed -", "")]
#[case::mail_ru("mail-ru", "ben@customer.example failed 5.1.1", "")]
#[case::barracuda("barracuda", "ben@customer.example failed -", "")]
#[case::ses("ses", "ben@customer.example failed -", "")]
#[case::plain_polish("plain-polish", "ben@customer.example failed 5.1.1", "")]
#[case::plain_words("plain-words", "ben@customer.example failed 5.1.1", "")]
#[case::subject_alone("subject-alone", "- failed -", "")]
#[case::not_forwarded("not-forwarded", "", "")]
#[case::not_forwarded_bare("not-forwarded-bare", "", "")]
#[case::not_asked("not-asked", "", "")]
#[case::not_vacation("not-vacation", "", "")]
#[case::not_vacation_quoting("not-vacation-quoting", "", "")]
#[case::not_vacation_of_few_words("not-vacation-of-few-words", "", "")]
#[case::not_helpdesk("not-helpdesk", "", "")]
#[case::not_challenge("not-challenge", "", "")]
#[case::not_too_large("not-too-large", "", "")]
#[case::not_postmaster_in_person("not-postmaster-in-person", "", "")]
#[case::not_read("not-read", "", "w1@acme.example")]
#[case::not_a_complaint("not-a-complaint", "", "w1@acme.example seed1@acme.example")]
#[case::not_forwarded_as_attachment("not-forwarded-as-attachment", "", "")]
fn what_is_read(#[case] name: &str, #[case] expect: &str, #[case] ids: &str) {
    let (deliveries, found, kind) = read(octets(name));
    assert_eq!(in_words(&deliveries), expect, "{name}");
    assert_eq!(found, ids, "{name}");
    match kind_of(&deliveries) {
        Some(expect) => assert_eq!(kind, expect, "{name}"),
        None => assert_ne!(kind, Kind::Bounce, "{name}"),
    }
}

#[test]
fn every_message_of_the_folder_is_in_a_case() {
    let source = include_str!("bounces.rs");
    let names: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().strip_suffix(".eml").map(str::to_owned))
        .collect();
    assert!(names.len() >= 40, "{}", names.len());
    let silent: Vec<_> = names.iter().filter(|name| !source.contains(&format!("\"{name}\""))).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

/// A relay may cut a message anywhere: mail that is no bounce never becomes one, and no report of a success or of a delay becomes one
/// of a failure by the loss of its end alone.
#[test]
fn what_is_cut_tells_nothing_else() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().to_str().unwrap().to_owned();
        let Some(name) = name.strip_suffix(".eml") else { continue };
        let whole = octets(name);
        let failures: BTreeSet<_> = failed(&read(whole.clone()).0);
        for end in (0..whole.len()).step_by(13) {
            let cut = read(whole[..end].to_vec()).0;
            if name.starts_with("not-") {
                assert_eq!(in_words(&cut), "", "{name} cut at {end}");
            }
            if failures.is_empty() && name.starts_with("standard") {
                assert!(failed(&cut).is_empty(), "{name} cut at {end}: {}", in_words(&cut));
            }
        }
    }
}

fn failed(deliveries: &[Delivery]) -> BTreeSet<Option<String>> {
    deliveries.iter().filter(|delivery| delivery.is_failure()).map(|delivery| delivery.recipient.clone()).collect()
}
