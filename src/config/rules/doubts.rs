//! Conditions that hardly ever hold, or always: they need another key, are settled before any rule is asked, or are
//! perhaps not what was meant. The rule serves; it is only warned about.

use crate::config::absences;
use crate::config::document::KeyPath;
use crate::config::problems::Report;
use crate::flow::policy::{Policy, Unmatched};
use crate::mail::{Evidence, Kind, PersonName};
use crate::people::Persona;
use crate::rules::{Condition, Content, Pattern, When};

/// Why what needs a thread never holds beside such evidence.
const NO_THREAD: &str = "never holds: mail with no other evidence than this belongs to no thread yet; leave it out, or \
    ask for evidence of a thread: recipient-token, seed, message-id, quoted-id, conversation or subject";

/// Warns about conditions, and those inside them.
pub(super) fn tell(when: &When, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    people(when, at, policy, report);
    new_threads(when, at, report);
    for condition in &when.0 {
        match condition {
            Condition::Content(content) => of_content(content, at, policy, report),
            Condition::Campaign(_) if policy.stamp.campaign_header.is_none() => {
                let message = "no campaign is remembered without stamp.campaign_header: write there which field of \
                    automated mail names it";
                report.warn(&at.key("campaign"), message);
            }
            Condition::Not(when) => tell(when, &at.key("not"), policy, report),
            Condition::Any(several) => {
                let each = several.iter().enumerate();
                each.for_each(|(index, when)| tell(when, &at.key("any").item(index), policy, report));
            }
            Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => {}
            Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) | Condition::Time(_) => {}
            Condition::Recipient(_) => {}
        }
    }
}

fn of_content(content: &Content, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    match content {
        Content::Auth(_) if policy.inbound.trust.is_none() => {
            let message = "never holds: no results are believed without inbound.authserv_id";
            report.warn(&at.key("auth"), message);
        }
        Content::Spam(wanted) if policy.inbound.hold_spam => {
            let message = if *wanted {
                "never holds: marked mail is held before any rule (inbound.hold_spam)"
            } else {
                "always holds: marked mail is held before any rule (inbound.hold_spam)"
            };
            report.warn(&at.key("spam"), message);
        }
        Content::Body(patterns) => {
            whole_texts(patterns, &at.key("body"), "the whole text of a message", |_| true, report);
        }
        Content::Attachment(patterns) => {
            let is_no_name = |text: &str| text.starts_with('.') || !text.contains('.');
            whole_texts(patterns, &at.key("attachment"), "the whole name of a file", is_no_name, report);
        }
        Content::From(_) | Content::To(_) | Content::Subject(_) | Content::Header(_) => {}
        Content::Size(_) | Content::Auth(_) | Content::Spam(_) => {}
    }
}

/// Patterns without a star where the whole of a value is hardly ever so short.
fn whole_texts(
    patterns: &[Pattern],
    at: &KeyPath,
    value: &str,
    is_doubtful: impl Fn(&str) -> bool,
    report: &mut Report<'_>,
) {
    let texts = patterns.iter().map(Pattern::only_value).enumerate().filter_map(|(index, text)| Some((index, text?)));
    for (index, text) in texts.filter(|(_, text)| !text.is_empty() && is_doubtful(text)) {
        let anywhere = format!("*{text}*");
        let message = format!("hardly ever holds: {value} must be {text:?}; write {anywhere:?} to find it anywhere");
        report.warn(&at.item(index), message);
    }
}

/// People who answer for nobody, or for none of the personas: they have such mail while they stand in alone.
fn people(when: &When, at: &KeyPath, policy: &Policy, report: &mut Report<'_>) {
    let people =
        when.0.iter().find_map(|condition| if let Condition::Person(it) = condition { Some(it) } else { None });
    let personas =
        when.0.iter().find_map(|condition| if let Condition::Persona(it) = condition { Some(it) } else { None });
    let Some(people) = people.filter(|people| !people.iter().any(|name| absences::stands_in(name, &policy.people)))
    else {
        return;
    };
    let answers = |persona: &Persona| people.iter().any(|name| persona.answered_by.contains(name));
    let is_for_unmatched = |name: &PersonName| policy.inbound.unmatched == Unmatched::Person(name.clone());
    let whom = match personas {
        Some(names) if names.iter().filter_map(|name| policy.people.persona(name)).any(answers) => return,
        Some(_) => "for none of these personas",
        None if policy.people.personas().any(answers) || people.iter().any(is_for_unmatched) => return,
        None => "for no persona, nor for what is unmatched",
    };
    let message = format!("answers {whom}: holds only while somebody is away for whom this person stands in");
    report.warn(&at.key("person"), message);
}

/// What asks for a thread where mail opens one, or is for nobody.
fn new_threads(when: &When, at: &KeyPath, report: &mut Report<'_>) {
    let opens = |condition: &Condition| matches!(condition, Condition::Evidence(pieces) if !pieces.iter().copied().any(Evidence::names_threads));
    let is_no_person =
        |condition: &Condition| matches!(condition, Condition::Kind(kinds) if !kinds.contains(&Kind::Human));
    let is_new = when.0.iter().any(opens);
    for condition in &when.0 {
        match condition {
            Condition::FirstReply(true) if is_new => report.warn(&at.key("first_reply"), NO_THREAD),
            Condition::FirstReply(true) if when.0.iter().any(is_no_person) => {
                let message = "never holds: only what a person wrote (kind = \"human\") is a first reply";
                report.warn(&at.key("first_reply"), message);
            }
            Condition::ThreadAge(_) if is_new => report.warn(&at.key("thread_age"), NO_THREAD),
            Condition::Campaign(_) if is_new => report.warn(&at.key("campaign"), NO_THREAD),
            Condition::Persona(_) | Condition::Person(_) | Condition::Kind(_) | Condition::Evidence(_) => {}
            Condition::FirstReply(_) | Condition::ThreadAge(_) | Condition::Campaign(_) | Condition::Time(_) => {}
            Condition::Recipient(_) | Condition::Content(_) | Condition::Not(_) | Condition::Any(_) => {}
        }
    }
}
