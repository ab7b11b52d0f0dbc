//! Puts the parts of a running installation together.

use std::path::Path;
use std::sync::Arc;

use sysexits::ExitCode;

use crate::clock;
use crate::config::Config;
use crate::flow::House;
use crate::flow::once::Once;
use crate::held::Held;
use crate::relay::Relay;
use crate::signing::{KeyError, Keys};
use crate::threads::Threads;
use crate::threads::local::{Local, OpenError};

/// Why an installation cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum HouseError {
    /// The state directory cannot be made.
    #[error("cannot create the state directory {path}: {source}")]
    StateDir {
        /// `state_dir`.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
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
            Self::StateDir { .. } => ExitCode::CantCreat,
            // Another process holds it: a retry may find it free.
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
    make_state_dir(&config.state_dir)?;
    // The lock comes first: a second daemon must not even make a secret.
    let threads = Local::open(&config.state_dir, config.threads.clone(), clock::now())?;
    Ok(House {
        keys: Keys::load_or_create(&config.secret_file)?,
        policy: Arc::new(config.policy.clone()),
        threads: Threads::Local(threads),
        relay: Relay::new(config.relay.clone(), config.hostname.as_str()),
        held: Held::new(&config.state_dir),
        once: Once::default(),
        patience: config.relay.timeouts.total,
    })
}

/// Mail lies in it: for its owner's eyes only.
fn make_state_dir(path: &Path) -> Result<(), HouseError> {
    use std::os::unix::fs::DirBuilderExt;
    let make = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    make.map_err(|source| HouseError::StateDir { path: path.into(), source })
}
