//! What was said of people's absence, on disk: `state_dir/absences.toml`.
//!
//! A readable file, written whole beside its place, fsynced and renamed: readers never see half of it, and what a
//! command was answered survives a power cut. What cannot be read is set aside, and is never a reason not to
//! start. Who is away by all this is for [`crate::people::absence`] to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use crate::mail::PersonName;
use crate::people::absence::{Absences, Notice, Stay};

const FILE: &str = "absences.toml";
const ASIDE: &str = "absences.broken";
/// What stands above it.
const HEAD: &str = "# Who is away, as the commands `away` and `back` said it, and people's own vacation notices.\n\
    # Written by sincerely: what is changed here by hand counts after the next start. `sincerely check` reads it first.\n\n";
/// A notice like the last one is on disk at once only so often: a responder may answer each mail.
const OFTEN: SignedDuration = SignedDuration::from_hours(1);

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Change {
    /// A person goes.
    Leave(PersonName, Stay),
    /// A person comes back; with `true`, what `away` said of times to come is taken back too.
    ComeBack(PersonName, bool),
}

impl Change {
    /// Everybody whom it names.
    pub fn names(&self) -> impl Iterator<Item = &PersonName> {
        let (name, to) = match self {
            Self::Leave(name, stay) => (name, stay.to.as_ref()),
            Self::ComeBack(name, _) => (name, None),
        };
        [name].into_iter().chain(to)
    }
}

/// What was said, behind a lock and on disk.
pub struct Register {
    path: PathBuf,
    current: RwLock<Arc<Absences>>,
    /// One change at a time.
    turn: Mutex<()>,
}

/// Why the file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system refuses it.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It is not what was written.
    #[error("{}:{line}: {}", path.display(), source.message())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The reason.
        source: Box<toml::de::Error>,
    },
}

/// Reads what was said below a state directory; nothing, where there is no file. Changes nothing.
///
/// # Errors
/// When there is one that cannot be read.
pub fn read(state_dir: &Path) -> Result<Absences, Unread> {
    let path = state_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|source| {
            let line = line_of(&text, &source);
            Unread::Malformed { path, line, source: Box::new(source) }
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Absences::default()),
        Err(source) => Err(Unread::File { path, source }),
    }
}

/// What was set aside below a state directory because it could not be read, and counts no more.
pub fn set_aside(state_dir: &Path) -> Option<PathBuf> {
    Some(state_dir.join(ASIDE)).filter(|path| path.exists())
}

fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

impl Register {
    /// Opens what was said below a state directory, for the process that holds its lock. What cannot be read is set
    /// aside as `absences.broken`, and told.
    pub fn open(state_dir: &Path) -> (Self, Option<Unread>) {
        let (absences, trouble) = match read(state_dir) {
            Ok(absences) => (absences, None),
            Err(unread) => {
                // Where it cannot even be moved, the next change takes its place.
                let _ = fs::rename(state_dir.join(FILE), state_dir.join(ASIDE));
                (Absences::default(), Some(unread))
            }
        };
        let current = RwLock::new(Arc::new(absences));
        (Self { path: state_dir.join(FILE), current, turn: Mutex::new(()) }, trouble)
    }

    /// What was said until now; a decision keeps what it began with.
    pub fn snapshot(&self) -> Arc<Absences> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what was said; what it was before and is now. It is on disk when this returns, and counts only then.
    ///
    /// # Errors
    /// When it cannot be written; then all is as it was.
    pub fn change(&self, change: &Change, now: Timestamp) -> io::Result<(Arc<Absences>, Arc<Absences>)> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let mut after = Absences::clone(&before);
        match change {
            Change::Leave(name, stay) => after.leave(name, stay.clone(), now),
            Change::ComeBack(name, all) => after.come_back(name, *all, now),
        }
        self.write(&after)?;
        Ok((before, self.publish(after)))
    }

    /// Notes a person's own vacation notice. It counts at once; on disk it is when this returns, but where it says
    /// the same as one that has just come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, name: &PersonName, notice: Notice) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let said = before.of(name);
        let is_over = |last: &Notice| said.and_then(|said| said.back).is_some_and(|back| last.seen <= back);
        let is_told = said.and_then(|said| said.notice.as_ref()).is_some_and(|last| {
            !is_over(last)
                && last.until == notice.until
                && last.proved == notice.proved
                && last.subject == notice.subject
                && notice.seen.duration_since(last.seen) < OFTEN
        });
        if is_told {
            return Ok(());
        }
        let mut after = Absences::clone(&before);
        after.note(name, notice);
        self.write(&self.publish(after))
    }

    fn publish(&self, absences: Absences) -> Arc<Absences> {
        let absences = Arc::new(absences);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&absences);
        absences
    }

    fn write(&self, absences: &Absences) -> io::Result<()> {
        let text = toml::to_string(absences).map_err(io::Error::other)?;
        let draft = self.path.with_extension("toml.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(format!("{HEAD}{text}").as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PersonName {
        PersonName(text.into())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn leave(to: Option<&str>) -> Change {
        let stay = Stay { from: at(0), until: Some(at(3600)), to: to.map(name), said: Some(at(0)) };
        Change::Leave(name("sophie"), stay)
    }

    #[test]
    fn what_was_said_is_there_after_a_restart_and_can_be_read_by_people() {
        let folder = tempfile::tempdir().unwrap();
        let (register, trouble) = Register::open(folder.path());
        assert!(trouble.is_none() && register.snapshot().iter().next().is_none());
        register.change(&leave(Some("tom")), at(0)).unwrap();
        register.change(&Change::ComeBack(name("ute"), false), at(1)).unwrap();
        let subject = "Abwesend: \"quoted\"\nand more";
        register.note(&name("eve.o'neill"), Notice::new(at(2), None, subject)).unwrap();
        let (again, trouble) = Register::open(folder.path());
        assert!(trouble.is_none());
        assert_eq!(again.snapshot(), register.snapshot());
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.contains("[[sophie.away]]\nfrom = \"2027-01-15T08:00:00Z\""), "{text}");
        assert!(!folder.path().join("absences.toml.new").exists());
    }

    #[test]
    fn a_snapshot_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (register, _) = Register::open(folder.path());
        let early = register.snapshot();
        let (before, after) = register.change(&leave(None), at(0)).unwrap();
        assert_eq!((&before, &after), (&early, &register.snapshot()));
        assert_ne!(before, after);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_set_aside() {
        for (broken, line) in [
            (&b"[sophie]\nback = 5\n"[..], "absences.toml:2: "),
            (b"\xff\xfe", "absences.toml: "),
            (b"[sophie\n", ":1: "),
            (
                b"[[sophie.away]]\nfrom = \"2026-12-01T00:00:00Z\"\nunitl = \"2026-12-02T00:00:00Z\"\n",
                ":3: unknown field `unitl`",
            ),
            (b"[sophie]\naway_ = []\n", ":2: unknown field `away_`"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE), broken).unwrap();
            assert!(read(folder.path()).is_err() && set_aside(folder.path()).is_none(), "only looking");
            let (register, trouble) = Register::open(folder.path());
            let trouble = trouble.unwrap().to_string();
            assert!(trouble.contains(line) && !trouble.contains('\n'), "{trouble}");
            assert_eq!(set_aside(folder.path()), Some(folder.path().join(ASIDE)));
            assert_eq!(fs::read(folder.path().join(ASIDE)).unwrap(), broken);
            register.change(&leave(None), at(0)).unwrap();
            assert!(read(folder.path()).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_written_was_not_said() {
        let folder = tempfile::tempdir().unwrap();
        let (register, _) = Register::open(folder.path());
        fs::create_dir(folder.path().join("absences.toml.new")).unwrap();
        register.change(&leave(None), at(0)).unwrap_err();
        assert!(register.snapshot().iter().next().is_none());
    }

    #[test]
    fn the_same_notice_again_is_not_written_again_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let (register, _) = Register::open(folder.path());
        let seen = || register.snapshot().of(&name("sophie")).unwrap().notice.as_ref().unwrap().seen;
        for (seconds, subject, expected) in
            [(0, "a", 0), (9, "a", 0), (10, "b", 10), (3609, "b", 10), (3610, "b", 3610)]
        {
            register.note(&name("sophie"), Notice::new(at(seconds), None, subject)).unwrap();
            assert_eq!(seen(), at(expected), "{seconds}");
        }
        register.change(&Change::ComeBack(name("sophie"), false), at(3700)).unwrap();
        register.note(&name("sophie"), Notice::new(at(3701), None, "b")).unwrap();
        assert_eq!(seen(), at(3701), "after `back` it says something new");
    }
}
