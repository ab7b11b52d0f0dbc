//! All rules together: those that never match or are never asked, addresses at which mail would come back,
//! and what deserves a second look.

use crate::config::document::KeyPath;
use crate::config::problems::Report;
use crate::config::{Config, advice, loops};
use crate::flow::policy::Policy;
use crate::mail::{Address, Evidence};
use crate::rules::{Bound, Condition, Content, Decision, Pattern, Rule, Target, When, Window};

use super::doubts;
use super::order::Order;

/// Why something never holds, and where that stands.
type Never = (KeyPath, String);

/// Looks at every rule in which nothing else is wrong.
pub(in crate::config) fn check(config: &Config, places: &[KeyPath], report: &mut Report<'_>) {
    let rules = config.policy.rules.list();
    let judge = Judge { policy: &config.policy, largest: config.limits.message_size };
    let mut order = Order::default();
    for (rule, at) in rules.iter().zip(places) {
        let before = order.first_that_takes_all_of(rule);
        order.add(rule);
        if report.has_mistakes_in(at) {
            continue;
        }
        if let Some((key, why)) = judge.never(&rule.when, &at.key("when")) {
            report.mistake(&key, format!("never holds: {why}"));
        } else if let Some(why) = before.map(|other| never_asked(rule, other)) {
            report.mistake(at, format!("rule {:?} is never asked: {why}", rule.name));
        }
        targets(rule, at, &config.policy, report);
        advise(rule, at, report);
        doubts::tell(&rule.when, &at.key("when"), &config.policy, report);
    }
}

/// Why a rule is never asked, since `other`, above it, takes all that it could match.
fn never_asked(rule: &Rule, other: &Rule) -> String {
    let name = &other.name;
    if always(&other.when) {
        format!("rule {name:?} above it matches every message")
    } else if rule.when.follows_from(&other.when) {
        format!("rule {name:?} above it has the same conditions")
    } else {
        format!("rule {name:?} above it matches all that it could match")
    }
}

/// Whether conditions hold for every message.
pub(super) fn always(when: &When) -> bool {
    when.0.iter().all(|condition| match condition {
        Condition::Any(several) => several.iter().any(always),
        // Every message has one, unlike a subject.
        Condition::Recipient(patterns) => patterns.iter().any(Pattern::fits_all),
        Condition::Time(windows) => windows.iter().any(Window::is_always),
        Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => false,
        Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) => false,
        Condition::Content(_) | Condition::Not(_) => false,
    })
}

/// Knows what can be.
struct Judge<'a> {
    policy: &'a Policy,
    /// Octets of a message at most.
    largest: u64,
}

impl Judge<'_> {
    fn never(&self, when: &When, at: &KeyPath) -> Option<Never> {
        let one = when.0.iter().find_map(|condition| self.never_one(condition, at));
        let one = one.or_else(|| contradiction(when, at));
        one.or_else(|| nobody(when, at)).or_else(|| self.no_size(when, at)).or_else(|| no_age(when, at))
    }

    fn never_one(&self, condition: &Condition, at: &KeyPath) -> Option<Never> {
        match condition {
            Condition::Not(when) if always(when) => Some((at.key("not"), "what it denies is always so".into())),
            Condition::Any(several) => {
                let at = at.key("any");
                let each = several.iter().enumerate().map(|(index, when)| self.never(when, &at.item(index)));
                each.collect::<Option<Vec<Never>>>()?.into_iter().next()
            }
            Condition::Recipient(patterns) => {
                never_address(patterns, &at.key("recipient"), |address| self.refuses(address))
            }
            Condition::Content(Content::From(patterns)) => never_address(patterns, &at.key("from"), |_| None),
            Condition::Content(Content::To(patterns)) => never_address(patterns, &at.key("to"), |_| None),
            Condition::Content(Content::Subject(_) | Content::Header(_) | Content::Body(_)) => None,
            Condition::Content(Content::Attachment(_) | Content::Size(_) | Content::Auth(_) | Content::Spam(_)) => None,
            Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => None,
            Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) => None,
            Condition::Time(_) | Condition::Not(_) => None,
        }
    }

    /// Why no rule sees a recipient.
    fn refuses(&self, address: &Address) -> Option<String> {
        if let Some(real) = self.policy.inbound.aliases.get(address.domain()) {
            return Some(format!("mail to {address} is mail to {}: write that", address.at(real)));
        }
        (!self.takes(address)).then(|| format!("mail to {address} is refused at the door"))
    }

    /// Whether the door takes mail to an address. With a valid token it takes any of `reply_domain`.
    fn takes(&self, address: &Address) -> bool {
        let (user, _) = address.split_detail(&self.policy.separators);
        let is_user = |address: &Address| address.folded() == user.folded();
        !self.policy.people.personas_at(&user).is_empty()
            || self.policy.inbound.accept.iter().any(is_user)
            || self.policy.role_addresses().any(|role| is_user(&role))
            || self.policy.reply_domain.as_ref() == Some(address.domain())
    }

    fn no_size(&self, when: &When, at: &KeyPath) -> Option<Never> {
        let bounds = Bounds::of(when, |condition| {
            let Condition::Content(Content::Size(sizes)) = condition else { return None };
            Some(sizes.iter().map(|size| (size.bound, size.octets)).collect())
        });
        let never = !bounds.wanted.is_empty() || !bounds.denied.is_empty();
        let never = never && bounds.leave_nothing(self.largest);
        never.then(|| (at.key("size"), format!("no message has such a size (limits.message_size is {})", self.largest)))
    }
}

/// A persona where nothing was found.
fn nobody(when: &When, at: &KeyPath) -> Option<Never> {
    let is_unmatched = |condition: &Condition| matches!(condition, Condition::Evidence(pieces) if pieces.iter().all(|piece| *piece == Evidence::Unmatched));
    let has_persona = when.0.iter().any(|condition| matches!(condition, Condition::Persona(_)));
    let never = has_persona && when.0.iter().any(is_unmatched);
    never.then(|| (at.key("persona"), "what is unmatched is for no persona".into()))
}

/// What is denied of an age holds without a thread too.
fn no_age(when: &When, at: &KeyPath) -> Option<Never> {
    let bounds = Bounds::of(when, |condition| {
        let Condition::ThreadAge(ages) = condition else { return None };
        Some(ages.iter().map(|age| (age.bound, age.seconds)).collect())
    });
    let never = !bounds.wanted.is_empty() && bounds.leave_nothing(u64::MAX);
    never.then(|| (at.key("thread_age"), "no thread has such an age".into()))
}

/// Bounds of a number: lists, of each of which one is to hold, or none.
struct Bounds {
    wanted: Vec<Vec<(Bound, u64)>>,
    denied: Vec<Vec<(Bound, u64)>>,
}

impl Bounds {
    /// Those that a message must keep to, as far as `of` finds them in a condition.
    fn of(when: &When, of: impl Fn(&Condition) -> Option<Vec<(Bound, u64)>>) -> Self {
        let denied = |condition: &Condition| {
            let Condition::Not(When(inner)) = condition else { return None };
            if let [only] = inner.as_slice() { of(only) } else { None }
        };
        Self { wanted: when.0.iter().filter_map(&of).collect(), denied: when.0.iter().filter_map(denied).collect() }
    }

    /// Whether no number lies between them. They only change at their own numbers, so these are all to try.
    fn leave_nothing(&self, largest: u64) -> bool {
        let numbers = self.wanted.iter().chain(&self.denied).flatten().map(|(_, number)| *number);
        let near = |number: u64| [number.saturating_sub(1), number, number.saturating_add(1)];
        let mut tries = numbers.flat_map(near).chain([0, largest]).filter(|number| *number <= largest);
        let holds = |bounds: &[(Bound, u64)], number| bounds.iter().any(|(bound, limit)| bound.holds(number, *limit));
        let fits = |number: u64| {
            self.wanted.iter().all(|bounds| holds(bounds, number))
                && !self.denied.iter().any(|bounds| holds(bounds, number))
        };
        !tries.any(fits)
    }
}

/// A `not` of what is asked for beside it.
fn contradiction(when: &When, at: &KeyPath) -> Option<Never> {
    let is_denied = |condition: &Condition| match condition {
        Condition::Not(denied) => denied.follows_from(when),
        Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => false,
        Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) | Condition::Time(_) => false,
        Condition::Recipient(_) | Condition::Content(_) | Condition::Any(_) => false,
    };
    when.0.iter().any(is_denied).then(|| (at.key("not"), "what it denies is asked for beside it".into()))
}

/// Patterns of addresses that are all no address, or none that comes here.
fn never_address(patterns: &[Pattern], at: &KeyPath, refuses: impl Fn(&Address) -> Option<String>) -> Option<Never> {
    let never = |pattern: &Pattern| {
        let text = pattern.only_value()?;
        match text.parse::<Address>() {
            Err(_) => Some(format!("{text:?} is no address; write \"*@example.com\" for all of a domain")),
            Ok(address) => refuses(&address),
        }
    };
    let whys: Option<Vec<String>> = patterns.iter().map(never).collect();
    whys?.into_iter().next().map(|why| (at.clone(), why))
}

/// Inboxes of people are looked at where they stand.
fn targets(rule: &Rule, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    let then = at.key("then");
    let mut look = |targets: &[Target], key: &KeyPath| {
        for (index, target) in targets.iter().enumerate() {
            if let Target::Address(address) = target {
                loops::comes_back(address, &key.item(index), policy, report);
                advice::address_outside_the_company(address, &key.item(index), policy, report);
            }
        }
    };
    if let Some(Decision::ForwardTo(targets)) = &rule.decision {
        look(targets, &then.key("forward_to"));
    }
    look(&rule.additions.copy_to, &then.key("copy_to"));
}

fn advise(rule: &Rule, at: &KeyPath, report: &mut Report<'_>) {
    let then = at.key("then");
    if matches!(rule.decision, Some(Decision::Reject(_))) {
        let message = "reject: the mail server in front will send a bounce, perhaps to somebody who wrote nothing; hold tells nobody";
        report.warn(&then, message);
    }
    if rule.additions.subject_prefix.is_some() {
        let message = "breaks the DKIM signature of most mail: servers behind may take it for forged";
        report.warn(&then.key("subject_prefix"), message);
    }
}
