//! Sincerely: automated mail is signed by a person; its replies reach that person.

pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod events;
pub mod flow;
pub mod held;
pub mod mail;
pub mod maildir;
pub mod message;
pub mod people;
pub mod relay;
pub mod rules;
pub mod signing;
pub mod smtp;
pub mod telemetry;
pub mod threads;
