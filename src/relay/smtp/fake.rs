//! A next hop for tests: a real socket, and behaviour that is a list of twists to an ordinary server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::BASE64;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The only user, and its password.
pub(super) const LOGIN: (&str, &str) = ("sincerely", "open sesame");

/// A moment in which the next hop speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// A hundred thousand octets of the message are there.
    Middle,
    Dot,
    Rset,
    Quit,
}

/// What it does in that moment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// Says these lines.
    Say(&'static [u8]),
    /// Says these lines, then closes the connection.
    Leave(&'static [u8]),
    /// Says these lines, an octet at a time.
    Drip(&'static [u8]),
    /// Says nothing more, and keeps the connection.
    Hang,
}

/// One departure from ordinary behaviour; the first that applies is done.
#[derive(Debug, Clone, Copy)]
struct Twist {
    stage: Stage,
    act: Act,
    // Only on the connection of this number, from 0.
    connection: Option<usize>,
    // Only after this many messages were taken on the connection.
    after: usize,
    // Only where the command holds this.
    naming: &'static str,
}

/// How a next hop behaves.
#[derive(Debug, Clone)]
pub(super) struct Behaviour {
    extensions: Vec<&'static str>,
    // Offered until TLS is there.
    tls: Option<Arc<ServerConfig>>,
    // Offered once TLS is there.
    extensions_with_tls: Vec<&'static str>,
    twists: Vec<Twist>,
}

impl Behaviour {
    pub(super) fn usual() -> Self {
        Self {
            extensions: vec!["PIPELINING", "SIZE 1000000", "8bitmime", "SMTPUTF8", "X-ODD 1"],
            tls: None,
            extensions_with_tls: Vec::new(),
            twists: Vec::new(),
        }
    }

    /// Offers STARTTLS.
    pub(super) fn with_tls(mut self, tls: Arc<ServerConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Offers something more.
    pub(super) fn with(mut self, extension: &'static str) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Offers something more once TLS is there.
    pub(super) fn with_in_tls(mut self, extension: &'static str) -> Self {
        self.extensions_with_tls.push(extension);
        self
    }

    pub(super) fn without(mut self, extension: &str) -> Self {
        self.extensions.retain(|offered| !offered.starts_with(extension));
        self
    }

    pub(super) fn at(mut self, stage: Stage, act: Act) -> Self {
        self.twists.push(Twist { stage, act, connection: None, after: 0, naming: "" });
        self
    }

    /// As [`Self::at`], where the command names `naming`.
    pub(super) fn at_naming(mut self, stage: Stage, naming: &'static str, act: Act) -> Self {
        self.twists.push(Twist { stage, act, connection: None, after: 0, naming });
        self
    }

    /// As [`Self::at`], on the connection of this number only, from 0.
    pub(super) fn at_connection(mut self, connection: usize, stage: Stage, act: Act) -> Self {
        self.twists.push(Twist { stage, act, connection: Some(connection), after: 0, naming: "" });
        self
    }

    /// As [`Self::at`], on every connection that has taken a message.
    pub(super) fn at_any_second_use(mut self, stage: Stage, act: Act) -> Self {
        self.twists.push(Twist { stage, act, connection: None, after: 1, naming: "" });
        self
    }

    /// As [`Self::at`], on the first connection and once it has taken a message.
    pub(super) fn at_second_use(mut self, stage: Stage, act: Act) -> Self {
        self.twists.push(Twist { stage, act, connection: Some(0), after: 1, naming: "" });
        self
    }
}

/// What the next hop saw.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Connections so far.
    pub(super) connections: usize,
    /// Connections that have ended.
    pub(super) ended: usize,
    /// Commands in the order they came, on all connections.
    pub(super) commands: Vec<String>,
    /// Whether a command came before the one in front of it was answered.
    pub(super) pipelined: bool,
    /// The messages that came whole, as they were before stuffing.
    pub(super) messages: Vec<Vec<u8>>,
    /// How many of them came through TLS.
    pub(super) encrypted: usize,
}

/// A next hop that runs until the test's runtime ends.
pub(super) struct FakeHop {
    /// Host and port.
    pub(super) server: String,
    log: Arc<Mutex<Log>>,
}

impl FakeHop {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let log = Arc::<Mutex<Log>>::default();
        tokio::spawn(accept(listener, behaviour, Arc::clone(&log)));
        Self { server, log }
    }

    /// Looks at what was seen.
    pub(super) fn saw<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.log.lock().unwrap())
    }

    /// Waits until what was seen is as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&Log) -> bool) {
        while !self.saw(&wanted) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn accept(listener: TcpListener, behaviour: Behaviour, log: Arc<Mutex<Log>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let number = log.lock().unwrap().connections;
        log.lock().unwrap().connections += 1;
        let behaviour = behaviour.clone();
        let (stream, log) = (BufReader::new(Box::new(stream) as Box<dyn Stream>), Arc::clone(&log));
        tokio::spawn(async move {
            let ended = Arc::clone(&log);
            let mut session = Session { stream, behaviour, log, number, taken: 0, is_encrypted: false };
            let _ = session.run().await;
            drop(session);
            ended.lock().unwrap().ended += 1;
        });
    }
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

struct Session {
    stream: BufReader<Box<dyn Stream>>,
    behaviour: Behaviour,
    log: Arc<Mutex<Log>>,
    number: usize,
    taken: usize,
    is_encrypted: bool,
}

impl Session {
    /// Answers until the connection ends, by either side: None.
    async fn run(&mut self) -> Option<()> {
        self.answer(Stage::Greeting, "", b"220 fake.example ESMTP\r\n").await?;
        loop {
            let command = String::from_utf8(self.line().await?).unwrap();
            self.note(&command);
            let verb = command.split([' ', '\r']).next().unwrap_or_default();
            match verb {
                "STARTTLS" => self.start_tls(&command).await?,
                "AUTH" => self.auth(&command).await?,
                "EHLO" => self.answer(Stage::Ehlo, &command, self.ehlo().as_bytes()).await?,
                "MAIL" => self.answer(Stage::Mail, &command, b"250 2.1.0 ok\r\n").await?,
                "RCPT" => self.answer(Stage::Rcpt, &command, b"250 2.1.5 ok\r\n").await?,
                "DATA" => self.data(&command).await?,
                "RSET" => self.answer(Stage::Rset, &command, b"250 2.0.0 reset\r\n").await?,
                "QUIT" => self.answer(Stage::Quit, &command, b"221 2.0.0 bye\r\n").await?,
                _ => self.say(b"500 5.5.2 what?\r\n").await?,
            }
        }
    }

    fn ehlo(&self) -> String {
        let mut lines = vec!["fake.example"];
        lines.extend(&self.behaviour.extensions);
        if self.is_encrypted {
            lines.extend(&self.behaviour.extensions_with_tls);
        } else {
            lines.extend(self.behaviour.tls.as_ref().map(|_| "STARTTLS"));
        }
        let last = lines.len() - 1;
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| format!("250{}{line}\r\n", if at < last { '-' } else { ' ' }))
            .collect()
    }

    async fn start_tls(&mut self, command: &str) -> Option<()> {
        let tls = self.behaviour.tls.clone()?;
        self.answer(Stage::StartTls, command, b"220 2.0.0 go on\r\n").await?;
        let refuses =
            matches!(self.twist(Stage::StartTls, command), Some(Act::Say(lines)) if !lines.starts_with(b"220"));
        if refuses {
            return Some(());
        }
        let plain = std::mem::replace(&mut self.stream, BufReader::new(Box::new(tokio::io::empty())));
        let encrypted = TlsAcceptor::from(tls).accept(plain.into_inner()).await.ok()?;
        self.stream = BufReader::new(Box::new(encrypted));
        self.is_encrypted = true;
        Some(())
    }

    async fn auth(&mut self, command: &str) -> Option<()> {
        let (user, password) = LOGIN;
        let plain = BASE64.encode(format!("\0{user}\0{password}").as_bytes());
        let is_right = match command.trim_end().strip_prefix("AUTH ")? {
            "LOGIN" => {
                let said = [self.question(b"Username:").await?, self.question(b"Password:").await?];
                said == [user, password]
            }
            other => other.strip_prefix("PLAIN ") == Some(plain.as_str()),
        };
        let usual: &[u8] = if is_right { b"235 2.7.0 welcome\r\n" } else { b"535 5.7.8 who are you?\r\n" };
        self.answer(Stage::Auth, command, usual).await
    }

    async fn question(&mut self, question: &[u8]) -> Option<String> {
        self.say(format!("334 {}\r\n", BASE64.encode(question)).as_bytes()).await?;
        let answer = self.line().await?;
        String::from_utf8(BASE64.decode(answer.trim_ascii_end()).ok()?).ok()
    }

    async fn data(&mut self, command: &str) -> Option<()> {
        if !self.answer(Stage::Data, command, b"354 go ahead\r\n").await.map(|()| self.took_data(command))? {
            return Some(());
        }
        let mut message = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if message.len() > 100_000 && self.twist(Stage::Middle, "").is_some() {
                self.answer(Stage::Middle, "", b"").await?;
            }
        }
        self.took(message);
        self.answer(Stage::Dot, ".", b"250 2.0.0 taken\r\n").await?;
        self.taken += 1;
        Some(())
    }

    fn took(&self, message: Vec<u8>) {
        let mut log = self.log.lock().unwrap();
        log.messages.push(message);
        log.encrypted += usize::from(self.is_encrypted);
    }

    fn took_data(&self, command: &str) -> bool {
        match self.twist(Stage::Data, command) {
            Some(Act::Say(lines) | Act::Leave(lines) | Act::Drip(lines)) => lines.starts_with(b"354"),
            Some(Act::Hang) | None => true,
        }
    }

    /// Says `usual`, or does what a twist wants.
    async fn answer(&mut self, stage: Stage, command: &str, usual: &[u8]) -> Option<()> {
        match self.twist(stage, command) {
            None if stage == Stage::Quit => self.say(usual).await.and(None),
            None => self.say(usual).await,
            Some(Act::Say(lines)) => self.say(lines).await,
            Some(Act::Leave(lines)) => self.say(lines).await.and(None),
            Some(Act::Drip(lines)) => self.drip(lines).await,
            Some(Act::Hang) => std::future::pending().await,
        }
    }

    fn twist(&self, stage: Stage, command: &str) -> Option<Act> {
        let applies = |twist: &&Twist| {
            twist.stage == stage
                && twist.connection.is_none_or(|number| number == self.number)
                && self.taken >= twist.after
                && command.contains(twist.naming)
        };
        self.behaviour.twists.iter().find(applies).map(|twist| twist.act)
    }

    async fn say(&mut self, lines: &[u8]) -> Option<()> {
        self.stream.write_all(lines).await.ok()?;
        self.stream.flush().await.ok()
    }

    async fn drip(&mut self, lines: &[u8]) -> Option<()> {
        for octet in lines.chunks(1) {
            self.say(octet).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Some(())
    }

    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.ok()?;
        line.ends_with(b"\r\n").then_some(line)
    }

    fn note(&self, command: &str) {
        let mut log = self.log.lock().unwrap();
        log.commands.push(command.trim_end().to_owned());
        log.pipelined |= !self.stream.buffer().is_empty();
    }
}
