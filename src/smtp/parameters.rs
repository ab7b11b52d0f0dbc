//! The parameters of MAIL and RCPT that RFC 3461 adds.
//!
//! Read here and not by smtp-proto, which gives the address of ORCPT decoded and without its type, and a
//! text may not survive that: what is asked goes on as it came.

use std::str::FromStr;

use crate::mail::Say;
use crate::mail::dsn::{PerMessage, PerRecipient};

/// What MAIL asks, and its other parameters, each after a space.
pub(super) fn of_mail(parameters: &str) -> Result<(PerMessage, String), Say> {
    let (mut asked, mut others) = (PerMessage::default(), String::new());
    for parameter in parameters.split_ascii_whitespace() {
        match keyword(parameter).as_str() {
            "RET" => once(&mut asked.ret, parameter)?,
            "ENVID" => once(&mut asked.envelope_id, parameter)?,
            _ => others.extend([" ", parameter]),
        }
    }
    Ok((asked, others))
}

/// What RCPT asks; it has no other parameters.
pub(super) fn of_rcpt(parameters: &str) -> Result<PerRecipient, Say> {
    let mut asked = PerRecipient::default();
    for parameter in parameters.split_ascii_whitespace() {
        match keyword(parameter).as_str() {
            "NOTIFY" => once(&mut asked.notify, parameter)?,
            "ORCPT" => once(&mut asked.original, parameter)?,
            _ => return Err(Say::UnknownParameter),
        }
    }
    Ok(asked)
}

fn keyword(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or_default().to_ascii_uppercase()
}

/// RFC 3461 §4: each parameter may be there once.
fn once<T: FromStr>(place: &mut Option<T>, parameter: &str) -> Result<(), Say> {
    let (_, value) = parameter.split_once('=').ok_or(Say::Syntax)?;
    let value = value.parse().map_err(|_| Say::Syntax)?;
    if place.replace(value).is_some() { Err(Say::Syntax) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_in_any_order_and_case() {
        for parameters in [" RET=HDRS ENVID=x+20y SIZE=1", " envid=x+20y  Size=1 ret=hdrs "] {
            let (asked, others) = of_mail(parameters).unwrap();
            assert_eq!(asked.to_string(), " RET=HDRS ENVID=x+20y");
            assert!(others.eq_ignore_ascii_case(" SIZE=1"), "{others:?}");
        }
        assert_eq!(of_mail(""), Ok((PerMessage::default(), String::new())));
    }

    #[test]
    fn rcpt_in_any_order_and_case() {
        for parameters in [" NOTIFY=DELAY,SUCCESS ORCPT=rfc822;a+2Bb@c", " Orcpt=rfc822;a+2Bb@c notify=delay,success"] {
            assert_eq!(of_rcpt(parameters).unwrap().to_string(), " NOTIFY=DELAY,SUCCESS ORCPT=rfc822;a+2Bb@c");
        }
        assert_eq!(of_rcpt("  "), Ok(PerRecipient::default()));
    }

    #[test]
    fn each_once_and_with_a_value() {
        for parameters in
            [" RET=FULL RET=FULL", " ENVID=a ENVID=b", " RET", " RET=", " RET=ALL", " ENVID", " ENVID=a=b"]
        {
            assert_eq!(of_mail(parameters), Err(Say::Syntax), "{parameters}");
        }
        for parameters in [
            " NOTIFY=NEVER NOTIFY=NEVER",
            " NOTIFY",
            " NOTIFY=NEVER,DELAY",
            " ORCPT=a@b",
            " ORCPT=rfc822;a@b ORCPT=rfc822;a@b",
        ] {
            assert_eq!(of_rcpt(parameters), Err(Say::Syntax), "{parameters}");
        }
    }

    #[test]
    fn what_rcpt_does_not_know() {
        for parameters in [" RET=FULL", " SIZE=1", " ="] {
            assert_eq!(of_rcpt(parameters), Err(Say::UnknownParameter), "{parameters}");
        }
    }
}
