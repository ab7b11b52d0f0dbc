//! What a running daemon shows to commands: its memory, what was said of absence, and how it is.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::absences::Register;
use crate::clock;
use crate::config::{Config, Role};
use crate::control::{Gone, Status, Tell};
use crate::events;
use crate::flow::{House, Onward};
use crate::people::People;
use crate::smtp::Place;
use crate::threads::{Query, Threads};

use super::absence::Teller;

/// How long a next hop may take to say how it is: less than whoever asks waits for us.
const PATIENCE: Duration = Duration::from_secs(3);

/// The daemon, as commands see it.
pub(super) struct Front {
    house: Arc<House>,
    since: Timestamp,
    listeners: Vec<(String, String)>,
    /// What the next hops are, in words.
    inbound: String,
    outbound: String,
}

impl Front {
    pub(super) fn new(config: &Config, house: &Arc<House>, listening: &[(Role, Place)]) -> Self {
        let listener = |(role, place): &(Role, Place)| (role.to_string(), place.to_string());
        Self {
            house: Arc::clone(house),
            since: clock::now(),
            listeners: listening.iter().map(listener).collect(),
            inbound: config.relay.inbound.to_string(),
            outbound: config.relay.outbound.to_string(),
        }
    }

    /// One line where both are the same.
    async fn next_hops(&self) -> Vec<(String, Result<(), String>)> {
        let (inbound, outbound) = (&self.house.inbound, &self.house.outbound);
        if self.inbound == self.outbound {
            return vec![(self.inbound.clone(), answer(inbound).await)];
        }
        let answers = tokio::join!(answer(inbound), answer(outbound));
        vec![(format!("inbound: {}", self.inbound), answers.0), (format!("outbound: {}", self.outbound), answers.1)]
    }
}

async fn answer(onward: &Onward) -> Result<(), String> {
    let answered = timeout(PATIENCE, onward.relay.greet()).await;
    answered.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?.map_err(|failure| failure.to_string())
}

impl Tell for Front {
    async fn tell(&self) -> Status {
        let (next_hops, index) = tokio::join!(self.next_hops(), self.house.threads.look_up(Query::default()));
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: self.since,
            listeners: self.listeners.clone(),
            next_hops,
            index: index.map(drop).map_err(|error| error.0),
            alarms: events::last_alarms(),
        }
    }

    fn away(&self) -> Vec<Gone> {
        Teller::new(&self.house.policy.people, &self.house.absences.snapshot(), clock::now()).gone()
    }
}

impl AsRef<People> for Front {
    fn as_ref(&self) -> &People {
        &self.house.policy.people
    }
}

impl AsRef<Threads> for Front {
    fn as_ref(&self) -> &Threads {
        &self.house.threads
    }
}

impl AsRef<Register> for Front {
    fn as_ref(&self) -> &Register {
        &self.house.absences
    }
}
