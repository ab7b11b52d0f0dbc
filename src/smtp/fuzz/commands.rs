//! Command lines: cut by CRLF alone, wherever the network cuts them, and parsed into what can stand in
//! replies, commands and trace fields.

use bytes::BytesMut;
use memchr::memmem;

use super::cuts;
use crate::mail::{ReversePath, Say};
use crate::smtp::command::{self, Command, Hello, Mail};
use crate::smtp::lines::{Cut, Lines};
use crate::smtp::service::{ForwardPath, Rcpt};
use crate::smtp::settings::{BareNewlines, Limits};

/// Small, so that lines beyond it are found too.
const LIMIT: usize = 100;

/// Reads `wire` as a session reads command lines.
///
/// # Panics
/// When a promise is broken.
pub fn target(wire: &[u8]) {
    for bare_newlines in [BareNewlines::Refuse, BareNewlines::Normalize] {
        let expected = model(wire, bare_newlines);
        for pieces in cuts(wire) {
            is_as_expected(lines(&pieces, bare_newlines), &expected);
        }
    }
    for line in model(wire, BareNewlines::Refuse)
        .iter()
        .filter_map(|cut| if let Cut::Line(line) = cut { Some(line) } else { None })
    {
        match command::parse(line) {
            Ok(command) => is_safe(&command, line),
            Err(say) => is_one_line(say),
        }
    }
}

/// What the lines are, in few words: they end at CRLF, or at LF where that is normalized, and each is judged as a
/// whole.
fn model(wire: &[u8], bare_newlines: BareNewlines) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut rest = wire;
    let end: &[u8] = if bare_newlines == BareNewlines::Normalize { b"\n" } else { b"\r\n" };
    while let Some(at) = memmem::find(rest, end) {
        let (line, after) = rest.split_at(at + end.len());
        let length = line.len();
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line[..at]);
        cuts.push(match () {
            () if length > LIMIT => Cut::Refused(Say::LineTooLong),
            () if (line.contains(&b'\r') || line.contains(&b'\n')) && command::announces_octets(line) => {
                Cut::Refused(Say::UncountableChunk)
            }
            () if line.contains(&b'\r') || line.contains(&b'\n') => Cut::Refused(Say::BareNewlineInCommand),
            () => Cut::Line(BytesMut::from(line)),
        });
        rest = after;
    }
    cuts
}

/// The lines of `pieces`, as they arrive.
fn lines(pieces: &[&[u8]], bare_newlines: BareNewlines) -> Vec<Cut> {
    let mut lines = Lines::new(&Limits { line: LIMIT, bare_newlines, ..Limits::default() });
    let mut input = BytesMut::new();
    let mut cuts = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match lines.next(&mut input) {
                Cut::Incomplete => break,
                Cut::Overrun => return [cuts, vec![Cut::Overrun]].concat(),
                cut @ (Cut::Line(_) | Cut::Refused(_)) => cuts.push(cut),
            }
        }
    }
    cuts
}

/// A session may be cut off early where a line is too long, and nowhere else.
fn is_as_expected(mut found: Vec<Cut>, expected: &[Cut]) {
    if found.last() == Some(&Cut::Overrun) {
        found.pop();
        assert!(matches!(expected.get(found.len()), None | Some(Cut::Refused(Say::LineTooLong))));
        assert_eq!(found, expected[..found.len()]);
    } else {
        assert_eq!(found, expected);
    }
}

fn is_one_line(say: Say) {
    let wire = say.reply().to_wire();
    let line = wire.strip_suffix(b"\r\n").unwrap();
    assert!(line.iter().all(|octet| (b' '..=b'~').contains(octet)), "{say:?}");
}

/// What was parsed can be written again, and is read as the same.
fn is_safe(command: &Command, line: &[u8]) {
    let again = |line: &str| command::parse(line.as_bytes()).unwrap();
    assert!(!line.iter().any(u8::is_ascii_control), "{command:?}");
    if let Command::Mail(mail) = command {
        assert_eq!(again(&written(mail)), *command);
    }
    if let Command::Rcpt(Rcpt { to: ForwardPath::Address(address), dsn }) = command {
        assert_eq!(again(&format!("RCPT TO:<{address}>{dsn}")), *command);
    }
    if let Command::Hello(Hello { verb, name }) = command {
        let fits_a_trace_field = |c: char| c.is_ascii_graphic() && !"()<>@,;\\\"".contains(c);
        assert!(!name.is_empty() && name.chars().all(fits_a_trace_field), "{name:?}");
        let verb: &str = verb.into();
        assert_eq!(again(&format!("{verb} {name}")), *command);
    }
}

/// MAIL with what was understood of it.
fn written(Mail { reverse_path, transport, size, dsn, extended }: &Mail) -> String {
    let path = match reverse_path {
        ReversePath::Null => String::new(),
        ReversePath::Address(address) => address.to_string(),
    };
    let size = size.map(|size| format!(" SIZE={size}")).unwrap_or_default();
    // `BODY=7BIT` says nothing but that it was said.
    let body = if transport.eight_bit { " BODY=8BITMIME" } else { " BODY=7BIT" };
    let body = if *extended { body } else { "" };
    let utf8 = if transport.utf8 { " SMTPUTF8" } else { "" };
    format!("MAIL FROM:<{path}>{size}{body}{utf8}{dsn}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Commands that are right, or nearly.
    fn line() -> impl Strategy<Value = String> {
        let verb = "(MAIL FROM|mail from|RCPT TO|EHLO|LHLO|HELO|NOOP|VRFY|DATA|RSET|QUIT|[A-Z]{4})";
        let path = r#":?<?(@a,@b:)?([a-z.+]{0,3}|"[ -~]{0,4}")@?(\[?[a-f0-9:.]{0,4}\]?|[a-zé.-]{0,5})>?"#;
        let parameter = "( ?(SIZE|BODY|SMTPUTF8|RET|ENVID|NOTIFY|ORCPT|=)=?\
            ([0-9]{0,21}|8BITMIME|7BIT|BINARYMIME|FULL|hdrs|NEVER|SUCCESS,DELAY|rfc822;a+2Bb@c|[!-~]{0,4})){0,3}";
        let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r")];
        (verb, path, parameter, end).prop_map(|(verb, path, parameter, end)| format!("{verb}{path}{parameter}{end}"))
    }

    proptest! {
        #[test]
        fn commands_that_are_nearly_right(lines in proptest::collection::vec(line(), 1..4)) {
            target(lines.concat().as_bytes());
        }
    }
}
