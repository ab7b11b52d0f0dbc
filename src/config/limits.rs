//! `[limits]` and `[threads]`: that every size is one with which mail can be received.

use std::ops::RangeInclusive;

use bytesize::ByteSize;

use super::document::KeyPath;
use super::problems::Report;
use super::values::{As, Count, Octets};
use super::{file, or};
use crate::smtp::settings::Limits;
use crate::threads;

/// Below, hardly a message passes; above, SIZE promises what no memory holds.
const MESSAGE_SIZE: RangeInclusive<u64> = 1 << 10..=2 << 30;
/// RFC 5321 §4.5.3.1.4 asks for 512 octets; longer ones than a mebibyte nobody means.
const LINE: RangeInclusive<u64> = 512..=1 << 20;
/// The trace fields of a few hops alone are longer than a kibibyte.
const HEADER_SECTION: RangeInclusive<u64> = 1 << 10..=64 << 20;
/// The index reads whole pages into its cache.
const CACHE: RangeInclusive<u64> = 1 << 20..=u64::MAX;

/// `[limits]`, but for `limits.hops`, which is the flows' own.
pub(super) fn limits(written: &file::Limits, report: &mut Report<'_>) -> Limits {
    let default = Limits::default();
    let count = |written, default| or(written, Count(default)).0;
    Limits {
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
        command_timeout: default.command_timeout,
        data_timeout: default.data_timeout,
        message_timeout: default.message_timeout,
    }
}

/// `[threads]`.
pub(super) fn threads(written: &file::Threads, report: &mut Report<'_>) -> threads::Settings {
    let default = threads::Settings::default();
    threads::Settings {
        keep: or(written.keep, default.keep),
        cache: size(["threads", "cache"], written.cache, default.cache, CACHE, report),
        keep_retries: default.keep_retries,
    }
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
