//! The sample of the repository: it is complete, and it says the defaults.

use super::*;

const SAMPLE: &str = include_str!("../../../config/sincerely.toml");

#[test]
fn every_value_in_it_is_the_default() {
    let (sample, _) = parse(SAMPLE).unwrap();
    let (default, _) = parse(BASE).unwrap();
    assert_eq!(sample.state_dir, default.state_dir);
    assert_eq!(sample.secret_file, default.secret_file);
    assert_eq!(sample.relay.inbound, default.relay.inbound);
    assert_eq!(sample.relay.outbound, default.relay.outbound);
    assert_eq!(sample.threads, default.threads);
    assert_eq!(sample.kept, default.kept);
    assert_eq!(sample.limits, default.limits);
    assert_eq!(sample.log, default.log);
    let (sample, default) = (sample.policy, default.policy);
    assert_eq!(sample.reply_domain, default.reply_domain);
    assert_eq!(sample.rules, default.rules);
    assert_eq!(sample.inbound, default.inbound);
    assert_eq!(sample.outbound, default.outbound);
    assert_eq!(sample.stamp, default.stamp);
    assert_eq!(sample.separators, default.separators);
    assert_eq!(sample.window, default.window);
    assert_eq!(sample.hops, default.hops);
    assert_eq!(sample.mime, default.mime);
}

#[test]
fn the_listeners_in_it_have_the_defaults() {
    let (sample, _) = parse(SAMPLE).unwrap();
    let [inbound, outbound] = sample.listen.as_slice() else { panic!("two listeners") };
    assert_eq!((inbound.protocol, &inbound.allow), (outbound.protocol, &outbound.allow));
}

#[test]
fn every_key_is_in_it_and_no_other() {
    let mut known = file::every_key();
    let mut written = written_keys();
    known.sort();
    written.sort();
    written.dedup();
    assert_eq!(written, known);
}

/// The keys of the sample, also those that are commented out; `*` stands for the name of a person or persona.
fn written_keys() -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in SAMPLE.lines() {
        let line = line.trim_start_matches("# ");
        let header = line.strip_prefix('[').map(|rest| rest.trim_matches(['[', ']']));
        if let Some(header) = header {
            table = header.replace("people.sophie", "people.*").replace("people.tom", "people.*");
            table = table.replace("personas.sophie", "personas.*") + ".";
        }
        let key = line.split_once(" =").map(|(key, _)| key.trim());
        if let Some(key) = key.filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
            keys.push(format!("{table}{key}"));
        }
    }
    keys
}

#[test]
fn the_rule_and_the_test_in_it_are_right() {
    let (_, below) = SAMPLE.split_once("\n# [[rule]]").unwrap();
    let (rule, _) = below.split_once("\n# Mail from customers.").unwrap();
    let is_toml = |line: &&str| line.contains(" = ") || line.starts_with('[');
    // A rule has one fate; the sample names them all.
    let is_other_fate =
        |line: &str| ["forward ", "hold ", "reject ", "discard "].iter().any(|fate| line.starts_with(fate));
    let lines = rule.lines().map(|line| line.trim_start_matches("# ")).filter(is_toml);
    let lines = lines.filter(|line| !is_other_fate(line) || line.contains("# the reason"));
    // A file that is not here.
    let rule: Vec<&str> = lines.filter(|line| !line.starts_with("holidays ")).collect();
    let (config, _) = parse(&format!("{SAMPLE}\n[[rule]]\n{}", rule.join("\n"))).unwrap();
    assert_eq!((config.policy.rules.list().len(), config.tests.len()), (1, 1));
    assert_eq!((config.policy.rules.list()[0].when.0.len(), config.tests[0].expect.len()), (20, 9));
}

#[test]
fn the_reference_tells_every_key_of_rules_and_tests() {
    let reference = include_str!("../../../docs/reference.md");
    let of_rules =
        |key: &String| ["rule.when.", "rule.then.", "test.expect."].iter().any(|table| key.starts_with(table));
    let keys: Vec<String> = file::every_key().into_iter().filter(of_rules).collect();
    assert_eq!(keys.len(), 44);
    for key in keys {
        let name = key.rsplit('.').next().unwrap();
        assert!(reference.contains(&format!("\n| `{name}` | ")), "{key}");
    }
}

#[test]
fn the_examples_are_right() {
    for text in [
        include_str!("../../../examples/minimal.toml"),
        include_str!("../../../examples/two-people.toml"),
        include_str!("../../../examples/postfix.toml"),
    ] {
        let (config, _) = parse(text).unwrap();
        assert_eq!(config.listen.len(), 2);
    }
}
