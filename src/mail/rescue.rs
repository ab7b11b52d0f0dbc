//! What becomes of a message that was forwarded and then bounced: the fallback gets it, once.

use std::fmt;

use super::{Address, Fallback, ReversePath, ThreadId};

/// Names what was forwarded of one message for one recipient: the id in the token of its return path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct CopyId(pub [u8; 8]);

impl CopyId {
    /// When it was forwarded, to the millisecond.
    pub fn forwarded(self) -> Option<jiff::Timestamp> {
        ThreadId(self.0).opened()
    }
}

impl fmt::Display for CopyId {
    /// In figures that sort by age.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Where failures of what is forwarded come back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// The id in both return paths.
    pub copy: CopyId,
    /// The reverse path of what goes to a fallback, or as a copy that a rule makes: nobody else gets that
    /// when it fails.
    pub last: ReversePath,
}

/// A message that we forwarded has failed for good, and is not lost by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// What was forwarded.
    pub copy: CopyId,
    /// Whether it was the fallback's already, or a copy that a rule made: then nobody else gets it.
    pub is_last: bool,
    /// Who gets it now: the fallback of the persona as it is today. Nobody: an operator.
    pub to: Fallback,
    /// The inboxes that it failed at, as far as they are told: they get it from nobody.
    pub failed: Vec<Address>,
    /// What the mail system told: the recipient and the status.
    pub why: String,
}
