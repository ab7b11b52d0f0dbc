//! What a thread is asked for by: its id, one of its messages, or the customer.

use crate::mail::address::AddressError;
use crate::mail::{Address, MessageId, ThreadId};
use crate::signing::Keys;
use crate::threads::Named;
use crate::threads::token::{Purpose, Token};

use crate::cli::judge::without_brackets;

/// What somebody wrote to name a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Its id, as the log has it.
    Thread(ThreadId),
    /// A Message-ID or a customer's address: both may look alike.
    Mail {
        /// As a Message-ID.
        message_id: MessageId,
        /// As an address, where it can be one.
        address: Option<Address>,
    },
}

/// The text is nothing that names a thread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the id of a thread (13 letters and figures, as `thread=` in the log), a Message-ID (<id@host>) or a customer's address"
)]
pub(crate) struct Nonsense;

/// Reads what names a thread. Without brackets and without an `@` it can only be the thread's id.
pub(crate) fn wanted(text: &str) -> Result<Wanted, Nonsense> {
    let (text, inner) = (text.trim(), bare(text));
    if inner.contains(char::is_whitespace) {
        return Err(Nonsense);
    }
    let is_bracketed = text.ends_with('>');
    if !is_bracketed && !inner.contains('@') {
        let id = inner.strip_prefix("thread=").unwrap_or(inner);
        return ThreadId::read(id).map(Wanted::Thread).ok_or(Nonsense);
    }
    let message_id = MessageId::new(inner).ok_or(Nonsense)?;
    Ok(Wanted::Mail { message_id, address: inner.parse().ok() })
}

/// Reads a customer's address, as mail programs and web pages copy it.
pub(crate) fn address(text: &str) -> Result<Address, AddressError> {
    bare(text).parse()
}

/// `<ann@x>`, `Ann <ann@x>` or `mailto:ann@x` as `ann@x`.
fn bare(text: &str) -> &str {
    const SCHEME: &str = "mailto:";
    let text = text.trim();
    if let Some((scheme, rest)) = text.split_at_checked(SCHEME.len())
        && scheme.eq_ignore_ascii_case(SCHEME)
    {
        // RFC 6068: after a question mark stand fields of a message to be.
        return rest.split('?').next().unwrap_or(rest);
    }
    let named = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    match named {
        Some((name, address)) if !name.contains(['<', '>']) && address.contains('@') => address.trim(),
        Some(_) | None => without_brackets(text),
    }
}

impl Wanted {
    /// What the memory is asked, one after the other until it knows something. A seed is in no memory: it names
    /// its thread itself, where one of `keys` has signed it.
    pub(super) fn questions(&self, keys: Option<&Keys>) -> Vec<Named> {
        match self {
            Self::Thread(thread) => vec![Named::Thread(*thread)],
            Self::Mail { message_id, address } => match self.seed(keys) {
                Some(thread) => vec![Named::Thread(thread)],
                None => {
                    let address = address.as_ref().map(|address| Named::Correspondent(address.folded()));
                    [Some(Named::MessageId(message_id.clone())), address].into_iter().flatten().collect()
                }
            },
        }
    }

    /// What it is as an address, where it can be one.
    pub(super) fn address(&self) -> Option<&Address> {
        match self {
            Self::Thread(_) => None,
            Self::Mail { address, .. } => address.as_ref(),
        }
    }

    /// The thread that it is a seed of.
    pub(super) fn seed(&self, keys: Option<&Keys>) -> Option<ThreadId> {
        match self {
            Self::Thread(_) => None,
            Self::Mail { message_id, .. } => {
                Token::open(message_id.left(), Purpose::Seed, keys?).map(|token| ThreadId(token.id))
            }
        }
    }

    /// What was looked for, for people.
    pub(super) fn describe(&self, keys: Option<&Keys>) -> String {
        match (self, self.seed(keys)) {
            (Self::Thread(thread), _) => format!("thread {thread}"),
            (Self::Mail { .. }, Some(thread)) => format!("thread {thread}, which this seed of ours names"),
            (Self::Mail { message_id, address: Some(_) }, None) => format!("the Message-ID or address {message_id}"),
            (Self::Mail { message_id, address: None }, None) => format!("the Message-ID {message_id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::mail::{PersonaName, PersonaTag};

    const THREAD: ThreadId = ThreadId([0, 1, 2, 3, 4, 5, 6, 7]);

    fn mail(id: &str, address: Option<&str>) -> Result<Wanted, Nonsense> {
        let address = address.map(|address| address.parse().unwrap());
        Ok(Wanted::Mail { message_id: MessageId::new(id).unwrap(), address })
    }

    #[rstest]
    #[case(&THREAD.to_string(), Ok(Wanted::Thread(THREAD)))]
    #[case(&THREAD.to_string().to_uppercase(), Ok(Wanted::Thread(THREAD)))]
    #[case(&format!(" {THREAD}\n"), Ok(Wanted::Thread(THREAD)))]
    #[case(&format!("thread={THREAD}"), Ok(Wanted::Thread(THREAD)))]
    #[case("ann@customer.example", mail("ann@customer.example", Some("ann@customer.example")))]
    #[case("<ann@customer.example>", mail("ann@customer.example", Some("ann@customer.example")))]
    #[case(" < ann@customer.example > ", mail("ann@customer.example", Some("ann@customer.example")))]
    #[case("<no-at-sign>", mail("no-at-sign", None))]
    #[case("a@b@c", mail("a@b@c", None))]
    #[case("<x@[not a literal]>", Err(Nonsense))]
    #[case("x@host_", mail("x@host_", Some("x@host_")))]
    #[case("@host", mail("@host", None))]
    #[case("", Err(Nonsense))]
    #[case("<>", Err(Nonsense))]
    #[case("hello", Err(Nonsense))]
    #[case("hello there", Err(Nonsense))]
    #[case("Ann <ann@customer.example>", mail("ann@customer.example", Some("ann@customer.example")))]
    #[case("Ann <ann>", Err(Nonsense))]
    #[case("MAILTO:ann@customer.example?subject=Hi", mail("ann@customer.example", Some("ann@customer.example")))]
    #[case("mailto:ann", Err(Nonsense))]
    #[case("<a@b> <c@d>", Err(Nonsense))]
    #[case("<a@b><c@d>", Err(Nonsense))]
    #[case(&THREAD.to_string()[1..], Err(Nonsense))]
    #[case(&format!("{THREAD}0"), Err(Nonsense))]
    fn any_text(#[case] text: &str, #[case] expect: Result<Wanted, Nonsense>) {
        assert_eq!(wanted(text), expect);
    }

    #[test]
    fn a_seed_names_its_thread_and_nobody_elses_does() {
        let (keys, others) = (Keys::generate().unwrap(), Keys::generate().unwrap());
        let persona = PersonaTag::of(&PersonaName("sophie".into()));
        let made_for = |purpose| format!("<{}@acme.example>", Token { purpose, persona, id: THREAD.0 }.seal(&keys));
        let asked = |text: &str, keys| wanted(text).unwrap().questions(keys);
        let seed = made_for(Purpose::Seed);
        assert_eq!(asked(&seed, Some(&keys)), [Named::Thread(THREAD)]);
        assert_eq!(asked(&seed.to_uppercase(), Some(&keys)), [Named::Thread(THREAD)]);

        let is_any_id =
            |text, keys| matches!(asked(text, keys).as_slice(), [Named::MessageId(_), Named::Correspondent(_)]);
        assert!(is_any_id(&seed, None), "without the secret");
        assert!(is_any_id(&seed, Some(&others)), "another installation's");
        assert!(is_any_id(&made_for(Purpose::Reply), Some(&keys)), "for another purpose");
    }
}
