//! What is attached to a message: the names and types of its parts that are not its text.
//!
//! A name may stand in Content-Disposition (RFC 2183) and in Content-Type, in continuations and charsets (RFC
//! 2231), or, seen in practice, in encoded words: all of them count, since mail programs differ in which they show.
//! No attached message is opened, and no archive.

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, Header, HeaderName, MessageParser};

use super::body::flowing;
use super::mime::Part;
use super::{Message, Mime};

/// One part that is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its media type in lower case: `application/pdf`.
    pub media_type: String,
    /// Its names, decoded, each one line; often one, perhaps none.
    pub names: Vec<String>,
}

impl Message {
    /// The parts that are attached, wherever they lie, as far as `mime` allows. An image in the text is one too.
    pub fn attachments(&self, mime: Mime) -> Vec<Attachment> {
        let whole = Part::whole(self);
        if !whole.is_container() {
            return Attachment::of(&whole).into_iter().collect();
        }
        mime.parts_to_the_end(self).filter_map(|part| Attachment::of(&part)).collect()
    }
}

impl Attachment {
    /// A part that has a name, says that it is attached, or is no text that is shown.
    fn of(part: &Part<'_>) -> Option<Self> {
        let parsed = MessageParser::default().parse_headers(part.head);
        let headers = parsed.as_ref().map_or(&[][..], |parsed| parsed.headers());
        let values = |name: HeaderName<'static>| {
            let named = headers.iter().filter(move |header| header.name == name);
            named.map(Header::value).filter_map(|value| value.as_content_type())
        };
        let named = |value: &ContentType<'_>, key: &str| {
            let attributes = value.attributes().unwrap_or_default().iter();
            attributes.filter(|attribute| attribute.name == key).map(|it| name(&it.value)).collect::<Vec<_>>()
        };
        let mut names: Vec<String> = values(HeaderName::ContentDisposition)
            .flat_map(|value| named(value, "filename"))
            .chain(values(HeaderName::ContentType).flat_map(|value| named(value, "name")))
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        let is_attached = values(HeaderName::ContentDisposition).any(ContentType::is_attachment);
        let is_shown = part.is_text() || part.is_container();
        let is_attachment = !part.is_container() && (is_attached || !names.is_empty() || !is_shown);
        is_attachment.then(|| Self { media_type: part.media_type(), names })
    }
}

/// A name as it is shown: encoded words decoded, as one line.
fn name(written: &str) -> String {
    if !written.contains("=?") {
        return flowing(written);
    }
    let line = [written.as_bytes(), b"\r\n"].concat();
    flowing(MessageStream::new(&line).parse_unstructured().as_text().unwrap_or(written))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    fn attachments(message: &str) -> Vec<String> {
        let message = Message::read(Bytes::from(message.replace('\n', "\r\n")));
        let told = |attachment: Attachment| format!("{} {}", attachment.media_type, attachment.names.join("|"));
        message.attachments(Mime::default()).into_iter().map(told).collect()
    }

    #[rstest]
    #[case("Content-Type: Application/PDF; name=a.pdf", "application/pdf a.pdf")]
    #[case("Content-Disposition: attachment; filename=\"a b.txt\"", "text/plain a b.txt")]
    #[case("Content-Type: text/plain\nContent-Disposition: attachment", "text/plain ")]
    #[case("Content-Type: image/png\nContent-Disposition: inline", "image/png ")]
    #[case("Content-Type: image/png; name=b.png\nContent-Disposition: inline; filename=a.exe", "image/png a.exe|b.png")]
    #[case("Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.pdf", "text/plain café.pdf")]
    #[case("Content-Disposition: attachment; filename*0=\"long \";\n filename*1=name.pdf", "text/plain long name.pdf")]
    #[case("Content-Disposition: attachment; filename*0*=utf-8''caf%C3%A9;\n filename*1=.pdf", "text/plain café.pdf")]
    #[case("Content-Type: application/zip; name=\"=?utf-8?B?Y2Fmw6kuemlw?=\"", "application/zip café.zip")]
    #[case(
        "Content-Type: application/zip; name=\"=?utf-8?Q?caf=C3=A9?=\n =?utf-8?Q?.zip?=\"",
        "application/zip café.zip"
    )]
    #[case("Content-Type: application/zip; name=\"Büro.zip\"", "application/zip Büro.zip")]
    #[case("Content-Type: message/rfc822", "message/rfc822 ")]
    #[case("Content-Disposition: attachment; filename=\"a\u{200b}.exe \"", "text/plain a.exe")]
    #[case("Content-Type: text/html", "")]
    #[case("Subject: x", "")]
    fn one_part(#[case] head: &str, #[case] expected: &str) {
        let expected: Vec<&str> = if expected.is_empty() { Vec::new() } else { vec![expected] };
        assert_eq!(attachments(&format!("{head}\n\nx\n")), expected, "alone");
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n{head}\n\nx\n--b--\n");
        assert_eq!(attachments(&many), expected, "in a container");
    }

    #[test]
    fn a_part_is_found_behind_a_large_one() {
        let large = format!("Content-Type: image/png; name=1.png\n\n{}\n", "x".repeat(300 << 10));
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n{large}--b\nContent-Type: a/b; name=2.exe\n\nx\n--b--\n"
        );
        assert_eq!(attachments(&message), ["image/png 1.png", "a/b 2.exe"]);
    }
}
