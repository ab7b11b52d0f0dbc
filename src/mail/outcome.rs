//! What became of a message on its way to one destination.

use super::Reply;

/// How handing a message to the next hop failed. An error nobody classified is temporary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The next hop answered 4xx or 5xx to RCPT, or after the final dot: it speaks of this
    /// recipient or this message.
    #[error("the next hop refused the recipient or the message: {0}")]
    Recipient(Reply),
    /// The next hop answered 4xx or 5xx to the greeting, EHLO or MAIL: it speaks of us.
    #[error("the next hop refuses us: {0}")]
    Us(Reply),
    /// The next hop is not as the configuration wants it: no TLS, a certificate that proves nothing, no way
    /// to log in, or a login that it refuses. Nothing was handed on, and no retry mends it: somebody must.
    #[error("the next hop is not as the configuration wants it: {0}")]
    Unfit(String),
    /// The message needs an extension that the next hop does not offer.
    #[error("the next hop does not offer {0}")]
    Unsupported(Extension),
    /// No connection, a time-out or a lost connection before the final dot: nothing was handed on.
    #[error("the next hop cannot be reached: {0}")]
    Unreachable(String),
    /// The connection was lost after the final dot: it may or may not have been taken.
    #[error("the next hop did not answer after the message: {0}")]
    Uncertain(String),
}

impl Failure {
    /// Whether MAIL was refused for the size that it declared, which no retry mends: 5.3.4 (RFC 3463
    /// §3.4), or 552 (RFC 1870 §6.1) with no enhanced code that says otherwise.
    pub fn is_about_size(&self) -> bool {
        match self {
            Self::Us(reply) => match reply.enhanced {
                Some((5, 3, 4)) => true,
                Some((5, 0, 0)) | None => reply.code == 552,
                Some(_) => false,
            },
            Self::Recipient(_) | Self::Unfit(_) | Self::Unsupported(_) | Self::Unreachable(_) | Self::Uncertain(_) => {
                false
            }
        }
    }

    /// Whether it speaks of how we and the next hop are set up, and of no message: what TLS or a login lack.
    /// The codes, of MAIL and before, are those of RFC 4954 §6: a login is needed (530), the mechanism is too weak (534), the
    /// login is refused (535), TLS is needed for it (538).
    pub fn is_about_setup(&self) -> bool {
        match self {
            Self::Unfit(_) => true,
            Self::Us(reply) => matches!(reply.code, 530 | 534 | 535 | 538),
            Self::Recipient(_) | Self::Unsupported(_) | Self::Unreachable(_) | Self::Uncertain(_) => false,
        }
    }
}

/// An extension of the next hop without which a message cannot travel unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Extension {
    /// RFC 6152.
    #[strum(serialize = "8BITMIME")]
    EightBitMime,
    /// RFC 6531.
    #[strum(serialize = "SMTPUTF8")]
    SmtpUtf8,
}

/// What became of one leg: a message on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop said 250.
    Relayed,
    /// It lies on disk, fsynced.
    Held,
    /// The same mail has reached, or did reach before, this destination: nothing to do.
    Collapsed,
    /// Nothing is kept of it: a rule wants it so.
    Discarded,
    /// A rule refuses it with this reply.
    Refused(Reply),
    /// It was not taken now.
    Deferred(Reply),
    /// It may or may not have been taken.
    Uncertain,
}

impl Outcome {
    /// Nothing is left to do, and a positive reply may say so.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Relayed | Self::Held | Self::Collapsed | Self::Discarded => true,
            Self::Refused(_) | Self::Deferred(_) | Self::Uncertain => false,
        }
    }
}

/// One leg, and where it ended: the destination, an address of its fallback, or `held/REASON`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Where it ended; for the log only.
    pub destination: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Leg {
    /// A leg that ended at `destination`.
    pub fn new(destination: impl Into<String>, outcome: Outcome) -> Self {
        Self { destination: destination.into(), outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_mail_for_good_is_about_size() {
        for (code, subject, detail, expected) in
            [(552, 3, 4, true), (550, 3, 4, true), (552, 0, 0, true), (452, 3, 4, false), (552, 7, 1, false)]
        {
            let reply = Reply::new(code, subject, detail, "no");
            assert_eq!(Failure::Us(reply.clone()).is_about_size(), expected, "{reply}");
            assert!(!Failure::Recipient(reply).is_about_size());
        }
    }

    #[test]
    fn a_login_that_is_refused_is_about_the_setup() {
        for (code, expected) in [(530, true), (535, true), (454, false), (550, false), (554, false)] {
            let reply = Reply::new(code, 7, 0, "no");
            assert_eq!(Failure::Us(reply.clone()).is_about_setup(), expected, "{reply}");
            assert!(!Failure::Recipient(reply).is_about_setup(), "it speaks of the recipient");
        }
    }
}
