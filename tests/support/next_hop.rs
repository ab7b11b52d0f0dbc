//! A next hop that counts: it keeps what it took, and behaves as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A message that the next hop said 250 to, or took without saying so.
#[derive(Debug, Clone)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// What stood behind the path of MAIL, but for SIZE, and of each RCPT that was accepted.
    pub asked: Vec<String>,
    pub bytes: Vec<u8>,
    /// Whether it came through TLS.
    pub encrypted: bool,
}

/// What the next hop does in the place of an ordinary answer.
#[derive(Debug, Clone)]
pub enum Twist {
    /// Says this.
    Say(String),
    /// Says this, and closes.
    Leave(String),
    /// Says nothing more, and keeps the connection.
    Hang,
}

/// How the next hop answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// The reply to MAIL instead of 250.
    pub mail: Option<String>,
    /// The reply to RCPT of an address that contains the key.
    pub recipients: Vec<(String, String)>,
    /// The reply to the final dot instead of 250.
    pub dot: Option<String>,
    /// Takes the message, then closes without a reply.
    pub silent_after_dot: bool,
    /// Never answers the final dot, and keeps the connection.
    pub hangs_after_dot: bool,
    /// The same, for a recipient that contains this.
    pub hangs_for: Option<String>,
    /// Answers the final dot after so long.
    pub takes_its_time: Option<std::time::Duration>,
    /// Closes at the next DATA, once.
    pub closes_at_data: bool,
    /// What EHLO offers, besides PIPELINING.
    pub no_extensions: bool,
    /// EHLO offers DSN too.
    pub dsn: bool,
    /// What it does at a step: `greeting`, a verb such as `MAIL`, or `.` for the final dot.
    pub at: Option<(&'static str, Twist)>,
    /// Offers STARTTLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// Offers AUTH PLAIN, and answers it with this.
    pub auth: Option<String>,
}

/// The server.
pub struct NextHop {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl NextHop {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hop = Self { address: listener.local_addr().unwrap(), taken: Arc::default(), behaviour: Arc::default() };
        let (taken, behaviour) = (hop.taken.clone(), hop.behaviour.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (taken, behaviour) = (taken.clone(), behaviour.clone());
                // A peer that goes away ends its session only.
                std::thread::spawn(move || drop(session(stream, &taken, &behaviour)));
            }
        });
        hop
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// The only message that it has taken.
    pub fn only(&self) -> Taken {
        let taken = self.taken();
        assert_eq!(taken.len(), 1, "the next hop took {} messages", taken.len());
        taken[0].clone()
    }
}

fn session(stream: TcpStream, taken: &Mutex<Vec<Taken>>, behaviour: &Mutex<Behaviour>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = stream.try_clone()?;
    let mut lines = BufReader::new(Stream::Plain(stream));
    let mut current =
        Taken { from: String::new(), to: Vec::new(), asked: Vec::new(), bytes: Vec::new(), encrypted: false };
    let at_greeting = behaviour.lock().unwrap().clone();
    answer(&mut lines, &at_greeting, "greeting", "220 next.example ESMTP")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let now = behaviour.lock().unwrap().clone();
        let is_encrypted = matches!(lines.get_ref(), Stream::Tls(_));
        let mut step = line.get(..4).unwrap_or_default().to_uppercase();
        let reply = match step.as_str() {
            "EHLO" => offers(&now, is_encrypted),
            "STAR" if !matches!(now.at, Some(("STAR", _))) => {
                lines.get_mut().write_all(b"220 2.0.0 Ready\r\n")?;
                let tls = ServerConnection::new(now.tls.expect("it is offered")).map_err(std::io::Error::other)?;
                lines = BufReader::new(Stream::Tls(Box::new(StreamOwned::new(tls, socket.try_clone()?))));
                continue;
            }
            "AUTH" => now.auth.clone().unwrap_or_else(|| "502 5.5.1 not here".into()),
            "MAIL" => {
                current = Taken {
                    from: argument(&line),
                    to: Vec::new(),
                    asked: vec![parameters(&line)],
                    bytes: Vec::new(),
                    encrypted: is_encrypted,
                };
                now.mail.clone().unwrap_or_else(|| "250 2.1.0 Ok".into())
            }
            "RCPT" => {
                let to = argument(&line);
                let refused = now.recipients.iter().find(|(part, _)| to.contains(part));
                if refused.is_none() {
                    current.to.push(to);
                    current.asked.push(parameters(&line));
                }
                refused.map_or_else(|| "250 2.1.5 Ok".into(), |(_, reply)| reply.clone())
            }
            "DATA" if now.closes_at_data => {
                behaviour.lock().unwrap().closes_at_data = false;
                return Ok(());
            }
            "DATA" if current.to.is_empty() => "554 5.5.1 no valid recipients".into(),
            "DATA" => {
                answer(&mut lines, &now, "DATA", "354 go on")?;
                current.bytes = data(&mut lines)?;
                now.takes_its_time.into_iter().for_each(std::thread::sleep);
                step = ".".into();
                let takes = !matches!(&now.at, Some((".", Twist::Say(no) | Twist::Leave(no))) if !no.starts_with('2'));
                if now.dot.is_none() && takes {
                    taken.lock().unwrap().push(current.clone());
                }
                if now.silent_after_dot {
                    return Ok(());
                }
                let hangs = now.hangs_for.as_ref().is_some_and(|part| current.to.iter().any(|to| to.contains(part)));
                if now.hangs_after_dot || hangs {
                    // Until the peer gives up.
                    let mut rest = String::new();
                    return lines.read_line(&mut rest).map(drop);
                }
                now.dot.clone().unwrap_or_else(|| "250 2.0.0 Ok: queued as NEXT".into())
            }
            "QUIT" => {
                return lines.get_mut().write_all(b"221 2.0.0 Bye\r\n");
            }
            _ => "250 2.0.0 Ok".into(),
        };
        answer(&mut lines, &now, &step, &reply)?;
    }
}

/// Says `usual`, or does what is wanted at this step; an error ends the session.
fn answer(lines: &mut BufReader<Stream>, now: &Behaviour, step: &str, usual: &str) -> std::io::Result<()> {
    let twist = now.at.as_ref().filter(|(at, _)| *at == step).map(|(_, twist)| twist);
    let (reply, leaves) = match twist {
        None => (usual, false),
        Some(Twist::Say(reply)) => (reply.as_str(), false),
        Some(Twist::Leave(reply)) => (reply.as_str(), true),
        Some(Twist::Hang) => {
            // Until the peer gives up.
            std::io::copy(lines, &mut std::io::sink())?;
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    lines.get_mut().write_all(format!("{reply}\r\n").as_bytes())?;
    lines.get_mut().flush()?;
    if leaves { Err(std::io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
}

/// The answer to EHLO.
fn offers(now: &Behaviour, is_encrypted: bool) -> String {
    let mut offers = vec!["next.example", "PIPELINING"];
    if !now.no_extensions {
        offers.extend(["SIZE 104857600", "SMTPUTF8", "8BITMIME"]);
    }
    offers.extend(now.dsn.then_some("DSN"));
    offers.extend(now.tls.as_ref().filter(|_| !is_encrypted).map(|_| "STARTTLS"));
    offers.extend(now.auth.as_ref().map(|_| "AUTH PLAIN"));
    let last = offers.len() - 1;
    let line = |(index, offer)| format!("250{}{offer}", if index < last { '-' } else { ' ' });
    offers.into_iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n")
}

/// A connection, encrypted or not.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// What stands between the angle brackets.
fn argument(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.rsplit_once('>'))
        .map(|(inner, _)| inner.to_owned())
        .unwrap_or_default()
}

/// What stands behind the angle brackets, but for SIZE.
fn parameters(line: &str) -> String {
    let after = line.rsplit_once('>').map_or("", |(_, after)| after);
    after.split_whitespace().filter(|parameter| !parameter.starts_with("SIZE=")).collect::<Vec<_>>().join(" ")
}

/// The message, unstuffed.
fn data(lines: &mut BufReader<Stream>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(bytes);
        }
        let unstuffed = line.strip_prefix(b".").unwrap_or(&line);
        bytes.extend_from_slice(unstuffed);
    }
}
