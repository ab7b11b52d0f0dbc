//! Writing a message into a Maildir so that it is there after a power cut.
//!
//! A message is written under `tmp/`, fsynced, renamed into `new/`, and `new/` is fsynced: readers
//! never see half a message, and what was answered with 250 is on the disk. Everything here blocks;
//! callers move it off the runtime. There is no reading here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;

/// A message that lies whole and fsynced in `tmp/`. Dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    tmp: PathBuf,
    new: PathBuf,
    published: bool,
}

impl Draft {
    /// Writes `fields` and the pieces of `message` as one file in the Maildir at `maildir`, which is
    /// made where it is missing. `fields` are whole header fields, each with its CRLF.
    ///
    /// # Errors
    /// Of the file system, with the path that it speaks of. Nothing is left behind.
    pub fn write(maildir: &Path, fields: &str, message: &[Bytes], now: Timestamp) -> io::Result<Self> {
        make(maildir)?;
        let name = unique_name(now);
        let draft =
            Self { tmp: maildir.join("tmp").join(&name), new: maildir.join("new").join(&name), published: false };
        write_file(&draft.tmp, fields, message).map_err(about(&draft.tmp))?;
        Ok(draft)
    }

    /// Moves the message into `new/` for good; its path there.
    ///
    /// # Errors
    /// Of the file system, with the path that it speaks of. Nothing is left behind.
    pub fn publish(mut self) -> io::Result<PathBuf> {
        fs::rename(&self.tmp, &self.new).map_err(about(&self.new))?;
        sync_parent(&self.new)?;
        self.published = true;
        Ok(self.new.clone())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // It lies in one of the two, or in neither. Whoever asked hears of the failure that led
            // here; one more, to tidy up, changes nothing for them.
            let _ = fs::remove_file(&self.tmp);
            let _ = fs::remove_file(&self.new);
        }
    }
}

fn write_file(path: &Path, fields: &str, message: &[Bytes]) -> io::Result<()> {
    // Mail is private: nobody but the daemon's user reads it.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(fields.as_bytes())?;
    message.iter().try_for_each(|piece| file.write_all(piece))?;
    file.sync_all()
}

/// Makes the Maildir at `path` with its three folders.
///
/// One at a time: who finds a folder that another just made must not count on it before that other
/// one has fsynced its parent.
fn make(path: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    ["tmp", "new", "cur"].into_iter().try_for_each(|folder| make_folder(&path.join(folder)))
}

/// Makes a folder, and those above it that are missing, each on the disk before it returns.
fn make_folder(path: &Path) -> io::Result<()> {
    match make_one(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            make_folder(above.ok_or(error)?)?;
            make_one(path)
        }
        made => made,
    }
}

/// A link to a disk that is not mounted "exists" too: only a folder will do.
fn make_one(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(about(path)(error)),
    }
}

/// fsyncs the folder that holds `path`: a name in it survives a power cut only then.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(about(parent))
}

/// A file name that no other message has: the Maildir convention (time, process, count) without a host
/// name, since one daemon writes here.
fn unique_name(now: Timestamp) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let micros = now.subsec_microsecond().unsigned_abs();
    format!("{}.M{micros}P{}Q{count}", now.as_second(), std::process::id())
}

/// Adds the path to an error of the file system, which leaves it out.
fn about(path: &Path) -> impl FnOnce(io::Error) -> io::Error + use<'_> {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn files(folder: PathBuf) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_message_lies_in_new_with_its_bytes() {
        let root = tempfile::tempdir().unwrap();
        let maildir = root.path().join("a/b/maildir");
        let pieces = [Bytes::from_static(b"Subject: x\r\n\r\n"), Bytes::from_static(b"\xff\0.\r\n.\r\n")];
        let path = Draft::write(&maildir, "A: b\r\n", &pieces, NOW).unwrap().publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"A: b\r\nSubject: x\r\n\r\n\xff\0.\r\n.\r\n");
        assert_eq!(files(maildir.join("new")), [path]);
        assert!(files(maildir.join("tmp")).is_empty() && files(maildir.join("cur")).is_empty());
    }

    #[test]
    fn a_draft_that_is_not_published_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        drop(Draft::write(root.path(), "", &[], NOW).unwrap());
        assert!(files(root.path().join("tmp")).is_empty() && files(root.path().join("new")).is_empty());
    }

    #[test]
    fn a_draft_that_cannot_be_published_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let draft = Draft::write(root.path(), "", &[], NOW).unwrap();
        fs::remove_dir(root.path().join("new")).unwrap();
        draft.publish().unwrap_err();
        assert!(files(root.path().join("tmp")).is_empty());
    }

    #[test]
    fn messages_of_one_instant_do_not_meet() {
        let root = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            Draft::write(root.path(), "", &[], NOW).unwrap().publish().unwrap();
        }
        assert_eq!(files(root.path().join("new")).len(), 3);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("held");
        std::os::unix::fs::symlink(root.path().join("not-mounted"), &link).unwrap();
        for maildir in [link.clone(), link.join("spam"), link.join("a/b")] {
            let error = Draft::write(&maildir, "", &[], NOW).unwrap_err();
            assert!(error.to_string().contains("held: "), "{error}");
        }
        fs::create_dir(root.path().join("not-mounted")).unwrap();
        Draft::write(&link.join("spam"), "", &[], NOW).unwrap().publish().unwrap();
    }

    #[test]
    fn an_error_names_the_path() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Draft::write(&file.join("maildir"), "", &[], NOW).unwrap_err();
        assert!(error.to_string().contains("file/maildir"), "{error}");
    }
}
