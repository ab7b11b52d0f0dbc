//! The SMTP server (RFC 5321, and LMTP, RFC 2033): sessions, commands, data and replies.
//!
//! The only place that names samotop. What recipients mean and what becomes of a message is asked
//! of a [`service::Service`]; this module does not know the flows.
//!
//! ```text
//! listener ──▶ driver ──▶ session ──▶ service
//!  sockets      bytes      rules       what it means
//!               lines ──▶  command (path)
//!               data ───▶  message
//! ```
//!
//! Read [`service`] first, then `session`: it is the RFC's rules. `lines` and `data` frame what
//! arrives, `command` and `path` parse it, `greetings` says what we offer (all else that we say is in [`crate::mail::Say`]), `state` holds what samotop
//! keeps of a session. `socket` binds, `unix` makes the sockets that are files, `passed` takes what the
//! service manager holds. `ledger` decides who gets memory, `budget` has waiting in line for it, `room` is what one transaction
//! holds, `stay` how long its peer may. Only `socket` and its like, `listener` and `driver` do I/O; only the last two, `budget` and
//! `stay` know time.
//!
//! Invariants: only CRLF ends a line and only CRLF.CRLF ends a message; every wait is bounded; a
//! message is the service's from the final dot until its reply, whatever becomes of the connection.

pub mod service;
pub mod settings;

mod listener;

mod passed;
mod socket;
mod unix;

mod driver;
mod session;
mod stay;

mod budget;
mod ledger;
mod room;

mod command;
mod data;
mod gate;
mod greetings;
mod lines;
mod path;
mod state;

#[cfg(test)]
mod tests;

pub use data::judge;
pub use gate::Gate;
pub use listener::Server;
pub use passed::{Malformed, Passed, Unfit};
pub use socket::{BindError, Listener, Place};
pub use unix::LONGEST_PATH;
