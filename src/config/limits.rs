//! `[limits]` and `[threads]`: that every size is one with which mail can be received.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;

use super::document::KeyPath;
use super::problems::Report;
use super::values::{As, Count, DurationOrOff, Octets};
use super::{file, or};
use crate::message::Mime;
use crate::smtp::settings::Limits;
use crate::{kept, threads};

/// Below, hardly a message passes; above, SIZE promises what no memory holds.
const MESSAGE_SIZE: RangeInclusive<u64> = 1 << 10..=2 << 30;
/// RFC 5321 §4.5.3.1.4 asks for 512 octets; what a line has is outside the budget of memory.
const LINE: RangeInclusive<u64> = 512..=64 << 10;
/// The trace fields of a few hops alone are longer than a kibibyte.
const HEADER_SECTION: RangeInclusive<u64> = 1 << 10..=64 << 20;
/// A packet may be lost, and sent again after a second; and no peer waits for a day.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
/// Peers wait three minutes for data to be taken (RFC 5321 §4.5.3.2.5).
const MEMORY_WAIT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(150);
/// The index reads whole pages into its cache.
const CACHE: RangeInclusive<u64> = 1 << 20..=u64::MAX;

/// `[limits]`, but for `limits.hops` and the bounds of MIME, which are the flows' own.
pub(super) fn limits(written: &file::Limits, report: &mut Report<'_>) -> Limits {
    let default = Limits::default();
    let count = |written, default| or(written, Count(default)).0;
    let limits = Limits {
        message_size: size(
            ["limits", "message_size"],
            written.message_size,
            default.message_size,
            MESSAGE_SIZE,
            report,
        ),
        connections: count(written.connections, default.connections),
        connections_per_address: count(written.connections_per_address, default.connections_per_address),
        recipients: count(written.recipients, default.recipients),
        commands: count(written.commands, default.commands),
        errors: count(written.errors, default.errors),
        line: size(["limits", "line"], written.line, default.line, LINE, report),
        header_section: size(
            ["limits", "header_section"],
            written.header_section,
            default.header_section,
            HEADER_SECTION,
            report,
        ),
        bare_newlines: or(written.bare_newlines, default.bare_newlines),
        command_timeout: time("command_timeout", written.command_timeout, default.command_timeout, TIMEOUT, report),
        data_timeout: time("data_timeout", written.data_timeout, default.data_timeout, TIMEOUT, report),
        message_timeout: time("message_timeout", written.message_timeout, default.message_timeout, TIMEOUT, report),
        bytes_in_flight: or(written.bytes_in_flight, Octets(default.bytes_in_flight)).0,
        memory_wait: time("memory_wait", written.memory_wait, default.memory_wait, MEMORY_WAIT, report),
    };
    judge_budget(&limits, written, report);
    limits
}

/// A message that is larger than all of them together could only come while there is no other.
fn judge_budget(limits: &Limits, written: &file::Limits, report: &mut Report<'_>) {
    if limits.bytes_in_flight >= limits.message_size || !MESSAGE_SIZE.contains(&limits.message_size) {
        return;
    }
    let (budget, message) = (ByteSize(limits.bytes_in_flight), ByteSize(limits.message_size));
    if written.bytes_in_flight.is_some() {
        let what = format!("is too small: expected limits.message_size ({message}) at least");
        report.mistake(&["limits", "bytes_in_flight"].into(), what);
    } else {
        let what = format!("is larger than limits.bytes_in_flight, which is {budget} unless it is written");
        report.mistake(&["limits", "message_size"].into(), what);
    }
}

/// `limits.mime_parts` and `limits.mime_depth`.
pub(super) fn mime(written: &file::Limits) -> Mime {
    let default = Mime::default();
    let count = |written, default| or(written, Count(default)).0;
    Mime { parts: count(written.mime_parts, default.parts), depth: count(written.mime_depth, default.depth) }
}

/// `[threads]`.
pub(super) fn threads(written: &file::Threads, report: &mut Report<'_>) -> threads::Settings {
    let default = threads::Settings::default();
    threads::Settings {
        keep: or(written.keep, default.keep),
        cache: size(["threads", "cache"], written.cache, default.cache, CACHE, report),
        keep_retries: default.keep_retries,
        keep_waiting: default.keep_waiting,
    }
}

/// What is kept of forwarded mail. With less room than a message may need, not every one could be.
pub(super) fn kept(written: &file::Relay, limits: &file::Limits, report: &mut Report<'_>) -> kept::Settings {
    let default = kept::Settings::default();
    let message = or(limits.message_size, Octets(Limits::default().message_size)).0;
    let bytes = or(written.keep_bytes, Octets(default.bytes.max(message))).0;
    if bytes < message {
        let what = format!("is too small: expected limits.message_size ({}) at least", ByteSize(message));
        report.mistake(&["relay", "keep_bytes"].into(), what);
    }
    kept::Settings { keep_for: or(written.keep_copies_for, DurationOrOff(default.keep_for)).0, bytes }
}

/// A time inside its bounds; one outside is noted, and the default stands in.
fn time(
    key: &'static str,
    written: Option<As<Duration>>,
    default: Duration,
    range: RangeInclusive<Duration>,
    report: &mut Report<'_>,
) -> Duration {
    let Some(As(time)) = written else { return default };
    let told = |bound: &Duration| humantime::format_duration(*bound).to_string();
    if time < *range.start() {
        report.mistake(&["limits", key].into(), format!("is too short: expected {} at least", told(range.start())));
    }
    if time > *range.end() {
        report.mistake(&["limits", key].into(), format!("is too long: expected {} at most", told(range.end())));
    }
    time
}

/// A size inside its bounds; one outside is noted, and the default stands in.
fn size<T: TryFrom<u64>>(
    key: [&str; 2],
    written: Option<As<Octets>>,
    default: T,
    range: RangeInclusive<u64>,
    report: &mut Report<'_>,
) -> T {
    let Some(As(Octets(octets))) = written else { return default };
    if octets < *range.start() {
        let message = format!("is too small: expected {} at least", ByteSize(*range.start()));
        report.mistake(&KeyPath::from(key), message);
    }
    if octets > *range.end() {
        let message = format!("is too large: expected {} at most", ByteSize(*range.end()));
        report.mistake(&KeyPath::from(key), message);
    }
    T::try_from(octets).unwrap_or(default)
}
