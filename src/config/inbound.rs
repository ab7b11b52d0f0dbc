//! `[inbound]`: the mail server's internal domains, and whose word about an author is believed.

use std::collections::BTreeMap;

use super::document::KeyPath;
use super::file::{self, File};
use super::problems::Report;
use super::values::{As, Scalar};
use crate::flow::policy::Trust;
use crate::mail::Domain;

/// `inbound.aliases`, as far as its keys are domains.
pub(super) fn aliases(written: &file::Inbound, report: &mut Report<'_>) -> BTreeMap<Domain, Domain> {
    let mut aliases = BTreeMap::new();
    for (internal, As(real)) in &*written.aliases {
        let at = KeyPath::from(["inbound", "aliases", internal]);
        let Some(domain) = Domain::from_text(internal) else {
            report.mistake(&at, format!("is no domain; expected {}", Domain::EXPECTED));
            continue;
        };
        if aliases.insert(domain, real.clone()).is_some() {
            report.mistake(&at, "is written twice, in upper and lower case; keep one of the two");
        }
    }
    aliases
}

/// `inbound.authserv_id` with the servers whose Received fields end nobody's trust: those that are
/// written, or the one that writes the results.
pub(super) fn trust(file: &File, hostname: &Domain, report: &mut Report<'_>) -> Option<Trust> {
    let servers: Vec<Domain> = file.inbound.servers.0.iter().map(|server| server.0.clone()).collect();
    let Some(As(authserv_id)) = &file.inbound.authserv_id else {
        if !servers.is_empty() {
            let message = "is of no use without inbound.authserv_id, which says whose results to believe";
            report.warn(&["inbound", "servers"].into(), message);
        }
        return None;
    };
    let servers = if servers.is_empty() { vec![authserv_id.clone()] } else { servers };
    Some(Trust { authserv_id: authserv_id.clone(), servers: servers.into_iter().chain([hostname.clone()]).collect() })
}
