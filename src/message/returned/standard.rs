//! Delivery status notifications for programs (RFC 3464, RFC 6533), also where they are written wrong.
//!
//! Seen in practice: no empty line between the groups, an empty line too many, an Action with a remark behind it or none at
//! all, a status that says nothing, the part under another type or cut off.

use super::codes;
use super::{Parts, recipient};
use crate::mail::fold::fold;
use crate::mail::{Action, Address, Delivery, Status};
use crate::message::mime::Part;
use crate::message::text_part;

/// Parts that report on something else, or return a message.
const OTHERS: [(&str, &str); 9] = [
    ("message", "rfc822"),
    ("message", "global"),
    ("message", "partial"),
    ("text", "rfc822-headers"),
    ("message", "rfc822-headers"),
    ("message", "global-headers"),
    ("message", "disposition-notification"),
    ("message", "global-disposition-notification"),
    ("message", "feedback-report"),
];

/// A name of a field that is looked for is shorter.
const LONGEST_NAME: usize = 40;

/// What the report tells of each recipient; nothing where there is no report.
pub(super) fn read(parts: &Parts<'_>) -> Vec<Delivery> {
    let is_report =
        |part: &&Part<'_>| part.is("message", "delivery-status") || part.is("message", "global-delivery-status");
    let right: Vec<Delivery> =
        parts.iter().filter(is_report).flat_map(|part| deliveries(&text_part::readable(part))).collect();
    if !right.is_empty() {
        return right;
    }
    let may_be = |part: &&Part<'_>| !OTHERS.iter().any(|(main, sub)| part.is(main, sub));
    let texts = parts.iter().filter(may_be).map(text_part::readable);
    texts.map(|text| deliveries(above_returned(&text))).find(|found| !found.is_empty()).unwrap_or_default()
}

/// In a text: nothing from where a returned message begins, which may be a report itself.
fn above_returned(text: &str) -> &str {
    let begins = ["\nReceived:", "\nReturn-Path:", "\nReturn-path:", "\nContent-Type: message/rfc822"];
    let end = begins.iter().filter_map(|begin| text.find(begin)).min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// What is said of one recipient.
#[derive(Default)]
struct Group {
    original: Option<String>,
    last: Option<String>,
    action: Option<String>,
    status: Option<String>,
    diagnostic: Option<String>,
    is_disposition: bool,
}

fn deliveries(text: &str) -> Vec<Delivery> {
    let mut groups = vec![Group::default()];
    for field in fields(text) {
        let Some(group) = groups.last_mut() else { continue };
        let takes = field.as_ref().map_or(!group.is_whole(), |(name, value)| group.takes(name, value));
        if takes {
            continue;
        }
        let mut next = Group::default();
        if let Some((name, value)) = field {
            next.takes(&name, &value);
        }
        groups.push(next);
    }
    groups.into_iter().filter_map(Group::delivery).collect()
}

/// Lines that look like fields, unfolded; `None` for an empty line.
fn fields(text: &str) -> Vec<Option<(String, String)>> {
    let mut fields: Vec<Option<(String, String)>> = Vec::new();
    for line in text.lines() {
        let is_empty = line.trim().is_empty();
        let is_continuation = line.starts_with([' ', '\t']) && !is_empty;
        if let Some(Some((_, value))) = fields.last_mut().filter(|_| is_continuation) {
            value.push(' ');
            value.push_str(line.trim());
        } else if is_empty {
            fields.push(None);
        } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.len() <= LONGEST_NAME) {
            fields.push(Some((name.trim().to_ascii_lowercase(), value.trim().to_owned())));
        }
    }
    fields
}

impl Group {
    /// Whether it says enough that an empty line ends it.
    fn is_whole(&self) -> bool {
        let is_told = self.action.is_some() || self.status.is_some();
        is_told && (self.original.is_some() || self.last.is_some())
    }

    /// Whether a field belongs to this group, which knows it then.
    fn takes(&mut self, name: &str, value: &str) -> bool {
        let is_whole = self.is_whole();
        let place = match name {
            "original-recipient" => &mut self.original,
            "final-recipient" => &mut self.last,
            "action" => &mut self.action,
            "status" => &mut self.status,
            "diagnostic-code" => &mut self.diagnostic,
            "disposition" => {
                self.is_disposition = true;
                return true;
            }
            _ => return true,
        };
        // Seen in practice: the fields of a group in any order, so that the recipient stands below its action.
        let begins_another = name == "original-recipient" && is_whole;
        if begins_another || place.as_ref().is_some_and(|known| known != value) {
            return false;
        }
        *place = Some(value.to_owned());
        true
    }

    fn delivery(self) -> Option<Delivery> {
        let diagnostic = fold(self.diagnostic.as_deref().unwrap_or_default());
        let said = self.status.as_deref().and_then(Status::read);
        let is_recipient = self.original.is_some() || self.last.is_some();
        if self.is_disposition || (!is_recipient && self.action.is_none()) {
            return None;
        }
        let precise = said.filter(|status| !codes::is_vague(*status));
        let status = precise.or_else(|| codes::more_precise(&diagnostic, said));
        let action = self.action.as_deref().and_then(read_action).or_else(|| by_class(status?))?;
        let recipient = [&self.original, &self.last].into_iter().flatten().find_map(|value| address(value));
        let recipient = recipient.or_else(|| self.diagnostic.as_deref().and_then(|text| recipient::all(text).next()));
        // A success does not fail: the status is wrong, or the action, and the action is what the system did.
        let status = status.filter(|status| action != Action::Failed || status.class != 2);
        Some(Delivery { recipient: recipient.map(|address| address.folded()), action, status })
    }
}

/// The first word: seen in practice, `failed (bad destination mailbox address)`, and words that RFC 3464 does not know.
fn read_action(value: &str) -> Option<Action> {
    let word = value.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let known = word.parse().ok();
    known.or_else(|| match word.to_ascii_lowercase().as_str() {
        "failure" | "fail" | "fatal" | "undeliverable" | "expired" | "hard" => Some(Action::Failed),
        "delay" | "deferred" | "retrying" => Some(Action::Delayed),
        "deliver" | "success" | "successful" => Some(Action::Delivered),
        "relay" => Some(Action::Relayed),
        _ => None,
    })
}

/// What the status tells where no action does.
fn by_class(status: Status) -> Option<Action> {
    match status.class {
        5 => Some(Action::Failed),
        4 => Some(Action::Delayed),
        2 => Some(Action::Delivered),
        _ => None,
    }
}

/// `rfc822; ann@a.example`, `utf-8;ann@a.example`, with or without a type, a name, brackets. A field holds nothing but an
/// address, so it need not look like one to be told from prose: `ann@mailhost` is one, too.
fn address(value: &str) -> Option<Address> {
    let (kind, bare) = value.split_once(';').unwrap_or(("", value));
    let bare = if kind.trim().eq_ignore_ascii_case("utf-8") { unescaped(bare) } else { bare.to_owned() };
    let in_text = || recipient::read(bare.trim()).or_else(|| recipient::all(&bare).next());
    bare.trim().parse().ok().or_else(in_text)
}

/// What `\x{F6}` stands for in an address of the type utf-8 (RFC 6533 §3).
fn unescaped(text: &str) -> String {
    let mut pieces = text.split("\\x{");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escaped = piece.split_once('}');
        let code = escaped.and_then(|(code, _)| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        whole.extend(code);
        whole.push_str(escaped.filter(|_| code.is_some()).map_or(piece, |(_, rest)| rest));
    }
    whole
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("rfc822; ann@a.example", Some("ann@a.example"))]
    #[case("rfc822;mailer-daemon@b", Some("mailer-daemon@b"))]
    #[case("ann@mailhost", Some("ann@mailhost"))]
    #[case("rfc822; Ann <ann@a.example>", Some("ann@a.example"))]
    #[case("rfc822; <ann@a.example>", Some("ann@a.example"))]
    #[case("utf-8; \\x{F6}@a.example", Some("ö@a.example"))]
    #[case("rfc822; ann", None)]
    #[case("x400; /S=ann/O=a/", None)]
    fn recipients(#[case] value: &str, #[case] expect: Option<&str>) {
        assert_eq!(address(value).map(|it| it.to_string()).as_deref(), expect, "{value}");
    }
}
