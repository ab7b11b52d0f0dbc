//! The envelope of a message: what RFC 5321 says outside the message itself.

use std::fmt;

use super::Address;

/// Where failures of a message are reported: the argument of MAIL (RFC 5321 §4.1.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nobody is to be told; used by bounces and automatic replies (RFC 5321 §4.5.5).
    Null,
    /// An ordinary return address.
    Address(Address),
}

impl ReversePath {
    /// Whether this is the null reverse path.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The return address, where there is one.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }
}

impl fmt::Display for ReversePath {
    /// As it stands in a command, brackets left out: the null path is `<>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// What a message asks of the way it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Transport {
    /// `BODY=8BITMIME` (RFC 6152): the message holds, or may hold, octets above 127.
    pub eight_bit: bool,
    /// `SMTPUTF8` (RFC 6531): addresses or header fields are in UTF-8.
    pub utf8: bool,
}
