//! What a mail system tells of mail that it could not deliver, or not yet: which recipients, what became of it, and the
//! status code.
//!
//! The standard way is a part that programs read (`standard`: RFC 3464, RFC 6533). Many follow none and write text for
//! people (`text`), which is read only where a mail system may have written it: people quote bounces, forward them and
//! ask about them. What is read here is what the message *says*: whether its writer may be believed is decided elsewhere.

mod codes;
mod phrases;
mod recipient;
mod standard;
mod text;
mod writer;

use super::mime::Part;
use super::{Message, Mime};
use crate::mail::Delivery;

use writer::Writer;

/// No more deliveries of a message count.
const MOST: usize = 100;

/// The report types that are no delivery status (RFC 8098, RFC 5965, RFC 8460).
const OTHER_REPORTS: [&str; 3] = ["disposition-notification", "feedback-report", "tlsrpt"];

impl Message {
    /// What this message tells of deliveries; nothing where it is no mail system's. `null_reverse_path` is false where the
    /// path is not known. Bounded, each recipient once.
    pub fn deliveries(&self, null_reverse_path: bool, mime: Mime) -> Vec<Delivery> {
        let report_type = self.content_type().and_then(|found| found.report_type.as_deref());
        let writer = Writer::of(self, null_reverse_path);
        if report_type.is_some_and(|found| OTHER_REPORTS.contains(&found)) || !writer.may_be_mail_system() {
            return Vec::new();
        }
        if writer.may_be_person() && self.is_by_hand(mime) {
            return Vec::new();
        }
        let parts = Parts::of(self, mime);
        let standard = standard::read(&parts);
        if standard.is_empty() && writer.is_only_autoresponder() {
            return Vec::new();
        }
        if standard.iter().all(|delivery| delivery.recipient.is_some()) && !standard.is_empty() {
            return each_once(standard);
        }
        let told = text::read(self, &writer, &parts);
        each_once(if standard.is_empty() { told } else { with_recipients(standard, told) })
    }
}

/// A report without a readable address, beside a text that has one for each.
fn with_recipients(mut standard: Vec<Delivery>, told: Vec<Delivery>) -> Vec<Delivery> {
    if standard.len() == told.len() {
        for (delivery, text) in standard.iter_mut().zip(told) {
            delivery.recipient = delivery.recipient.take().or(text.recipient);
        }
    }
    standard
}

/// The parts of a message, in their order. One that is no container is its only part, and so is one whose parts cannot be
/// told apart: seen in practice, where a boundary is lost on the way.
struct Parts<'a>(Vec<Part<'a>>);

impl<'a> Parts<'a> {
    fn of(message: &'a Message, mime: Mime) -> Self {
        let mut parts: Vec<Part<'a>> = mime.parts(message).collect();
        if parts.is_empty() {
            parts.push(Part::whole(message));
        }
        Self(parts)
    }

    fn iter(&self) -> impl Iterator<Item = &Part<'a>> {
        self.0.iter()
    }
}

/// The first that is said of each recipient; a failure before anything else, since a report may first tell of the delay.
fn each_once(deliveries: Vec<Delivery>) -> Vec<Delivery> {
    let mut once: Vec<Delivery> = Vec::new();
    for delivery in deliveries {
        let is_full = once.len() >= MOST;
        match once.iter_mut().find(|known| known.recipient == delivery.recipient) {
            Some(known) if delivery.is_failure() && !known.is_failure() => *known = delivery,
            Some(_) => {}
            None if is_full => break,
            None => once.push(delivery),
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Each of these asks for a look at much for every little; the test ends, in a debug build, before anybody wonders.
    #[test]
    fn what_is_written_to_be_slow_is_read_over() {
        let head = "From: MAILER-DAEMON@hop.example\r\nSubject: failure notice\r\nTo: x@y.example\r\n";
        let text = "This is the qmail-send program\r\n";
        let report = "Content-Type: message/delivery-status\r\n";
        for hostile in [
            format!("{head}\r\n{text}{}", "450 ".repeat(40_000)),
            format!("{head}\r\n{text}{}", "5.1.1 ".repeat(30_000)),
            format!("{head}\r\n{text}{}", "a@b.c ".repeat(30_000)),
            format!("{head}\r\n{text}{}", (0..20_000).map(|n| format!("<a{n}@b.c>:\r\n")).collect::<String>()),
            format!("{head}\r\n{text}{}", "\r\n".repeat(60_000)),
            format!("{head}\r\n{text}{}", "(generated from a@b.c)\r\n".repeat(6_000)),
            format!("{head}{report}\r\n{}", "Final-Recipient: a@b.c\r\nAction: x\r\n\r\n".repeat(4_000)),
            format!(
                "{head}{report}\r\n{}",
                (0..5_000).map(|n| format!("Original-Recipient:a{n}@b.c\r\nAction:failed\r\n")).collect::<String>()
            ),
            format!("{head}{report}\r\nDiagnostic-Code: {}", "x\r\n ".repeat(40_000)),
            format!("{head}{report}\r\nFinal-Recipient: utf-8;{}\r\nAction: failed\r\n", r"\x{".repeat(40_000)),
            format!("{head}Content-Type: text/html\r\n\r\n{text}{}", "<p>a@b.c</p>".repeat(10_000)),
            format!("{head}X-Failed-Recipients: {}\r\n\r\n", "a@b.c, ".repeat(20_000)),
        ] {
            assert!(Message::read(Bytes::from(hostile)).deliveries(true, Mime::default()).len() <= MOST);
        }
    }
}
