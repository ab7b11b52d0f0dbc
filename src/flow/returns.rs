//! What comes back: the return paths of what we forward, and what is decided about mail that fails there. Pure.
//!
//! A return path says in its token whose fallback gets the message, signed by us. One without a persona has none: it
//! is that of what the fallback got, or of a copy that a rule made. So whatever fails is sent again once at most,
//! whoever remembers it.

use crate::mail::{
    Address, CopyId, Delivery, Fate, HoldReason, Kind, PersonaName, PersonaTag, Rescue, ReversePath, ThreadId, WayBack,
};
use crate::people::Persona;
use crate::threads::matcher::Recipient;
use crate::threads::token::{Purpose, Token};

use super::course::Share;
use super::plan::{Arrival, Case, Desk, return_path};

/// How much of a mail system's words is told.
const LONGEST_WHY: usize = 300;

impl Desk<'_> {
    /// Our own return paths, so that a failure of the inbox comes back to us, and its address never to the customer.
    /// `None` where there are none: without `reply_domain`, and for a null path, which stays null: nobody is to be
    /// told, not even we. `persona` is the one whose fallback gets what fails.
    pub(super) fn way_back(
        &self,
        arrival: &Arrival,
        persona: Option<&PersonaName>,
        copy: ThreadId,
    ) -> Option<(ReversePath, WayBack)> {
        let domain = self.policy.reply_domain.as_ref()?;
        if arrival.reverse_path == Some(ReversePath::Null) {
            return None;
        }
        let path = |persona| {
            let token = Token { purpose: Purpose::ReturnOfForward, persona, id: copy.0 };
            return_path(domain, self.separator(), &token.seal(self.keys))
        };
        let last = path(PersonaTag::NOBODY)?;
        Some((path(persona.map_or(PersonaTag::NOBODY, PersonaTag::of))?, WayBack { copy: CopyId(copy.0), last }))
    }

    /// What is done about a message that we forwarded and that has failed for good. Only what a mail system says is
    /// believed, and only of a failure: a vacation notice, a delay, a receipt or a text that nobody can read say
    /// nothing of the kind.
    pub(super) fn rescue(&self, arrival: &Arrival, share: &Share<'_>, fate: &Fate) -> Option<Rescue> {
        let Recipient::Token(token) = share.recipient else { return None };
        let is_bounce = *fate == Fate::Hold(HoldReason::Bounce) && share.kind == Kind::Bounce;
        if token.purpose != Purpose::ReturnOfForward || !is_bounce {
            return None;
        }
        // What the inbox's own responder repeats was written by a stranger.
        let author = arrival.message.author().map(|author| &author.address);
        if author.is_some_and(|author| self.policy.people.people_at(author, &self.policy.separators).next().is_some()) {
            return None;
        }
        let failure = arrival.deliveries.iter().find(|delivery| delivery.is_failure())?;
        let persona = self.policy.people.persona_by_tag(token.persona);
        let told = arrival.deliveries.iter().filter(|delivery| delivery.is_failure());
        let failed: Vec<Address> = told.filter_map(|told| told.recipient.as_ref()?.parse().ok()).collect();
        let fallback = |persona: &Persona| self.presence().fallback(&persona.fallback, |_| false);
        Some(Rescue {
            copy: CopyId(token.id),
            is_last: token.persona == PersonaTag::NOBODY,
            to: persona.map(fallback).unwrap_or_default().without(&failed),
            failed,
            why: in_words(failure),
        })
    }

    /// What a mail system tells of mail of a thread of ours. Only where a signed or learned id names the thread: a
    /// stranger marks no thread that they know nothing of. Everybody who got the mail knows its id, though. So what
    /// does not come to the return path that we signed says nothing but that mail has failed, and of one customer
    /// alone, or of its proved author: nobody marks another customer, and nobody takes a mark away.
    pub(super) fn reports(&self, case: &Case<'_>, share: &Share<'_>) -> Vec<Delivery> {
        let (matched, kind) = (share.matched, share.kind);
        let Some(thread) = matched.thread.filter(|_| matched.evidence.is_strong()) else { return Vec::new() };
        if !matches!(kind, Kind::Bounce | Kind::Report) {
            return Vec::new();
        }
        let known = case.known.threads.get(&thread).map(|known| known.correspondents.as_slice()).unwrap_or_default();
        let is_signed = is_return_of(share.recipient, thread);
        let author = case.correspondent.as_ref().filter(|author| self.is_proved(case, author)).map(Address::folded);
        let told = case.arrival.deliveries.iter().filter(|told| is_signed || told.is_failure());
        let whose = |named: Option<&String>| match known {
            [] => named.filter(|_| is_signed).cloned(),
            // Whoever else is named is an address that the customer's server went on to.
            [only] => Some(only.clone()),
            several => {
                let named = named.filter(|named| several.contains(named));
                named.filter(|named| is_signed || author.as_ref() == Some(named)).cloned()
            }
        };
        told.map(|told| Delivery { recipient: whose(told.recipient.as_ref()), ..told.clone() }).collect()
    }

    /// Whether more than the name in From says that the author wrote it: DMARC passed, or it is the envelope sender's.
    fn is_proved(&self, case: &Case<'_>, author: &Address) -> bool {
        let arrival = case.arrival;
        let sender = arrival.reverse_path.as_ref().and_then(ReversePath::address);
        let is_sender = sender.is_some_and(|sender| sender.folded() == author.folded());
        !case.is_doubtful && (is_sender || self.results(&arrival.message).pass_dmarc(author.domain()))
    }
}

/// Whether a recipient is the return path that we signed for the automated mail of a thread.
fn is_return_of(recipient: &Recipient, thread: ThreadId) -> bool {
    match recipient {
        Recipient::Token(token) => token.purpose == Purpose::ReturnOfOutbound && ThreadId(token.id) == thread,
        Recipient::Persona(_) | Recipient::Shared => false,
    }
}

/// `sophie@corp.example failed: 5.1.1`.
fn in_words(failure: &Delivery) -> String {
    let recipient = failure.recipient.as_deref().unwrap_or("an inbox that could not be read");
    let status = failure.status.map_or_else(String::new, |status| format!(": {status}"));
    let end = recipient.floor_char_boundary(LONGEST_WHY);
    format!("{} failed{status}", &recipient[..end])
}
