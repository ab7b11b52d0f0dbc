//! The SMTP server (RFC 5321, and LMTP, RFC 2033): sessions, commands, data and replies.
//!
//! The only place that names samotop. What recipients mean and what becomes of a message is asked
//! of a [`service::Service`]; this module does not know the flows.

pub mod service;
pub mod settings;
