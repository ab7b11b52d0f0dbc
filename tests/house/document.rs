//! What the documents say: sections, tables, and the words in backticks.

use std::fs;
use std::path::Path;

/// Where the project lies.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project as text.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text below a heading, up to the next one of whatever level.
pub(crate) fn section(document: &str, heading: &str) -> String {
    let text = read(document);
    let is_heading = |line: &str| line.starts_with('#') && line.trim_start_matches('#').trim() == heading;
    let below = text.lines().skip_while(|line| !is_heading(line)).skip(1).take_while(|line| !line.starts_with('#'));
    let below: Vec<&str> = below.collect();
    assert!(!below.is_empty(), "{document} has no section {heading:?}");
    below.join("\n")
}

/// The rows of the table below a heading, without its head.
pub(crate) fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = section(document, heading);
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "{document}, {heading}: there is no table");
    rows
}

/// What stands in `backticks`.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
