//! `include`: further files with people, personas, rules and tests, read as if they stood below the main file.

use std::path::{Path, PathBuf};
use std::{fs, mem};

use glob::{GlobError, MatchOptions, Pattern};

use super::document::KeyPath;
use super::file::{File, Included};
use super::problems::Report;
use super::rules::written::{Rule, Test};
use super::values::{Several, Table, Tables};

/// The text of an included file.
pub(super) struct Text {
    path: PathBuf,
    text: String,
}

/// What `*` finds: no hidden files, which editors leave beside the real ones.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The texts of all files that `patterns` name: in their order, those of one pattern by name, each once.
pub(super) fn texts(patterns: &Several<PathBuf>, report: &mut Report<'_>) -> Vec<Text> {
    let mut seen: Vec<PathBuf> = fs::canonicalize(report.file()).into_iter().collect();
    let mut texts = Vec::new();
    for (index, pattern) in patterns.0.iter().enumerate() {
        let key = KeyPath::from(["include"]).item(index);
        for path in matching(pattern, &key, report) {
            match fs::read_to_string(&path) {
                Err(error) => report.mistake(&key, format!("{} cannot be read: {error}", path.display())),
                Ok(text) => {
                    let same = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                    if !seen.contains(&same) {
                        seen.push(same);
                        texts.push(Text { path, text });
                    }
                }
            }
        }
    }
    texts
}

/// The files of a pattern. One without wildcards names a file, which must be there.
fn matching(pattern: &Path, key: &KeyPath, report: &mut Report<'_>) -> Vec<PathBuf> {
    let folder = report.folder_of(key);
    if !pattern.to_string_lossy().contains(['*', '?', '[']) {
        return vec![folder.join(pattern)];
    }
    let folder = Pattern::escape(&folder.to_string_lossy());
    let found = glob::glob_with(&Path::new(&folder).join(pattern).to_string_lossy(), OPTIONS);
    let paths: Result<Vec<PathBuf>, GlobError> = match found {
        Ok(paths) => paths.collect(),
        Err(error) => {
            report.mistake(key, format!("is no pattern: {}", error.msg));
            return Vec::new();
        }
    };
    paths.unwrap_or_else(|error| {
        report.mistake(key, format!("{} cannot be read: {}", error.path().display(), error.error()));
        Vec::new()
    })
}

/// What all files hold together.
pub(super) struct Merged {
    /// The main file, with the people and personas of the others.
    pub file: File,
    /// The rules of all files, in their order.
    pub rules: Placed<Rule>,
    /// The tests of all files.
    pub tests: Placed<Test>,
}

/// Tables of a list, each with its place.
pub(super) type Placed<T> = Vec<(KeyPath, Table<T>)>;

/// Adds what the included files hold to the main file. `None` where one of them is no TOML.
pub(super) fn read<'t>(texts: &'t [Text], mut file: File, report: &mut Report<'t>) -> Option<Merged> {
    let rules = placed("rule", mem::take(&mut file.rule), Report::MAIN).collect();
    let tests = placed("test", mem::take(&mut file.test), Report::MAIN).collect();
    let mut merged = Merged { file, rules, tests };
    let mut are_readable = true;
    for Text { path, text } in texts {
        match Included::read(text, path, report) {
            Some((included, number)) => merge(included, number, &mut merged, report),
            None => are_readable = false,
        }
    }
    are_readable.then_some(merged)
}

fn placed<T>(name: &str, tables: Tables<T>, number: usize) -> impl Iterator<Item = (KeyPath, Table<T>)> {
    let list = KeyPath::from([name]).within(number);
    tables.0.into_iter().enumerate().map(move |(index, table)| (list.item(index), table))
}

fn merge(included: Included, number: usize, merged: &mut Merged, report: &mut Report<'_>) {
    merged.rules.extend(placed("rule", included.rule, number));
    merged.tests.extend(placed("test", included.test, number));
    let file = &mut merged.file;
    for (name, person) in included.people.0 {
        let key = KeyPath::from(["people", &name]);
        if file.people.contains_key(&name) {
            twice(&key, number, report);
        } else {
            file.people.0.insert(name, person);
        }
    }
    for (name, persona) in included.personas.0 {
        let key = KeyPath::from(["personas", &name]);
        if file.personas.contains_key(&name) {
            twice(&key, number, report);
        } else {
            file.personas.0.insert(name, persona);
        }
    }
}

/// A key of a file that another file has already.
fn twice(key: &KeyPath, number: usize, report: &mut Report<'_>) {
    let (file, line) = report.place_of(key);
    let message = format!("is written in {}:{line} already; keep one of the two", file.display());
    report.mistake(&key.clone().within(number), message);
}
