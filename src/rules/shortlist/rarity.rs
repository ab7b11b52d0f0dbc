//! How rare texts are among the rules. A text that thousands of rules share tells them apart no better than none:
//! what each has of its own does.

use std::collections::HashMap;

use super::super::pattern::Must;
use super::{Bait, coarse, in_each_content};
use crate::rules::{Condition, Pattern, Rule, When};

/// Shorter texts stand in most mail.
const SHORT: usize = 3;

/// How many patterns have a text, by the text, folded.
#[derive(Debug, Default)]
pub(super) struct Rarity(HashMap<String, usize>);

/// How much is won by looking for one of these texts; more is better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    is_cheap: bool,
    is_long: bool,
    /// How rare the most frequent one is: what differs by less than half makes no difference.
    rarity: std::cmp::Reverse<u32>,
    length: usize,
}

impl Rarity {
    /// Counts the texts of all rules.
    pub(super) fn among(rules: &[Rule]) -> Self {
        let mut all = Self::default();
        rules.iter().for_each(|rule| all.count_all(&rule.when));
        all
    }

    fn count_all(&mut self, when: &When) {
        for condition in &when.0 {
            match condition {
                Condition::Recipient(patterns) => self.count(patterns),
                Condition::Content(content) => in_each_content(content, |_, patterns| self.count(patterns)),
                Condition::Any(several) => several.iter().for_each(|when| self.count_all(when)),
                Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => {}
                Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) => {}
                Condition::Time(_) | Condition::Not(_) => {}
            }
        }
    }

    fn count(&mut self, patterns: &[Pattern]) {
        for must in patterns.iter().flat_map(Pattern::musts).flatten() {
            *self.0.entry(coarse(must.text())).or_default() += 1;
        }
    }

    /// What baits are worth of which one must be taken.
    pub(super) fn worth(&self, baits: &[Bait<'_>]) -> Worth {
        let is_cheap = baits.iter().all(|bait| !bait.place.is_dear());
        self.worth_of(baits.iter().map(|bait| bait.must), is_cheap)
    }

    /// The choice that is worth most; `None` where there is none.
    pub(super) fn best<'a>(&self, choices: Vec<Vec<Must<'a>>>) -> Option<Vec<Must<'a>>> {
        choices.into_iter().max_by_key(|choice| self.worth_of(choice.iter().copied(), true))
    }

    fn worth_of<'a>(&self, musts: impl Iterator<Item = Must<'a>>, is_cheap: bool) -> Worth {
        let (mut length, mut count) = (usize::MAX, 1);
        for must in musts {
            if let Must::Hold(text) = must {
                length = length.min(text.len());
            }
            count = count.max(self.0.get(&coarse(must.text())).copied().unwrap_or_default());
        }
        Worth { is_cheap, is_long: length >= SHORT, rarity: std::cmp::Reverse(count.ilog2()), length }
    }
}
