//! How long rules take: one, a hundred, ten thousand of them, over a few messages. `cargo bench --bench rules`
//!
//! Each line has both ways to ask them side by side: one rule after the other, and by the shortlist. Both decide the
//! same, which is tried first. Then, how long the configuration takes that has them, as `check` and `serve` read it.
#![allow(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells what its clock says")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sincerely::config::Config;
use sincerely::mail::{Address, Evidence, Kind};
use sincerely::message::auth::Results;
use sincerely::message::{Message, Mime};
use sincerely::rules::{Facts, Judged, Judgement, Known, Reading, Rules};

const COMPANY: &str = r#"
hostname = "sincerely.acme.example"
relay.smtp = "127.0.0.1:10026"
people.sophie.inbox = "sophie.martin@acme.example"
people.tom.inbox = "tom@acme.example"
personas.sophie = { address = "Sophie <sophie@acme.example>", answered_by = "sophie" }
"#;

/// How long one measurement goes on at least.
const LONG_ENOUGH: Duration = Duration::from_millis(300);

fn main() {
    println!("{:>6}  {:<28}  {:>15}  {:>12}  {:>7}", "rules", "message", "one by one", "shortlist", "faster");
    let facts = facts();
    let as_a_company = [1, 100, 10_000].map(|count| (count, configuration(count, of_a_company)));
    let expressions = [1000, 10_000].map(|count| (count, configuration(count, of_expressions)));
    for (index, (count, text)) in as_a_company.into_iter().chain(expressions).enumerate() {
        if index == 3 {
            println!("Regular expressions alone:");
        }
        let began = Instant::now();
        let (config, _) = Config::parse(&text, Path::new("bench.toml")).unwrap();
        let read = began.elapsed();
        let rules = &config.policy.rules;
        for (name, message) in messages(count) {
            let reading = || Reading::new(rules, &message, Mime::default(), Results::Silent);
            let told = [reading().judge(&facts), reading().judge_one_by_one(&facts)].map(|judged| told(&judged));
            assert_eq!(told.first(), told.last(), "{name}");
            let slow = measured(rules, &message, |reading| black_box(reading.judge_one_by_one(&facts)).continued.len());
            let fast = measured(rules, &message, |reading| black_box(reading.judge(&facts)).continued.len());
            let times = slow.as_secs_f64() / fast.as_secs_f64();
            println!("{count:>6}  {name:<28}  {slow:>15.1?}  {fast:>12.1?}  {times:>6.1}x");
        }
        println!("{count:>6}  the configuration is read in {read:.1?}");
    }
    println!("A subject that holds what all expressions look for:");
    of_a_stranger(&facts);
}

/// A stranger writes what ten thousand rules look for, twice. All of them are asked, and what was compiled for them
/// must not stay.
fn of_a_stranger(facts: &Facts<'_>) {
    const RULES: usize = 10_000;
    let text = configuration(RULES, |index| format!("subject = '/order\\s+no\\w* {index}x$/'"));
    let (config, _) = Config::parse(&text, Path::new("bench.toml")).unwrap();
    let literals: String = (0..RULES).map(|index| format!(" {index}x")).collect();
    let subject = literals.replace("0x ", "0x\r\n ");
    let text = format!("From: ann@elsewhere.example\r\nSubject: order no{subject} \r\n\r\nhi\r\n");
    let message = Message::read(Bytes::from(text));
    for _ in 0..2 {
        let began = Instant::now();
        let reading = Reading::new(&config.policy.rules, &message, Mime::default(), Results::Silent);
        black_box(reading.judge(facts));
        println!("{RULES:>6}  {:.1?}, and {} MiB of memory in all", began.elapsed(), resident() >> 20);
    }
}

/// Octets of memory that this process has; 0 where the system does not tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok()).unwrap_or_default() << 10
}

/// How long one message takes, with all that is read of it.
fn measured(rules: &Rules, message: &Message, judge: impl Fn(&Reading<'_>) -> usize) -> Duration {
    let (began, mut rounds) = (Instant::now(), 0_u32);
    while rounds == 0 || began.elapsed() < LONG_ENOUGH {
        black_box(judge(&Reading::new(rules, message, Mime::default(), Results::Silent)));
        rounds += 1;
    }
    began.elapsed() / rounds
}

fn configuration(count: usize, when: impl Fn(usize) -> String) -> String {
    let mut text = COMPANY.to_owned();
    for index in 0..count {
        let when = when(index);
        writeln!(text, "[[rule]]\nname = \"r{index}\"\nwhen = {{ {when} }}\nthen = {{ forward_to = \"tom\" }}")
            .unwrap();
    }
    text
}

/// Expressions, in subjects and in texts.
fn of_expressions(index: usize) -> String {
    match index % 4 {
        0 => format!("subject = '/\\bref\\s*#{index}\\b/'"),
        1 => format!("subject = '/^(re|aw):\\s+\\w+ order[- ]?{index}$/'"),
        2 => format!("body = '/contract\\s+(no\\.?)?\\s*{index}\\b/'"),
        _ => format!("subject = \"*order*{index}*\""),
    }
}

/// Rules as a company has them: most by customer, others by words, fields, names of files, a few by expressions.
fn of_a_company(index: usize) -> String {
    match index % 20 {
        0..10 => format!("from = \"*@customer{index}.example\""),
        10..13 => format!("from = \"ann{index}@shop.example\", kind = \"human\""),
        13..16 => format!("subject = [\"*order {index}*\", \"*bestellung {index}*\"], persona = \"sophie\""),
        16 => format!("header = {{ X-Ticket = \"T-{index}\" }}"),
        17 => format!("attachment = \"statement-{index}*.pdf\""),
        18 => format!("body = \"*contract {index}*\""),
        _ if index % 1000 == 19 => format!("subject = '/\\bref\\s*#{index}\\b/'"),
        _ => format!("to = \"list{index}@*\", not = {{ kind = \"list\" }}"),
    }
}

/// One that the last rule by customer matches, one that matches none, and a long one.
fn messages(count: usize) -> [(&'static str, Message); 3] {
    let last = count.saturating_sub(11) / 20 * 20;
    let message = |from: &str, subject: &str, body: &str| {
        let text = format!("From: Ann <{from}>\r\nTo: sophie@acme.example\r\nSubject: {subject}\r\n\r\n{body}\r\n");
        Message::read(Bytes::from(text))
    };
    let words = "What was agreed on the telephone stays as it is, and the rest follows by mail.\r\n";
    [
        ("by a customer with a rule", message(&format!("ann@customer{last}.example"), "Re: hi", words)),
        ("that no rule matches", message("ann@elsewhere.example", "Re: your offer", words)),
        ("of 100 KiB, and none matches", message("ann@elsewhere.example", "Re: your offer", &words.repeat(1280))),
    ]
}

fn facts() -> Facts<'static> {
    let recipient: &'static Address = Box::leak(Box::new("sophie@acme.example".parse().unwrap()));
    Facts {
        recipient,
        persona: Known::Is(None),
        person: Known::Is(None),
        kind: Known::Is(Kind::Human),
        evidence: Known::Is(Evidence::PersonaAddress),
        first_reply: Known::Is(false),
        opened: Known::Is(None),
        campaign: Known::Is(None),
        now: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn told(judged: &Judged<'_>) -> String {
    match judged.judgement {
        Judgement::Rule(rule, _) => rule.name.clone(),
        Judgement::Defaults => "default".into(),
        Judgement::CannotTell(rule, _) => format!("cannot tell {}", rule.name),
    }
}
