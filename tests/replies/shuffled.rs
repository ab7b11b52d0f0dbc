//! The order of evidence never changes with the order of header fields.

use super::cases::CASES;
use super::office::{Office, read, reverse_path};
use super::shuffle::shuffled;

const ROUNDS: u64 = 4;

#[test]
fn the_order_of_differently_named_fields_changes_nothing() {
    let office = Office::open();
    let mut moved = 0;
    for (fixture, to, _) in CASES {
        let bytes = read(fixture);
        let path = reverse_path(&bytes);
        let expect = office.decide(&bytes, path.clone(), to);
        for round in 0..ROUNDS {
            let shuffled = shuffled(&bytes, round);
            moved += usize::from(shuffled != bytes);
            let got = office.decide(&shuffled, path.clone(), to);
            assert_eq!(got, expect, "{fixture}:\n{}", String::from_utf8_lossy(&shuffled));
        }
    }
    assert!(moved > CASES.len(), "nearly every round makes another order");
}
