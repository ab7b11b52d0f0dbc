//! The installation's secret, and what is signed with it.
//!
//! One key file holds one base64 key a line, newest first: the newest signs, all verify, so that a
//! key can be rotated without breaking the tokens that are out. Keys never reach a log.

use std::fs;
use std::io::Write;
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
        source: std::io::Error,
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
        let text = fs::read_to_string(path).map_err(|source| KeyError::File { path: path.into(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the keys of `path`, or makes the file with a new key, fsynced, for the owner's eyes only.
    ///
    /// # Errors
    /// As [`Keys::load`], or when the file cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let file = |source| KeyError::File { path: path.into(), source };
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut new) => {
                let keys = Self::generate()?;
                let lines = keys.0.iter().map(|key| BASE64.encode(key.expose_secret()) + "\n").collect::<String>();
                new.write_all(lines.as_bytes()).and_then(|()| new.sync_all()).map_err(file)?;
                // A key that a power cut takes away would orphan every token signed with it.
                let folder = path.parent().unwrap_or(Path::new("."));
                fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)?;
                Ok(keys)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(file(error)),
        }
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
}
