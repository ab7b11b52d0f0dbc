//! Conditions that look into messages, threads and the time: what is a mistake, and what is warned about.

use std::fs;

use rstest::rstest;

use super::*;

/// What is said of a rule with this `when`: mistakes, else warnings.
fn told(when: &str) -> Vec<String> {
    told_of(&format!("[[rule]]\nname = 'r'\nwhen = {{ {when} }}\nthen = 'hold'\n"))
}

fn told_of(text: &str) -> Vec<String> {
    let (remarks, kind) = match parse(&format!("{BASE}{text}")) {
        Err(problems) => (problems.remarks().to_vec(), ""),
        Ok((_, warnings)) => (warnings, "warning: "),
    };
    let told = remarks.iter().map(|remark| format!("{kind}{}: {}", remark.key, remark.message));
    told.filter(|line| !line.starts_with("warning: people")).collect()
}

#[rstest]
#[case("body = ['*refund*', '/money/'], attachment = '*.pdf'", &[])]
#[case("first_reply = true, thread_age = ['>30 days', '<=1h 30min']", &[])]
#[case("time = { days = ['mon-wed', 'sun'], from = '09:00', to = '24:00', zone = 'Europe/Paris' }", &[])]
#[case("time = [{ days = 'sat' }, { from = '22:00', to = '06:00' }]", &[])]
#[case("body = []", &["rule.when.body: is empty: nothing could match it; leave it out"])]
#[case("body = '/(/'", &[r#"rule.when.body: "/(/" is no pattern: unclosed group"#])]
#[case("attachment = 5", &["rule.when.attachment: invalid type: integer `5`, expected a text in quotes, or a list of such"])]
#[case("first_reply = 'yes'", &[r#"rule.when.first_reply: invalid value: string "yes", expected true or false"#])]
#[case("spam = 1", &["rule.when.spam: invalid value: integer `1`, expected true or false"])]
#[case("thread_age = '30 days'", &[r#"rule.when.thread_age: invalid value: string "30 days", expected a bound such as ">30 days": one of > >= < <=, and a duration in whole seconds"#])]
#[case("thread_age = '>1500ms'", &[r#"rule.when.thread_age: invalid value: string ">1500ms", expected a bound such as ">30 days": one of > >= < <=, and a duration in whole seconds"#])]
#[case("thread_age = []", &["rule.when.thread_age: is empty: nothing could match it; leave it out"])]
#[case("thread_age = '<0s'", &["rule.when.thread_age: never holds: no thread has such an age"])]
#[case("thread_age = '>5 days', not = { thread_age = '>1 day' }", &["rule.when.thread_age: never holds: no thread has such an age"])]
#[case("thread_age = '>1 day', not = { thread_age = '>5 days' }", &[])]
#[case("not = { thread_age = '>=0s' }", &[])]
#[case("first_reply = true, not = { first_reply = true }", &["rule.when.not: never holds: what it denies is asked for beside it"])]
#[case("campaign = 'spring-*'", &["warning: rule.when.campaign: no campaign is remembered without stamp.campaign_header"])]
#[case("auth = { dmarc = 'pass', spf = ['fail', 'softfail'] }", &["warning: rule.when.auth: never holds: no results are believed without inbound.authserv_id"])]
#[case("not = { any = [{ auth = { arc = 'pass' } }] }", &["warning: rule.when.not.any.auth: never holds: no results are believed without inbound.authserv_id"])]
#[case("auth = {}", &["rule.when.auth: is empty: nothing could match it; leave it out"])]
#[case("auth = { dkim = [] }", &["rule.when.auth.dkim: is empty: nothing could match it; leave it out"])]
#[case("auth = { dmark = 'pass' }", &[r#"rule.when.auth.dmark: unknown key; did you mean "dmarc"?"#, "rule.when.auth: is empty: nothing could match it; leave it out"])]
#[case("auth = { dmarc = ['pass', 'softfail'] }", &[r#"rule.when.auth.dmarc: "softfail" is none of pass, fail, none, temperror, permerror"#])]
#[case("auth = 'pass'", &[r#"rule.when.auth: invalid type: string "pass", expected a table, headed by the key in single brackets or written as { … }"#])]
#[case("spam = true", &["warning: rule.when.spam: never holds: marked mail is held before any rule (inbound.hold_spam)"])]
#[case("spam = false", &["warning: rule.when.spam: always holds: marked mail is held before any rule (inbound.hold_spam)"])]
#[case("time = {}", &["rule.when.time: names no days, no hours and no holidays: it would always hold"])]
#[case("time = { zone = 'UTC' }", &["rule.when.time: names no days, no hours and no holidays: it would always hold"])]
#[case("time = []", &["rule.when.time: is empty: nothing could match it; leave it out"])]
#[case("time = 'mon-fri'", &[r#"rule.when.time: invalid type: string "mon-fri", expected a table, or a list of tables"#])]
#[case("time = { days = ['mon', 'someday'] }", &[r#"rule.when.time.days: "someday" is no day; expected "mon" to "sun", or a row of days such as "mon-fri""#])]
#[case("time = { from = '9:00' }", &[r#"rule.when.time.from: invalid value: string "9:00", expected a time such as "09:30", from "00:00" to "24:00""#, "rule.when.time: names no days, no hours and no holidays"])]
#[case("time = { from = '09:00', to = '09:00' }", &["rule.when.time.to: 09:00 to 09:00 is no time; a whole day is 00:00 to 24:00"])]
#[case("time = { from = '24:00', to = '06:00' }", &["rule.when.time.to: 24:00 to 06:00 is no time; a whole day is 00:00 to 24:00"])]
#[case("time = [{ days = 'sat' }, { days = 'sun', zone = 'Europe/Pariss' }]", &[r#"rule.when.time.zone: the system knows no zone "Europe/Pariss"; expected a name such as "Europe/Paris""#])]
#[case("time = { days = 'sat', zoen = 'UTC' }", &[r#"rule.when.time.zoen: unknown key; did you mean "zone"?"#])]
#[case("not = { time = { days = 'mon-sun' } }", &["rule.when.not: never holds: what it denies is always so"])]
#[case("time = { days = 'mon' }, not = { time = [{ days = ['mon', 'tue'] }] }", &["rule.when.not: never holds: what it denies is asked for beside it"])]
fn conditions(#[case] when: &str, #[case] expected: &[&str]) {
    let told = told(when);
    assert_eq!(told.len(), expected.len(), "{when}: {told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{when}: {told}");
    }
}

#[rstest]
#[case("[stamp]\ncampaign_header = 'X-Campaign'\n[[rule]]\nname = 'r'\nwhen.campaign = 'x'\nthen = 'hold'", &[])]
#[case("[stamp]\ncampaign_header = 'X Campaign'", &[r#"stamp.campaign_header: is no name of a header field, such as "X-Campaign""#])]
#[case("[inbound]\nhold_spam = false\nauthserv_id = 'mx.acme.example'\n[[rule]]\nname = 'r'\nwhen = { spam = true, auth.dmarc = 'fail' }\nthen = 'hold'", &[])]
#[case("[[test]]\nmail = 'a.eml'\nto = 'sophie@acme.example'\nat = 'tomorrow'\nexpect.fate = 'hold'", &[r#"test.at: invalid value: string "tomorrow", expected a time such as "2026-12-24T18:00[Europe/Paris]" or "2026-12-24T17:00:00Z""#])]
#[case("[[rule]]\nname = 'a'\nwhen.time = { days = 'mon-fri' }\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen.time = { days = 'tue', from = '09:00' }\nthen = 'discard'", &[r#"rule: rule "b" is never asked: rule "a" above it matches all that it could match"#])]
#[case("[[rule]]\nname = 'a'\nwhen.body = ['*x*', '*y*']\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen = { body = '*X*', attachment = '*' }\nthen = 'discard'", &[r#"rule: rule "b" is never asked: rule "a" above it matches all that it could match"#])]
#[case("[[rule]]\nname = 'a'\nwhen.first_reply = true\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen.first_reply = false\nthen = 'discard'", &[])]
fn with_other_keys(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(told_of(&format!("{text}\n")), expected);
}

#[test]
fn a_list_of_holidays_is_read_where_the_file_lies_and_its_mistakes_have_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sincerely.toml");
    let rule = |name: &str| {
        format!(
            "[[rule]]\nname = '{name}'\nwhen = {{ time = {{ holidays = 'lists/fr.txt' }}, subject = '{name}' }}\nthen = 'hold'\n"
        )
    };
    let read = || Config::parse(&format!("{BASE}{}{}", rule("a"), rule("b")), &file);
    let problems = || read().unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "");
    assert!(
        problems().starts_with("sincerely.toml:7: rule.when.time.holidays: lists/fr.txt cannot be read: No such file")
    );
    fs::create_dir(folder.path().join("lists")).unwrap();
    let write = |text: &str| fs::write(folder.path().join("lists/fr.txt"), text).unwrap();
    write("12-25 Noël\n25.12.2026\n");
    let expected = r#"sincerely.toml:7: rule.when.time.holidays: lists/fr.txt:2: "25.12.2026" begins with no date; expected a line such as "2026-12-25", or "12-25" for every year"#;
    assert_eq!(problems(), expected, "once, however many rules name the list");
    write("12-25 Noël\n");
    let (config, _) = read().unwrap();
    let printed = config.policy.rules.list()[0].to_string();
    assert!(printed.contains(r#"time = { holidays = "lists/fr.txt" }"#), "{printed}");
    write(&"12-25\n".repeat(200_000));
    assert!(problems().contains("lists/fr.txt is no list: a text file of dates"));
}

#[test]
fn a_folder_is_no_list_of_holidays() {
    let told = told("time = { holidays = '/' }");
    assert_eq!(told, ["rule.when.time.holidays: / is no list: a text file of dates"]);
}
