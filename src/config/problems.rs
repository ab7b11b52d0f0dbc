//! What is said about a configuration: every mistake and every warning, each with its place.
//!
//! Nothing stops at the first mistake. A [`Report`] gathers while the files are read and checked,
//! and gives either the configuration with its warnings, or all [`Problems`] at once.
//!
//! A configuration may stand in several files. What is said about a key is said about the file that has it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document::{Document, KeyPath};

/// One sentence about one place of a file: a mistake or a warning.
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

/// Every mistake of a configuration, in the order of the files and lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Remark>);

impl Problems {
    /// The mistakes, in the order of the files and lines.
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

/// `; did you mean "accept"?`, where one of `known` is near to what was written.
pub fn did_you_mean<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let distance = |word: &'k str| (strsim::damerau_levenshtein(written, word), word);
    let near = |(distance, word): &(usize, &str)| *distance <= (written.len().max(word.len()) / 3).max(1);
    let nearest = known.into_iter().map(distance).filter(near).min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, word)| format!("; did you mean {word:?}?")).unwrap_or_default()
}

/// Gathers remarks while files are read and checked.
pub(super) struct Report<'t> {
    // The main file, then those that it includes.
    files: Vec<(&'t Path, Document<'t>)>,
    mistakes: Vec<Said>,
    warnings: Vec<Said>,
}

/// A remark, and the place that it is about.
struct Said {
    file: usize,
    key: KeyPath,
    remark: Remark,
}

impl<'t> Report<'t> {
    /// The number of the main file.
    pub(super) const MAIN: usize = 0;

    /// Nothing said yet about `document`, which stands in the main `file`.
    pub(super) fn new(file: &'t Path, document: Document<'t>) -> Self {
        Self { files: vec![(file, document)], mistakes: Vec::new(), warnings: Vec::new() }
    }

    /// Another file with its document; its number.
    pub(super) fn add(&mut self, file: &'t Path, document: Document<'t>) -> usize {
        self.files.push((file, document));
        self.files.len() - 1
    }

    /// The document of a file.
    pub(super) fn document(&self, file: usize) -> &Document<'t> {
        &self.nth(file).1
    }

    /// The main file.
    pub(super) fn file(&self) -> &'t Path {
        self.nth(Self::MAIN).0
    }

    /// The folder of the file that a key stands in: relative paths are relative to it.
    pub(super) fn folder_of(&self, key: &KeyPath) -> &'t Path {
        self.nth(self.file_of(key)).0.parent().unwrap_or(Path::new(""))
    }

    /// The file and line of a key.
    pub(super) fn place_of(&self, key: &KeyPath) -> (&'t Path, usize) {
        let (file, document) = self.nth(self.file_of(key));
        (file, document.line_of(key))
    }

    /// Notes a mistake at a key; of a key that is not there, at the table that should hold it.
    pub(super) fn mistake(&mut self, key: &KeyPath, message: impl Into<String>) {
        let said = self.said(key, message.into());
        self.mistakes.push(said);
    }

    /// Notes a mistake of the TOML itself, once: the parser may stumble twice at the same place. Where
    /// no key is meant, the path is empty.
    pub(super) fn malformed(&mut self, file: usize, offset: usize, key: &KeyPath, message: &str) {
        let (path, document) = self.nth(file);
        let line = Some(document.line_at(offset));
        let remark = Remark { file: path.into(), line, key: key.to_string(), message: message.into() };
        if !self.mistakes.iter().any(|said| said.remark == remark) {
            self.mistakes.push(Said { file, key: key.clone(), remark });
        }
    }

    /// Says, below all others about a file, that there are more mistakes than are told.
    pub(super) fn and_more(&mut self, file: usize) {
        let line = self.mistakes.iter().filter(|said| said.file == file).filter_map(|said| said.remark.line).max();
        let message = "… and more: mend these first".into();
        let remark = Remark { file: self.nth(file).0.into(), line, key: String::new(), message };
        self.mistakes.push(Said { file, key: KeyPath::default(), remark });
    }

    /// Notes a mistake of a key's value, and takes the value out so that the rest can be read.
    pub(super) fn reject(&mut self, key: &KeyPath, message: impl Into<String>) {
        self.mistake(key, message);
        let file = self.file_of(key);
        if let Some((_, document)) = self.files.get_mut(file) {
            document.remove(key);
        }
    }

    /// Notes that a key is missing, unless that is said.
    pub(super) fn missing(&mut self, key: &KeyPath, what: &str) {
        self.incomplete(key, &format!("missing: {what}"));
    }

    /// Notes a mistake that only follows from another one where the key's value, or the table
    /// around it, was rejected; then nothing is said.
    pub(super) fn incomplete(&mut self, key: &KeyPath, message: &str) {
        let file = self.file_of(key);
        if !self.mistakes.iter().any(|said| said.file == file && said.key.covers(key)) {
            self.mistake(key, message);
        }
    }

    /// Notes a warning: the configuration serves, but perhaps not as meant.
    pub(super) fn warn(&mut self, key: &KeyPath, message: impl Into<String>) {
        let said = self.said(key, message.into());
        self.warnings.push(said);
    }

    /// `; did you mean "accept"?`, where one of `known` is near to what was written. Nothing below
    /// the first [`MOST`] mistakes: every name is compared with every other.
    pub(super) fn did_you_mean<'k>(&self, written: &str, known: impl IntoIterator<Item = &'k str>) -> String {
        if self.mistakes.len() >= MOST {
            return String::new();
        }
        did_you_mean(written, known)
    }

    /// Whether a mistake was noted about the table at `key`, or anything in it.
    pub(super) fn has_mistakes_in(&self, key: &KeyPath) -> bool {
        let file = self.file_of(key);
        self.mistakes.iter().any(|said| said.file == file && said.key.is_inside(key))
    }

    /// Whether a mistake was noted.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// `checked` with its warnings, or every mistake.
    pub(super) fn finish<T>(self, checked: T) -> Result<(T, Vec<Remark>), Problems> {
        if self.has_mistakes() { Err(self.into_problems()) } else { Ok((checked, in_order(self.warnings))) }
    }

    /// Every mistake noted so far.
    pub(super) fn into_problems(self) -> Problems {
        Problems(in_order(self.mistakes))
    }

    fn said(&self, key: &KeyPath, message: String) -> Said {
        let (file, line) = self.place_of(key);
        let remark = Remark { file: file.into(), line: Some(line), key: key.to_string(), message };
        Said { file: self.file_of(key), key: key.clone(), remark }
    }

    /// The file that is meant; where none is named, the first of those that have most of the key.
    fn file_of(&self, key: &KeyPath) -> usize {
        let depths = self.files.iter().map(|(_, document)| document.depth_of(key)).enumerate();
        let deepest = || depths.rev().max_by_key(|(_, depth)| *depth).map_or(Self::MAIN, |(file, _)| file);
        key.document().unwrap_or_else(deepest)
    }

    fn nth(&self, file: usize) -> &(&'t Path, Document<'t>) {
        let main = self.files.first().expect("`new` puts the main file there, and nothing takes one away");
        self.files.get(file).unwrap_or(main)
    }
}

fn in_order(mut said: Vec<Said>) -> Vec<Remark> {
    said.sort_by_key(|said| (said.file, said.remark.line));
    said.into_iter().map(|said| said.remark).collect()
}
