//! What mail systems say of mail that they could not deliver.

use super::super::{Message, Mime};
use super::Signal;

/// The signals that need more than one field, beside those found `so_far`.
pub(super) fn collect(message: &Message, so_far: &[Signal], mime: Mime) -> Option<Signal> {
    status_part(message, so_far, mime).or_else(|| disposition_part(message, so_far, mime))
}

/// Looks for a `message/disposition-notification` part where the subject is that of a receipt, or the path empty: a
/// person may forward one.
fn disposition_part(message: &Message, so_far: &[Signal], mime: Mime) -> Option<Signal> {
    let is_suspect = so_far.contains(&Signal::ReceiptSubject) || so_far.contains(&Signal::NullReversePath);
    let is_told = so_far.contains(&Signal::DispositionReport) || so_far.contains(&Signal::DeliveryReport);
    let is_there = || mime.has_part(message, "message", "disposition-notification");
    (is_suspect && !is_told && is_there()).then_some(Signal::DispositionPart)
}

/// Looks for a `message/delivery-status` part, only where something else speaks of a mail system:
/// a person may forward a bounce.
fn status_part(message: &Message, so_far: &[Signal], mime: Mime) -> Option<Signal> {
    let suspects: &[Signal] = if so_far.contains(&Signal::ByHand) {
        &[Signal::NullReversePath, Signal::MailSystemAuthor]
    } else {
        &[Signal::NullReversePath, Signal::MailSystemAuthor, Signal::PostmasterAuthor, Signal::FailureSubject]
    };
    let is_multipart = message.content_type().is_some_and(|found| found.full.starts_with("multipart/"));
    if !is_multipart || so_far.contains(&Signal::DeliveryReport) || !suspects.iter().any(|it| so_far.contains(it)) {
        return None;
    }
    mime.has_part(message, "message", "delivery-status").then_some(Signal::DeliveryStatusPart)
}
