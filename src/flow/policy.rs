//! What the configuration asks of the flows. A transaction keeps the policy that it began with.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::mail::{Address, Domain};
use crate::message::Mime;
use crate::people::{People, PersonName};
use crate::rules::Rules;

/// Everything that decides about a message, besides the message and what is remembered.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `hostname`: our name in trace fields.
    pub hostname: Domain,
    /// `reply_domain`: every address in it is ours.
    pub reply_domain: Option<Domain>,
    /// Personas and the people behind them.
    pub people: People,
    /// `[[rule]]`, in their order.
    pub rules: Rules,
    /// `[inbound]`.
    pub inbound: Inbound,
    /// `[outbound]`.
    pub outbound: Outbound,
    /// `[stamp]`.
    pub stamp: Stamp,
    /// `matching.separators`: what divides a user from a detail in a subaddress.
    pub separators: String,
    /// `matching.window`: how long the subject of a thread is evidence.
    pub window: Duration,
    /// `limits.hops`: more Received fields than this are a loop.
    pub hops: usize,
    /// `limits.mime_parts` and `limits.mime_depth`.
    pub mime: Mime,
}

impl Policy {
    /// Postmaster and abuse of the domains that are ours alone: every domain must have them (RFC 2142
    /// §5, §2), so that the door takes mail to them, unwritten though they are.
    pub fn role_addresses(&self) -> impl Iterator<Item = Address> {
        let reply_domain = self.reply_domain.as_ref().filter(|domain| **domain != self.hostname);
        let of = |domain| ["postmaster", "abuse"].map(|role| Address::new(role, domain).ok());
        [&self.hostname].into_iter().chain(reply_domain).flat_map(of).flatten()
    }

    /// Whether an address may be a customer's: it is no person's and no persona's, and mail to it does not
    /// come to us.
    pub fn is_customer(&self, address: &Address) -> bool {
        let (user, _) = address.split_detail(&self.separators);
        let is_user = |shared: &Address| shared.folded() == user.folded();
        let is_shared = self.inbound.accept.iter().any(is_user) || self.role_addresses().any(|role| is_user(&role));
        let is_in_our_domain =
            self.reply_domain.as_ref() == Some(user.domain()) || self.inbound.aliases.contains_key(user.domain());
        !is_shared && !is_in_our_domain && !self.people.is_insider(address, &self.separators)
    }

    /// The customers among `addresses`, each once.
    pub fn customers(&self, addresses: &[Address]) -> Vec<Address> {
        let mut seen = HashSet::new();
        let customers = addresses.iter().filter(|address| self.is_customer(address));
        customers.filter(|address| seen.insert(address.folded())).cloned().collect()
    }
}

/// `[inbound]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Further recipients: shared addresses.
    pub accept: Vec<Address>,
    /// What becomes of mail to a shared address that matches nothing.
    pub unmatched: Unmatched,
    /// How long the same mail reaches an inbox only once; zero: off.
    pub collapse: Duration,
    /// Believe `X-Spam-Flag: YES`.
    pub hold_spam: bool,
    /// Domains of the mail server's own making, and the real domain that each stands for.
    pub aliases: BTreeMap<Domain, Domain>,
    /// Whose Authentication-Results are believed; `None`: nobody's.
    pub trust: Option<Trust>,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            accept: Vec::new(),
            unmatched: Unmatched::Hold,
            collapse: Duration::from_hours(24),
            hold_spam: true,
            aliases: BTreeMap::new(),
            trust: None,
        }
    }
}

/// Whose Authentication-Results fields are believed (RFC 8601 §1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// `inbound.authserv_id`: the name under which the company's server writes them.
    pub authserv_id: Domain,
    /// `inbound.servers` and our own host name: the hops that a believed field may stand above.
    pub servers: Vec<Domain>,
}

/// `inbound.unmatched`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmatched {
    /// Hold it for an operator.
    Hold,
    /// Hand it to this person.
    Person(PersonName),
}

/// `[outbound]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outbound {
    /// Mail that is from no persona.
    pub strangers: Strangers,
}

/// `outbound.strangers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strangers {
    /// Passes untouched.
    #[default]
    Relay,
    /// Is refused.
    Refuse,
}

/// `[stamp]`: how an automated message is made to remember its persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The seed, first in References.
    pub seed: bool,
    /// A signed Reply-To.
    pub reply_to: bool,
    /// A signed reverse path, so that bounces are matched with certainty; needs `reply_domain`.
    pub return_path: bool,
    /// The field of automated mail that names its campaign, which its thread remembers.
    pub campaign_header: Option<String>,
}

impl Default for Stamp {
    fn default() -> Self {
        Self { seed: true, reply_to: false, return_path: false, campaign_header: None }
    }
}
