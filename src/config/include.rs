//! `include`: further files with people, personas, rules and tests, read as if they stood below the main file.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::{fs, mem};

use glob::{MatchOptions, Pattern};

use super::document::KeyPath;
use super::file::{File, Included};
use super::problems::Report;
use super::rules::written::{Rule, Test};
use super::values::{Several, Table, Tables};

/// The text of an included file.
pub(super) struct Text {
    pub path: PathBuf,
    pub text: String,
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
    if !has_wildcards(pattern) {
        return vec![folder.join(pattern)];
    }
    match parts(pattern) {
        Ok(parts) => found(folder, &parts, key, report),
        Err(why) => {
            report.mistake(key, format!("is no pattern: {why}"));
            Vec::new()
        }
    }
}

/// One part of a path.
enum Part {
    Literal(OsString),
    Wild(Pattern),
}

/// The parts between the slashes. Wildcards stay within one, so that a pattern looks no deeper than it is
/// long, whatever circle a symbolic link makes.
fn parts(pattern: &Path) -> Result<Vec<Part>, String> {
    let part = |part: &Path| match part.to_string_lossy() {
        text if text == "**" => Err("** is not taken: name each folder, such as \"rules.d/*/*.toml\"".to_owned()),
        text if has_wildcards(part) => Pattern::new(&text).map(Part::Wild).map_err(|error| error.msg.to_owned()),
        _ => Ok(Part::Literal(part.into())),
    };
    pattern.components().map(|component| part(component.as_ref())).collect()
}

fn has_wildcards(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// What is there below `folder`. A folder that is named, and not there, is nothing to read, and perhaps a
/// slip; one that a wildcard stands for need not have what the pattern looks for.
fn found(folder: &Path, parts: &[Part], key: &KeyPath, report: &mut Report<'_>) -> Vec<PathBuf> {
    let mut paths = vec![folder.to_path_buf()];
    let mut is_named = true;
    for part in parts {
        let mut deeper = Vec::new();
        for path in paths {
            match part {
                Part::Literal(name) => deeper.push(path.join(name)),
                Part::Wild(pattern) => match names(&path) {
                    Ok(names) => deeper.extend(fitting(names, pattern, &path, key, report)),
                    Err(error) if is_named && error.kind() == ErrorKind::NotFound => {
                        report.warn(key, format!("finds nothing: there is no folder {}", path.display()));
                    }
                    Err(error) if !is_named && is_elsewhere(&error) => {}
                    Err(error) => report.mistake(key, format!("{} cannot be read: {error}", path.display())),
                },
            }
        }
        is_named &= matches!(part, Part::Literal(_));
        paths = deeper;
    }
    paths.retain(|path| fs::symlink_metadata(path).is_ok());
    paths
}

/// It is not what a wildcard looks for: no folder.
fn is_elsewhere(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The names in a folder, in order.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    // The folder of a file that is named without one.
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names: io::Result<Vec<OsString>> = fs::read_dir(here)?.map(|entry| Ok(entry?.file_name())).collect();
    names.map(|mut names| {
        names.sort();
        names
    })
}

/// The paths of those names that fit.
fn fitting(
    mut names: Vec<OsString>,
    pattern: &Pattern,
    folder: &Path,
    key: &KeyPath,
    report: &mut Report<'_>,
) -> Vec<PathBuf> {
    names.retain(|name| pattern.matches_with(&name.to_string_lossy(), OPTIONS));
    let (readable, other): (Vec<OsString>, Vec<OsString>) = names.into_iter().partition(|name| name.to_str().is_some());
    for name in other {
        report.warn(key, format!("leaves {} out: its name is not UTF-8", folder.join(name).display()));
    }
    readable.into_iter().map(|name| folder.join(name)).collect()
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
