//! One command line, parsed: a verb of RFC 5321 with arguments that cannot be wrong.
//!
//! smtp-proto reads the grammar; around it stands what it is too kind for. Whether a command may
//! be given now is the session's to judge.

use smtp_proto::{Error, MAIL_BODY_8BITMIME, MAIL_BODY_BINARYMIME, MAIL_SMTPUTF8, Request};

use super::path;
use super::service::ForwardPath;
use crate::mail::{ReversePath, Say, Transport};

/// A command that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Hello(Hello),
    Mail(Mail),
    Rcpt(ForwardPath),
    Data,
    Reset,
    Noop,
    Quit,
    Help,
    Verify,
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
    /// There are parameters, which only a peer that said EHLO or LHLO may give.
    pub(super) extended: bool,
}

/// Parameters of MAIL that EHLO offers; RCPT has none.
const MAIL_PARAMETERS: [&str; 3] = ["SIZE", "BODY", "SMTPUTF8"];

/// Commands of extensions that EHLO does not offer, and those that RFC 5321 allows to leave out.
const NOT_OFFERED: [&str; 11] =
    ["STARTTLS", "AUTH", "BDAT", "ETRN", "ATRN", "BURL", "EXPN", "TURN", "SEND", "SOML", "SAML"];

/// Whoever says these is, or was led here by, a browser.
const HTTP: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "PRI"];

/// Digits of a size (RFC 1870 §3); smtp-proto begins again at zero when more of them overflow.
const SIZE_DIGITS: usize = 20;

/// Characters that would end or quote something in a trace field; Postfix writes `?` for them too.
const UNFIT_FOR_TRACE: &str = "()<>@,;\\\"";

/// Reads a command line, which comes without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<Command, Say> {
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
    if !cut.after.trim_start().is_empty() {
        return Err(Say::UnknownParameter);
    }
    path::forward_path(cut.path).map(Command::Rcpt)
}

fn mail(cut: &path::Cut<'_>) -> Result<Command, Say> {
    offered(cut.after)?;
    let Request::Mail { from } = request(&format!("{}<>{}", cut.before, cut.after))? else { return Err(Say::Syntax) };
    let has = |flag| from.flags & flag != 0;
    if has(MAIL_BODY_BINARYMIME) {
        return Err(Say::NoBinaryMime);
    }
    Ok(Command::Mail(Mail {
        reverse_path: path::reverse_path(cut.path)?,
        transport: Transport { eight_bit: has(MAIL_BODY_8BITMIME), utf8: has(MAIL_SMTPUTF8) },
        size: u64::try_from(from.size).ok().filter(|&size| size > 0),
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
        // `parse` sends them elsewhere, as it does those of the last arm.
        Request::Mail { .. } | Request::Rcpt { .. } => return Err(Say::Syntax),
        Request::Bdat { .. }
        | Request::Auth { .. }
        | Request::Expn { .. }
        | Request::Etrn { .. }
        | Request::Atrn { .. }
        | Request::Burl { .. }
        | Request::StartTls => return Err(Say::NotOffered),
    };
    if line.is_ascii() { Ok(command) } else { Err(Say::IllegibleLine) }
}

fn hello(verb: HelloVerb, name: &str) -> Command {
    Command::Hello(Hello { verb, name: name.replace(|c| UNFIT_FOR_TRACE.contains(c), "?") })
}

/// RFC 5321 §4.1.1.4, §4.1.1.5, §4.1.1.10: DATA, RSET and QUIT have no arguments.
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
        Mail { reverse_path, transport: Transport { eight_bit, utf8 }, size, extended }
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
            (" RET=FULL", Say::UnknownParameter),
            (" AUTH=<>", Say::UnknownParameter),
            (" MT-PRIORITY=0", Say::UnknownParameter),
            (" =", Say::UnknownParameter),
        ] {
            check_mail(&format!("MAIL FROM:<a@b>{parameters}"), Err(say));
        }
    }

    #[test]
    fn a_path_needs_its_brackets() {
        for line in
            ["MAIL", "MAIL FROM:", "MAIL FROM:a@b", "MAIL <a@b>", "MAIL TO:<a@b>", "RCPT TO:<a@b", "RCPT TO:<a@b>X"]
        {
            assert_eq!(parse(line.as_bytes()), Err(Say::Syntax), "{line}");
        }
        assert_eq!(parse(b"RCPT TO:<a@b> NOTIFY=NEVER"), Err(Say::UnknownParameter));
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
    fn commands_that_we_do_not_serve() {
        for (line, say) in [
            ("", Say::UnknownCommand),
            ("XYZZY", Say::UnknownCommand),
            ("NOOPS", Say::UnknownCommand),
            ("STARTTLS", Say::NotOffered),
            ("AUTH", Say::NotOffered),
            ("BDAT 10 LAST", Say::NotOffered),
            ("EXPN list", Say::NotOffered),
            ("get / HTTP/1.1", Say::NotHttp),
            ("DATA now", Say::Syntax),
            ("QUIT now", Say::Syntax),
            ("VRFY", Say::Syntax),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(say), "{line}");
        }
    }
}
