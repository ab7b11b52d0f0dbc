//! What comes back: what is sent again, to whom, and what is only held; and which threads are marked.

use rstest::rstest;

use super::plans::arrival;
use super::*;
use crate::flow::plan::Arrival;
use crate::flow::policy::Trust;
use crate::flow::rescue;
use crate::kept::Share;
use crate::mail::{
    Action, CopyId, Delivery, Edits, Evidence, Fallback, Fate, HoldReason, Kind, Plan, Rescue, ReversePath, Status,
};
use crate::people::Predecessor;
use crate::rules::{Additions, Decision, Rule, Target, When};
use crate::threads::Unavailable;

const BOUNCE: &str =
    "<>|From: MAILER-DAEMON@corp.example|Subject: Undelivered Mail|X-Failed-Recipients: sophie@corp.example";

fn delivery(recipient: Option<&str>, action: Action, status: &str) -> Delivery {
    Delivery { recipient: recipient.map(str::to_owned), action, status: Status::read(status) }
}

fn failed() -> Delivery {
    delivery(Some("sophie@corp.example"), Action::Failed, "5.1.1")
}

/// A failure at an inbox that could not be read.
fn unnamed() -> Delivery {
    delivery(None, Action::Failed, "5.1.1")
}

/// A bounce to an address, which tells of these deliveries.
fn bounce(acme: &Acme, to: &str, fields: &str, deliveries: Vec<Delivery>) -> Arrival {
    Arrival { deliveries, ..arrival(acme, to, fields) }
}

/// The return path of what was forwarded as a persona's.
fn return_of(acme: &Acme, persona: &str) -> String {
    format!("bounce+{}@replies.acme.example", acme.token(Purpose::ReturnOfForward, persona, thread(5)))
}

fn decide(acme: &Acme, arrival: &Arrival) -> Plan {
    acme.desk().plan(arrival, Ok(&Found::default())).plans.remove(0)
}

/// `fate: to`, or that it moves nothing.
fn told(plan: &Plan) -> String {
    let fate = match &plan.fate {
        Fate::Hold(reason) => reason.to_string(),
        Fate::Forward(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => plan.fate.name().to_string(),
    };
    let to = |to: &[Address]| to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    plan.rescue.as_ref().map_or_else(|| fate.clone(), |rescue| format!("{fate}: {}", to(rescue.to.first())))
}

#[rstest]
#[case(Action::Failed, "5.1.1", "bounce: tom@corp.example")]
#[case(Action::Failed, "4.4.7", "bounce: tom@corp.example")]
#[case(Action::Failed, "", "bounce: tom@corp.example")]
#[case(Action::Delayed, "4.4.1", "bounce")]
#[case(Action::Delayed, "5.0.0", "bounce")]
#[case(Action::Delivered, "2.0.0", "bounce")]
#[case(Action::Relayed, "2.0.0", "bounce")]
#[case(Action::Expanded, "2.0.0", "bounce")]
fn only_what_has_failed_for_good_moves_anything(#[case] action: Action, #[case] status: &str, #[case] expect: &str) {
    let acme = Acme::new();
    let told_of = vec![delivery(None, action, status)];
    assert_eq!(told(&decide(&acme, &bounce(&acme, &return_of(&acme, "sophie"), BOUNCE, told_of))), expect);
}

#[test]
fn a_machine_that_answers_and_a_person_who_quotes_move_nothing() {
    let acme = Acme::new();
    let to = return_of(&acme, "sophie");
    for (fields, expect) in
        [("<>|Auto-Submitted: auto-replied|Subject: away", "auto-reply"), ("Subject: Fwd: Undelivered Mail", "bounce")]
    {
        assert_eq!(told(&decide(&acme, &bounce(&acme, &to, fields, vec![failed()]))), expect, "{fields}");
    }
    assert_eq!(told(&decide(&acme, &bounce(&acme, &to, BOUNCE, Vec::new()))), "bounce", "a text that nobody can read");
    let spam = format!("{BOUNCE}|X-Spam-Flag: YES");
    assert_eq!(
        told(&decide(&acme, &bounce(&acme, &to, &spam, vec![failed()]))),
        "bounce: tom@corp.example",
        "the token is proof"
    );
}

#[test]
fn only_the_return_path_of_what_was_forwarded_tells_of_that() {
    let acme = Acme::new();
    let outbound = acme.token(Purpose::ReturnOfOutbound, "sophie", thread(1));
    for to in [format!("bounce+{outbound}@replies.acme.example"), "sophie@acme.example".into()] {
        assert_eq!(told(&decide(&acme, &bounce(&acme, &to, BOUNCE, vec![failed()]))), "bounce", "{to}");
    }
}

#[test]
fn the_fallback_is_that_of_today() {
    let mut acme = Acme::new();
    let (sophies, left, gone) = (return_of(&acme, "sophie"), return_of(&acme, "anna"), return_of(&acme, "bea"));
    let anna = Predecessor {
        name: PersonaName("anna".into()),
        successor: PersonaName("tom".into()),
        display_name: None,
        addresses: Vec::new(),
        greeted_as: Vec::new(),
    };
    acme.policy.people = std::mem::take(&mut acme.policy.people).succeeding(vec![anna]);
    let told = |to: &str| told(&decide(&acme, &bounce(&acme, to, BOUNCE, vec![unnamed()])));
    assert_eq!(told(&sophies), "bounce: tom@corp.example");
    assert_eq!(told(&left), "bounce: sophie@corp.example", "Tom has what was hers");
    assert_eq!(told(&gone), "bounce: ", "nobody: an operator");
}

#[test]
fn while_the_index_is_away_a_failure_waits_and_all_else_is_held() {
    let acme = Acme::new();
    let away = Unavailable("away".into());
    for (action, expect) in [(Action::Failed, "defer"), (Action::Delayed, "hold")] {
        let arrival = bounce(&acme, &return_of(&acme, "sophie"), BOUNCE, vec![delivery(None, action, "")]);
        let plan = acme.desk().plan(&arrival, Err(&away)).plans.remove(0);
        assert_eq!(plan.fate.name().to_string(), expect);
    }
}

/// What comes back to the return paths of a mail: of the inbox, and of whoever else is sent it.
fn what_returns(acme: &Acme, forwarded: &Plan) -> [String; 2] {
    let way = forwarded.way_back.clone().unwrap();
    [forwarded.reverse_path.clone().unwrap(), way.last].map(|path| {
        let ReversePath::Address(path) = path else { panic!("{path}") };
        let plan = decide(acme, &bounce(acme, &path.to_string(), BOUNCE, vec![unnamed()]));
        let rescue = plan.rescue.as_ref().unwrap();
        assert_eq!(rescue.copy, way.copy);
        assert_eq!(rescue.is_last, rescue.to.first().is_empty());
        told(&plan)
    })
}

#[test]
fn what_fails_at_the_fallback_goes_to_nobody_else() {
    let acme = Acme::new();
    let forwarded = decide(&acme, &arrival(&acme, "sophie@acme.example", "Subject: hi"));
    assert_eq!(what_returns(&acme, &forwarded), ["bounce: tom@corp.example", "bounce: "]);
}

#[test]
fn a_rule_that_names_a_persona_names_its_fallback() {
    let mut acme = Acme::new();
    let forward_to = |name: &str| {
        let decision = Some(Decision::ForwardTo(vec![Target::Persona(PersonaName(name.into()))]));
        Rule { name: "r".into(), when: When(Vec::new()), decision, additions: Additions::default() }
    };
    acme.policy.rules = Rules::new(vec![forward_to("tom")]);
    let forwarded = decide(&acme, &arrival(&acme, "sophie@acme.example", "Subject: hi"));
    assert_eq!(what_returns(&acme, &forwarded), ["bounce: sophie@corp.example", "bounce: "]);
}

#[test]
fn without_a_return_path_of_ours_there_is_no_way_back() {
    let mut acme = Acme::new();
    let null = decide(&acme, &arrival(&acme, "sophie@acme.example", "<>|Subject: hi"));
    assert_eq!((null.way_back, null.reverse_path), (None, Some(ReversePath::Null)));
    let held = decide(&acme, &arrival(&acme, "sophie@acme.example", "List-Id: <x>"));
    assert_eq!((held.fate, held.way_back), (Fate::Hold(HoldReason::List), None));
    acme.policy.reply_domain = None;
    let plain = decide(&acme, &arrival(&acme, "sophie@acme.example", "Subject: hi"));
    let sender = ReversePath::Address(address("ann@customer.example"));
    assert_eq!((plain.way_back, plain.reverse_path), (None, Some(sender)));
}

const ANN: &[&str] = &["ann@customer.example"];
const BOTH: &[&str] = &["ann@customer.example", "ben@customer.example"];
const LOST: &[&str] = &[];

/// Whom a report is about that comes to a persona's address, or to the return path that we signed: of a thread of one
/// customer, of several, and of one that the index has lost. `-`: nobody who could be read; nothing: no mark at all.
#[rstest]
#[case::one_is_meant(
    ANN,
    "MAILER-DAEMON@x.example",
    "ann@customer.example",
    "ann@customer.example",
    "ann@customer.example"
)]
#[case::whatever_the_server_went_on_to(
    ANN,
    "MAILER-DAEMON@x.example",
    "redirected@elsewhere.example",
    "ann@customer.example",
    "ann@customer.example"
)]
#[case::or_nobody_is_named(ANN, "MAILER-DAEMON@x.example", "", "ann@customer.example", "ann@customer.example")]
#[case::nobody_marks_another(BOTH, "MAILER-DAEMON@x.example", "ben@customer.example", "-", "ben@customer.example")]
#[case::not_even_who_is_known(BOTH, "ann@customer.example", "ben@customer.example", "-", "ben@customer.example")]
#[case::nor_in_another_name(BOTH, "ben@customer.example", "ben@customer.example", "-", "ben@customer.example")]
#[case::nobody_elses_address(BOTH, "MAILER-DAEMON@x.example", "redirected@elsewhere.example", "-", "-")]
#[case::nor_a_guess(BOTH, "MAILER-DAEMON@x.example", "", "-", "-")]
#[case::nor_who_is_not_known(LOST, "MAILER-DAEMON@x.example", "ann@customer.example", "-", "ann@customer.example")]
fn whose_mail_has_failed(
    #[case] known: &[&str],
    #[case] author: &str,
    #[case] named: &str,
    #[case] to_the_persona: &str,
    #[case] to_the_return_path: &str,
) {
    for (to, expect) in [(Door::Persona, to_the_persona), (Door::ReturnPath(1), to_the_return_path)] {
        let marks = marks(known, author, to, delivery((!named.is_empty()).then_some(named), Action::Failed, "5.1.1"));
        assert_eq!(marks, [format!("{expect} failed")], "{to:?}");
    }
}

/// A report about its own author, by its envelope sender and what the company's servers found.
#[rstest]
#[case("", "", "-")]
#[case("ann@customer.example", "", "-")]
#[case("Ben@customer.example", "", "ben@customer.example")]
#[case("", "dmarc=pass header.from=customer.example", "ben@customer.example")]
#[case("ann@customer.example", "dmarc=pass header.from=customer.example", "ben@customer.example")]
#[case("ann@customer.example", "dmarc=pass header.from=elsewhere.example", "-")]
#[case("ann@customer.example", "spf=pass smtp.mailfrom=customer.example", "-")]
#[case("ben@customer.example", "dmarc=fail header.from=customer.example", "-")]
fn an_author_marks_themselves_only_where_they_are_proved(
    #[case] sender: &str,
    #[case] found: &str,
    #[case] expect: &str,
) {
    let fields = match found {
        "" => "From: ben@customer.example".to_owned(),
        found => format!("Authentication-Results: mx.acme.example; {found}|From: ben@customer.example"),
    };
    let told = delivery(Some("ben@customer.example"), Action::Failed, "5.1.1");
    assert_eq!(marks_of(BOTH, sender, &fields, Door::Persona, told), [format!("{expect} failed")]);
}

/// Only what comes to the return path that we signed for this very thread takes a mark away.
#[rstest]
#[case(Action::Delivered)]
#[case(Action::Delayed)]
#[case(Action::Relayed)]
#[case(Action::Expanded)]
fn whoever_knows_an_id_alone_takes_no_mark_away(#[case] action: Action) {
    let told = |to| marks(ANN, "ann@customer.example", to, delivery(Some("ann@customer.example"), action, ""));
    assert_eq!(told(Door::Persona), [""; 0]);
    assert_eq!(told(Door::ReturnPath(1)), [format!("ann@customer.example {action}")]);
}

/// What only looks like it belongs to a thread marks nothing.
#[test]
fn a_guess_marks_nothing() {
    let acme = Acme::new();
    let memory = Memory::default().learned("one@acme.example", "sophie", 1).0;
    let guess = bounce(&acme, "sophie@acme.example", BOUNCE, vec![failed()]);
    assert_eq!(acme.desk().plan(&guess, Ok(&memory)).plans.remove(0).reports, []);
}

/// Where a report comes in.
#[derive(Debug, Clone, Copy)]
enum Door {
    Persona,
    /// Of the thread of that number.
    ReturnPath(u8),
}

/// The marks of a report about thread 1 of these customers: `ADDRESS ACTION`.
fn marks(known: &[&str], author: &str, door: Door, told: Delivery) -> Vec<String> {
    marks_of(known, "", &format!("From: {author}"), door, told)
}

/// The same of a report by this envelope sender, with these fields, where a server of ours is believed.
fn marks_of(known: &[&str], sender: &str, fields: &str, door: Door, told: Delivery) -> Vec<String> {
    let mut acme = Acme::new();
    let server = || "mx.acme.example".parse().unwrap();
    acme.policy.inbound.trust = Some(Trust { authserv_id: server(), servers: vec![server()] });
    let mut memory = Memory::default().learned("one@acme.example", "sophie", 1).0;
    let correspondents = known.iter().map(|name| (*name).to_owned()).collect();
    memory.threads.get_mut(&thread(1)).unwrap().correspondents = correspondents;
    let to = match door {
        Door::Persona => "sophie@acme.example".to_owned(),
        Door::ReturnPath(number) => {
            let token = acme.token(Purpose::ReturnOfOutbound, "sophie", thread(number));
            format!("bounce+{token}@replies.acme.example")
        }
    };
    let fields = format!(
        "<>|{fields}|Subject: Undelivered Mail|X-Failed-Recipients: x@y.example|In-Reply-To: <one@acme.example>"
    );
    let mut arrival = bounce(&acme, &to, &fields, vec![told]);
    if !sender.is_empty() {
        arrival.reverse_path = Some(ReversePath::Address(address(sender)));
    }
    let plan = acme.desk().plan(&arrival, Ok(&memory)).plans.remove(0);
    assert_eq!((plan.kind, plan.matched.thread), (Kind::Bounce, Some(thread(1))));
    let mark = |told: &Delivery| format!("{} {}", told.recipient.as_deref().unwrap_or("-"), told.action);
    plan.reports.iter().map(mark).collect()
}

#[test]
fn the_writer_is_nobodys_rescue() {
    let mut acme = Acme::new();
    let domain = |text: &str| text.parse().unwrap();
    acme.policy.inbound.trust =
        Some(Trust { authserv_id: domain("mx.acme.example"), servers: vec![domain("mx.acme.example")] });
    let share = Share {
        copy: CopyId([1; 8]),
        recipient: address("sophie@acme.example"),
        persona: Some(PersonaName("sophie".into())),
        evidence: Evidence::PersonaAddress,
        kind: Kind::Human,
        to: vec![address("sophie@corp.example")],
        at_last: vec![address("tom@corp.example"), address("gone@corp.example")],
        thread: None,
        edits: Edits::default(),
    };
    let fallback =
        Fallback { to: vec![address("tom@corp.example"), address("Sophie@corp.example")], at_last: Vec::new() };
    let rescue = |to: &Fallback, failed: &[Address]| Rescue {
        copy: share.copy,
        is_last: false,
        to: to.clone(),
        failed: failed.to_vec(),
        why: "failed".into(),
    };
    let left = |from: &str| {
        let fields = format!(
            "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example|From: {from}|Subject: hi"
        );
        let arrival = arrival(&acme, "sophie@acme.example", &fields);
        rescue::others(&acme.desk(), &arrival.message, &share, &rescue(&fallback, &[]))
    };
    assert_eq!(left("Ann <ann@customer.example>").to, [address("tom@corp.example")]);
    assert_eq!(left("Tom <tom@corp.example>"), Fallback::default());
    let at_last = |failed: &[Address]| {
        let message = arrival(&acme, "sophie@acme.example", "Subject: hi").message;
        rescue::others(&acme.desk(), &message, &share, &rescue(&Fallback::default(), failed))
    };
    assert_eq!(at_last(&[]).first(), [address("tom@corp.example")], "whoever has left is sent nothing");
    assert_eq!(at_last(&[address("Tom@corp.example")]), Fallback::default(), "it failed there");
}
