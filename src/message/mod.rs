//! A received message: its bytes, and a view of them.
//!
//! The bytes are never written again: what is read here are facts and offsets, and [`edit`] makes
//! splices of them. Reading is lenient and never fails; a message of which nothing can be read is
//! a message without fields. RFC 5322 for the fields, mail-parser for the reading.

mod attachments;
pub mod auth;
mod body;
mod comments;
mod conversation;
pub mod edit;
mod fields;
mod hand;
mod hidden;
pub mod ids;
pub mod kind;
mod mail_systems;
mod mime;
mod own_text;
mod quotation;
mod quoted;
mod recipients;
mod return_date;
mod returned;
pub mod signals;
pub mod subject;
mod text_part;
pub mod trace;
pub mod words;

#[cfg(any(test, fuzzing))]
pub mod fuzz;

use std::ops::Range;

use bytes::Bytes;
use mail_parser::parsers::MessageStream;
use mail_parser::{Header, HeaderName, HeaderValue, MessageParser};
use sha2::{Digest, Sha256};

use crate::mail::{Address, Mailbox, MessageId};

pub use attachments::Attachment;
use fields::{Field, Fields};
pub use mime::Mime;
pub use signals::Signal;

/// The header section is read up to here; the server refuses longer ones, files may have them.
const LONGEST_HEADER: usize = 1 << 20;

/// No more addresses of To and Cc are read: as many as a server's recipients in one transaction.
const MOST_ADDRESSEES: usize = 1000;

/// A received message.
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Bytes,
    fields: Fields,
    header_end: usize,
    body_start: usize,
    bytes_hash: [u8; 32],
    fingerprint: [u8; 32],
    view: View,
}

/// What the identification and originator fields say.
#[derive(Debug, Clone, Default)]
struct View {
    message_id: Option<MessageId>,
    in_reply_to: Vec<MessageId>,
    references: Vec<MessageId>,
    from: Vec<Mailbox>,
    // From holds one mailbox, and nothing else.
    is_of_one: bool,
    subject: Option<String>,
    content_type: Option<ContentType>,
}

/// The Content-Type of the whole message, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `multipart/report`.
    pub full: String,
    /// The `report-type` parameter (RFC 6522).
    pub report_type: Option<String>,
}

impl Message {
    /// Reads a message from the bytes that arrived.
    pub fn read(bytes: Bytes) -> Self {
        let head = bytes.get(..bytes.len().min(LONGEST_HEADER)).unwrap_or(&bytes);
        let parsed = MessageParser::default().parse_headers(head);
        let of_whole = parsed.and_then(|parsed| parsed.parts.into_iter().next());
        let mut headers = of_whole.map(|part| part.headers).unwrap_or_default();
        headers.retain(|header| is_field(head, header));
        let headers = headers.as_slice();
        let fields = Fields::new(head, headers);
        let (header_end, body_start) = end_of_header(head, fields.end());
        let view = View::new(headers, head);
        let (bytes_hash, fingerprint) = hashes(&bytes, end_of_trace(&bytes, &fields), &fields);
        Self { fields, header_end, body_start, bytes_hash, fingerprint, view, bytes }
    }

    /// All bytes, as they arrived.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The header section, without the empty line after it.
    pub fn header(&self) -> &[u8] {
        self.bytes.get(..self.header_end).unwrap_or_default()
    }

    /// The body: everything after the empty line.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body_start..).unwrap_or_default()
    }

    /// Whether the first line looks like the continuation of a field that is not there. Below a field
    /// of ours it would become its continuation: two readings, so it is refused at the door.
    pub fn begins_with_space(&self) -> bool {
        matches!(self.bytes.first(), Some(b' ' | b'\t'))
    }

    /// Where the last field ends: new fields go there. Not at the empty line: between the two, lines
    /// that are no fields may stand, and what follows a field must not become its continuation.
    pub(crate) fn fields_end(&self) -> usize {
        self.fields.end()
    }

    /// The place of the first field of that name's value, after the colon.
    pub(crate) fn value_range(&self, name: &str) -> Option<Range<usize>> {
        self.named(name).next().map(Field::value)
    }

    /// The values of all fields of that name, from the top, unfolded and trimmed. Octets that are not
    /// UTF-8 are replaced: seen in practice.
    pub fn values(&self, name: &str) -> impl Iterator<Item = String> {
        self.named(name).map(|field| self.unfolded(field))
    }

    /// The values of all fields of that name as people read them: encoded words decoded (RFC 2047), a
    /// line fold one space, and so any control character that an encoded word brings in.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = String> {
        self.lines(name)
            .map(|raw| one_line(MessageStream::new(&raw).parse_unstructured().as_text().unwrap_or_default()))
    }

    /// The value of the first field of that name.
    pub fn value(&self, name: &str) -> Option<String> {
        self.values(name).next()
    }

    /// Whether a field of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.value_range(name).is_some()
    }

    /// Whether it refers to a message, as answers do.
    fn refers(&self) -> bool {
        self.has("In-Reply-To") || self.has("References")
    }

    /// How many fields of that name there are.
    pub fn count(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// Whether the server in front marked it as spam. Only `YES` is believed, since a server writes it so.
    pub fn is_marked_as_spam(&self) -> bool {
        self.values("X-Spam-Flag").any(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// How many Received fields there are: the hops it came (RFC 5321 §6.3).
    pub fn hops(&self) -> usize {
        self.count("Received")
    }

    /// The fields of any of these names, from the top, each as it is written and with its value.
    pub fn fields_named(&self, names: &[&str]) -> impl Iterator<Item = (&str, String)> {
        let name = |field: &Field| str::from_utf8(field.name(&self.bytes)).unwrap_or_default();
        let is_wanted = move |field: &&Field| names.iter().any(|wanted| name(field).eq_ignore_ascii_case(wanted));
        self.fields.all().filter(is_wanted).map(move |field| (name(field), self.unfolded(field)))
    }

    fn unfolded(&self, field: &Field) -> String {
        let raw = self.bytes.get(field.value()).unwrap_or_default();
        String::from_utf8_lossy(raw).split(['\r', '\n']).collect::<String>().trim().to_owned()
    }

    /// The values of all fields of that name, each with the end of its line: the last one of a cut message
    /// lacks it, and the parser reads up to there.
    fn lines(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        self.named(name).map(|field| [self.bytes.get(field.value()).unwrap_or_default(), b"\r\n"].concat())
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields.named(&self.bytes, name)
    }

    /// Its own Message-ID.
    pub fn message_id(&self) -> Option<&MessageId> {
        self.view.message_id.as_ref()
    }

    /// The ids it refers to: In-Reply-To, then References newest first, each once, bounded
    /// (see [`ids::parents`]).
    pub fn parents(&self) -> Vec<MessageId> {
        ids::parents(&self.view.in_reply_to, &self.view.references)
    }

    /// The ids of References, as they stand; of several fields of that name one after the other.
    pub fn references(&self) -> &[MessageId] {
        &self.view.references
    }

    /// The author: the first mailbox of From.
    pub fn author(&self) -> Option<&Mailbox> {
        self.view.from.first()
    }

    /// The author, where there is exactly one: neither a second mailbox in From, nor a second From.
    pub fn sole_author(&self) -> Option<&Mailbox> {
        self.author().filter(|_| self.view.is_of_one && self.count("From") == 1)
    }

    /// The addresses that the author wrote into To and Cc; bounded.
    pub fn addressees(&self) -> Vec<Address> {
        let values = ["To", "Cc"].into_iter().flat_map(|name| self.lines(name));
        let mailboxes = values.flat_map(|raw| mailboxes(&MessageStream::new(&raw).parse_address()));
        mailboxes.map(|mailbox| mailbox.address).take(MOST_ADDRESSEES).collect()
    }

    /// All mailboxes of From.
    pub fn authors(&self) -> &[Mailbox] {
        &self.view.from
    }

    /// The subject, decoded (RFC 2047), as one line; empty where the field is.
    pub fn subject(&self) -> Option<&str> {
        self.view.subject.as_deref()
    }

    /// What is left of the subject without what mail programs and lists put around it (RFC 5256 §2.1),
    /// folded; `None` where nothing is.
    pub fn base_subject(&self) -> Option<String> {
        self.subject().map(subject::base).filter(|base| !base.is_empty())
    }

    /// The conversation that Outlook counts the message to: the root of its Thread-Index.
    pub fn conversation(&self) -> Option<[u8; 22]> {
        self.value("Thread-Index").and_then(|value| conversation::root(&value))
    }

    /// The Content-Type of the whole.
    pub fn content_type(&self) -> Option<&ContentType> {
        self.view.content_type.as_ref()
    }

    /// SHA-256 that is equal only for the very same bytes.
    pub fn bytes_hash(&self) -> &[u8; 32] {
        &self.bytes_hash
    }

    /// SHA-256 of the header section below the Received fields, but for Bcc, and of the body: equal for
    /// the same mail whatever way it came, and for the copy of it that an archive gets.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

impl View {
    fn new(headers: &[Header<'_>], head: &[u8]) -> Self {
        let first = |name: HeaderName<'static>| headers.iter().find(move |header| header.name == name);
        let all = |name: HeaderName<'static>| headers.iter().filter(move |header| header.name == name);
        let ids = |name| ids::read_all(all(name).map(|header| raw(head, header)));
        Self {
            message_id: first(HeaderName::MessageId).and_then(|header| ids::read_own(raw(head, header))),
            in_reply_to: ids(HeaderName::InReplyTo),
            references: ids(HeaderName::References),
            from: first(HeaderName::From).map(|header| mailboxes(&header.value)).unwrap_or_default(),
            is_of_one: first(HeaderName::From)
                .is_some_and(|header| count_of_mailboxes(&header.value) == 1 && is_one_mailbox(raw(head, header))),
            subject: first(HeaderName::Subject).map(|header| one_line(header.value.as_text().unwrap_or_default())),
            content_type: first(HeaderName::ContentType).and_then(|header| ContentType::new(&header.value)),
        }
    }
}

impl ContentType {
    fn new(value: &HeaderValue<'_>) -> Option<Self> {
        let HeaderValue::ContentType(value) = value else { return None };
        let sub = value.c_subtype.as_deref().unwrap_or_default();
        let report_type = value.attribute("report-type").map(str::to_ascii_lowercase);
        Some(Self { full: format!("{}/{sub}", value.c_type).to_ascii_lowercase(), report_type })
    }
}

/// What an encoded word holds besides text is white space: a value is one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether it begins a line and its name ends at a colon. The parser also takes the continuation of a line
/// that is no field for one, and the last word of a cut message: others do not see a field there.
fn is_field(head: &[u8], header: &Header<'_>) -> bool {
    let before = |offset: u32| head.get(..offset as usize).unwrap_or_default();
    matches!(before(header.offset_field).last(), None | Some(b'\n')) && before(header.offset_start).ends_with(b":")
}

fn raw<'a>(head: &'a [u8], header: &Header<'_>) -> &'a [u8] {
    head.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default()
}

/// The mailboxes of an address field, bounded; what is no address is left out.
fn mailboxes(value: &HeaderValue<'_>) -> Vec<Mailbox> {
    let HeaderValue::Address(list) = value else { return Vec::new() };
    list.iter()
        .take(MOST_ADDRESSEES)
        .filter_map(|addr| {
            let address = addr.address.as_deref()?.trim().parse().ok()?;
            Some(Mailbox { display_name: addr.name.as_deref().map(str::to_owned), address })
        })
        .collect()
}

/// How many mailboxes an address field lists, readable or not.
fn count_of_mailboxes(value: &HeaderValue<'_>) -> usize {
    if let HeaderValue::Address(list) = value { list.iter().count() } else { 0 }
}

/// Whether an address field is written as one mailbox (RFC 5322 §3.4): outside quotes and comments it has
/// nothing that makes a list or a group, one `@`, and brackets only around it. Others may read another author
/// in anything else.
fn is_one_mailbox(value: &[u8]) -> bool {
    let (mut in_quotes, mut comments, mut signs) = (false, 0_usize, Vec::new());
    let mut octets = value.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' if in_quotes || comments > 0 => drop(octets.next()),
            b'"' if comments == 0 => in_quotes = !in_quotes,
            _ if in_quotes => {}
            b'(' => comments += 1,
            b')' if comments == 0 => return false,
            b')' => comments -= 1,
            _ if comments > 0 => {}
            b',' | b';' | b':' | b'<' | b'>' | b'@' => signs.push(*octet),
            _ => {}
        }
    }
    !in_quotes && comments == 0 && (signs == b"@" || signs == b"<@>")
}

/// The offsets of the empty line that ends the header section, and of the body after it. A message
/// without one is all header section.
fn end_of_header(head: &[u8], last_field_end: usize) -> (usize, usize) {
    let mut at = last_field_end;
    for line in head.get(last_field_end..).unwrap_or_default().split_inclusive(|octet| *octet == b'\n') {
        if line.trim_ascii().is_empty() {
            return (at, at + line.len());
        }
        at += line.len();
    }
    (head.len(), head.len())
}

/// The fields that a writer makes (RFC 5322 §3.6.2 to §3.6.5, MIME): above the first of them stands what
/// servers put there on the way.
const OF_THE_WRITER: [&str; 11] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
    "date",
    "mime-version",
];

/// Where the trace fields at the top end: after the last Received above the writer's first field. One
/// further down (seen in practice, where a server sorts the fields) is the message's own: what it is
/// must never be left out of its fingerprint.
fn end_of_trace(bytes: &[u8], fields: &Fields) -> usize {
    let is_writers = |field: &&Field| OF_THE_WRITER.iter().any(|name| field.is_named(bytes, name));
    let above = fields.all().take_while(|field| !is_writers(field));
    let received = above.filter(|field| field.is_named(bytes, "Received"));
    received.last().map_or(0, |field| field.value().end)
}

/// The hash of all bytes and the hash below the trace fields, without Bcc: who else got a mail does not
/// make it another one. The first is made of the second, so that a large body is hashed once.
fn hashes(bytes: &[u8], end_of_trace: usize, fields: &Fields) -> ([u8; 32], [u8; 32]) {
    let piece = |range: Range<usize>| bytes.get(range).unwrap_or_default();
    let (mut whole, mut below) = (Sha256::new(), Sha256::new());
    // Each piece with its place and its length: the same octets, cut otherwise, are another mail.
    let mut note = |range: Range<usize>| {
        whole.update((range.start as u64).to_be_bytes());
        whole.update((range.len() as u64).to_be_bytes());
        whole.update(piece(range));
    };
    note(0..end_of_trace);
    let mut at = end_of_trace;
    let bcc = fields.named(bytes, "Bcc").filter(|field| field.start() >= end_of_trace);
    for field in bcc {
        below.update(piece(at..field.start()));
        note(field.start()..field.value().end);
        at = field.value().end;
    }
    below.update(piece(at..bytes.len()));
    let fingerprint: [u8; 32] = below.finalize().into();
    whole.update(fingerprint);
    (whole.finalize().into(), fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Message {
        Message::read(Bytes::from(text.replace('\n', "\r\n")))
    }

    #[test]
    fn the_body_begins_after_the_empty_line() {
        for (text, body) in [
            ("A: b\n\nbody\n", "body\r\n"),
            ("\nbody\n", "body\r\n"),
            ("A: b\n", ""),
            ("", ""),
            ("A: b\nno field here\n\nbody\n", "body\r\n"),
            ("A: b\n folded\n\n\n\nbody\n\n\n", "\r\n\r\nbody\r\n\r\n\r\n"),
        ] {
            assert_eq!(read(text).body(), body.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn what_begins_no_line_or_has_no_colon_is_no_field() {
        let message = read("no field\n From: a@b.example\nTo: c@d.example\n\nbody\n");
        assert_eq!((message.author(), message.count("From"), message.count("To")), (None, 0, 1));
        assert_eq!(message.body(), b"body\r\n");
        assert!(!read("To: c@d.example\nFrom").has("From"));
    }

    #[test]
    fn the_way_that_a_mail_came_does_not_change_its_fingerprint() {
        let mail = "Subject: hi\n\nbody\n";
        let one = read(&format!("Delivered-To: a@b\nReceived: by x\n\tfolded\nReceived: by y\n{mail}"));
        let two = read(&format!("Received: by z\n{mail}"));
        assert_eq!(one.fingerprint(), two.fingerprint());
        assert_eq!(one.fingerprint(), read(mail).fingerprint());
        assert_ne!(one.bytes_hash(), two.bytes_hash());
        assert_ne!(one.fingerprint(), read("Subject: ho\n\nbody\n").fingerprint());
    }

    #[test]
    fn who_else_got_a_mail_does_not_make_it_another_one() {
        let mail =
            |bcc: &str, rest: &str| read(&format!("Received: by x\nFrom: a@b\n{bcc}Subject: hi\n{rest}\nbody\n"));
        let archived = mail("Bcc: archive@b,\n\tc@d\n", "");
        assert_eq!(archived.fingerprint(), mail("", "").fingerprint());
        assert_ne!(archived.bytes_hash(), mail("", "").bytes_hash());
        assert_ne!(archived.bytes_hash(), mail("", "Bcc: archive@b,\n\tc@d\n").bytes_hash());
        assert_ne!(archived.fingerprint(), mail("", "X-Bcc: c@d\n").fingerprint());
        // Where the trace ends and a Bcc begins is part of the bytes.
        let below_the_trace = read("Received: by x\nBcc: a@b\nFrom: a@b\n\nbody");
        let within_it = read("Bcc: a@b\nReceived: by x\nFrom: a@b\n\nbody");
        assert_eq!(below_the_trace.fingerprint(), within_it.fingerprint());
        assert_ne!(below_the_trace.bytes_hash(), within_it.bytes_hash());
        assert_ne!(read("Bcc: a@b\n\nbody").fingerprint(), read("\nBcc: a@b\n\nbody").fingerprint());
    }

    #[test]
    fn a_sole_author_is_one_mailbox_of_one_field() {
        for (from, expect) in [
            ("From: Sophie <s@corp.example>\n", Some("s@corp.example")),
            ("From: s@corp.example, t@corp.example\n", None),
            ("From: s@corp.example, no address\n", None),
            ("From: s@corp.example\nFrom: s@corp.example\n", None),
            ("From: two: s@corp.example, t@corp.example;\n", None),
            ("From: one: s@corp.example;\n", None),
            ("From: s@corp.example, <>\n", None),
            ("From: <>, s@corp.example\n", None),
            ("From: <> s@corp.example\n", None),
            ("From: <s@corp.example> <t@corp.example>\n", None),
            ("From: s@corp.example <t@corp.example>\n", None),
            ("From: s@corp.example (no end\n", None),
            ("From: \"Martin, S. <x>\" (all: of, us) <s@corp.example>\n", Some("s@corp.example")),
            ("", None),
        ] {
            let message = read(&format!("{from}\nbody\n"));
            let found = message.sole_author().map(|author| author.address.to_string());
            assert_eq!(found.as_deref(), expect, "{from}");
        }
    }

    #[test]
    fn addressees_are_those_that_the_author_wrote() {
        let message = read(
            "Delivered-To: archive@b\nTo: \"x@y\" <ann@b.example>, team: ben@b.example, cem@b.example;\nCc: dan@b.example\nCc: eve@b.example\nBcc: f@b\n\n",
        );
        let found: Vec<_> = message.addressees().iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), "ann@b.example ben@b.example cem@b.example dan@b.example eve@b.example");
    }

    #[test]
    fn a_received_field_below_the_writers_own_hides_nothing() {
        let one = read("From: ann@a.example\nMessage-ID: <1@a>\nReceived: by x\n\nYes please.\n");
        let two = read("From: ben@b.example\nMessage-ID: <2@b>\nReceived: by x\n\nYes please.\n");
        assert_ne!(one.fingerprint(), two.fingerprint());
    }

    #[test]
    fn an_author_is_read_with_the_decoded_name() {
        let message = read("From: =?utf-8?q?S=C3=B6phie?= from Acme <Sophie@acme.example>, x@y.example\n\n");
        let author = message.author().unwrap();
        assert_eq!(author.address.to_string(), "Sophie@acme.example");
        assert_eq!(author.display_name.as_deref(), Some("Söphie from Acme"));
    }

    #[test]
    fn fields_are_read_as_people_read_them() {
        let message = read("X-A: one\n\ttwo\n  three \nX-B: =?utf-8?q?J=C3=B6rg?=\n =?utf-8?b?IGVu?= said\nx-a:\n\n");
        assert_eq!(message.texts("x-a").collect::<Vec<_>>(), ["one two three", ""]);
        assert_eq!(message.texts("X-B").collect::<Vec<_>>(), ["Jörg en said"]);
        let cut = read("To: a@b.example\nX-A: the last line has no end".trim());
        assert_eq!(cut.texts("X-A").collect::<Vec<_>>(), ["the last line has no end"]);
        assert_eq!(read("To: a@b.example").addressees().len(), 1);
    }

    #[test]
    fn a_subject_is_one_line_and_may_be_empty() {
        let subject = |field: &str| read(&format!("{field}\n\n")).subject().map(str::to_owned);
        assert_eq!(subject("Subject: =?utf-8?q?a=0D=0Ab=00c?=").as_deref(), Some("a  b c"));
        assert_eq!([subject("Subject:"), subject("Subject: ")].map(Option::unwrap), ["", ""]);
        assert_eq!(subject("To: a@b"), None);
        assert_eq!(read("X-A: =?utf-8?q?a=0Ab?=\n\n").texts("X-A").collect::<Vec<_>>(), ["a b"]);
    }

    #[test]
    fn everybody_is_found_whom_a_message_is_addressed_to() {
        let message = read(
            "To: \"Ann, of c@d.example\" <a@b.example>, friends: x@y.example, z@y.example;\nCc: =?utf-8?q?=40?= <q@r.example>\n\
             Bcc: no@b.example\ncc: <last@b.example>\n\n",
        );
        let found: Vec<String> = message.addressees().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["a@b.example", "x@y.example", "z@y.example", "q@r.example", "last@b.example"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let message = Message::read(Bytes::from(bytes.clone()));
            proptest::prop_assert!(bytes.ends_with(message.body()));
            let _read = (message.addressees(), message.texts("A").count());
        }
    }
}
