//! Addresses in lines of text.

use crate::mail::Address;

/// What may stand before the recipient on a line of its own, folded.
const LABELS: [&str; 23] = [
    "to:",
    "undeliverable address:",
    "recipient:",
    "recipient address:",
    "recipients:",
    "original address:",
    "addressed to:",
    "rcpt to:",
    "address:",
    "failed recipient:",
    "failed address:",
    "delivery failed:",
    "final-recipient: rfc822;",
    "for:",
    "user:",
    "empfänger:",
    "destinataire:",
    "destinatario:",
    "destinatário:",
    "получатель:",
    "宛先:",
    "收件人:",
    "받는 사람:",
];

/// Whom one writes to about mail: at the beginning of a line they are seldom the recipient.
const HELPERS: [&str; 5] = ["postmaster", "abuse", "hostmaster", "support", "mailer-daemon"];

/// What stands around an address in a text.
const AROUND: [char; 22] = [
    '<', '>', '(', ')', '[', ']', '{', '}', '"', '\'', ',', ';', ':', '*', '|', '、', '。', '，', '「', '」', '“', '”',
];

/// The address that a line is about: the first on it, where nothing but a label, a name or an ornament stands before it.
pub(super) fn leading(line: &str) -> Option<Address> {
    // Nobody writes a longer one, and what is looked for stands at its beginning.
    let line = line.get(..line.floor_char_boundary(line.len().min(600))).unwrap_or_default();
    let bare =
        line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '>' | '|' | '-' | '•' | '·' | '='));
    let bare = without_label(bare);
    let is_opening = |c: char| matches!(c, '<' | '"' | '\'' | '(' | '[' | '「');
    let opened = bare.trim_start_matches(is_opening);
    let end = opened.find(|c: char| c.is_whitespace() || AROUND.contains(&c)).unwrap_or(opened.len());
    let (word, rest) = opened.split_at_checked(end)?;
    match read(word) {
        Some(address) => {
            let is_prose = rest.starts_with(char::is_whitespace) && is_helper(&address);
            (!is_prose).then_some(address)
        }
        None => behind_name(bare),
    }
}

/// `Ben Smith <ben@b.example>`, or in parentheses, and nothing behind it but a colon or a dot.
fn behind_name(line: &str) -> Option<Address> {
    const LONGEST_NAME: usize = 60;
    let (name, rest) = line.split_at_checked(line.find(['<', '('])?)?;
    let (inside, after) = rest.get(1..)?.split_once(['>', ')'])?;
    let is_name =
        name.len() <= LONGEST_NAME && !name.contains([':', '.', '?', '!']) && name.split_whitespace().count() <= 5;
    let ends =
        after.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | ',' | ';' | ')' | '>')).is_empty();
    let address = if is_name && ends { read(inside.trim_start_matches("mailto:"))? } else { return None };
    (!is_helper(&address)).then_some(address)
}

fn is_helper(address: &Address) -> bool {
    HELPERS.contains(&address.local().to_lowercase().as_str())
}

fn without_label(line: &str) -> &str {
    let lower = line.to_lowercase();
    let label = LABELS.iter().find(|label| lower.starts_with(**label));
    // Where lower case is as long as it was, the label is.
    let rest = label.filter(|_| lower.len() == line.len()).and_then(|label| line.get(label.len()..));
    rest.map_or(line, str::trim_start)
}

/// Every address on a line, from the left.
pub(super) fn all(line: &str) -> impl Iterator<Item = Address> {
    line.split(|c: char| c.is_whitespace() || AROUND.contains(&c)).filter_map(read)
}

/// A word that is an address in a domain with a dot.
pub(super) fn read(word: &str) -> Option<Address> {
    let word = word.trim().trim_start_matches("mailto:").trim_matches(['.', '<', '>', '"', '\'']);
    // As X.400 has it: `DDA:SMTP=ann@a.example`.
    let word =
        word.get(..5).filter(|begin| begin.eq_ignore_ascii_case("smtp=")).map_or(word, |begin| &word[begin.len()..]);
    // A source route (RFC 5321 §4.1.2).
    let word = if word.starts_with('@') { word.split_once(':')?.1 } else { word };
    let address: Address = word.contains('@').then(|| word.parse().ok())??;
    let domain = address.domain().as_str();
    let is_named = domain.contains('.') && domain.rsplit('.').next().is_some_and(|last| !last.is_empty());
    (is_named && address.local().contains(char::is_alphanumeric)).then_some(address)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("<ann@a.example>:", Some("ann@a.example"))]
    #[case("  ann@a.example: forced freeze", Some("ann@a.example"))]
    #[case("\"ann@a.example\":", Some("ann@a.example"))]
    #[case("   * ann@a.example", Some("ann@a.example"))]
    #[case(">>> ann@a.example <ann@a.example>", Some("ann@a.example"))]
    #[case("\tann@a.example (user not found)", Some("ann@a.example"))]
    #[case("ann@a.example on Wed, 15 Feb 2006", Some("ann@a.example"))]
    #[case("ANN@A.EXAMPLE [User unknown]", Some("ANN@a.example"))]
    #[case("Addressed To: ann@a.example", Some("ann@a.example"))]
    #[case("  RCPT TO: <ann@a.example>", Some("ann@a.example"))]
    #[case("  Recipient address: @mx.example:ann@a.example", None)]
    #[case("Ann Smith <ann@a.example>", Some("ann@a.example"))]
    #[case("Ann Smith (ann@a.example)", Some("ann@a.example"))]
    #[case("ann@a.example<mailto:ann@a.example>", Some("ann@a.example"))]
    #[case("550 5.1.1 <ann@a.example>... User unknown", None)]
    #[case("This user doesn't have an account (ann@a.example) [0]", None)]
    #[case("From: ann@a.example", None)]
    #[case("Undeliverable Address: ann@a.example", Some("ann@a.example"))]
    #[case("c=US;a= ;p=A;o=B;dda:SMTP=ann@a.example; on Fri", None)]
    #[case("For further assistance, please contact <postmaster@a.example>", None)]
    #[case("postmaster@a.example can help", None)]
    #[case("<postmaster@a.example>:", Some("postmaster@a.example"))]
    #[case("please write to ann@a.example for help", None)]
    #[case("宛先: <a..b@docomo.example>", Some("a..b@docomo.example"))]
    #[case("someone@localhost", None)]
    fn the_address_that_a_line_is_about(#[case] line: &str, #[case] expect: Option<&str>) {
        assert_eq!(leading(line).map(|it| it.to_string()).as_deref(), expect, "{line}");
    }

    #[test]
    fn every_address_is_found() {
        let found: Vec<_> = all("mail to <a@b.example>, c@d.example; (e@f.example). @x;dda:SMTP=g@h.example;")
            .map(|it| it.to_string())
            .collect();
        assert_eq!(found, ["a@b.example", "c@d.example", "e@f.example", "g@h.example"]);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read(line in r"(a@b\.c|[<>(): *]|é|İ|to:|ẞ){0,30}") {
            let _read = (leading(&line), all(&line).count());
        }
    }
}
