//! What follows from the deliveries that a mail system tells of: a failure, a delay, or that all went well.

use super::Signal;
use crate::mail::{Action, Delivery};

/// Adds it to the signals. A report that nothing failed and nothing is late speaks for no bounce, whatever its type.
pub(super) fn add(signals: &mut Vec<Signal>, deliveries: &[Delivery]) {
    let reports = [Signal::DeliveryReport, Signal::DeliveryStatusPart];
    if deliveries.is_empty() {
        return;
    }
    if deliveries.iter().all(is_success) {
        signals.retain(|signal| !reports.contains(signal) && *signal != Signal::MailSystemAuthor);
        signals.push(Signal::DeliveryReceipt);
    } else if !signals.iter().any(|signal| reports.contains(signal)) {
        signals.push(Signal::FailureText);
    }
}

fn is_success(delivery: &Delivery) -> bool {
    match delivery.action {
        Action::Failed | Action::Delayed => false,
        Action::Delivered | Action::Relayed | Action::Expanded => true,
    }
}
