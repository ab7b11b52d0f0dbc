//! The rehearsal: every `[[test]]` of a configuration, judged as live mail is, with an empty memory and a
//! key that nobody else has.

use std::collections::BTreeSet;
use std::fmt;

use crate::clock;
use crate::config::{Config, Expected, Test};
use crate::flow::policy::Policy;
use crate::mail::{Address, Fate, FateName, Plan, Reply};
use crate::message::Message;
use crate::people::Person;
use crate::rules::Target;
use crate::signing::Keys;
use crate::threads::Found;

use super::judge::{Judge, Judged};
use super::{input, shown};

/// What came out otherwise than a test expects.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    /// The test.
    pub(super) test: &'a Test,
    line: usize,
    key: String,
    why: String,
}

impl fmt::Display for Failure<'_> {
    /// `FILE:LINE: test.expect.rule: expected "x", got "y"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", shown(&self.test.file), self.line, self.key, self.why)
    }
}

/// Tries every test; what failed.
///
/// # Errors
/// When the system gives no random octets for a key.
pub(super) fn run(config: &Config) -> anyhow::Result<Vec<Failure<'_>>> {
    let keys = Keys::generate()?;
    let judge = Judge { config, keys: &keys, now: clock::now() };
    Ok(config.tests.iter().flat_map(|test| try_one(&judge, test)).collect())
}

fn try_one<'a>(judge: &Judge<'_>, test: &'a Test) -> Vec<Failure<'a>> {
    let about_mail = |why: String| vec![Failure { test, line: test.line, key: "test.mail".into(), why }];
    // Two are enough to know that it is not one.
    let messages = match input::open(&test.mail, input::Reading::of_one(judge.config.limits.message_size))
        .take(2)
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(messages) => messages,
        Err(error) => return about_mail(format!("{} cannot be read: {error}", shown(&test.mail))),
    };
    let message = match messages.as_slice() {
        [message] => message,
        [] => return about_mail(format!("{} is empty", shown(&test.mail))),
        [_, ..] => return about_mail(format!("{} holds more than one message", shown(&test.mail))),
    };
    let to = std::slice::from_ref(&test.to);
    let mail = Message::read(message.bytes.clone());
    let judge = Judge { now: test.at.unwrap_or(judge.now), ..*judge };
    let judged = judge.inbound(mail, to, test.from.as_ref(), |_| Ok(Found::default()));
    let came_out = CameOut::of(&judged);
    let failed = test.expect.iter().filter_map(|expectation| {
        let (expected, got) = came_out.differs(&expectation.what, &judge.config.policy)?;
        let why = format!("expected {expected:?}, got {got:?}");
        Some(Failure { test, line: expectation.line, key: format!("test.expect.{}", expectation.key), why })
    });
    failed.collect()
}

/// What came out for the one recipient: a plan, unless the door refuses; and the reply.
struct CameOut<'a> {
    plan: Option<&'a Plan>,
    reply: Option<&'a Reply>,
}

impl<'a> CameOut<'a> {
    fn of(judged: &'a Judged) -> Self {
        let refused = judged.refused.first().map(|(_, reply)| reply).or(judged.door.as_ref());
        let plan = judged.planned.plans.first().filter(|_| refused.is_none());
        let of_plan = plan.and_then(|plan| match &plan.fate {
            Fate::Reject(reply) | Fate::Defer(reply) => Some(reply),
            Fate::Forward(_) | Fate::Hold(_) | Fate::Discard => None,
        });
        Self { plan, reply: refused.or(of_plan) }
    }

    /// What was expected and what came out instead, as text; `None` where they are the same.
    fn differs(&self, expected: &Expected, policy: &Policy) -> Option<(String, String)> {
        let plan = |value: fn(&Plan) -> String| self.plan.map_or_else(nothing, value);
        let matched = self.plan.map(|plan| &plan.matched);
        let (expected, got) = match expected {
            Expected::ForwardTo(targets) => return self.goes_elsewhere(targets, policy),
            Expected::Fate(fate) => {
                let got = self.plan.map_or(FateName::Reject, |plan| plan.fate.name());
                (fate.to_string(), got.to_string())
            }
            Expected::Rule(rule) => (rule.clone(), plan(|plan| plan.rule.clone())),
            Expected::Kind(kind) => (kind.to_string(), plan(|plan| plan.kind.to_string())),
            Expected::Evidence(evidence) => (evidence.to_string(), plan(|plan| plan.matched.evidence.to_string())),
            Expected::Persona(name) => {
                let got = matched.and_then(|matched| matched.persona.as_ref());
                (name.to_string(), got.map_or_else(nothing, ToString::to_string))
            }
            Expected::Person(name) => {
                let got = self.plan.and_then(|plan| plan.person.as_ref());
                (name.to_string(), got.map_or_else(nothing, ToString::to_string))
            }
            Expected::Hold(reason) => (reason.to_string(), plan(held)),
            Expected::Reply(code) => (code.to_string(), self.reply.map_or(250, |reply| reply.code).to_string()),
        };
        (expected != got).then_some((expected, got))
    }

    /// All targets, and nobody else, must be reached; of a pool anybody.
    fn goes_elsewhere(&self, targets: &[Target], policy: &Policy) -> Option<(String, String)> {
        let to = self.plan.map(destinations).unwrap_or_default();
        let mut open: BTreeSet<String> = to.iter().cloned().collect();
        let mut wanted = Vec::new();
        let mut are_reached = true;
        for target in targets {
            let ways = inboxes(target, policy);
            let taken = ways.iter().find(|way| way.iter().all(|inbox| to.contains(&inbox.folded())));
            are_reached &= taken.is_some();
            taken.into_iter().flatten().for_each(|inbox| {
                open.remove(&inbox.folded());
            });
            wanted.push(ways.iter().map(|way| listed(way)).collect::<Vec<_>>().join(" or "));
        }
        let got = if to.is_empty() { nothing() } else { to.join(", ") };
        (!are_reached || !open.is_empty()).then(|| (wanted.join(", "), got))
    }
}

fn destinations(plan: &Plan) -> Vec<String> {
    match &plan.fate {
        Fate::Forward(to) => to.iter().map(|to| to.address.folded()).collect(),
        Fate::Hold(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => Vec::new(),
    }
}

/// The inboxes of a target; of a persona, those of each of its people.
fn inboxes(target: &Target, policy: &Policy) -> Vec<Vec<Address>> {
    let people = &policy.people;
    let of = |person: &Person| person.inboxes.clone();
    match target {
        Target::Address(address) => vec![vec![address.clone()]],
        Target::Person(name) => people.person(name).map(of).into_iter().collect(),
        Target::Persona(name) => {
            let names = people.persona(name).into_iter().flat_map(|persona| &persona.answered_by);
            names.filter_map(|name| people.person(name)).map(of).collect()
        }
    }
}

fn held(plan: &Plan) -> String {
    match &plan.fate {
        Fate::Hold(reason) => reason.to_string(),
        Fate::Forward(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => nothing(),
    }
}

fn listed(addresses: &[Address]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn nothing() -> String {
    "nothing".to_owned()
}
