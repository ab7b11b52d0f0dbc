//! The judge: what a message belongs to in truth, what was decided, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sincerely::mail::{Evidence, Plan, ThreadId};
use sincerely::threads::matcher::Recipient;
use strum::VariantArray;

use crate::company::PERSONAS;

/// What a message belongs to, as its writer knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// The threads that it may be counted to; none for what belongs to no thread.
    pub(crate) threads: Vec<ThreadId>,
    /// Where several decide, the one that must be named.
    pub(crate) must: Option<ThreadId>,
    /// The personas that it may be counted to where the recipient does not tell.
    pub(crate) personas: Vec<String>,
}

impl Truth {
    /// What is wrong with a decision, if anything.
    pub(crate) fn wrong(&self, plan: &Plan, recipient: &Recipient) -> Option<String> {
        let (persona, thread) = (plan.matched.persona.as_ref().map(|name| name.0.as_str()), plan.matched.thread);
        if let Some(thread) = thread.filter(|thread| !self.threads.contains(thread)) {
            return Some(format!("thread {thread} is not its thread"));
        }
        if let Recipient::Persona(own) = recipient {
            if persona != Some(own.0.as_str()) {
                return Some(format!("the recipient is {own}'s"));
            }
            // Sent to somebody else of ours: nobody has to find it there.
            if self.personas.first() != Some(&own.0) {
                return None;
            }
        }
        if self.must.is_some() && thread != self.must {
            return Some("its thread was not found".into());
        }
        let named = persona.filter(|_| thread.is_none() && !matches!(recipient, Recipient::Persona(_)))?;
        (!self.personas.iter().any(|known| known == named)).then(|| format!("it is not {named}'s"))
    }
}

/// What one kind of message came to.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Row {
    pub(crate) decided: usize,
    /// Its thread was named.
    pub(crate) thread: usize,
    /// The persona alone.
    pub(crate) persona: usize,
    /// Nobody.
    pub(crate) nobody: usize,
}

/// How often what was decided.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) automated: usize,
    pub(crate) messages: usize,
    /// Refused at the door.
    pub(crate) refused: usize,
    pub(crate) by_evidence: BTreeMap<Evidence, Row>,
    pub(crate) by_model: BTreeMap<&'static str, Row>,
    pub(crate) healed: usize,
    pub(crate) learned_from_ours: usize,
    pub(crate) conflicts: usize,
    pub(crate) personas: BTreeSet<String>,
    /// By what was written: how often it was wrong, and the first case.
    wrong: BTreeMap<&'static str, (usize, String)>,
}

impl Tally {
    pub(crate) fn note(&mut self, model: &'static str, plan: &Plan) {
        let matched = &plan.matched;
        for row in [self.by_evidence.entry(matched.evidence).or_default(), self.by_model.entry(model).or_default()] {
            row.decided += 1;
            match (matched.thread, &matched.persona) {
                (Some(_), _) => row.thread += 1,
                (None, Some(_)) => row.persona += 1,
                (None, None) => row.nobody += 1,
            }
        }
        self.healed += plan.heals.len();
        self.learned_from_ours += usize::from(plan.lesson.is_some());
        self.conflicts += matched.conflicts.len();
        self.personas.extend(matched.persona.iter().map(|name| name.0.clone()));
    }

    /// Notes a wrong decision, and all that is to be known of it.
    pub(crate) fn wrong(&mut self, model: &'static str, case: String) {
        self.wrong.entry(model).or_insert((0, case)).0 += 1;
    }

    /// Fails with the wrong decisions, of each kind the first one.
    pub(crate) fn assert_that_none_is_wrong(&self) {
        let cases =
            self.wrong.iter().map(|(model, (count, case))| format!("== {count} times wrong: {model}: {case}\n"));
        assert!(self.wrong.is_empty(), "{}", cases.collect::<String>());
    }

    /// Takes in what another part of the world came to.
    pub(crate) fn add(&mut self, other: Self) {
        self.automated += other.automated;
        self.messages += other.messages;
        self.refused += other.refused;
        self.healed += other.healed;
        self.learned_from_ours += other.learned_from_ours;
        self.conflicts += other.conflicts;
        self.personas.extend(other.personas);
        for (model, (count, case)) in other.wrong {
            self.wrong.entry(model).or_insert((0, case)).0 += count;
        }
        let rows = |into: &mut Row, from: &Row| {
            into.decided += from.decided;
            into.thread += from.thread;
            into.persona += from.persona;
            into.nobody += from.nobody;
        };
        other.by_evidence.iter().for_each(|(key, row)| rows(self.by_evidence.entry(*key).or_default(), row));
        other.by_model.iter().for_each(|(key, row)| rows(self.by_model.entry(key).or_default(), row));
    }

    /// The table that is told.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut section = |title: &str, rows: &mut dyn Iterator<Item = (String, Row)>| {
            writeln!(text, "  {title:<48} {:>8} {:>8} {:>8} {:>8}", "decided", "thread", "persona", "nobody").unwrap();
            for (name, row) in rows {
                let Row { decided, thread, persona, nobody } = row;
                writeln!(text, "    {name:<46} {decided:>8} {thread:>8} {persona:>8} {nobody:>8}").unwrap();
            }
        };
        section("by evidence", &mut self.by_evidence.iter().map(|(evidence, row)| (evidence.to_string(), *row)));
        section("by what was written", &mut self.by_model.iter().map(|(model, row)| ((*model).to_owned(), *row)));
        text
    }

    /// What would make the numbers mean nothing: something never happened.
    pub(crate) fn assert_that_all_happened(&self) {
        for evidence in Evidence::VARIANTS {
            let decided = self.by_evidence.get(evidence).map_or(0, |row| row.decided);
            assert!(decided > 0, "nothing was matched by {evidence}");
        }
        assert!(self.healed > 0 && self.learned_from_ours > 0 && self.conflicts > 0 && self.refused > 0);
        assert_eq!(self.personas.len(), PERSONAS.len(), "{:?}", self.personas);
    }
}
