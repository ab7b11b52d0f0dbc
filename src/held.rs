//! Messages kept on disk for an operator instead of being forwarded: one Maildir for each reason.
//!
//! A held message is answered with 250, so it is on the disk before [`Held::keep`] returns. Three
//! fields are put above it; [`original`] takes them off again and gives back the very bytes that came.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use strum::VariantArray;

use crate::mail::{Address, HoldReason, ReversePath, TransactionId};
use crate::maildir::Draft;

/// The names of the fields above a held message, in their order.
const FIELDS: [&str; 3] = ["Return-Path: ", "Delivered-To: ", "X-Sincerely-Held: "];

/// Octets of [`About::why`] that are kept: a line may have 998 (RFC 5322 §2.1.1).
const LONGEST_WHY: usize = 800;

/// The folder of held messages.
#[derive(Debug, Clone)]
pub struct Held {
    root: PathBuf,
}

/// What an operator needs to know of a held message, to release it or to drop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The transaction that it came in.
    pub transaction: TransactionId,
    /// Its reverse path as it came, to release it with.
    pub reverse_path: ReversePath,
    /// The one recipient that it is held for, as the peer wrote it.
    pub recipient: Address,
    /// One sentence for people: the rule, the signals, or the next hop's words. May be empty.
    pub why: String,
}

/// A message could not be kept; nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[error("the message cannot be held: {0}")]
pub struct HeldError(#[from] io::Error);

impl Held {
    /// The held messages below `state_dir`; nothing is made before the first one.
    pub fn new(state_dir: &Path) -> Self {
        Self { root: state_dir.join("held") }
    }

    /// Keeps a message in the Maildir `held/REASON`; its path, once file and folder are on the disk.
    ///
    /// # Errors
    /// When it is not on the disk for certain: the peer must come again.
    pub async fn keep(
        &self,
        reason: HoldReason,
        about: &About,
        message: &[Bytes],
        now: Timestamp,
    ) -> Result<PathBuf, HeldError> {
        let folder = self.root.join(reason.to_string());
        let fields = about.fields(reason, now);
        let message = message.to_vec();
        let write = move || Draft::write(&folder, &fields, &message, now)?.publish();
        let written = tokio::task::spawn_blocking(write).await;
        Ok(written.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))?)
    }
}

impl About {
    /// The fields above the message:
    ///
    /// ```text
    /// Return-Path: <ann@customer.example>
    /// Delivered-To: sophie@acme.example
    /// X-Sincerely-Held: reason=spam; transaction=0r1b…; at=2026-01-31T09:30:00Z; why=X-Spam-Flag: YES
    /// ```
    ///
    /// Each is one line, however long; `why` is last, and so may hold anything but a line's end.
    fn fields(&self, reason: HoldReason, at: Timestamp) -> String {
        let [return_path, delivered_to, held] = FIELDS;
        let sender = self.reverse_path.address().map(ToString::to_string).unwrap_or_default();
        let Self { transaction, recipient, .. } = self;
        let why = one_line(&self.why);
        format!(
            "{return_path}<{sender}>\r\n{delivered_to}{recipient}\r\n\
             {held}reason={reason}; transaction={transaction}; at={at}; why={why}\r\n"
        )
    }
}

/// How much is held for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The reason.
    pub reason: HoldReason,
    /// Messages.
    pub messages: usize,
    /// Since when the oldest of them is there, where its file's name tells.
    pub oldest: Option<Timestamp>,
}

impl Held {
    /// How much is held, for each reason that there is something for.
    ///
    /// # Errors
    /// When a folder is there and cannot be read.
    pub fn count(&self) -> io::Result<Vec<Count>> {
        let counted = HoldReason::VARIANTS.iter().map(|reason| self.count_of(*reason));
        Ok(counted.collect::<io::Result<Vec<_>>>()?.into_iter().filter(|count| count.messages > 0).collect())
    }

    fn count_of(&self, reason: HoldReason) -> io::Result<Count> {
        let mut count = Count { reason, messages: 0, oldest: None };
        for folder in ["new", "cur"].map(|name| self.root.join(reason.to_string()).join(name)) {
            let entries = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let at = kept_at(&entry?.file_name().to_string_lossy());
                count.messages += 1;
                count.oldest = count.oldest.into_iter().chain(at).min();
            }
        }
        Ok(count)
    }
}

/// When a message was kept: the names of a Maildir begin with it, in seconds.
fn kept_at(name: &str) -> Option<Timestamp> {
    Timestamp::from_second(name.split('.').next()?.parse().ok()?).ok()
}

/// A text that cannot leave its line, cut where it is too long.
fn one_line(text: &str) -> String {
    let safe = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut octets = 0;
    safe.take_while(|c| {
        octets += c.len_utf8();
        octets <= LONGEST_WHY
    })
    .collect()
}

/// The message in a held file, without the fields that [`Held::keep`] put above it; `None` for a file
/// that does not begin with them.
pub fn original(file: &[u8]) -> Option<&[u8]> {
    FIELDS.iter().try_fold(file, |rest, name| {
        let line = rest.strip_prefix(name.as_bytes())?;
        let end = memchr::memmem::find(line, b"\r\n")?;
        line.get(end + 2..)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn about(why: &str) -> About {
        About {
            transaction: TransactionId::new(1, 1),
            reverse_path: ReversePath::Null,
            recipient: "\"../a b\"@acme.example".parse().unwrap(),
            why: why.into(),
        }
    }

    async fn keep(state_dir: &Path, about: &About, message: &[u8]) -> Result<PathBuf, HeldError> {
        let (first, second) = message.split_at(message.len() / 2);
        let pieces = [first, second].map(Bytes::copy_from_slice);
        Held::new(state_dir).keep(HoldReason::AutoReply, about, &pieces, Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn a_held_message_says_why_and_gives_its_bytes_back() {
        let root = tempfile::tempdir().unwrap();
        let expected = "Return-Path: <>\r\n\
            Delivered-To: \"../a b\"@acme.example\r\n\
            X-Sincerely-Held: reason=auto-reply; transaction=0000000008000040; \
            at=1970-01-01T00:00:00Z; why=550 no;  X-Evil: 1\r\n";
        for message in [&b"Subject: x\r\n\r\n\xff\0\r\n"[..], b"", b"Return-Path: <x>\r\nDelivered-To: y\r\n"] {
            let path = keep(root.path(), &about("550 no;\r\nX-Evil: 1"), message).await.unwrap();
            assert!(path.starts_with(root.path().join("held/auto-reply/new")));
            let file = fs::read(path).unwrap();
            assert_eq!(original(&file), Some(message));
            assert_eq!(
                file.escape_ascii().to_string(),
                [expected.as_bytes(), message].concat().escape_ascii().to_string()
            );
        }
    }

    #[tokio::test]
    async fn a_long_reason_is_cut_between_characters() {
        let root = tempfile::tempdir().unwrap();
        let path = keep(root.path(), &about(&"é".repeat(2000)), b"x").await.unwrap();
        let file = String::from_utf8(fs::read(path).unwrap()).unwrap();
        assert!(file.lines().all(|line| line.len() <= 998));
        assert_eq!(original(file.as_bytes()), Some(&b"x"[..]));
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_an_error_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("held/auto-reply/tmp")).unwrap();
        fs::write(root.path().join("held/auto-reply/new"), "in the way").unwrap();
        let error = keep(root.path(), &about(""), b"x").await.unwrap_err();
        assert!(error.to_string().contains("held/auto-reply/new"), "{error}");
        assert_eq!(fs::read_dir(root.path().join("held/auto-reply/tmp")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_held_is_counted_with_the_oldest() {
        let root = tempfile::tempdir().unwrap();
        let held = Held::new(root.path());
        assert_eq!(held.count().unwrap(), []);
        for second in [1_800_000_000, 1_700_000_000] {
            let now = Timestamp::from_second(second).unwrap();
            held.keep(HoldReason::Spam, &about(""), &[Bytes::from_static(b"x")], now).await.unwrap();
        }
        fs::write(root.path().join("held/spam/cur/by-hand"), "x").unwrap();
        let oldest = Timestamp::from_second(1_700_000_000).ok();
        assert_eq!(held.count().unwrap(), [Count { reason: HoldReason::Spam, messages: 3, oldest }]);
        fs::write(root.path().join("held/rule"), "no folder").unwrap();
        held.count().unwrap_err();
    }

    #[test]
    fn a_file_that_we_did_not_write_has_no_original() {
        assert_eq!(original(b"Return-Path: <>\r\nSubject: x\r\n\r\n"), None);
    }
}
