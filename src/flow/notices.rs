//! Our own people's vacation notices. Pure.
//!
//! What Sophie's responder says comes back to the return path of what was handed on to her. It is held, and never
//! goes to a customer; that it came, and until when she is away, is noted. A return path is signed, but whoever was
//! handed mail by it knows it: so a notice is Sophie's only where the copy that the return path names went to her
//! inbox. It proves something where it went to nobody else, and is written from there. What is written under another
//! name at the same place, as an alias of the mailbox is, is noted, since somebody may say it with `away`; it sets
//! nobody away.

use jiff::tz::TimeZone;

use crate::mail::{Address, CopyId, Fate, HoldReason, Kind, PersonName, PersonaTag, Plan};
use crate::people::Person;
use crate::people::absence::Notice;
use crate::threads::matcher::Recipient;
use crate::threads::token::Purpose;

use super::plan::{Arrival, Desk};

impl Desk<'_> {
    /// The one copy that a vacation notice answers; `None` where the message is none. Whoever got what went to a
    /// fallback, or was copied, is not known: what comes back by such a return path answers nothing.
    pub fn answered(&self, arrival: &Arrival, plans: &[Plan]) -> Option<CopyId> {
        let is_notice = |plan: &Plan| plan.kind == Kind::AutoReply && plan.fate == Fate::Hold(HoldReason::AutoReply);
        let mut copies = arrival.recipients.iter().filter_map(|(_, recipient)| copy(recipient));
        let copy = copies.next().filter(|copy| copies.all(|other| other == *copy))?;
        (plans.iter().any(is_notice) && !self.results(&arrival.message).fail_dmarc()).then_some(copy)
    }

    /// The notice that a message is, which answers what was `handed_to` these, and whose; `None` where it is nobody's
    /// of ours. Days begin where the clocks of `zone` say so.
    pub fn notice(&self, arrival: &Arrival, handed_to: &[Address], zone: &TimeZone) -> Option<(PersonName, Notice)> {
        let message = &arrival.message;
        let (person, proved) = self.whose(&message.sole_author()?.address, handed_to)?;
        let today = self.now.to_zoned(zone.clone()).date();
        let back = message.return_date(self.policy.mime, today);
        // Who says today is back tomorrow: there is a notice still.
        let back = back.and_then(|day| if day == today { day.tomorrow().ok() } else { Some(day) });
        let until = back.and_then(|day| day.to_zoned(zone.clone()).ok()).map(|at| at.timestamp());
        let subject = message.subject().unwrap_or("(no subject)");
        Some((person.name.clone(), Notice { proved, ..Notice::new(self.now, until, subject) }))
    }

    /// Whose notice it is, by its author and those who were handed what it answers; and whether that is proved.
    fn whose(&self, author: &Address, handed_to: &[Address]) -> Option<(&Person, bool)> {
        let people = &self.policy.people;
        let readers = |inbox: &Address| people.people_at(inbox, &self.policy.separators).collect::<Vec<_>>();
        // Whoever left has a responder that says so for ever.
        let is_there = |person: &Person| people.person(&person.name).is_some_and(|now| now.name == person.name);
        let handed: Vec<Vec<&Person>> = handed_to.iter().map(readers).collect();
        let is_for = |readers: &Vec<&Person>, person: &Person| readers.iter().any(|reader| reader.name == person.name);
        let is_alone = |person: &Person| handed.iter().all(|readers| readers.len() == 1 && is_for(readers, person));
        match readers(author).as_slice() {
            [person] if is_there(person) && handed.iter().any(|readers| is_for(readers, person)) => {
                Some((*person, is_alone(person)))
            }
            [] => {
                let person = *handed.first()?.first()?;
                let is_hers = is_there(person) && is_alone(person) && self.may_be_an_alias(author, person, handed_to);
                is_hers.then_some((person, false))
            }
            _ => None,
        }
    }

    /// Whether an author who is nobody's inbox may be a person all the same: by a persona that they answer for, or by
    /// another name at the domain of their inbox.
    fn may_be_an_alias(&self, author: &Address, person: &Person, handed_to: &[Address]) -> bool {
        let people = &self.policy.people;
        let (user, _) = author.split_detail(&self.policy.separators);
        let mut personas = people.personas_at(&user).iter().filter_map(|name| people.persona(name)).peekable();
        if personas.peek().is_some() {
            return personas.any(|persona| persona.answered_by.contains(&person.name));
        }
        handed_to.iter().any(|inbox| inbox.domain() == author.domain())
    }
}

/// The copy that went to an inbox, by its return path.
fn copy(recipient: &Recipient) -> Option<CopyId> {
    match recipient {
        Recipient::Token(token) if token.purpose == Purpose::ReturnOfForward && token.persona != PersonaTag::NOBODY => {
            Some(CopyId(token.id))
        }
        Recipient::Token(_) | Recipient::Persona(_) | Recipient::Shared => None,
    }
}
