//! The course of a message for one recipient: what the rules say, then the defaults. Pure.
//!
//! Before the rules comes what no rule may override: loops, marked spam, and mail to a return path of
//! ours. Where the thread index is away, a fact that only it knows is unknown; what hangs on it is
//! deferred, all else is decided.

use strum::VariantArray;

use crate::mail::{
    Absent, Address, Choice, ChoiceReason, Destination, Edits, Evidence, Fallback, Fate, Field, HoldReason, Kind,
    Match, PersonName, PersonaName, Place, Reply, Rescue, Say,
};
use crate::message::{Message, edit, kind, trace, words};
use crate::people::{Person, Persona};
use crate::rules::{self, Decision, Facts, Judged, Judgement, Known, Rule, Target, Tried, Verdict};
use crate::threads::matcher::Recipient;
use crate::threads::token::Purpose;

use super::answering::Answering;
use super::insiders::Insider;
use super::plan::{Arrival, Case, Desk, Readers};
use super::standing::Standing;

/// What is decided for one recipient.
pub(super) struct Course {
    pub(super) rule: String,
    pub(super) continued: Vec<String>,
    pub(super) fate: Fate,
    /// The persona that a rule names: its fallback gets what fails later.
    pub(super) persona: Option<PersonaName>,
    /// What is done about a message of ours that has failed.
    pub(super) rescue: Option<Rescue>,
    /// Whose inboxes it goes to.
    pub(super) person: Option<PersonName>,
    /// Who would answer, and is away.
    pub(super) absent: Option<Absent>,
    /// Why this person, where they answer for a persona.
    pub(super) chosen: Option<ChoiceReason>,
    pub(super) copies: Vec<Address>,
    pub(super) edits: Edits,
    pub(super) choices: Vec<Choice>,
}

/// One recipient's share of a message, before anything is decided.
pub(super) struct Share<'a> {
    pub(super) to: &'a Address,
    pub(super) recipient: &'a Recipient,
    pub(super) matched: &'a Match,
    pub(super) kind: Kind,
    /// The author, where it is proved to be one of ours who writes to a persona.
    pub(super) writer: Option<&'a Insider>,
    /// Who would answer; where one of ours wrote it, who would know of it.
    pub(super) readers: Readers<'a>,
}

/// Where a message goes, or a copy of it.
#[derive(Default)]
struct Route<'a> {
    /// Inboxes to leave out: the writer's own.
    without: Vec<&'a Address>,
    to: Vec<Destination>,
    persona: Option<PersonaName>,
    person: Option<PersonName>,
    absent: Option<Absent>,
    chosen: Option<ChoiceReason>,
    choices: Vec<Choice>,
}

/// What the names of a rule are asked for.
#[derive(Clone, Copy)]
struct Wanted {
    /// Somebody must get it.
    is_needed: bool,
    /// Nobody is to answer a copy: it waits for its person, and has no stand-in.
    is_copy: bool,
}

/// Where the message itself goes.
const FATE: Wanted = Wanted { is_needed: true, is_copy: false };

impl<'a> Desk<'a> {
    /// Decides.
    pub(super) fn course(&self, case: &Case<'_>, share: &Share<'_>) -> Course {
        // Whose token verifies writes about a message of ours, also where a filter did not like what is returned.
        let before_return = case.held_at_sight.filter(|reason| *reason != HoldReason::Spam);
        let reason = before_return.or_else(|| held_as_return(share)).or(case.held_at_sight);
        if let Some(reason) = reason {
            let fate = Fate::Hold(reason);
            let rescue = self.rescue(case.arrival, share, &fate);
            // Whether it was done before, only the index could tell.
            let waits = rescue.is_some() && case.index_is_away;
            let fate = if waits { Fate::Defer(Say::IndexAway.reply()) } else { fate };
            return Course { rescue, ..Course::by_default(fate) };
        }
        // Which thread its id belongs to, only the index could tell.
        if share.writer.is_some() && case.index_is_away {
            return Course::by_default(Fate::Defer(Say::IndexAway.reply()));
        }
        let Judged { continued, judgement } = case.reading.judge(&self.facts(case, share));
        let (rule, fate, route) = match judgement {
            Judgement::CannotTell(rule, rules::Why::IndexAway) => {
                return Course { rule: rule.name.clone(), ..Course::by_default(Fate::Defer(Say::IndexAway.reply())) };
            }
            Judgement::Rule(rule, decision) => {
                let (fate, route) = self.decided(case, share, decision);
                (Some(rule), fate, route)
            }
            Judgement::Defaults => {
                let (fate, route) = self.by_default(case, share);
                (None, fate, route)
            }
        };
        let course = Course {
            rule: rule.map_or_else(|| rules::defaults::NAME.to_owned(), |rule| rule.name.clone()),
            continued: continued.iter().map(|rule| rule.name.clone()).collect(),
            persona: route.persona,
            person: route.person,
            absent: route.absent,
            chosen: route.chosen,
            choices: route.choices,
            ..Course::by_default(fate)
        };
        let additions: Vec<&Rule> = continued.into_iter().chain(rule).collect();
        self.with_additions(case, share, course, &additions)
    }

    /// The rules that are asked about a message for one recipient, and what each says; `None` where it is held
    /// before any is asked.
    pub(super) fn tried_for(&self, case: &Case<'_>, share: &Share<'_>) -> Option<Vec<Tried>> {
        let is_held = case.held_at_sight.is_some() || held_as_return(share).is_some();
        (!is_held).then(|| case.reading.tried(&self.facts(case, share)))
    }

    fn decided(&self, case: &Case<'_>, share: &Share<'_>, decision: &Decision) -> (Fate, Route<'a>) {
        match decision {
            Decision::Forward => self.whoever_answers(case, share),
            Decision::ForwardTo(targets) => {
                let is_pool = |target: &Target| matches!(target, Target::Persona(name) if self.is_pool(name));
                if case.index_is_away && targets.iter().any(is_pool) {
                    return (Fate::Defer(Say::IndexAway.reply()), Route::default());
                }
                self.forward(case, self.route(case, share, targets, FATE))
            }
            Decision::Hold => (Fate::Hold(HoldReason::Rule), Route::default()),
            Decision::Reject(words) => (Fate::Reject(rejection(words.as_deref())), Route::default()),
            Decision::Discard => (Fate::Discard, Route::default()),
        }
    }

    /// What the defaults say. Where the index could still change that, it is asked again later.
    fn by_default(&self, case: &Case<'_>, share: &Share<'_>) -> (Fate, Route<'a>) {
        let verdict = rules::verdict(share.kind, share.matched.evidence);
        let could_be_strong = possible_evidence(case, share).iter().any(|evidence| evidence.is_strong());
        if could_be_strong && verdict != rules::verdict(kind_if_matched(case), Evidence::MessageId) {
            return (Fate::Defer(Say::IndexAway.reply()), Route::default());
        }
        match verdict {
            Verdict::Hold(reason) => (Fate::Hold(reason), Route::default()),
            Verdict::Forward => self.whoever_answers(case, share),
        }
    }

    fn whoever_answers(&self, case: &Case<'_>, share: &Share<'_>) -> (Fate, Route<'a>) {
        let is_unsettled = !is_settled(share) && !possible_evidence(case, share).is_empty();
        if is_unsettled || self.is_choice_unknown(case, share) {
            return (Fate::Defer(Say::IndexAway.reply()), Route::default());
        }
        let Readers { people, fallback, answering } = &share.readers;
        if people.is_empty() {
            return (Fate::Hold(HoldReason::Unmatched), Route::default());
        }
        let mut route = Route::default();
        match answering {
            Some(answering) => route.add_answering(answering.clone(), fallback),
            None => people.iter().for_each(|person| route.add(person, fallback)),
        }
        // Colleagues are told; nobody is to answer.
        route.person = route.person.filter(|_| share.writer.is_none());
        self.forward(case, route)
    }

    /// Whether a pool answers, and the index is away, which alone knows whom it chose for an earlier try of this mail,
    /// and who wrote last in the thread.
    fn is_choice_unknown(&self, case: &Case<'_>, share: &Share<'_>) -> bool {
        let persona = share.matched.persona.as_ref();
        case.index_is_away && share.writer.is_none() && persona.is_some_and(|name| self.is_pool(name))
    }

    /// What the rules see.
    fn facts<'s>(&self, case: &Case<'_>, share: &Share<'s>) -> Facts<'s> {
        let (persona, person) =
            (share.matched.persona.clone(), share.readers.people.first().map(|person| person.name.clone()));
        let (kind, evidence) = (share.kind, share.matched.evidence);
        let possible = possible_evidence(case, share);
        let is_settled = is_settled(share) || possible.is_empty();
        let is_strong = possible.iter().any(|evidence| evidence.is_strong());
        let kinds = if is_strong { vec![kind, kind_if_matched(case)] } else { vec![kind] };
        let Standing { first_reply, opened, campaign } = Standing::of(case, share);
        Facts {
            recipient: share.to,
            persona: if is_settled { Known::Is(persona) } else { Known::Unknown },
            // Only the index knows who of a pool answers.
            person: if is_settled && !self.is_choice_unknown(case, share) { Known::Is(person) } else { Known::Unknown },
            kind: Known::OneOf(kinds),
            evidence: Known::OneOf([vec![evidence], possible].concat()),
            first_reply,
            opened,
            campaign,
            now: self.now,
        }
    }

    fn is_pool(&self, persona: &PersonaName) -> bool {
        self.policy.people.persona(persona).is_some_and(|persona| persona.answered_by.len() > 1)
    }

    /// Forwards, unless the message has been at one of the inboxes before.
    fn forward(&self, case: &Case<'_>, route: Route<'a>) -> (Fate, Route<'a>) {
        let is_loop =
            |to: &Destination| trace::is_loop(&case.arrival.message, &self.policy.hostname, &to.address, self.keys);
        if route.to.iter().any(is_loop) {
            return (Fate::Hold(HoldReason::Loop), Route::default());
        }
        (Fate::Forward(route.to.clone()), route)
    }

    /// Where the names of a rule lead. What one of ours wrote is not sent to the writer, unless somebody is
    /// needed and nobody else is named.
    fn route(&self, case: &Case<'_>, share: &Share<'_>, targets: &[Target], wanted: Wanted) -> Route<'a> {
        let own = share.writer.map(|writer| self.inboxes_of(writer)).unwrap_or_default();
        let others = self.route_without(own, case, share, targets, wanted);
        let is_empty = others.to.is_empty() && wanted.is_needed;
        if is_empty { self.route_without(Vec::new(), case, share, targets, wanted) } else { others }
    }

    /// A person leads to all inboxes, or to those of a stand-in; a persona to whoever answers for it.
    fn route_without(
        &self,
        without: Vec<&'a Address>,
        case: &Case<'_>,
        share: &Share<'_>,
        targets: &[Target],
        wanted: Wanted,
    ) -> Route<'a> {
        let people = &self.policy.people;
        let mut route = Route { without, ..Route::default() };
        for target in targets {
            match target {
                Target::Person(name) => {
                    let Some(person) = people.person(name) else { continue };
                    let answering = if wanted.is_copy {
                        Answering::person(person)
                    } else {
                        self.instead_of(case, share.to, Place::Person(person.name.clone()), person, share.matched)
                    };
                    route.add_answering(answering, &self.fallback(case, share.to, share.matched));
                }
                Target::Persona(name) => {
                    let Some(persona) = people.persona(name) else { continue };
                    let Some(answering) = self.of_pool(case, share, persona) else { continue };
                    route.persona.get_or_insert_with(|| persona.name.clone());
                    route.add_answering(answering, &self.fallback_of(case, share.to, persona));
                }
                Target::Address(address) => route.add_address(address, &self.fallback(case, share.to, share.matched)),
            }
        }
        route
    }

    /// Who answers for a persona that a rule names, as for the message's own; of what one of them wrote, another
    /// one is told. What its pool chose is remembered for the persona: the recipient's choice is another one.
    fn of_pool(&self, case: &Case<'_>, share: &Share<'_>, persona: &Persona) -> Option<Answering<'a>> {
        let without = share.writer.map(|writer| writer.people.as_slice()).unwrap_or_default();
        self.chosen(case, share.matched, persona, (share.to, Place::Persona(persona.name.clone())), without)
    }

    /// Adds what the rules add, as far as the fate has room for it: what is refused is nobody else's
    /// either, and what came back goes nowhere.
    fn with_additions(&self, case: &Case<'_>, share: &Share<'_>, mut course: Course, rules: &[&Rule]) -> Course {
        match &course.fate {
            Fate::Reject(_) | Fate::Defer(_) | Fate::Hold(HoldReason::Loop) => return course,
            Fate::Forward(_) | Fate::Hold(_) | Fate::Discard => {}
        }
        let targets: Vec<Target> = rules.iter().flat_map(|rule| &rule.additions.copy_to).cloned().collect();
        let wanted = Wanted { is_needed: course.fate == Fate::Discard, is_copy: true };
        let copies = self.route(case, share, &targets, wanted);
        let is_fate = |copy: &Destination| match &course.fate {
            Fate::Forward(to) => to.iter().any(|to| to.address.folded() == copy.address.folded()),
            Fate::Hold(_) | Fate::Reject(_) | Fate::Discard | Fate::Defer(_) => false,
        };
        course.copies = copies.to.iter().filter(|copy| !is_fate(copy)).map(|copy| copy.address.clone()).collect();
        let known = |choice: &Choice| !course.choices.contains(choice);
        let choices: Vec<Choice> = copies.choices.into_iter().filter(known).collect();
        course.choices.extend(choices);
        course.edits = edits(&case.arrival.message, rules);
        course
    }
}

impl Course {
    fn by_default(fate: Fate) -> Self {
        Self {
            rule: rules::defaults::NAME.to_owned(),
            continued: Vec::new(),
            fate,
            persona: None,
            rescue: None,
            person: None,
            absent: None,
            chosen: None,
            copies: Vec::new(),
            edits: Edits::default(),
            choices: Vec::new(),
        }
    }
}

impl Route<'_> {
    fn add_answering(&mut self, answering: Answering<'_>, fallback: &Fallback) {
        let Answering { person, reason, choice, absent, owner } = answering;
        let is_first = self.person.is_none();
        let own = owner.map(|owner| owner.inboxes.as_slice()).unwrap_or_default();
        self.add(person, &fallback.clone().or_to(own));
        if is_first && self.person.as_ref() == Some(&person.name) {
            self.chosen = reason;
            self.absent = absent;
        }
        self.choices.extend(choice);
    }

    fn add(&mut self, person: &Person, fallback: &Fallback) {
        if person.inboxes.iter().any(|inbox| self.takes(inbox)) {
            self.person.get_or_insert_with(|| person.name.clone());
        }
        person.inboxes.iter().for_each(|inbox| self.add_address(inbox, fallback));
    }

    /// Each address once.
    fn add_address(&mut self, address: &Address, fallback: &Fallback) {
        let is_there = self.to.iter().any(|to| to.address.folded() == address.folded());
        if !is_there && self.takes(address) {
            let fallback = fallback.clone().without(self.without.iter().copied().chain([address]));
            self.to.push(Destination { address: address.clone(), fallback });
        }
    }

    fn takes(&self, address: &Address) -> bool {
        !self.without.iter().any(|own| own.folded() == address.folded())
    }
}

/// What comes to a return path that we made is *about* a message of ours: a bounce, or a vacation notice,
/// the forwarded person's own among them. It is never handed on: that person's responder would answer
/// again, to a new return path.
fn held_as_return(share: &Share<'_>) -> Option<HoldReason> {
    let held = || match rules::verdict(share.kind, share.matched.evidence) {
        Verdict::Hold(reason) => reason,
        Verdict::Forward => HoldReason::Bounce,
    };
    is_return_path(share.recipient).then(held)
}

/// Whether a recipient is a return path that we made.
pub(super) fn is_return_path(recipient: &Recipient) -> bool {
    match recipient {
        Recipient::Token(token) => match token.purpose {
            Purpose::ReturnOfForward | Purpose::ReturnOfOutbound => true,
            Purpose::Seed | Purpose::Reply => false,
        },
        Recipient::Persona(_) | Recipient::Shared => false,
    }
}

/// Whether nothing that the index knows can change for whom it is.
fn is_settled(share: &Share<'_>) -> bool {
    matches!(share.recipient, Recipient::Persona(_)) && share.matched.persona.is_some()
}

/// What the index, could it answer, might find that is stronger than what was found without it; nothing where it
/// can answer. What is signed is stronger, and needs no index.
pub(super) fn possible_evidence(case: &Case<'_>, share: &Share<'_>) -> Vec<Evidence> {
    let is_tried =
        |evidence: &&Evidence| **evidence != Evidence::Correspondent || *share.recipient == Recipient::Shared;
    let stronger = case.unasked.iter().filter(|evidence| **evidence < share.matched.evidence);
    stronger.filter(is_tried).copied().collect()
}

/// What an index might find about a message, whoever the recipient is.
pub(super) fn could_be_found(arrival: &Arrival, has_customer: bool) -> Vec<Evidence> {
    let message = &arrival.message;
    let could_find = |evidence: &Evidence| match evidence {
        Evidence::MessageId => !message.parents().is_empty(),
        Evidence::QuotedId => !arrival.quoted.is_empty(),
        Evidence::Conversation => has_customer && message.conversation().is_some(),
        Evidence::Subject => has_customer && message.base_subject().is_some(),
        Evidence::Correspondent => has_customer,
        Evidence::RecipientToken
        | Evidence::Seed
        | Evidence::PersonaAddress
        | Evidence::ByName
        | Evidence::Unmatched => false,
    };
    Evidence::VARIANTS.iter().filter(|evidence| could_find(evidence)).copied().collect()
}

/// What the message is if it turns out to belong to a thread of ours.
fn kind_if_matched(case: &Case<'_>) -> Kind {
    kind::classify(&case.arrival.signals, true)
}

/// What the rules change in the header section, the first rule's first.
fn edits(message: &Message, rules: &[&Rule]) -> Edits {
    let fields = rules.iter().flat_map(|rule| &rule.additions.add_header);
    let append = fields.map(|(name, value)| Field::new(name.clone(), words::encoded(value))).collect();
    let mut edits = Edits { append, ..Edits::default() };
    let prefixes = rules.iter().filter_map(|rule| rule.additions.subject_prefix.as_deref());
    edit::prefix_subject(message, &prefixes.collect::<Vec<_>>(), &mut edits);
    edits
}

/// The reply of a rule that rejects.
fn rejection(words: Option<&str>) -> Reply {
    let ordinary = Say::Rejected.reply();
    match words {
        Some(words) => Reply { text: words.into(), ..ordinary },
        None => ordinary,
    }
}
