//! What the next hop says, in our words: from lettre's result and the lines it was read from.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use crate::mail::{Failure, Reply};

/// The reply that lettre heard as `lines`, positive or not; [`Failure::Unreachable`] where it was none.
///
/// lettre gives a refusal as an error whose text has its lines joined, so the text is read from the
/// lines themselves: outbound passes it on as it came.
pub(super) fn heard(outcome: Result<Response, Error>, lines: &[String]) -> Result<Reply, Failure> {
    let code = match outcome {
        Ok(response) => response.code(),
        Err(error) => error.status().ok_or_else(|| Failure::Unreachable(error.to_string()))?,
    };
    Ok(read(code.into(), lines))
}

/// The reply with `code` among `lines`; others stood before it, such as the greeting before EHLO's answer.
fn read(code: u16, lines: &[String]) -> Reply {
    let prefix = code.to_string();
    let after_code = |line: &'_ String| line.strip_prefix(&prefix)?.get(1..).map(str::to_owned);
    let texts: Vec<String> = lines.iter().filter_map(after_code).collect();
    let enhanced = texts.first().and_then(|line| split_enhanced(code, line)).map(|(enhanced, _)| enhanced);
    let bare: Vec<&str> = texts.iter().map(|line| without(enhanced, code, line)).collect();
    Reply { code, enhanced: enhanced.or_else(|| plain_enhanced(code)), text: bare.join("\n") }
}

/// `line` without the enhanced code that [`Reply`] says once for all lines.
fn without(enhanced: Option<(u8, u16, u16)>, code: u16, line: &str) -> &str {
    match split_enhanced(code, line) {
        Some((its_own, text)) if Some(its_own) == enhanced => text,
        Some(_) | None => line,
    }
}

/// Splits `5.1.1 text`. RFC 2034 §4: the class agrees with the reply code, or it is no enhanced code.
fn split_enhanced(code: u16, line: &str) -> Option<((u8, u16, u16), &str)> {
    let (word, text) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = word.split('.').map(number);
    let enhanced = (u8::try_from(numbers.next()??).ok()?, numbers.next()??, numbers.next()??);
    let agrees = numbers.next().is_none() && u16::from(enhanced.0) == code / 100 && enhanced.0 != 3;
    agrees.then_some((enhanced, text))
}

/// One to three digits (RFC 3463 §2).
fn number(text: &str) -> Option<u16> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What stands in for an enhanced code that the next hop did not give: every reply of ours has one.
fn plain_enhanced(code: u16) -> Option<(u8, u16, u16)> {
    match code / 100 {
        2 => Some((2, 0, 0)),
        4 => Some((4, 0, 0)),
        5 => Some((5, 0, 0)),
        _ => None,
    }
}

/// Judges the reply to a command that 2xx completes; `refusal` says whom a refusal speaks of.
///
/// Any other code answers no command of ours: the two sides are out of step.
pub(super) fn completed(reply: Reply, refusal: impl FnOnce(Reply) -> Failure) -> Result<Reply, Failure> {
    match reply.code {
        200..=299 => Ok(reply),
        400..=599 => Err(refusal(reply)),
        _ => Err(out_of_step(&reply)),
    }
}

/// Judges the reply to DATA. Only 354 is a yes: another positive code is the late answer to something
/// else. A refusal speaks of this transaction, since we and the recipients were accepted before.
pub(super) fn go_ahead(reply: Reply) -> Result<(), Failure> {
    match reply.code {
        354 => Ok(()),
        400..=599 => Err(Failure::Recipient(reply)),
        _ => Err(out_of_step(&reply)),
    }
}

fn out_of_step(reply: &Reply) -> Failure {
    Failure::Unreachable(format!("the next hop's answer is out of step: {reply}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, lines: &[&str], enhanced: Option<(u8, u16, u16)>, text: &str) {
        let lines: Vec<String> = lines.iter().copied().map(str::to_owned).collect();
        assert_eq!(read(code, &lines), Reply { code, enhanced, text: text.into() });
    }

    #[test]
    fn a_reply_keeps_its_lines_and_says_its_enhanced_code_once() {
        check(550, &["550-5.7.25 no PTR", "550 5.7.25 see\t our  page"], Some((5, 7, 25)), "no PTR\nsee\t our  page");
    }

    #[test]
    fn a_line_with_another_enhanced_code_keeps_it() {
        check(550, &["550-5.7.2 a", "550 5.7.25 b"], Some((5, 7, 2)), "a\n5.7.25 b");
    }

    #[test]
    fn an_enhanced_code_that_is_missing_or_disagrees_is_supplied() {
        check(450, &["450 greylisted"], Some((4, 0, 0)), "greylisted");
        check(550, &["550 4.7.1 odd"], Some((5, 0, 0)), "4.7.1 odd");
        check(550, &["550 5.7.1.2 odd"], Some((5, 0, 0)), "5.7.1.2 odd");
        check(250, &["250 2.0.0"], Some((2, 0, 0)), "");
        check(354, &["354 go ahead"], None, "go ahead");
    }

    #[test]
    fn lines_of_another_reply_are_not_its_own() {
        check(554, &["220 mx.example", "554 5.3.2 go away", "221 bye"], Some((5, 3, 2)), "go away");
    }
}
