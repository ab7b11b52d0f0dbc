//! What opens a transaction: MAIL, RCPT and DATA, together where the next hop allows it.

use super::connection::{Connection, Offers};
use super::reply::{completed, go_ahead};
use crate::mail::outcome::Extension;
use crate::mail::{Address, Failure, ReversePath};
use crate::relay::{Mail, Recipient};

/// The commands before the recipients, or before the message, of a transaction.
pub(super) enum Opening<'a> {
    /// MAIL alone; recipients follow as they come.
    Mail(&'a Mail),
    /// MAIL, RCPT and DATA: all that stands before the message for one recipient.
    Whole(&'a Mail, &'a Recipient),
}

impl Opening<'_> {
    /// Says the commands; Ok when each of them was accepted.
    pub(super) async fn say(&self, connection: &mut Connection) -> Result<(), Failure> {
        match self {
            Self::Mail(mail) => {
                let command = mail_command(mail, None, connection.offers())?;
                completed(connection.ask(&command).await?, Failure::Us).map(drop)
            }
            Self::Whole(mail, recipient) => {
                let offers = connection.offers();
                let mail = mail_command(mail, Some(&recipient.address), offers)?;
                let rcpt = rcpt(recipient, offers);
                if offers.pipelining {
                    together(connection, &mail, &rcpt).await
                } else {
                    in_turn(connection, &mail, &rcpt).await
                }
            }
        }
    }
}

/// One write, three replies (RFC 2920 §3.1: DATA may only be the last of a group).
///
/// Three commands are all that is ever outstanding, so neither side's buffers can fill up.
async fn together(connection: &mut Connection, mail: &str, rcpt: &str) -> Result<(), Failure> {
    let mail = connection.ask(&format!("{mail}{rcpt}{DATA}")).await?;
    let rcpt = connection.hear().await;
    let data = connection.hear().await;
    let waits_for_data = data.as_ref().is_ok_and(|reply| go_ahead(reply.clone()).is_ok());

    let verdict =
        completed(mail, Failure::Us).and_then(|_| completed(rcpt?, Failure::Recipient)).and_then(|_| go_ahead(data?));
    if verdict.is_err() && waits_for_data {
        // RFC 2920 §3.1 would end the data with a lone dot. Where a server mistakes that for a
        // message, our recipient gets an empty mail; a lost connection is never one.
        connection.give_up();
    }
    verdict
}

/// Each command after the answer to the one before.
async fn in_turn(connection: &mut Connection, mail: &str, rcpt: &str) -> Result<(), Failure> {
    completed(connection.ask(mail).await?, Failure::Us)?;
    completed(connection.ask(rcpt).await?, Failure::Recipient)?;
    go_ahead(connection.ask(DATA).await?)
}

/// DATA on the wire.
pub(super) const DATA: &str = "DATA\r\n";

/// RCPT on the wire: neither an [`Address`] nor what is asked of notifications can break out of it.
pub(super) fn rcpt(recipient: &Recipient, offers: Offers) -> String {
    let Recipient { address, dsn } = recipient;
    if offers.dsn { format!("RCPT TO:<{address}>{dsn}\r\n") } else { format!("RCPT TO:<{address}>\r\n") }
}

/// MAIL on the wire, with the parameters that the message needs and those that merely help.
fn mail_command(mail: &Mail, recipient: Option<&Address>, offers: Offers) -> Result<String, Failure> {
    let mut command = match &mail.reverse_path {
        ReversePath::Null => "MAIL FROM:<>".to_owned(),
        ReversePath::Address(address) => format!("MAIL FROM:<{address}>"),
    };
    if let Some(octets) = mail.size.filter(|_| offers.size) {
        command.push_str(&format!(" SIZE={octets}"));
    }
    if mail.transport.eight_bit {
        require(offers.eight_bit_mime, Extension::EightBitMime)?;
        command.push_str(" BODY=8BITMIME");
    }
    if mail.transport.utf8 || addresses(mail, recipient).any(Address::is_international) {
        require(offers.smtp_utf8, Extension::SmtpUtf8)?;
        command.push_str(" SMTPUTF8");
    }
    if offers.dsn {
        command.push_str(&mail.dsn.to_string());
    }
    command.push_str("\r\n");
    Ok(command)
}

/// The addresses known when MAIL is said: the peer may not have asked for SMTPUTF8 where our own
/// configuration brought an international one in.
fn addresses<'a>(mail: &'a Mail, recipient: Option<&'a Address>) -> impl Iterator<Item = &'a Address> {
    mail.reverse_path.address().into_iter().chain(recipient)
}

fn require(offered: bool, extension: Extension) -> Result<(), Failure> {
    offered.then_some(()).ok_or(Failure::Unsupported(extension))
}
