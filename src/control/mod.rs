//! The control socket: how a command reaches the state of a running daemon.
//!
//! sled allows one process. While the daemon runs, commands ask it over `state_dir/control.sock`:
//! HTTP/1.1 on a unix socket, bodies in postcard, both halves of one version of the program. The
//! socket lies in the state directory, which only its owner may enter.

mod client;
mod server;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::events::Alarm;
use crate::people::absence::{Absences, SaidBy};

pub use client::{Client, Reach, Unchanged};
pub use server::{bind, serve};

/// Answers 200 while the daemon lives.
const ALIVE: &str = "/alive";
/// Takes a [`crate::threads::Query`], answers a [`crate::threads::Found`], or 503 with the reason.
const LOOK_UP: &str = "/look-up";
/// Takes a [`crate::threads::Named`], answers the stories of these threads, or 503 with the reason.
const STORIES: &str = "/stories";
/// Answers a [`crate::threads::Count`], or 503 with the reason.
const COUNT: &str = "/count";
/// Takes where a page begins (an optional [`crate::threads::Bookmark`]), answers [`crate::threads::Bounced`]s, or 503 with the reason.
const BOUNCED: &str = "/bounced";
/// Takes the address of a correspondent as text, and answers once they are forgotten, or 503 with the reason.
const FORGET: &str = "/forget";

/// Answers the [`crate::people::absence::Absences`].
const ABSENCES: &str = "/absences";
/// Answers a [`Gone`] for everybody who is away, or will be.
const AWAY: &str = "/away";
/// Takes a [`crate::absences::Change`], answers a [`Changed`] once it is on disk, 409 where it names somebody whom the
/// daemon does not know, or 503 with the reason.
const CHANGE: &str = "/absences/change";

/// What was said of people's absence, before a change and since.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    /// Before.
    pub before: Absences,
    /// Since.
    pub after: Absences,
}

/// An absence, now or to come, as the daemon sees it: its configuration may be older than the file.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Gone {
    /// Who is away.
    pub person: String,
    /// Whether it has begun.
    pub is_now: bool,
    /// Since when, or from when on.
    pub from: Timestamp,
    /// The moment of return, where it is known.
    pub until: Option<Timestamp>,
    /// Who was named.
    pub to: Option<String>,
    /// Who has the mail at its beginning, or now; nobody: the person's own inbox.
    pub stands_in: Vec<String>,
    /// Who says so.
    pub said_by: SaidBy,
    /// Who has the mail, in words.
    pub words: String,
    /// Whether somebody is missing who would have it.
    pub is_missing: bool,
}

/// Answers a [`Status`].
const STATUS: &str = "/status";

/// How a running daemon is.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// The number of its process.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// The role and the place of each listener.
    pub listeners: Vec<(String, String)>,
    /// The next hops, in words, and what each answers now: nothing, where it is well.
    pub next_hops: Vec<(String, Result<(), String>)>,
    /// Whether the index of threads answers, or why it does not.
    pub index: Result<(), String>,
    /// The last alarms since the start, the newest last.
    pub alarms: Vec<Alarm>,
}

/// Whoever can tell how a daemon is.
pub trait Tell {
    /// How it is now.
    fn tell(&self) -> impl Future<Output = Status> + Send;

    /// Who is away now, or will be.
    fn away(&self) -> Vec<Gone>;
}

fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join("control.sock")
}
