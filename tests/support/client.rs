//! An SMTP client that hides nothing: every reply is looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// A connection to a listener.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
}

/// A connection of any kind.
pub trait Stream: Read + Write + Send {
    /// A peer that never answers fails the test, and does not hang it.
    fn bound(&self, wait: Duration) -> std::io::Result<()>;
}

impl Stream for TcpStream {
    fn bound(&self, wait: Duration) -> std::io::Result<()> {
        self.set_nodelay(true)?;
        self.set_read_timeout(Some(wait))
    }
}

impl Stream for UnixStream {
    fn bound(&self, wait: Duration) -> std::io::Result<()> {
        self.set_read_timeout(Some(wait))
    }
}

impl Stream for StreamOwned<ClientConnection, Box<dyn Stream>> {
    fn bound(&self, wait: Duration) -> std::io::Result<()> {
        self.sock.bound(wait)
    }
}

impl Client {
    /// Connects and says EHLO.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the listener accepts")
    }

    /// Connects and says LHLO (RFC 2033).
    pub fn connect_lmtp(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the listener accepts");
        Self::greet(stream, "LHLO client.example").expect("the listener greets")
    }

    /// Connects and says EHLO; an error is for tests that kill the daemon.
    pub fn try_connect(address: SocketAddr) -> std::io::Result<Self> {
        Self::greet(TcpStream::connect(address)?, "EHLO client.example")
    }

    /// Waits for the greeting on a connection, and answers it.
    pub fn greet(stream: impl Stream + 'static, hello: &str) -> std::io::Result<Self> {
        stream.bound(Duration::from_secs(60))?;
        let mut client = Self { stream: BufReader::new(Box::new(stream)) };
        client.reply()?;
        client.say(hello)?;
        Ok(client)
    }

    /// Begins TLS (RFC 3207) with a server named as the daemon's configuration names it, and greets again.
    pub fn starttls(mut self, config: Arc<ClientConfig>, hello: &str) -> std::io::Result<Self> {
        let reply = self.say("STARTTLS")?;
        assert!(reply.starts_with("220"), "{reply}");
        let name = "sincerely.acme.example".try_into().expect("a domain");
        let session = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
        let stream = StreamOwned::new(session, self.stream.into_inner());
        let mut client = Self { stream: BufReader::new(Box::new(stream)) };
        client.say(hello)?;
        Ok(client)
    }

    /// Reads one reply, all its lines.
    pub fn reply(&mut self) -> std::io::Result<String> {
        let mut whole = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            whole.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(whole.trim_end().to_owned());
            }
        }
    }

    /// Sends one command and reads its reply.
    pub fn say(&mut self, command: &str) -> std::io::Result<String> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a message; the first reply that is not positive, or the one to the final dot.
    pub fn send(&mut self, from: &str, to: &[&str], message: &[u8]) -> std::io::Result<String> {
        self.begin(from, to)?.map_or_else(|| self.finish(message), Ok)
    }

    /// Sends a message over LMTP; the reply for each recipient.
    pub fn send_lmtp(&mut self, from: &str, to: &[&str], message: &[u8]) -> std::io::Result<Vec<String>> {
        assert_eq!(self.begin(from, to)?, None);
        self.raw(&stuffed(message))?;
        to.iter().map(|_| self.reply()).collect()
    }

    /// MAIL, RCPT, DATA; the reply that refused, if one did.
    pub fn begin(&mut self, from: &str, to: &[&str]) -> std::io::Result<Option<String>> {
        let mut commands = vec![format!("MAIL FROM:<{from}>")];
        commands.extend(to.iter().map(|to| format!("RCPT TO:<{to}>")));
        commands.push("DATA".into());
        for command in commands {
            let reply = self.say(&command)?;
            if !reply.starts_with(['2', '3']) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// The message and its final dot; the reply.
    pub fn finish(&mut self, message: &[u8]) -> std::io::Result<String> {
        self.raw(&stuffed(message))?;
        self.reply()
    }
}

/// With its dots stuffed and the final dot.
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    wire.extend_from_slice(b".\r\n");
    wire
}
