//! Sincerely: automated mail is signed by a person; its replies reach that person.

pub mod cli;
pub mod clock;
pub mod config;
pub mod flow;
pub mod mail;
pub mod people;
pub mod relay;
pub mod signing;
pub mod smtp;
pub mod threads;
