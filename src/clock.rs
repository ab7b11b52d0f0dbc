//! The one place that reads the time of day.
//!
//! Decisions take `now` as an argument; the edges call [`now`] once per message, so that a test or
//! `explain` can choose another moment.

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A moment as people write it: `2026-12-24T18:00[Europe/Paris]`, or with an offset as RFC 3339 has it. `None` for any
/// other text, and for a zone that the system does not know.
pub fn moment(written: &str) -> Option<jiff::Timestamp> {
    let zoned = || written.parse::<jiff::Zoned>().ok().map(|zoned| zoned.timestamp());
    written.parse().ok().filter(|_| !written.contains('[')).or_else(zoned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        for (written, expected) in [
            ("2026-12-24T18:00[Europe/Paris]", Some("2026-12-24T17:00:00Z")),
            ("2026-12-24T18:00:00+01:00[Europe/Paris]", Some("2026-12-24T17:00:00Z")),
            ("2026-12-24T18:00:00+01:00", Some("2026-12-24T17:00:00Z")),
            ("2026-12-24T18:00:00Z", Some("2026-12-24T18:00:00Z")),
            ("2026-12-24T18:00:00+05:00[Europe/Paris]", None),
            ("2026-12-24T18:00[Europe/Nowhere]", None),
            ("2026-12-24T18:00", None),
            ("tomorrow", None),
        ] {
            assert_eq!(moment(written).map(|at| at.to_string()).as_deref(), expected, "{written}");
        }
    }
}
