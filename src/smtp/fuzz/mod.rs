//! What fuzzing asks of the parsers that stand before everything a peer sends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

pub mod commands;
pub mod data;

/// Some ways in which a network may cut `wire`: not at all, after each octet, and at places that the wire
/// itself chooses.
fn cuts(wire: &[u8]) -> [Vec<&[u8]>; 3] {
    let mut chosen = Vec::new();
    let mut rest = wire;
    while let Some(&first) = rest.first() {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(first % 7) + 1));
        chosen.push(piece);
        rest = after;
    }
    [vec![wire], wire.chunks(1).collect(), chosen]
}
