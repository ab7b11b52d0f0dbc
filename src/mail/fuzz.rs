//! Addresses: what is one can be written into a command or a field, and is read as the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use super::address::{Address, Domain};

/// Reads `input` as an address.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(domain) = text.parse::<Domain>() {
        assert_eq!(domain.to_string().parse(), Ok(domain));
    }
    let Ok(address) = text.parse::<Address>() else { return };
    let written = address.to_string();
    assert_eq!(written.parse(), Ok(address.clone()));
    cannot_break_out(&written);
    compares_as_itself(&address);
    keeps_its_detail(&address);
}

/// Nothing ends the address, its command or its field before it is over.
fn cannot_break_out(written: &str) {
    assert!(!written.contains(char::is_control), "{written:?}");
    let (local, domain) = written.rsplit_once('@').unwrap();
    let ends = |c: char| c.is_whitespace() || "<>()@,;\"\\".contains(c);
    assert!(!domain.contains(ends), "{written:?}");
    let Some(rest) = local.strip_prefix('"') else {
        assert!(!local.contains(ends), "{written:?}");
        return;
    };
    let mut inside = rest.strip_suffix('"').unwrap().chars();
    while let Some(c) = inside.next() {
        assert_ne!(c, '"', "{written:?}");
        assert!(c != '\\' || inside.next().is_some(), "{written:?}");
    }
}

/// The form to compare by is an address too, and its own form to compare by.
fn compares_as_itself(address: &Address) {
    let folded = address.folded();
    assert_eq!(folded.parse::<Address>().unwrap().folded(), folded);
}

/// A user and a detail are the address that they were cut from.
fn keeps_its_detail(address: &Address) {
    let (user, detail) = address.split_detail("+-");
    assert_eq!(user.to_string().parse(), Ok(user.clone()));
    if let Some(detail) = detail {
        let joined = ['+', '-'].map(|separator| user.with_detail(separator, detail).folded());
        assert!(joined.contains(&address.folded()), "{user} and {detail}");
    }
    let more = user.with_detail('+', "detail");
    if address.folded().len() <= 200 {
        // A longer one may have no room for a detail.
        assert_eq!(more.to_string().parse(), Ok(more));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_that_are_nearly_right(
            text in r#"([a-zA-Zİ.+-]{0,6}|"([ !#-\[\]-~]|\\?["\\]){0,5}"?)@{1,2}([a-zA-Zßİ0-9.-]{0,8}|\[[a-fA-F0-9:.]{0,8}\]?)"#
        ) {
            target(text.as_bytes());
        }
    }
}
