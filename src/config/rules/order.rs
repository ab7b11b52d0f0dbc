//! The order of rules: the first rule that takes all that a later one could match.
//!
//! Each rule would have to be compared with all before it; of ten thousand that is too many. So those before are
//! found by hints ([`When::roots`]), and only what shares one is compared.

use std::collections::HashMap;

use crate::rules::Rule;

use super::sense::always;

/// The rules so far.
#[derive(Default)]
pub(super) struct Order<'r> {
    /// Those that decide, in their order.
    ending: Vec<&'r Rule>,
    /// By a root of theirs, the places among those.
    by_root: HashMap<String, Vec<usize>>,
    /// The first that matches every message.
    takes_everything: Option<usize>,
}

impl<'r> Order<'r> {
    /// One more rule.
    pub(super) fn add(&mut self, rule: &'r Rule) {
        if rule.decision.is_none() {
            return;
        }
        let place = self.ending.len();
        self.ending.push(rule);
        if always(&rule.when) {
            self.takes_everything.get_or_insert(place);
            return;
        }
        for root in rule.when.roots() {
            self.by_root.entry(root).or_default().push(place);
        }
    }

    /// The first rule so far that decides about every message that `rule` could match.
    pub(super) fn first_that_takes_all_of(&self, rule: &Rule) -> Option<&'r Rule> {
        let leads = rule.when.leads();
        let sharing = leads.iter().filter_map(|lead| self.by_root.get(lead)).flatten().copied();
        let takes_all = |place: &usize| self.ending.get(*place).is_some_and(|it| it.when.follows_from(&rule.when));
        let first = sharing.filter(takes_all).chain(self.takes_everything).min();
        first.and_then(|place| self.ending.get(place).copied())
    }
}
