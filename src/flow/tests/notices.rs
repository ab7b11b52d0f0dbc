//! Whose vacation notice a mail is, and what it proves: by its kind, its author, the copy that it answers, and what our
//! own servers found.

use rstest::rstest;

use super::plans::arrival;
use super::*;
use crate::flow::policy::Trust;
use crate::mail::CopyId;
use crate::people::Leaver;

const AWAY: &str = "Subject: Out of office|Auto-Submitted: auto-replied";

/// Acme, which believes its own servers; Anna left, and Tom has what was hers. Sophie and Tom both read `desk@`.
fn acme() -> Acme {
    let mut acme = Acme::new();
    let authserv_id: crate::mail::Domain = "mx.acme.example".parse().unwrap();
    acme.policy.inbound.trust = Some(Trust { servers: vec![authserv_id.clone()], authserv_id });
    let people = std::mem::take(&mut acme.policy.people);
    let with_desk = people.people().cloned().map(|mut person| {
        person.inboxes.push(address("desk@corp.example"));
        person
    });
    let anna = Person { name: PersonName("anna".into()), inboxes: vec![address("anna@corp.example")] };
    let left = Leaver { person: anna, successor: PersonName("tom".into()) };
    let all = People::new(with_desk.collect(), people.personas().cloned().collect());
    acme.policy.people = all.handing_over(vec![left]);
    acme
}

/// `whose proved`, or `-`: a notice to the return path of what was handed to these inboxes.
fn told(acme: &Acme, fields: &str, handed_to: &str) -> String {
    let to = format!("bounce+{}@replies.acme.example", acme.token(Purpose::ReturnOfForward, "sophie", thread(5)));
    let handed_to: Vec<Address> = handed_to.split_whitespace().map(address).collect();
    let (desk, arrival) = (acme.desk(), arrival(acme, &to, fields));
    let plans = desk.plan(&arrival, Ok(&Found::default())).plans;
    let Some(copy) = desk.answered(&arrival, &plans) else { return "-".into() };
    assert_eq!(copy, CopyId(thread(5).0));
    let told = desk.notice(&arrival, &handed_to, &jiff::tz::TimeZone::UTC);
    told.map_or("-".into(), |(person, notice)| format!("{person} {}", if notice.proved { "proved" } else { "noted" }))
}

/// Who wrote it, and whom the copy was handed to.
#[rstest]
#[case("sophie@corp.example", "sophie@corp.example", "sophie proved")]
#[case("Sophie+away@corp.example", "sophie@corp.example", "sophie proved")]
#[case("sophie@corp.example", "tom@corp.example", "-")]
#[case("sophie@corp.example", "sophie@corp.example tom@corp.example", "sophie noted")]
#[case("sophie@corp.example", "sophie@corp.example lists@corp.example", "sophie noted")]
#[case("sophie@corp.example", "sophie@corp.example desk@corp.example", "sophie noted")]
#[case("sophie@corp.example", "desk@corp.example", "sophie noted")]
#[case("desk@corp.example", "desk@corp.example", "-")]
#[case("sophie@corp.example", "", "-")]
// Another name at the same place.
#[case("sophie.martin@corp.example", "sophie@corp.example", "sophie noted")]
#[case("sophie.martin@corp.example", "tom@corp.example", "tom noted")]
#[case("sophie.martin@corp.example", "sophie@corp.example tom@corp.example", "-")]
#[case("sophie@acme.example", "sophie@corp.example", "sophie noted")]
#[case("hello+x@acme.example", "sophie@corp.example", "sophie noted")]
#[case("tom@acme.example", "sophie@corp.example", "-")]
// Others.
#[case("tom@corp.example", "sophie@corp.example", "-")]
#[case("anna@corp.example", "tom@corp.example", "-")]
#[case("anna@corp.example", "anna@corp.example", "-")]
#[case("sophie@elsewhere.example", "sophie@corp.example", "-")]
#[case("ann@customer.example", "sophie@corp.example", "-")]
#[case("lists@corp.example", "lists@corp.example", "-")]
fn an_author_and_those_who_were_handed_the_mail(#[case] from: &str, #[case] handed_to: &str, #[case] expected: &str) {
    let fields = format!("<>|From: {from}|{AWAY}");
    assert_eq!(told(&acme(), &fields, handed_to), expected);
}

/// Only a machine's answer is one, and only where nobody says that somebody else wrote it.
#[rstest]
#[case(AWAY, "sophie proved")]
#[case(
    "Subject: Out of office|Auto-Submitted: auto-replied|Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example",
    "sophie proved"
)]
#[case(
    "Subject: Out of office|Auto-Submitted: auto-replied|Authentication-Results: mx.acme.example; dmarc=none header.from=corp.example",
    "sophie proved"
)]
#[case(
    "Subject: Out of office|Auto-Submitted: auto-replied|Authentication-Results: mx.acme.example; dmarc=fail header.from=corp.example",
    "-"
)]
#[case(
    "Subject: Out of office|Auto-Submitted: auto-replied|Authentication-Results: mx.evil.example; dmarc=fail header.from=corp.example",
    "sophie proved"
)]
#[case("Subject: hi", "-")]
#[case("Subject: Undelivered Mail Returned to Sender|Content-Type: multipart/report; report-type=delivery-status", "-")]
#[case("Subject: news|List-Id: <news.corp.example>", "-")]
#[case("Subject: report|Auto-Submitted: auto-generated", "-")]
#[case("From: tom@corp.example|Subject: Out of office|Auto-Submitted: auto-replied", "-")]
fn a_kind_and_what_our_servers_found(#[case] fields: &str, #[case] expected: &str) {
    let results = fields.split('|').filter(|field| field.starts_with("Authentication-Results"));
    let others = fields.split('|').filter(|field| !field.starts_with("Authentication-Results"));
    let ordered: Vec<&str> = results.chain(["From: sophie@corp.example"]).chain(others).collect();
    assert_eq!(told(&acme(), &format!("<>|{}", ordered.join("|")), "sophie@corp.example"), expected);
}

/// Only the return path of what went to an inbox names a copy of which that is known.
#[test]
fn other_tokens_answer_nothing() {
    let acme = acme();
    let token = |purpose, persona: PersonaTag| Token { purpose, persona, id: thread(5).0 }.seal(&acme.keys);
    let (sophie, desk) = (PersonaTag::of(&PersonaName("sophie".into())), acme.desk());
    let answered = |local: String| {
        let arrival = arrival(&acme, &local, &format!("<>|From: sophie@corp.example|{AWAY}"));
        desk.answered(&arrival, &desk.plan(&arrival, Ok(&Found::default())).plans)
    };
    let bounce = |token: String| format!("bounce+{token}@replies.acme.example");
    assert_eq!(answered(bounce(token(Purpose::ReturnOfForward, sophie))), Some(CopyId(thread(5).0)));
    assert_eq!(answered(bounce(token(Purpose::ReturnOfForward, PersonaTag::NOBODY))), None, "a fallback, or a copy");
    assert_eq!(answered(bounce(token(Purpose::ReturnOfOutbound, sophie))), None);
    assert_eq!(answered("sophie@acme.example".into()), None);
}

/// Whatever a notice proves: it sets away whoever is trusted, and nobody else.
#[rstest]
#[case(true, true, true)]
#[case(true, false, false)]
#[case(false, true, false)]
#[case(false, false, false)]
fn trust_and_proof_set_away_together(#[case] trusted: bool, #[case] proved: bool, #[case] is_away: bool) {
    let mut acme = acme();
    let sophie = PersonName("sophie".into());
    let mut planned = crate::people::absence::Planned::default();
    planned.trusted.extend(trusted.then(|| sophie.clone()));
    acme.policy.people = std::mem::take(&mut acme.policy.people).with_absences(planned);
    let to = format!("bounce+{}@replies.acme.example", acme.token(Purpose::ReturnOfForward, "sophie", thread(5)));
    let arrival = arrival(&acme, &to, &format!("<>|From: sophie@corp.example|{AWAY}"));
    let handed_to = [address("sophie@corp.example"), address("tom@corp.example")];
    let handed_to = if proved { &handed_to[..1] } else { &handed_to };
    let (name, notice) = acme.desk().notice(&arrival, handed_to, &jiff::tz::TimeZone::UTC).unwrap();
    acme.absences.note(&name, notice);
    assert_eq!(acme.desk().presence().away(&sophie).is_some(), is_away);
}
