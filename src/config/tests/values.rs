//! Values, and their bounds.

use std::time::Duration;

use super::*;
use crate::message::Mime;
use crate::smtp::settings::{BareNewlines, Limits};

#[test]
fn values_of_every_kind() {
    check_added(
        "matching.separators = '@'",
        &[
            r#"f:5: matching.separators: invalid value: string "@", expected characters such as "+" or "+-", none of them a letter, a digit, "@" or ".""#,
        ],
    );
    check_added(
        "matching.separators = ''",
        &[
            r#"f:5: matching.separators: invalid value: string "", expected characters such as "+" or "+-", none of them a letter, a digit, "@" or ".""#,
        ],
    );
    check_added(
        "[inbound]\ncollapse = 1\nhold_spam = 'yes'\n[threads]\nkeep = '0s'\ncache = -1\n[log]\nformat = 'xml'\n[outbound]\nstrangers = 1.5",
        &[
            r#"f:6: inbound.collapse: invalid value: integer `1`, expected a duration with its unit, such as "1 day", or 0 for off"#,
            r#"f:7: inbound.hold_spam: invalid value: string "yes", expected true or false"#,
            r#"f:9: threads.keep: invalid value: string "0s", expected a duration above zero with its unit, such as "10s" or "60 days""#,
            r#"f:10: threads.cache: invalid value: integer `-1`, expected a size above zero such as "50 MiB", or a number of octets"#,
            r#"f:12: log.format: invalid value: string "xml", expected "text" or "json""#,
            r#"f:14: outbound.strangers: invalid type: floating point `1.5`, expected "relay" or "refuse""#,
        ],
    );
    check_added(
        "reply_domain = 'a b'\nsecret_file = ''",
        &[
            r#"f:5: reply_domain: invalid value: string "a b", expected a domain name such as "mail.acme.example""#,
            r#"f:6: secret_file: invalid value: string "", expected a path in quotes"#,
        ],
    );
}

#[test]
fn room_for_copies_is_room_for_a_message() {
    check_added(
        "relay.keep_bytes = '49 MiB'",
        &["f:5: relay.keep_bytes: is too small: expected limits.message_size (50.0 MiB) at least"],
    );
    check_added("relay.keep_bytes = '50 MiB'\nrelay.keep_copies_for = 0", &[]);
}

#[test]
fn sizes_that_make_no_sense() {
    let sizes = |message_size, line, header_section, cache| {
        format!(
            "limits = {{ bytes_in_flight = '8 GiB', message_size = {message_size}, line = {line}, header_section = {header_section} }}\n\
             threads.cache = {cache}"
        )
    };
    check_added(&sizes(1 << 10, 512, 1 << 10, 1 << 20), &[]);
    check_added(&sizes(2_i64 << 30, 64 << 10, 64 << 20, i64::MAX), &[]);
    check_added(
        &sizes((1 << 10) - 1, 511, (1 << 10) - 1, (1 << 20) - 1),
        &[
            "f:5: limits.message_size: is too small: expected 1.0 KiB at least",
            "f:5: limits.line: is too small: expected 512 B at least",
            "f:5: limits.header_section: is too small: expected 1.0 KiB at least",
            "f:6: threads.cache: is too small: expected 1.0 MiB at least",
        ],
    );
    check_added(
        &sizes((2_i64 << 30) + 1, (64 << 10) + 1, (64 << 20) + 1, 1 << 20),
        &[
            "f:5: limits.message_size: is too large: expected 2.0 GiB at most",
            "f:5: limits.line: is too large: expected 64.0 KiB at most",
            "f:5: limits.header_section: is too large: expected 64.0 MiB at most",
        ],
    );
}

#[test]
fn all_messages_together_are_at_least_one() {
    check_added("limits = { message_size = '300 MiB', bytes_in_flight = '300 MiB' }", &[]);
    check_added(
        "limits.message_size = '300 MiB'",
        &["f:5: limits.message_size: is larger than limits.bytes_in_flight, which is 256.0 MiB unless it is written"],
    );
    check_added(
        "limits.bytes_in_flight = '49 MiB'",
        &["f:5: limits.bytes_in_flight: is too small: expected limits.message_size (50.0 MiB) at least"],
    );
}

#[test]
fn times_that_make_no_sense() {
    check_added(
        "[limits]\ncommand_timeout = '1s'\ndata_timeout = '1 day'\nmessage_timeout = '1 day'\nmemory_wait = '150s'",
        &[],
    );
    check_added(
        "[limits]\ncommand_timeout = '999ms'\ndata_timeout = '25h'\nmessage_timeout = 0\nmemory_wait = '3min'\nmime_parts = 0",
        &[
            "f:6: limits.command_timeout: is too short: expected 1s at least",
            "f:7: limits.data_timeout: is too long: expected 1day at most",
            r#"f:8: limits.message_timeout: invalid value: integer `0`, expected a duration above zero with its unit, such as "10s" or "60 days""#,
            "f:9: limits.memory_wait: is too long: expected 2m 30s at most",
            "f:10: limits.mime_parts: invalid value: integer `0`, expected a whole number above zero",
        ],
    );
}

#[test]
fn every_limit_reaches_its_setting() {
    let text = "[limits]\ncommand_timeout = '2s'\ndata_timeout = '3s'\nmessage_timeout = '4s'\nmemory_wait = '5s'\n\
                bytes_in_flight = '60 MiB'\nmime_parts = 6\nmime_depth = 7\nconnections = 8\nconnections_per_address = 9\n\
                recipients = 10\ncommands = 11\nerrors = 12\nline = 1013\nheader_section = '14 KiB'\n\
                bare_newlines = 'normalize'";
    let (Config { limits, policy, .. }, _) = parse(&format!("{BASE}{text}")).unwrap();
    let expected = Limits {
        message_size: 50 << 20,
        bytes_in_flight: 60 << 20,
        memory_wait: Duration::from_secs(5),
        connections: 8,
        connections_per_address: 9,
        recipients: 10,
        commands: 11,
        errors: 12,
        line: 1013,
        header_section: 14 << 10,
        bare_newlines: BareNewlines::Normalize,
        command_timeout: Duration::from_secs(2),
        data_timeout: Duration::from_secs(3),
        message_timeout: Duration::from_secs(4),
    };
    assert_eq!((limits, policy.mime), (expected, Mime { parts: 6, depth: 7 }));
}

#[test]
fn numbers_too_large_for_any_use() {
    check_added(
        "limits.line = 9223372036854775808\nlimits.message_size = 18446744073709551616\nlimits.hops = -9223372036854775809\n\
         inbound.accept = 18446744073709551616\nlog = 18446744073709551616\nlisten = 18446744073709551616\n\
         limits.errors = 170141183460469231731687303715884105728",
        &[
            "f:5: limits.line: is too large: expected 64.0 KiB at most",
            r#"f:6: limits.message_size: invalid value: integer `18446744073709551616`, expected a size above zero such as "50 MiB", or a number of octets"#,
            "f:7: limits.hops: invalid value: integer `-9223372036854775809`, expected a whole number above zero",
            r#"f:8: inbound.accept: invalid value: integer `18446744073709551616`, expected an address such as "sophie@acme.example", or a list of such"#,
            "f:9: log: invalid value: integer `18446744073709551616`, expected a table, headed by the key in single brackets or written as { … }",
            "f:10: listen: invalid value: integer `18446744073709551616`, expected a list of tables, each headed by the key in double brackets or written as [{ … }]",
            "f:11: limits.errors: invalid value: integer `170141183460469231731687303715884105728`, expected a whole number above zero",
        ],
    );
}

#[test]
fn durations_and_sizes_reach_the_settings() {
    let text = "threads = { keep = '60 days', cache = 1048576 }\nlimits.message_size = '1.5 KiB'\ninbound.collapse = 0\nlimits.hops = 3";
    let (config, _) = parse(&format!("{BASE}{text}")).unwrap();
    assert_eq!((config.threads.keep, config.threads.cache), (Duration::from_hours(24 * 60), 1 << 20));
    assert_eq!((config.limits.message_size, config.policy.hops), (1536, 3));
    assert_eq!(config.policy.inbound.collapse, Duration::ZERO);
}
