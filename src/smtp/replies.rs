//! Everything that the server itself says to a peer, in one table.
//!
//! Every reply has an enhanced status code (RFC 2034, RFC 3463), but for greetings and 354, which
//! have none. What the service answers goes out in its own words.

use super::service::Protocol;
use super::settings::Settings;
use crate::mail::Reply;

/// What the server has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// NOOP.
    Ok,
    /// RSET.
    Reset,
    /// QUIT.
    Bye,
    /// MAIL was accepted.
    SenderOk,
    /// HELP.
    Help,
    /// VRFY: we tell nobody who exists here, and promise nothing (RFC 5321 §3.5.3).
    CannotVerify,

    /// No such command.
    UnknownCommand,
    /// The greeting of the other protocol.
    WrongGreeting,
    /// A command of an extension that EHLO does not offer.
    NotOffered,
    /// Octets that no command line may hold.
    IllegibleLine,
    /// CR or LF alone in a command line.
    BareNewlineInCommand,
    /// A command line beyond the limit.
    LineTooLong,
    /// The command is known, its arguments are not understood.
    Syntax,
    /// A parameter of MAIL or RCPT that EHLO does not offer.
    UnknownParameter,
    /// `BODY=BINARYMIME` (RFC 3030), which is known and not offered.
    NoBinaryMime,
    /// MAIL before HELO, EHLO or LHLO.
    GreetFirst,
    /// MAIL inside a transaction.
    NestedMail,
    /// RCPT or DATA outside a transaction.
    NeedMail,
    /// DATA without an accepted recipient.
    NeedRecipient,
    /// The argument of MAIL is not an address.
    BadSender,
    /// The argument of RCPT is not an address.
    BadRecipient,
    /// An address in UTF-8 without SMTPUTF8.
    NeedSmtpUtf8,
    /// Too many RCPT commands in one transaction.
    TooManyRecipients,

    /// `SIZE` or the message itself is beyond the limit.
    MessageTooLarge,
    /// The header section is.
    HeaderTooLong,
    /// One line is.
    DataLineTooLong,
    /// CR or LF alone in the message.
    BareNewlineInData,
    /// The service failed: nothing is known of the message's fate, so the peer keeps it.
    Failed,

    /// The peer is not in the listener's `allow`.
    NotAllowed,
    /// No room for another connection.
    Busy,
    /// The peer is a browser, or was made to speak to us by one.
    NotHttp,
    /// The peer was silent for too long.
    TimedOut,
    /// The peer sends far more than the limits.
    Overrun,
    /// Too many commands without a message.
    TooManyCommands,
    /// Too many refused commands.
    TooManyErrors,
    /// The daemon stops.
    ShuttingDown,
}

impl Say {
    /// The reply as the peer sees it. Every 421 is followed by the end of the connection.
    pub(super) fn reply(self) -> Reply {
        let (code, (subject, detail), text) = match self {
            Self::Ok => (250, (0, 0), "ok"),
            Self::Reset => (250, (0, 0), "reset"),
            Self::Bye => (221, (0, 0), "bye"),
            Self::SenderOk => (250, (1, 0), "sender ok"),
            Self::Help => (214, (0, 0), "see RFC 5321; the postmaster helps with the rest"),
            Self::CannotVerify => (252, (1, 5), "cannot verify; send some mail and see"),

            Self::UnknownCommand => (500, (5, 1), "command not recognised"),
            Self::WrongGreeting => (500, (5, 1), "not the greeting of this protocol"),
            Self::NotOffered => (502, (5, 1), "command not offered"),
            Self::IllegibleLine => (500, (5, 2), "command line is not printable text"),
            Self::BareNewlineInCommand => (500, (5, 2), "bare CR or LF in a command line"),
            Self::LineTooLong => (500, (5, 6), "command line too long"),
            Self::Syntax => (501, (5, 4), "syntax error in arguments"),
            Self::UnknownParameter => (555, (5, 4), "parameter not recognised"),
            Self::NoBinaryMime => (504, (5, 4), "BINARYMIME not offered"),
            Self::GreetFirst => (503, (5, 1), "say hello first"),
            Self::NestedMail => (503, (5, 1), "a transaction is already open"),
            Self::NeedMail => (503, (5, 1), "need MAIL first"),
            Self::NeedRecipient => (503, (5, 1), "no valid recipients"),
            Self::BadSender => (553, (1, 7), "not an address"),
            Self::BadRecipient => (553, (1, 3), "not an address"),
            Self::NeedSmtpUtf8 => (553, (6, 7), "address needs SMTPUTF8"),
            Self::TooManyRecipients => (452, (5, 3), "too many recipients"),

            Self::MessageTooLarge => (552, (3, 4), "message too large"),
            Self::HeaderTooLong => (552, (3, 4), "header section too long"),
            Self::DataLineTooLong => (552, (3, 4), "line too long"),
            Self::BareNewlineInData => (550, (5, 2), "bare CR or LF in the message"),
            Self::Failed => (451, (3, 0), "local error; try again later"),

            Self::NotAllowed => (554, (7, 1), "no service for your address"),
            Self::Busy => (421, (7, 0), "too many connections; try again later"),
            Self::NotHttp => (421, (7, 0), "this is a mail server"),
            Self::TimedOut => (421, (4, 2), "timed out"),
            Self::Overrun => (421, (3, 4), "far too much; closing"),
            Self::TooManyCommands => (421, (7, 0), "too many commands without a message"),
            Self::TooManyErrors => (421, (7, 0), "too many errors"),
            Self::ShuttingDown => (421, (3, 2), "shutting down; try again later"),
        };
        Reply::new(code, subject, detail, text)
    }
}

/// The first line of a session.
pub(super) fn banner(settings: &Settings) -> Reply {
    let protocol = match settings.protocol {
        Protocol::Smtp => "ESMTP",
        Protocol::Lmtp => "LMTP",
    };
    plain(220, format!("{} {protocol} Sincerely", settings.hostname))
}

/// The answer to HELO.
pub(super) fn hello(settings: &Settings) -> Reply {
    plain(250, settings.hostname.clone())
}

/// The answer to EHLO and LHLO: what we offer, always in this order.
pub(super) fn extended_hello(settings: &Settings) -> Reply {
    let lines = [
        settings.hostname.clone(),
        "PIPELINING".into(),
        format!("SIZE {}", settings.limits.message_size),
        "8BITMIME".into(),
        "ENHANCEDSTATUSCODES".into(),
        "SMTPUTF8".into(),
    ];
    plain(250, lines.join("\n"))
}

fn plain(code: u16, text: String) -> Reply {
    Reply { code, enhanced: None, text }
}
