//! What `explain` tells people: what the message is, and for each recipient the verdict, then all that led to it.

use std::path::Path;

use crate::cli::sheet::{Row, Sheet, Sign, Signs};
use crate::mail::ChoiceReason;

use super::evidence;
use super::report::{Before, Delivery, Edited, Inside, Learns, Line, Report, Rescued, RuleTried, Stamped};
use super::reported::Reported;
use super::verdict::{kind_in_words, verdict};

impl Report {
    /// All of it; `index` is the place in an mbox.
    pub(super) fn text(&self, file: &Path, index: Option<usize>, signs: Signs) -> String {
        let mut sheet = Sheet::new(signs);
        sheet.headline(self.subject.as_deref().filter(|subject| !subject.is_empty()).unwrap_or("(no subject)"));
        sheet.section("from", &[Row::text(self.author.as_deref().unwrap_or("nobody who can be read"))]);
        sheet.section("date", &only(self.date.as_deref()));
        let place = index.map_or_else(String::new, |index| format!(" [{index}]"));
        sheet.section("file", &[Row::text(format!("{}{place}", file.display()))]);
        let insider = self.lines.first().and_then(|line| line.insider.as_ref());
        let handed_on = self.lines.first().and_then(|line| line.handed_on.as_ref());
        sheet.section("handed on", &only(handed_on.map(Before::in_words)));
        sheet.section("insider", &only(insider.map(Inside::in_words)));
        let same_kind = self.lines.windows(2).all(|pair| matches!(pair, [one, other] if one.kind == other.kind));
        if let Some(first) = self.lines.first().filter(|_| same_kind) {
            sheet.section("kind", &first.kind_rows());
        }
        let reported = self.lines.first().map(|line| line.reported.iter().map(Reported::row).collect::<Vec<_>>());
        sheet.section("reported", &reported.unwrap_or_default());
        for line in &self.lines {
            sheet.gap();
            line.draw(&mut sheet, same_kind);
        }
        sheet.gap();
        sheet.into_text()
    }
}

impl Line {
    fn draw(&self, sheet: &mut Sheet, kind_is_told: bool) {
        let (sign, text) = verdict(self);
        sheet.verdict(sign, &text);
        if !kind_is_told {
            sheet.section("kind", &self.kind_rows());
        }
        sheet.section("evidence", &evidence::rows(&self.evidence_tried));
        sheet.section("rules", &self.rule_rows());
        sheet.section("stamp", &only(self.stamp.as_ref().map(Stamped::in_words)));
        sheet.section("edits", &self.edits.iter().map(|edit| Row::text(edit.in_words())).collect::<Vec<_>>());
        sheet.section("person", &only(self.chosen_in_words()));
        sheet.section("envelope", &self.deliveries.iter().map(|one| Row::text(one.in_words())).collect::<Vec<_>>());
        sheet.section("held", &only(self.reason.map(|reason| format!("below held/{reason}"))));
        sheet.section("fallback", &only(self.rescue.as_ref().map(Rescued::in_words)));
        sheet.section("copies", &self.copies.iter().map(Row::text).collect::<Vec<_>>());
        sheet.section("learns", &only(self.learns.as_ref().map(Learns::in_words)));
        let reply = self.reply.as_ref().map(|told| format!("{} {} {}", told.code, told.enhanced, told.text));
        sheet.section("reply", &only(reply));
    }

    /// Why this person answers, where there are others.
    fn chosen_in_words(&self) -> Option<String> {
        let (person, reason) = (self.person.as_ref()?, self.chosen.filter(|reason| *reason != ChoiceReason::Only)?);
        Some(format!("{person}: {} ({reason})", reason.meaning()))
    }

    /// What it is, then the signals, each with what it speaks for.
    fn kind_rows(&self) -> Vec<Row> {
        let signals = self.signals.iter().map(|signal| {
            let (kind, weight) = signal.speaks_for();
            let sign = if kind == self.kind { Sign::Yes } else { Sign::Neutral };
            let text = format!("{} for {kind}: {}", weight.word(), signal.meaning());
            Row::named(Some(sign), signal.to_string(), text)
        });
        let nothing = if self.signals.is_empty() { ": no signal of a machine" } else { "" };
        let kind = Row::named(None, self.kind.to_string(), kind_in_words(self.kind).to_owned() + nothing);
        [kind].into_iter().chain(signals).collect()
    }

    /// The rules that were asked; then the defaults, where they decide.
    fn rule_rows(&self) -> Vec<Row> {
        let decided = self.rules_tried.last().is_some_and(|last| last.answer != "no" && !last.goes_on);
        let rule = self.rule.as_deref().filter(|_| !decided);
        let why =
            if self.is_held_before_rules { "held before any rule is asked" } else { "decides, since no rule does" };
        let by_default = rule.map(|rule| Row::named(Some(Sign::Yes), rule, why));
        self.rules_tried.iter().map(RuleTried::row).chain(by_default).collect()
    }
}

impl RuleTried {
    fn row(&self) -> Row {
        let failed = self.failed.as_deref().unwrap_or_default();
        let (sign, text) = match (self.answer, self.goes_on) {
            ("yes", false) => (Sign::Yes, "decides".to_owned()),
            ("yes", true) => (Sign::Yes, "adds, and the next rule is asked".to_owned()),
            ("no", _) => (Sign::No, format!("{failed} does not hold")),
            _ => (Sign::Neutral, format!("{failed}: nobody can tell, since the thread index is away")),
        };
        Row::named(Some(sign), &self.rule, text)
    }
}

impl Delivery {
    fn in_words(&self) -> String {
        let from = self.from.as_deref().unwrap_or("a reverse path that the file does not tell");
        let others = self.fallback.iter().filter(|address| !self.to.contains(address)).map(String::as_str);
        let others = others.collect::<Vec<_>>().join(", ");
        let fallback =
            if others.is_empty() { String::new() } else { format!("; if the inbox refuses it, to {others}") };
        let to = if self.to.is_empty() { "every recipient".to_owned() } else { self.to.join(", ") };
        format!("to {to}, from {from}{fallback}")
    }
}

impl Edited {
    fn in_words(&self) -> String {
        let value = self.value.as_ref().map(|value| format!("adds {}: {value}", self.field));
        let before = || self.before.as_ref().map(|text| format!("writes {text} before the {}", self.field));
        value.or_else(before).unwrap_or_default()
    }
}

impl Stamped {
    fn in_words(&self) -> String {
        let id = self.message_id.as_deref().unwrap_or("no Message-ID");
        let seed = if self.seeded { "with seed" } else { "without seed" };
        let skipped =
            if self.skipped.is_empty() { String::new() } else { format!(", signed: {}", self.skipped.join(", ")) };
        format!("{id}, {seed}{skipped}")
    }
}

impl Before {
    fn in_words(&self) -> String {
        format!(
            "before, in transaction {}, by {}: judged as it came then, with what is known now",
            self.id, self.evidence
        )
    }
}

impl Inside {
    fn in_words(&self) -> String {
        let who = if self.people.is_empty() { "a persona".to_owned() } else { self.people.join(" or ") };
        let proof = if self.proved {
            "proved: the trusted Authentication-Results say so"
        } else {
            "not proved by a trusted Authentication-Results field: treated as anybody, but never a correspondent"
        };
        format!("{who}, {proof}")
    }
}

impl Rescued {
    fn in_words(&self) -> String {
        let Self { copy, to, why } = self;
        let to = if to.is_empty() {
            "would be held below held/undelivered".into()
        } else {
            format!("would go to {}", to.join(", "))
        };
        format!("{why}; the message {to}, once, as far as its copy {copy} is kept")
    }
}

impl Learns {
    fn in_words(&self) -> String {
        let with = if self.correspondents.is_empty() {
            String::new()
        } else {
            format!(" with {}", self.correspondents.join(", "))
        };
        format!("{} of {}, thread {}{with}", self.message_id, self.persona, self.thread)
    }
}

/// One row, where there is something to say.
fn only(text: Option<impl AsRef<str>>) -> Vec<Row> {
    text.into_iter().map(Row::text).collect()
}
