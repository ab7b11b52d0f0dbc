//! Our own people's vacation notices. Pure.
//!
//! What Sophie's responder says comes back to the return path of what was handed on to her. It is held, and never
//! goes to a customer; that it came, and until when she is away, is noted. The return path is signed, and known to
//! her server and her responder alone; the author must be her inbox all the same, and nobody may doubt it.

use jiff::tz::TimeZone;

use crate::mail::{Fate, HoldReason, Kind, PersonName, Plan};
use crate::people::Person;
use crate::people::absence::Notice;
use crate::threads::matcher::Recipient;
use crate::threads::token::Purpose;

use super::plan::{Arrival, Desk};

impl Desk<'_> {
    /// The notice that a message is, and whose; `None` where it is nobody's of ours. Days begin where the clocks of
    /// `zone` say so.
    pub fn notice(&self, arrival: &Arrival, plans: &[Plan], zone: &TimeZone) -> Option<(PersonName, Notice)> {
        let came_back = arrival.recipients.iter().any(|(_, recipient)| is_return_of_forward(recipient));
        let is_notice = |plan: &Plan| plan.kind == Kind::AutoReply && plan.fate == Fate::Hold(HoldReason::AutoReply);
        let message = &arrival.message;
        if !came_back || !plans.iter().any(is_notice) || self.results(message).fail_dmarc() {
            return None;
        }
        let author = &message.sole_author()?.address;
        let people = &self.policy.people;
        // Whoever left has a responder that says so for ever.
        let is_there = |person: &&Person| people.person(&person.name).is_some_and(|now| now.name == person.name);
        let mut people = people.people_at(author, &self.policy.separators).filter(is_there);
        let (Some(person), None) = (people.next(), people.next()) else { return None };
        let today = self.now.to_zoned(zone.clone()).date();
        let back = message.return_date(self.policy.mime, today);
        // Who says today is back tomorrow: there is a notice still.
        let back = back.and_then(|day| if day == today { day.tomorrow().ok() } else { Some(day) });
        let until = back.and_then(|day| day.to_zoned(zone.clone()).ok()).map(|at| at.timestamp());
        let subject = message.subject().unwrap_or("(no subject)");
        Some((person.name.clone(), Notice::new(self.now, until, subject)))
    }
}

fn is_return_of_forward(recipient: &Recipient) -> bool {
    match recipient {
        Recipient::Token(token) => token.purpose == Purpose::ReturnOfForward,
        Recipient::Persona(_) | Recipient::Shared => false,
    }
}
