//! Judges a message from a file as live mail is judged, with the same functions, and carries nothing out.

use bytes::Bytes;

use crate::config::Config;
use crate::flow::plan::{Arrival, Desk, Planned};
use crate::mail::address::AddressError;
use crate::mail::{Address, Reply, ReversePath};
use crate::message::Message;
use crate::rules::Tried;
use crate::signing::{self, Keys};
use crate::threads::{Found, Query, Unavailable};
use crate::{clock, smtp};

/// Who judges.
pub(super) struct Judge<'a> {
    pub(super) config: &'a Config,
    pub(super) keys: &'a Keys,
}

/// What was judged.
pub(super) struct Judged {
    /// The message, with the recipients that the door takes.
    pub(super) arrival: Arrival,
    /// What would be done for each of them.
    pub(super) planned: Planned,
    /// The rules that were asked for each of them.
    pub(super) tried: Vec<Vec<Tried>>,
    /// The others, with what they would be told.
    pub(super) refused: Vec<(Address, Reply)>,
    /// Why the message is refused as a whole.
    pub(super) door: Option<Reply>,
}

impl<'a> Judge<'a> {
    pub(super) fn desk(&self) -> Desk<'a> {
        Desk { policy: &self.config.policy, keys: self.keys, now: clock::now(), serial: signing::serials(1) }
    }

    /// Judges a message to `to`, or where that is empty, to those in its header section who are ours.
    pub(super) fn inbound(
        &self,
        bytes: Bytes,
        to: &[Address],
        from: Option<&ReversePath>,
        look_up: impl Fn(Query) -> Result<Found, Unavailable>,
    ) -> Judged {
        let desk = self.desk();
        let message = Message::read(bytes);
        let door = self.listener(&message).or_else(|| desk.door(&message));
        let to = if to.is_empty() { self.ours(&message) } else { to.to_vec() };
        let to = to.into_iter().map(|to| desk.real(to));
        let judged: Vec<_> = to.map(|to| (desk.recipient(&to), to)).collect();
        let recipients = judged.iter().filter_map(|(judged, to)| Some((to.clone(), judged.clone().ok()?))).collect();
        let path = path_of(&message, from);
        let arrival = desk.read(message, path, recipients);
        let found = look_up(desk.question(&arrival));
        Judged {
            planned: desk.plan(&arrival, found.as_ref()),
            tried: desk.tried(&arrival, found.as_ref()),
            refused: judged.into_iter().filter_map(|(judged, to)| Some((to, judged.err()?))).collect(),
            door,
            arrival,
        }
    }

    /// What the listener itself would refuse, before any flow sees it.
    pub(super) fn listener(&self, message: &Message) -> Option<Reply> {
        smtp::judge(&self.config.limits, message.bytes())
    }

    fn ours(&self, message: &Message) -> Vec<Address> {
        let desk = self.desk();
        let mut ours: Vec<Address> = Vec::new();
        for address in message.recipients().into_iter().map(|address| desk.real(address)) {
            if desk.recipient(&address).is_ok() && !ours.contains(&address) {
                ours.push(address);
            }
        }
        ours
    }
}

/// The reverse path that was asked for, else the one that the file tells.
pub(super) fn path_of(message: &Message, from: Option<&ReversePath>) -> Option<ReversePath> {
    let written = || message.value("Return-Path").and_then(|value| reverse_path(&value).ok());
    from.cloned().or_else(written)
}

/// `<a@b>` or `a@b`.
pub(super) fn recipient(text: &str) -> Result<Address, AddressError> {
    without_brackets(text).parse()
}

fn without_brackets(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text).trim()
}

/// `<>`, `<a@b>` or `a@b`.
pub(super) fn reverse_path(text: &str) -> Result<ReversePath, AddressError> {
    match without_brackets(text) {
        "" if text.contains('<') => Ok(ReversePath::Null),
        address => address.parse().map(ReversePath::Address),
    }
}
