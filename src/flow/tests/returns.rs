//! What comes back: what is sent again, to whom, and what is only held; and which threads are marked.

use rstest::rstest;

use super::plans::arrival;
use super::*;
use crate::flow::plan::Arrival;
use crate::flow::rescue;
use crate::kept::Share;
use crate::mail::{
    Action, CopyId, Delivery, Edits, Evidence, Fallback, Fate, HoldReason, Kind, Plan, ReversePath, Status,
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

/// Of one customer, of several, and of a thread that the index has lost.
#[rstest]
#[case(&["ann@customer.example"], Some("ann@customer.example"), Some("ann@customer.example"))]
#[case(&["ann@customer.example"], Some("redirected@elsewhere.example"), Some("ann@customer.example"))]
#[case(&["ann@customer.example"], None, Some("ann@customer.example"))]
#[case(&["ann@customer.example", "ben@customer.example"], Some("ben@customer.example"), Some("ben@customer.example"))]
#[case(&["ann@customer.example", "ben@customer.example"], Some("redirected@elsewhere.example"), None)]
#[case(&["ann@customer.example", "ben@customer.example"], None, None)]
#[case(&[], Some("ann@customer.example"), Some("ann@customer.example"))]
fn a_bounce_marks_the_thread_of_what_failed(
    #[case] known: &[&str],
    #[case] named: Option<&str>,
    #[case] expect: Option<&str>,
) {
    let acme = Acme::new();
    let mut memory = Memory::default().learned("one@acme.example", "sophie", 1).0;
    let correspondents = known.iter().map(|name| (*name).to_owned()).collect();
    memory.threads.get_mut(&thread(1)).unwrap().correspondents = correspondents;
    let fields = format!("{BOUNCE}|In-Reply-To: <one@acme.example>");
    let arrival = bounce(&acme, "sophie@acme.example", &fields, vec![delivery(named, Action::Failed, "5.1.1")]);
    let plan = acme.desk().plan(&arrival, Ok(&memory)).plans.remove(0);
    assert_eq!((plan.kind, plan.matched.thread), (Kind::Bounce, Some(thread(1))));
    assert_eq!(plan.reports, [delivery(expect, Action::Failed, "5.1.1")]);
    // What only looks like it belongs there marks nothing.
    let guess = bounce(&acme, "sophie@acme.example", BOUNCE, vec![failed()]);
    assert_eq!(acme.desk().plan(&guess, Ok(&memory)).plans.remove(0).reports, []);
}

#[test]
fn the_writer_is_nobodys_rescue() {
    let mut acme = Acme::new();
    let domain = |text: &str| text.parse().unwrap();
    acme.policy.inbound.trust = Some(crate::flow::policy::Trust {
        authserv_id: domain("mx.acme.example"),
        servers: vec![domain("mx.acme.example")],
    });
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
    let left = |from: &str| {
        let fields = format!(
            "Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example|From: {from}|Subject: hi"
        );
        let arrival = arrival(&acme, "sophie@acme.example", &fields);
        rescue::others(&acme.desk(), &arrival.message, &share, &fallback)
    };
    assert_eq!(left("Ann <ann@customer.example>").to, [address("tom@corp.example")]);
    assert_eq!(left("Tom <tom@corp.example>"), Fallback::default());
    let only_at_last = rescue::others(
        &acme.desk(),
        &arrival(&acme, "sophie@acme.example", "Subject: hi").message,
        &share,
        &Fallback::default(),
    );
    assert_eq!(only_at_last.first(), [address("tom@corp.example")], "whoever has left is sent nothing");
}
