//! Hints of what may follow from what: so that among thousands of rules only a few are compared in full.
//!
//! Where conditions follow from others ([`When::follows_from`]), the two share a hint: one of the roots of the former
//! is a lead of the latter. The reverse does not hold.

use super::{Condition, Content, Pattern, When};

/// What stands for any value.
const ANY: &str = "*";

impl When {
    /// The roots: hints of one of these conditions, the one that most likely sets them apart. None without
    /// conditions, which follow from everything.
    pub fn roots(&self) -> Vec<String> {
        let most_telling = self.0.iter().max_by_key(|condition| condition.tells());
        most_telling.map(Condition::roots).unwrap_or_default()
    }

    /// The leads: hints of each of these conditions.
    pub fn leads(&self) -> Vec<String> {
        self.0.iter().flat_map(Condition::leads).collect()
    }
}

impl Condition {
    /// How likely others differ from it.
    fn tells(&self) -> u8 {
        match self {
            Self::Content(Content::Auth(_) | Content::Spam(_) | Content::Size(_)) => 1,
            Self::Recipient(_) | Self::Campaign(_) | Self::Content(_) => 3,
            Self::Any(_) | Self::Not(_) => 2,
            Self::ThreadAge(_) | Self::Time(_) => 1,
            Self::Persona(_) | Self::Person(_) | Self::Kind(_) | Self::Evidence(_) | Self::FirstReply(_) => 0,
        }
    }

    /// Of all its values: what follows from fewer of them follows from these.
    fn roots(&self) -> Vec<String> {
        if let Self::Not(when) = self {
            return within("not", when.leads().into_iter().chain(any()));
        }
        if let Self::Any(several) = self {
            let each = several.iter().map(|when| if when.0.is_empty() { any() } else { when.roots() });
            return within("any", each.flatten());
        }
        if let Self::Content(Content::Header(fields)) = self {
            let of_field = |(name, patterns): (&String, &Vec<Pattern>)| within(&header(name), hints(patterns));
            return fields.iter().next().map(of_field).unwrap_or_default();
        }
        let (place, values) = self.values();
        within(place, values)
    }

    /// Of its first value, since each must be among the others', and of what stands for any.
    fn leads(&self) -> Vec<String> {
        let first = |values: Vec<String>| values.into_iter().take(1).chain(any());
        if let Self::Not(when) = self {
            return within("not", if when.0.is_empty() { any() } else { when.roots() });
        }
        if let Self::Any(several) = self {
            return within("any", several.iter().take(1).flat_map(When::leads).chain(any()));
        }
        if let Self::Content(Content::Header(fields)) = self {
            let of_field = |(name, patterns): (&String, &Vec<Pattern>)| within(&header(name), first(hints(patterns)));
            return fields.iter().flat_map(of_field).collect();
        }
        let (place, values) = self.values();
        within(place, first(values))
    }

    /// The key of a condition that has values, and a hint for each.
    fn values(&self) -> (&'static str, Vec<String>) {
        match self {
            Self::Persona(names) => ("persona", texts(names)),
            Self::Person(names) => ("person", texts(names)),
            Self::Kind(kinds) => ("kind", texts(kinds)),
            Self::Evidence(pieces) => ("evidence", texts(pieces)),
            Self::Recipient(patterns) => ("recipient", hints(patterns)),
            Self::FirstReply(wanted) => ("first_reply", texts(&[wanted])),
            Self::ThreadAge(ages) => ("thread_age", texts(ages)),
            Self::Campaign(patterns) => ("campaign", hints(patterns)),
            Self::Time(_) => ("time", any()),
            Self::Content(content) => content.values(),
            Self::Not(_) => ("not", any()),
            Self::Any(_) => ("any", any()),
        }
    }
}

impl Content {
    fn values(&self) -> (&'static str, Vec<String>) {
        match self {
            Self::From(patterns) => ("from", hints(patterns)),
            Self::To(patterns) => ("to", hints(patterns)),
            Self::Subject(patterns) => ("subject", hints(patterns)),
            Self::Header(_) => ("header", any()),
            Self::Body(patterns) => ("body", hints(patterns)),
            Self::Attachment(patterns) => ("attachment", hints(patterns)),
            Self::Size(sizes) => ("size", texts(sizes)),
            Self::Auth(_) => ("auth", any()),
            Self::Spam(wanted) => ("spam", texts(&[wanted])),
        }
    }
}

fn within(place: &str, hints: impl IntoIterator<Item = String>) -> Vec<String> {
    hints.into_iter().map(|hint| format!("{place}:{hint}")).collect()
}

fn header(name: &str) -> String {
    format!("header {}", name.to_ascii_lowercase())
}

fn any() -> Vec<String> {
    vec![ANY.to_owned()]
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// Patterns that are the same have one hint.
fn hints(patterns: &[Pattern]) -> Vec<String> {
    let hint = |pattern: &Pattern| if pattern.fits_all() { ANY.to_owned() } else { pattern.written().to_lowercase() };
    patterns.iter().map(hint).collect()
}
