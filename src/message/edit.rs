//! Edits: splices into the header section. The body leaves as it came.

use bytes::Bytes;

use super::{Message, words};
use crate::mail::{Edits, Field, MessageId};

/// Octets of one line, its end left out (RFC 5322 §2.1.1).
const LONGEST_LINE: usize = 998;

/// Applies `edits`; the result is the message in pieces, so that nothing is copied but what is new.
pub fn apply(message: &Message, edits: &Edits) -> Vec<Bytes> {
    let bytes = message.bytes();
    let mut pieces = vec![written(&edits.prepend)];
    let mut from = 0;
    let insert = edits.insert_before_value.as_ref();
    if let Some((text, at)) = insert.and_then(|insert| Some((&insert.value, message.value_range(&insert.name)?.start)))
    {
        pieces.extend([bytes.slice(from..at), Bytes::from(text.clone())]);
        from = at;
    }
    if !edits.append.is_empty() {
        let end = message.fields_end();
        pieces.extend([bytes.slice(from..end), written(&edits.append)]);
        from = end;
    }
    pieces.push(bytes.slice(from..));
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn written(fields: &[Field]) -> Bytes {
    fields.iter().map(|field| format!("{}: {}\r\n", field.name, field.value)).collect::<String>().into()
}

/// Puts texts before the subject, each once, but those that stand in it already; a message without a
/// subject gets one.
pub fn prefix_subject(message: &Message, prefixes: &[&str], edits: &mut Edits) {
    let mut missing: Vec<&str> = Vec::new();
    for prefix in prefixes.iter().map(|prefix| prefix.trim()) {
        let mut there = message.subject().into_iter().chain(missing.iter().copied());
        if !there.any(|text| text.contains(prefix)) {
            missing.push(prefix);
        }
    }
    let prefix = &missing.join(" ");
    if prefix.is_empty() {
        return;
    }
    match message.value_range("Subject").and_then(|range| message.bytes().get(range)) {
        None => edits.append.push(Field::new("Subject", words::encoded(prefix))),
        Some(old) => edits.insert_before_value = Some(Field::new("Subject", before(old, prefix))),
    }
}

/// Puts an id before those of References; a message without the field gets one.
pub fn refer_first(message: &Message, id: &MessageId, edits: &mut Edits) {
    match message.value_range("References").and_then(|range| message.bytes().get(range)) {
        None => edits.append.push(Field::new("References", id.to_string())),
        Some(old) => edits.insert_before_value = Some(Field::new("References", before_ids(old, id))),
    }
}

/// What stands between the colon and the ids that are there. The old value's first line is blank, or
/// begins with a space, or (seen in practice) at once with its first id; no line may end up as white
/// space only.
fn before_ids(old: &[u8], id: &MessageId) -> String {
    let line = old.split(|octet| *octet == b'\n').next().unwrap_or_default();
    match line.first() {
        _ if line.trim_ascii().is_empty() => format!(" {id}"),
        Some(b' ' | b'\t') => format!(" {id}\r\n"),
        Some(_) | None => format!(" {id}\r\n "),
    }
}

/// What stands between the colon and a subject that begins with the octets `old`.
fn before(old: &[u8], prefix: &str) -> String {
    // White space between two encoded words is none of the text: it must be in one of them.
    let is_swallowed = !prefix.is_ascii() && old.trim_ascii_start().starts_with(b"=?");
    let prefix = words::encoded(&if is_swallowed { format!("{prefix} ") } else { prefix.to_owned() });
    let line = old.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let space = if old.first().is_some_and(u8::is_ascii_whitespace) { "" } else { " " };
    let is_long = "Subject: ".len() + prefix.len() + 1 + line.len() > LONGEST_LINE;
    let fold = if is_long && !line.trim_ascii().is_empty() { "\r\n" } else { "" };
    format!(" {prefix}{fold}{space}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(name: &'static str, value: &str) -> Field {
        Field::new(name, value)
    }

    fn edited(text: &str, edits: &Edits) -> String {
        let message = Message::read(Bytes::from(text.replace('\n', "\r\n")));
        String::from_utf8(apply(&message, edits).concat()).unwrap().replace("\r\n", "\n")
    }

    #[test]
    fn fields_go_above_below_and_into_the_header_section() {
        let edits = Edits {
            prepend: vec![field("Received", "by us"), field("X-Sincerely", "id=1")],
            append: vec![field("Message-ID", "<new@x>")],
            insert_before_value: Some(field("References", " <seed@x>\r\n")),
        };
        assert_eq!(
            edited("A: b\nreferences: <c@d>\n\nReferences: in the body\n", &edits),
            "Received: by us\nX-Sincerely: id=1\nA: b\nreferences: <seed@x>\n <c@d>\nMessage-ID: <new@x>\n\nReferences: in the body\n"
        );
    }

    #[test]
    fn lines_that_are_no_fields_stay_below_the_fields() {
        let edits = Edits { append: vec![field("X", "y")], ..Edits::default() };
        assert_eq!(edited("A: b\n!\n \n\nbody\n", &edits), "A: b\nX: y\n!\n \n\nbody\n");
    }

    #[test]
    fn a_prefix_stands_before_the_subject_once() {
        let subject = |text: &str, prefix: &str| {
            let message = Message::read(Bytes::from(text.replace('\n', "\r\n")));
            let mut edits = Edits::default();
            prefix_subject(&message, &[prefix], &mut edits);
            edited(text, &edits)
        };
        for (text, prefix, expected) in [
            ("Subject: hi\n\n", "[Acme] ", "Subject: [Acme] hi\n\n"),
            ("subject:hi\n\n", "[Acme]", "subject: [Acme] hi\n\n"),
            ("Subject:\n hi\n\n", "[Acme]", "Subject: [Acme]\n hi\n\n"),
            ("Subject:\nTo: a@b\n\n", "[Acme]", "Subject: [Acme]\nTo: a@b\n\n"),
            ("Subject: Re: [Acme] hi\n\n", "[Acme] ", "Subject: Re: [Acme] hi\n\n"),
            ("To: a@b\n\nbody\n", "[Acme] ", "To: a@b\nSubject: [Acme]\n\nbody\n"),
            ("Subject: =?utf-8?q?=C3=BC?=\n\n", "[Acme]", "Subject: [Acme] =?utf-8?q?=C3=BC?=\n\n"),
            ("Subject: hi\n\n", "Büro", "Subject: =?utf-8?B?QsO8cm8=?= hi\n\n"),
            ("Subject: =?utf-8?q?=C3=BC?=\n\n", "Büro", "Subject: =?utf-8?B?QsO8cm8g?= =?utf-8?q?=C3=BC?=\n\n"),
            ("Subject: =?utf-8?q?B=C3=BCro_hi?=\n\n", "Büro", "Subject: =?utf-8?q?B=C3=BCro_hi?=\n\n"),
        ] {
            assert_eq!(subject(text, prefix), expected, "{text:?}");
        }
        let long = format!("Subject: {}\n\n", "x".repeat(985));
        assert_eq!(subject(&long, "[Acme]"), long.replace("Subject:", "Subject: [Acme]\n"));
    }

    #[test]
    fn the_same_prefix_of_several_rules_stands_there_once() {
        let subject = |prefixes: &[&str]| {
            let message = Message::read(Bytes::from_static(b"Subject: hi\r\n\r\n"));
            let mut edits = Edits::default();
            prefix_subject(&message, prefixes, &mut edits);
            edits.insert_before_value.map(|field| field.value)
        };
        assert_eq!(subject(&["[Acme]", "[Acme] ", "[B]", "Acme"]).as_deref(), Some(" [Acme] [B]"));
        assert_eq!(subject(&["hi", "hi"]), None);
    }

    #[test]
    fn a_message_without_an_empty_line_takes_fields_too() {
        let edits = Edits { append: vec![field("X", "y")], ..Edits::default() };
        assert_eq!(edited("A: b\n", &edits), "A: b\nX: y\n");
        assert_eq!(edited("\nbody\n", &edits), "X: y\n\nbody\n");
        assert_eq!(edited("", &edits), "X: y\n");
    }

    proptest! {
        #[test]
        fn an_edit_only_ever_adds(lines in proptest::collection::vec("[ -~]{0,20}|[A-Za-z-]{1,9}: [ -~]{0,20}", 0..12)) {
            let text = lines.join("\n") + "\n";
            let message = Message::read(Bytes::from(text.replace('\n', "\r\n")));
            prop_assume!(!message.begins_with_space());
            let edits = Edits {
                prepend: vec![field("P", "p")],
                append: vec![field("Q", "q")],
                insert_before_value: Some(field("A", " i\r\n")),
            };
            let result = apply(&message, &edits).concat();
            prop_assert!(result.ends_with(message.body()));
            let again = Message::read(Bytes::from(result));
            prop_assert_eq!(again.body(), message.body());
            prop_assert_eq!(apply(&message, &Edits::default()).concat(), message.bytes().to_vec());
        }
    }
}
