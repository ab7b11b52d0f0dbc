//! What is remembered, as it stands in the journal.
//!
//! The journal outlives versions of the program: variants are only ever added at the end, and a
//! field never changes its meaning.

use sha2::{Digest, Sha256};

use crate::mail::{
    Action, Address, CopyId, Evidence, FateName, Kind, MessageId, PersonName, PersonaName, Place, ReversePath, Status,
    ThreadId,
};
use crate::message::Message;

/// How safe a record must be before [`super::Threads::learn`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Written: it survives the end of this process, also by SIGKILL, but perhaps not a power cut.
    Written,
    /// On disk: it survives a power cut.
    Disk,
}

/// A hash of a message below its Received fields, and of its body: equal for the same mail
/// whatever way it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a message.
    pub fn of(message: &Message) -> Self {
        Self(head(message.fingerprint()))
    }
}

/// A hash of all bytes received, the reverse path and one recipient: equal for a mail server's
/// retry, which is byte-identical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct RetryKey(pub [u8; 16]);

impl RetryKey {
    /// The key of one recipient. `bytes_hash` is the SHA-256 of all bytes received.
    pub fn new(bytes_hash: &[u8; 32], reverse_path: &ReversePath, recipient: &Address) -> Self {
        Self::of(bytes_hash, &format!("{reverse_path}\0{recipient}"))
    }

    /// The key of a place for which somebody was chosen: that of the recipient, or one that no address has.
    pub fn of_place(bytes_hash: &[u8; 32], reverse_path: &ReversePath, place: &Place) -> Self {
        match place {
            Place::Recipient(recipient) => Self::new(bytes_hash, reverse_path, recipient),
            Place::Person(name) => Self::of(bytes_hash, &format!("{reverse_path}\0\0person\0{name}")),
            Place::Persona(name) => Self::of(bytes_hash, &format!("{reverse_path}\0\0persona\0{name}")),
        }
    }

    fn of(bytes_hash: &[u8; 32], what: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(bytes_hash);
        hash.update(what);
        Self(head(hash.finalize().as_slice()))
    }
}

impl RetryKey {
    /// The key under which it is known what became of a forwarded copy that bounced; `is_last`: at the fallback.
    pub fn of_copy(copy: CopyId, is_last: bool) -> Self {
        Self(head(Sha256::digest(format!("copy\0{copy}\0{is_last}")).as_slice()))
    }
}

/// A hash of a destination, so that the memory holds no inbox addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct DestinationHash(pub [u8; 8]);

impl DestinationHash {
    /// The hash of a destination's name: a folded address, or `held/REASON`.
    pub fn new(destination: &str) -> Self {
        Self(head(Sha256::digest(destination).as_slice()))
    }
}

/// A hash of a base subject, or of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct TopicHash(pub [u8; 8]);

impl TopicHash {
    fn new(topic: impl AsRef<[u8]>) -> Self {
        Self(head(Sha256::digest(topic).as_slice()))
    }
}

/// What a message is about, as mail programs keep it in an answer. Only ever compared among the threads of
/// one correspondent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Topic {
    /// The base subject, where there is one.
    pub subject: Option<TopicHash>,
    /// The conversation that Outlook counts it to.
    pub conversation: Option<TopicHash>,
}

impl Topic {
    /// What `message` is about.
    pub fn of(message: &Message) -> Self {
        Self {
            subject: message.base_subject().map(TopicHash::new),
            conversation: message.conversation().map(TopicHash::new),
        }
    }
}

/// The first octets of a hash.
fn head<const N: usize>(hash: &[u8]) -> [u8; N] {
    let mut head = [0; N];
    head.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    head
}

/// A message went out, from us or one of ours: its id belongs to a thread.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sent {
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The thread, opened by this message or an earlier one.
    pub thread: ThreadId,
    /// Whose thread.
    pub persona: PersonaName,
    /// The message as it came to us; tells a repetition from another message under the same id.
    pub fingerprint: Fingerprint,
    /// Whom it goes to, folded.
    pub correspondents: Vec<String>,
    /// Who wrote it, where that is one known person: whoever wrote last in a thread goes on answering there.
    pub writer: Option<PersonName>,
    /// What it is about.
    pub topic: Topic,
    /// When.
    pub at: i64,
}

/// A message came that belongs to a thread, or opens one.
///
/// What is found in it stands by its name: the numbers of variants are their strength, and change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Came {
    /// The thread.
    pub thread: ThreadId,
    /// Whose thread.
    pub persona: PersonaName,
    /// The message as it came to us; tells a repetition from another message.
    pub mail: Fingerprint,
    /// Its Message-ID, where it has one.
    pub message_id: Option<MessageId>,
    /// Ids that it refers to, which may join the thread with its own.
    pub heals: Vec<MessageId>,
    /// Who wrote it, folded; none where that is nobody, or said to be one of ours.
    pub correspondent: Option<String>,
    /// What it is.
    #[serde(with = "by_name")]
    pub kind: Kind,
    /// Why it belongs to the thread.
    #[serde(with = "by_name")]
    pub evidence: Evidence,
    /// What became of it: handed on, where anybody got it.
    #[serde(with = "by_name")]
    pub fate: FateName,
    /// The person who was chosen to answer.
    pub person: Option<PersonName>,
    /// What it is about.
    pub topic: Topic,
    /// When.
    pub at: i64,
}

impl Came {
    /// Whose word it is, where a person of the correspondent's side wrote it and one of ours got it: only such a
    /// message changes what belongs to the thread. All others are only told.
    pub fn author(&self) -> Option<&str> {
        let is_answered = self.kind == Kind::Human && self.fate == FateName::Forward;
        self.correspondent.as_deref().filter(|_| is_answered)
    }

    /// Whether it may open its thread. Strong evidence names a thread that is there already, also where the index
    /// has lost it: whoever was handed on our mail could make themselves its correspondent by answering first.
    pub fn may_open(&self) -> bool {
        !self.evidence.is_strong()
    }
}

/// A mail system told what became of mail of a thread (RFC 3464).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reported {
    /// The thread.
    pub thread: ThreadId,
    /// Whose thread.
    pub persona: PersonaName,
    /// Whom the mail was for, folded, as far as it can be read.
    pub recipient: Option<String>,
    /// What became of it.
    #[serde(with = "by_name")]
    pub action: Action,
    /// The status code, where there is one.
    pub status: Option<Status>,
    /// When it was told.
    pub at: i64,
}

/// Writes what has a name by its name.
pub(super) mod by_name {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::threads) fn serialize<T: Copy + Into<&'static str>, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str((*value).into())
    }

    pub(in crate::threads) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// One thing learned. All times are seconds of the Unix epoch, but for those of turns.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Record {
    /// A message went out: its id belongs to a thread of a persona. Read, and no longer written: see [`Record::Sent`].
    Learned {
        /// Its Message-ID.
        message_id: MessageId,
        /// The thread, opened by this message or an earlier one.
        thread: ThreadId,
        /// Whose thread.
        persona: PersonaName,
        /// The message as it came to us; tells a repetition from another message under the same id.
        fingerprint: Fingerprint,
        /// Whom it goes to, folded.
        correspondents: Vec<String>,
        /// When.
        at: i64,
    },
    /// A matched message brought its own id into a thread. Read, and no longer written: see [`Record::Came`].
    Healed {
        /// The message's id.
        message_id: MessageId,
        /// The thread it matched, or opened.
        thread: ThreadId,
        /// Whose thread.
        persona: PersonaName,
        /// Who wrote it, folded.
        correspondent: String,
        /// When.
        at: i64,
    },
    /// A leg is done: its mail need not be sent to this destination again.
    Done {
        /// The byte-identical mail.
        retry: RetryKey,
        /// The same mail by any way.
        twin: Fingerprint,
        /// Where it went.
        destination: DestinationHash,
        /// When.
        at: i64,
    },
    /// A pool chose a person; a retry must not choose another.
    Chosen {
        /// The byte-identical mail.
        retry: RetryKey,
        /// The person's name.
        person: PersonName,
        /// When.
        at: i64,
    },
    /// A correspondent is to be forgotten.
    Forgotten {
        /// The address, folded.
        correspondent: String,
        /// When: what was learned of them up to this second goes, what is learned later stays.
        at: i64,
    },
    /// A message went out that a person wrote: learned as the first kind is, and whoever wrote last in a
    /// thread goes on answering there. Read, and no longer written: see [`Record::Sent`].
    LearnedFrom {
        /// Its Message-ID.
        message_id: MessageId,
        /// The thread, opened by this message or an earlier one.
        thread: ThreadId,
        /// Whose thread.
        persona: PersonaName,
        /// The message as it came to us.
        fingerprint: Fingerprint,
        /// Whom it goes to, folded.
        correspondents: Vec<String>,
        /// Who wrote it.
        writer: PersonName,
        /// When.
        at: i64,
    },
    /// A message went out.
    Sent(Sent),
    /// A message came.
    Came(Came),
    /// A mail system told what became of mail.
    Reported(Reported),
    /// An automated message said which campaign it is of.
    Campaign {
        /// The thread that the message opened, or belongs to.
        thread: ThreadId,
        /// Whose thread.
        persona: PersonaName,
        /// What the field said that `stamp.campaign_header` names.
        campaign: String,
        /// When.
        at: i64,
    },
    /// Somebody of a pool had their turn.
    Turn {
        /// The persona whose pool it is.
        persona: PersonaName,
        /// Who.
        person: PersonName,
        /// When, in **milliseconds** of the Unix epoch: several may be in one second, and each is later than those
        /// before it.
        at: i64,
    },
}

impl Record {
    /// When it was learned, in seconds of the Unix epoch.
    pub fn at(&self) -> i64 {
        match self {
            Self::Learned { at, .. }
            | Self::Healed { at, .. }
            | Self::Done { at, .. }
            | Self::Chosen { at, .. }
            | Self::Forgotten { at, .. }
            | Self::LearnedFrom { at, .. }
            | Self::Sent(Sent { at, .. })
            | Self::Came(Came { at, .. })
            | Self::Reported(Reported { at, .. })
            | Self::Campaign { at, .. } => *at,
            Self::Turn { at, .. } => at.div_euclid(1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_of_before_is_read() {
        let (message_id, thread, persona) = (MessageId::new("a@b").unwrap(), ThreadId([1; 8]), PersonaName("s".into()));
        let (fingerprint, person, at) = (Fingerprint([2; 16]), PersonName("p".into()), 3);
        let (retry, correspondents) = (RetryKey([4; 16]), vec!["c@d".to_owned()]);
        let before = [
            Record::Learned {
                message_id: message_id.clone(),
                thread,
                persona: persona.clone(),
                fingerprint,
                correspondents,
                at,
            },
            Record::Healed {
                message_id: message_id.clone(),
                thread,
                persona: persona.clone(),
                correspondent: "c@d".into(),
                at,
            },
            Record::Done { retry, twin: fingerprint, destination: DestinationHash([5; 8]), at },
            Record::Chosen { retry, person: person.clone(), at },
            Record::Forgotten { correspondent: "c@d".into(), at },
            Record::LearnedFrom {
                message_id,
                thread,
                persona,
                fingerprint,
                correspondents: Vec::new(),
                writer: person,
                at,
            },
            Record::Sent(sent()),
            Record::Came(came()),
            Record::Reported(reported()),
            Record::Campaign {
                thread: ThreadId([1; 8]),
                persona: PersonaName("s".into()),
                campaign: "c".into(),
                at: 3,
            },
            Record::Turn { persona: PersonaName("s".into()), person: PersonName("p".into()), at: 3000 },
        ];
        for (number, record) in before.into_iter().enumerate() {
            let octets = postcard::to_stdvec(&record).unwrap();
            assert_eq!(usize::from(octets[0]), number, "{record:?}");
            assert_eq!(postcard::from_bytes::<Record>(&octets).unwrap(), record);
        }
        let learned = [&b"\0\x03a@b"[..], &[1; 8], b"\x01s", &[2; 16], b"\x01\x03c@d", &[6]].concat();
        assert!(
            matches!(postcard::from_bytes::<Record>(&learned), Ok(Record::Learned { at: 3, .. })),
            "as it lay on disk"
        );
        let sent_on_disk = [
            &b"\x06\x03a@b"[..],
            &[1; 8],
            b"\x01s",
            &[2; 16],
            b"\x01\x03c@d",
            b"\x01\x01p",
            b"\x01",
            &[7; 8],
            b"\0",
            &[6],
        ];
        assert_eq!(postcard::from_bytes(&sent_on_disk.concat()), Ok(Record::Sent(sent())));
        let came_on_disk = [
            &b"\x07"[..],
            &[1; 8],
            b"\x01s",
            &[2; 16],
            b"\x01\x03a@b\x01\x03e@f\x01\x03c@d",
            b"\x05human\x04seed\x07forward",
            b"\x01\x01p\x01",
            &[7; 8],
            b"\0",
            &[6],
        ];
        assert_eq!(postcard::from_bytes(&came_on_disk.concat()), Ok(Record::Came(came())));
        let reported_on_disk =
            [&b"\x08"[..], &[1; 8], b"\x01s", b"\x01\x03c@d", b"\x06failed", b"\x01\x05\x01\x01", &[6]];
        assert_eq!(postcard::from_bytes(&reported_on_disk.concat()), Ok(Record::Reported(reported())));
        // 3000 milliseconds, zigzag: 6000 in seven bits at a time.
        let turn_on_disk = b"\x0a\x01s\x01p\xf0\x2e";
        let turn = Record::Turn { persona: PersonaName("s".into()), person: PersonName("p".into()), at: 3000 };
        assert_eq!((postcard::from_bytes(turn_on_disk), turn.at()), (Ok(turn), 3), "told in seconds");
    }

    #[test]
    fn a_name_that_is_not_known_here_is_no_other_name() {
        let octets = postcard::to_stdvec(&Record::Came(came())).unwrap();
        let later = String::from_utf8_lossy(&octets).replace("human", "robot");
        assert!(postcard::from_bytes::<Record>(later.as_bytes()).is_err());
    }

    fn topic() -> Topic {
        Topic { subject: Some(TopicHash([7; 8])), conversation: None }
    }

    fn sent() -> Sent {
        Sent {
            message_id: MessageId::new("a@b").unwrap(),
            thread: ThreadId([1; 8]),
            persona: PersonaName("s".into()),
            fingerprint: Fingerprint([2; 16]),
            correspondents: vec!["c@d".into()],
            writer: Some(PersonName("p".into())),
            topic: topic(),
            at: 3,
        }
    }

    fn reported() -> Reported {
        Reported {
            thread: ThreadId([1; 8]),
            persona: PersonaName("s".into()),
            recipient: Some("c@d".into()),
            action: Action::Failed,
            status: Status::read("5.1.1"),
            at: 3,
        }
    }

    fn came() -> Came {
        Came {
            thread: ThreadId([1; 8]),
            persona: PersonaName("s".into()),
            mail: Fingerprint([2; 16]),
            message_id: MessageId::new("a@b"),
            heals: vec![MessageId::new("e@f").unwrap()],
            correspondent: Some("c@d".into()),
            kind: Kind::Human,
            evidence: Evidence::Seed,
            fate: FateName::Forward,
            person: Some(PersonName("p".into())),
            topic: topic(),
            at: 3,
        }
    }
}
