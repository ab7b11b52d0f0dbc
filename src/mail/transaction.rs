//! The name of one mail transaction in logs, Received fields and replies.

use std::fmt;

/// Names one transaction (MAIL to the end of data): the same text in our log, our `Received`
/// field and our `250`, so that an operator can join the three.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransactionId(String);

impl TransactionId {
    /// An id from a time in microseconds and a number that tells apart what happens in one of them.
    pub fn new(micros: i64, serial: u32) -> Self {
        let mut name = [0_u8; 10];
        let (time, tail) = name.split_at_mut(7);
        time.copy_from_slice(micros.to_be_bytes().get(1..).unwrap_or(&[0; 7]));
        tail.copy_from_slice(serial.to_be_bytes().get(1..).unwrap_or(&[0; 3]));
        Self(data_encoding::BASE32_DNSCURVE.encode(&name))
    }

    /// The id that was written so by us; `None` for a text that is none.
    pub fn read(text: &str) -> Option<Self> {
        let octets = data_encoding::BASE32_DNSCURVE.decode(text.as_bytes()).ok()?;
        (octets.len() == 10).then(|| Self(text.to_owned()))
    }

    /// The id as text: letters and digits only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
