//! What happens to a message.
//!
//! **receive → read → match → classify → decide → edit → relay → remember → settle**
//!
//! [`inbound`], [`outbound`] and [`copies`] are the lives of a message, each readable from top to bottom.
//! [`plan`], [`insiders`], [`stamp`] and [`copy`] decide and are pure: `serve`, `explain`, `demo` and the tests share them.
//! [`legs`], `leg`, `remember`, `rescue`, `parcel`, [`once`] and [`turns`] carry out; [`settle`] makes one reply of what became of it.

pub mod copies;
pub mod inbound;
pub mod outbound;

mod reception;

pub mod copy;
pub mod insiders;
pub mod learning;
mod notices;
pub mod telling;

mod answering;
mod course;
pub mod plan;
mod presence;
mod returns;
pub mod stamp;
mod standing;

mod leg;
pub mod legs;
pub mod once;
mod parcel;
mod remember;
mod rescue;
pub mod settle;
pub mod turns;

pub mod policy;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::absences::Register;
use crate::clock;
use crate::held::Held;
use crate::kept::Kept;
use crate::people::absence::Absences;
use crate::relay::Relay;
use crate::signing::{self, Keys};
use crate::threads::Threads;

use once::Once;
use plan::Desk;
use policy::Policy;
use turns::Turns;

/// What the flows work with: the policy, and the parts that touch the world.
pub struct House {
    /// What the configuration asks for.
    pub policy: Arc<Policy>,
    /// What tokens and trace fields are signed with.
    pub keys: Keys,
    /// The memory.
    pub threads: Threads,
    /// Where mail from customers is handed on to.
    pub inbound: Onward,
    /// Where automated mail is handed on to.
    pub outbound: Onward,
    /// Where held mail lies.
    pub held: Held,
    /// What was forwarded, as long as it may bounce.
    pub kept: Kept,
    /// What was said of people's absence.
    pub absences: Register,
    /// What is under way right now.
    pub once: Once,
    /// What is under way in pools.
    pub turns: Turns,
}

/// The next hop of a flow. Both flows share one relay, and its connections, where they are to do the same.
pub struct Onward {
    /// The next hop.
    pub relay: Arc<Relay>,
    /// How long all legs of one message may take together.
    pub patience: Duration,
}

impl House {
    /// Who decides now about a mail to as many `recipients`.
    fn desk<'a>(&'a self, absences: &'a Absences, recipients: usize) -> Desk<'a> {
        let serial = signing::serials(recipients);
        Desk { policy: &self.policy, keys: &self.keys, absences, now: clock::now(), serial }
    }
}

impl AsRef<Threads> for House {
    fn as_ref(&self) -> &Threads {
        &self.threads
    }
}

impl AsRef<Register> for House {
    fn as_ref(&self) -> &Register {
        &self.absences
    }
}
