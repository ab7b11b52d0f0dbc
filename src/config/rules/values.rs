//! What the values of rules and tests mean: ages, times of the day, moments.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::clock;
use crate::config::values::{DurationOrOff, Scalar, Table};
use crate::rules::{Age, Bound, TimeOfDay};

/// A point in time.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Moment(pub jiff::Timestamp);

/// One table, or a list of tables.
#[derive(Debug)]
pub(in crate::config) struct OneOrTables<T>(pub Vec<Table<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrTables<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrTablesVisitor(PhantomData))
    }
}

struct OneOrTablesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrTablesVisitor<T> {
    type Value = OneOrTables<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, or a list of tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<OneOrTables<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(|one| OneOrTables(vec![Table(one)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrTables<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrTables)
    }
}

/// A bound's sign, and what stands behind it.
pub(in crate::config) fn bound(text: &str) -> Option<(Bound, &str)> {
    let bounds = [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::Above), ("<", Bound::Below)];
    bounds.into_iter().find_map(|(sign, bound)| Some((bound, text.strip_prefix(sign)?.trim())))
}

impl Scalar for Age {
    const EXPECTED: &'static str = r#"a bound such as ">30 days": one of > >= < <=, and a duration in whole seconds"#;

    fn from_text(text: &str) -> Option<Self> {
        let (bound, duration) = bound(text)?;
        let DurationOrOff(duration) = DurationOrOff::from_text(duration)?;
        (duration == Duration::from_secs(duration.as_secs())).then_some(Self { bound, seconds: duration.as_secs() })
    }
}

impl Scalar for TimeOfDay {
    const EXPECTED: &'static str = r#"a time such as "09:30", from "00:00" to "24:00""#;

    fn from_text(text: &str) -> Option<Self> {
        Self::read(text)
    }
}

impl Scalar for Moment {
    const EXPECTED: &'static str = r#"a time such as "2026-12-24T18:00[Europe/Paris]" or "2026-12-24T17:00:00Z""#;

    fn from_text(text: &str) -> Option<Self> {
        clock::moment(text).map(Self)
    }
}
