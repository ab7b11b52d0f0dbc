//! What stands above a kept message: all that is needed to send it again. Pure.
//!
//! A power cut may leave any octets in a file that was not fsynced, so what is read is either what was written, by
//! its checksum, or nothing.

use serde::{Deserialize, Serialize};

use crate::mail::{
    Address, CopyId, Edits, Evidence, Field, Kind, PersonaName, ReversePath, ThreadId, TransactionId, Transport,
};

/// What kind of file it is. Behind it stand, of four octets each, a checksum of all that follows, and how long the sheet is.
const MAGIC: &[u8; 8] = b"sincopy2";

/// How a message came, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The transaction that it came in.
    pub transaction: TransactionId,
    /// When.
    pub came: jiff::Timestamp,
    /// The name that the peer gave.
    pub helo: String,
    /// Where the peer was.
    pub peer: String,
    /// What was spoken.
    pub with: String,
    /// What MAIL asked of the transport.
    pub transport: Transport,
    /// The reverse path as it came.
    pub reverse_path: ReversePath,
    /// One for each recipient for whom it was forwarded.
    pub shares: Vec<Share>,
}

/// What was forwarded for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its name.
    pub copy: CopyId,
    /// The recipient, by the real address.
    pub recipient: Address,
    /// Whom it was for.
    pub persona: Option<PersonaName>,
    /// Why.
    pub evidence: Evidence,
    /// What the message is.
    pub kind: Kind,
    /// The inboxes that it went to.
    pub to: Vec<Address>,
    /// Where it goes at last: the inboxes of those whose place others take.
    pub at_last: Vec<Address>,
    /// The thread in which it was told.
    pub thread: Option<ThreadId>,
    /// What rules change in what is handed on.
    pub edits: Edits,
}

/// A file that is no kept message, or no whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not what was written")]
pub struct Damaged;

#[derive(Serialize, Deserialize)]
struct Written {
    transaction: String,
    came: i64,
    helo: String,
    peer: String,
    with: String,
    transport: Transport,
    reverse_path: Option<String>,
    shares: Vec<WrittenShare>,
}

#[derive(Serialize, Deserialize)]
struct WrittenShare {
    copy: CopyId,
    recipient: String,
    persona: Option<PersonaName>,
    evidence: String,
    kind: String,
    to: Vec<String>,
    at_last: Vec<String>,
    thread: Option<ThreadId>,
    append: Vec<(String, String)>,
    insert: Option<(String, String)>,
}

impl Forwarded {
    /// The octets that stand above `message`.
    ///
    /// # Errors
    /// When it cannot be encoded, which its types leave no room for.
    pub fn write(&self, message: &[u8]) -> Result<Vec<u8>, postcard::Error> {
        let sheet = postcard::to_stdvec(&Written::of(self))?;
        let length = u32::try_from(sheet.len()).unwrap_or(u32::MAX).to_le_bytes();
        let checksum = [&length, sheet.as_slice(), message].into_iter().fold(0, crc32c::crc32c_append);
        Ok([MAGIC, checksum.to_le_bytes().as_slice(), &length, &sheet].concat())
    }

    /// What a file says, and where in it the message begins.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn read(file: &[u8]) -> Result<(Self, usize), Damaged> {
        let rest = file.strip_prefix(MAGIC).ok_or(Damaged)?;
        let (checksum, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        if crc32c::crc32c(rest) != u32::from_le_bytes(*checksum) {
            return Err(Damaged);
        }
        let (length, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damaged)?;
        let (sheet, message) = rest.split_at_checked(length).ok_or(Damaged)?;
        let written = postcard::from_bytes::<Written>(sheet).ok();
        let forwarded = written.and_then(Written::read).ok_or(Damaged)?;
        Ok((forwarded, file.len() - message.len()))
    }
}

impl Written {
    fn of(forwarded: &Forwarded) -> Self {
        Self {
            transaction: forwarded.transaction.to_string(),
            came: forwarded.came.as_second(),
            helo: forwarded.helo.clone(),
            peer: forwarded.peer.clone(),
            with: forwarded.with.clone(),
            transport: forwarded.transport,
            reverse_path: forwarded.reverse_path.address().map(ToString::to_string),
            shares: forwarded.shares.iter().map(WrittenShare::of).collect(),
        }
    }

    fn read(self) -> Option<Forwarded> {
        let path = self.reverse_path.map(|path| path.parse().map(ReversePath::Address)).transpose().ok()?;
        Some(Forwarded {
            transaction: TransactionId::read(&self.transaction)?,
            came: jiff::Timestamp::from_second(self.came).ok()?,
            helo: self.helo,
            peer: self.peer,
            with: self.with,
            transport: self.transport,
            reverse_path: path.unwrap_or(ReversePath::Null),
            shares: self.shares.into_iter().map(WrittenShare::read).collect::<Option<_>>()?,
        })
    }
}

impl WrittenShare {
    fn of(share: &Share) -> Self {
        let field = |field: &Field| (field.name.to_string(), field.value.clone());
        Self {
            copy: share.copy,
            recipient: share.recipient.to_string(),
            persona: share.persona.clone(),
            evidence: share.evidence.to_string(),
            kind: share.kind.to_string(),
            to: share.to.iter().map(ToString::to_string).collect(),
            at_last: share.at_last.iter().map(ToString::to_string).collect(),
            thread: share.thread,
            append: share.edits.append.iter().map(field).collect(),
            insert: share.edits.insert_before_value.as_ref().map(field),
        }
    }

    fn read(self) -> Option<Share> {
        let field = |(name, value): (String, String)| Field::new(name, value);
        Some(Share {
            copy: self.copy,
            recipient: self.recipient.parse().ok()?,
            persona: self.persona,
            evidence: self.evidence.parse().ok()?,
            kind: self.kind.parse().ok()?,
            to: addresses(&self.to)?,
            at_last: addresses(&self.at_last)?,
            thread: self.thread,
            edits: Edits {
                prepend: Vec::new(),
                append: self.append.into_iter().map(field).collect(),
                insert_before_value: self.insert.map(field),
            },
        })
    }
}

fn addresses(texts: &[String]) -> Option<Vec<Address>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What was forwarded of one message for as many recipients as there are names.
    pub(in crate::kept) fn forwarded(copies: &[CopyId]) -> Forwarded {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let share = |copy: &CopyId| Share {
            copy: *copy,
            recipient: address("\"so phie\"@acme.example"),
            persona: Some(PersonaName("sophie".into())),
            evidence: Evidence::Seed,
            kind: Kind::Human,
            to: vec![address("sophie@corp.example"), address("jörg@corp.example")],
            at_last: vec![address("tom@corp.example")],
            thread: Some(ThreadId([3; 8])),
            edits: Edits {
                prepend: Vec::new(),
                append: vec![Field::new("X-Team", "sales")],
                insert_before_value: Some(Field::new("Subject", " [Acme]")),
            },
        };
        Forwarded {
            transaction: TransactionId::new(1, 2),
            came: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
            helo: "mx".into(),
            peer: "[127.0.0.1]".into(),
            with: "ESMTP".into(),
            transport: Transport { eight_bit: true, utf8: false },
            reverse_path: ReversePath::Address(address("ann@customer.example")),
            shares: copies.iter().map(share).collect(),
        }
    }

    #[test]
    fn what_is_read_is_what_was_written_or_nothing() {
        let (message, expect) = (b"Subject: x\r\n\r\n\xff\0\r\n", forwarded(&[CopyId([1; 8]), CopyId([2; 8])]));
        let file = [expect.write(message).unwrap().as_slice(), message].concat();
        let (read, at) = Forwarded::read(&file).unwrap();
        assert_eq!((read, &file[at..]), (expect, message.as_slice()));
        for place in 0..file.len() {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert_eq!(Forwarded::read(&changed), Err(Damaged), "octet {place}");
            assert_eq!(Forwarded::read(&file[..place]), Err(Damaged), "cut at {place}");
        }
    }
}
