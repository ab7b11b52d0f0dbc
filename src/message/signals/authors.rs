//! Whom the address of the author names: a mail system, a machine, or nobody who wants an answer.

use super::super::Message;
use super::super::mail_systems::{self, Called};
use super::Signal;

/// What the field From says of its first mailbox.
pub(super) fn read(message: &Message) -> Option<Signal> {
    let of_mail_system = || {
        mail_systems::called(message).map(|called| match called {
            Called::MailSystem => Signal::MailSystemAuthor,
            Called::Postmaster => Signal::PostmasterAuthor,
        })
    };
    let of_address = || {
        let address = &message.author()?.address;
        let local = address.local().to_lowercase();
        let service = is_service(&local, address.domain().as_str()).then_some(Signal::ServiceAuthor);
        service.or_else(|| of_local_part(&local))
    };
    of_mail_system().or_else(of_address)
}

fn of_local_part(local: &str) -> Option<Signal> {
    let joined: String = local.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    let user = local.split('+').next().unwrap_or_default();
    if RESPONDERS.iter().any(|name| is_of_responder(&joined, name)) {
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

fn is_machine(user: &str) -> bool {
    let of_list = user.starts_with("owner-") || user.ends_with("-request") || user.ends_with("-owner");
    of_list || user.ends_with("-bounces") || user.starts_with("bounces-") || MACHINES.contains(&user)
}

/// Services that write to people about what others did, without a field that says so: local part without hyphens, domain.
const SERVICES: [(&str, &str); 5] = [
    ("noreply", "teams.microsoft.com"),
    ("noreply", "teams.mail.microsoft"),
    ("calendarnotification", "google.com"),
    ("vivanoreply", "microsoft.com"),
    ("noreply", "yammer.com"),
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
    #[case("Mail Delivery System <x7@mx.example>", Some(Signal::MailSystemAuthor))]
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
