//! `then`: one fate, or `continue`, and additions that can be written.

use std::collections::BTreeMap;

use crate::config::document::KeyPath;
use crate::config::people;
use crate::config::values::{As, Rejection, Several, Text, WordOrTable};
use crate::rules::{Additions, Decision, Target};

use super::{Reader, unknown_word, written};

/// The fates that are one word.
const WORDS: [Decision; 4] = [Decision::Forward, Decision::Hold, Decision::Reject(None), Decision::Discard];

/// Octets of a text in a reply: its line may have 512 (RFC 5321 §4.5.3.1.5).
const LONGEST_REPLY: usize = 400;
/// Octets of a new field's value; a line may have 998 (RFC 5322 §2.1.1), and encoded words need room.
const LONGEST_VALUE: usize = 400;
/// Octets of a prefix: more leaves nothing of the subject on a screen.
const LONGEST_PREFIX: usize = 100;
/// Octets of the name of a field.
const LONGEST_NAME: usize = 64;

/// Fields that the writer, the mail system or we own: who adds one to them changes what the message says
/// about itself. Those with a `-` at the end are all that begin so.
const OWNED: [&str; 27] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "Date",
    "Received",
    "Return-Path",
    "Delivered-To",
    "Resent-",
    "MIME-Version",
    "Content-",
    "DKIM-Signature",
    "DomainKey-Signature",
    "ARC-",
    "Authentication-Results",
    "Received-SPF",
    "Auto-Submitted",
    "X-Sincerely",
    "X-Sincerely-",
    "Disposition-Notification-To",
    "Return-Receipt-To",
];

impl Reader<'_, '_> {
    /// The fate, where the rule has one, and what it adds.
    pub(super) fn then(&mut self, at: &KeyPath, written: &written::Rule) -> (Option<Decision>, Additions) {
        let key = at.key("then");
        let goes_on = written.r#continue.is_some_and(|As(goes_on)| goes_on);
        let (mut fates, additions) = match &written.then {
            None => {
                self.report.missing(&key, r#"what to do, such as "discard" or { forward_to = "tom" }"#);
                return (None, Additions::default());
            }
            Some(WordOrTable::Word(word)) => (self.word(word, &key), Additions::default()),
            Some(WordOrTable::Table(table)) => (self.fates(table, &key), self.additions(table, &key)),
        };
        match (goes_on, fates.as_slice()) {
            (true, [fate, ..]) => {
                let name = fate.key();
                self.report
                    .mistake(&key, format!("a rule that goes on (continue = true) has no fate; leave {name} out"));
            }
            (true, []) if additions.is_empty() => {
                self.report.incomplete(&key, "adds nothing: write copy_to, add_header or subject_prefix");
            }
            (false, []) => {
                let fates = WORDS.map(|decision| decision.key()).join(", ");
                self.report
                    .incomplete(&key, &format!("has no fate: write one of {fates} or forward_to, or continue = true"));
            }
            (false, [one, other, ..]) => {
                self.report.mistake(&key, format!("has two fates, {} and {}; keep one", one.key(), other.key()));
            }
            (true, []) | (false, [_]) => {}
        }
        let decision = (!fates.is_empty()).then(|| fates.remove(0)).filter(|_| !goes_on);
        self.additions_have_a_use(decision.as_ref(), &additions, &key);
        (decision, additions)
    }

    fn word(&mut self, word: &str, key: &KeyPath) -> Vec<Decision> {
        let found: Vec<Decision> = WORDS.into_iter().filter(|decision| decision.key() == word).collect();
        if found.is_empty() {
            unknown_word(word, &WORDS.map(|decision| decision.key().to_owned()), key, self.report);
        }
        found
    }

    fn fates(&mut self, written: &written::Then, key: &KeyPath) -> Vec<Decision> {
        let mut fates = Vec::new();
        let flags = [
            (written.forward, Decision::Forward),
            (written.hold, Decision::Hold),
            (written.discard, Decision::Discard),
        ];
        for (flag, decision) in flags {
            match flag {
                Some(As(true)) => fates.push(decision),
                Some(As(false)) => self.report.mistake(&key.key(decision.key()), "says nothing; leave it out"),
                None => {}
            }
        }
        if let Some(names) = &written.forward_to {
            fates.push(Decision::ForwardTo(self.targets(names, &key.key("forward_to"))));
        }
        if let Some(As(Rejection(words))) = &written.reject {
            if let Some(words) = words {
                self.fits_in_a_reply(words, &key.key("reject"));
            }
            fates.push(Decision::Reject(words.clone()));
        }
        fates
    }

    fn additions(&mut self, written: &written::Then, key: &KeyPath) -> Additions {
        let copy_to = written.copy_to.as_ref().map(|names| self.targets(names, &key.key("copy_to")));
        let add_header = written.add_header.as_ref().map(|fields| self.new_fields(fields, &key.key("add_header")));
        let prefix = written.subject_prefix.as_ref().map(|As(Text(prefix))| prefix.clone());
        if let Some(prefix) = &prefix {
            self.can_be_written(prefix, LONGEST_PREFIX, &key.key("subject_prefix"));
        }
        Additions {
            copy_to: copy_to.unwrap_or_default(),
            add_header: add_header.unwrap_or_default(),
            subject_prefix: prefix,
        }
    }

    fn targets(&mut self, names: &Several<String>, key: &KeyPath) -> Vec<Target> {
        if names.0.is_empty() {
            self.report.incomplete(key, "is empty: name a person, a persona or an address");
        }
        let each = names.0.iter().enumerate();
        each.filter_map(|(index, As(name))| people::target(name, &key.item(index), self.file, self.report)).collect()
    }

    fn new_fields(&mut self, written: &BTreeMap<String, As<Text>>, key: &KeyPath) -> BTreeMap<String, String> {
        if written.is_empty() {
            self.report.incomplete(key, r#"is empty: write a field, such as { "X-Team" = "sales" }"#);
        }
        for (name, As(Text(value))) in written {
            let key = key.key(name);
            if !is_field_name(name) {
                self.report.mistake(&key, "is no name of a header field");
            } else if is_owned(name) {
                self.report.mistake(
                    &key,
                    "is a field that a rule may not add; a name of your own begins with X-, but not with X-Sincerely",
                );
            }
            self.can_be_written(value, LONGEST_VALUE, &key);
        }
        written.iter().map(|(name, As(Text(value)))| (name.clone(), value.clone())).collect()
    }

    /// A text for a header field: one line of it. What is not ASCII becomes encoded words.
    fn can_be_written(&mut self, text: &str, longest: usize, key: &KeyPath) {
        if text.trim().is_empty() {
            self.report.mistake(key, "is empty");
        } else if text.contains(char::is_control) {
            self.report.mistake(key, "holds a line break or another control character");
        } else if text.len() > longest {
            self.report.mistake(key, format!("is too long: {} octets; {longest} at most", text.len()));
        } else if text.split_once("=?").is_some_and(|(_, rest)| rest.contains("?=")) {
            self.report
                .mistake(key, "is an encoded word (RFC 2047): write what it says, it is encoded where it must be");
        }
    }

    fn fits_in_a_reply(&mut self, words: &str, key: &KeyPath) {
        if words.len() > LONGEST_REPLY || !words.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            let message = format!("must be one line of {LONGEST_REPLY} ASCII characters at most: it stands in a reply");
            self.report.mistake(key, message);
        }
    }

    /// Additions go with what is handed on.
    fn additions_have_a_use(&mut self, decision: Option<&Decision>, additions: &Additions, key: &KeyPath) {
        let changes = !additions.add_header.is_empty() || additions.subject_prefix.is_some();
        match decision {
            Some(Decision::Reject(_)) if !additions.is_empty() => {
                self.report.mistake(key, "what is rejected goes to nobody: leave the additions out");
            }
            Some(Decision::Hold | Decision::Discard) if changes && additions.copy_to.is_empty() => {
                self.report
                    .warn(key, "what is held stays as it came: add_header and subject_prefix change copies only");
            }
            Some(_) | None => {}
        }
    }
}

/// RFC 5322 §3.6.8: printable ASCII without the colon.
pub(in crate::config) fn is_field_name(name: &str) -> bool {
    let is_name = name.chars().all(|c| c.is_ascii_graphic() && c != ':');
    is_name && !name.is_empty() && name.len() <= LONGEST_NAME
}

fn is_owned(name: &str) -> bool {
    OWNED.iter().any(|owned| match owned.strip_suffix('-') {
        Some(_) => name.get(..owned.len()).is_some_and(|start| start.eq_ignore_ascii_case(owned)),
        None => name.eq_ignore_ascii_case(owned),
    })
}
