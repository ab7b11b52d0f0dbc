//! What is said about a configuration: every mistake and every warning, each with its place.
//!
//! Nothing stops at the first mistake. A [`Report`] gathers while the file is read and checked,
//! and gives either the configuration with its warnings, or all [`Problems`] at once.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document::{Document, KeyPath};

/// One sentence about one place of the file: a mistake or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none where the file could not even be read.
    pub line: Option<usize>,
    /// The key with dots, as `personas.sophie.fallback`; empty where no key is meant.
    pub key: String,
    /// What is wrong, what was expected or what to do.
    pub message: String,
}

impl fmt::Display for Remark {
    /// `FILE:LINE: key: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.message)
    }
}

/// Every mistake of a configuration, in the order of the lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Remark>);

impl Problems {
    /// The mistakes, in the order of the lines.
    pub fn remarks(&self) -> &[Remark] {
        &self.0
    }

    /// The one mistake that hides all others: a file that cannot be read.
    pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot be read: {error}");
        Self(vec![Remark { file: file.into(), line: None, key: String::new(), message }])
    }
}

impl fmt::Display for Problems {
    /// One mistake a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, remark) in self.0.iter().enumerate() {
            let end_of_last = if index == 0 { "" } else { "\n" };
            write!(f, "{end_of_last}{remark}")?;
        }
        Ok(())
    }
}

/// So many mistakes are told where each one costs a look at the whole file; nobody mends more at a time.
pub(super) const MOST: usize = 100;

/// Gathers remarks while a file is read and checked.
pub(super) struct Report<'t> {
    file: &'t Path,
    document: Document<'t>,
    mistakes: Vec<Remark>,
    warnings: Vec<Remark>,
}

impl<'t> Report<'t> {
    /// Nothing said yet about `document`, which stands in `file`.
    pub(super) fn new(file: &'t Path, document: Document<'t>) -> Self {
        Self { file, document, mistakes: Vec::new(), warnings: Vec::new() }
    }

    /// The document that the report is about.
    pub(super) fn document(&self) -> &Document<'t> {
        &self.document
    }

    /// The file that the document stands in.
    pub(super) fn file(&self) -> &'t Path {
        self.file
    }

    /// Notes a mistake at a key; of a key that is not there, at the table that should hold it.
    pub(super) fn mistake(&mut self, key: &KeyPath, message: impl Into<String>) {
        let remark = self.remark(key, message.into());
        self.mistakes.push(remark);
    }

    /// Notes a mistake of the TOML itself, once: the parser may stumble twice at the same place. Where
    /// no key is meant, the path is empty.
    pub(super) fn malformed(&mut self, offset: usize, key: &KeyPath, message: &str) {
        let (file, line) = (self.file.into(), Some(self.document.line_at(offset)));
        let remark = Remark { file, line, key: key.to_string(), message: message.into() };
        if !self.mistakes.contains(&remark) {
            self.mistakes.push(remark);
        }
    }

    /// Says, below all others, that there are more mistakes than are told.
    pub(super) fn and_more(&mut self) {
        let line = self.mistakes.iter().filter_map(|remark| remark.line).max();
        let message = "… and more: mend these first".into();
        self.mistakes.push(Remark { file: self.file.into(), line, key: String::new(), message });
    }

    /// Notes a mistake of a key's value, and takes the value out so that the rest can be read.
    pub(super) fn reject(&mut self, key: &KeyPath, message: impl Into<String>) {
        self.mistake(key, message);
        self.document.remove(key);
    }

    /// Notes that a key is missing, unless that is said.
    pub(super) fn missing(&mut self, key: &KeyPath, what: &str) {
        self.incomplete(key, &format!("missing: {what}"));
    }

    /// Notes a mistake that only follows from another one where the key's value, or the table
    /// around it, was rejected; then nothing is said.
    pub(super) fn incomplete(&mut self, key: &KeyPath, message: &str) {
        let name = key.to_string();
        let covers =
            |said: &Remark| name.strip_prefix(&said.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if !self.mistakes.iter().any(covers) {
            self.mistake(key, message);
        }
    }

    /// Notes a warning: the configuration serves, but perhaps not as meant.
    pub(super) fn warn(&mut self, key: &KeyPath, message: impl Into<String>) {
        let remark = self.remark(key, message.into());
        self.warnings.push(remark);
    }

    /// `; did you mean "accept"?`, where one of `known` is near to what was written. Nothing below
    /// the first [`MOST`] mistakes: every name is compared with every other.
    pub(super) fn did_you_mean<'k>(&self, written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
        if self.mistakes.len() >= MOST {
            return String::new();
        }
        let distance = |word: &'k str| (strsim::damerau_levenshtein(written, word), word);
        let near = |(distance, word): &(usize, &str)| *distance <= (written.len().max(word.len()) / 3).max(1);
        let nearest = known.into_iter().map(distance).filter(near).min_by_key(|(distance, _)| *distance);
        nearest.map(|(_, word)| format!("; did you mean {word:?}?")).unwrap_or_default()
    }

    /// Whether a mistake was noted.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// `checked` with its warnings, or every mistake.
    pub(super) fn finish<T>(self, checked: T) -> Result<(T, Vec<Remark>), Problems> {
        if self.has_mistakes() { Err(self.into_problems()) } else { Ok((checked, by_line(self.warnings))) }
    }

    /// Every mistake noted so far.
    pub(super) fn into_problems(self) -> Problems {
        Problems(by_line(self.mistakes))
    }

    fn remark(&self, key: &KeyPath, message: String) -> Remark {
        Remark { file: self.file.into(), line: Some(self.document.line_of(key)), key: key.to_string(), message }
    }
}

fn by_line(mut remarks: Vec<Remark>) -> Vec<Remark> {
    remarks.sort_by_key(|remark| remark.line);
    remarks
}
