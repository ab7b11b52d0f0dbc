//! What becomes of a message for one recipient, as far as a configuration decides it: values that can be
//! compared. What is new for every message, as the id in a return path, is not among them.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::{Display, VariantArray};

use crate::cli::judge::{Judge, Judged};
use crate::mail::{Address, Edits, Fate, FateName, Plan, Reply, ReversePath};

/// What can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Display, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Aspect {
    /// The fate; with the reason, where it is held.
    Fate,
    /// The inboxes that it is handed on to.
    Destination,
    /// Where it goes when an inbox refuses it.
    Fallback,
    /// Whom it is for.
    Persona,
    /// Who answers.
    Person,
    /// Why it belongs to that persona.
    Evidence,
    /// The thread.
    Thread,
    /// What it is.
    Kind,
    /// The rule that decides.
    Rule,
    /// The rules before it that add something.
    Continued,
    /// Who gets a copy.
    Copies,
    /// What is changed in its header section.
    Edits,
    /// The reverse path that it is handed on with, without a token.
    ReversePath,
    /// The persona whose thread an insider's mail joins.
    Learns,
    /// The reply.
    Reply,
}

/// All that is to be compared; what does not apply is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    /// The fate; `None` where there is no recipient of ours.
    pub(super) fate: Option<FateName>,
    said: BTreeMap<Aspect, String>,
}

impl Outcome {
    /// For a recipient, by the real address.
    pub(super) fn new(judge: &Judge<'_>, judged: &Judged, to: &Address) -> Self {
        let refused = judged.refused.iter().find(|(refused, _)| refused == to).map(|(_, reply)| reply);
        match judged.planned.plans.iter().find(|plan| plan.recipient == *to) {
            Some(plan) if judged.door.is_none() => Self::planned(judge, plan),
            Some(_) | None => Self::refused(refused.or(judged.door.as_ref())),
        }
    }

    /// Without a recipient.
    pub(super) fn of_nobody(judged: &Judged) -> Self {
        Self::refused(judged.door.as_ref())
    }

    fn refused(reply: Option<&Reply>) -> Self {
        let Some(reply) = reply else { return Self::default() };
        let said = [(Aspect::Fate, FateName::Reject.to_string()), (Aspect::Reply, reply.to_string())];
        Self { fate: Some(FateName::Reject), said: said.into() }
    }

    fn planned(judge: &Judge<'_>, plan: &Plan) -> Self {
        let facts = [
            (Aspect::Fate, Some(fate(&plan.fate))),
            (Aspect::Destination, several(destinations(&plan.fate))),
            (Aspect::Fallback, several(fallbacks(plan))),
            (Aspect::Persona, plan.matched.persona.as_ref().map(ToString::to_string)),
            (Aspect::Person, plan.person.as_ref().map(ToString::to_string)),
            (Aspect::Evidence, Some(plan.matched.evidence.to_string())),
            (Aspect::Thread, plan.matched.thread.as_ref().map(ToString::to_string)),
            (Aspect::Kind, Some(plan.kind.to_string())),
            (Aspect::Rule, Some(plan.rule.clone())),
            (Aspect::Continued, several(plan.continued.clone())),
            (Aspect::Copies, several(plan.copies.iter().map(ToString::to_string))),
            (Aspect::Edits, several(edits(&plan.edits))),
            (Aspect::ReversePath, plan.reverse_path.as_ref().map(|path| without_token(judge, path))),
            (Aspect::Learns, plan.lesson.as_ref().map(|lesson| format!("{} of {}", lesson.message_id, lesson.persona))),
            (Aspect::Reply, Some(reply(&plan.fate))),
        ];
        let said = facts.into_iter().filter_map(|(aspect, text)| Some((aspect, text?))).collect();
        Self { fate: Some(plan.fate.name()), said }
    }

    /// What is said about an aspect.
    pub(super) fn said(&self, aspect: Aspect) -> Option<&str> {
        self.said.get(&aspect).map(String::as_str)
    }
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Hold(reason) => format!("{}/{reason}", fate.name()),
        Fate::Forward(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => fate.name().to_string(),
    }
}

/// What the peer is told, without the words that are the same for all mail that is taken.
fn reply(fate: &Fate) -> String {
    match fate {
        Fate::Reject(reply) | Fate::Defer(reply) => reply.to_string(),
        Fate::Forward(_) | Fate::Hold(_) | Fate::Discard => "250 2.0.0".to_owned(),
    }
}

fn destinations(fate: &Fate) -> Vec<String> {
    match fate {
        Fate::Forward(to) => to.iter().map(|to| to.address.to_string()).collect(),
        Fate::Hold(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => Vec::new(),
    }
}

/// Of what is handed on, or of what a bounce says has failed.
fn fallbacks(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> =
        plan.rescue.iter().flat_map(|rescue| rescue.to.first()).map(ToString::to_string).collect();
    if let Fate::Forward(to) = &plan.fate {
        for address in to.iter().flat_map(|to| to.fallback.first()).map(ToString::to_string) {
            if !all.contains(&address) {
                all.push(address);
            }
        }
    }
    all
}

fn edits(edits: &Edits) -> Vec<String> {
    let new = edits.append.iter().map(|field| format!("{}: {}", field.name, field.value.trim()));
    let before = edits.insert_before_value.iter();
    new.chain(before.map(|field| format!("{} before the {}", field.value.trim(), field.name))).collect()
}

/// A return path of ours has a token that is new for every message.
fn without_token(judge: &Judge<'_>, path: &ReversePath) -> String {
    let policy = &judge.config.policy;
    match path {
        ReversePath::Address(address) if policy.reply_domain.as_ref() == Some(address.domain()) => {
            let (user, detail) = address.split_detail(&policy.separators);
            if detail.is_some() { format!("{user}, with a token") } else { user.to_string() }
        }
        ReversePath::Address(_) | ReversePath::Null => path.to_string(),
    }
}

fn several(texts: impl IntoIterator<Item = String>) -> Option<String> {
    let all = texts.into_iter().collect::<Vec<_>>().join(", ");
    (!all.is_empty()).then_some(all)
}
