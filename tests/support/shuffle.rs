//! A message with its header fields in another order.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What servers put on top of one another: only there does the order of different fields tell something.
const TRACE: [&str; 3] = ["return-path", "received", "authentication-results"];

/// The message with its fields in another order, those of one name and those of the trace in their own.
pub(crate) fn shuffled(bytes: &[u8], round: u64) -> Vec<u8> {
    let end = bytes.windows(4).position(|octets| octets == b"\r\n\r\n").map_or(bytes.len(), |at| at + 2);
    let (head, rest) = bytes.split_at(end);
    let fields = fields(head);
    let mut queues: BTreeMap<String, VecDeque<&[u8]>> = BTreeMap::new();
    fields.iter().for_each(|field| queues.entry(class(field)).or_default().push_back(field));
    let mut places: Vec<(u64, String)> =
        fields.iter().enumerate().map(|(index, field)| (chance(round, index), class(field))).collect();
    places.sort();
    let next = |(_, class): &(u64, String)| queues.get_mut(class).and_then(VecDeque::pop_front).unwrap();
    [places.iter().map(next).collect::<Vec<_>>().concat(), rest.to_vec()].concat()
}

/// The fields of a header section, each with its continuation lines.
fn fields(head: &[u8]) -> Vec<&[u8]> {
    let ends = head.windows(3).enumerate().filter(|(_, octets)| {
        let [b'\r', b'\n', next] = octets else { return false };
        !matches!(next, b' ' | b'\t')
    });
    let starts: Vec<usize> = [0].into_iter().chain(ends.map(|(at, _)| at + 2)).collect();
    let ends = starts.iter().skip(1).copied().chain([head.len()]);
    starts.iter().zip(ends).map(|(start, end)| &head[*start..end]).collect()
}

fn class(field: &[u8]) -> String {
    let name = field.split(|octet| *octet == b':').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    if TRACE.contains(&name.as_str()) { "trace".into() } else { name }
}

/// The same in every run.
fn chance(round: u64, index: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (round, index).hash(&mut hasher);
    hasher.finish()
}
