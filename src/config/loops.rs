//! What would loop, or could never work: addresses at which our own mail would come back to us.

use super::document::KeyPath;
use super::people::key_of_its_address;
use super::problems::Report;
use crate::flow::policy::Policy;
use crate::mail::{Address, Domain};
use crate::people::Persona;

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;
/// Octets of a signed token in an address.
const TOKEN: usize = 40;

/// Looks at every address where mail arrives or is sent to.
pub(super) fn check(policy: &Policy, report: &mut Report<'_>) {
    for person in policy.people.people() {
        let at = KeyPath::from(["people", person.name.0.as_str(), "inbox"]);
        for (index, inbox) in person.inboxes.iter().enumerate() {
            comes_back(inbox, &at.item(index), policy, report);
        }
    }
    for persona in policy.people.personas() {
        fallback_comes_back(persona, policy, report);
        for (index, address) in persona.addresses.iter().enumerate() {
            persona_address(address, &key_of_its_address(&policy.people, persona, index), policy, report);
        }
    }
    for (index, address) in policy.inbound.accept.iter().enumerate() {
        if let (user, Some(_)) = address.split_detail(&policy.separators) {
            let at = KeyPath::from(["inbound", "accept"]).item(index);
            report.mistake(&at, format!("{address} is a subaddress of {user}; leave the detail out"));
        }
    }
    internal_domains(policy, report);
}

/// Mail for an internal domain becomes mail for a real one that is ours, in one step.
fn internal_domains(policy: &Policy, report: &mut Report<'_>) {
    let aliases = &policy.inbound.aliases;
    for (internal, real) in aliases {
        let at = KeyPath::from(["inbound", "aliases", internal.as_str()]);
        if let Some(use_) = real_use(internal, policy) {
            report.mistake(
                &at,
                format!("{internal} {use_}; an internal domain is the mail server's own and serves nothing else"),
            );
        }
        if aliases.contains_key(real) {
            report.mistake(&at, format!("{real} is an internal domain itself; name the real domain"));
        } else if !is_served(real, policy) {
            report.mistake(&at, format!("{real} is the domain of no persona and of nothing in inbound.accept"));
        }
    }
}

/// What a domain is already used for.
fn real_use(domain: &Domain, policy: &Policy) -> Option<&'static str> {
    if is_served(domain, policy) {
        Some("is the domain of a persona, or in inbound.accept")
    } else if policy.reply_domain.as_ref() == Some(domain) {
        Some("is reply_domain")
    } else {
        (policy.hostname == *domain).then_some("is hostname")
    }
}

/// Whether a persona or a shared address lives in the domain.
fn is_served(domain: &Domain, policy: &Policy) -> bool {
    let personas = policy.people.personas().flat_map(|persona| &persona.addresses);
    personas.chain(&policy.inbound.accept).any(|address| address.domain() == domain)
}

/// A fallback that is a person or persona leads to inboxes, and those are checked where they stand.
fn fallback_comes_back(persona: &Persona, policy: &Policy, report: &mut Report<'_>) {
    let is_inbox = |address: &Address| policy.people.people().any(|person| person.inboxes.contains(address));
    let at = KeyPath::from(["personas", persona.name.0.as_str(), "fallback"]);
    persona.fallback.iter().filter(|address| !is_inbox(address)).for_each(|address| {
        comes_back(address, &at, policy, report);
    });
}

pub(super) fn comes_back(address: &Address, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    let Some(ours) = ours(address, policy) else { return };
    if is_told_apart(address, policy) {
        let message = "mail to it comes back unless the mail server leaves what we hand it as it is, and rewrites only what comes in to the internal domain";
        report.warn(at, format!("{address} {ours}: {message}"));
    } else {
        report.mistake(at, format!("{address} {ours}: mail to it would come back; expected a personal inbox"));
    }
}

/// Whether the mail server can tell a persona from the mailbox of the same name: mail to the persona
/// reaches us under an internal domain, so the address itself is free for the mailbox.
fn is_told_apart(address: &Address, policy: &Policy) -> bool {
    let is_rewritten = policy.inbound.aliases.values().any(|real| real == address.domain());
    is_rewritten && !policy.people.personas_at(address).is_empty()
}

/// Why mail to the address comes to us.
fn ours(address: &Address, policy: &Policy) -> Option<String> {
    let (user, _) = address.split_detail(&policy.separators);
    if Some(user.domain()) == policy.reply_domain.as_ref() {
        return Some("is inside reply_domain".into());
    }
    if policy.inbound.aliases.contains_key(user.domain()) {
        return Some(format!("is inside the internal domain {}", user.domain()));
    }
    if let Some(persona) = policy.people.personas_at(&user).first() {
        return Some(format!("is an address of persona {persona}"));
    }
    let is_user = |address: &Address| address.folded() == user.folded();
    if policy.inbound.accept.iter().any(is_user) {
        return Some("is in inbound.accept".into());
    }
    policy.role_addresses().any(|role| is_user(&role)).then(|| "is accepted for hostname".into())
}

fn persona_address(address: &Address, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    if Some(address.domain()) == policy.reply_domain.as_ref() {
        report.mistake(at, format!("{address} is inside reply_domain, where every address is the daemon's own"));
    }
    let stamped = address.local().len() + 1 + TOKEN;
    if policy.stamp.reply_to && stamped > LONGEST_LOCAL_PART {
        let longest = LONGEST_LOCAL_PART - TOKEN - 1;
        let message = format!("too long for stamp.reply_to: before the @ of {address} may stand {longest} octets");
        report.mistake(at, message);
    }
}
