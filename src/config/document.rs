//! A TOML document that still knows where each of its keys stands.
//!
//! Knows nothing of the keys' meaning: it finds the key at an offset and the line of a key.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error, ValueDeserializer};

/// The way from the root of a document to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyPath {
    /// Which of several documents; `None` where it is the one that has such a key.
    document: Option<usize>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

impl KeyPath {
    /// The key `name` in the table at this path.
    pub(super) fn key(&self, name: &str) -> Self {
        self.step(Step::Key(name.into()))
    }

    /// The item `index`, from 0, of the list at this path.
    pub(super) fn item(&self, index: usize) -> Self {
        self.step(Step::Item(index))
    }

    /// The same way, in the document of that number.
    pub(super) fn within(mut self, document: usize) -> Self {
        self.document = Some(document);
        self
    }

    /// The document that is meant, where one is.
    pub(super) fn document(&self) -> Option<usize> {
        self.document
    }

    /// Whether `other` is this value, or inside the key that it is the value, or an item, of.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let key = self.steps.iter().rposition(|step| matches!(step, Step::Key(_))).map_or(0, |last| last + 1);
        self.steps.get(..key).is_some_and(|steps| other.steps.starts_with(steps))
    }

    /// Whether this is `table`, or something in it.
    pub(super) fn is_inside(&self, table: &Self) -> bool {
        self.steps.starts_with(&table.steps)
    }

    /// The names on the way; which item of a list is left out.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Item(_) => None,
        })
    }

    /// The path `rest`, begun at the table at this path.
    fn join(&self, rest: &Self) -> Self {
        Self { document: self.document, steps: self.steps.iter().chain(&rest.steps).cloned().collect() }
    }

    fn step(&self, step: Step) -> Self {
        Self { document: self.document, steps: self.steps.iter().cloned().chain([step]).collect() }
    }
}

impl<const N: usize> From<[&str; N]> for KeyPath {
    fn from(names: [&str; N]) -> Self {
        Self { document: None, steps: names.into_iter().map(|name| Step::Key(name.into())).collect() }
    }
}

impl From<&serde_ignored::Path<'_>> for KeyPath {
    fn from(path: &serde_ignored::Path<'_>) -> Self {
        use serde_ignored::Path;
        match path {
            Path::Root => Self::default(),
            Path::Seq { parent, index } => Self::from(*parent).item(*index),
            Path::Map { parent, key } => Self::from(*parent).key(key),
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                Self::from(*parent)
            }
        }
    }
}

impl fmt::Display for KeyPath {
    /// As TOML writes a dotted key. Items of a list are not told apart: the line does that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        for (index, name) in self.names().enumerate() {
            f.write_str(if index == 0 { "" } else { "." })?;
            if bare(name) { f.write_str(name)? } else { write!(f, "{name:?}")? }
        }
        Ok(())
    }
}

/// A parsed document.
pub(super) struct Document<'t> {
    text: &'t str,
    /// Where the lines end.
    line_ends: Vec<usize>,
    root: Spanned<DeValue<'t>>,
}

impl<'t> Document<'t> {
    /// Parses as far as possible, and says everything that is not TOML.
    pub(super) fn parse(text: &'t str) -> (Self, Vec<Error>) {
        let (root, errors) = DeTable::parse_recoverable(text);
        let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
        (Self { text, line_ends: text.match_indices('\n').map(|(end, _)| end).collect(), root }, errors)
    }

    /// Reads the document as a `T`, and which keys `T` does not know. Stops at the first mistake.
    pub(super) fn read<T: Deserialize<'t>>(&self) -> Result<(T, Vec<KeyPath>), Error> {
        let mut unknown = Vec::new();
        let deserializer = ValueDeserializer::from(self.root.clone());
        let value = serde_ignored::deserialize(deserializer, |path| unknown.push(KeyPath::from(&path)))?;
        Ok((value, unknown))
    }

    /// The innermost key or item that covers `span`.
    pub(super) fn find(&self, span: &Range<usize>) -> Option<KeyPath> {
        find(self.root.get_ref(), span, &KeyPath::default())
    }

    /// The key whose name stands at `span`, read from the text: what is written twice, the parser leaves out.
    pub(super) fn key_written_at(&self, span: &Range<usize>) -> KeyPath {
        let name = self.text.get(span.clone()).unwrap_or_default();
        let before = self.text.get(..span.end).unwrap_or_default();
        let written = before.rsplit(['\n', '{', ',']).next().unwrap_or_default().trim();
        let path = |key: &str| path_in(&format!("{key} = 0"));
        if let Some(header) = written.strip_prefix('[') {
            return path(header.trim_start_matches('[')).or_else(|| path(name)).unwrap_or_default();
        }
        let header = || before.lines().rev().filter(|line| line.trim_start().starts_with('[')).find_map(path_in);
        let table = self.find(span).or_else(header).unwrap_or_default();
        table.join(&path(written).or_else(|| path(name)).unwrap_or_default())
    }

    /// Takes a value out of the document; nothing happens where there is none.
    pub(super) fn remove(&mut self, path: &KeyPath) {
        let Some((last, way)) = path.steps.split_last() else { return };
        let parent = way.iter().try_fold(self.root.get_mut(), child_mut);
        match (parent, last) {
            (Some(DeValue::Table(table)), Step::Key(name)) => drop(table.remove(name.as_str())),
            (Some(DeValue::Array(list)), Step::Item(item)) => {
                let others =
                    std::mem::replace(list, DeArray::new()).into_iter().enumerate().filter(|(index, _)| index != item);
                *list = others.map(|(_, value)| value).collect();
            }
            (_, Step::Key(_) | Step::Item(_)) => {}
        }
    }

    /// The line of a key, or of the innermost table around it that exists.
    pub(super) fn line_of(&self, path: &KeyPath) -> usize {
        self.line_at(self.follow(path).last().unwrap_or(0))
    }

    /// How many steps of the way exist.
    pub(super) fn depth_of(&self, path: &KeyPath) -> usize {
        self.follow(path).count()
    }

    /// Where each value on the way stands, as far as there is one.
    fn follow(&self, path: &KeyPath) -> impl Iterator<Item = usize> {
        path.steps.iter().scan(self.root.get_ref(), |value, step| {
            let (span, inner) = child(value, step)?;
            *value = inner;
            Some(span.start)
        })
    }

    /// The line, from 1, of an offset into the text.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.line_ends.partition_point(|end| *end < offset) + 1
    }
}

/// The way to the only key of a line of TOML, which may be a `[header]`.
fn path_in(line: &str) -> Option<KeyPath> {
    let table = DeTable::parse(line).ok()?.into_inner();
    let mut path = KeyPath::default();
    let mut inner = Some(&table);
    while let Some((name, value)) = inner.and_then(|table| table.iter().next()) {
        path = path.key(name.get_ref());
        inner = value.get_ref().as_table();
    }
    (path != KeyPath::default()).then_some(path)
}

/// Where a child stands (a value by its key), and what it is.
fn child<'d, 't>(value: &'d DeValue<'t>, step: &Step) -> Option<(Range<usize>, &'d DeValue<'t>)> {
    match step {
        Step::Key(name) => {
            let (key, value) = value.as_table()?.get_key_value(name.as_str())?;
            Some((key.span(), value.get_ref()))
        }
        Step::Item(index) => value.get(*index).map(|item| (item.span(), item.get_ref())),
    }
}

fn child_mut<'d, 't>(value: &'d mut DeValue<'t>, step: &Step) -> Option<&'d mut DeValue<'t>> {
    let child = match (value, step) {
        (DeValue::Table(table), Step::Key(name)) => table.get_mut(name.as_str()),
        (DeValue::Array(list), Step::Item(index)) => list.get_mut(*index),
        (_, Step::Key(_) | Step::Item(_)) => None,
    };
    child.map(Spanned::get_mut)
}

/// The innermost key or item below `value` that covers `span`. The span of a table is its `[header]`
/// alone, so children are asked whatever their parent covers; a list of tables has the span of its
/// first table, so a value of exactly that span comes before its children.
fn find(value: &DeValue<'_>, span: &Range<usize>, at: &KeyPath) -> Option<KeyPath> {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    if let Some(table) = value.as_table() {
        return table.iter().find_map(|(name, value)| {
            let here = at.key(name.get_ref());
            if value.span() == *span {
                return Some(here);
            }
            let inner = find(value.get_ref(), span, &here);
            inner.or_else(|| (covers(name.span()) || covers(value.span())).then_some(here))
        });
    }
    value.as_array()?.iter().enumerate().find_map(|(index, item)| {
        let here = at.item(index);
        find(item.get_ref(), span, &here).or_else(|| covers(item.span()).then_some(here))
    })
}
