//! The one place that reads the time of day.
//!
//! Decisions take `now` as an argument; the edges call [`now`] once per message, so that a test or
//! `explain` can choose another moment.

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
