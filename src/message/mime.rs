//! The parts of a MIME message (RFC 2046 §5.1), as far as they are looked at.
//!
//! A stranger writes them: a part costs five octets, and a container in a container little more. So only the
//! beginning of a message is read, each octet once, and of it so many parts and so deep as is allowed. What
//! lies beyond is as if it were not there. A part is decoded only for who asks, and no attached message is opened.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{HeaderName, HeaderValue, MessageParser};

use super::Message;

/// How much of a message is searched for its parts: reports are small, mail is not.
const SEARCHED: usize = 128 << 10;

/// How many parts of a message are looked at, and how deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mime {
    /// `limits.mime_parts`.
    pub parts: usize,
    /// `limits.mime_depth`: containers in one another; the message itself is the first.
    pub depth: usize,
}

impl Default for Mime {
    fn default() -> Self {
        Self { parts: 1000, depth: 100 }
    }
}

impl Mime {
    /// Whether the message has a part of this type.
    pub fn has_part(self, message: &Message, main: &str, sub: &str) -> bool {
        self.parts(message).any(|part| part.is(main, sub))
    }

    /// The parts of a container, containers among them, from the top. A message that is no container has none.
    pub(super) fn parts(self, message: &Message) -> impl Iterator<Item = Part<'_>> {
        self.parts_of(message, searched(message))
    }

    /// The same, wherever in the message they lie: who asks what is attached asks about the last part too.
    pub(super) fn parts_to_the_end(self, message: &Message) -> impl Iterator<Item = Part<'_>> {
        self.parts_of(message, message.body())
    }

    fn parts_of<'a>(self, message: &'a Message, body: &'a [u8]) -> impl Iterator<Item = Part<'a>> {
        let outermost = Part::whole(message).boundary;
        let boundaries = Vec::from_iter(outermost);
        let mut walk = Walk { bounds: self, seen: 0, boundaries, rest: body };
        std::iter::from_fn(move || walk.next_part())
    }
}

/// As much of the body as is looked at.
fn searched(message: &Message) -> &[u8] {
    let bytes = message.bytes();
    bytes.get(message.body_start..bytes.len().min(SEARCHED)).unwrap_or_default()
}

/// What the header section of a part says, and what stands below it.
#[derive(Default)]
pub(super) struct Part<'a> {
    main: String,
    sub: String,
    /// Of a container: what stands between its parts.
    boundary: Option<Vec<u8>>,
    encoding: Encoding,
    /// Its header section.
    pub(super) head: &'a [u8],
    /// Up to the next part. Of a container: what stands above its first part.
    content: &'a [u8],
}

/// How a content is written (RFC 2045 §6).
#[derive(Clone, Copy, Default)]
enum Encoding {
    #[default]
    AsItIs,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    fn new(value: &str) -> Self {
        match value.trim() {
            word if word.eq_ignore_ascii_case("base64") => Self::Base64,
            word if word.eq_ignore_ascii_case("quoted-printable") => Self::QuotedPrintable,
            _ => Self::AsItIs,
        }
    }
}

impl<'a> Part<'a> {
    /// A whole message, as if it were the only part of one.
    pub(super) fn whole(message: &'a Message) -> Self {
        let content_type = message.lines("Content-Type").next().map(|raw| content_type(&raw));
        let encoding = message.value("Content-Transfer-Encoding");
        let encoding = encoding.map(|value| Encoding::new(&value)).unwrap_or_default();
        let (head, content) = (message.header(), searched(message));
        Self { encoding, head, content, ..content_type.map(|value| Self::new(&value)).unwrap_or_default() }
    }

    fn new(value: &HeaderValue<'_>) -> Self {
        let HeaderValue::ContentType(value) = value else { return Self::default() };
        let is_container = value.c_type.eq_ignore_ascii_case("multipart");
        let boundary = value.attribute("boundary").filter(|boundary| is_container && !boundary.is_empty());
        Self {
            main: value.c_type.to_string(),
            sub: value.c_subtype.as_deref().unwrap_or_default().to_owned(),
            boundary: boundary.map(|boundary| boundary.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    /// Its type as it is written, in lower case; a text that does not say so is one (RFC 2045 §5.2).
    pub(super) fn media_type(&self) -> String {
        if self.main.is_empty() {
            return "text/plain".to_owned();
        }
        format!("{}/{}", self.main, self.sub).to_ascii_lowercase()
    }

    /// Whether it is of that type.
    pub(super) fn is(&self, main: &str, sub: &str) -> bool {
        self.main.eq_ignore_ascii_case(main) && self.sub.eq_ignore_ascii_case(sub)
    }

    /// Whether it is text, which it is too where it does not say (RFC 2045 §5.2). Seen in practice: a container that
    /// does not say what stands between its parts.
    pub(super) fn is_text(&self) -> bool {
        let is_main = |main| self.main.eq_ignore_ascii_case(main);
        is_main("") || is_main("text") || (is_main("multipart") && !self.is_container())
    }

    /// Whether it has parts of its own.
    pub(super) fn is_container(&self) -> bool {
        self.boundary.is_some()
    }

    /// Its content, decoded; as it is written where that cannot be read.
    pub(super) fn decoded(&self) -> Cow<'a, [u8]> {
        let decoded = match self.encoding {
            Encoding::AsItIs => None,
            Encoding::Base64 => base64_decode(self.content).map(Cow::Owned),
            Encoding::QuotedPrintable => {
                let (end, decoded) = MessageStream::new(self.content).decode_quoted_printable_mime(b"");
                (end != usize::MAX).then_some(decoded)
            }
        };
        decoded.unwrap_or(Cow::Borrowed(self.content))
    }
}

fn content_type(raw: &[u8]) -> HeaderValue<'static> {
    MessageStream::new(raw).parse_content_type().into_owned()
}

/// Goes over the lines of a body once.
struct Walk<'a> {
    bounds: Mime,
    seen: usize,
    /// Of the containers that are open, the innermost last.
    boundaries: Vec<Vec<u8>>,
    rest: &'a [u8],
}

/// What a line between two parts says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    /// Another part of the container at this depth begins.
    Next(usize),
    /// That container ends.
    End(usize),
}

impl<'a> Walk<'a> {
    fn next_part(&mut self) -> Option<Part<'a>> {
        while let Some(line) = self.line() {
            match self.delimiter(line) {
                Some(Delimiter::Next(depth)) => {
                    self.boundaries.truncate(depth + 1);
                    return self.part();
                }
                Some(Delimiter::End(depth)) => self.boundaries.truncate(depth),
                None => {}
            }
            if self.boundaries.is_empty() {
                return None;
            }
        }
        None
    }

    fn part(&mut self) -> Option<Part<'a>> {
        self.seen += 1;
        if self.seen > self.bounds.parts {
            return None;
        }
        let head = self.up_to(|line| line.trim_ascii().is_empty());
        let parsed = MessageParser::default().parse_headers(head);
        let headers = parsed.as_ref().map_or(&[][..], |parsed| parsed.headers());
        let field = |name: HeaderName<'static>| headers.iter().find(move |header| header.name == name);
        let mut part = field(HeaderName::ContentType).map_or_else(Part::default, |field| Part::new(&field.value));
        let encoding = field(HeaderName::ContentTransferEncoding).and_then(|field| field.value.as_text());
        part.encoding = encoding.map(Encoding::new).unwrap_or_default();
        part.head = head;
        if self.boundaries.len() < self.bounds.depth {
            self.boundaries.extend(part.boundary.clone());
        }
        part.content = self.up_to(|_| false);
        Some(part)
    }

    /// The lines up to one that is the last, or to where the part ends.
    fn up_to(&mut self, is_last: impl Fn(&[u8]) -> bool) -> &'a [u8] {
        let all = self.rest;
        loop {
            let before = self.rest;
            match self.line() {
                Some(line) if self.delimiter(line).is_some() => {
                    self.rest = before;
                    break;
                }
                Some(line) if is_last(line) => break,
                Some(_) => {}
                None => break,
            }
        }
        all.get(..all.len() - self.rest.len()).unwrap_or_default()
    }

    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let line = line.strip_prefix(b"--")?.trim_ascii_end();
        if line.is_empty() {
            return None;
        }
        let mut open = self.boundaries.iter().enumerate().rev();
        open.find_map(|(depth, boundary)| match line.strip_prefix(boundary.as_slice()) {
            Some(b"") => Some(Delimiter::Next(depth)),
            Some(b"--") => Some(Delimiter::End(depth)),
            Some(_) | None => None,
        })
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const STATUS: &str = "Content-Type: message/delivery-status\n\nAction: failed\n";

    fn has_status(bounds: Mime, text: &str) -> bool {
        let message = Message::read(Bytes::from(text.replace('\n', "\r\n")));
        bounds.has_part(&message, "message", "delivery-status")
    }

    /// A container with these parts.
    fn container(boundary: &str, parts: &[&str]) -> String {
        let parts: String = parts.iter().map(|part| format!("--{boundary}\n{part}\n")).collect();
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\nthe preamble\n{parts}--{boundary}--\n")
    }

    #[test]
    fn a_part_is_found_wherever_it_is() {
        let text = "\nHello\n";
        for (message, expect) in [
            (container("b", &[text, STATUS]), true),
            (container("b", &["Content-type: Message/Delivery-Status; x=y\n\n"]), true),
            (container("b", &["Subject: x\nContent-Type:\n message/delivery-status"]), true),
            (container("b", &[&container("bb", &[text, STATUS]), text]), true),
            (container("b", &[&container("bb", &[text]), STATUS]), true),
            (container("b", &[text, text]), false),
            (container("b", &[&format!("Content-Type: message/rfc822\n\nSubject: x\n{STATUS}")]), false),
            (format!("{}--b\n{STATUS}", container("b", &[text])), false),
            (STATUS.to_owned(), false),
            ("Content-Type: multipart/mixed\n\n--\nContent-Type: message/delivery-status\n\n".to_owned(), false),
            (format!("Subject: x\n\n--b\n{STATUS}"), false),
        ] {
            assert_eq!(has_status(Mime::default(), &message), expect, "{message}");
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_is_not_looked_at() {
        let bounds = |parts, depth| Mime { parts, depth };
        let many = container("b", &["", "", STATUS]);
        assert_eq!([3, 2].map(|parts| has_status(bounds(parts, 1), &many)), [true, false]);
        let deep = container("a", &[&container("b", &[&container("c", &[STATUS])])]);
        assert_eq!([3, 2].map(|depth| has_status(bounds(100, depth), &deep)), [true, false]);
        let far = container("b", &[&format!("\n{}", "x".repeat(SEARCHED)), STATUS]);
        assert!(!has_status(Mime::default(), &far));
    }

    /// Each of these made for slow or large parsing; the test ends, in a debug build, before anybody wonders.
    #[test]
    fn what_is_written_to_be_slow_is_read_over() {
        let widest = Mime { parts: usize::MAX, depth: usize::MAX };
        let nested: String =
            (0..20_000).map(|n| format!("Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n")).collect();
        for hostile in [
            container("b", &["\n"; 40_000]),
            container("b", &[&"a:\n".repeat(60_000)]),
            nested,
            container(
                "b",
                &[&format!("Content-Type: multipart/mixed; boundary={}", "-".repeat(60_000)), &"--".repeat(30_000)],
            ),
        ] {
            assert!(!has_status(widest, &hostile));
            assert!(!has_status(Mime::default(), &hostile));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_an_end(lines in proptest::collection::vec("-{0,3}|--[ab](--)?|Content-Type: multipart/x; boundary=[ab]|", 0..60)) {
            let text = format!("Content-Type: multipart/mixed; boundary=a\n\n{}\n", lines.join("\n"));
            proptest::prop_assert!(!has_status(Mime::default(), &text));
        }
    }
}
