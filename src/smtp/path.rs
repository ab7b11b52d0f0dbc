//! The arguments of MAIL and RCPT: what stands between the angle brackets (RFC 5321 §4.1.2).
//!
//! Read here and not by smtp-proto, which takes the quotes out of quoted local parts and refuses
//! address literals and local parts that exist (`a..b@docomo.example`): an address must reach the
//! service as it was written.

use super::service::ForwardPath;
use crate::mail::{Address, ReversePath, Say};

/// A command line around its path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    /// Up to the opening bracket, without it.
    pub(super) before: &'a str,
    /// Between the brackets.
    pub(super) path: &'a str,
    /// After the closing bracket: the parameters.
    pub(super) after: &'a str,
}

/// Finds the path of a command line. Brackets inside quotes belong to the local part.
pub(super) fn cut(line: &str) -> Option<Cut<'_>> {
    let (before, rest) = line.split_once('<')?;
    let (path, after) = rest.split_at_checked(outside_quotes(rest).find(|(_, c)| *c == '>')?.0)?;
    Some(Cut { before, path, after: after.get(1..)? })
}

/// The argument of MAIL.
pub(super) fn reverse_path(path: &str) -> Result<ReversePath, Say> {
    if path.is_empty() {
        return Ok(ReversePath::Null);
    }
    address(path).map(ReversePath::Address).ok_or(Say::BadSender)
}

/// The argument of RCPT.
pub(super) fn forward_path(path: &str) -> Result<ForwardPath, Say> {
    if path.eq_ignore_ascii_case("postmaster") {
        return Ok(ForwardPath::Postmaster);
    }
    address(path).map(ForwardPath::Address).ok_or(Say::BadRecipient)
}

fn address(path: &str) -> Option<Address> {
    without_source_route(path)?.parse().ok()
}

/// RFC 5321 appendix C: `@one.example,@two.example:` is to be accepted, and ignored. A colon in a
/// bracket is part of an address literal.
fn without_source_route(path: &str) -> Option<&str> {
    if !path.starts_with('@') {
        return Some(path);
    }
    let mut in_literal = false;
    let colon = path.char_indices().find(|(_, c)| {
        in_literal = (in_literal || *c == '[') && *c != ']';
        *c == ':' && !in_literal
    })?;
    path.get(colon.0 + 1..)
}

/// The characters of `text` that stand neither in quotes nor behind a backslash there.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut place = Place::Outside;
    text.char_indices().filter(move |(_, c)| {
        place = match (place, c) {
            (Place::Outside, '"') => Place::Quoted,
            (Place::Quoted, '"') => Place::Outside,
            (Place::Quoted, '\\') => Place::Escaped,
            (Place::Escaped, _) => Place::Quoted,
            (Place::Outside | Place::Quoted, _) => place,
        };
        place == Place::Outside
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Quoted,
    Escaped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_at_the_bracket_outside_quotes() {
        for (line, path, after) in [
            ("RCPT TO:<a@b>", "a@b", ""),
            ("MAIL FROM:<> SIZE=1", "", " SIZE=1"),
            (r#"RCPT TO:<"a>b"@c> X"#, r#""a>b"@c"#, " X"),
            (r#"RCPT TO:<"a\">b"@c>"#, r#""a\">b"@c"#, ""),
        ] {
            let cut = cut(line).unwrap();
            assert_eq!((cut.path, cut.after), (path, after), "{line}");
        }
        for line in ["RCPT TO:a@b", "RCPT TO:<a@b", r#"RCPT TO:<"a@b>"#] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn an_address_stays_as_it_was_written() {
        for path in
            ["a..b@docomo.example", r#""a b\\"@c.example"#, "a@[ipv6:::1]", "a@[127.0.0.1]", "j\u{f6}@d.example"]
        {
            assert_eq!(reverse_path(path).unwrap().to_string(), path);
        }
    }

    #[test]
    fn a_source_route_is_ignored() {
        for path in ["@a,@b:c@d", "@[IPv6:::1],@b:c@d", "@a:c@d"] {
            assert_eq!(forward_path(path), Ok(ForwardPath::Address("c@d".parse().unwrap())), "{path}");
        }
        assert_eq!(forward_path("@a,@b"), Err(Say::BadRecipient));
    }

    #[test]
    fn the_paths_without_a_domain() {
        assert_eq!(reverse_path(""), Ok(ReversePath::Null));
        assert_eq!(reverse_path("postmaster"), Err(Say::BadSender));
        assert_eq!(forward_path("PostMaster"), Ok(ForwardPath::Postmaster));
        assert_eq!(forward_path(""), Err(Say::BadRecipient));
        assert_eq!(forward_path("sophie"), Err(Say::BadRecipient));
    }
}
