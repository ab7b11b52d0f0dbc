//! Windows of time: days of the week and hours of the day, in a zone, without holidays.
//!
//! The clock on the wall of the zone decides: an hour that comes twice, when clocks are set back, counts both
//! times, and one that is left out does not come. A window that goes over midnight belongs to the day on which
//! it begins.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

/// A window that comes again on days of the week.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The days on which it begins; at least one.
    pub days: Days,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it is over; not after `from`: on the next day.
    pub to: TimeOfDay,
    /// Whose clock.
    pub zone: Zone,
    /// The days on which it does not begin.
    pub holidays: Option<Arc<Holidays>>,
}

/// Days of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days([bool; 7]);

/// A time of the day, to the minute: `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name, where one is written; else it is the system's.
    pub name: Option<String>,
    /// Its rules.
    pub rules: TimeZone,
}

/// Days on which nobody works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays {
    /// The file that lists them, as it is written.
    pub file: String,
    /// In one year.
    once: BTreeSet<Date>,
    /// In every year: month and day.
    yearly: BTreeSet<(i8, i8)>,
}

/// A line that is no holiday.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line:?} begins with no date; expected a line such as \"2026-12-25\", or \"12-25\" for every year")]
pub struct NoHoliday {
    /// Its number, from 1.
    pub number: usize,
    line: String,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn holds(&self, now: Timestamp) -> bool {
        let wall = self.zone.rules.to_datetime(now);
        let (today, time) = (wall.date(), TimeOfDay::of(wall.time()));
        if !self.is_over_midnight() {
            return self.begins_on(today) && self.from <= time && time < self.to;
        }
        let began_yesterday = || today.yesterday().is_ok_and(|yesterday| self.begins_on(yesterday));
        (self.from <= time && self.begins_on(today)) || (time < self.to && began_yesterday())
    }

    /// Whether every moment lies in it.
    pub fn is_always(&self) -> bool {
        let is_whole_day = self.from == TimeOfDay::FIRST && self.to == TimeOfDay::END;
        is_whole_day && self.days == Days::ALL && self.holidays.is_none()
    }

    /// Whether every moment of `other` lies in it, as far as it is easily seen.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_wide = self.from <= other.from && self.to >= other.to;
        let days = self.days.0.iter().zip(other.days.0).all(|(wide, narrow)| *wide || !narrow);
        let is_alike = self.zone == other.zone && (self.holidays.is_none() || self.holidays == other.holidays);
        self == other || (is_alike && days && is_wide && !self.is_over_midnight() && !other.is_over_midnight())
    }

    fn is_over_midnight(&self) -> bool {
        self.to <= self.from
    }

    fn begins_on(&self, date: Date) -> bool {
        self.days.contain(date.weekday()) && !self.holidays.as_ref().is_some_and(|holidays| holidays.contain(date))
    }
}

/// The days as they are written, Monday first.
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Days {
    /// Every day.
    pub const ALL: Self = Self([true; 7]);

    /// Adds a day, `"sat"`, or several in a row, `"mon-fri"`; false where it is neither.
    pub fn add(&mut self, written: &str) -> bool {
        let place = |name: &str| NAMES.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
        let (first, last) = written.split_once('-').unwrap_or((written, written));
        let (Some(first), Some(last)) = (place(first), place(last)) else { return false };
        let count = (last + 7 - first) % 7 + 1;
        for day in (first..).take(count) {
            if let Some(day) = self.0.get_mut(day % 7) {
                *day = true;
            }
        }
        true
    }

    /// Whether it is one of them.
    fn contain(self, day: Weekday) -> bool {
        let place = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.0.get(place).is_some_and(|is_one| *is_one)
    }

    /// As they are written: three and more in a row as `mon-wed`.
    pub(super) fn written(self) -> Vec<String> {
        let mut rows: Vec<(usize, usize)> = Vec::new();
        for day in (0..7).filter(|day| self.0.get(*day) == Some(&true)) {
            match rows.last_mut() {
                Some((_, last)) if *last + 1 == day => *last = day,
                Some(_) | None => rows.push((day, day)),
            }
        }
        let name = |day: usize| NAMES.get(day).copied().unwrap_or_default().to_owned();
        let row = |(first, last): (usize, usize)| match last - first {
            0 => vec![name(first)],
            1 => vec![name(first), name(last)],
            _ => vec![format!("{}-{}", name(first), name(last))],
        };
        rows.into_iter().flat_map(row).collect()
    }
}

impl TimeOfDay {
    /// `00:00`.
    pub const FIRST: Self = Self(0);
    /// `24:00`, with which the day is over.
    pub const END: Self = Self(24 * 60);

    /// A time that is written as `09:30`.
    pub fn read(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let number = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
            is_number.then(|| text.parse::<u16>().ok()).flatten()
        };
        let (hour, minute) = (number(hour)?, number(minute).filter(|minute| *minute < 60)?);
        Some(Self(hour * 60 + minute)).filter(|time| *time <= Self::END)
    }

    fn of(time: Time) -> Self {
        let minutes = i16::from(time.hour()) * 60 + i16::from(time.minute());
        Self(minutes.unsigned_abs())
    }
}

impl fmt::Display for TimeOfDay {
    /// `09:30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Holidays {
    /// Reads a list: a date a line, perhaps with a name behind it; `#` begins a comment.
    ///
    /// # Errors
    /// Every line that is something else.
    pub fn read(file: impl Into<String>, text: &str) -> Result<Self, Vec<NoHoliday>> {
        let mut holidays = Self { file: file.into(), ..Self::default() };
        let mut wrong = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let Some(word) = line.split('#').next().and_then(|rest| rest.split_whitespace().next()) else { continue };
            if !holidays.add(word) {
                wrong.push(NoHoliday { number: index + 1, line: line.trim().chars().take(80).collect() });
            }
        }
        if wrong.is_empty() { Ok(holidays) } else { Err(wrong) }
    }

    fn add(&mut self, word: &str) -> bool {
        let is_date = word.bytes().all(|c| c.is_ascii_digit() || c == b'-');
        let date = |text: &str| text.parse::<Date>().ok().filter(|_| is_date);
        // Of every year, the 29th of February comes in some.
        match (word.len(), date(word), date(&format!("2000-{word}"))) {
            (10, Some(date), _) => self.once.insert(date),
            (5, _, Some(date)) => self.yearly.insert((date.month(), date.day())),
            _ => return false,
        };
        true
    }

    fn contain(&self, date: Date) -> bool {
        self.once.contains(&date) || self.yearly.contains(&(date.month(), date.day()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn window(days: &str, from: &str, to: &str, zone: &str) -> Window {
        let mut set = Days::default();
        assert!(days.split(' ').all(|day| set.add(day)), "{days}");
        let time = |text| TimeOfDay::read(text).unwrap();
        let zone = Zone { name: Some(zone.into()), rules: TimeZone::get(zone).unwrap() };
        Window { days: set, from: time(from), to: time(to), zone, holidays: None }
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Zoned>().map(|zoned| zoned.timestamp()).or_else(|_| text.parse()).unwrap()
    }

    #[rstest]
    // 2026-11-23 is a Monday.
    #[case("mon-fri", "09:00", "17:30", "2026-11-23T09:00[Europe/Paris]", true)]
    #[case("mon-fri", "09:00", "17:30", "2026-11-23T08:59:59[Europe/Paris]", false)]
    #[case("mon-fri", "09:00", "17:30", "2026-11-23T17:29:59[Europe/Paris]", true)]
    #[case("mon-fri", "09:00", "17:30", "2026-11-23T17:30[Europe/Paris]", false)]
    #[case("mon-fri", "09:00", "17:30", "2026-11-22T10:00[Europe/Paris]", false)]
    #[case("mon-fri", "09:00", "17:30", "2026-11-23T08:30:00Z", true)]
    #[case("mon-fri", "09:00", "17:30", "2026-07-20T07:00:00Z", true)]
    #[case("mon-fri", "09:00", "17:30", "2026-07-20T06:59:59Z", false)]
    #[case("sat sun", "00:00", "24:00", "2026-11-22T23:59:59[Europe/Paris]", true)]
    #[case("sat sun", "00:00", "24:00", "2026-11-23T00:00[Europe/Paris]", false)]
    // Over midnight: the day is that on which it began.
    #[case("fri", "22:00", "06:00", "2026-11-20T22:00[Europe/Paris]", true)]
    #[case("fri", "22:00", "06:00", "2026-11-21T05:59[Europe/Paris]", true)]
    #[case("fri", "22:00", "06:00", "2026-11-21T06:00[Europe/Paris]", false)]
    #[case("fri", "22:00", "06:00", "2026-11-20T05:00[Europe/Paris]", false)]
    #[case("fri", "22:00", "06:00", "2026-11-21T22:00[Europe/Paris]", false)]
    #[case("fri", "18:00", "00:00", "2026-11-20T23:59[Europe/Paris]", true)]
    #[case("fri", "18:00", "00:00", "2026-11-21T00:00[Europe/Paris]", false)]
    // Clocks are set back at 03:00 on 2026-10-25: what is on the wall twice counts twice.
    #[case("sun", "02:00", "02:30", "2026-10-25T00:15:00Z", true)]
    #[case("sun", "02:00", "02:30", "2026-10-25T00:45:00Z", false)]
    #[case("sun", "02:00", "02:30", "2026-10-25T01:15:00Z", true)]
    #[case("sun", "02:00", "02:30", "2026-10-25T01:30:00Z", false)]
    // Clocks are set forward from 02:00 to 03:00 on 2026-03-29.
    #[case("sun", "01:30", "02:30", "2026-03-29T00:59:59Z", true)]
    #[case("sun", "01:30", "02:30", "2026-03-29T01:00:00Z", false)]
    #[case("sun", "02:30", "03:30", "2026-03-29T01:00:00Z", true)]
    #[case("sun", "02:30", "03:30", "2026-03-29T01:30:00Z", false)]
    fn moments(#[case] days: &str, #[case] from: &str, #[case] to: &str, #[case] moment: &str, #[case] holds: bool) {
        assert_eq!(window(days, from, to, "Europe/Paris").holds(at(moment)), holds);
    }

    #[test]
    fn a_holiday_is_outside_and_so_is_the_night_that_it_begins() {
        let text = "# France\n12-25 Noël\n\n2026-04-06\tLundi de Pâques # moves\n02-29\n";
        let holidays = Some(Arc::new(Holidays::read("fr.txt", text).unwrap()));
        let day = Window { holidays: holidays.clone(), ..window("mon-sun", "09:00", "17:30", "Europe/Paris") };
        for (moment, holds) in [
            ("2026-12-25T10:00[Europe/Paris]", false),
            ("2031-12-25T10:00[Europe/Paris]", false),
            ("2026-12-24T10:00[Europe/Paris]", true),
            ("2026-04-06T10:00[Europe/Paris]", false),
            ("2027-04-06T10:00[Europe/Paris]", true),
            ("2028-02-29T10:00[Europe/Paris]", false),
        ] {
            assert_eq!(day.holds(at(moment)), holds, "{moment}");
        }
        let night = Window { holidays, ..window("mon-sun", "22:00", "06:00", "Europe/Paris") };
        for (moment, holds) in [
            ("2026-12-24T23:00[Europe/Paris]", true),
            ("2026-12-25T05:00[Europe/Paris]", true),
            ("2026-12-25T23:00[Europe/Paris]", false),
            ("2026-12-26T05:00[Europe/Paris]", false),
        ] {
            assert_eq!(night.holds(at(moment)), holds, "{moment}");
        }
    }

    #[test]
    fn lines_that_are_no_dates_are_told() {
        let text = "12-25\n25.12.\n2026-13-01\n2026-02-29\n12-32\n2026-12-25T10:00\n1-1\n";
        let wrong = Holidays::read("fr.txt", text).unwrap_err();
        assert_eq!(wrong.iter().map(|wrong| wrong.number).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
        let expected =
            r#""25.12." begins with no date; expected a line such as "2026-12-25", or "12-25" for every year"#;
        assert_eq!(wrong[0].to_string(), expected);
    }

    #[rstest]
    #[case("mon-fri", &["mon-fri"])]
    #[case("sat sun", &["sat", "sun"])]
    #[case("fri-mon", &["mon", "fri-sun"])]
    #[case("Mon WED", &["mon", "wed"])]
    #[case("tue-tue", &["tue"])]
    #[case("mon-sun", &["mon-sun"])]
    #[case("wed-tue", &["mon-sun"])]
    fn days(#[case] written: &str, #[case] printed: &[&str]) {
        let mut days = Days::default();
        assert!(written.split(' ').all(|day| days.add(day)));
        assert_eq!(days.written(), printed);
    }

    #[test]
    fn what_is_no_day_and_no_time() {
        for wrong in ["", "monday", "mon-", "-", "mon-fri-sat", "1"] {
            assert!(!Days::default().add(wrong), "{wrong}");
        }
        for wrong in ["9:00", "09:60", "24:01", "25:00", "09", "09:00:00", "+9:00", "aa:bb", ""] {
            assert_eq!(TimeOfDay::read(wrong), None, "{wrong}");
        }
        assert_eq!(
            ["00:00", "09:05", "24:00"].map(|text| TimeOfDay::read(text).unwrap().to_string()),
            ["00:00", "09:05", "24:00"]
        );
    }

    #[test]
    fn a_window_covers_what_lies_in_it() {
        let week = window("mon-fri", "09:00", "17:30", "Europe/Paris");
        let morning = window("mon tue", "09:00", "12:00", "Europe/Paris");
        assert!(week.covers(&morning) && week.covers(&week) && !morning.covers(&week));
        assert!(!week.covers(&Window { zone: window("mon", "00:00", "01:00", "Asia/Tokyo").zone, ..morning.clone() }));
        let holidays = Some(Arc::new(Holidays::read("fr.txt", "12-25").unwrap()));
        let closed = Window { holidays, ..week.clone() };
        assert!(week.covers(&closed) && !closed.covers(&morning), "a holiday may fall on a morning");
        let night = window("mon-fri", "22:00", "06:00", "Europe/Paris");
        assert!(night.covers(&night) && !night.covers(&window("mon", "23:00", "24:00", "Europe/Paris")));
        assert!(window("mon-sun", "00:00", "24:00", "UTC").is_always() && !week.is_always());
    }
}
