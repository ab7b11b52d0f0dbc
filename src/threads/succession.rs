//! What the memory knows of personas that left, in the hands of their successors. Pure.
//!
//! The memory keeps the names under which mail was learned, since only the configuration of the day says who
//! has what of whom. Whatever reads an answer of the memory compares names as they are now.

use std::borrow::Cow;

use super::Found;
use crate::mail::PersonaName;
use crate::people::People;

impl Found {
    /// The same, with the personas that are there now. One that is not in the configuration keeps its name:
    /// it is nobody's evidence.
    pub fn of_now(&self, people: &People) -> Cow<'_, Self> {
        if people.predecessors().next().is_none() {
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
        Cow::Owned(found)
    }
}
