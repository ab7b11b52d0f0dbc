//! The files that are shipped, with what a test must change in them: ports and paths.

use std::fs;
use std::path::{Path, PathBuf};

/// A text to change.
pub(crate) struct Shipped {
    name: String,
    text: String,
}

impl Shipped {
    /// A file of this repository, or of the system where the path is absolute.
    pub(crate) fn read(name: &str) -> Self {
        let path = shipped(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// Replaces every occurrence; there must be one.
    pub(crate) fn replace(mut self, old: &str, new: &str) -> Self {
        assert!(self.text.contains(old), "{} has no {old:?}", self.name);
        self.text = self.text.replace(old, new);
        self
    }

    /// Adds lines at the end.
    pub(crate) fn and(mut self, lines: &str) -> Self {
        self.text.push_str(lines);
        self
    }

    /// The whole text.
    pub(crate) fn text(self) -> String {
        self.text
    }

    /// Writes it to a file.
    pub(crate) fn write(self, path: &Path) {
        fs::write(path, self.text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Where a file of this repository is, or of the system where the path is absolute.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
