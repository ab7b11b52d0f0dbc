//! Puts the parts of a running installation together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sysexits::ExitCode;

use crate::clock;
use crate::config::{Config, Relays};
use crate::flow::once::Once;
use crate::flow::turns::Turns;
use crate::flow::{House, Onward};
use crate::held::Held;
use crate::kept::Kept;
use crate::relay::{Relay, Settings};
use crate::signing::{KeyError, Keys};
use crate::threads::local::{Local, OpenError};
use crate::threads::{self, Threads};

/// How often, and after what pause, a state directory in use is tried again: for five seconds. A command that looks in
/// holds it for three or so where the index is not made yet, and for less where it is, but for one that reads all of a
/// large memory (`stats`, `forget`).
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

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
    let threads = memory(&config.state_dir, &config.threads, |in_use| {
        tracing::warn!("{in_use}; waiting for it for a few seconds");
    })?;
    let (inbound, outbound) = next_hops(config);
    Ok(House {
        keys: Keys::load_or_create(&config.secret_file)?,
        policy: Arc::new(config.policy.clone()),
        threads: Threads::Local(threads),
        inbound,
        outbound,
        held: Held::new(&config.state_dir),
        kept: Kept::new(&config.state_dir, config.kept.clone()),
        once: Once::default(),
        turns: Turns::default(),
    })
}

/// Opens the memory as soon as whoever looks into it has left; `tell`s once that it waits.
fn memory(state_dir: &Path, settings: &threads::Settings, tell: impl FnOnce(&OpenError)) -> Result<Local, OpenError> {
    let mut tell = Some(tell);
    for _ in 0..TRIES {
        match Local::open(state_dir, settings.clone(), clock::now()) {
            Err(in_use @ OpenError::InUse(_)) => {
                tell.take().into_iter().for_each(|tell| tell(&in_use));
                std::thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
    Local::open(state_dir, settings.clone(), clock::now())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_looks_in_does_not_keep_the_daemon_from_starting() {
        let state_dir = tempfile::tempdir().unwrap();
        let settings = threads::Settings { cache: 1 << 20, ..threads::Settings::default() };
        let mut visitor = Some(Local::visit(state_dir.path(), settings.clone(), clock::now()).unwrap());
        let opened = memory(state_dir.path(), &settings, |in_use| {
            assert!(in_use.to_string().contains("sincerely threads"), "{in_use}");
            drop(visitor.take());
        });
        assert!(opened.is_ok() && visitor.is_none());
    }
}
