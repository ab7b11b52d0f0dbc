//! A confusion matrix: in the rows what people call the messages, in the columns what they were taken for.

use std::collections::BTreeMap;
use std::fmt;

use sincerely::mail::Kind;
use strum::VariantArray;

/// How many messages of a kind were taken for another.
pub(crate) struct Matrix(BTreeMap<(usize, usize), usize>);

impl Matrix {
    /// Of pairs: what it is called, and what it was taken for.
    pub(crate) fn new(pairs: impl Iterator<Item = (Kind, Kind)>) -> Self {
        let place = |kind: Kind| Kind::VARIANTS.iter().position(|other| *other == kind).unwrap();
        let mut counts = BTreeMap::new();
        pairs.for_each(|(called, taken)| *counts.entry((place(called), place(taken))).or_default() += 1);
        Self(counts)
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<16}", "called \\ taken")?;
        Kind::VARIANTS.iter().try_for_each(|kind| write!(f, "{:>16}", kind.to_string()))?;
        for (row, kind) in Kind::VARIANTS.iter().enumerate() {
            write!(f, "\n{:<16}", kind.to_string())?;
            for column in 0..Kind::VARIANTS.len() {
                let count = self.0.get(&(row, column)).map_or_else(|| "·".to_owned(), ToString::to_string);
                write!(f, "{count:>16}")?;
            }
        }
        Ok(())
    }
}

#[test]
fn a_corpus_is_counted_by_what_it_is_called_and_taken_for() {
    let pairs = [(Kind::Human, Kind::Human), (Kind::Human, Kind::Human), (Kind::List, Kind::Human)];
    let told = Matrix::new(pairs.into_iter()).to_string();
    let rows: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |name: &str| rows.iter().find(|row| row[0] == name).unwrap()[1..].join(" ");
    assert_eq!(row("human"), "2 · · · · · ·");
    assert_eq!(row("list"), "1 · · · · · ·");
    assert_eq!(rows.len(), 1 + Kind::VARIANTS.len());
}
