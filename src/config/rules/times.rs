//! `when.time`: windows of time, their zones, and lists of holidays.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::{self, TimeZone};

use crate::config::document::KeyPath;
use crate::config::values::{As, Several, Table};
use crate::rules::{Days, Holidays, TimeOfDay, Window, Zone};

use super::Reader;
use super::values::OneOrTables;
use super::written::Time;

/// Octets of a list of holidays: more is another file.
const LARGEST: u64 = 1 << 20;

/// So many lines of one list are told that are no dates.
const MOST_TOLD: usize = 10;

/// The lists that were read, by their paths; nothing where one cannot be used, which was said.
pub(super) type Lists = HashMap<PathBuf, Option<Arc<Holidays>>>;

impl Reader<'_, '_> {
    /// The windows, as far as they can be read.
    pub(super) fn windows(&mut self, OneOrTables(written): &OneOrTables<Time>, at: &KeyPath) -> Vec<Window> {
        self.is_not_empty(written.is_empty(), at);
        let each = written.iter().enumerate();
        each.filter_map(|(index, Table(window))| self.window(window, &at.item(index))).collect()
    }

    fn window(&mut self, written: &Time, at: &KeyPath) -> Option<Window> {
        let Time { days, from, to, zone, holidays } = written;
        let is_empty = days.is_none() && from.is_none() && to.is_none() && holidays.is_none();
        if is_empty {
            self.report.incomplete(at, "names no days, no hours and no holidays: it would always hold");
        }
        let (from, to) = (from.map_or(TimeOfDay::FIRST, |As(time)| time), to.map_or(TimeOfDay::END, |As(time)| time));
        if from == to || from == TimeOfDay::END {
            self.report.mistake(&at.key("to"), format!("{from} to {to} is no time; a whole day is 00:00 to 24:00"));
        }
        Some(Window {
            days: days.as_ref().map_or(Days::ALL, |days| self.days(days, &at.key("days"))),
            from,
            to,
            holidays: holidays.as_ref().and_then(|As(path)| self.holidays(path, &at.key("holidays"))),
            zone: self.zone(zone.as_ref(), at)?,
        })
    }

    fn days(&mut self, Several(written): &Several<String>, at: &KeyPath) -> Days {
        self.is_not_empty(written.is_empty(), at);
        let mut days = Days::default();
        for (index, As(word)) in written.iter().enumerate() {
            if !days.add(word) {
                let message =
                    format!(r#"{word:?} is no day; expected "mon" to "sun", or a row of days such as "mon-fri""#);
                self.report.mistake(&at.item(index), message);
            }
        }
        days
    }

    /// The zone of that name, or the system's.
    fn zone(&mut self, written: Option<&As<String>>, at: &KeyPath) -> Option<Zone> {
        let Some(As(name)) = written else {
            let system = TimeZone::try_system();
            let unknown = |error| {
                self.report.mistake(at, format!("names no zone, and the system's cannot be told: {error}; write zone"));
            };
            return system.map_err(unknown).ok().map(|rules| Zone { name: None, rules });
        };
        let known = TimeZone::get(name);
        let unknown = |_| {
            let message = if tz::db().is_definitively_empty() {
                "cannot be looked up: the system has no time zones; install them (tzdata)".to_owned()
            } else {
                format!(r#"the system knows no zone {name:?}; expected a name such as "Europe/Paris""#)
            };
            self.report.mistake(&at.key("zone"), message);
        };
        known.map_err(unknown).ok().map(|rules| Zone { name: Some(name.clone()), rules })
    }

    fn holidays(&mut self, written: &Path, at: &KeyPath) -> Option<Arc<Holidays>> {
        let path = self.report.folder_of(at).join(written);
        if let Some(before) = self.lists.get(&path) {
            return before.clone();
        }
        let list = self.read_holidays(written, &path, at).map(Arc::new);
        self.lists.insert(path, list.clone());
        list
    }

    fn read_holidays(&mut self, written: &Path, path: &Path, at: &KeyPath) -> Option<Holidays> {
        let is_list = |path: &Path| fs::metadata(path).map(|file| file.is_file() && file.len() <= LARGEST);
        let text = match is_list(path)
            .and_then(|is_list| if is_list { fs::read_to_string(path).map(Some) } else { Ok(None) })
        {
            Ok(Some(text)) => text,
            Ok(None) => {
                self.report.mistake(at, format!("{} is no list: a text file of dates", path.display()));
                return None;
            }
            Err(error) => {
                self.report.mistake(at, format!("{} cannot be read: {error}", path.display()));
                return None;
            }
        };
        let wrong = match Holidays::read(written.to_string_lossy(), &text) {
            Ok(holidays) => return Some(holidays),
            Err(wrong) => wrong,
        };
        for line in wrong.into_iter().take(MOST_TOLD) {
            self.report.mistake(at, format!("{}:{}: {line}", path.display(), line.number));
        }
        None
    }
}
