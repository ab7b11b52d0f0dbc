//! `threads stats --bounced`: the threads whose mail has failed, a line for each recipient, the newest first.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::table::aligned;
use crate::mail::Status;
use crate::mail::plain::plain;
use crate::threads::Bounced;

use super::told::timestamp;

/// A failure as JSON.
#[derive(Serialize)]
struct Told<'a> {
    thread: String,
    persona: &'a str,
    recipient: Option<&'a str>,
    status: Option<String>,
    hard: Option<bool>,
    at: String,
}

impl<'a> Told<'a> {
    fn of(bounced: &'a Bounced) -> Self {
        Self {
            thread: bounced.place.thread.to_string(),
            persona: &bounced.persona.0,
            recipient: bounced.recipient.as_deref(),
            status: bounced.status.map(|status| status.to_string()),
            hard: bounced.status.map(Status::is_hard),
            at: timestamp(bounced.place.at).to_string(),
        }
    }
}

/// One JSON object a line.
///
/// # Errors
/// Never, for the types of a failure.
pub(super) fn json(page: &[Bounced]) -> serde_json::Result<String> {
    page.iter().map(|bounced| Ok(serde_json::to_string(&Told::of(bounced))? + "\n")).collect()
}

/// A line each, below a head where `is_first`.
pub(super) fn table(page: &[Bounced], is_first: bool, zone: &TimeZone) -> String {
    let head = is_first.then(|| ["TIME", "THREAD", "PERSONA", "STATUS", "RECIPIENT"].map(String::from));
    let row = |bounced: &Bounced| {
        let at = timestamp(bounced.place.at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let status = bounced.status.map_or_else(
            || "-".to_owned(),
            |status| format!("{status} {}", if status.is_hard() { "hard" } else { "soft" }),
        );
        let recipient = bounced.recipient.as_deref().map_or_else(|| "-".to_owned(), |who| plain(who).into_owned());
        [at, bounced.place.thread.to_string(), plain(&bounced.persona.0).into_owned(), status, recipient]
    };
    aligned(head.into_iter().chain(page.iter().map(row))) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{PersonaName, ThreadId};
    use crate::threads::Bookmark;

    fn page() -> Vec<Bounced> {
        let bounced = |number: u8, recipient: Option<&str>, status: &str| Bounced {
            place: Bookmark { at: 1_800_000_000, thread: ThreadId([number; 8]), number: 0 },
            persona: PersonaName("sophie".into()),
            recipient: recipient.map(str::to_owned),
            status: Status::read(status),
        };
        vec![
            bounced(2, Some("ann@customer.example"), "5.1.1"),
            bounced(1, Some("b\u{1b}[31m@c"), "4.4.7"),
            bounced(0, None, ""),
        ]
    }

    #[test]
    fn a_line_for_each_recipient() {
        let told = table(&page(), true, &TimeZone::UTC);
        let lines: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
        let [two, one, none] = [2, 1, 0].map(|number| ThreadId([number; 8]).to_string());
        let at = ["2027-01-15", "08:00:00"];
        let expect = [
            vec!["TIME", "THREAD", "PERSONA", "STATUS", "RECIPIENT"],
            vec![at[0], at[1], &two, "sophie", "5.1.1", "hard", "ann@customer.example"],
            vec![at[0], at[1], &one, "sophie", "4.4.7", "soft", r"b\u{1b}[31m@c"],
            vec![at[0], at[1], &none, "sophie", "-", "-"],
        ];
        assert_eq!(lines, expect);
        let json = json(&page()).unwrap();
        let first = format!(
            r#"{{"thread":"{two}","persona":"sophie","recipient":"ann@customer.example","status":"5.1.1","hard":true,"at":"2027-01-15T08:00:00Z"}}"#
        );
        assert_eq!(json.lines().next(), Some(first.as_str()));
        assert!(json.contains(r#""recipient":null,"status":null,"hard":null"#), "{json}");
    }
}
