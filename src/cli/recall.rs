//! What commands that change nothing have of an installation: its keys and its memory, as far as they may be
//! read.

use std::io::ErrorKind;

use crate::absences;
use crate::config::Config;
use crate::control::{self, Reach};
use crate::mail::plain::plain;
use crate::people::absence::Absences;
use crate::signing::{KeyError, Keys};
use crate::threads::{Found, Query, Unavailable};

use super::{complain, shown};

/// What signatures are verified with.
pub(super) struct Secret {
    /// The installation's keys where we may read them, else one of our own.
    pub(super) keys: Keys,
    /// Whether they are the installation's: else nobody can tell of a signature.
    pub(super) is_known: bool,
}

impl Secret {
    /// Nothing is written; where the secret cannot be read, that is told.
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        match Keys::load(&config.secret_file) {
            Err(KeyError::File { path, source }) => {
                let is_there = source.kind() != ErrorKind::NotFound;
                let hint = if is_there {
                    "run this as the daemon's user"
                } else {
                    "is state_dir right? The daemon makes the secret when it first starts"
                };
                complain(format_args!(
                    "warning: cannot read the secret file {}: {source}: no signed id or address can be verified; {hint}",
                    shown(&path)
                ));
                Ok(Self { keys: Keys::generate()?, is_known: false })
            }
            loaded => Ok(Self { keys: loaded?, is_known: true }),
        }
    }
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

    /// Whether anybody is asked.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live(..))
    }

    /// Who was said to be away: as the daemon knows it, else as the file tells it.
    pub(super) fn absences(&self, config: &Config) -> Absences {
        let told = match self {
            Self::Live(client, runtime) => runtime.block_on(client.absences()).map_err(|error| error.to_string()),
            Self::Empty => absences::read(&config.state_dir).map_err(|error| error.to_string()),
        };
        told.unwrap_or_else(|why| {
            complain(format_args!(
                "warning: {}: going on as if nobody were away but for the configuration",
                plain(&why)
            ));
            Absences::default()
        })
    }

    pub(super) fn look_up(&self, query: Query) -> Result<Found, Unavailable> {
        match self {
            Self::Live(client, runtime) => runtime.block_on(client.look_up(&query)),
            Self::Empty => Ok(Found::default()),
        }
    }
}
