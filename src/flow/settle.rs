//! Settling: one reply (SMTP) or one for each recipient (LMTP) out of what became of all legs. Pure.
//!
//! A positive reply promises that every leg is done; anything in doubt is a 451, so that the mail
//! server in front keeps the message. Never the next hop's words and never an inbox address: the
//! server in front would send them to the customer. Outbound, where the peer is the company's own, the
//! next hop's words are passed on instead.

use crate::mail::{Extension, Failure, Fate, FateName, HoldReason, Leg, Outcome, Plan, Reply, Say, TransactionId};
use crate::smtp::service::Protocol;

/// SMTP has one reply for all recipients: unless every one of them is rejected, what a rule rejects is
/// held instead, with what the sender would have been told.
pub fn hold_rejections(protocol: Protocol, plans: &mut [Plan]) {
    let is_rejected = |plan: &Plan| matches!(plan.fate, Fate::Reject(_));
    if protocol == Protocol::Lmtp || plans.iter().all(is_rejected) {
        return;
    }
    for plan in plans {
        if let Fate::Reject(reply) = &plan.fate {
            plan.rejection = Some(reply.clone());
            plan.fate = Fate::Hold(HoldReason::Rejected);
        }
    }
}

/// One plan that waits makes all of them wait, before any leg: the reply that is the same for all.
pub fn defer_all(plans: &mut [Plan]) -> Option<Reply> {
    let deferral = |plan: &Plan| match &plan.fate {
        Fate::Defer(reply) => Some(reply.clone()),
        Fate::Forward(_) | Fate::Hold(_) | Fate::Reject(_) | Fate::Discard => None,
    };
    let reply = plans.iter().find_map(deferral)?;
    plans.iter_mut().for_each(|plan| plan.fate = Fate::Defer(reply.clone()));
    Some(reply)
}

/// The replies to the end of data, from the legs of each recipient.
pub fn settle(protocol: Protocol, id: &TransactionId, legs: &[Vec<Leg>]) -> Vec<Reply> {
    let each: Vec<Reply> = legs.iter().map(|legs| one_recipient(id, legs)).collect();
    match protocol {
        Protocol::Lmtp => each,
        Protocol::Smtp => vec![all_recipients(id, each)],
    }
}

fn one_recipient(id: &TransactionId, legs: &[Leg]) -> Reply {
    let open = legs.iter().map(|leg| &leg.outcome).find(|outcome| !outcome.is_done());
    match open {
        None => done(id),
        Some(Outcome::Deferred(reply) | Outcome::Refused(reply)) => reply.clone(),
        Some(Outcome::Uncertain | Outcome::Relayed | Outcome::Held | Outcome::Collapsed | Outcome::Discarded) => {
            in_doubt()
        }
    }
}

/// SMTP has one reply for all: one open leg keeps the whole message with the peer.
fn all_recipients(id: &TransactionId, each: Vec<Reply>) -> Reply {
    each.into_iter().find(|reply| !reply.is_positive()).unwrap_or_else(|| done(id))
}

/// One reply for the whole message, as the protocol says it: once, or for each recipient.
pub fn same_for_all(protocol: Protocol, reply: Reply, recipients: usize) -> Vec<Reply> {
    match protocol {
        Protocol::Smtp => vec![reply],
        Protocol::Lmtp => vec![reply; recipients],
    }
}

/// The fate of a message of which only the reply tells.
pub fn fate_of(reply: &Reply) -> FateName {
    if reply.is_positive() {
        FateName::Forward
    } else if reply.is_permanent() {
        FateName::Reject
    } else {
        FateName::Defer
    }
}

/// Every leg is done.
pub fn done(id: &TransactionId) -> Reply {
    let Reply { code, enhanced, text } = Say::Taken.reply();
    Reply { code, enhanced, text: format!("{text}: {id}") }
}

/// A leg was not taken now.
pub fn not_now() -> Reply {
    Say::NotNow.reply()
}

/// A leg may or may not have been taken: the one case where a copy may follow.
fn in_doubt() -> Reply {
    Say::InDoubt.reply()
}

/// Outbound: the refusal of the next hop as it is; what nobody refused is temporary.
pub fn refusal(failure: Failure) -> Reply {
    if failure.is_about_setup() {
        // A password that has expired is no reason to send a customer's mail back.
        return not_now();
    }
    match failure {
        // The next hop takes leave of us (RFC 5321 §3.8); we do not take leave of our peer.
        Failure::Recipient(reply) | Failure::Us(reply) if reply.code == 421 => not_now(),
        Failure::Recipient(reply) | Failure::Us(reply) => reply,
        Failure::Unsupported(Extension::EightBitMime) => Say::NoEightBit.reply(),
        Failure::Unsupported(Extension::SmtpUtf8) => Say::NoInternational.reply(),
        Failure::Unfit(_) | Failure::Unreachable(_) => not_now(),
        Failure::Uncertain(_) => in_doubt(),
    }
}

/// Only the index could decide.
pub fn index_away() -> Reply {
    Say::IndexAway.reply()
}

/// Something of our own failed.
pub fn local_trouble() -> Reply {
    Say::LocalTrouble.reply()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn no() -> Reply {
        Reply::new(550, 7, 1, "no")
    }

    #[rstest]
    #[case(&[vec![Outcome::Relayed]], "250", "250")]
    #[case(&[vec![Outcome::Relayed, Outcome::Collapsed], vec![Outcome::Held]], "250", "250 250")]
    #[case(&[vec![Outcome::Relayed, Outcome::Uncertain], vec![Outcome::Held]], "451", "451 250")]
    #[case(&[vec![Outcome::Relayed], vec![Outcome::Deferred(not_now())]], "451", "250 451")]
    #[case(&[vec![Outcome::Discarded], vec![Outcome::Held]], "250", "250 250")]
    #[case(&[vec![Outcome::Refused(no())], vec![Outcome::Refused(no())]], "550", "550 550")]
    fn legs_settle(#[case] legs: &[Vec<Outcome>], #[case] smtp: &str, #[case] lmtp: &str) {
        let leg = |outcome: &Outcome| Leg::new("-", outcome.clone());
        let legs: Vec<Vec<Leg>> = legs.iter().map(|outcomes| outcomes.iter().map(leg).collect()).collect();
        let id = TransactionId::new(0, 0);
        let codes = |protocol| {
            let replies = settle(protocol, &id, &legs);
            replies.iter().map(|reply| reply.code.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((codes(Protocol::Smtp).as_str(), codes(Protocol::Lmtp).as_str()), (smtp, lmtp));
    }
}
