//! What lists and senders of bulk mail write (RFC 2369, RFC 2919, and before them).

use super::super::Message;
use super::Signal;

/// Of software for lists; nobody else writes them.
const SOFTWARE: [&str; 8] = [
    "X-Mailing-List",
    "Mailing-List",
    "X-Mailman-Version",
    "X-BeenThere",
    "X-Listprocessor-Version",
    "X-Sympa-To",
    "X-ML-Name",
    "X-Yahoogroups-Subject",
];

/// Of services that send to many. Not X-Report-Abuse-To: filters on a company's way out write it into any mail.
const BULK: [&str; 5] = ["Feedback-ID", "X-CSA-Complaints", "X-Campaign-Id", "X-CampaignID", "X-MC-User"];

/// The signals of lists.
pub(super) fn collect(message: &Message) -> Vec<Signal> {
    let has = |names: &[&str]| names.iter().any(|name| message.has(name));
    let is_list = has(&["List-Id", "List-Post"]) || has(&SOFTWARE);
    [
        (is_list, Signal::ListField),
        (!is_list && is_by_list(message), Signal::ListSender),
        (!is_list && has(&["List-Unsubscribe", "List-Help", "List-Subscribe", "List-Owner"]), Signal::ListUnsubscribe),
        (has(&BULK), Signal::BulkSender),
    ]
    .into_iter()
    .filter_map(|(there, signal)| there.then_some(signal))
    .collect()
}

/// `Sender: owner-cats@…`, and the other addresses under which lists send.
fn is_by_list(message: &Message) -> bool {
    let fields = ["Sender", "X-Sender", "Errors-To", "Return-Path"].into_iter();
    let addresses = fields.flat_map(|name| message.values(name)).map(|value| value.to_lowercase());
    addresses.into_iter().any(|address| {
        let path = address.rsplit('<').next().unwrap_or_default().trim_end_matches('>').trim();
        let local = path.split('@').next().unwrap_or_default();
        let is_owner = local.starts_with("owner-") || local.ends_with("-owner") || local.ends_with("-admin");
        is_owner
            || local.ends_with("-request")
            || local.contains("-bounces")
            || local.contains("-return-")
            || local == "listserv"
    })
}
