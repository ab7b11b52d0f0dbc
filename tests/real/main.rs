//! Beside real servers: Postfix, Exim or OpenSMTPD, and Dovecot, each test with its own, the first two configured
//! by the files that are shipped; mail servers of customers and others; programs that answer mail by themselves; a real mail
//! program; and real programs that hand in mail.
//!
//! Ports are chosen by the system, waiting is for conditions, and what was started is stopped when the
//! test ends, however it ends. Needs root, since mail servers do (`tests/run` sees to that).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod company;
mod dovecot;
mod elsewhere;
mod exim;
mod imap;
mod mail_program;
mod opensmtpd;
mod ports;
mod postfix;
mod process;
mod programs;
mod server;
mod shipped;

mod addresses;
mod beside_exim;
mod beside_opensmtpd;
mod bounces;
mod bypass;
mod clients;
mod extensions;
mod forwarding;
mod loops;
mod notifications;
mod responders;
mod returns;
mod setup;
mod several;
mod story;
mod tls;
mod trouble;
mod unchanged;
