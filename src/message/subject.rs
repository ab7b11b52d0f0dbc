//! The base subject: what mail programs and lists put around a subject, taken off (RFC 5256 §2.1).

/// What is left of a subject, folded.
pub fn base(subject: &str) -> String {
    let mut rest = subject.trim();
    while let Some(shorter) = without_prefix(rest) {
        rest = shorter.trim();
    }
    rest.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What mail programs write before the subject of an answer or of something forwarded, folded.
const PREFIXES: [&str; 3] = ["re", "fw", "fwd"];

fn without_prefix(subject: &str) -> Option<&str> {
    let (before, rest) = subject.split_once(':')?;
    PREFIXES.contains(&before.trim().to_lowercase().as_str()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Welcome to Acme", "welcome to acme")]
    #[case("Re: Welcome", "welcome")]
    #[case("RE: Fwd : re:Welcome", "welcome")]
    #[case("Reply: Welcome", "reply: welcome")]
    #[case("Re:", "")]
    fn what_stands_around_it_is_taken_off(#[case] subject: &str, #[case] expect: &str) {
        assert_eq!(base(subject), expect);
    }
}
