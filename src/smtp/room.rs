//! The memory of one transaction: its envelope, the buffer of its data, and what reading the message takes.

use std::sync::Arc;

use bytes::Bytes;

use super::budget::{Budget, NoRoom, Reservation};
use super::settings::Limits;

/// What every transaction has from the beginning: enough for a few recipients and an ordinary header
/// section, so that hardly a message has to ask again.
const FIRST: u64 = 64 << 10;

/// What a recipient takes besides its address, and how often the address lies in memory: as it came, in the plan,
/// and as it is handed on.
const RECIPIENT: u64 = 1 << 10;
const COPIES: u64 = 4;

/// What the recipients of one transaction may take on average.
const MEAN_RECIPIENT: u64 = 2 << 10;

/// What reading takes for each octet of the header section: many tiny fields are the worst, of which each
/// has a place in the view.
const READING: u64 = 8;

/// What the buffer has beyond the size that MAIL declares: the line that ends the data passes through it.
pub(super) const SLACK: u64 = 8;

/// The budget that these limits ask for.
pub(super) fn budget(limits: &Limits) -> Arc<Budget> {
    let most = limits.message_size + SLACK + FIRST + envelope(limits) + READING * limits.header_section as u64;
    Budget::new(limits.bytes_in_flight, most, limits.memory_wait)
}

/// What the envelope of one transaction may take.
fn envelope(limits: &Limits) -> u64 {
    limits.recipients as u64 * MEAN_RECIPIENT
}

/// The memory of one transaction; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    reservation: Reservation,
    most_of_envelope: u64,
    envelope: u64,
    reading: u64,
    data: u64,
}

impl Room {
    /// MAIL: waits for what it declares.
    pub(super) async fn open(budget: &Arc<Budget>, limits: &Limits, declared: Option<u64>) -> Result<Self, NoRoom> {
        let mut room = Self {
            reservation: budget.open(),
            most_of_envelope: envelope(limits),
            envelope: 0,
            reading: 0,
            data: declared.map_or(0, |size| size + SLACK),
        };
        room.reservation.resize(room.wanted()).await?;
        Ok(room)
    }

    /// RCPT, with an address of so many octets: nobody waits for it.
    pub(super) fn recipient(&mut self, octets: usize) -> Result<(), NoRoom> {
        let before = self.envelope;
        self.envelope += RECIPIENT + COPIES * octets as u64;
        let fits = self.envelope <= self.most_of_envelope;
        let granted = if fits { self.reservation.resize_now(self.wanted()) } else { Err(NoRoom) };
        if granted.is_err() {
            self.envelope = before;
        }
        granted
    }

    /// Waits for a buffer of at least `capacity` octets.
    pub(super) async fn buffer(&mut self, capacity: u64) -> Result<(), NoRoom> {
        if capacity <= self.data {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.data, capacity);
        let granted = self.reservation.resize(self.wanted()).await;
        if granted.is_err() {
            self.data = before;
        }
        granted
    }

    /// The message has come whole, with a header section of so many octets: waits for what reading it takes.
    pub(super) async fn whole(&mut self, message: usize, header: u64) -> Result<(), NoRoom> {
        self.data = message as u64;
        self.reading = header * READING;
        self.reservation.resize(self.wanted()).await?;
        self.reservation.complete();
        Ok(())
    }

    /// The data are thrown away.
    pub(super) fn without_data(&mut self) {
        (self.data, self.reading) = (0, 0);
        self.reservation.shrink(self.wanted());
    }

    /// The message, with its memory: given back when the last leg has let go of the bytes.
    pub(super) fn around(self, message: Bytes) -> Bytes {
        Bytes::from_owner(Housed { message, _room: self })
    }

    /// What is reserved.
    pub(super) fn reservation(&self) -> &Reservation {
        &self.reservation
    }

    fn wanted(&self) -> u64 {
        self.data + FIRST.max(self.envelope + self.reading)
    }
}

struct Housed {
    message: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Housed {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}
