//! What a message is never changes with the order of its header fields.

use super::cases::CASES;
use super::office::{Office, read};
use super::shuffle::shuffled;

const ROUNDS: u64 = 3;

#[test]
fn the_order_of_differently_named_fields_changes_nothing() {
    let office = Office::open();
    let mut moved = 0;
    for (fixture, ..) in CASES {
        let bytes = read(fixture);
        let expect = office.decide(&bytes);
        for round in 0..ROUNDS {
            let shuffled = shuffled(&bytes, round);
            moved += usize::from(shuffled != bytes);
            assert_eq!(office.decide(&shuffled), expect, "{fixture}:\n{}", String::from_utf8_lossy(&shuffled));
        }
    }
    assert!(moved > CASES.len(), "nearly every round makes another order");
}
