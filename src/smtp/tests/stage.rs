//! The stage: a stub service, a server, and a client that follows a script.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf,
};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mail::{Reply, Transport};
use crate::smtp::service::{ForwardPath, Mail, Offers, Peer, Protocol, Rcpt, Service, Session, Unfit};
use crate::smtp::settings::{Limits, PeerName, Settings};
use crate::smtp::{Gate, Server, Tls};

/// A message that the service got, or a transaction on the way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) helo: String,
    pub(super) encrypted: bool,
    pub(super) reverse_path: String,
    pub(super) transport: Transport,
    pub(super) size: Option<u64>,
    /// What MAIL and each accepted RCPT asked of notifications.
    pub(super) asked: Vec<String>,
    pub(super) recipients: Vec<String>,
    pub(super) bytes: Bytes,
}

impl Taken {
    pub(super) fn text(&self) -> &str {
        str::from_utf8(&self.bytes).unwrap()
    }
}

/// Takes every message; local parts of addresses choose another behaviour.
#[derive(Debug, Default)]
pub(super) struct Stub {
    /// What EHLO offers besides.
    pub(super) offers: Offers,
    pub(super) taken: Mutex<Vec<Taken>>,
    /// Transactions that were begun and not dropped or handed over.
    pub(super) open: Arc<AtomicUsize>,
    /// Told when a message for `slow` arrives; it then waits for `release`.
    pub(super) entered: Notify,
    pub(super) release: Notify,
    /// Whether data that no message is made of is taken all the same.
    pub(super) takes_unfit: AtomicBool,
}

pub(super) struct Draft {
    taken: Taken,
    open: Arc<AtomicUsize>,
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service for Stub {
    type Transaction = Draft;

    fn offers(&self) -> Offers {
        self.offers
    }

    async fn begin(&self, session: &Session, mail: Mail) -> Result<Draft, Reply> {
        let reverse_path = mail.reverse_path.to_string();
        if reverse_path.starts_with("unwanted@") {
            return Err(Reply::new(550, 7, 1, "unwanted"));
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        let taken = Taken {
            id: mail.id.to_string(),
            helo: session.helo.clone(),
            encrypted: session.encrypted,
            reverse_path,
            transport: mail.transport,
            size: mail.size,
            asked: vec![mail.dsn.to_string()],
            recipients: Vec::new(),
            bytes: Bytes::new(),
        };
        Ok(Draft { taken, open: Arc::clone(&self.open) })
    }

    async fn recipient(&self, draft: &mut Draft, rcpt: Rcpt) -> Reply {
        let recipient = match rcpt.to {
            ForwardPath::Address(address) => address.to_string(),
            ForwardPath::Postmaster => "Postmaster".into(),
        };
        let reply = match recipient.split('@').next() {
            Some("nobody") => Reply::new(550, 1, 1, "nobody here"),
            Some("later") => Reply::new(451, 7, 1, "later"),
            Some("closing") => Reply::new(421, 3, 2, "next hop closes"),
            Some("terse") => Reply { code: 250, enhanced: None, text: "terse".into() },
            _ => Reply::new(250, 1, 5, "recipient ok"),
        };
        if reply.is_positive() {
            draft.taken.recipients.push(recipient);
            draft.taken.asked.push(rcpt.dsn.to_string());
        }
        reply
    }

    async fn message(&self, draft: Draft, bytes: Bytes) -> Vec<Reply> {
        let taken = Taken { bytes, ..draft.taken.clone() };
        let is_for = |local: &str| taken.recipients.iter().any(|to| to.split('@').next() == Some(local));
        assert!(!is_for("panic"), "a panic that a test asked for");
        if is_for("slow") {
            self.entered.notify_one();
            self.release.notified().await;
        }
        let replies = taken.recipients.iter().map(|to| Reply::new(250, 0, 0, format!("taken for {to}")));
        let replies = if is_for("miscount") { replies.take(1).collect() } else { replies.collect() };
        self.taken.lock().unwrap().push(taken);
        replies
    }

    fn unfit(&self, _: Draft, _: &dyn fmt::Display) -> Result<Vec<Reply>, Unfit> {
        if self.refuses_unfit() { Err(Unfit) } else { Ok(vec![Reply::new(250, 0, 0, "unfit, and taken")]) }
    }

    fn refuses_unfit(&self) -> bool {
        !self.takes_unfit.load(Ordering::SeqCst)
    }
}

/// Settings of a listener for loopback alone.
pub(super) fn settings(protocol: Protocol, limits: Limits) -> Settings {
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    let hostname = "here.example".into();
    Settings { hostname, protocol, allow, xforward: Vec::new(), proxy: Vec::new(), tls: None, limits }
}

/// A server with its service, and what is needed to end it.
pub(super) struct Stage {
    pub(super) service: Arc<Stub>,
    pub(super) server: Arc<Server<Stub>>,
    pub(super) gate: Arc<Gate>,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Stage {
    pub(super) fn new(protocol: Protocol, limits: Limits) -> Self {
        Self::with(settings(protocol, limits), Offers::default())
    }

    /// One whose peers may say XFORWARD.
    pub(super) fn forwarding(protocol: Protocol) -> Self {
        let settings = Settings { xforward: vec![PeerName::Unix], ..settings(protocol, Limits::default()) };
        Self::with(settings, Offers::default())
    }

    /// One whose service offers more.
    pub(super) fn offering(protocol: Protocol, limits: Limits, offers: Offers) -> Self {
        Self::with(settings(protocol, limits), offers)
    }

    /// One that offers STARTTLS.
    pub(super) fn encrypting(protocol: Protocol, limits: Limits, tls: Arc<Tls>) -> Self {
        Self::with(Settings { tls: Some(tls), ..settings(protocol, limits) }, Offers::default())
    }

    fn with(settings: Settings, offers: Offers) -> Self {
        let (service, tasks) = (Arc::new(Stub { offers, ..Stub::default() }), TaskTracker::new());
        let gate = Gate::new(&settings.limits);
        let server = Server::new(Arc::clone(&service), settings, Arc::clone(&gate), tasks.clone());
        Self { service, server, gate, shutdown: CancellationToken::new(), tasks }
    }

    pub(super) fn smtp() -> Self {
        Self::new(Protocol::Smtp, Limits::default())
    }

    /// A client over a pipe that holds `capacity` octets: 1 cuts everything into single octets.
    pub(super) fn connect(&self, capacity: usize) -> Client {
        let (ours, theirs) = tokio::io::duplex(capacity);
        let (server, shutdown) = (Arc::clone(&self.server), self.shutdown.clone());
        self.tasks.spawn(async move { server.session(theirs, Peer::Unix, shutdown).await });
        Client::new(ours)
    }

    /// Connects, says hello, and opens a transaction.
    pub(super) async fn in_transaction(&self) -> Client {
        let mut client = self.connect(4096);
        client
            .follow(
                "S: 220 here.example*
                 C: HELO there.example
                 S: 250 here.example
                 C: MAIL FROM:<ann@there.example>
                 S: 250 2.1.0*
                 C: RCPT TO:<sophie@here.example>
                 S: 250 2.1.5*",
            )
            .await;
        client
    }

    /// What the service got, once every session is over.
    pub(super) async fn end(self) -> Vec<Taken> {
        self.tasks.close();
        self.tasks.wait().await;
        assert_eq!(self.service.open.load(Ordering::SeqCst), 0, "a transaction was never dropped");
        std::mem::take(&mut *self.service.taken.lock().unwrap())
    }
}

/// The peer, following a script.
pub(super) struct Client<IO = DuplexStream> {
    read: BufReader<ReadHalf<IO>>,
    write: WriteHalf<IO>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    fn new(stream: IO) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self { read: BufReader::new(read), write }
    }

    /// Begins TLS as a client, with a server named `here.example`.
    pub(super) async fn encrypt(self, connector: &TlsConnector) -> Client<TlsStream<IO>> {
        let server = "here.example".try_into().unwrap();
        Client::new(connector.connect(server, self.into_stream()).await.unwrap())
    }

    /// The stream, with whatever was read ahead lost.
    pub(super) fn into_stream(self) -> IO {
        self.read.into_inner().unsplit(self.write)
    }

    /// Says that nothing more will be said; in TLS, by close_notify.
    pub(super) async fn leave(&mut self) {
        self.write.shutdown().await.unwrap();
    }

    /// All octets up to the end of the connection.
    pub(super) async fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.read.read_to_end(&mut rest).await?;
        Ok(rest)
    }

    /// Follows a script of lines:
    ///
    /// - `C: text` is sent with CRLF, and with the `C` lines that follow in one write;
    /// - `C| text` is sent as it stands, with `\r`, `\n`, `\0` and `\xNN` for octets;
    /// - `S: text` is the next line that the server says, a `*` at its end standing for any rest;
    /// - `S.` is the end of the connection.
    pub(super) async fn follow(&mut self, script: &str) {
        let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        while lines.peek().is_some() {
            let mut said = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('C')) {
                said.extend(octets(line));
            }
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('S')) {
                expected.push(line);
            }
            assert!(!(said.is_empty() && expected.is_empty()), "no such line: {:?}", lines.peek());
            // What is said after the server has closed goes nowhere.
            let (_, ()) = tokio::join!(write(&mut self.write, &said), hear(&mut self.read, &expected));
        }
    }

    pub(super) async fn send(&mut self, octets: &[u8]) {
        self.try_send(octets).await.unwrap();
    }

    pub(super) async fn try_send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        write(&mut self.write, octets).await
    }
}

async fn write(to: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    to.write_all(octets).await?;
    to.flush().await
}

async fn hear<IO: AsyncRead>(read: &mut BufReader<ReadHalf<IO>>, expected: &[&str]) {
    for expect in expected {
        if *expect == "S." {
            let mut rest = String::new();
            read.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, "", "the end was expected");
            continue;
        }
        let mut heard = String::new();
        read.read_line(&mut heard).await.unwrap();
        let expect = expect.strip_prefix("S: ").unwrap();
        let heard = heard.strip_suffix("\r\n").unwrap_or_else(|| panic!("{heard:?} instead of {expect:?}"));
        match expect.strip_suffix('*') {
            Some(start) => assert!(heard.starts_with(start), "{heard:?} instead of {expect:?}"),
            None => assert_eq!(heard, expect),
        }
    }
}

/// What a `C` line of a script sends.
fn octets(line: &str) -> Vec<u8> {
    if let Some(raw) = line.strip_prefix("C| ") {
        return unescape(raw);
    }
    let text = line.strip_prefix("C:").unwrap();
    format!("{}\r\n", text.strip_prefix(' ').unwrap_or(text)).into_bytes()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (octet, length) = match rest.as_bytes() {
            [b'\\', b'r', ..] => (vec![b'\r'], 2),
            [b'\\', b'n', ..] => (vec![b'\n'], 2),
            [b'\\', b'0', ..] => (vec![0], 2),
            [b'\\', b'x', ..] => (vec![u8::from_str_radix(&rest[2..4], 16).unwrap()], 4),
            _ => (c.to_string().into_bytes(), c.len_utf8()),
        };
        octets.extend(octet);
        rest = &rest[length..];
    }
    octets
}

/// Plays a whole session twice, as it is and octet by octet, and answers what the service got:
/// the same both times. The script begins after the banner and ends with `S.` or QUIT.
pub(super) async fn dialogue_on(stage: impl Fn() -> Stage, script: &str) -> Vec<Taken> {
    let mut plays = Vec::new();
    for capacity in [1 << 16, 1] {
        let stage = stage();
        let mut client = stage.connect(capacity);
        client.follow("S: 220 here.example *").await;
        client.follow(script).await;
        drop(client);
        plays.push(stage.end().await);
    }
    let (whole, pieces) = (plays.remove(0), plays.remove(0));
    let nameless = |taken: &Taken| Taken { id: String::new(), ..taken.clone() };
    assert!(whole.iter().map(nameless).eq(pieces.iter().map(nameless)), "cutting changed the result");
    whole
}

/// A session of an SMTP server with the default limits.
pub(super) async fn dialogue(script: &str) -> Vec<Taken> {
    dialogue_on(Stage::smtp, script).await
}
