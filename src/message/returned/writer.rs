//! Who may have written a message: a mail system, or somebody else.

use super::phrases;
use crate::mail::Action;
use crate::mail::fold::fold;
use crate::message::mail_systems::{self, Called};
use crate::message::{Message, subject};

/// What other fields tell of the mail system that wrote them: name, and what the value begins with, folded.
const FIELDS: [(&str, &str); 7] = [
    ("X-Mailer", "m-filter"),
    ("X-Mailer", "<smtp32 v"),
    ("X-Mailer", "surfcontrol e-mail filter"),
    ("X-Mailer", "internet mail service ("),
    ("X-MX-Bounce", ""),
    ("X-MS-Embedded-Report", ""),
    ("X-AHMailID", ""),
];

/// What autoresponders write beside a vacation notice (see `signals`).
const AUTORESPONDER: [&str; 6] = [
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-Autoresponse",
    "X-AutoReply-From",
    "X-MS-Exchange-Inbox-Rules-Loop",
];

/// What speaks for a mail system, and against it.
pub(super) struct Writer {
    has_null_path: bool,
    /// By its name or address, or a field that only mail systems write.
    is_daemon: bool,
    /// By a name that people have, too.
    is_postmaster: bool,
    is_delivery_report: bool,
    has_failed_recipients: bool,
    is_autoresponder: bool,
    /// What a subject says that mail systems write, at its beginning.
    pub(super) subject: Option<Action>,
}

impl Writer {
    pub(super) fn of(message: &Message, has_null_path: bool) -> Self {
        let content_type = message.content_type();
        // Seen in practice: the part for programs alone, without a container.
        let reports = ["multipart/report", "message/delivery-status", "message/global-delivery-status"];
        let is_report = content_type.is_some_and(|found| reports.contains(&found.full.as_str()));
        let has_field =
            |(name, begin): &(&str, &str)| message.values(name).any(|value| fold(&value).starts_with(begin));
        let from = fold(&message.texts("From").next().unwrap_or_default());
        // `From: <>` is nobody, and nobody who writes is one.
        let is_nobody = message.has("From") && from.trim().trim_matches(['<', '>']).is_empty();
        let called = mail_systems::called(message);
        Self {
            has_null_path,
            is_daemon: is_nobody || called == Some(Called::MailSystem) || FIELDS.iter().any(has_field),
            is_postmaster: called == Some(Called::Postmaster) || is_of_bounces(message),
            is_delivery_report: is_report
                && content_type
                    .is_some_and(|found| found.report_type.as_deref().is_none_or(|it| it == "delivery-status")),
            has_failed_recipients: message.has("X-Failed-Recipients"),
            is_autoresponder: AUTORESPONDER.iter().any(|name| message.has(name))
                || message.value("Auto-Submitted").is_some_and(|value| fold(&value).starts_with("auto-replied")),
            subject: message.subject().and_then(of_subject),
        }
    }

    /// Whether an autoresponder wrote it, and nothing says that a mail system did: it may repeat what it answers, and
    /// whatever a stranger wrote there.
    pub(super) fn is_only_autoresponder(&self) -> bool {
        self.is_autoresponder && !self.is_likely() && !self.is_postmaster
    }

    /// Whether anything speaks for a mail system: only then a text is read at all.
    pub(super) fn may_be_mail_system(&self) -> bool {
        self.has_null_path || self.is_likely() || self.is_postmaster || self.subject.is_some()
    }

    /// Whether only a name or a subject that people have, too, speaks for a mail system: then nothing of a person may show.
    pub(super) fn may_be_person(&self) -> bool {
        !self.has_null_path && !self.is_likely()
    }

    /// Whether what it writes is read as a mail system's where the words are known.
    pub(super) fn is_heard(&self) -> bool {
        self.is_likely() || self.is_postmaster || self.is_unanswerable()
    }

    /// Whether nothing but the empty path speaks for a mail system, so that what it says has to stand at the top.
    pub(super) fn is_unnamed(&self) -> bool {
        !self.is_likely() && !self.is_postmaster && self.subject.is_none()
    }

    /// Whether it is believed to be one where the words are those of everybody.
    pub(super) fn is_believed(&self) -> bool {
        let is_likelier = self.is_unanswerable() && (self.is_postmaster || self.subject.is_some());
        self.is_likely() || is_likelier || (self.is_postmaster && self.subject.is_some())
    }

    fn is_likely(&self) -> bool {
        self.is_daemon || self.is_delivery_report || self.has_failed_recipients
    }

    /// An autoresponder wants no answer either.
    fn is_unanswerable(&self) -> bool {
        self.has_null_path && !self.is_autoresponder
    }
}

/// By the beginning of its local part, as a word: an address that takes bounces and writes them, too.
fn is_of_bounces(message: &Message) -> bool {
    let rest =
        message.author().and_then(|author| fold(author.address.local()).strip_prefix("bounce").map(str::to_owned));
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// What the subject says. Behind a name in brackets it counts too: `[list] Mail delivery failed`.
fn of_subject(subject: &str) -> Option<Action> {
    /// `Delivery Notification: Delivery has failed`.
    const FURTHEST: usize = 8;
    let folded = fold(subject);
    let text = folded.trim_start();
    let behind =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(_, rest)| rest.trim_start());
    let hits = |text| phrases::SUBJECTS.find(text).into_iter().filter(|hit| hit.begin <= FURTHEST);
    // Of several at one place the longest says most.
    let longest = hits(text).chain(hits(behind)).max_by_key(|hit| hit.end - hit.begin)?;
    (!subject::is_answer(subject)).then_some(longest.action)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Undeliverable: Hello", Some(Action::Failed))]
    #[case("[list] Mail delivery failed: returning message to sender", Some(Action::Failed))]
    #[case("Delivery Status Notification (Delay)", Some(Action::Delayed))]
    #[case("Warning: could not send message for past 4 hours", Some(Action::Delayed))]
    #[case("Delivery Status Notification (Success)", Some(Action::Delivered))]
    #[case("Unzustellbar: Angebot", Some(Action::Failed))]
    #[case("未送达: 你好", Some(Action::Failed))]
    #[case("Re: Undeliverable: Hello", None)]
    #[case("RES: Undeliverable: Hello", None)]
    #[case("回复: Undeliverable: Hello", None)]
    #[case("Fwd: failure notice", None)]
    #[case("What is an undeliverable mail?", None)]
    #[case("[BOUNCE]", Some(Action::Failed))]
    fn subjects(#[case] subject: &str, #[case] expect: Option<Action>) {
        assert_eq!(of_subject(subject), expect);
    }
}
