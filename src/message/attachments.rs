//! What is attached to a message: the names and types of its parts that are not its text.
//!
//! A name may stand in Content-Disposition (RFC 2183) and in Content-Type, in continuations and charsets (RFC
//! 2231), or, seen in practice, in encoded words: all of them count, since mail programs differ in which they show.
//! No attached message is opened, and no archive.

use std::collections::BTreeMap;

use mail_parser::decoders::charsets::map::charset_decoder;
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
        let mut names: Vec<String> = [(HeaderName::ContentDisposition, "filename"), (HeaderName::ContentType, "name")]
            .into_iter()
            .flat_map(|(field, key)| headers.iter().filter(move |it| it.name == field).map(move |it| (it, key)))
            .flat_map(|(header, key)| names_in(part.head, header, key))
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

/// The names that a field has under this key. The parser decodes each piece of a continued one by itself, which breaks a
/// letter between two of them, so those are read here.
fn names_in(head: &[u8], header: &Header<'_>, key: &str) -> Vec<String> {
    let range = header.offset_start as usize..header.offset_end as usize;
    let raw = String::from_utf8_lossy(head.get(range).unwrap_or_default());
    if let Some(whole) = continued(&raw, key) {
        return vec![name(&whole)];
    }
    let attributes = header.value.as_content_type().and_then(ContentType::attributes).unwrap_or_default();
    attributes.iter().filter(|attribute| attribute.name == key).map(|it| name(&it.value)).collect()
}

/// A value in several pieces (RFC 2231 §3), as one: `filename*0*=utf-8''caf%C3; filename*1*=%A9.pdf`.
fn continued(field: &str, key: &str) -> Option<String> {
    let pieces: BTreeMap<u16, (bool, String)> = parameters(field).filter_map(|one| piece(&one, key)).collect();
    let (is_encoded, first) = pieces.get(&0).filter(|_| pieces.len() > 1)?;
    // The charset and the language stand before the first piece, and hold for all (§4.1).
    let told = if *is_encoded { first.split_once('\'') } else { None };
    let told = told.and_then(|(charset, rest)| Some((charset, rest.split_once('\'')?.1)));
    let (charset, first) = told.unwrap_or(("utf-8", first));
    let rest = pieces.values().skip(1).map(|(is_encoded, text)| (*is_encoded, text.as_str()));
    let octets: Vec<u8> = std::iter::once((*is_encoded, first)).chain(rest).flat_map(octets).collect();
    let decoder = charset_decoder(charset.as_bytes());
    Some(decoder.map_or_else(|| String::from_utf8_lossy(&octets).into_owned(), |decode| decode(&octets)))
}

/// The place of a piece, whether it is encoded, and its text.
fn piece(parameter: &str, key: &str) -> Option<(u16, (bool, String))> {
    let (name, text) = parameter.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let place = name.strip_prefix(key)?.strip_prefix('*')?;
    let (place, is_encoded) = place.strip_suffix('*').map_or((place, false), |place| (place, true));
    let text = text.trim();
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let text = quoted.map_or_else(|| text.to_owned(), |inside| inside.replace("\\\"", "\"").replace("\\\\", "\\"));
    Some((place.parse().ok()?, (is_encoded, text)))
}

/// What stands between the semicolons that are in no quotes.
fn parameters(field: &str) -> impl Iterator<Item = String> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let divides = move |c: char| {
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        c == ';' && !is_quoted
    };
    field.split(divides).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The octets of a piece: `%C3` is one of them where the piece is encoded.
fn octets((is_encoded, text): (bool, &str)) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| is_encoded && *first == b'%').and_then(|two| str::from_utf8(two).ok());
        let octet = code.and_then(|two| u8::from_str_radix(two, 16).ok());
        octets.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    octets
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
    #[case(
        "Content-Disposition: attachment; filename*0*=utf-8''caf%C3;\n filename*1*=%A9.p;\n filename*2=df",
        "text/plain café.pdf"
    )]
    #[case(
        "Content-Disposition: attachment; filename*0*=iso-8859-1''caf%E9-;\n filename*1*=th%E9.pdf",
        "text/plain café-thé.pdf"
    )]
    #[case("Content-Disposition: attachment; filename*0*=shift_jis''%95;\n filename*1*=%5C.pdf", "text/plain 表.pdf")]
    #[case("Content-Disposition: attachment; filename*1=b.pdf;\n filename*0=a", "text/plain ab.pdf")]
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
