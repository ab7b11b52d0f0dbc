//! The SMTP server (RFC 5321, and LMTP, RFC 2033): sessions, commands, data and replies.
//!
//! The only place that names samotop. What recipients mean and what becomes of a message is asked
//! of a [`service::Service`]; this module does not know the flows.
//!
//! ```text
//! listener ──▶ driver ──▶ session ──▶ service
//!  sockets      bytes      rules       what it means
//!               tls
//!               lines ──▶  command (path, parameters)
//!               data ───▶  message (content)
//!               chunks
//! ```
//!
//! Read [`service`] first, then `session`: it is the RFC's rules. `lines`, `data` and `chunks` frame what
//! arrives, `content` measures and keeps a message, `command`, `path` and `parameters` parse commands. `xforward`
//! reads whom a mail server in front speaks for and `proxy` whom a proxy does, `greetings` says what we offer
//! (all else that we say is in [`crate::mail::Say`]), `state` holds what samotop keeps of a session,
//! `certificate` reads what `tls` shows. `ledger` decides who gets memory, `budget` has waiting in line for it,
//! `room` is what one transaction holds, `stay` how long its peer may. `socket` binds, `unix` makes the sockets
//! that are files, `passed` takes what the service manager holds, `descriptors` asks the system for as many files
//! as the limits need. Only these, `listener`, `proxy` and `driver` do I/O; only the last three, `budget`, `stay`
//! and `exhaustion` know time.
//!
//! Invariants: only CRLF.CRLF, or the count of a last chunk, ends a message, and nothing leaves here but with
//! CRLF; every wait is bounded; a message is the service's from its end until its reply, whatever becomes
//! of the connection.

pub mod service;
pub mod settings;

mod descriptors;
mod exhaustion;
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

mod certificate;
mod tls;

mod chunks;
mod command;
mod content;
mod data;
mod gate;
mod greetings;
mod lines;
mod parameters;
mod path;
mod proxy;
mod state;
mod xforward;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, Files, Outdated, Part, Unusable, Why};
pub use content::judge;
pub use descriptors::prepare as prepare_descriptors;
pub use gate::Gate;
pub use listener::Server;
pub use passed::{Malformed, Passed, Unfit};
pub use socket::{BindError, Listener, Place};
pub use tls::Tls;
pub use unix::LONGEST_PATH;
