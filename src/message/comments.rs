//! Comments in the values of fields (RFC 5322 §3.2.2): text in parentheses that means nothing to programs.

use std::ops::Range;

/// A value with a space for each comment. What is never closed is no comment, nor is what stands in an id or in a
/// path: between brackets.
pub(super) fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut after = 0;
    for comment in comments(text) {
        plain.push_str(text.get(after..comment.start).unwrap_or_default());
        plain.push(' ');
        after = comment.end;
    }
    plain.push_str(text.get(after..).unwrap_or_default());
    plain
}

/// Where they stand, without those inside of others.
fn comments(text: &str) -> Vec<Range<usize>> {
    let (mut open, mut comments) = (Vec::new(), Vec::<Range<usize>>::new());
    let mut at = 0;
    while let Some((rest, next)) = text.get(at..).and_then(|rest| Some((rest, rest.find(['<', '(', ')'])?))) {
        let here = rest.get(next..).unwrap_or_default();
        at += next + length_of_pair(here).unwrap_or(1);
        if here.starts_with('(') {
            open.push(at - 1);
        } else if here.starts_with(')')
            && let Some(start) = open.pop()
        {
            while comments.pop_if(|inner| inner.start > start).is_some() {}
            comments.push(start..at);
        }
    }
    comments
}

/// The length of the pair of brackets that a text begins with.
pub(super) fn length_of_pair(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find(['<', '>'])?;
    inside.get(end..)?.starts_with('>').then_some("<>".len() + end)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a (b) c", "a   c")]
    #[case("(a (b) <c>) d", "  d")]
    #[case("a (b (c) d", "a (b   d")]
    #[case("a) b (c", "a) b (c")]
    #[case("<a(b> (c) <d)e>", "<a(b>   <d)e>")]
    #[case("<a (b)", "<a  ")]
    #[case("é(ü)é", "é é")]
    #[case("", "")]
    fn a_comment_is_a_space(#[case] text: &str, #[case] expect: &str) {
        assert_eq!(without_comments(text), expect);
    }
}
