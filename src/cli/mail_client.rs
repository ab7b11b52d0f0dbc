//! What the demo plays besides the daemon: an application that sends, and customers who answer.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;

use crate::mail::dsn::PerMessage;
use crate::mail::{Address, Failure, Reply, ReversePath, Transport};
use crate::message::Message;
use crate::relay::smtp::Security;
use crate::relay::{Mail, NextHop, Relay, Settings, Timeouts};

/// Sends messages to one listener over SMTP.
pub(super) struct MailClient {
    relay: Relay,
}

impl MailClient {
    /// A client of the listener at `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        let next_hop = NextHop::Smtp(address.to_string());
        let settings = Settings { next_hop, security: Security::default(), timeouts: Timeouts::default() };
        Self { relay: Relay::new(settings, "client.example") }
    }

    /// Sends a message, written with LF line ends; whatever the listener says.
    pub(super) async fn send(&self, from: ReversePath, to: &Address, text: &str) -> Result<Reply, Failure> {
        let mail = Mail { reverse_path: from, transport: Transport::default(), size: None, dsn: PerMessage::default() };
        self.relay.hand_over(&mail, &to.clone().into(), &[Bytes::from(text.replace('\n', "\r\n"))]).await
    }
}

/// The messages in the `new` folder of a Maildir, oldest first.
pub(super) fn messages(maildir: &Path) -> std::io::Result<Vec<Message>> {
    let mut files: Vec<_> = match std::fs::read_dir(maildir.join("new")) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    files.sort();
    files.iter().map(|file| Ok(Message::read(Bytes::from(std::fs::read(file)?)))).collect()
}
