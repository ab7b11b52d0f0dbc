//! Edits: splices into the header section. The body leaves as it came.

use bytes::Bytes;

use super::Message;
use crate::mail::{Edits, Field};

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
