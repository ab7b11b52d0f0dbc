//! Whom the address of the author names: a mail system, a machine, or nobody who wants an answer.

use super::super::Message;
use super::Signal;
use crate::mail::fold::fold;

/// What the first mailbox of From says. Seen in practice: `From: MAILER-DAEMON`, which is no address.
pub(super) fn read(message: &Message) -> Option<Signal> {
    let (local, name) = match message.author() {
        Some(author) => (author.address.local().to_lowercase(), author.display_name.as_deref().map(fold)),
        None => bare(&message.texts("From").next()?),
    };
    if message.author().is_some_and(|author| is_service(&local, author.address.domain().as_str())) {
        return Some(Signal::ServiceAuthor);
    }
    of_local_part(&local).or_else(|| of_name(&name.unwrap_or_default(), &local))
}

/// A local part without a domain, and the name before it.
fn bare(from: &str) -> (String, Option<String>) {
    let folded = fold(from);
    let (name, path) = folded.rsplit_once('<').unwrap_or(("", &folded));
    let path = path.trim_end_matches('>').trim().trim_matches('"');
    let local = path.split('@').next().unwrap_or_default();
    (local.to_owned(), Some(name.trim().to_owned()))
}

fn of_local_part(local: &str) -> Option<Signal> {
    let joined: String = local.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    let user = local.split('+').next().unwrap_or_default();
    if MAIL_SYSTEMS.contains(&user) || joined.starts_with("microsoftexchange329e71ec") {
        Some(Signal::MailSystemAuthor)
    } else if user == "postmaster" {
        Some(Signal::PostmasterAuthor)
    } else if RESPONDERS.iter().any(|name| is_of_responder(&joined, name)) {
        Some(Signal::ResponderAuthor)
    } else if NO_REPLY.iter().any(|name| joined.contains(name)) {
        Some(Signal::NoReplyAuthor)
    } else {
        is_machine(user).then_some(Signal::MachineAuthor)
    }
}

/// Whether nobody but the service itself writes from there.
fn is_service(local: &str, domain: &str) -> bool {
    SERVICES.iter().any(|(user, service)| {
        let is_of = domain.strip_suffix(service).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        is_of && local.replace('-', "") == *user
    })
}

/// The name alone, or with a number behind it: `vacations@` is a travel agency's.
fn is_of_responder(joined: &str, name: &str) -> bool {
    joined.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// A name that mail systems give themselves, whatever their address is.
fn of_name(name: &str, local: &str) -> Option<Signal> {
    let name = name.trim_matches(['"', '\'', ' ']);
    if local.is_empty() && name.is_empty() {
        return None;
    }
    NAMES.iter().any(|known| name.starts_with(known)).then_some(Signal::PostmasterAuthor)
}

fn is_machine(user: &str) -> bool {
    let of_list = user.starts_with("owner-") || user.ends_with("-request") || user.ends_with("-owner");
    of_list || user.ends_with("-bounces") || user.starts_with("bounces-") || MACHINES.contains(&user)
}

/// Nobody writes from them but the program.
const MAIL_SYSTEMS: [&str; 9] = [
    "mailer-daemon",
    "mailer_daemon",
    "mailerdaemon",
    "mail-daemon",
    "maildaemon",
    "mailer.daemon",
    "mdaemon",
    "maildelivery",
    "mail-delivery",
];

/// Services that write to people about what others did, without a field that says so: local part without hyphens, domain.
const SERVICES: [(&str, &str); 5] = [
    ("noreply", "teams.microsoft.com"),
    ("noreply", "teams.mail.microsoft"),
    ("calendarnotification", "google.com"),
    ("vivanoreply", "microsoft.com"),
    ("noreply", "yammer.com"),
];

/// Names that stand for a mail system, folded.
const NAMES: [&str; 10] = [
    "mail delivery",
    "mailer-daemon",
    "mailer daemon",
    "mail administrator",
    "mail system",
    "postmaster",
    "system administrator",
    "internet mail delivery",
    "systemadministrator",
    "administrateur systeme",
];

/// How the local parts of autoresponders begin.
const RESPONDERS: [&str; 7] =
    ["autoreply", "autorespond", "autoresponse", "autoantwort", "vacation", "autoresponder", "automaticreply"];

/// What a local part says that wants no answer, without what divides its words.
const NO_REPLY: [&str; 14] = [
    "noreply",
    "donotreply",
    "dontreply",
    "noreponse",
    "nepasrepondre",
    "nichtantworten",
    "keineantwort",
    "noresponder",
    "naoresponda",
    "naoresponder",
    "nonrispondere",
    "nieodpowiadaj",
    "neodpovidat",
    "svarejinte",
];

/// Local parts of programs and of roles that programs write in.
const MACHINES: [&str; 22] = [
    "root",
    "daemon",
    "cron",
    "nobody",
    "www-data",
    "apache",
    "httpd",
    "nagios",
    "icinga",
    "zabbix",
    "listserv",
    "majordomo",
    "mailman",
    "listmaster",
    "sympa",
    "abuse",
    "bounce",
    "bounces",
    "notification",
    "notifications",
    "alerts",
    "mailer",
];

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("MAILER-DAEMON@mx.example", Some(Signal::MailSystemAuthor))]
    #[case("MAILER-DAEMON", Some(Signal::MailSystemAuthor))]
    #[case("Mail Delivery Subsystem <MAILER-DAEMON>", Some(Signal::MailSystemAuthor))]
    #[case("postmaster@mx.example", Some(Signal::PostmasterAuthor))]
    #[case("Mail Delivery System <x7@mx.example>", Some(Signal::PostmasterAuthor))]
    #[case("no-reply+42@desk.example", Some(Signal::NoReplyAuthor))]
    #[case("acme.noreply@desk.example", Some(Signal::NoReplyAuthor))]
    #[case("ne-pas-repondre@desk.example", Some(Signal::NoReplyAuthor))]
    #[case("autoresponder@desk.example", Some(Signal::ResponderAuthor))]
    #[case("auto-reply+42@desk.example", Some(Signal::ResponderAuthor))]
    #[case("vacations@bluebay.example", None)]
    #[case("owner-cats@lists.example", Some(Signal::MachineAuthor))]
    #[case("cats-request@lists.example", Some(Signal::MachineAuthor))]
    #[case("LISTSERV@lists.example", Some(Signal::MachineAuthor))]
    #[case("root@web1.example", Some(Signal::MachineAuthor))]
    #[case("Bob in Teams <noreply@email.teams.microsoft.com>", Some(Signal::ServiceAuthor))]
    #[case("Google Calendar <calendar-notification@google.com>", Some(Signal::ServiceAuthor))]
    #[case("noreply@notteams.microsoft.com", Some(Signal::NoReplyAuthor))]
    #[case("ann.root@customer.example", None)]
    #[case("Ann <ann@customer.example>", None)]
    #[case("<>", None)]
    #[case("", None)]
    fn authors(#[case] from: &str, #[case] expect: Option<Signal>) {
        assert_eq!(read(&Message::read(Bytes::from(format!("From: {from}\r\n\r\n")))), expect);
    }
}
