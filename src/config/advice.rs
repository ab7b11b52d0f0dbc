//! Warnings: a configuration that is right, but perhaps not what was meant.

use std::collections::BTreeSet;

use super::document::KeyPath;
use super::problems::Report;
use super::{Config, absences};
use crate::flow::policy::{Policy, Unmatched};
use crate::mail::{Address, Domain};
use crate::people::{Person, Persona};

/// RFC 5321 §4.5.3.1.8: what every server must take.
const LEAST_RECIPIENTS: usize = 100;

/// Everything worth a second look.
pub(super) fn give(config: &Config, report: &mut Report<'_>) {
    let policy = &config.policy;
    inboxes_outside_the_company(policy, report);
    sending_as_the_persona(policy, report);
    people_without_a_part(policy, report);
    fallbacks_that_are_none(policy, report);
    shared_addresses(policy, report);
    tight_limits(config, report);
    absences::give_advice(config, report);
    if !policy.hostname.as_str().contains('.') {
        report.warn(&["hostname"].into(), "is not fully qualified; some mail servers refuse such a greeting");
    }
}

/// A forwarded mail keeps the customer's reverse path unless `reply_domain` gives it one of ours.
fn inboxes_outside_the_company(policy: &Policy, report: &mut Report<'_>) {
    if policy.reply_domain.is_some() {
        return;
    }
    let company = company_domains(policy);
    for person in policy.people.people() {
        let at = KeyPath::from(["people", person.name.0.as_str(), "inbox"]);
        for (index, inbox) in person.inboxes.iter().enumerate() {
            if !company.iter().any(|domain| is_within(inbox.domain(), domain)) {
                report.warn(&at.item(index), outside(inbox));
            }
        }
    }
}

/// The same for an address that a rule sends mail to.
pub(super) fn address_outside_the_company(address: &Address, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    let is_ours = company_domains(policy).iter().any(|domain| is_within(address.domain(), domain));
    if policy.reply_domain.is_none() && !is_ours {
        report.warn(at, outside(address));
    }
}

fn outside(inbox: &Address) -> String {
    format!(
        "{inbox} is outside the domains of the personas: its server may refuse forwarded mail (SPF), \
         and customers see its bounces; set reply_domain"
    )
}

/// The domains of the personas and the one that the host is in.
fn company_domains(policy: &Policy) -> BTreeSet<&str> {
    let personas = policy.people.personas().flat_map(|persona| &persona.addresses);
    let parent = policy.hostname.as_str().split_once('.').map(|(_, parent)| parent).filter(|name| name.contains('.'));
    personas.map(|address| address.domain().as_str()).chain(parent).collect()
}

fn is_within(domain: &Domain, outer: &str) -> bool {
    domain.as_str().strip_suffix(outer).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// An inbox is never a persona's address (that would loop), so everybody who answers must be told.
fn sending_as_the_persona(policy: &Policy, report: &mut Report<'_>) {
    let duty = |person: &Person| {
        let answers = |persona: &&Persona| persona.answered_by.contains(&person.name);
        let personas = policy.people.personas().filter(answers);
        let addresses = personas.filter_map(|persona| persona.addresses.first()).map(ToString::to_string);
        let addresses = addresses.collect::<Vec<_>>();
        (!addresses.is_empty()).then(|| format!("{} as {}", person.name, addresses.join(" and ")))
    };
    let duties = policy.people.people().filter_map(duty).collect::<Vec<_>>();
    if !duties.is_empty() {
        let message = format!(
            "answering from a personal inbox shows the customer its address, unless the mail program sends as the persona: {}",
            duties.join(", ")
        );
        report.warn(&["people"].into(), message);
    }
}

fn people_without_a_part(policy: &Policy, report: &mut Report<'_>) {
    let has_a_part = |person: &Person| {
        let takes_part = |persona: &Persona| {
            persona.answered_by.contains(&person.name)
                || persona.fallback.iter().any(|address| person.inboxes.contains(address))
        };
        policy.rules.name_person(&person.name)
            || absences::stands_in(&person.name, &policy.people)
            || policy.people.personas().any(takes_part)
            || policy.inbound.unmatched == Unmatched::Person(person.name.clone())
    };
    for person in policy.people.people().filter(|person| !has_a_part(person)) {
        let at = KeyPath::from(["people", person.name.0.as_str()]);
        report.warn(
            &at,
            "answers for no persona, is nobody's fallback, stands in for nobody, and no rule names this person",
        );
    }
}

fn fallbacks_that_are_none(policy: &Policy, report: &mut Report<'_>) {
    for persona in policy.people.personas().filter(|persona| !persona.fallback.is_empty()) {
        let people = persona.answered_by.iter().filter_map(|name| policy.people.person(name));
        let is_inbox_of_all = |address: &Address| people.clone().all(|person| person.inboxes.contains(address));
        if persona.fallback.iter().all(is_inbox_of_all) {
            let at = KeyPath::from(["personas", persona.name.0.as_str(), "fallback"]);
            report.warn(&at, "leads to the inbox that has just refused");
        }
    }
}

fn shared_addresses(policy: &Policy, report: &mut Report<'_>) {
    let key = KeyPath::from(["inbound", "accept"]);
    for (index, address) in policy.inbound.accept.iter().enumerate() {
        if let Some(persona) = policy.people.personas_at(address).first() {
            report.warn(&key.item(index), format!("{address} is an address of persona {persona} already"));
        }
        if Some(address.domain()) == policy.reply_domain.as_ref() {
            report.warn(&key.item(index), format!("{address} is inside reply_domain: anyone may write to it"));
        }
    }
}

fn tight_limits(config: &Config, report: &mut Report<'_>) {
    if config.limits.recipients < LEAST_RECIPIENTS {
        report.warn(&["limits", "recipients"].into(), format!("RFC 5321 asks for {LEAST_RECIPIENTS} at least"));
    }
}
