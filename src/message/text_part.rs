//! The text of a message as a person reads it: found within bounds, decoded, and HTML made plain.
//!
//! It is the first text part that says something, plain or HTML, and none that is attached: in a container of
//! alternatives the plain one comes first (RFC 2046 §5.1.4), and a plain one behind HTML is a footer. The
//! decoders are mail-parser's. What cannot be decoded is read as it stands.

use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::html_to_text;
use mail_parser::{Header, HeaderName, MessageParser};

use super::Message;
use super::hidden::Sight;
use super::mime::{Mime, Part};

/// What becomes of the text that a message quotes in HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    /// It stands for one line that tells no more.
    LeftOut,
    /// It is read as any text is.
    Read,
}

impl Message {
    /// The text that its author wrote, as far as it is looked at; empty where there is none.
    pub(super) fn text(&self, mime: Mime) -> String {
        self.text_parts(mime, Quoted::LeftOut).next().unwrap_or_default()
    }

    /// All texts that a person sees who opens the message, as far as they are looked at.
    pub(super) fn text_parts(&self, mime: Mime, quoted: Quoted) -> impl Iterator<Item = String> {
        let whole = TextPart::read(self.header());
        let only = if whole.is_container { None } else { whole.text(&Part::whole(self), quoted) };
        let parts = whole.is_container.then(|| mime.parts(self)).into_iter().flatten();
        let mut in_digest = whole.is_digest;
        let texts = parts.filter_map(move |part| {
            in_digest |= part.is("multipart", "digest");
            // The parts of a digest are attached messages, unless they say something else (RFC 2046 §5.1.5).
            let is_message = in_digest && part.is("", "");
            text_of(&part).filter(|_| !is_message).and_then(|text| text.text(&part, quoted))
        });
        only.into_iter().chain(texts)
    }
}

/// The text of any part, as a person reads it, attached or not.
pub(super) fn readable(part: &Part<'_>) -> String {
    TextPart::read(part.head).decoded(part, Quoted::LeftOut).unwrap_or_default()
}

fn text_of(part: &Part<'_>) -> Option<TextPart> {
    let is_text = part.is("", "") || part.is("text", "plain") || part.is("text", "html");
    is_text.then(|| TextPart::read(part.head))
}

/// What the header section says about the text below it.
#[derive(Default)]
struct TextPart {
    is_container: bool,
    is_digest: bool,
    is_text: bool,
    is_html: bool,
    charset: Option<String>,
}

impl TextPart {
    fn read(head: &[u8]) -> Self {
        let parsed = MessageParser::default().parse_headers(head);
        let headers = parsed.as_ref().map_or(&[][..], |parsed| parsed.headers());
        let value = |name: &HeaderName<'_>| headers.iter().find(|header| header.name == *name).map(Header::value);
        let kind = value(&HeaderName::ContentType).and_then(|value| value.as_content_type());
        let main = kind.map_or("text", |kind| kind.c_type.as_ref());
        let sub = kind.and_then(|kind| kind.c_subtype.as_deref()).unwrap_or("plain");
        let disposition = value(&HeaderName::ContentDisposition).and_then(|value| value.as_content_type());
        // Seen in practice: an attached text that is only named, without a Content-Disposition.
        let is_named = kind.is_some_and(|kind| kind.has_attribute("name"));
        let is_attached = is_named || disposition.is_some_and(mail_parser::ContentType::is_attachment);
        Self {
            is_container: main.eq_ignore_ascii_case("multipart"),
            is_digest: sub.eq_ignore_ascii_case("digest"),
            is_html: sub.eq_ignore_ascii_case("html"),
            is_text: main.eq_ignore_ascii_case("text") && !is_attached,
            charset: kind.and_then(|kind| kind.attribute("charset")).map(str::to_owned),
        }
    }

    /// The content as plain text; `None` where it says nothing.
    fn text(&self, part: &Part<'_>, quoted: Quoted) -> Option<String> {
        if self.is_text { self.decoded(part, quoted) } else { None }
    }

    /// The same of a part that may be attached.
    fn decoded(&self, part: &Part<'_>, quoted: Quoted) -> Option<String> {
        let octets = part.decoded();
        let decoder = self.charset.as_ref().and_then(|charset| charset_decoder(charset.as_bytes()));
        let text = decoder.map_or_else(|| String::from_utf8_lossy(&octets).into_owned(), |decode| decode(&octets));
        let text = if self.is_html { plain(&text, quoted) } else { text };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 14] =
    ["div", "p", "tr", "li", "ul", "ol", "table", "hr", "h1", "h2", "h3", "h4", "pre", "blockquote"];

/// HTML as plain text, as it is seen: blocks as lines.
fn plain(html: &str, quoted: Quoted) -> String {
    let mut marked = String::with_capacity(html.len() * 2);
    let (mut rest, mut quotes, mut sight) = (html, 0_usize, Sight::default());
    while let Some((before, tag, after)) = next_tag(rest) {
        let (name, closes) = name_of(tag);
        let was_seen = sight.is_seen();
        sight.passes(tag, &name, closes);
        if quotes == 0 && was_seen {
            marked.push_str(before);
        }
        if quotes == 0 && was_seen && sight.is_seen() {
            marked.push_str(tag);
            marked.push_str(if BLOCKS.contains(&name.as_str()) { "<br>" } else { "" });
        }
        if name == "blockquote" && quoted == Quoted::LeftOut {
            if quotes == 0 && !closes && sight.is_seen() {
                marked.push_str("&gt;<br>");
            }
            quotes = if closes { quotes.saturating_sub(1) } else { quotes + 1 };
        }
        rest = after;
    }
    if quotes == 0 && sight.is_seen() {
        marked.push_str(rest);
    }
    html_to_text(&marked)
}

/// The text before the next tag, the tag or comment, and what is behind it.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let begin = html.find('<')?;
    let (before, rest) = html.split_at(begin);
    let end = if rest.starts_with("<!--") { rest.find("-->")? + 3 } else { rest.find('>')? + 1 };
    let (tag, after) = rest.split_at(end);
    Some((before, tag, after))
}

fn name_of(tag: &str) -> (String, bool) {
    let inside = tag.trim_start_matches('<');
    let (inside, closes) = inside.strip_prefix('/').map_or((inside, false), |inside| (inside, true));
    (inside.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase(), closes)
}
