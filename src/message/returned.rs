//! What a mail system tells of mail that it could not deliver, or not yet: which recipients, what became of it, and the
//! status code (RFC 3464), also where it follows no standard.

use super::{Message, Mime};
use crate::mail::Delivery;

impl Message {
    /// What this message tells of deliveries; nothing where it is no mail system's. `null_reverse_path` is false where the
    /// path is not known.
    pub fn deliveries(&self, null_reverse_path: bool, mime: Mime) -> Vec<Delivery> {
        let _ = (null_reverse_path, mime);
        Vec::new()
    }
}
