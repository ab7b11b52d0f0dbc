//! Quoted ids: those of the message that another one returns, reports about or has attached.
//!
//! A bounce of our mail, or of a reply to it, often refers to nothing in its own fields: the ids stand in what it
//! returns (RFC 6522, RFC 3464, RFC 8098), or, of servers that know no MIME, in its text. The id of the message comes
//! first, then those that it refers to: a provider may have replaced the first, and the seed stands in References.

use bytes::Bytes;
use memchr::memmem;

use super::mime::Part;
use super::{Message, Mime, ids, text_part};
use crate::mail::MessageId;

/// No more of them count.
const MOST: usize = 8;

/// A name of a field that is looked for is shorter.
const LONGEST_NAME: usize = 40;

/// What mail systems call the id of the message that they tell about.
const TOLD: [&str; 2] = ["Original-Message-ID", "X-Original-Message-ID"];

/// Where providers keep the id that a message had when it came to them, and which they replaced.
const REPLACED: [&str; 3] =
    ["X-Original-Message-ID", "X-Google-Original-Message-ID", "X-Microsoft-Original-Message-ID"];

/// The parts that are a message, or begin with its header section (RFC 2046 §5.2, RFC 6522 §4, RFC 6532 §3.7, RFC 6533 §4).
const RETURNED: [(&str, &str); 8] = [
    ("message", "rfc822"),
    ("message", "global"),
    ("text", "rfc822-headers"),
    ("message", "global-headers"),
    ("message", "partial"),
    // Seen in practice.
    ("message", "rfc822-headers"),
    ("text", "rfc822"),
    ("text", "rfc822-header"),
];

/// The parts that mail systems write for one another (RFC 3464, RFC 8098, RFC 6533, RFC 5965).
const MACHINE_READABLE: [(&str, &str); 5] = [
    ("message", "delivery-status"),
    ("message", "global-delivery-status"),
    ("message", "disposition-notification"),
    ("message", "global-disposition-notification"),
    ("message", "feedback-report"),
];

/// What names the message itself in a text, and what those that it refers to.
const OF_ITSELF: [&str; 5] = [
    "Message-ID",
    "Original-Message-ID",
    "X-Original-Message-ID",
    "X-Google-Original-Message-ID",
    "X-Microsoft-Original-Message-ID",
];
const OF_PARENTS: [&str; 2] = ["References", "In-Reply-To"];

impl Message {
    /// The ids of the message that this one returns, reports about or has attached, the best first, each
    /// once; bounded. `from_text`: lines of text that look like fields count too. Whoever asks for that knows that
    /// a mail system wrote the message: a person may quote anybody's.
    pub fn quoted(&self, mime: Mime, from_text: bool) -> Vec<MessageId> {
        let mut quoted = Quoted::default();
        for value in TOLD.iter().flat_map(|name| self.lines(name)) {
            quoted.own.extend(ids::read(&value));
        }
        let whole = Part::whole(self);
        quoted.add(&whole, from_text && !whole.is_container());
        for part in mime.parts(self) {
            quoted.add(&part, from_text);
        }
        quoted.in_order()
    }
}

/// What is found, on the way.
#[derive(Default)]
struct Quoted {
    /// Of the messages themselves.
    own: Vec<MessageId>,
    /// That they refer to.
    parents: Vec<MessageId>,
}

impl Quoted {
    fn add(&mut self, part: &Part<'_>, from_text: bool) {
        let is_any = |types: &[(&str, &str)]| types.iter().any(|(main, sub)| part.is(main, sub));
        if is_any(&RETURNED) {
            self.add_returned(&part.decoded());
        } else if is_any(&MACHINE_READABLE) {
            self.add_lines(&part.decoded(), &TOLD, &[]);
        } else if from_text && part.is("text", "html") {
            self.add_lines(text_part::readable(part).as_bytes(), &OF_ITSELF, &OF_PARENTS);
        } else if from_text && part.is_text() {
            self.add_lines(&part.decoded(), &OF_ITSELF, &OF_PARENTS);
        }
    }

    /// A message, or as much of it as there is.
    fn add_returned(&mut self, content: &[u8]) {
        let message = Message::read(Bytes::copy_from_slice(header_section(content)));
        self.own.extend(message.message_id().cloned());
        for value in REPLACED.iter().flat_map(|name| message.lines(name)) {
            self.own.extend(ids::read_own(&value));
        }
        self.parents.extend(message.references().first().cloned());
        self.parents.extend(message.parents());
    }

    /// Lines that look like fields of these names.
    fn add_lines(&mut self, text: &[u8], own: &[&str], parents: &[&str]) {
        let mut lines = text.split_inclusive(|octet| *octet == b'\n').peekable();
        while let Some(line) = lines.next() {
            let (margin, rest) = split_margin(line);
            let Some((name, value)) = split_name(rest) else { continue };
            let is_any = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            let found = match (is_any(own), is_any(parents)) {
                (true, _) => &mut self.own,
                (false, true) => &mut self.parents,
                (false, false) => continue,
            };
            let mut value = value.to_vec();
            while let Some(more) = lines.peek().and_then(|next| continuation(next, margin)) {
                value.extend_from_slice(more);
                lines.next();
            }
            let ids = ids::read(&value);
            // In a text a bracket may be anything.
            let mut ids = ids.into_iter().filter(|id| id.as_str().contains('@'));
            found.extend(ids.next());
            found.extend(ids.rev());
        }
    }

    /// Half of the places are kept for parents, where there are some: the seed is one of them.
    fn in_order(self) -> Vec<MessageId> {
        let own = each_once(self.own);
        let (first, others) = own.split_at(own.len().min(MOST / 2));
        each_once(first.iter().cloned().chain(self.parents).chain(others.iter().cloned()))
    }
}

fn each_once(ids: impl IntoIterator<Item = MessageId>) -> Vec<MessageId> {
    let mut once: Vec<MessageId> = Vec::new();
    for id in ids {
        if once.len() < MOST && !once.contains(&id) {
            once.push(id);
        }
    }
    once
}

/// Up to the empty line. Seen in practice: empty lines above it.
fn header_section(content: &[u8]) -> &[u8] {
    let content = content.trim_ascii_start();
    let ends = [&b"\n\n"[..], b"\n\r\n"].map(|end| memmem::find(content, end));
    let end = ends.into_iter().flatten().min();
    end.and_then(|end| content.get(..=end)).unwrap_or(content)
}

/// What mail programs and servers put before each line of a text that they quote, and the rest of the line.
fn split_margin(line: &[u8]) -> (&[u8], &[u8]) {
    let is_text = |octet: &u8| !b" \t>|".contains(octet);
    line.split_at(line.iter().position(is_text).unwrap_or(line.len()))
}

/// The name of a field and its value.
fn split_name(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().take(LONGEST_NAME).position(|octet| *octet == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    Some((name.trim_ascii_end(), value.get(1..)?))
}

/// The rest of a field on the next line: where, behind the same margin, white space follows. Seen in practice,
/// where a text was wrapped: or an id.
fn continuation<'a>(line: &'a [u8], margin: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(margin)?;
    let is_more = !rest.trim_ascii().is_empty() && matches!(rest.first(), Some(b' ' | b'\t'));
    let is_id = rest.starts_with(b"<") && rest.contains(&b'@');
    (is_more || is_id).then_some(rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PART: &str =
        "Return-Path: <s@a>\nMessage-ID: <own@a>\nReferences: <seed@a>\n <other@a>\nIn-Reply-To: <in@b>\n";

    /// The ids of a message that is written with LF.
    fn quoted(text: &str, from_text: bool) -> String {
        let message = Message::read(Bytes::from(text.replace('\n', "\r\n")));
        let ids = message.quoted(Mime::default(), from_text);
        ids.iter().map(MessageId::as_str).collect::<Vec<_>>().join(" ")
    }

    /// A report whose last part is this.
    fn report(part: &str) -> String {
        format!(
            "Message-ID: <bounce@mx>\nReferences: <its@own>\nContent-Type: multipart/report; boundary=b\n\n--b\n\nSorry.\n\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\n\n--b\n{part}\n--b--\n"
        )
    }

    #[rstest]
    #[case::message(format!("Content-Type: message/rfc822\n\n{PART}\nMessage-ID: <in@the.body>\n"))]
    #[case::header_section(format!("Content-Type: text/rfc822-headers; charset=us-ascii\n\n{PART}"))]
    #[case::of_a_wrong_type(format!("Content-Type: message/rfc822-headers\n\n{PART}"))]
    #[case::international(format!("Content-Type: message/global-headers\n\n{PART}"))]
    #[case::piece(format!("Content-Type: message/partial; id=x; number=1\n\n{PART}"))]
    #[case::below_an_empty_line(format!("Content-Type: message/rfc822\n\n\n\n{PART}"))]
    #[case::base64(format!(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}",
        data_encoding::BASE64.encode(PART.as_bytes())
    ))]
    #[case::quoted_printable(format!(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{}",
        PART.replace('@', "=40").replace("seed", "se=\ned")
    ))]
    fn what_a_report_returns_is_read(#[case] part: String) {
        assert_eq!(quoted(&report(&part), false), "own@a seed@a in@b other@a");
    }

    #[rstest]
    #[case::field("X-Original-Message-ID: <a@b>\n\nbody\n", "a@b")]
    #[case::notification(
        "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/disposition-notification\n\n\
         Final-Recipient: rfc822;x@y\nOriginal-Message-ID: <a@b>\nDisposition: manual-action\n--b--\n",
        "a@b"
    )]
    #[case::replaced_by_a_provider(
        "Content-Type: message/rfc822\n\nMessage-ID: <new@provider>\nX-Google-Original-Message-ID: <a@b>\n\n",
        "new@provider a@b"
    )]
    #[case::text("Content-Type: text/plain\n\nMessage-ID: <a@b>\n", "")]
    #[case::own("Message-ID: <a@b>\nReferences: <c@d>\n\nbody\n", "")]
    fn what_is_told_is_read(#[case] text: &str, #[case] expect: &str) {
        assert_eq!(quoted(text, false), expect);
    }

    #[rstest]
    #[case::plain(
        "--- Below this line is a copy of the message.\n\nMessage-ID: <a@b>\nReferences: <c@d>\n\t<e@f>\n",
        "a@b c@d e@f"
    )]
    #[case::references_first("References: <c@d>\nMessage-Id: <a@b>\n", "a@b c@d")]
    #[case::quoted("> Message-Id: <a@b>\n> References: <c@d>\n>  <e@f>\n> Subject: <no@id>\n", "a@b c@d e@f")]
    #[case::indented("    Message-ID: <a@b>\n    References: <c@d>\n     <e@f>\n    Subject: <no@id>\n", "a@b c@d e@f")]
    #[case::wrapped("Message-ID:\n<a@b>\n<no more>\n", "a@b")]
    #[case::no_id("Message-ID: none\nReferences: see <above>\n", "")]
    #[case::in_a_sentence("The Message-ID: <a@b> is wrong\n", "")]
    fn what_stands_in_the_text_is_read_where_a_mail_system_wrote_it(#[case] text: &str, #[case] expect: &str) {
        let bounce = format!("Subject: failure notice\n\nHi. This is the qmail-send program.\n\n{text}");
        assert_eq!(quoted(&bounce, true), expect);
        assert_eq!(quoted(&bounce, false), "");
    }

    #[test]
    fn a_container_without_a_boundary_is_text() {
        let text = "Content-Type: multipart/mixed\n\nMessage-ID: <a@b>\n";
        assert_eq!([true, false].map(|from_text| quoted(text, from_text)), ["a@b", ""]);
    }

    #[test]
    fn what_is_beyond_the_bounds_is_not_looked_at() {
        let text = report("Content-Type: message/rfc822\n\nMessage-ID: <a@b>\n").replace('\n', "\r\n");
        let message = Message::read(Bytes::from(text));
        let found = |parts, depth| message.quoted(Mime { parts, depth }, false).len();
        assert_eq!([found(3, 1), found(2, 1), found(3, 0)], [1, 0, 1]);
    }

    #[test]
    fn few_count() {
        let many: String = (0..100).map(|n| format!("Message-ID: <{n}@b>\n")).collect();
        assert_eq!(quoted(&format!("\n{many}"), true).split(' ').count(), MOST);
        let with_a_seed = quoted(&format!("\n{many}References: <seed@b>\n"), true);
        assert_eq!(with_a_seed, "0@b 1@b 2@b 3@b seed@b 4@b 5@b 6@b");
    }
}
