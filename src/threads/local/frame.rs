//! A record as octets of the journal: its length, a checksum (CRC-32C) over length and record, and
//! the record in postcard.
//!
//! A reader can tell the end of what was written from a record torn by a power cut or hurt by the
//! disk. Nothing read here is trusted: lengths are bounded before memory is taken.

use std::io::{self, Read};

use crate::threads::Record;

/// The longest record: a bound for a reader's memory, and twice what two thousand correspondents need.
pub(super) const LONGEST: usize = 1 << 20;

/// Length and checksum, both 32 bits, little-endian.
const HEAD: usize = 8;

/// A record that does not fit a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    /// It is too long.
    #[error("a record of {0} octets is longer than the journal takes ({LONGEST})")]
    TooLong(usize),
    /// It cannot be encoded at all.
    #[error("a record cannot be encoded: {0}")]
    Encoding(String),
}

/// What stands at some place of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record, and how many octets it takes.
    Record(Box<Record>, u64),
    /// A whole frame with something that this version cannot read, and how many octets it takes.
    Unknown(u64),
    /// Nothing more.
    End,
    /// Octets that are no frame: torn in writing, or damaged.
    Bad,
}

/// Adds a record to `frames`.
pub(super) fn encode(record: &Record, frames: &mut Vec<u8>) -> Result<(), FrameError> {
    let octets = postcard::to_stdvec(record).map_err(|error| FrameError::Encoding(error.to_string()))?;
    if octets.len() > LONGEST {
        return Err(FrameError::TooLong(octets.len()));
    }
    let length = u32::try_from(octets.len()).map_err(|_| FrameError::TooLong(octets.len()))?.to_le_bytes();
    frames.extend(length);
    frames.extend(checksum(length, &octets).to_le_bytes());
    frames.extend(octets);
    Ok(())
}

/// Reads the next frame.
pub(super) fn read(from: &mut impl Read) -> io::Result<Next> {
    let head = read_up_to(from, HEAD)?;
    if head.is_empty() {
        return Ok(Next::End);
    }
    let Some((&length, sum)) = head.split_first_chunk::<4>() else { return Ok(Next::Bad) };
    let size = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if size > LONGEST {
        return Ok(Next::Bad);
    }
    let octets = read_up_to(from, size)?;
    if octets.len() < size || sum != checksum(length, &octets).to_le_bytes() {
        return Ok(Next::Bad);
    }
    let taken = (HEAD + size) as u64;
    Ok(match postcard::from_bytes(&octets) {
        Ok(record) => Next::Record(Box::new(record), taken),
        Err(_) => Next::Unknown(taken),
    })
}

/// Covers the length too: a run of zeros, as a power cut may leave it, is no frame.
fn checksum(length: [u8; 4], octets: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), octets)
}

fn read_up_to(from: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut octets = Vec::with_capacity(size);
    from.take(size as u64).read_to_end(&mut octets)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::threads::conformance::records;

    /// Reads frames until there is no more; returns how it ended.
    fn read_all(mut octets: &[u8]) -> (Vec<Record>, Next) {
        let mut records = Vec::new();
        loop {
            match read(&mut octets).unwrap() {
                Next::Record(record, _) => records.push(*record),
                end @ (Next::Unknown(_) | Next::End | Next::Bad) => return (records, end),
            }
        }
    }

    fn encoded(records: &[Record]) -> Vec<u8> {
        let mut frames = Vec::new();
        records.iter().for_each(|record| encode(record, &mut frames).unwrap());
        frames
    }

    proptest! {
        #[test]
        fn a_torn_tail_costs_the_last_record_only(records in records(1..6)) {
            let (last, earlier) = records.split_last().unwrap();
            let whole = encoded(&records);
            let start = whole.len() - encoded(std::slice::from_ref(last)).len();
            for cut in start..whole.len() {
                let end = if cut == start { Next::End } else { Next::Bad };
                prop_assert_eq!(read_all(&whole[..cut]), (earlier.to_vec(), end));
            }
            prop_assert_eq!(read_all(&whole), (records, Next::End));
        }

        #[test]
        fn damage_is_seen_and_what_stands_before_it_kept(
            records in records(1..6), place in any::<prop::sample::Index>(), damage in 1..=255_u8,
        ) {
            let mut octets = encoded(&records);
            let place = place.index(octets.len());
            octets[place] ^= damage;
            let (read, end) = read_all(&octets);
            prop_assert_eq!(end, Next::Bad);
            prop_assert!(records.starts_with(&read) && read.len() < records.len());
        }

        #[test]
        fn any_octets_are_read_without_a_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            read_all(&octets);
        }
    }

    #[test]
    fn a_run_of_zeros_is_no_frame() {
        assert_eq!(read_all(&[0; 64]), (vec![], Next::Bad));
    }

    #[test]
    fn a_record_of_a_later_version_is_passed_over() {
        let mut frames = Vec::new();
        let later = [99, 1, 2, 3];
        frames.extend(4_u32.to_le_bytes());
        frames.extend(checksum(4_u32.to_le_bytes(), &later).to_le_bytes());
        frames.extend(later);
        assert_eq!(read(&mut frames.as_slice()).unwrap(), Next::Unknown(12));
    }
}
