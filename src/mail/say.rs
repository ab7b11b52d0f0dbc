//! Everything that we say to a peer, in one table: what the server says of commands, and what the flows
//! say of recipients and messages.
//!
//! Every reply has an enhanced status code (RFC 2034, RFC 3463), but for greetings and 354, which have
//! none. In other words go out only what a rule's author wrote and, outbound, what the next hop said.

use super::Reply;

/// What we have to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// NOOP, XFORWARD.
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
    /// A command of an extension that EHLO does not offer, or not to this peer.
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
    /// MAIL or XFORWARD inside a transaction.
    NestedMail,
    /// RCPT, DATA or BDAT outside a transaction.
    NeedMail,
    /// DATA or BDAT without an accepted recipient.
    NeedRecipient,
    /// RCPT or DATA after the first chunk of a message.
    InsideChunks,
    /// BDAT that does not say how many octets follow, or says it in no way that all read alike.
    UncountableChunk,
    /// STARTTLS: the handshake is to begin (RFC 3207).
    ReadyForTls,
    /// STARTTLS in TLS.
    EncryptedAlready,
    /// STARTTLS inside a transaction, which it would drop.
    TlsInTransaction,
    /// Something stood behind STARTTLS in its packet.
    BehindStartTls,
    /// The argument of MAIL is not an address.
    BadSender,
    /// The argument of RCPT is not an address.
    BadRecipient,
    /// An address in UTF-8 without SMTPUTF8.
    NeedSmtpUtf8,
    /// Too many RCPT commands in one transaction.
    TooManyRecipients,

    /// A chunk has come, and the message is fit so far.
    ChunkTaken,
    /// `SIZE` or the message itself is beyond the limit.
    MessageTooLarge,
    /// The header section is.
    HeaderTooLong,
    /// One line is.
    DataLineTooLong,
    /// CR or LF alone in the message.
    BareNewlineInData,
    /// The memory for messages is used up, and what came before did not end in time.
    NoRoom,
    /// The service failed: nothing is known of the message's fate, so the peer keeps it.
    Failed,

    /// A recipient was accepted.
    RecipientOk,
    /// Nobody of that address is served here.
    NoSuchRecipient,
    /// The recipient is in no domain of ours.
    RelayingDenied,
    /// The first line continues a field that is not there: two readings.
    BeginsWithContinuation,
    /// Several From fields: two readings.
    SeveralFrom,
    /// `outbound.strangers = "refuse"`.
    NoPersona,
    /// More than `limits.hops` Received fields.
    TooManyHops,
    /// The message bears our own trace field for this destination.
    BeenThere,
    /// A rule rejects, and has no words of its own.
    Rejected,
    /// Every leg is done.
    Taken,
    /// A leg was not taken now.
    NotNow,
    /// A leg may or may not have been taken.
    InDoubt,
    /// Only the index could decide, and it cannot answer.
    IndexAway,
    /// Something of our own failed.
    LocalTrouble,
    /// The message has 8-bit data, and the next hop lacks 8BITMIME.
    NoEightBit,
    /// The message needs SMTPUTF8, and the next hop lacks it.
    NoInternational,

    /// The peer is not in the listener's `allow`.
    NotAllowed,
    /// No room for another connection.
    Busy,
    /// The peer is a browser, or was made to speak to us by one.
    NotHttp,
    /// The peer was silent for too long.
    TimedOut,
    /// The peer makes no use of memory that others wait for.
    Idle,
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
    pub fn reply(self) -> Reply {
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
            Self::BareNewlineInCommand => (550, (5, 2), "bare CR or LF in a command line"),
            Self::LineTooLong => (500, (5, 6), "command line too long"),
            Self::Syntax => (501, (5, 4), "syntax error in arguments"),
            Self::UnknownParameter => (555, (5, 4), "parameter not recognised"),
            Self::NoBinaryMime => (504, (5, 4), "BINARYMIME not offered"),
            Self::GreetFirst => (503, (5, 1), "say hello first"),
            Self::NestedMail => (503, (5, 1), "a transaction is already open"),
            Self::NeedMail => (503, (5, 1), "need MAIL first"),
            Self::NeedRecipient => (503, (5, 1), "no valid recipients"),
            Self::UncountableChunk => (421, (5, 4), "cannot tell how many octets follow; closing"),
            Self::InsideChunks => (503, (5, 1), "the message comes in chunks: send BDAT or RSET"),
            Self::ReadyForTls => (220, (0, 0), "ready to start TLS"),
            Self::EncryptedAlready => (503, (5, 1), "TLS is active already"),
            Self::TlsInTransaction => (503, (5, 1), "no STARTTLS inside a transaction"),
            Self::BehindStartTls => (421, (5, 1), "nothing may follow STARTTLS before its reply; closing"),
            Self::BadSender => (553, (1, 7), "not an address"),
            Self::BadRecipient => (553, (1, 3), "not an address"),
            Self::NeedSmtpUtf8 => (553, (6, 7), "address needs SMTPUTF8"),
            Self::TooManyRecipients => (452, (5, 3), "too many recipients"),

            Self::ChunkTaken => (250, (0, 0), "chunk received"),
            Self::MessageTooLarge => (552, (3, 4), "message too large"),
            Self::HeaderTooLong => (552, (3, 4), "header section too long"),
            Self::DataLineTooLong => (552, (3, 4), "line too long"),
            Self::BareNewlineInData => (550, (5, 2), "bare CR or LF in the message"),
            Self::NoRoom => (452, (3, 1), "too much mail at once; try again later"),
            Self::Failed => (451, (3, 0), "local error; try again later"),

            Self::RecipientOk => (250, (1, 5), "recipient ok"),
            Self::NoSuchRecipient => (550, (1, 1), "no such recipient here"),
            Self::RelayingDenied => (550, (7, 1), "relaying denied"),
            Self::BeginsWithContinuation => {
                (550, (6, 0), "the header section begins with a continuation line: remove the leading space")
            }
            Self::SeveralFrom => (550, (6, 0), "the message has several From fields (RFC 5322 section 3.6): send one"),
            Self::NoPersona => (550, (7, 1), "the From field names no persona that this server sends for"),
            Self::TooManyHops => (554, (4, 6), "too many hops: the message goes in circles"),
            Self::BeenThere => (554, (4, 6), "not sent: the message has been there before"),
            Self::Rejected => (550, (7, 1), "the message is not accepted here"),
            Self::Taken => (250, (0, 0), "ok"),
            Self::NotNow => (451, (4, 1), "the next hop cannot take the message now; try again later"),
            Self::InDoubt => (451, (4, 2), "the next hop did not confirm the message; try again later"),
            Self::IndexAway => (451, (3, 0), "the thread index is being rebuilt; try again later"),
            Self::LocalTrouble => (451, (3, 0), "local trouble; try again later"),
            Self::NoEightBit => (554, (6, 3), "the next hop takes no 8-bit data"),
            Self::NoInternational => (553, (6, 7), "the next hop takes no international mail"),

            Self::NotAllowed => (554, (7, 1), "no service for your address"),
            Self::Busy => (421, (7, 0), "too many connections; try again later"),
            Self::NotHttp => (421, (7, 0), "this is a mail server"),
            Self::TimedOut => (421, (4, 2), "timed out"),
            Self::Idle => (421, (3, 1), "too slow while other mail waits for memory; try again later"),
            Self::Overrun => (421, (3, 4), "far too much; closing"),
            Self::TooManyCommands => (421, (7, 0), "too many commands without a message"),
            Self::TooManyErrors => (421, (7, 0), "too many errors"),
            Self::ShuttingDown => (421, (3, 2), "shutting down; try again later"),
        };
        Reply::new(code, subject, detail, text)
    }
}
