//! The verdict of `explain`: one sentence that answers "why did this come to me?".

use crate::cli::sheet::Sign;
use crate::mail::{Evidence, FateName, HoldReason, Kind};

use super::report::{Line, Matched};

/// The sentence for a line, and its sign.
pub(super) fn verdict(line: &Line) -> (Sign, String) {
    match line.role {
        "copies" => of_copy(line),
        "outbound" => with_recipient(line, of_automated(line)),
        _ => match &line.recipient {
            Some(_) => with_recipient(line, of_reply(line)),
            None => of_nobody(line),
        },
    }
}

fn with_recipient(line: &Line, (sign, text): (Sign, String)) -> (Sign, String) {
    (sign, format!("{}: {text}", line.recipient.as_deref().unwrap_or("whoever the envelope names")))
}

fn of_reply(line: &Line) -> (Sign, String) {
    let reason = line.reason.map(|reason| format!(", because {}", held_because(reason, line)));
    match line.fate {
        Some(FateName::Forward) => (Sign::Goes, format!("forwarded to {}, because {}", readers(line), because(line))),
        Some(FateName::Hold) => (Sign::Stays, format!("held for an operator{}", reason.unwrap_or_default())),
        Some(FateName::Discard) => (Sign::No, format!("taken and thrown away, because {}", says_so(line))),
        Some(FateName::Reject) if is_decided_by_rule(line) => {
            (Sign::No, format!("refused with {}, because {}", reply(line), says_so(line)))
        }
        Some(FateName::Reject) => (Sign::No, format!("refused with {}", reply(line))),
        Some(FateName::Defer) | None => {
            (Sign::Stays, format!("not now: {}; the server in front comes again", reply(line)))
        }
    }
}

fn of_nobody(line: &Line) -> (Sign, String) {
    let refused = line.reply.as_ref().map(|_| format!("refused with {}", reply(line)));
    let nobody = "nobody of ours is among the recipients in the header section; name one with --to";
    refused.map_or_else(|| (Sign::Neutral, nobody.to_owned()), |refused| (Sign::No, refused))
}

fn of_automated(line: &Line) -> (Sign, String) {
    let persona = line.matched.as_ref().and_then(|matched| matched.persona.as_deref());
    match (line.fate, persona) {
        (Some(FateName::Reject), _) => (Sign::No, format!("refused with {}", reply(line))),
        (_, Some(persona)) => (Sign::Goes, format!("handed on as mail of {persona}, and learned")),
        (_, None) => (Sign::Goes, "handed on as it is, because From names no persona".to_owned()),
    }
}

fn of_copy(line: &Line) -> (Sign, String) {
    match (&line.learns, &line.not_learned) {
        (Some(learns), _) => (Sign::Yes, format!("learned as mail of {}", learns.persona)),
        (None, Some(why)) => (Sign::Neutral, format!("not learned: {why}")),
        (None, None) => (Sign::No, format!("refused with {}", reply(line))),
    }
}

/// `sophie (sophie.martin@corp.example)`, or the inboxes alone.
fn readers(line: &Line) -> String {
    let inboxes = line.deliveries.iter().flat_map(|delivery| delivery.to.iter().map(String::as_str));
    let inboxes = inboxes.collect::<Vec<_>>().join(", ");
    line.person.as_ref().map_or_else(|| inboxes.clone(), |person| format!("{person} ({inboxes})"))
}

fn because(line: &Line) -> String {
    let is_ours = line.insider.as_ref().is_some_and(|insider| insider.proved) && line.person.is_none();
    match &line.matched {
        _ if is_decided_by_rule(line) => says_so(line),
        Some(_) if is_ours && is_alone(line) => {
            "one of our own people wrote it, and nobody else answers for the persona".to_owned()
        }
        Some(_) if is_ours => "one of our own people wrote it, and these are the colleagues".to_owned(),
        Some(matched) => found(matched, line.greeting.as_deref()),
        None => "it is ours".to_owned(),
    }
}

/// Whether it goes back to its author, since there are no colleagues.
fn is_alone(line: &Line) -> bool {
    let own = line.insider.as_ref().map(|insider| insider.inboxes.as_slice()).unwrap_or_default();
    line.deliveries.iter().flat_map(|delivery| &delivery.to).all(|to| own.contains(to))
}

/// What the evidence says, and of which conversation.
fn found(matched: &Matched, greeting: Option<&str>) -> String {
    let evidence = matched.evidence.unwrap_or(Evidence::Unmatched);
    if evidence == Evidence::Unmatched {
        return "it matches nothing, and `inbound.unmatched` names who gets such mail".to_owned();
    }
    let with = matched.correspondent.as_ref().map_or_else(String::new, |who| format!(" with {who}"));
    let began = matched.opened.map(|at| format!(" that began on {}", at.strftime("%Y-%m-%d")));
    let thread = began.map_or_else(String::new, |began| format!(", in the conversation{with}{began}"));
    let persona = matched.persona.as_deref().unwrap_or_default();
    let says = match (evidence, &matched.correspondent, greeting) {
        (Evidence::Correspondent, Some(who), _) => format!("only {persona} has written to {who}"),
        (Evidence::ByName, _, Some(greeting)) => format!("it begins: {greeting}"),
        _ => evidence.meaning().to_owned(),
    };
    format!("{says}{thread}")
}

fn is_decided_by_rule(line: &Line) -> bool {
    line.rules_tried.iter().any(|tried| tried.answer == "yes" && !tried.goes_on)
}

fn says_so(line: &Line) -> String {
    format!("the rule {:?} says so", line.rule.as_deref().unwrap_or_default())
}

fn reply(line: &Line) -> String {
    line.reply.as_ref().map(|told| format!("{} {} {}", told.code, told.enhanced, told.text)).unwrap_or_default()
}

fn held_because(reason: HoldReason, line: &Line) -> String {
    let because = match reason {
        HoldReason::AutoReply => "a machine answered, as with a vacation notice",
        HoldReason::AutoGenerated => "a machine wrote it unasked, and no signed or known id ties it to a conversation",
        HoldReason::Bounce => "it says that a message could not be delivered, or is late",
        HoldReason::List => "it is list or bulk mail",
        HoldReason::Report => "it is a machine's report",
        HoldReason::Spam => "the server in front marked it as spam",
        HoldReason::Loop => "it came back to us, or came over too many servers",
        HoldReason::Unmatched => "it came to a shared address and matched nothing",
        HoldReason::Rule => return says_so(line),
        HoldReason::Rejected => "a rule rejects it for this recipient and not for all, and SMTP has one reply for all",
        HoldReason::Undelivered => "the inbox and its fallback refused it",
        HoldReason::Unsupported => "the next hop does not take what it needs",
    };
    because.to_owned()
}

/// What a message is, in words.
pub(super) fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Human => "a person wrote it",
        Kind::AutoReply => "a machine answered a message",
        Kind::AutoGenerated => "a machine wrote it unasked",
        Kind::Bounce => "it says that a message could not be delivered, or is late",
        Kind::List => "it came through a mailing list, or is bulk mail",
        Kind::Report => "a machine reports",
        Kind::Challenge => "a service asks to confirm that a person sent something",
    }
}
