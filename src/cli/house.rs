//! Puts the parts of a running installation together.

use std::sync::Arc;

use sysexits::ExitCode;

use crate::clock;
use crate::config::{Config, Relays};
use crate::flow::once::Once;
use crate::flow::{House, Onward};
use crate::held::Held;
use crate::relay::{Relay, Settings};
use crate::signing::{KeyError, Keys};
use crate::threads::Threads;
use crate::threads::local::{Local, OpenError};

/// Why an installation cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum HouseError {
    /// The memory cannot be opened.
    #[error(transparent)]
    Threads(#[from] OpenError),
    /// The secret cannot be read or made.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl HouseError {
    /// The exit code that tells a service manager what is wrong.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            // Another process holds it, or its disk is full or not mounted: a retry may find it free.
            Self::Threads(_) => ExitCode::TempFail,
            // A full disk or a folder that is not mounted yet may be well at the next start.
            Self::Keys(KeyError::File { .. } | KeyError::Random(_)) => ExitCode::TempFail,
            Self::Keys(KeyError::Line { .. } | KeyError::Empty(_)) => ExitCode::Config,
        }
    }
}

/// Opens the state of an installation and puts its parts together.
///
/// # Errors
/// When the state directory cannot be used, or another process uses it.
pub(super) fn open(config: &Config) -> Result<House, HouseError> {
    // The lock comes first, and makes the directory: a second daemon must not even make a secret.
    let threads = Local::open(&config.state_dir, config.threads.clone(), clock::now())?;
    let (inbound, outbound) = next_hops(config);
    Ok(House {
        keys: Keys::load_or_create(&config.secret_file)?,
        policy: Arc::new(config.policy.clone()),
        threads: Threads::Local(threads),
        inbound,
        outbound,
        held: Held::new(&config.state_dir),
        once: Once::default(),
    })
}

/// The next hops of mail from customers and of automated mail.
fn next_hops(config: &Config) -> (Onward, Onward) {
    let Relays { inbound, outbound } = &config.relay;
    let relay = |settings: &Settings| Arc::new(Relay::new(settings.clone(), config.hostname.as_str()));
    let of_inbound = relay(inbound);
    let of_outbound = if inbound == outbound { of_inbound.clone() } else { relay(outbound) };
    (
        Onward { relay: of_inbound, patience: inbound.timeouts.total },
        Onward { relay: of_outbound, patience: outbound.timeouts.total },
    )
}
