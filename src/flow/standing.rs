//! How a message stands in its thread, as rules see it: whether it is the first answer, how old the thread is, of
//! what campaign. Pure.

use jiff::Timestamp;

use crate::mail::Kind;
use crate::rules::Known;
use crate::threads::Fingerprint;

use super::course::{Share, possible_evidence};
use super::plan::Case;

/// How a message stands in its thread.
pub(super) struct Standing {
    /// Whether a customer wrote it, and none before it in a thread that is known.
    pub(super) first_reply: Known<bool>,
    /// When the thread was opened; its id tells, also where the index is away or has lost it.
    pub(super) opened: Known<Option<Timestamp>>,
    /// The campaign of its automated mail.
    pub(super) campaign: Known<Option<String>>,
}

impl Standing {
    pub(super) fn of(case: &Case<'_>, share: &Share<'_>) -> Self {
        let could_be_in_another = possible_evidence(case, share).iter().any(|evidence| evidence.names_threads());
        if could_be_in_another {
            return Self { first_reply: Known::Unknown, opened: Known::Unknown, campaign: Known::Unknown };
        }
        let Some(thread) = share.matched.thread else {
            return Self { first_reply: Known::Is(false), opened: Known::Is(None), campaign: Known::Is(None) };
        };
        let opened = Known::Is(thread.opened());
        let is_reply = share.writer.is_none() && share.kind == Kind::Human && share.matched.correspondent.is_some();
        if case.index_is_away {
            let first_reply = if is_reply { Known::Unknown } else { Known::Is(false) };
            return Self { first_reply, opened, campaign: Known::Unknown };
        }
        let known = case.known.threads.get(&thread);
        // What was remembered may be this very mail: it came before, or by another way.
        let this = Fingerprint::of(&case.arrival.message);
        let is_first = known.is_some_and(|thread| thread.first.is_none_or(|first| first == this));
        let campaign = known.and_then(|thread| thread.campaign.clone());
        Self { first_reply: Known::Is(is_reply && is_first), opened, campaign: Known::Is(campaign) }
    }
}
