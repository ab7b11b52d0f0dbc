//! What mail systems say of mail that they could not deliver.

use super::super::{Message, Mime};
use super::Signal;
use crate::mail::{Action, Delivery};

/// The signals that need more than one field, beside those found `so_far`. A report that nothing failed and nothing is late
/// speaks for no bounce, whatever its type.
pub(super) fn collect(message: &Message, so_far: &mut Vec<Signal>, mime: Mime, deliveries: &[Delivery]) {
    so_far.extend(status_part(message, so_far, mime));
    so_far.extend(disposition_part(message, so_far, mime));
    let reports = [Signal::DeliveryReport, Signal::DeliveryStatusPart];
    let is_report = so_far.iter().any(|signal| reports.contains(signal));
    let is_receipt = !deliveries.is_empty() && deliveries.iter().all(is_success);
    if is_receipt {
        so_far.retain(|signal| !reports.contains(signal) && *signal != Signal::MailSystemAuthor);
        so_far.push(Signal::DeliveryReceipt);
    } else if !deliveries.is_empty() && !is_report {
        so_far.push(Signal::FailureText);
    }
}

fn is_success(delivery: &Delivery) -> bool {
    match delivery.action {
        Action::Failed | Action::Delayed => false,
        Action::Delivered | Action::Relayed | Action::Expanded => true,
    }
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
    let suspects =
        [Signal::NullReversePath, Signal::MailSystemAuthor, Signal::PostmasterAuthor, Signal::FailureSubject];
    let is_multipart = message.content_type().is_some_and(|found| found.full.starts_with("multipart/"));
    if !is_multipart || so_far.contains(&Signal::DeliveryReport) || !suspects.iter().any(|it| so_far.contains(it)) {
        return None;
    }
    mime.has_part(message, "message", "delivery-status").then_some(Signal::DeliveryStatusPart)
}
