//! The state of a session, as samotop-core keeps it: the peer's name, the running transaction, the
//! mode, and what is to be said. The only file that names samotop.
//!
//! Its actions for HELO, EHLO, LHLO, RSET, NOOP and QUIT change the state; what they would say is
//! dropped, since its replies have no enhanced status codes and its EHLO keywords no order. Its
//! actions for MAIL, RCPT and DATA are not used: a second MAIL resets there, and DATA without
//! recipients resets everything.

use samotop_core::smtp::command::{SmtpHelo, SmtpNoop, SmtpQuit, SmtpRset};
use samotop_core::smtp::{Action, DriverControl, Esmtp, Lmtp, SmtpContext, SmtpHost, SmtpSession};

use super::command::Hello;
use super::service::{Peer, Protocol};
use crate::mail::{Reply, TransactionId};

/// One session's state.
pub(super) struct State {
    context: SmtpContext,
    protocol: Protocol,
}

/// What is to happen to the connection after the replies are out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The session goes on.
    GoOn,
    /// It is to be encrypted before anything else is said.
    Encrypt,
    /// It is over.
    Close,
}

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaits {
    /// A command.
    Command,
    /// The data of a message, after 354.
    Data,
}

impl State {
    /// The state of a session that nothing was said in yet.
    pub(super) fn new(hostname: &str, protocol: Protocol, peer: &Peer) -> Self {
        let mut context = SmtpContext::default();
        context.session.service_name = hostname.into();
        context.session.connection.peer_addr = peer.to_string();
        Self { context, protocol }
    }

    /// HELO, EHLO or LHLO: ends a transaction. Answers the peer's name, or `None` where this
    /// protocol has no such greeting.
    pub(super) async fn hello(&mut self, hello: Hello) -> Option<String> {
        let verb: &'static str = hello.verb.into();
        let command = SmtpHelo { verb: verb.into(), host: SmtpHost::Domain(hello.name) };
        match self.protocol {
            Protocol::Smtp => Esmtp.apply(command, &mut self.context).await,
            Protocol::Lmtp => Lmtp.apply(command, &mut self.context).await,
        }
        let accepted = self.unsaid().iter().any(|said| said.starts_with(b"250"));
        self.session().peer_name.clone().filter(|_| accepted)
    }

    /// RSET: ends a transaction.
    pub(super) async fn reset(&mut self) {
        Esmtp.apply(SmtpRset, &mut self.context).await;
        self.unsaid();
    }

    /// NOOP.
    pub(super) async fn noop(&mut self) {
        Esmtp.apply(SmtpNoop, &mut self.context).await;
        self.unsaid();
    }

    /// QUIT: ends a transaction, and the session after the reply.
    pub(super) async fn quit(&mut self) {
        Esmtp.apply(SmtpQuit, &mut self.context).await;
        self.unsaid();
    }

    /// MAIL was accepted.
    pub(super) fn begin(&mut self, id: &TransactionId) {
        self.session().transaction.id = id.to_string();
    }

    /// DATA was accepted: says 354.
    pub(super) fn await_data(&mut self) {
        self.session().say_start_data_challenge();
    }

    /// What comes next from the peer.
    pub(super) fn awaits(&self) -> Awaits {
        match self.context.session.mode {
            Some(SmtpSession::DATA_MODE) => Awaits::Data,
            Some(_) | None => Awaits::Command,
        }
    }

    /// The data of a message have come: the transaction is over.
    pub(super) fn end(&mut self) {
        self.session().reset();
    }

    /// STARTTLS was accepted; what is said to it is the driver's to ask for.
    pub(super) fn start_tls(&mut self) {
        self.session().say(DriverControl::StartTls);
    }

    /// Says `reply`, before the session is closed if it is to be.
    pub(super) fn say(&mut self, reply: &Reply) {
        let output = &mut self.session().output;
        let end = output.iter().position(|control| *control == DriverControl::Shutdown).unwrap_or(output.len());
        output.insert(end, DriverControl::Response(reply.to_wire()));
    }

    /// Ends the session after what was said.
    pub(super) fn close(&mut self) {
        self.session().shutdown();
    }

    /// Moves what was said to the end of `wire`.
    pub(super) fn speak(&mut self, wire: &mut Vec<u8>) -> Then {
        let mut then = Then::GoOn;
        for control in std::mem::take(&mut self.session().output) {
            match control {
                DriverControl::Response(reply) => wire.extend_from_slice(&reply),
                DriverControl::Shutdown => then = Then::Close,
                DriverControl::StartTls if then == Then::GoOn => then = Then::Encrypt,
                DriverControl::StartTls => {}
            }
        }
        then
    }

    /// Takes back what an action of samotop has just said.
    fn unsaid(&mut self) -> Vec<Vec<u8>> {
        let output = std::mem::take(&mut self.session().output);
        let mut said = Vec::new();
        for control in output {
            match control {
                DriverControl::Response(reply) => said.push(reply),
                DriverControl::Shutdown | DriverControl::StartTls => self.session().say(control),
            }
        }
        said
    }

    fn session(&mut self) -> &mut SmtpSession {
        &mut self.context.session
    }
}
