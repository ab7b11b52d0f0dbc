//! A next hop that counts: it keeps what it took, and behaves as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A message that the next hop said 250 to, or took without saying so.
#[derive(Debug, Clone)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub bytes: Vec<u8>,
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
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut current = Taken { from: String::new(), to: Vec::new(), bytes: Vec::new() };
    out.write_all(b"220 next.example ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let now = behaviour.lock().unwrap().clone();
        let verb = line.get(..4).unwrap_or_default().to_uppercase();
        let reply = match verb.as_str() {
            "EHLO" if now.no_extensions => "250-next.example\r\n250 PIPELINING".to_owned(),
            "EHLO" => {
                "250-next.example\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-SMTPUTF8\r\n250 8BITMIME".to_owned()
            }
            "MAIL" => {
                current = Taken { from: argument(&line), to: Vec::new(), bytes: Vec::new() };
                now.mail.clone().unwrap_or_else(|| "250 2.1.0 Ok".into())
            }
            "RCPT" => {
                let to = argument(&line);
                let refused = now.recipients.iter().find(|(part, _)| to.contains(part));
                if refused.is_none() {
                    current.to.push(to);
                }
                refused.map_or_else(|| "250 2.1.5 Ok".into(), |(_, reply)| reply.clone())
            }
            "DATA" if now.closes_at_data => {
                behaviour.lock().unwrap().closes_at_data = false;
                return Ok(());
            }
            "DATA" if current.to.is_empty() => "554 5.5.1 no valid recipients".into(),
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                current.bytes = data(&mut lines)?;
                now.takes_its_time.into_iter().for_each(std::thread::sleep);
                if now.dot.is_none() {
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
                out.write_all(b"221 2.0.0 Bye\r\n")?;
                return Ok(());
            }
            _ => "250 2.0.0 Ok".into(),
        };
        out.write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// What stands between the angle brackets.
fn argument(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.rsplit_once('>'))
        .map(|(inner, _)| inner.to_owned())
        .unwrap_or_default()
}

/// The message, unstuffed.
fn data(lines: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
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
