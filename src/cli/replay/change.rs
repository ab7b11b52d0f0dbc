//! One change: a message, a recipient, and what differs.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use strum::VariantArray;

use crate::cli::sheet::{Row, Sheet, Signs};
use crate::mail::Address;
use crate::message::Message;

use super::outcome::{Aspect, Outcome};

/// Where a message was found, and what it is called.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Place {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    subject: Option<String>,
}

/// What differs for one recipient.
#[derive(Debug, Serialize)]
pub(super) struct Change<'a> {
    #[serde(flatten)]
    place: &'a Place,
    recipient: Option<String>,
    pub(super) changes: BTreeMap<Aspect, Difference<'a>>,
}

/// One thing before and after; nothing where it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Difference<'a> {
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
}

impl Place {
    /// `index` is the place in an mbox.
    pub(super) fn new(file: &Path, index: Option<usize>, message: &Message) -> Self {
        Self { file: file.display().to_string(), index, subject: message.subject().map(str::to_owned) }
    }
}

impl<'a> Change<'a> {
    /// `None` where nothing differs.
    pub(super) fn new(place: &'a Place, to: Option<&Address>, before: &'a Outcome, after: &'a Outcome) -> Option<Self> {
        let difference = |aspect: Aspect| Difference { before: before.said(aspect), after: after.said(aspect) };
        let all = Aspect::VARIANTS.iter().map(|aspect| (*aspect, difference(*aspect)));
        let changes: BTreeMap<_, _> = all.filter(|(_, values)| values.before != values.after).collect();
        (!changes.is_empty()).then(|| Self { place, recipient: to.map(ToString::to_string), changes })
    }

    /// A block for people.
    pub(super) fn draw(&self, sheet: &mut Sheet, signs: Signs) {
        let index = self.place.index.map_or_else(String::new, |index| format!(" [{index}]"));
        sheet.headline(self.place.subject.as_deref().unwrap_or("(no subject)"));
        sheet.section("file", &[Row::text(format!("{}{index}", self.place.file))]);
        sheet.section("to", &[Row::text(self.recipient.as_deref().unwrap_or("nobody of ours"))]);
        let row =
            |(aspect, values): (&Aspect, &Difference<'_>)| Row::named(None, aspect.to_string(), values.in_words(signs));
        sheet.section("changes", &self.changes.iter().map(row).collect::<Vec<_>>());
        sheet.gap();
    }
}

impl Difference<'_> {
    /// `before → after`.
    pub(super) fn in_words(self, signs: Signs) -> String {
        let word = |value: Option<&str>| value.unwrap_or("nothing").to_owned();
        format!("{} {} {}", word(self.before), signs.arrow(), word(self.after))
    }
}
