//! A day or a moment, as people write it: `2026-12-20`, `2026-12-20 09:00`, `2026-12-20T09:00:00+01:00`,
//! `2026-12-20T09:00[America/New_York]`. Pure.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A day or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day: its first moment, where the clocks are.
    Day(Date),
    /// A time of day, where the clocks are.
    Clock(DateTime),
    /// A moment, wherever one is.
    Exact(Timestamp),
}

/// It is neither a day nor a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Moment::EXPECTED)]
pub struct NoMoment;

impl Moment {
    /// What it looks like.
    pub const EXPECTED: &'static str = "a day such as 2026-12-20, or a moment such as 2026-12-20T09:00:00+01:00";

    /// When that is, for clocks of that zone; `None` where time does not reach so far.
    pub fn at(self, zone: &TimeZone) -> Option<Timestamp> {
        let at = |clock: DateTime| clock.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
        match self {
            Self::Day(day) => day.to_zoned(zone.clone()).ok().map(|at| at.timestamp()),
            Self::Clock(clock) => at(clock),
            Self::Exact(at) => Some(at),
        }
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let text = text.trim();
        // A date is a prefix of nothing else: eight digits and two hyphens.
        let is_day = text.len() == "2026-12-20".len();
        let day = || text.parse().ok().filter(|_| is_day).map(Self::Day);
        // Whoever names a zone means it: the clocks here are no answer to that.
        if text.contains('[') {
            return text.parse().map(|at: Zoned| Self::Exact(at.timestamp())).map_err(|_| NoMoment);
        }
        let exact = || text.parse().ok().map(Self::Exact);
        day().or_else(exact).or_else(|| text.parse().ok().map(Self::Clock)).ok_or(NoMoment)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-12-20", "2026-12-20T00:00:00+01:00")]
    #[case(" 2026-12-20 09:30", "2026-12-20T09:30:00+01:00")]
    #[case("2026-07-20T09:30:00", "2026-07-20T09:30:00+02:00")]
    #[case("2026-12-20T09:30:00Z", "2026-12-20T09:30:00Z")]
    #[case("2026-12-20 09:30:00-05:00", "2026-12-20T09:30:00-05:00")]
    #[case("2026-12-20T09:30[America/New_York]", "2026-12-20T09:30:00-05:00")]
    fn as_people_write_it(#[case] text: &str, #[case] expected: Timestamp) {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(text.parse::<Moment>().unwrap().at(&berlin), Some(expected));
    }

    #[rstest]
    #[case("")]
    #[case("soon")]
    #[case("09:30")]
    #[case("20.12.2026")]
    #[case("2026-13-01")]
    #[case("2026-02-30")]
    #[case("2026-12-20T09:30[Nowhere/Else]")]
    fn what_is_none(#[case] text: &str) {
        assert_eq!(text.parse::<Moment>(), Err(NoMoment));
    }
}
