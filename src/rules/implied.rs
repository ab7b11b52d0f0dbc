//! What follows from what: whether conditions hold wherever others do. Cautious: where it is not sure, it does
//! not follow.

use std::collections::BTreeMap;

use super::{Condition, Content, Pattern, When};

impl When {
    /// Whether these hold for every message for which `others` do.
    pub fn follows_from(&self, others: &Self) -> bool {
        self.0.iter().all(|condition| others.0.iter().any(|other| condition.follows_from(other)))
    }
}

impl Condition {
    fn follows_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Persona(wider), Self::Persona(narrower)) => is_among(narrower, wider),
            (Self::Person(wider), Self::Person(narrower)) => is_among(narrower, wider),
            (Self::Kind(wider), Self::Kind(narrower)) => is_among(narrower, wider),
            (Self::Evidence(wider), Self::Evidence(narrower)) => is_among(narrower, wider),
            (Self::Recipient(wider), Self::Recipient(narrower)) => are_among(narrower, wider),
            (Self::Campaign(wider), Self::Campaign(narrower)) => are_among(narrower, wider),
            (Self::ThreadAge(wider), Self::ThreadAge(narrower)) => is_among(narrower, wider),
            (Self::FirstReply(wider), Self::FirstReply(narrower)) => wider == narrower,
            (Self::Time(wider), Self::Time(narrower)) => {
                narrower.iter().all(|window| wider.iter().any(|wide| wide.covers(window)))
            }
            (Self::Content(wider), Self::Content(narrower)) => wider.follows_from(narrower),
            (Self::Not(wider), Self::Not(narrower)) => narrower.follows_from(wider),
            (Self::Any(wider), Self::Any(narrower)) => {
                narrower.iter().all(|narrow| wider.iter().any(|wide| wide.follows_from(narrow)))
            }
            (
                Self::Persona(_)
                | Self::Person(_)
                | Self::Kind(_)
                | Self::Evidence(_)
                | Self::Recipient(_)
                | Self::FirstReply(_)
                | Self::ThreadAge(_)
                | Self::Campaign(_)
                | Self::Time(_)
                | Self::Content(_)
                | Self::Not(_)
                | Self::Any(_),
                _,
            ) => false,
        }
    }
}

impl Content {
    fn follows_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::From(wider), Self::From(narrower))
            | (Self::To(wider), Self::To(narrower))
            | (Self::Subject(wider), Self::Subject(narrower))
            | (Self::Body(wider), Self::Body(narrower))
            | (Self::Attachment(wider), Self::Attachment(narrower)) => are_among(narrower, wider),
            (Self::Header(wider), Self::Header(narrower)) => {
                wider.iter().all(|(name, patterns)| named(narrower, name).any(|others| are_among(others, patterns)))
            }
            (Self::Size(wider), Self::Size(narrower)) => is_among(narrower, wider),
            (Self::Auth(wider), Self::Auth(narrower)) => wider
                .iter()
                .all(|(method, findings)| narrower.get(method).is_some_and(|others| is_among(others, findings))),
            (Self::Spam(wider), Self::Spam(narrower)) => wider == narrower,
            (Self::From(_) | Self::To(_) | Self::Subject(_) | Self::Header(_) | Self::Body(_), _) => false,
            (Self::Attachment(_) | Self::Size(_) | Self::Auth(_) | Self::Spam(_), _) => false,
        }
    }
}

fn is_among<T: PartialEq>(narrower: &[T], wider: &[T]) -> bool {
    narrower.iter().all(|value| wider.contains(value))
}

fn are_among(narrower: &[Pattern], wider: &[Pattern]) -> bool {
    narrower.iter().all(|pattern| wider.iter().any(|other| other.fits_all() || other.is_same(pattern)))
}

fn named<'a>(fields: &'a BTreeMap<String, Vec<Pattern>>, name: &'a str) -> impl Iterator<Item = &'a [Pattern]> + 'a {
    fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, patterns)| patterns.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Kind;

    fn subject(patterns: &[&str]) -> Condition {
        Condition::Content(Content::Subject(patterns.iter().map(|text| Pattern::new(text).unwrap()).collect()))
    }

    fn header(name: &str, pattern: &str) -> Condition {
        let fields = BTreeMap::from([(name.to_owned(), vec![Pattern::new(pattern).unwrap()])]);
        Condition::Content(Content::Header(fields))
    }

    #[test]
    fn what_is_narrower_follows_and_nothing_else() {
        let human = || Condition::Kind(vec![Kind::Human]);
        let two = || Condition::Kind(vec![Kind::List, Kind::Human]);
        let not = |condition| Condition::Not(When(vec![condition]));
        let any = |conditions: Vec<Condition>| {
            Condition::Any(conditions.into_iter().map(|condition| When(vec![condition])).collect())
        };
        for (wider, narrower, both) in [
            (two(), human(), false),
            (not(human()), not(two()), false),
            (subject(&["B", "a"]), subject(&["A", "b"]), true),
            (subject(&["*"]), subject(&["/x/"]), false),
            (header("x-a", "1"), header("X-A", "1"), true),
            (any(vec![human(), subject(&["a"])]), any(vec![subject(&["a"])]), false),
        ] {
            let (wider, narrower) = (When(vec![wider]), When(vec![narrower]));
            assert!(wider.follows_from(&narrower), "{wider} from {narrower}");
            assert_eq!(narrower.follows_from(&wider), both, "{narrower} from {wider}");
        }
        for (one, other) in [
            (human(), subject(&["a"])),
            (subject(&["/(?-i)A/"]), subject(&["/(?-i)a/"])),
            (header("X-A", "1"), header("X-B", "1")),
        ] {
            assert!(!When(vec![one.clone()]).follows_from(&When(vec![other])), "{one}");
        }
    }
}
