//! What the memory knows of personas and people that left, in the hands of their successors. Pure.
//!
//! The memory keeps the names under which mail was learned, since only the configuration of the day says who
//! has what of whom. Whatever reads an answer of the memory compares names as they are now.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Found;
use crate::mail::{PersonName, PersonaName};
use crate::people::People;

impl Found {
    /// The same, with the personas and people that are there now. One that is not in the configuration keeps its
    /// name: it is nobody's evidence.
    pub fn of_now(&self, people: &People) -> Cow<'_, Self> {
        if people.predecessors().next().is_none() && people.leavers().next().is_none() {
            return Cow::Borrowed(self);
        }
        let now =
            |name: &PersonaName| people.persona(name).map_or_else(|| name.clone(), |persona| persona.name.clone());
        let mut found = self.clone();
        found.threads.values_mut().for_each(|thread| thread.persona = now(&thread.persona));
        let mut seen = Vec::new();
        for name in self.acquaintance.written_to_by.iter().map(now) {
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        found.acquaintance.written_to_by = seen;
        found.hand_over(people);
        Cow::Owned(found)
    }

    /// Puts whoever succeeded somebody into their place.
    fn hand_over(&mut self, people: &People) {
        let now = |name: &PersonName| people.person(name).map_or_else(|| name.clone(), |person| person.name.clone());
        for thread in self.threads.values_mut() {
            thread.writer = thread.writer.as_ref().map(now);
            thread.person = thread.person.as_ref().map(now);
        }
        self.retries.values_mut().for_each(|before| before.chosen = before.chosen.as_ref().map(now));
        for turns in self.turns.values_mut() {
            let mut all: HashMap<PersonName, i64> = HashMap::new();
            for (name, at) in turns.drain() {
                all.entry(now(&name)).and_modify(|last| *last = at.max(*last)).or_insert(at);
            }
            *turns = all;
        }
        let mut waiting: HashMap<PersonName, u32> = HashMap::new();
        self.waiting.drain().for_each(|(name, count)| *waiting.entry(now(&name)).or_default() += count);
        self.waiting = waiting;
    }
}
