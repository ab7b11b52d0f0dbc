//! Dialogues over a pipe, as RFC 5321 appendix D prints them, with a service that notes what it gets.

mod certificates;
mod commands;
mod endings;
mod limits;
mod messages;
mod pki;
mod sockets;
mod stage;
mod tls;
