//! `[[rule]]`: that every rule can be read, does one thing, and can match.
//!
//! `written` is what stands in the file, `then` and this file make the engine's rules of it, `sense` looks
//! at all rules together (`order` finds what stands above what, `doubts` what hardly ever holds), `expect` reads `[[test]]`, `times` windows of time
//! and lists of holidays.

pub(super) mod written;

pub(super) mod expect;
pub(super) mod sense;

mod doubts;
mod order;
mod then;
mod times;
mod values;

pub(super) use then::is_field_name;
pub(super) use values::bound;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use strum::VariantArray;

use super::document::KeyPath;
use super::file::File;
use super::handover;
use super::include::Placed;
use super::problems::Report;
use super::succession;
use super::values::{As, Several, Text};
use crate::mail::plain;
use crate::mail::{Evidence, Kind, PersonName, PersonaName};
use crate::rules::{Condition, Content, Finding, Method, Pattern, Rule, Rules, When, defaults};

/// How deep `not` and `any` may stand in each other: deeper nobody reads.
const DEEPEST: usize = 16;
/// Octets of the name of a rule: it stands in each line of the log.
const LONGEST_NAME: usize = 200;

/// The rules, as far as they are right: one for each that is written.
pub(super) fn check(written: &Placed<written::Rule>, file: &File, report: &mut Report<'_>) -> Rules {
    let mut reader = Reader { file, report: &mut *report, lists: times::Lists::default() };
    let rules = written.iter().map(|(at, rule)| reader.rule(at, rule)).collect();
    names_differ(written, report);
    Rules::new(rules)
}

/// Reads rules.
struct Reader<'r, 't> {
    file: &'r File,
    report: &'r mut Report<'t>,
    /// The lists of holidays that were read.
    lists: times::Lists,
}

impl Reader<'_, '_> {
    fn rule(&mut self, at: &KeyPath, written: &written::Rule) -> Rule {
        let name = written.name.as_ref().map(|As(name)| name.clone());
        if name.is_none() {
            self.report.missing(&at.key("name"), "what the log calls this rule, in quotes");
        }
        let when = self.when(&written.when, &at.key("when"), 0);
        let (decision, additions) = self.then(at, written);
        Rule { name: name.unwrap_or_default(), when, decision, additions }
    }

    fn when(&mut self, written: &written::When, at: &KeyPath, depth: usize) -> When {
        if depth > DEEPEST {
            self.report.mistake(at, format!("stands deeper than {DEEPEST} levels of not and any; write it flatter"));
            return When::default();
        }
        let mut all = Vec::new();
        let personas = self.names(written.persona.as_ref(), &at.key("persona"), "persona", self.file.personas.keys());
        all.extend(personas.map(|names| Condition::Persona(names.into_iter().map(PersonaName).collect())));
        let people = self.names(written.person.as_ref(), &at.key("person"), "person", self.file.people.keys());
        all.extend(people.map(|names| Condition::Person(self.people_now(&names, &at.key("person")))));
        all.extend(self.values::<Kind>(written.kind.as_ref(), &at.key("kind")).map(Condition::Kind));
        all.extend(self.values::<Evidence>(written.evidence.as_ref(), &at.key("evidence")).map(Condition::Evidence));
        all.extend(self.patterns(written.recipient.as_ref(), &at.key("recipient")).map(Condition::Recipient));
        all.extend(written.first_reply.map(|As(wanted)| Condition::FirstReply(wanted)));
        if let Some(Several(ages)) = &written.thread_age {
            self.is_not_empty(ages.is_empty(), &at.key("thread_age"));
            all.push(Condition::ThreadAge(ages.iter().map(|age| **age).collect()));
        }
        all.extend(self.patterns(written.campaign.as_ref(), &at.key("campaign")).map(Condition::Campaign));
        all.extend(written.time.as_ref().map(|windows| Condition::Time(self.windows(windows, &at.key("time")))));
        all.extend(self.content(written, at).into_iter().map(Condition::Content));
        if let Some(not) = &written.not {
            all.push(Condition::Not(self.when(not, &at.key("not"), depth + 1)));
        }
        if let Some(any) = &written.any {
            let at = at.key("any");
            self.is_not_empty(any.0.is_empty(), &at);
            let each = any.0.iter().enumerate();
            all.push(Condition::Any(each.map(|(index, when)| self.when(when, &at.item(index), depth + 1)).collect()));
        }
        When(all)
    }

    fn content(&mut self, written: &written::When, at: &KeyPath) -> Vec<Content> {
        let mut all = Vec::new();
        all.extend(self.patterns(written.from.as_ref(), &at.key("from")).map(Content::From));
        all.extend(self.patterns(written.to.as_ref(), &at.key("to")).map(Content::To));
        all.extend(self.patterns(written.subject.as_ref(), &at.key("subject")).map(Content::Subject));
        all.extend(written.header.as_ref().map(|fields| Content::Header(self.header(fields, &at.key("header")))));
        all.extend(self.patterns(written.body.as_ref(), &at.key("body")).map(Content::Body));
        all.extend(self.patterns(written.attachment.as_ref(), &at.key("attachment")).map(Content::Attachment));
        if let Some(Several(sizes)) = &written.size {
            self.is_not_empty(sizes.is_empty(), &at.key("size"));
            all.push(Content::Size(sizes.iter().map(|size| **size).collect()));
        }
        all.extend(written.auth.as_ref().map(|methods| Content::Auth(self.auth(methods, &at.key("auth")))));
        all.extend(written.spam.map(|As(wanted)| Content::Spam(wanted)));
        all
    }

    fn auth(&mut self, written: &written::Auth, at: &KeyPath) -> BTreeMap<Method, Vec<Finding>> {
        let mut methods = BTreeMap::new();
        for method in Method::VARIANTS {
            let wanted = match method {
                Method::Dmarc => &written.dmarc,
                Method::Spf => &written.spf,
                Method::Dkim => &written.dkim,
                Method::Arc => &written.arc,
            };
            let Some(wanted) = wanted else { continue };
            let at = at.key(<&str>::from(*method));
            self.is_not_empty(wanted.0.is_empty(), &at);
            let each = wanted.0.iter().enumerate();
            let findings = each.filter_map(|(index, As(word))| self.finding(*method, word, &at.item(index)));
            methods.insert(*method, findings.collect());
        }
        self.is_not_empty(methods.is_empty(), at);
        methods
    }

    /// What the method may find, since it never finds anything else.
    fn finding(&mut self, method: Method, word: &str, at: &KeyPath) -> Option<Finding> {
        let found = method.findings().iter().find(|finding| finding.to_string() == word).copied();
        if found.is_none() {
            let words: Vec<String> = method.findings().iter().map(ToString::to_string).collect();
            unknown_word(word, &words, at, self.report);
        }
        found
    }

    fn header(&mut self, fields: &BTreeMap<String, Several<Text>>, at: &KeyPath) -> BTreeMap<String, Vec<Pattern>> {
        self.is_not_empty(fields.is_empty(), at);
        let mut header = BTreeMap::new();
        for (name, patterns) in fields {
            if !is_field_name(name) {
                self.report.mistake(&at.key(name), "is no name of a header field");
            }
            header.insert(name.clone(), self.patterns(Some(patterns), &at.key(name)).unwrap_or_default());
        }
        header
    }

    /// Names among those that are `known`, of people or of personas.
    fn names<'k>(
        &mut self,
        written: Option<&Several<String>>,
        at: &KeyPath,
        what: &str,
        known: impl Iterator<Item = &'k String>,
    ) -> Option<Vec<String>> {
        let Several(names) = written?;
        self.is_not_empty(names.is_empty(), at);
        let known: Vec<&str> = known.map(String::as_str).collect();
        for (index, As(name)) in names.iter().enumerate() {
            if let Some(left) = succession::left(name, self.file).filter(|_| what == "persona") {
                self.report.mistake(&at.item(index), left);
            } else if !known.contains(&name.as_str()) {
                let near = self.report.did_you_mean(name, known.iter().copied());
                self.report.mistake(&at.item(index), format!("there is no {what} {name:?}{near}"));
            }
        }
        Some(names.iter().map(|name| name.0.clone()).collect())
    }

    /// Those whom names of people mean today.
    fn people_now(&mut self, names: &[String], at: &KeyPath) -> Vec<PersonName> {
        for (index, name) in names.iter().enumerate() {
            handover::says_whom_it_means(name, &at.item(index), self.file, self.report);
        }
        names.iter().map(|name| PersonName(handover::now(name, self.file).into())).collect()
    }

    /// Values of a closed list.
    fn values<T: VariantArray + Display + Copy>(
        &mut self,
        written: Option<&Several<String>>,
        at: &KeyPath,
    ) -> Option<Vec<T>> {
        let Several(words) = written?;
        self.is_not_empty(words.is_empty(), at);
        let each = words.iter().enumerate();
        Some(each.filter_map(|(index, As(word))| value(word, &at.item(index), self.report)).collect())
    }

    fn patterns(&mut self, written: Option<&Several<Text>>, at: &KeyPath) -> Option<Vec<Pattern>> {
        let Several(texts) = written?;
        self.is_not_empty(texts.is_empty(), at);
        let mut patterns = Vec::new();
        for (index, As(Text(text))) in texts.iter().enumerate() {
            match Pattern::new(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.report.mistake(&at.item(index), format!("{text:?} is no pattern: {error}")),
            }
        }
        Some(patterns)
    }

    /// A list of nothing holds never, which nobody means.
    fn is_not_empty(&mut self, is_empty: bool, at: &KeyPath) {
        if is_empty {
            self.report.incomplete(at, "is empty: nothing could match it; leave it out");
        }
    }
}

/// A word of a closed list.
fn value<T: VariantArray + Display + Copy>(word: &str, at: &KeyPath, report: &mut Report<'_>) -> Option<T> {
    let found = T::VARIANTS.iter().find(|value| value.to_string() == word).copied();
    if found.is_none() {
        let words: Vec<String> = T::VARIANTS.iter().map(ToString::to_string).collect();
        unknown_word(word, &words, at, report);
    }
    found
}

fn unknown_word(word: &str, words: &[String], at: &KeyPath, report: &mut Report<'_>) {
    let near = report.did_you_mean(word, words.iter().map(String::as_str));
    report.mistake(at, format!("{word:?} is none of {}{near}", words.join(", ")));
}

/// A name stands in one line of the log, and means one rule.
fn names_differ(written: &Placed<written::Rule>, report: &mut Report<'_>) {
    let mut seen: HashMap<&str, &KeyPath> = HashMap::new();
    for (at, rule) in written {
        let Some(As(name)) = &rule.name else { continue };
        let key = at.key("name");
        if name.contains(plain::is_control) {
            report.mistake(&key, "holds a control character, or one that turns the direction of reading");
        }
        if name.len() > LONGEST_NAME {
            let message = format!("is too long: {} octets; {LONGEST_NAME} at most", name.len());
            report.mistake(&key, message);
        }
        if name == defaults::NAME {
            report.mistake(&key, "is what the log calls the defaults; choose another name");
        }
        if let Some(other) = seen.insert(name, at) {
            let (file, line) = report.place_of(other);
            report.mistake(&key, format!("is the name of the rule in {}:{line} too", file.display()));
        }
    }
}
