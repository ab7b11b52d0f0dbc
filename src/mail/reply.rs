//! SMTP replies: code, enhanced status code and text (RFC 5321 §4.2, RFC 3463).
//!
//! Everything we say to a peer is built here or comes from the next hop; the public text never
//! holds a cause, a path of this machine or an inbox address: those go to the log.

use std::fmt;

use super::plain::plain;

/// A reply to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply code, 200 to 599.
    pub code: u16,
    /// The enhanced status code (class, subject, detail); `None` only in greetings and intermediate
    /// replies, which have none (RFC 2034 §4).
    pub enhanced: Option<(u8, u16, u16)>,
    /// The text; may hold several lines, separated by `\n`.
    pub text: String,
}

impl Reply {
    /// A reply with an enhanced status code, whose class follows from the code.
    pub fn new(code: u16, subject: u16, detail: u16, text: impl Into<String>) -> Self {
        let class = match code / 100 {
            2 => 2,
            5 => 5,
            _ => 4,
        };
        Self { code, enhanced: Some((class, subject, detail)), text: text.into() }
    }

    /// `250`, `221`, …: done.
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// 4xx: the same may work later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5xx: the same will not work later.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The enhanced status code as `2.0.0`; empty where there is none.
    pub fn enhanced_text(&self) -> String {
        self.enhanced.map_or_else(String::new, |(a, b, c)| format!("{a}.{b}.{c}"))
    }

    /// The lines on the wire, each with its CRLF. Control characters of the text become spaces, so
    /// that no text can make a second reply.
    pub fn to_wire(&self) -> Vec<u8> {
        let lines: Vec<&str> = self.text.split('\n').collect();
        let mut wire = String::new();
        for (index, line) in lines.iter().enumerate() {
            let hyphen = if index + 1 < lines.len() { '-' } else { ' ' };
            let enhanced = self.enhanced.map_or_else(String::new, |(a, b, c)| format!("{a}.{b}.{c} "));
            let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            wire.push_str(&format!("{}{hyphen}{enhanced}{line}\r\n", self.code));
        }
        wire.into_bytes()
    }
}

/// On one line, for people and the log: the text may be a stranger's.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.enhanced.is_some() {
            write!(f, " {}", self.enhanced_text())?;
        }
        write!(f, " {}", plain(&self.text.replace('\n', " / ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_reply_carries_its_codes() {
        let reply = Reply::new(550, 1, 1, "no such\nrecipient\r250 here");
        assert_eq!(reply.to_wire(), b"550-5.1.1 no such\r\n550 5.1.1 recipient 250 here\r\n");
    }

    #[test]
    fn a_reply_is_shown_and_does_nothing_to_the_line() {
        let reply = Reply::new(550, 1, 1, "no\nsuch\r\x1b[2J\u{9b}m\u{202e}");
        assert_eq!(reply.to_string(), r"550 5.1.1 no / such\r\u{1b}[2J\u{9b}m\u{202e}");
    }
}
