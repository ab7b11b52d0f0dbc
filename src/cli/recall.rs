//! What commands that change nothing have of an installation: its keys and its memory, as far as they may be
//! read.

use std::io::ErrorKind;

use crate::config::Config;
use crate::control::{self, Reach};
use crate::signing::{KeyError, Keys};
use crate::threads::{Found, Query, Unavailable};

use super::complain;

/// The installation's keys where there are any that we may read, else a key in memory; nothing is
/// written.
pub(super) fn keys(config: &Config) -> anyhow::Result<Keys> {
    match Keys::load(&config.secret_file) {
        Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        Err(error @ KeyError::File { .. }) => {
            complain(format_args!("warning: {error}; no seed can be verified: run this as the daemon's user"));
        }
        loaded => return Ok(loaded?),
    }
    Ok(Keys::generate()?)
}

/// Whom to ask what is remembered.
pub(super) enum Index {
    /// The running daemon.
    Live(control::Client, tokio::runtime::Runtime),
    /// Nobody: nothing is remembered.
    Empty,
}

impl Index {
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = control::Client::new(&config.state_dir);
        let why = match runtime.block_on(client.reach()) {
            Reach::Alive => return Ok(Self::Live(client, runtime)),
            Reach::Silent(why) => why,
            Reach::Nobody => "no daemon runs here".into(),
        };
        complain(format_args!("warning: {why}: going on as if nothing were remembered"));
        Ok(Self::Empty)
    }

    pub(super) fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        match self {
            Self::Live(client, runtime) => runtime.block_on(client.look_up(&query)),
            Self::Empty => Ok(Found::default()),
        }
    }
}
