//! Which files arguments mean: a file is itself, a folder all that is in it, a Maildir its messages.
//!
//! Files come one after the other, sorted by name; of a folder only the names are in memory.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::shown;

/// A file that an argument means, or one that cannot be read, with why.
pub(super) type Found = Result<PathBuf, Unreadable>;

/// What could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// A file, or a folder.
    #[error("cannot read {}: {error}", shown(path))]
    Path {
        /// Its name.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A folder without a file, or an empty file.
    #[error("there is nothing to read in {}", shown(.0))]
    Empty(PathBuf),
}

/// The files that `path` means: itself, unless it is a folder. Hidden files and folders in it are left out,
/// symbolic links followed, but none that leads back to a folder above it. Of a Maildir, a folder with `cur` and
/// `new`, those two are read, and the folders in it, among them hidden ones that are Maildirs too (Maildir++).
pub(super) fn files(path: &Path) -> impl Iterator<Item = Found> {
    let (file, folder) = if path.is_dir() { (None, Some(path)) } else { (Some(Ok(path.into())), None) };
    file.into_iter().chain(folder.into_iter().flat_map(in_folder))
}

fn in_folder(folder: &Path) -> impl Iterator<Item = Found> {
    let mut parent = Parent::default();
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    let wanted = walk.into_iter().filter_entry(move |entry| parent.has(entry));
    let mut found = wanted.filter_map(found).peekable();
    let nothing = found.peek().is_none().then(|| Err(Unreadable::Empty(folder.into())));
    found.chain(nothing)
}

/// A folder, and whether it is a Maildir: asked once for all that is in it.
#[derive(Default)]
struct Parent {
    path: PathBuf,
    is_maildir: bool,
}

impl Parent {
    /// Whether an entry of a folder is to be looked at.
    fn has(&mut self, entry: &DirEntry) -> bool {
        let path = entry.path();
        let Some(parent) = path.parent().filter(|_| entry.depth() > 0) else { return true };
        if parent != self.path {
            *self = Self { path: parent.into(), is_maildir: is_maildir(parent) };
        }
        let is_hidden = is_hidden(entry.file_name());
        match (self.is_maildir, entry.file_type().is_dir()) {
            (false, _) => !is_hidden,
            // What lies beside the folders is the server's own.
            (true, false) => false,
            (true, true) => entry.file_name() != OsStr::new("tmp") && (!is_hidden || is_maildir(path)),
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_maildir(folder: &Path) -> bool {
    folder.join("cur").is_dir() && folder.join("new").is_dir()
}

/// A regular file, or what is wrong; nothing of folders, sockets and links that lead back.
fn found(entry: walkdir::Result<DirEntry>) -> Option<Found> {
    match entry {
        Ok(entry) => entry.file_type().is_file().then(|| Ok(entry.into_path())),
        Err(error) => {
            let path = error.path().map(Path::to_owned).unwrap_or_default();
            // A link that leads back has none.
            let error = error.into_io_error()?;
            let is_gone = error.kind() == io::ErrorKind::NotFound;
            // Seen in practice: editors lock a file by a hidden link to nowhere.
            (!is_gone || !path.file_name().is_some_and(is_hidden)).then_some(Err(Unreadable::Path { path, error }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A folder with these files, and what is found in it, without the folder's own name.
    fn listed(names: &[&str], more: impl Fn(&Path)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            let parent = if name.ends_with('/') { path.as_path() } else { path.parent().unwrap() };
            fs::create_dir_all(parent).unwrap();
            if parent != path {
                fs::write(&path, "").unwrap();
            }
        }
        more(folder.path());
        let found = files(folder.path()).map(|found| found.map_or_else(|error| error.to_string(), told));
        found.map(|text| text.replace(folder.path().to_str().unwrap(), ".")).collect()
    }

    fn told(path: PathBuf) -> String {
        path.display().to_string()
    }

    fn alone(_: &Path) {}

    #[test]
    fn files_come_by_name_and_hidden_ones_do_not() {
        let names = ["b.eml", "a.eml", ".hidden", "sub/c.eml", ".git/d", "sub/e/f"];
        assert_eq!(listed(&names, alone), ["./a.eml", "./b.eml", "./sub/c.eml", "./sub/e/f"]);
    }

    #[test]
    fn a_maildir_is_its_messages_and_those_of_its_folders() {
        let names = [
            "cur/2:2,S",
            "new/1",
            "tmp/0",
            "dovecot-uidlist",
            ".Sent/cur/3:2,S",
            ".Sent/new/",
            ".Sent/maildirfolder",
            ".other/4",
            "sub/cur/5",
            "sub/new/",
            "cur/.hidden",
        ];
        assert_eq!(listed(&names, alone), ["./.Sent/cur/3:2,S", "./cur/2:2,S", "./new/1", "./sub/cur/5"]);
        // Not a Maildir: `tmp` is a folder as any other.
        assert_eq!(listed(&["cur/a", "tmp/b"], alone), ["./cur/a", "./tmp/b"]);
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let found = listed(&["a/mail", "b/"], |folder| {
            symlink("../a/mail", folder.join("b/linked")).unwrap();
            symlink("..", folder.join("b/up")).unwrap();
            symlink("gone", folder.join("b/dangling")).unwrap();
            symlink("me@host", folder.join("b/.#linked")).unwrap();
            let _socket = UnixListener::bind(folder.join("b/socket")).unwrap();
        });
        let [a, dangling, linked] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!([a.as_str(), linked], ["./a/mail", "./b/linked"]);
        assert!(dangling.starts_with("cannot read ./b/dangling: "), "{dangling}");
    }

    #[test]
    fn an_empty_folder_says_so() {
        assert_eq!(listed(&[], alone), ["there is nothing to read in ."]);
        assert_eq!(listed(&["new/", "cur/", "tmp/a"], alone), ["there is nothing to read in ."]);
    }

    #[test]
    fn what_is_no_folder_is_itself() {
        let found: Vec<Found> = files(Path::new("/not/there")).collect();
        assert!(matches!(found.as_slice(), [Ok(path)] if path == Path::new("/not/there")), "{found:?}");
    }
}
