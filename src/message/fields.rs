//! The fields of a header section, by their places.
//!
//! A stranger may write sixty thousand of four octets each, and a message is held as long as its last leg
//! takes: so a field is three numbers and one more in the index by name, and never a text of its own.

use std::cmp::Ordering;
use std::ops::Range;

use mail_parser::Header;

/// The fields, from the top.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    all: Vec<Field>,
    /// Places in `all`, by name and then from the top.
    by_name: Vec<u32>,
}

/// A field of the header section, by its place.
#[derive(Debug, Clone)]
pub(super) struct Field {
    start: u32,
    value: Range<u32>,
}

impl Fields {
    /// The fields of the header section that `bytes` begin with.
    pub(super) fn new(bytes: &[u8], headers: &[Header<'_>]) -> Self {
        let all: Vec<Field> = headers.iter().map(Field::new).collect();
        let mut by_name: Vec<u32> = (0_u32..).take(all.len()).collect();
        let name = |place: u32| all.get(place as usize).map_or(&[][..], |field| field.name(bytes));
        by_name.sort_by(|one, other| by_folded(name(*one), name(*other)));
        Self { all, by_name }
    }

    /// All of them, from the top.
    pub(super) fn all(&self) -> impl Iterator<Item = &Field> {
        self.all.iter()
    }

    /// Those of that name, from the top.
    pub(super) fn named(&self, bytes: &[u8], name: &str) -> impl Iterator<Item = &Field> {
        let order = |place: &u32| {
            let field = self.all.get(*place as usize);
            by_folded(field.map_or(&[], |field| field.name(bytes)), name.as_bytes())
        };
        let first = self.by_name.partition_point(|place| order(place).is_lt());
        let end = self.by_name.partition_point(|place| order(place).is_le());
        let places = self.by_name.get(first..end).unwrap_or_default();
        places.iter().filter_map(|place| self.all.get(*place as usize))
    }

    /// Where the last one ends.
    pub(super) fn end(&self) -> usize {
        self.all.last().map_or(0, |last| last.value().end)
    }
}

impl Field {
    fn new(header: &Header<'_>) -> Self {
        Self { start: header.offset_field, value: header.offset_start..header.offset_end }
    }

    /// Where it begins.
    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    /// What stands after the colon, its line end included.
    pub(super) fn value(&self) -> Range<usize> {
        self.value.start as usize..self.value.end as usize
    }

    /// Its name, as it is written in `bytes`.
    pub(super) fn name<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let before = bytes.get(self.start()..self.value().start).unwrap_or_default();
        before.strip_suffix(b":").unwrap_or(before).trim_ascii()
    }

    /// Whether it has that name, in whatever case.
    pub(super) fn is_named(&self, bytes: &[u8], name: &str) -> bool {
        self.name(bytes).eq_ignore_ascii_case(name.as_bytes())
    }
}

fn by_folded(one: &[u8], other: &[u8]) -> Ordering {
    one.iter().map(u8::to_ascii_lowercase).cmp(other.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::message::Message;

    #[test]
    fn fields_are_found_by_name_from_the_top() {
        let message = Message::read(Bytes::from_static(
            b"b: 1\r\nA: 2\r\nB : 3\r\nab: 4\r\na: 5\r\n\tx\r\nSUBJECT: 6\r\nB: 7\r\n\r\n",
        ));
        let values = |name: &str| message.values(name).collect::<Vec<_>>().join(" ");
        assert_eq!(["A", "b", "AB", "subject", "c", ""].map(values), ["2 5\tx", "1 3 7", "4", "6", "", ""]);
    }

    #[test]
    fn many_tiny_fields_are_read_at_once() {
        let message = Message::read(Bytes::from("a:\r\n".repeat(60_000)));
        assert_eq!((message.count("A"), message.count("b")), (60_000, 0));
        assert_eq!(size_of::<super::Field>(), 12);
    }
}
