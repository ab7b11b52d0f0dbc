//! What would loop, or could never work: addresses at which our own mail would come back to us.

use super::document::KeyPath;
use super::people::key_of_address;
use super::problems::Report;
use crate::flow::policy::Policy;
use crate::mail::Address;
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
            persona_address(address, &key_of_address(&persona.name, index), policy, report);
        }
    }
    for (index, address) in policy.inbound.accept.iter().enumerate() {
        if let (user, Some(_)) = address.split_detail(&policy.separators) {
            let at = KeyPath::from(["inbound", "accept"]).item(index);
            report.mistake(&at, format!("{address} is a subaddress of {user}; leave the detail out"));
        }
    }
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
    if let Some(ours) = ours(address, policy) {
        report.mistake(at, format!("{address} {ours}: mail to it would come back; expected a personal inbox"));
    }
}

/// Why mail to the address comes to us.
fn ours(address: &Address, policy: &Policy) -> Option<String> {
    let (user, _) = address.split_detail(&policy.separators);
    if Some(user.domain()) == policy.reply_domain.as_ref() {
        return Some("is inside reply_domain".into());
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
