//! As much of an IMAP client (RFC 9051) as tells what is in an inbox, to the octet.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A session that is logged in and has opened the inbox.
pub(crate) struct Imap(BufReader<TcpStream>);

impl Imap {
    pub(crate) fn log_in(port: u16, user: &str, password: &str) -> Self {
        let mut imap = Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap()));
        imap.line();
        imap.say(&format!("LOGIN \"{user}\" \"{password}\""));
        imap.say("EXAMINE INBOX");
        imap
    }

    /// Every message, as it is.
    pub(crate) fn messages(&mut self) -> Vec<Vec<u8>> {
        self.say("UID FETCH 1:* BODY.PEEK[]")
    }

    /// Sends a command and reads up to its result; the literals on the way.
    fn say(&mut self, command: &str) -> Vec<Vec<u8>> {
        self.0.get_mut().write_all(format!("a {command}\r\n").as_bytes()).unwrap();
        let mut literals = Vec::new();
        loop {
            let line = self.line();
            if let Some(result) = line.strip_prefix("a ") {
                assert!(result.starts_with("OK"), "IMAP: {command}: {result}");
                return literals;
            }
            if let Some(length) = line.strip_suffix('}').and_then(|line| line.rsplit('{').next()) {
                let mut literal = vec![0; length.parse().unwrap()];
                self.0.read_exact(&mut literal).unwrap();
                literals.push(literal);
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "IMAP: the server hung up");
        line.trim_end().to_owned()
    }
}
