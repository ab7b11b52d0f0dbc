//! Maildirs as the next hop: one for each address below a root folder. No mail server is needed, for
//! trying the daemon out.
//!
//! This is final delivery, so `Return-Path` (RFC 5321 §4.4) and `Delivered-To` are put above each
//! message; everything below them is the message as it came, CRLF line ends included.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::Mail;
use crate::clock;
use crate::mail::{Address, Failure, Reply, ReversePath};
use crate::maildir::Draft;

/// Octets that the name of a file may have, on every file system of note.
const LONGEST_NAME: usize = 255;

/// A folder with one Maildir for each address.
#[derive(Debug, Clone)]
pub struct MaildirRelay {
    root: Arc<PathBuf>,
}

/// A transaction: recipients are collected, and nothing is written before the message comes.
#[derive(Debug)]
pub struct MaildirTransaction {
    relay: MaildirRelay,
    reverse_path: ReversePath,
    recipients: Vec<Address>,
}

impl MaildirRelay {
    /// A relay into Maildirs below `root`, which are made when the first message comes.
    pub fn new(root: PathBuf) -> Self {
        Self { root: Arc::new(root) }
    }

    /// The Maildir of an address: its folded form, with every octet that a file name or a shell could
    /// take for something else written as `%2F`.
    pub fn folder(&self, address: &Address) -> PathBuf {
        self.root.join(file_name(&address.folded()))
    }

    /// Writes a message into one Maildir.
    ///
    /// # Errors
    /// [`Failure::Recipient`] as [`MaildirTransaction::recipient`], or [`Failure::Unreachable`] with
    /// the error of the file system; nothing was delivered then.
    pub async fn hand_over(&self, mail: &Mail, recipient: &Address, message: &[Bytes]) -> Result<Reply, Failure> {
        let mut transaction = self.begin(mail);
        transaction.recipient(recipient)?;
        transaction.data(message).await
    }

    /// Opens a transaction.
    pub fn begin(&self, mail: &Mail) -> MaildirTransaction {
        let reverse_path = mail.reverse_path.clone();
        MaildirTransaction { relay: self.clone(), reverse_path, recipients: Vec::new() }
    }
}

impl MaildirTransaction {
    /// Accepts a recipient: every address has a Maildir. One that comes twice gets one message.
    ///
    /// # Errors
    /// [`Failure::Recipient`] where the address is too long for the name of a folder: no retry will
    /// shorten it.
    pub fn recipient(&mut self, recipient: &Address) -> Result<Reply, Failure> {
        if file_name(&recipient.folded()).len() > LONGEST_NAME {
            return Err(Failure::Recipient(Reply::new(550, 1, 1, "address too long for the name of a Maildir")));
        }
        if !self.recipients.iter().any(|known| known.folded() == recipient.folded()) {
            self.recipients.push(recipient.clone());
        }
        Ok(Reply::new(250, 1, 5, "recipient ok"))
    }

    /// Writes the message into each Maildir.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with the error of the file system; nothing was delivered then, unless
    /// the file system failed between two renames.
    pub async fn data(self, message: &[Bytes]) -> Result<Reply, Failure> {
        if self.recipients.is_empty() {
            return Err(Failure::Recipient(Reply::new(554, 5, 1, "no valid recipients")));
        }
        let message = message.to_vec();
        let delivered = tokio::task::spawn_blocking(move || self.deliver(&message)).await;
        match delivered.unwrap_or_else(|panicked| Err(io::Error::other(panicked))) {
            Ok(()) => Ok(Reply::new(250, 0, 0, "delivered")),
            Err(error) => Err(Failure::Unreachable(error.to_string())),
        }
    }

    /// All copies are written and fsynced before the first is published: a disk that fills up delivers
    /// to nobody, and a retry delivers to nobody twice.
    fn deliver(&self, message: &[Bytes]) -> io::Result<()> {
        let drafts: Vec<Draft> = self.recipients.iter().map(|to| self.draft(to, message)).collect::<io::Result<_>>()?;
        drafts.into_iter().try_for_each(|draft| draft.publish().map(drop))
    }

    fn draft(&self, recipient: &Address, message: &[Bytes]) -> io::Result<Draft> {
        let return_path = match &self.reverse_path {
            ReversePath::Null => String::new(),
            ReversePath::Address(address) => address.to_string(),
        };
        let fields = format!("Return-Path: <{return_path}>\r\nDelivered-To: {recipient}\r\n");
        Draft::write(&self.relay.folder(recipient), &fields, message, clock::now())
    }
}

/// A text as the name of one file: never hidden, never `..`, never a path.
fn file_name(text: &str) -> String {
    let mut name = String::new();
    for (at, octet) in text.bytes().enumerate() {
        let plain = octet.is_ascii_alphanumeric() || b"@+-_=".contains(&octet) || (octet == b'.' && at > 0);
        if plain {
            name.push(char::from(octet));
        } else {
            name.push_str(&format!("%{octet:02X}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::mail::Transport;
    use crate::mail::dsn::PerMessage;

    const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\n\xff\r\n";

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn mail(reverse_path: ReversePath) -> Mail {
        Mail { reverse_path, transport: Transport::default(), size: None, dsn: PerMessage::default() }
    }

    fn messages(relay: &MaildirRelay, recipient: &str) -> Vec<String> {
        let new = relay.folder(&address(recipient)).join("new");
        let entries = fs::read_dir(new).into_iter().flatten();
        entries.map(|entry| fs::read(entry.unwrap().path()).unwrap().escape_ascii().to_string()).collect()
    }

    #[tokio::test]
    async fn a_message_lies_below_its_trace_fields() {
        let root = tempfile::tempdir().unwrap();
        let relay = MaildirRelay::new(root.path().join("mail"));
        let message = [Bytes::from_static(MESSAGE)];
        let from = mail(ReversePath::Address(address("ann@customer.example")));
        let reply = relay.hand_over(&from, &address("Sophie@Acme.example"), &message).await.unwrap();
        assert_eq!(reply.code, 250);
        let expected = b"Return-Path: <ann@customer.example>\r\nDelivered-To: Sophie@acme.example\r\n";
        assert_eq!(messages(&relay, "sophie@acme.example"), [[expected, MESSAGE].concat().escape_ascii().to_string()]);
    }

    #[tokio::test]
    async fn each_recipient_of_a_transaction_gets_one() {
        let root = tempfile::tempdir().unwrap();
        let relay = MaildirRelay::new(root.path().into());
        let mut transaction = relay.begin(&mail(ReversePath::Null));
        for recipient in ["a@x.example", "b@x.example", "A@X.example"] {
            assert!(transaction.recipient(&address(recipient)).unwrap().is_positive());
        }
        transaction.data(&[Bytes::from_static(MESSAGE)]).await.unwrap();
        for recipient in ["a@x.example", "b@x.example"] {
            let found = messages(&relay, recipient);
            assert!(matches!(&found[..], [one] if one.starts_with("Return-Path: <>\\r\\n")), "{found:?}");
        }
    }

    #[tokio::test]
    async fn without_a_recipient_there_is_nothing_to_deliver() {
        let relay = MaildirRelay::new("/nonexistent".into());
        let result = relay.begin(&mail(ReversePath::Null)).data(&[]).await;
        assert!(matches!(result, Err(Failure::Recipient(reply)) if reply.code == 554));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_a_failure_for_now_and_delivers_to_nobody() {
        let root = tempfile::tempdir().unwrap();
        let relay = MaildirRelay::new(root.path().into());
        fs::write(relay.folder(&address("b@x.example")), "in the way").unwrap();
        let mut transaction = relay.begin(&mail(ReversePath::Null));
        transaction.recipient(&address("a@x.example")).unwrap();
        transaction.recipient(&address("b@x.example")).unwrap();
        let result = transaction.data(&[Bytes::from_static(MESSAGE)]).await;
        assert!(matches!(result, Err(Failure::Unreachable(_))), "{result:?}");
        assert!(messages(&relay, "a@x.example").is_empty());
    }

    #[tokio::test]
    async fn an_address_too_long_for_a_folder_is_refused_alone() {
        let root = tempfile::tempdir().unwrap();
        let relay = MaildirRelay::new(root.path().into());
        let mut transaction = relay.begin(&mail(ReversePath::Null));
        // The name of the first has 255 octets: six for each of its odd letters.
        let (fits, long) = (format!("{}ab@x.test", "é".repeat(41)), format!("{}abc@x.test", "é".repeat(41)));
        let refused = transaction.recipient(&address(&long));
        assert!(matches!(refused, Err(Failure::Recipient(reply)) if reply.code == 550));
        transaction.recipient(&address(&fits)).unwrap();
        transaction.data(&[Bytes::from_static(MESSAGE)]).await.unwrap();
        assert_eq!(messages(&relay, &fits).len(), 1);
        let result = relay.hand_over(&mail(ReversePath::Null), &address(&long), &[]).await;
        assert!(matches!(result, Err(Failure::Recipient(_))), "{result:?}");
    }

    #[test]
    fn no_address_leaves_the_root() {
        for (hostile, name) in [
            ("../../x@y.example", "%2E.%2F..%2Fx@y.example"),
            (".@y.example", "%2E@y.example"),
            ("%2e@y.example", "%252e@y.example"),
            ("\"a /b\"@y.example", "%22a%20%2Fb%22@y.example"),
            ("Jörg+a.b@y.example", "j%C3%B6rg+a.b@y.example"),
            ("a@[IPv6:::1]", "a@%5Bipv6%3A%3A%3A1%5D"),
        ] {
            let folder = MaildirRelay::new("/root".into()).folder(&address(hostile));
            assert_eq!(folder, PathBuf::from("/root").join(name));
        }
    }
}
