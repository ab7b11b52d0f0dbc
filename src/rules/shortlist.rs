//! The shortlist: the rules that a message can match at all.
//!
//! Of thousands of rules, most look for a text in one field. Those texts are looked for together: whole values by
//! hash, parts of values by one automaton (Aho and Corasick), so that one pass over a field tells which rules are
//! worth asking. What it leaves out would say *no*; what it lets through is asked in full. So it may err on one side
//! only, and rules that look for nothing of the kind are always asked.

mod rarity;

use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;

use crate::mail::Address;

use rarity::Rarity;

use super::engine::Reading;
use super::pattern::Must;
use super::{Condition, Content, Pattern, Rule, When};

/// Where a text is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The recipient of the envelope.
    Recipient,
    /// The addresses of the From field.
    From,
    /// The addresses of the To and Cc fields.
    To,
    /// The subject.
    Subject,
    /// The fields of a name, in lower case.
    Header(String),
    /// The names and types of what is attached.
    Attachment,
    /// The texts that a person sees.
    Body,
}

/// Which rules can match.
#[derive(Debug, Clone, Default)]
pub(super) struct Shortlist {
    /// Those that are asked whatever the message says.
    always: Places,
    nets: Vec<Net>,
    /// The nets in whose place it is dear to look, each with its rules: they are drawn when a rule's turn comes.
    dear: BTreeMap<usize, Places>,
}

/// All that is looked for in one place.
#[derive(Debug, Clone)]
pub(super) struct Net {
    place: Place,
    /// Whole values, folded, and the rules that look for them.
    values: HashMap<String, Vec<usize>>,
    /// Parts of values, folded.
    parts: Option<AhoCorasick>,
    /// For each of the parts, the rules that look for it.
    rules: Vec<Vec<usize>>,
}

/// A set of rules, by their places in the order.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Vec<u64>);

/// One text that a rule looks for.
struct Bait<'a> {
    place: Place,
    must: Must<'a>,
}

impl Shortlist {
    /// Compiles the texts that `rules` look for.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let rarity = Rarity::among(rules);
        let mut always = Places::default();
        let mut places: BTreeMap<Place, Vec<(usize, Must<'_>)>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            match baits(&rule.when, &rarity) {
                Some(baits) => {
                    baits.into_iter().for_each(|bait| places.entry(bait.place).or_default().push((index, bait.must)));
                }
                None => always.add(index),
            }
        }
        let mut dear: BTreeMap<usize, Places> = BTreeMap::new();
        for (number, (_, baits)) in places.iter().enumerate().filter(|(_, (place, _))| place.is_dear()) {
            baits.iter().for_each(|(rule, _)| dear.entry(number).or_default().add(*rule));
        }
        let mut nets = Vec::with_capacity(places.len());
        for (place, baits) in places {
            match Net::new(place, &baits) {
                Some(net) => nets.push(net),
                // Not to be compiled together: then each is asked.
                None => return Self::of_all(rules.len()),
            }
        }
        Self { always, nets, dear }
    }

    fn of_all(count: usize) -> Self {
        let mut always = Places::default();
        (0..count).for_each(|index| always.add(index));
        Self { always, ..Self::default() }
    }

    pub(super) fn nets(&self) -> &[Net] {
        &self.nets
    }

    /// The places of the rules that could match, in their order.
    pub(super) fn of<'r>(&'r self, reading: &'r Reading<'_>, recipient: &Address) -> impl Iterator<Item = usize> + 'r {
        let mut sure = self.always.clone();
        for (number, net) in self.nets.iter().enumerate() {
            match &net.place {
                Place::Recipient => sure.join(&net.catch([recipient.to_string()])),
                Place::Attachment | Place::Body => {}
                Place::From | Place::To | Place::Subject | Place::Header(_) => {
                    reading.caught(number).into_iter().for_each(|caught| sure.join(caught));
                }
            }
        }
        let mut open = sure.clone();
        self.dear.values().for_each(|rules| open.join(rules));
        open.into_iter().filter(move |rule| sure.contains(*rule) || self.is_caught_dearly(*rule, reading))
    }

    fn is_caught_dearly(&self, rule: usize, reading: &Reading<'_>) -> bool {
        let mut nets = self.dear.iter().filter(|(_, rules)| rules.contains(rule));
        nets.any(|(number, _)| reading.caught(*number).is_some_and(|caught| caught.contains(rule)))
    }
}

impl Place {
    /// Whether it is only looked at where it must be: the body is decoded first.
    fn is_dear(&self) -> bool {
        matches!(self, Self::Attachment | Self::Body)
    }
}

/// The texts of which one must be there, or the conditions do not hold; `None` where there are no such texts.
fn baits<'r>(when: &'r When, rarity: &Rarity) -> Option<Vec<Bait<'r>>> {
    let choices = when.0.iter().flat_map(|condition| match condition {
        Condition::Recipient(patterns) => vec![of_patterns(&Place::Recipient, patterns, rarity)],
        Condition::Content(content) => of_content(content, rarity),
        Condition::Any(several) => {
            let each: Option<Vec<_>> = several.iter().map(|when| baits(when, rarity)).collect();
            vec![each.map(|each| each.into_iter().flatten().collect())]
        }
        Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => Vec::new(),
        Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) | Condition::Time(_) => Vec::new(),
        Condition::Not(_) => Vec::new(),
    });
    choices.flatten().max_by_key(|baits| rarity.worth(baits))
}

/// All names of a header condition must be there, so each is a choice.
fn of_content<'r>(content: &'r Content, rarity: &Rarity) -> Vec<Option<Vec<Bait<'r>>>> {
    let mut choices = Vec::new();
    in_each_content(content, |place, patterns| choices.push(of_patterns(&place, patterns, rarity)));
    choices
}

/// The patterns of a condition, and where each of those lists looks.
fn in_each_content<'r>(content: &'r Content, mut look: impl FnMut(Place, &'r [Pattern])) {
    match content {
        Content::From(patterns) => look(Place::From, patterns),
        Content::To(patterns) => look(Place::To, patterns),
        Content::Subject(patterns) => look(Place::Subject, patterns),
        Content::Header(fields) => {
            let place = |name: &String| Place::Header(name.to_ascii_lowercase());
            fields.iter().for_each(|(name, patterns)| look(place(name), patterns));
        }
        Content::Attachment(patterns) => look(Place::Attachment, patterns),
        Content::Body(patterns) => look(Place::Body, patterns),
        Content::Size(_) | Content::Auth(_) | Content::Spam(_) => {}
    }
}

/// Of each pattern the texts that are worth most.
fn of_patterns<'r>(place: &Place, patterns: &'r [Pattern], rarity: &Rarity) -> Option<Vec<Bait<'r>>> {
    let best: Option<Vec<Vec<Must<'r>>>> = patterns.iter().map(|pattern| rarity.best(pattern.musts())).collect();
    Some(best?.into_iter().flatten().map(|must| Bait { place: place.clone(), must }).collect())
}

impl Net {
    /// `None` where the texts are more than an automaton can hold.
    fn new(place: Place, baits: &[(usize, Must<'_>)]) -> Option<Self> {
        let mut values: HashMap<String, Vec<usize>> = HashMap::new();
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (rule, must) in baits {
            match must {
                Must::Be(value) => values.entry(coarse(value)).or_default().push(*rule),
                Must::Hold(part) => parts.entry(coarse(part)).or_default().push(*rule),
            }
        }
        let (texts, rules): (Vec<String>, Vec<Vec<usize>>) = parts.into_iter().unzip();
        let parts = if texts.is_empty() { None } else { Some(AhoCorasick::new(&texts).ok()?) };
        Some(Self { place, values, parts, rules })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The rules that look for something in one of these values.
    pub(super) fn catch<T: AsRef<str>>(&self, values: impl IntoIterator<Item = T>) -> Places {
        let mut caught = Places::default();
        for value in values {
            let value = coarse(value.as_ref());
            self.values.get(&value).into_iter().flatten().for_each(|rule| caught.add(*rule));
            let Some(parts) = &self.parts else { continue };
            for found in parts.find_overlapping_iter(&value) {
                let rules = self.rules.get(found.pattern().as_usize());
                rules.into_iter().flatten().for_each(|rule| caught.add(*rule));
            }
        }
        caught
    }
}

/// A text in which letters are one that any pattern takes for one, and perhaps others: `ß` and `ss`. Letter by letter,
/// so that what stands in a text stands in the folded text.
pub(super) fn coarse(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let letter = |c: char| c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    text.chars().flat_map(letter).collect()
}

impl Places {
    const BITS: usize = 64;

    fn add(&mut self, place: usize) {
        let (word, bit) = (place / Self::BITS, place % Self::BITS);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0.iter_mut().skip(word).take(1).for_each(|word| *word |= 1 << bit);
    }

    fn join(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(word, others)| *word |= others);
    }

    fn contains(&self, place: usize) -> bool {
        self.0.get(place / Self::BITS).is_some_and(|word| word >> (place % Self::BITS) & 1 == 1)
    }

    /// The places in their order.
    fn into_iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
                word &= word - 1;
                Some(index * Self::BITS + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests;
