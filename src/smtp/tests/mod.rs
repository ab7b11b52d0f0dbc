//! Dialogues over a pipe, as RFC 5321 appendix D prints them, with a service that notes what it gets.

mod commands;
mod endings;
mod limits;
mod memory;
mod messages;
mod sockets;
mod stage;
