//! Compiled expressions: of all rules, those that were asked last.
//!
//! An expression takes some hundred KiB when it is compiled, and the mail of a stranger may ask for ten thousand of
//! them. So no more are kept than fit, and others are compiled again when a message needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;

use super::expression::Expression;
use super::pattern::compile;

/// Octets of all that is kept, as they are estimated: it is a half or a quarter of that.
const ROOM: usize = 128 << 20;

/// Octets that an expression takes besides its states: the automaton grows while it is asked.
pub(super) const GROWTH: usize = 128 << 10;

static LAST: Mutex<Last> = Mutex::new(Last { now: None, before: None, size: 0 });

/// Those that were asked last, in two generations: what is not asked as long as one grows is forgotten.
#[derive(Default)]
struct Last {
    now: Option<Generation>,
    before: Option<Generation>,
    /// Of the generation of now.
    size: usize,
}

type Generation = HashMap<String, One>;

#[derive(Clone)]
struct One {
    regex: Arc<Regex>,
    size: usize,
}

/// The pattern that is written so, compiled; `expression` makes a regular expression of it. Nothing, where it is none
/// or too large: such a one was refused when it was read.
pub(super) fn compiled(written: &str, expression: impl FnOnce() -> String) -> Option<Arc<Regex>> {
    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = last().get(written) {
        return Some(known);
    }
    let expression = expression();
    let size = Expression::read(&expression).ok()?.size().saturating_add(GROWTH);
    // Nobody waits for it who needs another.
    let regex = Arc::new(compile(&expression).ok()?);
    last().put(written.to_owned(), One { regex: Arc::clone(&regex), size });
    Some(regex)
}

impl Last {
    fn get(&mut self, written: &str) -> Option<Arc<Regex>> {
        if let Some(one) = self.now.as_ref().and_then(|now| now.get(written)) {
            return Some(Arc::clone(&one.regex));
        }
        let one = self.before.as_mut()?.remove(written)?;
        self.put(written.to_owned(), one.clone());
        Some(one.regex)
    }

    fn put(&mut self, written: String, one: One) {
        if self.size.saturating_add(one.size) > ROOM / 2 {
            self.before = self.now.take();
            self.size = 0;
        }
        self.size = self.size.saturating_add(one.size);
        self.now.get_or_insert_default().insert(written, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(size: usize) -> One {
        One { regex: Arc::new(Regex::new("a").unwrap()), size }
    }

    fn kept(last: &Last) -> usize {
        [&last.now, &last.before].into_iter().flatten().flat_map(HashMap::values).map(|one| one.size).sum()
    }

    #[test]
    fn no_more_is_kept_than_fits_and_what_is_asked_again_stays() {
        let mut last = Last::default();
        for index in 0..10_000 {
            last.put(index.to_string(), one(GROWTH));
            assert!(last.get("0").is_some(), "{index}");
            assert!(kept(&last) <= ROOM);
        }
        assert!(last.get("9999").is_some() && last.get("5").is_none());
        assert!(kept(&last) > ROOM / 2, "there is room for more than the last few");
    }

    #[test]
    fn what_was_compiled_is_not_compiled_again() {
        let first = compiled("/not again/", || "not again".into()).unwrap();
        let second = compiled("/not again/", || unreachable!("it is known")).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }
}
