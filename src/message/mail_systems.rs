//! The names by which mail systems are known, whoever asks: the signals of a kind, and the reader of what is returned.

use super::Message;
use crate::mail::fold::fold;

/// How an author is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// As mail systems are, and nobody else.
    MailSystem,
    /// As mail systems are, and the people who look after them.
    Postmaster,
}

/// What the field From has in it of a mail system, wherever it stands, folded. The long one is the address of
/// Microsoft 365.
const ANYWHERE: [&str; 11] = [
    "mailer-daemon",
    "mailer_daemon",
    "mailer daemon",
    "mailerdaemon",
    "mailer.daemon",
    "mail-daemon",
    "maildaemon",
    "mail daemon",
    "mail deliver s",
    "delivery subsystem",
    "microsoftexchange329e71ec",
];

/// How the name of a mail system begins, folded.
const NAMES: [&str; 2] = ["mail delivery sub", "mail delivery sys"];

/// Local parts that are nobody's but the program's.
const LOCAL_PARTS: [&str; 3] = ["mdaemon", "maildelivery", "mail-delivery"];

/// How the local part or the name begins of those that may be people, too, folded.
const POSTMASTERS: [&str; 16] = [
    "postmaster",
    "post_master",
    "post master",
    "mail delivery service",
    "mail delivery agent",
    "mail delivery software",
    "maildelivery",
    "internet mail delivery",
    "mail administrator",
    "mail system",
    "system administrator",
    "systemadministrator",
    "systemadmin",
    "sysadmin",
    "administrateur systeme",
    "interscan",
];

/// What a local part has in it that gateways give themselves: `E500_SMTP_Mail_Service@`.
const GATEWAYS: [&str; 6] = ["smtp", "antivirus", "anti-virus", "mailserver", "mail_server", "mail-server"];

/// How the author is called; `None` where nothing speaks of a mail system.
pub(super) fn called(message: &Message) -> Option<Called> {
    let from = fold(&message.texts("From").next()?);
    let (local, name) = names(message, &from);
    let user = local.split('+').next().unwrap_or_default();
    let is_system = ANYWHERE.iter().any(|known| from.contains(known))
        || NAMES.iter().any(|known| name.starts_with(known))
        || LOCAL_PARTS.contains(&user);
    let is_postmaster = POSTMASTERS.iter().any(|known| begins(&local, known) || begins(&name, known))
        || GATEWAYS.iter().any(|known| local.contains(known));
    is_system.then_some(Called::MailSystem).or_else(|| is_postmaster.then_some(Called::Postmaster))
}

/// The local part of the author and the name before it, folded. Seen in practice: `From: MAILER-DAEMON`, which is no address.
fn names(message: &Message, from: &str) -> (String, String) {
    let (local, name) = match message.author() {
        Some(author) => (fold(author.address.local()), author.display_name.as_deref().map(fold).unwrap_or_default()),
        None => {
            let (name, path) = from.rsplit_once('<').unwrap_or(("", from));
            let path = path.trim_end_matches('>').trim().trim_matches('"');
            (path.split('@').next().unwrap_or_default().to_owned(), name.to_owned())
        }
    };
    (local, name.trim_matches(['"', '\'', ' ']).to_owned())
}

/// As a word: `Postmasters United` is a club.
fn begins(text: &str, known: &str) -> bool {
    text.strip_prefix(known).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("MAILER-DAEMON@mx.example", Some(Called::MailSystem))]
    #[case("MAILER-DAEMON", Some(Called::MailSystem))]
    #[case("Mail Delivery Subsystem <MAILER-DAEMON>", Some(Called::MailSystem))]
    #[case("Mail Delivery System <x7@mx.example>", Some(Called::MailSystem))]
    #[case("mdaemon@mx.example", Some(Called::MailSystem))]
    #[case("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@a.example", Some(Called::MailSystem))]
    #[case("postmaster@mx.example", Some(Called::Postmaster))]
    #[case("Postmaster\\@mx.example@a.example", Some(Called::Postmaster))]
    #[case("System Administrator <sa@a.example>", Some(Called::Postmaster))]
    #[case("Administrateur système <sa@a.example>", Some(Called::Postmaster))]
    #[case("Symantec_AntiVirus_for_SMTP_Gateways@a.example", Some(Called::Postmaster))]
    #[case("Sysadmins United <club@a.example>", None)]
    #[case("Mail Delivery Express <office@parcels.example>", None)]
    #[case("Ann <ann@customer.example>", None)]
    #[case("<>", None)]
    fn authors(#[case] from: &str, #[case] expect: Option<Called>) {
        assert_eq!(called(&Message::read(Bytes::from(format!("From: {from}\r\n\r\n")))), expect);
    }
}
