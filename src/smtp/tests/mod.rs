//! Dialogues over a pipe, as RFC 5321 appendix D prints them, with a service that notes what it gets.

mod certificates;
mod chunks;
mod commands;
mod edges;
mod endings;
mod forwarding;
mod limits;
mod memory;
mod messages;
mod notifications;
mod pki;
mod sockets;
mod stage;
mod tls;
