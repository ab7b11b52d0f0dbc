//! Base subjects: one line, folded, the same whatever stands before it, and the same when taken again.

use crate::message::subject::base;

/// Reads `input` as a subject.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let subject = String::from_utf8_lossy(input);
    let once = base(&subject);
    assert_eq!(base(&once), once);
    assert_eq!(once.split_whitespace().collect::<Vec<_>>().join(" "), once);
    assert!(!once.starts_with("re:") && !once.ends_with("(fwd)"), "{once:?}");
    for prefix in
        ["Re: ", "AW: WG : ", "Re[2]: ", "RE\u{a0}:\u{a0}", "回复：", "\u{130}LT: ", "\t", "\u{200f}\u{631}\u{62f}: "]
    {
        assert_eq!(base(&format!("{prefix}{subject}")), once, "{prefix:?}");
    }
}
