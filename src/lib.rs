//! Sincerely: automated mail is signed by a person; its replies reach that person.
//!
//! ```text
//! applications ──▶ mail server ──▶ flow::outbound ──▶ mail server ──▶ customers     learn: this mail is Sophie's
//! customers    ──▶ mail server ──▶ flow::inbound  ──▶ mail server ──▶ Sophie's own inbox
//! other systems ─▶ mail server ──▶ flow::copies                       learn, from a copy
//!
//!          receive ─▶ read ─▶ match ─▶ classify ─▶ decide ─▶ edit ─▶ relay ─▶ remember ─▶ settle
//!          smtp       message threads  message     rules     message relay    threads     flow
//!                             people                                 held
//! ```
//!
//! A *mediator* (RFC 5598), not a mailbox and not a queue: it says `250` for a message only after
//! the next hop has said `250` for it, or after the message is on disk under `held/`.
//!
//! The modules in reading order: [`flow`] is the program; whoever reads only its `inbound`,
//! `outbound` and `copies` can tell what happens to a mail. [`mail`] is the vocabulary that everything else
//! speaks in. Then the rooms, each usable without the others: [`message`], [`threads`], [`people`]
//! and [`rules`] decide; [`smtp`], [`relay`] and [`held`] touch the world. [`config`] builds the
//! settings of all of them, [`cli`] puts them together, [`control`] reaches a running daemon.

pub mod flow;

pub mod mail;

pub mod message;
pub mod people;
pub mod rules;
pub mod threads;

pub mod held;
pub mod kept;
pub mod maildir;
pub mod relay;
pub mod smtp;

pub mod clock;
pub mod events;
pub mod signing;
pub mod telemetry;

pub mod config;
pub mod control;

pub mod cli;

#[cfg(any(test, fuzzing))]
pub mod fuzz;
