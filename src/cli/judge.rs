//! Judges a message from a file as live mail is judged, with the same functions, and carries nothing out.

use std::collections::HashSet;

use crate::config::{Config, Role};
use crate::flow::plan::{Arrival, Desk, Planned};
use crate::flow::settle::{defer_all, hold_rejections};
use crate::mail::address::AddressError;
use crate::mail::{Address, Edits, Evidence, Plan, Reply, ReversePath};
use crate::message::Message;
use crate::message::trace::{self, HandedOn};
use crate::people::Greeted;
use crate::rules::Tried;
use crate::signing::{self, Keys};
use crate::smtp;
use crate::smtp::service::Protocol;
use crate::threads::matcher::Piece;
use crate::threads::{Found, Query, Unavailable};

/// Who judges.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) config: &'a Config,
    pub(super) keys: &'a Keys,
    /// The time of every decision.
    pub(super) now: jiff::Timestamp,
}

/// What was judged.
pub(super) struct Judged {
    /// The message, with the recipients that the door takes.
    pub(super) arrival: Arrival,
    /// What was remembered of it.
    pub(super) found: Result<Found, Unavailable>,
    /// What would be done for each of them.
    pub(super) planned: Planned,
    /// The others, with what they would be told.
    pub(super) refused: Vec<(Address, Reply)>,
    /// What is known of its way, where we have handed it on before.
    pub(super) handed_on: Option<HandedOn>,
    /// Why the message is refused as a whole.
    pub(super) door: Option<Reply>,
}

impl<'a> Judge<'a> {
    pub(super) fn desk(&self) -> Desk<'a> {
        Desk { policy: &self.config.policy, keys: self.keys, now: self.now, serial: signing::serials(1) }
    }

    /// Judges a message to `to`, or where that is empty, to those in its header section who are ours.
    pub(super) fn inbound(
        &self,
        message: Message,
        to: &[Address],
        from: Option<&ReversePath>,
        look_up: impl Fn(Query) -> Result<Found, Unavailable>,
    ) -> Judged {
        let desk = self.desk();
        let handed_on = self.handed_on(&message);
        let message = handed_on.as_ref().map_or(message, |handed_on| handed_on.before.clone());
        let door = self.listener(&message).or_else(|| desk.door(&message));
        let to = if to.is_empty() { self.ours(&message) } else { to.to_vec() };
        let to = to.into_iter().map(|to| desk.real(to));
        let judged: Vec<_> = to.map(|to| (desk.recipient(&to), to)).collect();
        let recipients = judged.iter().filter_map(|(judged, to)| Some((to.clone(), judged.clone().ok()?))).collect();
        let path = path_of(&message, from);
        let arrival = desk.read(message, path, recipients);
        let found = look_up(desk.question(&arrival));
        Judged {
            planned: self.settled(desk.plan(&arrival, found.as_ref())),
            found,
            refused: judged.into_iter().filter_map(|(judged, to)| Some((to, judged.err()?))).collect(),
            door,
            handed_on,
            arrival,
        }
    }

    /// Whoever asks about a message in their inbox asks why it came there: it is judged as it came to us then, and is
    /// no loop.
    fn handed_on(&self, message: &Message) -> Option<HandedOn> {
        let (policy, people) = (&self.config.policy, &self.config.policy.people);
        let left = people.leavers().map(|left| &left.person);
        let inboxes = people.people().chain(left).flat_map(|person| &person.inboxes);
        let fallbacks = people.personas().flat_map(|persona| &persona.fallback);
        trace::handed_on(message, &policy.hostname, inboxes.chain(fallbacks), self.keys)
    }

    /// The recipients of one transaction have something to do with one another: where one waits, all wait, and
    /// over SMTP what is rejected for one alone is held.
    fn settled(&self, mut planned: Planned) -> Planned {
        if defer_all(&mut planned.plans).is_some() {
            planned.plans.iter_mut().for_each(wait);
        } else {
            hold_rejections(self.protocol(), &mut planned.plans);
        }
        planned
    }

    /// What the first inbound listener speaks; SMTP where there is none.
    fn protocol(&self) -> Protocol {
        let inbound = self.config.listen.iter().find(|listener| listener.role == Role::Inbound);
        inbound.map_or(Protocol::Smtp, |listener| listener.protocol)
    }

    /// The rules that were asked for each recipient that the door takes; nothing where it is held before.
    pub(super) fn tried(&self, judged: &Judged) -> Vec<Option<Vec<Tried>>> {
        self.desk().tried(&judged.arrival, judged.found.as_ref())
    }

    /// What was looked at as evidence for each recipient that the door takes.
    pub(super) fn looked_at<T>(&self, judged: &Judged, tell: impl Fn(&Piece<'_>) -> T) -> Vec<Vec<T>> {
        self.desk().looked_at(&judged.arrival, judged.found.as_ref(), tell)
    }

    /// Where the author reads mail, who is one of ours.
    pub(super) fn own_inboxes(&self, judged: &Judged) -> Vec<Address> {
        let own = judged.planned.insider.as_ref().map(|insider| self.desk().inboxes_of(insider));
        own.into_iter().flatten().cloned().collect()
    }

    /// The line of the text that greets somebody, for each recipient for whom that decides.
    pub(super) fn greetings(&self, judged: &Judged) -> Vec<Option<String>> {
        let is_greeted = |plan: &Plan| plan.matched.evidence == Evidence::ByName;
        let greeting = |plan: &Plan| is_greeted(plan).then(|| self.greeting(&judged.arrival.message, plan)).flatten();
        judged.planned.plans.iter().map(greeting).collect()
    }

    /// The line that greets though the others say something else.
    fn greeting(&self, message: &Message, plan: &Plan) -> Option<String> {
        let policy = &self.config.policy;
        let (at, _) = plan.recipient.split_detail(&policy.separators);
        let lines = message.opening(policy.mime);
        let greets = |place: &usize| {
            let mut alone = vec!["and so on".to_owned(); lines.len()];
            alone.iter_mut().zip(&lines).skip(*place).take(1).for_each(|(kept, line)| kept.clone_from(line));
            matches!(policy.people.greeted(&at, &alone, message.author()), Greeted::One(_))
        };
        let place = (0..lines.len()).find(greets)?;
        lines.get(place).cloned()
    }

    /// What the listener itself would refuse, before any flow sees it.
    pub(super) fn listener(&self, message: &Message) -> Option<Reply> {
        smtp::judge(&self.config.limits, message.bytes())
    }

    /// The recipients in the header section who are ours, as they are written, each only once.
    pub(super) fn ours(&self, message: &Message) -> Vec<Address> {
        let desk = self.desk();
        let mut seen = HashSet::new();
        let mut is_ours = |address: &Address| {
            let real = desk.real(address.clone());
            desk.recipient(&real).is_ok() && seen.insert(real)
        };
        message.recipients().into_iter().filter(|address| is_ours(address)).collect()
    }
}

/// Of mail that comes again nothing is done now: nobody gets it or a copy, and nothing is learned.
fn wait(plan: &mut Plan) {
    plan.person = None;
    plan.chosen = None;
    plan.copies.clear();
    plan.edits = Edits::default();
    plan.lesson = None;
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

/// `<a@b>` as `a@b`.
pub(super) fn without_brackets(text: &str) -> &str {
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
