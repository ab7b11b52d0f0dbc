//! Rules and tests: what is a mistake, what is warned about, and what a rule prints as.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::rules::{
    Additions, Age, Bound, Condition, Content, Days, Decision, Finding, Method, Pattern, Rule, Size, TimeOfDay, When,
    Window, Zone,
};

/// What is said of one rule with this `when` and `then`, the place left out: `key: message`.
fn told(when: &str, then: &str) -> Vec<String> {
    said(&format!("[[rule]]\nname = 'r'\nwhen = {{ {when} }}\nthen = {then}\n"))
}

/// What is said of lines below [`BASE`], with Tom: mistakes, else warnings.
fn said(text: &str) -> Vec<String> {
    let company = "[people.tom]\ninbox = 't@acme.example'\n[people.kim]\ninbox = 'k@acme.example'\n[personas.tom]\naddress = 'Tom <tom@acme.example>'\n\
        answered_by = 'tom'\n[inbound]\naccept = 'hello@acme.example'\n";
    let (remarks, kind) = match parse(&format!("{BASE}{company}{text}")) {
        Err(problems) => (problems.remarks().to_vec(), ""),
        Ok((_, warnings)) => (warnings, "warning: "),
    };
    let told = remarks.iter().map(|remark| format!("{kind}{}: {}", remark.key, remark.message));
    told.filter(|line| !line.starts_with("warning: people")).collect()
}

/// Whoever stands in may have any mail.
#[test]
fn who_stands_in_is_the_person_of_mail() {
    let away = "[[people.sophie.away]]\nfrom = 2026-12-21\nuntil = 2027-01-04\nto = 'kim'\n";
    for when in ["person = 'kim'", "person = 'kim', persona = 'tom'"] {
        assert_eq!(
            said(&format!("{away}[[rule]]\nname = 'r'\nwhen = {{ {when} }}\nthen = 'hold'\n")),
            [""; 0],
            "{when}"
        );
    }
}

#[rstest]
#[case("", r#""forward""#, &[])]
#[case("persona = ['sophie', 'tom'], person = 'tom', kind = 'human', evidence = ['seed', 'message-id']", "'hold'", &[])]
#[case("from = '*@a.example', to = '/x/', recipient = 'Sophie+x@acme.example', subject = ['a', 'b']", "'discard'", &[])]
#[case("header = { X-Foo = 'a', 'X-Bar' = ['b', '/c/'] }, size = ['>5 MiB', '<=10']", "{ hold = true }", &[])]
#[case("not = { any = [ { kind = 'list' }, { not = { subject = '?' } } ] }", "{ forward_to = ['tom', 'sophie'] }", &[])]
#[case("recipient = ['postmaster@sincerely.acme.example', 'hello@acme.example']", "{ forward = true, copy_to = 'tom' }", &[])]
#[case("kind = 'humn'", "'hold'", &[r#"rule.when.kind: "humn" is none of human, auto-reply, auto-generated, bounce, list, report, challenge; did you mean "human"?"#])]
#[case("evidence = ['seed', 'sed']", "'hold'", &[r#"rule.when.evidence: "sed" is none of recipient-token, seed, message-id, quoted-id, conversation, subject, correspondent, persona-address, by-name, unmatched; did you mean "seed"?"#])]
#[case("persona = 'sofie'", "'hold'", &[r#"rule.when.persona: there is no persona "sofie"; did you mean "sophie"?"#])]
#[case("person = 'nobody'", "'hold'", &[r#"rule.when.person: there is no person "nobody""#])]
#[case("subjct = 'a'", "'hold'", &[r#"rule.when.subjct: unknown key; did you mean "subject"?"#])]
#[case("not = { any = [ { subjct = 'a' } ] }", "'hold'", &[r#"rule.when.not.any.subjct: unknown key; did you mean "subject"?"#])]
#[case("subject = '/(/'", "'hold'", &[r#"rule.when.subject: "/(/" is no pattern: unclosed group"#])]
#[case("header = { X-A = ['a', '//'] }", "'hold'", &[r#"rule.when.header.X-A: "//" is no pattern: there is nothing between the slashes"#])]
#[case("header = { 'X A' = 'a' }", "'hold'", &[r#"rule.when.header."X A": is no name of a header field"#])]
#[case("size = '5 MiB'", "'hold'", &[r#"rule.when.size: invalid value: string "5 MiB", expected a bound such as ">5 MiB": one of > >= < <=, and a size"#])]
#[case("kind = []", "'hold'", &["rule.when.kind: is empty: nothing could match it; leave it out"])]
#[case("any = []", "'hold'", &["rule.when.any: is empty: nothing could match it; leave it out"])]
#[case("header = {}", "'hold'", &["rule.when.header: is empty: nothing could match it; leave it out"])]
#[case("kind = 5", "'hold'", &["rule.when.kind: invalid type: integer `5`, expected a name in quotes, or a list of such"])]
#[case("not = {}", "'hold'", &["rule.when.not: never holds: what it denies is always so"])]
#[case("not = { any = [ {}, { kind = 'list' } ] }", "'hold'", &["rule.when.not: never holds: what it denies is always so"])]
#[case("any = [ { not = {} }, { from = 'ann' } ]", "'hold'", &["rule.when.any.not: never holds: what it denies is always so"])]
#[case("any = [ { not = {} }, { from = '*ann*' } ]", "'hold'", &[])]
#[case("persona = 'sophie', person = 'tom'", "'hold'", &["warning: rule.when.person: answers for none of these personas: holds only while somebody is away for whom this person stands in"])]
#[case("person = 'kim'", "'hold'", &["warning: rule.when.person: answers for no persona, nor for what is unmatched: holds only while somebody is away for whom this person stands in"])]
#[case("person = ['kim', 'tom']", "'hold'", &[])]
#[case("persona = ['sophie', 'tom'], evidence = 'unmatched'", "'hold'", &["rule.when.persona: never holds: what is unmatched is for no persona"])]
#[case("thread_age = '>30 days', evidence = ['unmatched', 'persona-address']", "'hold'", &["warning: rule.when.thread_age: never holds: mail with no other evidence than this belongs to no thread yet; leave it out, or ask for evidence of a thread: recipient-token, seed, message-id, quoted-id, conversation or subject"])]
#[case("any = [ { first_reply = true, evidence = 'by-name' } ]", "'hold'", &["warning: rule.when.any.first_reply: never holds: mail with no other evidence than this belongs to no thread yet; leave it out, or ask for evidence of a thread: recipient-token, seed, message-id, quoted-id, conversation or subject"])]
#[case("thread_age = '>30 days', first_reply = true, evidence = ['unmatched', 'subject']", "'hold'", &[])]
#[case("first_reply = false, evidence = 'unmatched'", "'hold'", &[])]
#[case("first_reply = true, kind = ['list', 'bounce']", "'hold'", &["warning: rule.when.first_reply: never holds: only what a person wrote (kind = \"human\") is a first reply"])]
#[case("body = ['*a*', 'refund', '/refund/', '']", "'hold'", &["warning: rule.when.body: hardly ever holds: the whole text of a message must be \"refund\"; write \"*refund*\" to find it anywhere"])]
#[case("attachment = ['*.pdf', '.pdf', 'a.pdf', 'pdf']", "'hold'", &["warning: rule.when.attachment: hardly ever holds: the whole name of a file must be \".pdf\"; write \"*.pdf*\" to find it anywhere", "warning: rule.when.attachment: hardly ever holds: the whole name of a file must be \"pdf\"; write \"*pdf*\" to find it anywhere"])]
#[case("recipient = 'ann@acme.example'", "'hold'", &["rule.when.recipient: never holds: mail to ann@acme.example is refused at the door"])]
#[case("recipient = 'sophie'", "'hold'", &[r#"rule.when.recipient: never holds: "sophie" is no address; write "*@example.com" for all of a domain"#])]
#[case("recipient = ['sophie', 'tom@acme.example']", "'hold'", &[])]
#[case("from = 'acme.example'", "'hold'", &[r#"rule.when.from: never holds: "acme.example" is no address; write "*@example.com" for all of a domain"#])]
#[case("size = '<0'", "'hold'", &["rule.when.size: never holds: no message has such a size (limits.message_size is 52428800)"])]
#[case("size = '>50 MiB'", "'hold'", &["rule.when.size: never holds: no message has such a size (limits.message_size is 52428800)"])]
#[case("size = '>=50 MiB'", "'hold'", &[])]
#[case("size = '>5 MiB', not = { size = '>1 MiB' }", "'hold'", &["rule.when.size: never holds: no message has such a size (limits.message_size is 52428800)"])]
#[case("size = '>1 MiB', not = { size = '>5 MiB' }", "'hold'", &[])]
fn conditions(#[case] when: &str, #[case] then: &str, #[case] expected: &[&str]) {
    assert_eq!(told(when, then), expected, "{when}");
}

const BOUNCE: &str = "warning: rule.then: reject: the mail server in front will send a bounce, perhaps to somebody who wrote nothing; hold tells nobody";
const DKIM: &str =
    "warning: rule.then.subject_prefix: breaks the DKIM signature of most mail: servers behind may take it for forged";

#[rstest]
#[case("'reject'", &[BOUNCE])]
#[case("{ reject = true }", &[BOUNCE])]
#[case("{ reject = 'Write to hello@acme.example' }", &[BOUNCE])]
#[case("{ forward = true, subject_prefix = '[Büro] ', add_header = { 'X-Team' = 'Büro' } }", &[DKIM])]
#[case("'forwrad'", &[r#"rule.then: "forwrad" is none of forward, hold, reject, discard; did you mean "forward"?"#])]
#[case("{}", &["rule.then: has no fate: write one of forward, hold, reject, discard or forward_to, or continue = true"])]
#[case("{ hold = true, forward_to = 'tom' }", &["rule.then: has two fates, hold and forward_to; keep one"])]
#[case("{ hold = false }", &["rule.then.hold: says nothing; leave it out", "rule.then: has no fate"])]
#[case("{ hold = 'yes' }", &[r#"rule.then.hold: invalid value: string "yes", expected true or false"#, "rule.then: has no fate"])]
#[case("{ reject = false }", &["rule.then.reject: invalid value: boolean `false`, expected true, or a text for the sender in quotes", "rule.then: has no fate"])]
#[case("{ reject = 'Bitte schön' }", &["rule.then.reject: must be one line of 400 ASCII characters at most: it stands in a reply"])]
#[case("{ reject = true, copy_to = 'tom' }", &["rule.then: what is rejected goes to nobody: leave the additions out"])]
#[case("{ hold = true, subject_prefix = 'x' }", &["warning: rule.then: what is held stays as it came: add_header and subject_prefix change copies only", DKIM])]
#[case("{ forward_to = 'tam' }", &[r#"rule.then.forward_to: "tam" is no person, no persona and no address; did you mean "tom"?"#])]
#[case("{ forward_to = [] }", &["rule.then.forward_to: is empty: name a person, a persona or an address"])]
#[case("{ forward_to = 'Sophie+x@acme.example' }", &["rule.then.forward_to: Sophie+x@acme.example is an address of persona sophie: mail to it would come back; expected a personal inbox"])]
#[case("{ forward = true, copy_to = ['tom', 'hello@acme.example'] }", &["rule.then.copy_to: hello@acme.example is in inbound.accept: mail to it would come back; expected a personal inbox"])]
#[case("{ forward_to = 'x@other.example' }", &["warning: rule.then.forward_to: x@other.example is outside the domains of the personas: its server may refuse forwarded mail (SPF), and customers see its bounces; set reply_domain"])]
#[case("{ forward = true, add_header = { Received = 'x' } }", &["rule.then.add_header.Received: is a field that a rule may not add; a name of your own begins with X-"])]
#[case("{ forward = true, add_header = { 'content-x' = 'x', 'a b' = 'x' } }", &[r#"rule.then.add_header."a b": is no name of a header field"#, "rule.then.add_header.content-x: is a field that a rule may not add; a name of your own begins with X-"])]
#[case(r#"{ forward = true, add_header = { X-A = "x\r\nBcc: y" } }"#, &["rule.then.add_header.X-A: holds a line break or another control character"])]
#[case("{ forward = true, subject_prefix = ' ' }", &["rule.then.subject_prefix: is empty"])]
#[case("{ forward = true, subject_prefix = '=?utf-8?q?x?=', add_header.X-A = 'a =?us-ascii?q?x?= b' }", &["rule.then.add_header.X-A: is an encoded word (RFC 2047): write what it says, it is encoded where it must be", "rule.then.subject_prefix: is an encoded word (RFC 2047): write what it says, it is encoded where it must be"])]
#[case("{ forward = true, add_headr = {} }", &[r#"rule.then.add_headr: unknown key; did you mean "add_header"?"#])]
#[case("5", &[r#"rule.then: invalid type: integer `5`, expected a word such as "hold", or a table such as { forward_to = "tom" }"#])]
fn what_is_done(#[case] then: &str, #[case] expected: &[&str]) {
    let told = told("kind = 'human'", then);
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[rstest]
#[case("[[rule]]\nthen = 'hold'", &["rule.name: missing: what the log calls this rule, in quotes"])]
#[case("[[rule]]\nname = 'a'", &[r#"rule.then: missing: what to do, such as "discard" or { forward_to = "tom" }"#])]
#[case("[[rule]]\n[[rule]]", &["rule.name: missing", "rule.then: missing", "rule.name: missing", "rule.then: missing"])]
#[case("[[rule]]\nname = \"a\\u202Eb\"\nthen = 'hold'", &["rule.name: holds a control character, or one that turns the direction of reading"])]
#[case("[[rule]]\nname = 'default'\nthen = 'hold'", &["rule.name: is what the log calls the defaults; choose another name"])]
#[case("[[rule]]\nname = 'a'\nwhen.kind = 'list'\nthen = 'hold'\n[[rule]]\nname = 'a'\nthen = 'hold'", &["rule.name: is the name of the rule in f:14 too"])]
#[case("[[rule]]\nname = 'a'\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen.kind = 'list'\nthen = 'hold'", &[r#"rule: rule "b" is never asked: rule "a" above it matches every message"#])]
#[case("[[rule]]\nname = 'a'\nwhen.any = [{}]\nthen = 'hold'\n[[rule]]\nname = 'b'\nthen = 'hold'", &[r#"rule: rule "b" is never asked: rule "a" above it matches every message"#])]
#[case("[[rule]]\nname = 'a'\nwhen.subject = 'x'\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen.subject = 'x'\nthen = 'discard'", &[r#"rule: rule "b" is never asked: rule "a" above it has the same conditions"#])]
#[case("[[rule]]\nname = 'a'\nwhen = { subject = ['x', '*Y'], kind = 'list' }\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen = { kind = 'list', subject = ['*y', 'X'] }\nthen = 'discard'", &[r#"rule: rule "b" is never asked: rule "a" above it has the same conditions"#])]
#[case("[[rule]]\nname = 'a'\nwhen.kind = ['list', 'report']\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen = { kind = 'list', subject = 'x' }\nthen = 'discard'", &[r#"rule: rule "b" is never asked: rule "a" above it matches all that it could match"#])]
#[case("[[rule]]\nname = 'a'\nwhen = { kind = 'list', subject = 'x' }\nthen = 'hold'\n[[rule]]\nname = 'b'\nwhen.kind = 'list'\nthen = 'discard'", &[])]
#[case("[[rule]]\nname = 'a'\nwhen.recipient = '*'\nthen = 'hold'\n[[rule]]\nname = 'b'\nthen = 'hold'", &[r#"rule: rule "b" is never asked: rule "a" above it matches every message"#])]
#[case("[[rule]]\nname = 'a'\nwhen = { kind = 'human', not = { kind = ['list', 'human'] } }\nthen = 'hold'", &["rule.when.not: never holds: what it denies is asked for beside it"])]
#[case("[[rule]]\nname = 'a'\nwhen = { kind = 'human', not = { kind = 'human', subject = 'x' } }\nthen = 'hold'", &[])]
#[case("[[rule]]\nname = 'a'\ncontinue = true\nthen.copy_to = 'tom'\n[[rule]]\nname = 'b'\nthen = 'hold'", &[])]
#[case("[[rule]]\nname = 'a'\ncontinue = true\nthen = { hold = true, copy_to = 'tom' }", &["rule.then: a rule that goes on (continue = true) has no fate; leave hold out"])]
#[case("[[rule]]\nname = 'a'\ncontinue = true\nthen = {}", &["rule.then: adds nothing: write copy_to, add_header or subject_prefix"])]
#[case("[[rule]]\nname = 'a'\ncontinue = false\nthen.copy_to = 'tom'", &["rule.then: has no fate"])]
#[case("[rule]\nx = 1", &["rule: invalid type: map, expected a list of tables, each headed by the key in double brackets or written as [{ … }]"])]
#[case("people.team.inbox = 'team@acme.example'\n[[rule]]\nname = 'a'\nthen.forward_to = 'team'", &[])]
fn rules_together(#[case] text: &str, #[case] expected: &[&str]) {
    let text = if text.starts_with("people") {
        format!("[x]\n{text}").replace("[x]\npeople.team.inbox =", "[people.team]\ninbox =")
    } else {
        text.into()
    };
    let told = said(&text);
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn conditions_in_conditions_have_an_end() {
    let nested = |depth: usize| format!("{}subject = 'x'{}", "not = { ".repeat(depth), " }".repeat(depth));
    assert_eq!(told(&nested(16), "'hold'"), [""; 0]);
    let [told] = <[String; 1]>::try_from(told(&nested(17), "'hold'")).unwrap();
    assert!(told.ends_with("stands deeper than 16 levels of not and any; write it flatter"), "{told}");
}

#[rstest]
#[case("to = 'a@acme.example'\nexpect.fate = 'hold'", &["test.mail: missing: the file of a message"])]
#[case("mail = 'a.eml'\nexpect.fate = 'hold'", &["test.to: missing: the recipient"])]
#[case("mail = 'a.eml'\nto = 'a@acme.example'", &["test.expect: expects nothing: write what must come out"])]
#[case("mail = 'a.eml'\nto = 'a@acme.example'\nfrom = '<>'\nexpect = { fate = 'hold', rule = 'default', reply = 250 }", &[])]
#[case("mail = 'a.eml'\nto = 'a@acme.example'\nexpect = { fate = 'held', rule = 'deflt', forward_to = 'tam', hold = 'rul' }", &[
    r#"test.expect.fate: "held" is none of forward, hold, reject, discard, defer"#,
    r#"test.expect.forward_to: "tam" is no person, no persona and no address; did you mean "tom"?"#,
    r#"test.expect.rule: "deflt" is none of default; did you mean "default"?"#,
    r#"test.expect.hold: "rul" is none of auto-reply, auto-generated, bounce, list, report, spam, loop, unmatched, rule, rejected, undelivered, unsupported; did you mean "rule"?"#,
])]
#[case("mail = 'a.eml'\nto = 'a@acme.example'\nexpect = { reply = 20, persona = 'x', person = 'x', kind = 'x', evidence = 'x' }", &[
    "test.expect.reply: invalid value: integer `20`, expected the code of a reply such as 250, 451 or 550",
    r#"test.expect.kind: "x" is none of"#,
    r#"test.expect.evidence: "x" is none of"#,
    r#"test.expect.persona: "x" is none of"#,
    r#"test.expect.person: "x" is none of"#,
])]
#[case("mail = 'a.eml'\nto = 'a@acme.example'\nexpect = { fate = 'defer', evidence = 'seed', hold = 'undelivered' }", &[
    "test.expect.fate: defer cannot come out here: a test remembers, signs and sends nothing",
    "test.expect.evidence: seed cannot come out here: ",
    "test.expect.hold: undelivered cannot come out here: ",
])]
fn tests_of_rules(#[case] text: &str, #[case] expected: &[&str]) {
    let told = said(&format!("[[test]]\n{text}\n"));
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

/// Names that `BASE` and the lines below know.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("sophie".to_owned()), Just("tom".to_owned())]
}

fn several<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(one, 1..4)
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let text = prop_oneof!["\\PC{0,12}", "[*?a-z\"'\\\\]{0,8}", "/[a-z.*\\\\d]{1,6}/", "[\\x00-\\x1f\\x7f]{1,3}"];
    text.prop_filter_map("a pattern", |text| Pattern::new(&text).ok())
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![Just(Bound::Above), Just(Bound::AtLeast), Just(Bound::Below), Just(Bound::AtMost)]
}

fn auth() -> impl Strategy<Value = (Method, Vec<Finding>)> {
    use strum::VariantArray;
    proptest::sample::select(Method::VARIANTS)
        .prop_flat_map(|method| (Just(method), several(proptest::sample::select(method.findings()))))
}

fn window() -> impl Strategy<Value = Window> {
    let days = several(proptest::sample::select(vec!["mon", "tue-thu", "fri-mon", "sun", "mon-sun"]));
    let days = days.prop_map(|words| {
        let mut days = Days::default();
        assert!(words.iter().all(|word| days.add(word)));
        days
    });
    let time = (0..=24_u8, 0..60_u8).prop_map(|(hour, minute)| {
        let minute = if hour == 24 { 0 } else { minute };
        TimeOfDay::read(&format!("{hour:02}:{minute:02}")).unwrap()
    });
    let zone = proptest::option::of(proptest::sample::select(vec!["Europe/Paris", "Asia/Tokyo", "UTC"]));
    (days, time.clone(), time, zone)
        .prop_filter("some time", |(_, from, to, _)| from != to && *from != TimeOfDay::END)
        .prop_map(|(days, from, to, name)| {
            let rules = name.map_or_else(jiff::tz::TimeZone::system, |name| jiff::tz::TimeZone::get(name).unwrap());
            Window { days, from, to, zone: Zone { name: name.map(Into::into), rules }, holidays: None }
        })
}

fn content() -> impl Strategy<Value = Content> {
    let size = (bound(), 0..u64::from(u32::MAX));
    prop_oneof![
        several(pattern()).prop_map(Content::From),
        several(pattern()).prop_map(Content::To),
        several(pattern()).prop_map(Content::Subject),
        proptest::collection::btree_map("[!-9;-~]{1,8}", several(pattern()), 1..3).prop_map(Content::Header),
        several(pattern()).prop_map(Content::Body),
        several(pattern()).prop_map(Content::Attachment),
        several(size.prop_map(|(bound, octets)| Size { bound, octets })).prop_map(Content::Size),
        several(auth()).prop_map(|methods| Content::Auth(methods.into_iter().collect())),
        any::<bool>().prop_map(Content::Spam),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    use strum::VariantArray;
    let leaf = prop_oneof![
        several(name().prop_map(PersonaName)).prop_map(Condition::Persona),
        several(name().prop_map(PersonName)).prop_map(Condition::Person),
        several(proptest::sample::select(Kind::VARIANTS)).prop_map(Condition::Kind),
        several(proptest::sample::select(Evidence::VARIANTS)).prop_map(Condition::Evidence),
        several(pattern()).prop_map(Condition::Recipient),
        any::<bool>().prop_map(Condition::FirstReply),
        several((bound(), 0..100_000_000_u64).prop_map(|(bound, seconds)| Age { bound, seconds }))
            .prop_map(Condition::ThreadAge),
        several(pattern()).prop_map(Condition::Campaign),
        several(window()).prop_map(Condition::Time),
        content().prop_map(Condition::Content),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let when = proptest::option::of(inner).prop_map(|one| When(one.into_iter().collect()));
        prop_oneof![when.clone().prop_map(Condition::Not), several(when).prop_map(Condition::Any)]
    })
}

/// Two conditions of different kinds, in the order in which the file is read.
fn when() -> impl Strategy<Value = When> {
    let second = condition().prop_filter("another kind", |it| matches!(it, Condition::Not(_) | Condition::Any(_)));
    (proptest::option::of(content().prop_map(Condition::Content)), proptest::option::of(second))
        .prop_map(|(one, other)| When(one.into_iter().chain(other).collect()))
}

fn target() -> impl Strategy<Value = Target> {
    let address = "[a-z]{1,5}@out\\.example".prop_map(|text| Target::Address(text.parse().unwrap()));
    let persona = Just(Target::Persona(PersonaName("team".into())));
    prop_oneof![name().prop_map(|name| Target::Person(PersonName(name))), persona, address]
}

fn additions() -> impl Strategy<Value = Additions> {
    (
        proptest::collection::vec(target(), 0..3),
        proptest::collection::btree_map("X-[A-Z]{1,5}", "[ -~é'\"\\\\]{0,9}[a-z]", 0..3),
        proptest::option::of("[ -~é]{0,9}[a-z]"),
    )
        .prop_map(|(copy_to, add_header, subject_prefix)| Additions { copy_to, add_header, subject_prefix })
}

fn rule() -> impl Strategy<Value = Rule> {
    let decision = prop_oneof![
        Just(Decision::Forward),
        several(target()).prop_map(Decision::ForwardTo),
        Just(Decision::Hold),
        proptest::option::of("[!-~]{1,20}").prop_map(Decision::Reject),
        Just(Decision::Discard),
    ];
    let when = prop_oneof![when(), condition().prop_map(|one| When(vec![one]))];
    ("[\\PC--[\\p{Zl}\\p{Zp}]]{0,12}[a-z]", when, proptest::option::of(decision), additions())
        .prop_filter("a rule that does something", |(name, _, decision, additions)| {
            let is_idle = decision.is_none() && additions.is_empty();
            let is_useless = matches!(decision, Some(Decision::Reject(_))) && !additions.is_empty();
            name != "default" && !is_idle && !is_useless
        })
        .prop_map(|(name, when, decision, additions)| Rule { name, when, decision, additions })
}

proptest! {
    #[test]
    fn a_rule_prints_as_one_line_that_reads_as_the_same_rule(rule in rule()) {
        let printed = rule.to_string();
        prop_assert!(!printed.contains('\n'), "{printed}");
        let text = format!("rule = [ {printed} ]\n{BASE}people.tom.inbox = 't@acme.example'\n\
            personas.tom = {{ address = 'Tom <tom@acme.example>', answered_by = 'tom' }}\n\
            personas.team = {{ address = 'Team <team@acme.example>', answered_by = 'tom' }}\n");
        let path = Path::new("f");
        let (file, mut report) = File::read(&text, path).unwrap();
        let written = crate::config::include::read(&[], file, &mut report).unwrap();
        let again = crate::config::rules::check(&written.rules, &written.file, &mut report);
        prop_assert_eq!(again.list(), &[rule], "{}", printed);
        prop_assert!(!report.has_mistakes(), "{}", report.into_problems());
    }
}

proptest! {
    /// Whoever looks by hints finds all that follows.
    #[test]
    fn what_follows_shares_a_hint(one in when(), other in when(), more in condition()) {
        let narrower = When(one.0.iter().cloned().chain([more]).collect());
        for (wider, narrower) in [(&one, &narrower), (&one, &one), (&one, &other)] {
            if wider.follows_from(narrower) && !wider.0.is_empty() {
                let leads = narrower.leads();
                prop_assert!(wider.roots().iter().any(|root| leads.contains(root)), "{wider} from {narrower}");
            }
        }
        prop_assert!(one.follows_from(&narrower));
    }
}

#[test]
fn the_name_of_a_rule_has_room_in_a_line() {
    let named = |octets: usize| said(&format!("[[rule]]\nname = '{}'\nthen = 'hold'\n", "x".repeat(octets)));
    assert_eq!(named(200), [""; 0]);
    assert_eq!(named(201), ["rule.name: is too long: 201 octets; 200 at most"]);
}

#[test]
fn a_recipient_of_an_internal_domain_is_seen_by_its_real_address() {
    let aliases = "aliases = { 'sincerely.internal' = 'acme.example' }\n";
    let rule = "[[rule]]\nname = 'a'\nwhen.recipient = 'Sophie+x@sincerely.internal'\nthen = 'hold'\n";
    let told = said(&format!("{aliases}{rule}"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].ends_with("mail to Sophie+x@sincerely.internal is mail to Sophie+x@acme.example: write that"),
        "{told:?}"
    );
    assert_eq!(said(&format!("{aliases}{}", rule.replace("sincerely.internal", "acme.example"))), [""; 0]);
}
