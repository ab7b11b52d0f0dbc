//! One command line, parsed: a verb of RFC 5321 with arguments that cannot be wrong.
//!
//! smtp-proto reads the grammar; around it stands what it is too kind for. Whether a command may
//! be given now is the session's to judge.

use smtp_proto::{Error, MAIL_BODY_8BITMIME, MAIL_BODY_BINARYMIME, MAIL_SMTPUTF8, Request};

use super::service::Rcpt;
use super::xforward::{self, Attributes};
use super::{parameters, path};
use crate::mail::dsn::PerMessage;
use crate::mail::{ReversePath, Say, Transport};

/// A command that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Hello(Hello),
    Mail(Mail),
    Rcpt(Rcpt),
    Data,
    Bdat(Bdat),
    Reset,
    Noop,
    Quit,
    Help,
    Verify,
    /// What is wrong with its arguments is told to nobody but those who may give it.
    Xforward(Result<Attributes, Say>),
    StartTls,
}

/// HELO, EHLO or LHLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) verb: HelloVerb,
    /// The name that the peer gives itself: printable ASCII that can stand in a trace field.
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub(super) enum HelloVerb {
    Helo,
    Ehlo,
    Lhlo,
}

/// MAIL with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) reverse_path: ReversePath,
    pub(super) transport: Transport,
    pub(super) size: Option<u64>,
    pub(super) dsn: PerMessage,
    /// There are parameters, which only a peer that said EHLO or LHLO may give.
    pub(super) extended: bool,
}

/// BDAT (RFC 3030 §2): so many octets of the message follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bdat {
    pub(super) size: u64,
    /// The message ends with them.
    pub(super) is_last: bool,
}

/// Parameters of MAIL that EHLO offers always; those of RFC 3461 are read by [`parameters`].
const MAIL_PARAMETERS: [&str; 3] = ["SIZE", "BODY", "SMTPUTF8"];

/// Commands of extensions that EHLO does not offer, and those that RFC 5321 allows to leave out.
const NOT_OFFERED: [&str; 9] = ["AUTH", "ETRN", "ATRN", "BURL", "EXPN", "TURN", "SEND", "SOML", "SAML"];

/// Whoever says these is, or was led here by, a browser.
const HTTP: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "PRI"];

/// Digits of a size (RFC 1870 §3); smtp-proto begins again at zero when more of them overflow.
const SIZE_DIGITS: usize = 20;

/// Characters that would end or quote something in a trace field; Postfix writes `?` for them too.
const UNFIT_FOR_TRACE: &str = "()<>@,;\\\"";

/// Reads a command line, which comes without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<Command, Say> {
    read(line).map_err(|say| if announces_octets(line) { Say::UncountableChunk } else { say })
}

/// Whether octets follow the line that are no commands, however many: nobody knows where commands begin again if it
/// cannot be read.
pub(super) fn announces_octets(line: &[u8]) -> bool {
    line.trim_ascii_start().get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"))
}

fn read(line: &[u8]) -> Result<Command, Say> {
    let line = legible(line)?.trim_start_matches(' ');
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let is_one_of = |verbs: &[&str]| verbs.iter().any(|known| known.eq_ignore_ascii_case(verb));
    if is_one_of(&HTTP) {
        Err(Say::NotHttp)
    } else if is_one_of(&NOT_OFFERED) {
        Err(Say::NotOffered)
    } else if is_one_of(&["MAIL"]) {
        mail(&cut(line)?)
    } else if is_one_of(&["RCPT"]) {
        recipient(&cut(line)?)
    } else if is_one_of(&["XFORWARD"]) {
        Ok(Command::Xforward(xforward::attributes(arguments)))
    } else if is_one_of(&["BDAT"]) {
        chunk(arguments)
    } else {
        without_path(line, arguments)
    }
}

/// RFC 5321 §2.4: commands are text. UTF-8 is in place in addresses only; see [`without_path`].
fn legible(line: &[u8]) -> Result<&str, Say> {
    let line = str::from_utf8(line).map_err(|_| Say::IllegibleLine)?;
    if line.contains(char::is_control) { Err(Say::IllegibleLine) } else { Ok(line) }
}

/// The path of MAIL and RCPT is read by [`path`]; smtp-proto gets the line with a null path instead.
fn cut(line: &str) -> Result<path::Cut<'_>, Say> {
    let cut = path::cut(line).ok_or(Say::Syntax)?;
    if cut.after.is_empty() || cut.after.starts_with(' ') { Ok(cut) } else { Err(Say::Syntax) }
}

fn recipient(cut: &path::Cut<'_>) -> Result<Command, Say> {
    let Request::Rcpt { .. } = request(&format!("{}<>", cut.before))? else { return Err(Say::Syntax) };
    let dsn = parameters::of_rcpt(cut.after)?;
    Ok(Command::Rcpt(Rcpt { to: path::forward_path(cut.path)?, dsn }))
}

fn mail(cut: &path::Cut<'_>) -> Result<Command, Say> {
    let (dsn, others) = parameters::of_mail(cut.after)?;
    offered(&others)?;
    let Request::Mail { from } = request(&format!("{}<>{others}", cut.before))? else { return Err(Say::Syntax) };
    let has = |flag| from.flags & flag != 0;
    if has(MAIL_BODY_BINARYMIME) {
        return Err(Say::NoBinaryMime);
    }
    Ok(Command::Mail(Mail {
        reverse_path: path::reverse_path(cut.path)?,
        transport: Transport { eight_bit: has(MAIL_BODY_8BITMIME), utf8: has(MAIL_SMTPUTF8) },
        size: u64::try_from(from.size).ok().filter(|&size| size > 0),
        dsn,
        extended: !cut.after.trim_start().is_empty(),
    }))
}

/// Whether all parameters are ours, and each is there once: smtp-proto knows many more, and takes
/// the last of several.
fn offered(parameters: &str) -> Result<(), Say> {
    let mut seen = Vec::new();
    for parameter in parameters.split_ascii_whitespace() {
        let (keyword, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let keyword = keyword.to_ascii_uppercase();
        if !MAIL_PARAMETERS.contains(&keyword.as_str()) {
            return Err(Say::UnknownParameter);
        }
        if value.len() > SIZE_DIGITS || seen.contains(&keyword) {
            return Err(Say::Syntax);
        }
        seen.push(keyword);
    }
    Ok(())
}

/// Read here and not by smtp-proto, which takes anything behind LAST, and a number that overflows for another:
/// an octet too few is one that is run as a command.
fn chunk(arguments: &str) -> Result<Command, Say> {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let size = words.next().filter(|size| size.bytes().all(|octet| octet.is_ascii_digit())).ok_or(Say::Syntax)?;
    let size = size.parse().map_err(|_| Say::Syntax)?;
    let last = words.next();
    if words.next().is_some() || last.is_some_and(|word| !word.eq_ignore_ascii_case("LAST")) {
        return Err(Say::Syntax);
    }
    Ok(Command::Bdat(Bdat { size, is_last: last.is_some() }))
}

/// All other commands; they are ASCII, but for the address after VRFY.
fn without_path(line: &str, arguments: &str) -> Result<Command, Say> {
    let command = match request(line)? {
        Request::Ehlo { host } => hello(HelloVerb::Ehlo, &host),
        Request::Helo { host } => hello(HelloVerb::Helo, &host),
        Request::Lhlo { host } => hello(HelloVerb::Lhlo, &host),
        Request::Vrfy { .. } => return Ok(Command::Verify),
        Request::Noop { .. } => Command::Noop,
        Request::Help { .. } => Command::Help,
        Request::Data => alone(Command::Data, arguments)?,
        Request::Rset => alone(Command::Reset, arguments)?,
        Request::Quit => alone(Command::Quit, arguments)?,
        Request::StartTls => alone(Command::StartTls, arguments)?,
        // `parse` sends them elsewhere, as it does those of the last arm.
        Request::Mail { .. } | Request::Rcpt { .. } | Request::Bdat { .. } => return Err(Say::Syntax),
        Request::Auth { .. }
        | Request::Expn { .. }
        | Request::Etrn { .. }
        | Request::Atrn { .. }
        | Request::Burl { .. } => return Err(Say::NotOffered),
    };
    if line.is_ascii() { Ok(command) } else { Err(Say::IllegibleLine) }
}

fn hello(verb: HelloVerb, name: &str) -> Command {
    Command::Hello(Hello { verb, name: name.replace(|c| UNFIT_FOR_TRACE.contains(c), "?") })
}

/// RFC 5321 §4.1.1.4, §4.1.1.5, §4.1.1.10, RFC 3207 §4: DATA, RSET, QUIT and STARTTLS have no arguments.
fn alone(command: Command, arguments: &str) -> Result<Command, Say> {
    if arguments.trim_start().is_empty() { Ok(command) } else { Err(Say::Syntax) }
}

fn request(line: &str) -> Result<Request<String>, Say> {
    let line = format!("{line}\r\n");
    match Request::parse(&mut line.as_bytes().iter()) {
        Ok(request) => Ok(request.into_owned()),
        Err(Error::UnknownCommand) => Err(Say::UnknownCommand),
        Err(
            Error::SyntaxError { .. }
            | Error::InvalidParameter { .. }
            | Error::UnsupportedParameter { .. }
            | Error::InvalidSenderAddress
            | Error::InvalidRecipientAddress
            | Error::NeedsMoreData { .. }
            | Error::ResponseTooLong
            | Error::InvalidResponse { .. },
        ) => Err(Say::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(path: &str, size: Option<u64>, eight_bit: bool, utf8: bool) -> Mail {
        let reverse_path = path::reverse_path(path).unwrap();
        let extended = size.is_some() || eight_bit || utf8;
        Mail { reverse_path, transport: Transport { eight_bit, utf8 }, size, dsn: PerMessage::default(), extended }
    }

    #[track_caller]
    fn check_mail(line: &str, expect: Result<Mail, Say>) {
        assert_eq!(parse(line.as_bytes()), expect.map(Command::Mail), "{line}");
    }

    #[test]
    fn mail_with_what_is_offered() {
        check_mail("MAIL FROM:<a@b>", Ok(mail("a@b", None, false, false)));
        check_mail("mail from: <>  ", Ok(mail("", None, false, false)));
        check_mail("MAIL FROM:<a@b> SIZE=12 body=8bitmime", Ok(mail("a@b", Some(12), true, false)));
        check_mail("MAIL FROM:<j\u{f6}@b> smtputf8", Ok(mail("j\u{f6}@b", None, false, true)));
        let seven_bit = Mail { extended: true, ..mail("a@b", None, false, false) };
        check_mail("MAIL FROM:<a@b> BODY=7BIT", Ok(seven_bit));
    }

    #[test]
    fn mail_with_what_is_not() {
        for (parameters, say) in [
            ("SIZE=1", Say::Syntax),
            (" SIZE", Say::Syntax),
            (" SIZE=", Say::Syntax),
            (" SIZE=1x", Say::Syntax),
            (" SIZE=-1", Say::Syntax),
            (" SIZE=1 SIZE=2", Say::Syntax),
            (" SIZE=184467440737095516159", Say::Syntax),
            (" BODY=9BIT", Say::Syntax),
            (" SMTPUTF8=1", Say::Syntax),
            (" BODY=BINARYMIME", Say::NoBinaryMime),
            (" RET=FULL RET=FULL", Say::Syntax),
            (" NOTIFY=NEVER", Say::UnknownParameter),
            (" AUTH=<>", Say::UnknownParameter),
            (" MT-PRIORITY=0", Say::UnknownParameter),
            (" =", Say::UnknownParameter),
        ] {
            check_mail(&format!("MAIL FROM:<a@b>{parameters}"), Err(say));
        }
    }

    #[test]
    fn what_is_asked_of_notifications() {
        let Ok(Command::Mail(mail)) = parse(b"MAIL FROM:<> SIZE=1 RET=HDRS BODY=8BITMIME ENVID=x") else { panic!() };
        assert_eq!((mail.size, mail.transport.eight_bit), (Some(1), true));
        assert_eq!(mail.dsn.to_string(), " RET=HDRS ENVID=x");
        let Ok(Command::Rcpt(rcpt)) = parse(b"RCPT TO:<a@b> NOTIFY=NEVER") else { panic!() };
        assert_eq!(rcpt.dsn.to_string(), " NOTIFY=NEVER");
    }

    #[test]
    fn a_path_needs_its_brackets() {
        for line in
            ["MAIL", "MAIL FROM:", "MAIL FROM:a@b", "MAIL <a@b>", "MAIL TO:<a@b>", "RCPT TO:<a@b", "RCPT TO:<a@b>X"]
        {
            assert_eq!(parse(line.as_bytes()), Err(Say::Syntax), "{line}");
        }
        assert_eq!(parse(b"RCPT TO:<a@b> SIZE=1"), Err(Say::UnknownParameter));
    }

    #[test]
    fn a_name_that_cannot_leave_a_trace_field() {
        let hello = |name: &str| Command::Hello(Hello { verb: HelloVerb::Ehlo, name: name.into() });
        assert_eq!(parse(b"EHLO [127.0.0.1]"), Ok(hello("[127.0.0.1]")));
        assert_eq!(parse(b"EHLO (x;<y>"), Ok(hello("?x??y?")));
        assert_eq!(parse(b"EHLO"), Err(Say::Syntax));
        assert_eq!(parse(b"EHLO "), Err(Say::Syntax));
        assert_eq!(parse("EHLO m\u{fc}nchen.example".as_bytes()), Err(Say::IllegibleLine));
    }

    #[test]
    fn commands_that_are_no_text() {
        for line in [&b"NOOP \0"[..], b"NOOP\t", b"NOOP \x7f", b"NOOP \xff", b"MAIL FROM:<\xf6@b>"] {
            assert_eq!(parse(line), Err(Say::IllegibleLine), "{line:?}");
        }
    }

    #[test]
    fn chunks_that_can_be_counted() {
        for (line, expect) in [
            ("BDAT 0", Ok((0, false))),
            ("BDAT 86 LAST", Ok((86, true))),
            ("bdat  0086  last ", Ok((86, true))),
            ("BDAT 18446744073709551615", Ok((u64::MAX, false))),
            ("BDAT 18446744073709551616", Err(Say::UncountableChunk)),
            ("BDAT", Err(Say::UncountableChunk)),
            ("BDAT ", Err(Say::UncountableChunk)),
            ("BDAT LAST", Err(Say::UncountableChunk)),
            ("BDAT -1", Err(Say::UncountableChunk)),
            ("BDAT +1", Err(Say::UncountableChunk)),
            ("BDAT 0x10", Err(Say::UncountableChunk)),
            ("BDAT 1.5", Err(Say::UncountableChunk)),
            ("BDAT 1 0", Err(Say::UncountableChunk)),
            ("BDAT 10LAST", Err(Say::UncountableChunk)),
            ("BDAT 10 LASTING", Err(Say::UncountableChunk)),
            ("BDAT 10 LAST LAST", Err(Say::UncountableChunk)),
            ("BDAT \u{664}", Err(Say::UncountableChunk)),
            ("BDAT10", Err(Say::UncountableChunk)),
            ("BDAT 10\tLAST", Err(Say::UncountableChunk)),
        ] {
            let expect = expect.map(|(size, is_last)| Command::Bdat(Bdat { size, is_last }));
            assert_eq!(parse(line.as_bytes()), expect, "{line}");
        }
    }

    #[test]
    fn commands_that_we_do_not_serve() {
        for (line, say) in [
            ("", Say::UnknownCommand),
            ("XYZZY", Say::UnknownCommand),
            ("NOOPS", Say::UnknownCommand),
            ("AUTH", Say::NotOffered),
            ("EXPN list", Say::NotOffered),
            ("get / HTTP/1.1", Say::NotHttp),
            ("DATA now", Say::Syntax),
            ("QUIT now", Say::Syntax),
            ("STARTTLS now", Say::Syntax),
            ("VRFY", Say::Syntax),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(say), "{line}");
        }
    }
}
