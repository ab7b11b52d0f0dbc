//! An OpenSMTPD somewhere else, which hands on what it takes, and finds out later what others say to it.

use std::path::Path;

use crate::opensmtpd::{OpenSmtpd, Ports};
use crate::ports;

/// The domain of its users.
pub(crate) const DOMAIN: &str = "smtpd.example";

/// Starts one that sends mail for its domain to a server which refuses it, and all that is for others to the company. It
/// warns after a second.
pub(crate) fn start(folder: &Path, company: u16, refuses: u16) -> OpenSmtpd {
    let [port, nobody] = std::array::from_fn(|_| ports::free());
    let configuration = format!(
        "bounce warn-interval 1s\n\
         listen on 127.0.0.1 port {port} hostname mx.{DOMAIN}\n\
         action users relay host smtp://127.0.0.1:{refuses}\n\
         action company relay host smtp://127.0.0.1:{company}\n\
         match from any for domain \"{DOMAIN}\" action users\n\
         match from local for any action company\n"
    );
    let ports = Ports { local: port, outside: port, back: port, inbound: nobody, outbound: nobody, mailboxes: nobody };
    OpenSmtpd::with(folder, ports, &configuration)
}
