//! Status codes in what mail systems write for people: enhanced ones (RFC 3463), reply codes (RFC 5321 §4.2), and a few
//! words that all of them use.

use std::ops::RangeInclusive;

use crate::mail::Status;

/// What a text says of the reason, folded, as RFC 3463 has it. A mailbox that is full may be emptied (§3.3), so it is a
/// condition that passes unless a code says otherwise.
const REASONS: [(&str, Status); 38] = [
    ("no mailbox here by that name", UNKNOWN),
    ("user unknown", UNKNOWN),
    ("unknown user", UNKNOWN),
    ("unknown recipient", UNKNOWN),
    ("recipient unknown", UNKNOWN),
    ("user not found", UNKNOWN),
    ("no such user", UNKNOWN),
    ("no such recipient", UNKNOWN),
    ("no such mailbox", UNKNOWN),
    ("not a valid user", UNKNOWN),
    ("user doesn't exist", UNKNOWN),
    ("user does not exist", UNKNOWN),
    ("account that you tried to reach does not exist", UNKNOWN),
    ("not listed in domino directory", UNKNOWN),
    ("not listed in public name & address book", UNKNOWN),
    ("recipient name is not recognized", UNKNOWN),
    ("invalid final delivery userid", UNKNOWN),
    ("couldn't be found", UNKNOWN),
    ("this user doesn't have", UNKNOWN),
    ("domain name not found", NO_DOMAIN),
    ("unrouteable mail domain", NO_DOMAIN),
    ("couldn't find any host", NO_DOMAIN),
    ("host not found", NO_DOMAIN),
    ("host unknown", NO_DOMAIN),
    ("unknown host", NO_DOMAIN),
    ("no such domain", NO_DOMAIN),
    ("unrouteable address", BAD_ADDRESS),
    ("mailbox is full", FULL),
    ("mailbox full", FULL),
    ("full mailbox", FULL),
    ("over quota", FULL),
    ("quota exceeded", FULL),
    ("exceeds allowed size", FULL),
    ("enough storage space", FULL),
    ("in the queue too long", EXPIRED),
    ("retry timeout exceeded", EXPIRED),
    ("failing for a long time", EXPIRED),
    ("connection timed out", EXPIRED),
];
const UNKNOWN: Status = Status { class: 5, subject: 1, detail: 1 };
const BAD_ADDRESS: Status = Status { class: 5, subject: 1, detail: 0 };
const NO_DOMAIN: Status = Status { class: 5, subject: 1, detail: 2 };
const FULL: Status = Status { class: 4, subject: 2, detail: 2 };
const EXPIRED: Status = Status { class: 4, subject: 4, detail: 7 };

/// What stands before a reply code where it is one and no other number.
const BEFORE: [&str; 13] = [
    "said",
    "code",
    "error",
    "returned",
    "responded",
    "reply",
    "status",
    "smtp",
    "with",
    "was",
    "response",
    "responsecode",
    "server",
];

/// The status that a folded text tells of, as precise as it says it: an enhanced code before a reply code before words.
pub(super) fn read(text: &str) -> Option<Status> {
    more_precise(text, None)
}

/// The same, where a status that says no more than its class is known already.
pub(super) fn more_precise(text: &str, known: Option<Status>) -> Option<Status> {
    let mut vague = known;
    for status in enhanced(text) {
        if !is_vague(status) {
            return Some(status);
        }
        vague = vague.or(Some(status));
    }
    let by_code = vague.or_else(|| reply_class(text).map(undefined));
    let reason = REASONS.iter().find(|(words, _)| text.contains(words)).map(|(_, status)| *status);
    match (by_code, reason) {
        // The words say what, the code whether it stays.
        (Some(code), Some(reason)) => Some(Status { class: code.class, ..reason }),
        (code, reason) => code.or(reason).or_else(|| by_name(text)),
    }
}

/// Whether it says no more than its class (RFC 3463 §3.1).
pub(super) fn is_vague(status: Status) -> bool {
    status.subject == 0
}

fn undefined(class: u8) -> Status {
    Status { class, subject: 0, detail: 0 }
}

/// The words that Gmail writes.
fn by_name(text: &str) -> Option<Status> {
    let is_named = |name| text.contains(name);
    let class = if is_named("perm_failure") { 5 } else { 4 };
    (class == 5 || is_named("temp_failure")).then(|| undefined(class))
}

/// The enhanced codes of a failure, from the first: those behind a reply code come first, since other numbers have dots too.
fn enhanced(text: &str) -> impl Iterator<Item = Status> {
    let found = move |after_reply: bool| {
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let (begin, status) = next_enhanced(text.as_bytes(), at)?;
                at = begin + 1;
                if is_after_reply(text, begin) == after_reply {
                    return Some(status);
                }
            }
        })
    };
    found(true).chain(found(false))
}

fn is_after_reply(text: &str, begin: usize) -> bool {
    let before = text.get(..begin).unwrap_or_default();
    let before = before.trim_end_matches([' ', '#', '-', ':', '(', '<', '[']);
    before.len() >= 3 && before.ends_with(|c: char| c.is_ascii_digit()) && {
        let figures = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        figures == 3 && before.bytes().rev().nth(2).is_some_and(|octet| matches!(octet, b'4' | b'5'))
    }
}

/// The next `5.1.1` from there on, which is no part of an IP address or of a version.
fn next_enhanced(text: &[u8], from: usize) -> Option<(usize, Status)> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'4', b'5', text.get(at..)?)?;
        if let Some(status) = enhanced_at(text, at) {
            return Some((at, status));
        }
        at += 1;
    }
}

fn enhanced_at(text: &[u8], at: usize) -> Option<Status> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if before.is_some_and(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'/' | b'@')) {
        return None;
    }
    let code = text.get(at..text.len().min(at + 10))?;
    let end = code.iter().position(|octet| !octet.is_ascii_digit() && *octet != b'.').unwrap_or(code.len());
    let (code, after) = code.split_at_checked(end)?;
    let is_within = after.first().is_some_and(|octet| octet.is_ascii_alphabetic() || matches!(octet, b'_' | b'@'));
    // The dot after it ends the sentence.
    let code = code.strip_suffix(b".").unwrap_or(code);
    let status = Status::read(str::from_utf8(code).ok()?)?;
    (!is_within).then_some(status)
}

/// The class of the first reply code of a failure.
fn reply_class(text: &str) -> Option<u8> {
    const FAILURES: [RangeInclusive<u16>; 2] = [420..=460, 500..=579];
    let octets = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'4', b'5', octets.get(at..)?)?;
        let code = text.get(at..at + 3).and_then(|code| code.parse::<u16>().ok());
        let is_failure = code.is_some_and(|code| FAILURES.iter().any(|range| range.contains(&code)));
        let follows = octets.get(at + 3).copied();
        let ends = follows
            .is_none_or(|octet| !octet.is_ascii_alphanumeric() && !matches!(octet, b'.' | b'%' | b'_' | b'@'))
            || text.get(at + 3..).is_some_and(|rest| rest.trim_end() == "." || rest.starts_with(". "));
        if is_failure && ends && is_told(text.get(..at)?) {
            return code.and_then(|code| u8::try_from(code / 100).ok());
        }
        at += 1;
    }
}

/// Whether what stands before a number makes it a reply code.
fn is_told(before: &str) -> bool {
    // Not further back, or a long line would be looked through again for every number in it.
    let line = before.get(before.floor_char_boundary(before.len().saturating_sub(40))..).unwrap_or_default();
    let line = line.rsplit('\n').next().unwrap_or_default().trim_end();
    let ends = line.ends_with([':', ';', '\'', '"', '(', '[', '<', '>', '#', ',', '=', '-']);
    let word = line.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    // `550 550 5.1.1`.
    let is_code = word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|octet| octet.is_ascii_digit());
    line.is_empty() || ends || is_code || BEFORE.contains(&word)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("sorry, no mailbox here by that name. (#5.1.1)", "5.1.1")]
    #[case("550 5.7.1 blocked, see 5.2.2", "5.7.1")]
    #[case("client 5.4.3.2 said: 550-5.1.10 no", "5.1.10")]
    #[case("host 5.1.1.20 [5.1.1.9] said: 450 wait", "4.0.0")]
    #[case("(reason: 552 5.2.2 over quota)\n554 5.0.0 service unavailable", "5.2.2")]
    #[case("550 5.0.0 user unknown", "5.1.1")]
    #[case("said: 550 user unknown", "5.1.1")]
    #[case("said: 450 user unknown in our table", "4.1.1")]
    #[case("remote host said:\n550 no", "5.0.0")]
    #[case("550 550 address unknown (state 14).", "5.0.0")]
    #[case("error_code :550, error_code :5.1.\n1", "5.0.0")]
    #[case("responsecode 421, , host not reachable.", "4.0.0")]
    #[case("temp_failure: could not", "4.0.0")]
    #[case("the mailbox is full", "4.2.2")]
    #[case("552 mailbox full", "5.2.2")]
    #[case("it has 500 octets in 450 lines, version 5.1.1b", "none")]
    #[case("qmail-4.3.2x and v5.2.1", "none")]
    #[case("550.", "5.0.0")]
    #[case("", "none")]
    fn codes_in_a_text(#[case] text: &str, #[case] expect: &str) {
        let found = read(text).map_or_else(|| "none".to_owned(), |status| status.to_string());
        assert_eq!(found, expect, "{text:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in r"([45]|[.]|5\.1\.1|550|[ \n:#]|é|said){0,40}") {
            let _read = read(&text);
        }
    }
}
