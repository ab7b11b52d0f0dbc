//! The engine: the rules in their order, and the first that matches.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;

use crate::mail::{Address, Evidence, Kind, PersonName, PersonaName};
use crate::message::auth::Results;
use crate::message::{Message, Mime};

use super::answer::{Answer, Known, Why};
use super::authentication::{Finding, Method};
use super::condition::{Condition, Content};
use super::shortlist::{Place, Places};
use super::{Decision, Rule, Rules};

/// One message before the rules. What the message itself says is looked at once, however many recipients
/// it has: the work is bounded by the message and the rules.
pub struct Reading<'a> {
    rules: &'a Rules,
    message: &'a Message,
    mime: Mime,
    results: Results,
    // By the place of the condition among `rules`, which outlive this.
    said: RefCell<HashMap<*const Content, bool>>,
    authors: OnceCell<Vec<String>>,
    addressees: OnceCell<Vec<String>>,
    // By the name of the field, in lower case.
    texts: RefCell<HashMap<String, Rc<[String]>>>,
    body: OnceCell<Vec<String>>,
    attached: OnceCell<Vec<String>>,
    // For each net of the shortlist, the rules that it caught.
    caught: Vec<OnceCell<Places>>,
}

/// What is known of the message for one recipient.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The recipient of the envelope.
    pub recipient: &'a Address,
    /// Whom it is for.
    pub persona: Known<Option<PersonaName>>,
    /// Who would answer.
    pub person: Known<Option<PersonName>>,
    /// What it is.
    pub kind: Known<Kind>,
    /// Why it belongs where it does.
    pub evidence: Known<Evidence>,
    /// Whether it is the first that a customer wrote in its thread.
    pub first_reply: Known<bool>,
    /// When its thread was opened; `None` where it has none.
    pub opened: Known<Option<Timestamp>>,
    /// The campaign of its thread.
    pub campaign: Known<Option<String>>,
    /// The time of the decision.
    pub now: Timestamp,
}

/// What the rules say about a message for one recipient.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The rules that matched and went on, in their order.
    pub continued: Vec<&'a Rule>,
    /// The end of it.
    pub judgement: Judgement<'a>,
}

/// Who decides.
#[derive(Debug, PartialEq)]
pub enum Judgement<'a> {
    /// This rule, in this way.
    Rule(&'a Rule, &'a Decision),
    /// None: the defaults do.
    Defaults,
    /// This rule cannot tell whether it matches.
    CannotTell(&'a Rule, Why),
}

/// A rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The name of the rule.
    pub rule: String,
    /// Whether it matches.
    pub answer: Answer,
    /// It has no fate: the next rule is asked too.
    pub goes_on: bool,
    /// The first condition that kept it from matching, as it is written.
    pub failed: Option<String>,
}

impl<'a> Reading<'a> {
    /// `message` before `rules`; its parts are looked at as far as `mime` allows. `results`: what our own servers
    /// say about it.
    pub fn new(rules: &'a Rules, message: &'a Message, mime: Mime, results: Results) -> Self {
        Self {
            rules,
            message,
            mime,
            results,
            said: RefCell::default(),
            authors: OnceCell::new(),
            addressees: OnceCell::new(),
            texts: RefCell::default(),
            body: OnceCell::new(),
            attached: OnceCell::new(),
            caught: rules.shortlist.nets().iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Asks the rules until one decides. Those that cannot match, whatever else is known, are passed over: they
    /// would say no.
    pub fn judge(&self, facts: &Facts<'_>) -> Judged<'a> {
        let rules = self.rules;
        let could_match = rules.shortlist.of(self, facts.recipient);
        self.asking(could_match.filter_map(|place| rules.list.get(place)), facts)
    }

    /// The same, and each rule is asked: what [`Reading::judge`] is compared with.
    pub fn judge_one_by_one(&self, facts: &Facts<'_>) -> Judged<'a> {
        self.asking(self.rules.list.iter(), facts)
    }

    fn asking(&self, rules: impl Iterator<Item = &'a Rule>, facts: &Facts<'_>) -> Judged<'a> {
        let mut continued = Vec::new();
        for rule in rules {
            let judgement = match (rule.when.answer(self, facts), &rule.decision) {
                (Answer::No, _) => continue,
                (Answer::CannotTell(why), _) => Judgement::CannotTell(rule, why),
                (Answer::Yes, Some(decision)) => Judgement::Rule(rule, decision),
                (Answer::Yes, None) => {
                    continued.push(rule);
                    continue;
                }
            };
            return Judged { continued, judgement };
        }
        Judged { continued, judgement: Judgement::Defaults }
    }

    /// The rules that [`Reading::judge`] asks, and what each says.
    pub fn tried(&self, facts: &Facts<'_>) -> Vec<Tried> {
        let mut tried = Vec::new();
        for rule in &self.rules.list {
            let answer = rule.when.answer(self, facts);
            let fails = |condition: &&Condition| condition.answer(self, facts) != Answer::Yes;
            let failed = rule.when.0.iter().find(fails).map(ToString::to_string);
            tried.push(Tried { rule: rule.name.clone(), answer, goes_on: rule.decision.is_none(), failed });
            if answer != Answer::No && (rule.decision.is_some() || answer != Answer::Yes) {
                break;
            }
        }
        tried
    }

    /// Whether a condition is true of the message.
    pub(super) fn says(&self, content: &Content) -> bool {
        let place = std::ptr::from_ref(content);
        let before = self.said.borrow().get(&place).copied();
        before.unwrap_or_else(|| {
            let now = content.is_true_of(self);
            self.said.borrow_mut().insert(place, now);
            now
        })
    }

    /// The message.
    pub(super) fn message(&self) -> &'a Message {
        self.message
    }

    /// The addresses of its From field; read once.
    pub(super) fn authors(&self) -> &[String] {
        let read = || self.message.authors().iter().map(|author| author.address.to_string()).collect();
        self.authors.get_or_init(read)
    }

    /// The addresses of its To and Cc fields; read once.
    pub(super) fn addressees(&self) -> &[String] {
        self.addressees.get_or_init(|| self.message.addressees().iter().map(ToString::to_string).collect())
    }

    /// The values of its fields of that name, decoded; read once.
    pub(super) fn texts(&self, name: &str) -> Rc<[String]> {
        let key = name.to_ascii_lowercase();
        let before = self.texts.borrow().get(&key).cloned();
        before.unwrap_or_else(|| {
            let read: Rc<[String]> = self.message.texts(name).collect();
            self.texts.borrow_mut().insert(key, read.clone());
            read
        })
    }

    /// The texts that a person sees in it; read once.
    pub(super) fn texts_of_body(&self) -> &[String] {
        self.body.get_or_init(|| self.message.body_texts(self.mime))
    }

    /// The names and types of what is attached; read once.
    pub(super) fn attached(&self) -> &[String] {
        let read = || {
            let parts = self.message.attachments(self.mime).into_iter();
            parts.flat_map(|part| part.names.into_iter().chain([part.media_type])).collect()
        };
        self.attached.get_or_init(read)
    }

    /// Whether our own servers found one of these by that method.
    pub(super) fn found(&self, method: Method, wanted: &[Finding]) -> bool {
        let is_wanted = |found: &str| wanted.iter().any(|finding| found == <&str>::from(*finding));
        self.results.said_by(method.into()).any(is_wanted)
    }

    /// The rules that the net of that number catches in the message; looked at once.
    pub(super) fn caught(&self, number: usize) -> Option<&Places> {
        let net = self.rules.shortlist.nets().get(number)?;
        let catch = || match net.place() {
            Place::Recipient => Places::default(),
            Place::From => net.catch(self.authors()),
            Place::To => net.catch(self.addressees()),
            Place::Subject => net.catch(self.message.subject()),
            Place::Header(name) => net.catch(self.texts(name).iter()),
            Place::Attachment => net.catch(self.attached()),
            Place::Body => net.catch(self.texts_of_body()),
        };
        self.caught.get(number).map(|cell| cell.get_or_init(catch))
    }
}
