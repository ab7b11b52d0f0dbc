//! A next hop for tests: a real socket, and behaviour that is a list of twists to an ordinary server.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A moment in which the next hop speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Ehlo,
    Mail,
    Rcpt,
    Data,
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
    twists: Vec<Twist>,
}

impl Behaviour {
    pub(super) fn usual() -> Self {
        Self { extensions: vec!["PIPELINING", "SIZE 1000000", "8bitmime", "SMTPUTF8", "X-ODD 1"], twists: Vec::new() }
    }

    pub(super) fn with(mut self, extension: &'static str) -> Self {
        self.extensions.push(extension);
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
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
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
        let (stream, log) = (BufReader::new(stream), Arc::clone(&log));
        tokio::spawn(async move {
            let ended = Arc::clone(&log);
            let mut session = Session { stream, behaviour, log, number, taken: 0 };
            let _ = session.run().await;
            drop(session);
            ended.lock().unwrap().ended += 1;
        });
    }
}

struct Session {
    stream: BufReader<TcpStream>,
    behaviour: Behaviour,
    log: Arc<Mutex<Log>>,
    number: usize,
    taken: usize,
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
        let last = lines.len() - 1;
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| format!("250{}{line}\r\n", if at < last { '-' } else { ' ' }))
            .collect()
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
        }
        self.log.lock().unwrap().messages.push(message);
        self.answer(Stage::Dot, ".", b"250 2.0.0 taken\r\n").await?;
        self.taken += 1;
        Some(())
    }

    fn took_data(&self, command: &str) -> bool {
        match self.twist(Stage::Data, command) {
            Some(Act::Say(lines) | Act::Leave(lines)) => lines.starts_with(b"354"),
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
        self.stream.write_all(lines).await.ok()
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
