//! Dates of the file: as TOML has them without quotes, or as texts.

use serde::de::MapAccess;

use super::values::Scalar;
use crate::people::moment::Moment;

/// The key under which `toml` hands a date to Serde, which has no dates of its own.
const DATETIME: &str = "$__toml_private_datetime";

/// The date that a map stands for; `None` where it is a table.
pub(super) fn text<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<String>, A::Error> {
    let is_date = map.next_key::<String>()?.as_deref() == Some(DATETIME);
    if is_date { map.next_value().map(Some) } else { Ok(None) }
}

impl Scalar for Moment {
    const EXPECTED: &'static str = Self::EXPECTED;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_date(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
