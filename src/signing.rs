//! The installation's secret, and what is signed with it.
//!
//! One key file holds one base64 key a line, newest first: the newest signs, all verify, so that a
//! key can be rotated without breaking the tokens that are out. Keys never reach a log.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// A key must be at least this long: as long as HMAC-SHA-256's output is strong (RFC 2104 §3).
const SHORTEST_KEY: usize = 16;
const NEW_KEY: usize = 32;

/// The keys of this installation, newest first; never empty.
#[derive(Debug, Clone)]
pub struct Keys(Vec<SecretSlice<u8>>);

/// What can be wrong with a key file. Says the line, never its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot read or create the secret file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A line is no key.
    #[error(
        "{path}:{line}: expected a base64 key of at least {SHORTEST_KEY} octets; `head -c 32 /dev/urandom | base64` makes one"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// No key at all.
    #[error("{0} holds no key; remove it to have a new one made")]
    Empty(PathBuf),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Keys {
    /// A new key that lives in memory only.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = vec![0; NEW_KEY];
        getrandom::fill(&mut key).map_err(KeyError::Random)?;
        Ok(Self(vec![key.into()]))
    }

    /// Reads the keys of `path`.
    ///
    /// # Errors
    /// When the file cannot be read or a line is no key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let octets = fs::read(path).map_err(|source| KeyError::File { path: path.into(), source })?;
        // What is not UTF-8 is no key: its line is named like any other.
        Self::parse(&String::from_utf8_lossy(&octets), path)
    }

    /// Reads the keys of `path`, or makes the file with a new key, fsynced, for the owner's eyes only.
    /// Of several processes that make it at once, all get the key of the first.
    ///
    /// # Errors
    /// As [`Keys::load`], or when the file cannot be made; then there is none, not half of one.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::generate()?.publish(path).map_err(|source| KeyError::File { path: path.into(), source })?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Writes the keys to `path`, unless there is a file already.
    fn publish(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = folder.join(format!(".secret-{}-{}.tmp", std::process::id(), serials(1)));
        let linked = self.write(&draft).and_then(|()| fs::hard_link(&draft, path));
        // Without it, a second copy of the secret would lie about.
        let _ = fs::remove_file(&draft);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            // A key that a power cut takes away would orphan every token signed with it.
            Ok(()) | Err(_) => fs::File::open(folder)?.sync_all(),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let lines = self.0.iter().map(|key| BASE64.encode(key.expose_secret()) + "\n").collect::<String>();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(lines.as_bytes())?;
        file.sync_all()
    }

    fn parse(text: &str, path: &Path) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let key = BASE64.decode(line.trim().as_bytes()).ok().filter(|key| key.len() >= SHORTEST_KEY);
            let wrong = || KeyError::Line { path: path.into(), line: index + 1 };
            keys.push(key.ok_or_else(wrong)?.into());
        }
        if keys.is_empty() { Err(KeyError::Empty(path.into())) } else { Ok(Self(keys)) }
    }

    /// Signs `bytes` with the newest key; the first `N` octets of HMAC-SHA-256.
    pub fn sign<const N: usize>(&self, bytes: &[u8]) -> [u8; N] {
        let mut tag = [0; N];
        if let Some(key) = self.0.first() {
            let full = mac(key, bytes).finalize().into_bytes();
            tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        }
        tag
    }

    /// Whether any key signed `bytes` so, compared in constant time.
    pub fn verify(&self, bytes: &[u8], tag: &[u8]) -> bool {
        self.0.iter().any(|key| mac(key, bytes).verify_truncated_left(tag).is_ok())
    }
}

/// The first of `count` numbers that no other call of this process gets, until they come round: they
/// tell ids of one millisecond apart, so they begin at random, lest two runs in one make the same.
pub fn serials(count: usize) -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
        let mut first = [0; 2];
        // Zeros where the system gives none: less variety, and no secret.
        let _ = getrandom::fill(&mut first);
        AtomicU16::new(u16::from_be_bytes(first))
    });
    NEXT.fetch_add(u16::try_from(count).unwrap_or(u16::MAX), Ordering::Relaxed)
}

fn mac(key: &SecretSlice<u8>, bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).expect("HMAC takes a key of any length");
    mac.update(bytes);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(lines: &str) -> Result<Keys, KeyError> {
        Keys::parse(lines, Path::new("secret"))
    }

    #[test]
    fn an_old_key_still_verifies_and_the_newest_signs() {
        let (old, new) = (BASE64.encode(&[1; 32]), BASE64.encode(&[2; 32]));
        let before = keys(&old).unwrap();
        let after = keys(&format!("{new}\n\n{old}\n")).unwrap();
        assert!(after.verify(b"mail", &before.sign::<12>(b"mail")));
        assert!(!before.verify(b"mail", &after.sign::<12>(b"mail")));
        assert!(!after.verify(b"Mail", &after.sign::<12>(b"mail")));
    }

    #[test]
    fn a_bad_line_is_named_but_not_shown() {
        let error = keys(&format!("{}\nsecret words\n", BASE64.encode(&[1; 32]))).unwrap_err().to_string();
        assert!(error.starts_with("secret:2: expected a base64 key"), "{error}");
        assert!(!error.contains("words"));
        assert!(matches!(keys("\n"), Err(KeyError::Empty(_))));
        assert!(matches!(keys("QUJD"), Err(KeyError::Line { line: 1, .. })));
    }

    #[test]
    fn the_file_is_made_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = Keys::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Keys::load_or_create(&path).unwrap();
        assert!(read.verify(b"mail", &made.sign::<12>(b"mail")));
    }

    #[test]
    fn who_makes_the_file_at_once_gets_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(round.to_string());
            let make = || Keys::load_or_create(&path).unwrap().sign::<12>(b"mail");
            let tags = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            assert!(tags.iter().all(|tag| tag == &tags[0]), "{tags:?}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 20, "no drafts are left");
    }

    #[test]
    fn a_file_that_cannot_be_made_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        // The name is taken, and leads to no key.
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &path).unwrap();
        assert!(matches!(Keys::load_or_create(&path), Err(KeyError::File { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_text_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, [0xff; 32]).unwrap();
        assert!(matches!(Keys::load(&path), Err(KeyError::Line { line: 1, .. })));
    }
}
