//! What `replay` counts: as much as there are kinds of changes, however much mail there is.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::cli::sheet::{Row, Sheet, Signs};
use crate::mail::{Address, FateName};

use super::change::{Change, Difference};
use super::outcome::{Aspect, Outcome};

/// The last line of JSON.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    pub(super) summary: &'a Tally,
}

/// Counts.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Messages that were judged.
    messages: usize,
    /// Messages of which nothing changes.
    unchanged: usize,
    /// Messages of which something changes, for one recipient or more.
    changed: usize,
    /// Messages without a recipient of ours under either configuration.
    without_recipient: usize,
    /// Recipients that are refused, or whose message is.
    refused: BeforeAndAfter,
    /// Recipients by the change of their fate.
    #[serde(serialize_with = "as_list")]
    fates: BTreeMap<Fates, usize>,
    /// Recipients whose fate stays, by what else changes; one may count under several.
    others: BTreeMap<Aspect, usize>,
    /// Files and folders that could not be read.
    pub(super) unreadable: usize,
}

#[derive(Debug, Default, Serialize)]
struct BeforeAndAfter {
    before: usize,
    after: usize,
}

/// From one fate to another; nothing where nobody of ours is a recipient.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Fates {
    before: Option<String>,
    after: Option<String>,
}

/// A line of the list in JSON.
#[derive(Serialize)]
struct Counted<'a> {
    #[serde(flatten)]
    fates: &'a Fates,
    count: usize,
}

impl Tally {
    /// Counts a message.
    pub(super) fn count(&mut self, outcomes: &[(Option<Address>, Outcome, Outcome)], changes: &[Change<'_>]) {
        self.messages += 1;
        if changes.is_empty() {
            self.unchanged += 1;
        } else {
            self.changed += 1;
        }
        for (to, before, after) in outcomes {
            self.without_recipient += usize::from(to.is_none());
            self.refused.before += usize::from(before.fate == Some(FateName::Reject));
            self.refused.after += usize::from(after.fate == Some(FateName::Reject));
        }
        changes.iter().for_each(|change| self.count_change(change));
    }

    fn count_change(&mut self, change: &Change<'_>) {
        if let Some(fate) = change.changes.get(&Aspect::Fate) {
            let fates = Fates { before: fate.before.map(str::to_owned), after: fate.after.map(str::to_owned) };
            *self.fates.entry(fates).or_default() += 1;
        } else {
            change.changes.keys().for_each(|aspect| *self.others.entry(*aspect).or_default() += 1);
        }
    }

    /// The end of the text for people.
    pub(super) fn draw(&self, sheet: &mut Sheet, signs: Signs) {
        let Self { messages, unchanged, changed, without_recipient, refused, unreadable, .. } = self;
        sheet.headline(&format!("{} read: {unchanged} unchanged, {changed} changed", counted(*messages, "message")));
        let others = self.others.iter().map(|(aspect, count)| row(*count, format!("same fate, other {aspect}")));
        sheet.section("changes", &self.fates(signs).into_iter().chain(others).collect::<Vec<_>>());
        let (before, after) = (refused.before, refused.after);
        if before + after > 0 {
            sheet.section("refused", &[Row::text(format!("{} before, {after} after", counted(before, "recipient")))]);
        }
        if *without_recipient > 0 {
            let text = format!("{}: name a recipient with --to", counted(*without_recipient, "message"));
            sheet.section("for nobody", &[Row::text(text)]);
        }
        if *unreadable > 0 {
            sheet.section("unreadable", &[Row::text(counted(*unreadable, "place"))]);
        }
    }

    /// The commonest first.
    fn fates(&self, signs: Signs) -> Vec<Row> {
        let mut all: Vec<_> = self.fates.iter().collect();
        all.sort_by_key(|(_, count)| Reverse(**count));
        let words = |Fates { before, after }: &Fates| {
            Difference { before: before.as_deref(), after: after.as_deref() }.in_words(signs)
        };
        all.into_iter().map(|(fates, count)| row(*count, words(fates))).collect()
    }
}

/// An object is no key in JSON.
fn as_list<S: Serializer>(fates: &BTreeMap<Fates, usize>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fates.iter().map(|(fates, count)| Counted { fates, count: *count }))
}

fn row(count: usize, text: String) -> Row {
    Row::named(None, format!("{count:>6}"), text)
}

/// `1 message`, `2 messages`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
