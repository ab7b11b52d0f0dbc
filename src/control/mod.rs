//! The control socket: how a command reaches the state of a running daemon.
//!
//! sled allows one process. While the daemon runs, commands ask it over `state_dir/control.sock`:
//! HTTP/1.1 on a unix socket, bodies in postcard, both halves of one version of the program. The
//! socket lies in the state directory, which only its owner may enter.

mod client;
mod server;

use std::path::{Path, PathBuf};

pub use client::{Client, Reach};
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

fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join("control.sock")
}
