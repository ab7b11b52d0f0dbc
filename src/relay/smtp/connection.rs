//! One connection to the next hop: opened, then asked and answered in step.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::CLOSING;
use super::opening::DATA;
use super::reply::{completed, go_ahead, heard};
use super::stuffing::Stuffing;
use super::tls::Shield;
use super::wire::Wire;
use crate::mail::{Failure, Reply};
use crate::relay::Timeouts;

/// Octets of message data in one write: large enough that a write costs little beside its bytes,
/// small enough that a connection's memory is not worth counting.
const CHUNK: usize = 64 * 1024;

/// How long to wait for the last words of a next hop that takes no more: they came before its end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An open connection, past its EHLO.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    wire: Wire,
    offers: Offers,
    timeouts: Timeouts,
    opened: Instant,
    // No reply is outstanding and the next hop has not taken leave: what we say next is understood,
    // and what we hear next is the answer to it. False while a reply is awaited, so that a future
    // dropped in that moment leaves a connection that nobody uses again.
    in_step: bool,
}

/// The extensions of the next hop that we use (RFC 5321 §4.1.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// RFC 2920.
    pub(super) pipelining: bool,
    /// RFC 1870.
    pub(super) size: bool,
    /// RFC 6152.
    pub(super) eight_bit_mime: bool,
    /// RFC 6531.
    pub(super) smtp_utf8: bool,
    /// RFC 3461.
    pub(super) dsn: bool,
    /// RFC 3207.
    pub(super) starttls: bool,
    /// RFC 4954, with PLAIN.
    pub(super) auth_plain: bool,
    /// RFC 4954, with LOGIN.
    pub(super) auth_login: bool,
}

impl Offers {
    /// Reads the lines heard up to the answer to EHLO; the greeting has another code, and the first
    /// line of the answer names the server.
    fn read(lines: &[String]) -> Self {
        let mut offers = Self::default();
        let answer = lines.iter().filter_map(|line| line.strip_prefix("250"));
        for line in answer.skip(1) {
            let mut words = line.get(1..).unwrap_or_default().split_whitespace();
            let keyword = words.next().unwrap_or_default();
            match keyword.to_ascii_uppercase().as_str() {
                "PIPELINING" => offers.pipelining = true,
                "SIZE" => offers.size = true,
                "8BITMIME" => offers.eight_bit_mime = true,
                "SMTPUTF8" => offers.smtp_utf8 = true,
                "DSN" => offers.dsn = true,
                "STARTTLS" => offers.starttls = true,
                "AUTH" => offers.read_mechanisms(words),
                _ => {}
            }
        }
        offers
    }

    fn read_mechanisms<'l>(&mut self, names: impl Iterator<Item = &'l str> + Clone) {
        let offers = |mechanism| names.clone().any(|name| name.eq_ignore_ascii_case(mechanism));
        self.auth_plain = offers("PLAIN");
        self.auth_login = offers("LOGIN");
    }
}

impl Connection {
    /// Connects, hears the greeting and says EHLO.
    pub(super) async fn greet(server: &str, hello: &ClientId, timeouts: Timeouts) -> Result<Self, Failure> {
        within(timeouts.connect, async {
            let wire = Wire::connect(server).await.map_err(|error| lost(&error))?;
            let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), hello).await;
            let lines = wire.take_heard();
            match greeted {
                Ok(smtp) => {
                    let (offers, opened) = (Offers::read(&lines), Instant::now());
                    Ok(Self { smtp, wire, offers, timeouts, opened, in_step: true })
                }
                Err(error) => Err(Failure::Us(heard(Err(error), &lines)?)),
            }
        })
        .await
    }

    /// Begins TLS, after the next hop's 220 to STARTTLS.
    pub(super) async fn encrypt(&mut self, shield: &Shield) -> Result<(), Failure> {
        let unfit = |error: std::io::Error| Failure::Unfit(error.to_string());
        within(self.timeouts.connect, async { self.wire.encrypt(shield).await.map_err(unfit) }).await
    }

    /// Says EHLO once more: what was offered before TLS counts for nothing (RFC 3207 §4.2), and what was said
    /// in the open before the handshake has made that fail.
    pub(super) async fn hello(&mut self, hello: &ClientId) -> Result<(), Failure> {
        self.expect_reply()?;
        let command = format!("EHLO {hello}\r\n");
        let outcome = within(self.timeouts.connect, async { Ok(self.smtp.command(command).await) }).await?;
        let lines = self.wire.take_heard();
        let reply = heard(outcome, &lines)?;
        self.in_step = reply.code != CLOSING;
        self.offers = Offers::read(&lines);
        completed(reply, Failure::Us).map(drop)
    }

    /// What the next hop offers.
    pub(super) fn offers(&self) -> Offers {
        self.offers
    }

    /// Writes `commands` at once and hears the reply to the first of them.
    pub(super) async fn ask(&mut self, commands: &str) -> Result<Reply, Failure> {
        self.expect_silence()?;
        self.expect_reply()?;
        let outcome = within(self.timeouts.command, async { Ok(self.smtp.command(commands).await) }).await?;
        self.replied(outcome)
    }

    /// Hears the reply to the next of several commands.
    pub(super) async fn hear(&mut self) -> Result<Reply, Failure> {
        self.hear_within(self.timeouts.command).await
    }

    async fn hear_within(&mut self, limit: Duration) -> Result<Reply, Failure> {
        self.expect_reply()?;
        let outcome = within(limit, async { Ok(self.smtp.read_response().await) }).await?;
        self.replied(outcome)
    }

    /// What was said before we asked is no answer: a farewell, or the end of the connection, or a next hop
    /// that answers what it has not heard.
    fn expect_silence(&mut self) -> Result<(), Failure> {
        self.in_step &= self.wire.is_quiet();
        let spoke = || Failure::Unreachable("the next hop spoke out of turn, or closed the connection".into());
        self.in_step.then_some(()).ok_or_else(spoke)
    }

    fn expect_reply(&mut self) -> Result<(), Failure> {
        let in_step = std::mem::take(&mut self.in_step);
        in_step.then_some(()).ok_or_else(|| Failure::Unreachable("the connection was lost".into()))
    }

    fn replied(&mut self, outcome: Result<Response, Error>) -> Result<Reply, Failure> {
        let reply = heard(outcome, &self.wire.take_heard())?;
        self.in_step = reply.code != CLOSING;
        Ok(reply)
    }

    /// DATA, then the message.
    pub(super) async fn data(&mut self, message: &[Bytes]) -> Result<Reply, Failure> {
        go_ahead(self.ask(DATA).await?)?;
        self.message(message).await
    }

    /// Sends the message after the next hop's 354 and hears the reply to its final dot.
    ///
    /// This is the moment of the hand-over. A write that fails has not passed the dot on, so the next
    /// hop may not deliver what it has got (RFC 5321 §4.1.1.4); once the dot is written, only a reply
    /// can tell whether it did. A reply that is there before the dot is written is none to it; one that comes
    /// while the dot is on its way looks like the answer, and is taken for it.
    pub(super) async fn message(&mut self, message: &[Bytes]) -> Result<Reply, Failure> {
        if let Err(failure) = self.send(message).await {
            return Err(self.last_words().await.unwrap_or(failure));
        }
        let reply = self.hear_within(self.timeouts.data_end).await;
        reply.and_then(|reply| completed(reply, Failure::Recipient)).map_err(after_the_dot)
    }

    /// Writes the message and its final dot, through one buffer of about [`CHUNK`] octets: a small
    /// message with its dot is one write.
    async fn send(&mut self, message: &[Bytes]) -> Result<(), Failure> {
        let mut stuffing = Stuffing::new();
        let mut chunk = Vec::new();
        for piece in message {
            for part in piece.chunks(CHUNK) {
                stuffing.push(part, &mut chunk);
                if chunk.len() >= CHUNK {
                    self.write(&chunk).await?;
                    chunk.clear();
                }
            }
        }
        stuffing.finish(&mut chunk);
        self.expect_silence()?;
        self.write(&chunk).await
    }

    /// The refusal of a next hop that leaves amid our data, such as 552: the dot was not written, so it has not
    /// taken the message. What one says that stays is an answer to something else.
    async fn last_words(&mut self) -> Option<Failure> {
        let words = async {
            let reply = heard(self.smtp.read_response().await, &self.wire.take_heard()).ok()?;
            let after_it = heard(self.smtp.read_response().await, &self.wire.take_heard());
            after_it.map_or(true, |farewell| farewell.code == CLOSING).then_some(reply)
        };
        let reply = tokio::time::timeout(LAST_WORDS, words).await.ok()??;
        (400..=599).contains(&reply.code).then_some(Failure::Recipient(reply))
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let written = async {
            self.wire.write_all(chunk).await.map_err(|error| lost(&error))?;
            // TLS may keep the end of what was written.
            self.wire.flush().await.map_err(|error| lost(&error))
        };
        let result = within(self.timeouts.command, written).await;
        self.in_step &= result.is_ok();
        result
    }

    /// Makes the next hop forget what was said of a transaction.
    pub(super) async fn reset(&mut self) -> Result<(), Failure> {
        completed(self.ask("RSET\r\n").await?, Failure::Us).map(drop)
    }

    /// Takes leave politely.
    pub(super) async fn quit(mut self) {
        let _closed_either_way = self.ask("QUIT\r\n").await;
    }

    /// How long it has been open.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Marks the connection as one not to be used again.
    pub(super) fn give_up(&mut self) {
        self.in_step = false;
    }

    /// Whether another transaction may begin: in step, and nothing heard that nobody asked for (the
    /// next hop's farewell, or an answer too many, which would be taken for the next one's).
    pub(super) fn is_usable(&self) -> bool {
        self.in_step && self.wire.is_quiet()
    }
}

/// What a failure to hear a proper reply means once the final dot was written.
fn after_the_dot(failure: Failure) -> Failure {
    match failure {
        Failure::Unreachable(why) => Failure::Uncertain(why),
        told @ (Failure::Recipient(_)
        | Failure::Us(_)
        | Failure::Unfit(_)
        | Failure::Unsupported(_)
        | Failure::Uncertain(_)) => told,
    }
}

fn lost(error: &std::io::Error) -> Failure {
    Failure::Unreachable(error.to_string())
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Failure::Unreachable(format!("no answer within {} s", limit.as_secs_f32()));
    tokio::time::timeout(limit, work).await.map_err(late)?
}
