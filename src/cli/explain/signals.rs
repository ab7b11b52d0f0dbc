//! What spoke for the kind of a message, for programs.

use serde::{Serialize, Serializer};

use crate::mail::Kind;
use crate::message::Signal;

/// A signal, and what it is worth.
#[derive(Serialize)]
struct Told {
    name: Signal,
    kind: Kind,
    weight: &'static str,
    reason: &'static str,
}

/// Writes each signal with the kind that it speaks for, its weight, and what was found.
pub(super) fn told<S: Serializer>(signals: &[Signal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(signals.iter().map(|signal| {
        let (kind, weight) = signal.speaks_for();
        Told { name: *signal, kind, weight: weight.word(), reason: signal.meaning() }
    }))
}
