//! The shortlist leaves nothing out that matches.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::mail::{Evidence, Kind, PersonaName};
use crate::message::auth::Results;
use crate::message::{Message, Mime};
use crate::rules::{Additions, Age, Bound, Decision, Facts, Judged, Judgement, Known, Reading, Rules, Size, Window};
use crate::rules::{Days, TimeOfDay, Zone};

/// Few words, so that they meet; letters that have several cases among them.
fn word() -> impl Strategy<Value = String> {
    let letters = [
        "a",
        "B",
        "k",
        "\u{212a}",
        "s",
        "\u{17f}",
        "ß",
        "ẞ",
        "ss",
        "σ",
        "ς",
        "İ",
        "i",
        "@x.example",
        "@Y.example",
        " ",
    ];
    proptest::collection::vec(proptest::sample::select(letters.to_vec()), 1..4).prop_map(|parts| parts.concat())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let text = (word(), word(), 0..11_u8).prop_map(|(one, two, shape)| match shape {
        0 => one,
        1 => format!("*{one}"),
        2 => format!("{one}*"),
        3 => format!("*{one}*"),
        4 => format!("{one}*{two}"),
        5 => format!("*{one}?{two}*"),
        6 => format!("/{}/", regex::escape(&one)),
        7 => "*".to_owned(),
        8 => format!("/{}|[x{}]+/", regex::escape(&one), regex::escape(&two)),
        9 => format!(r"/({}|{})\b?a?/", regex::escape(&one), regex::escape(&two)),
        _ => "?*".to_owned(),
    });
    text.prop_map(|text| Pattern::new(&text).unwrap())
}

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    proptest::collection::vec(pattern(), 0..3)
}

fn content() -> impl Strategy<Value = Content> {
    let fields = proptest::collection::btree_map(
        proptest::sample::select(vec!["X-A".to_owned(), "x-a".into(), "X-B".into()]),
        patterns(),
        0..3,
    );
    prop_oneof![
        patterns().prop_map(Content::From),
        patterns().prop_map(Content::To),
        patterns().prop_map(Content::Subject),
        fields.prop_map(Content::Header),
        patterns().prop_map(Content::Body),
        patterns().prop_map(Content::Attachment),
        (0..400_u64).prop_map(|octets| Content::Size(vec![Size { bound: Bound::Above, octets }])),
        any::<bool>().prop_map(Content::Spam),
        Just(Content::Auth(BTreeMap::new())),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        8 => content().prop_map(Condition::Content),
        2 => patterns().prop_map(Condition::Recipient),
        1 => patterns().prop_map(Condition::Campaign),
        1 => Just(Condition::Persona(vec![PersonaName("sophie".into())])),
        1 => Just(Condition::Kind(vec![Kind::Human])),
        1 => Just(Condition::Evidence(vec![Evidence::Seed])),
        1 => any::<bool>().prop_map(Condition::FirstReply),
        1 => (0..90_u64).prop_map(|seconds| Condition::ThreadAge(vec![Age { bound: Bound::Below, seconds }])),
        1 => any::<bool>().prop_map(|now| Condition::Time(vec![window(now)])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let when = proptest::collection::vec(inner, 0..3).prop_map(When);
        prop_oneof![
            when.clone().prop_map(Condition::Not),
            proptest::collection::vec(when, 0..3).prop_map(Condition::Any)
        ]
    })
}

/// A window in which [`NOW`] is, or is not.
fn window(is_now: bool) -> Window {
    let (from, to) = if is_now { ("00:00", "24:00") } else { ("01:00", "01:01") };
    let time = |text| TimeOfDay::read(text).unwrap();
    let zone = Zone { name: Some("UTC".into()), rules: jiff::tz::TimeZone::UTC };
    Window { days: Days::ALL, from: time(from), to: time(to), zone, holidays: None }
}

const NOW: i64 = 1_800_000_000;

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (proptest::collection::vec(condition(), 0..3), any::<bool>());
    proptest::collection::vec(rule, 0..90).prop_map(|rules| {
        let rule = |(index, (when, ends)): (usize, (Vec<Condition>, bool))| Rule {
            name: index.to_string(),
            when: When(when),
            decision: ends.then_some(Decision::Hold),
            additions: Additions::default(),
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

fn message() -> impl Strategy<Value = Message> {
    let words = proptest::collection::vec(word(), 6);
    words.prop_map(|words| {
        let [from, to, subject, field, body, name] = <[String; 6]>::try_from(words).unwrap();
        let text = format!(
            "From: <a{from}@x.example>\r\nTo: b{to}@y.example\r\nSubject: {subject}\r\nX-A: {field}\r\nX-B: {subject}\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{body}\r\n\
            --b\r\nContent-Type: image/png; name=\"{name}\"\r\n\r\nx\r\n--b--\r\n"
        );
        Message::read(Bytes::from(text))
    })
}

fn known<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Known<T>> {
    let value = value.boxed();
    prop_oneof![
        4 => value.clone().prop_map(Known::Is),
        1 => proptest::collection::vec(value, 1..3).prop_map(Known::OneOf),
        1 => Just(Known::Unknown),
    ]
}

/// What is known of a message, but for its recipient.
fn facts(recipient: &Address) -> impl Strategy<Value = Facts<'_>> {
    let persona =
        proptest::option::of(proptest::sample::select(vec!["sophie", "tom"]).prop_map(|name| PersonaName(name.into())));
    let opened = proptest::option::of((0..90_i64).prop_map(|ago| jiff::Timestamp::from_second(NOW - ago).unwrap()));
    let kind = proptest::sample::select(vec![Kind::Human, Kind::List]);
    let evidence = proptest::sample::select(vec![Evidence::Seed, Evidence::Unmatched]);
    let of_thread = (known(any::<bool>()), known(opened), known(proptest::option::of(word())));
    (known(persona), known(kind), known(evidence), of_thread).prop_map(
        |(persona, kind, evidence, (first_reply, opened, campaign))| Facts {
            recipient,
            persona,
            person: Known::Unknown,
            kind,
            evidence,
            first_reply,
            opened,
            campaign,
            now: jiff::Timestamp::from_second(NOW).unwrap(),
        },
    )
}

fn told(judged: &Judged<'_>) -> String {
    let continued: Vec<&str> = judged.continued.iter().map(|rule| rule.name.as_str()).collect();
    let end = match judged.judgement {
        Judgement::Rule(rule, _) => format!("rule {}", rule.name),
        Judgement::Defaults => "defaults".into(),
        Judgement::CannotTell(rule, _) => format!("cannot tell {}", rule.name),
    };
    format!("{continued:?} {end}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// In its order, with what goes on and what cannot be told: nothing is other than if each rule were asked.
    #[test]
    fn a_shortlist_changes_nothing(
        rules in rules(),
        message in message(),
        facts in "[abks]{1,3}@[xy]\\.example".prop_map(|text| &*Box::leak(Box::new(text.parse::<Address>().unwrap()))).prop_flat_map(facts),
    ) {
        let rules = Rules::new(rules);
        let all = Reading::new(&rules, &message, Mime::default(), Results::Silent);
        let some = Reading::new(&rules, &message, Mime::default(), Results::Silent);
        prop_assert_eq!(told(&some.judge(&facts)), told(&all.judge_one_by_one(&facts)));
        prop_assert_eq!(told(&some.judge(&facts)), told(&all.judge_one_by_one(&facts)), "for another recipient");
    }

    #[test]
    fn places_come_in_their_order(places in proptest::collection::btree_set(0..300_usize, 0..40)) {
        let mut set = Places::default();
        places.iter().rev().for_each(|place| set.add(*place));
        prop_assert!((0..400).all(|place| set.contains(place) == places.contains(&place)));
        prop_assert_eq!(set.into_iter().collect::<Vec<_>>(), places.into_iter().collect::<Vec<_>>());
    }
}

/// Whatever a regular expression takes for one letter is one letter here.
#[test]
fn letters_that_are_one_to_a_pattern_are_one_to_a_net() {
    let has_cases = |c: &char| coarse(&c.to_string()) != c.to_string() || c.to_uppercase().ne([*c]);
    let cased: Vec<char> = ('\0'..=char::MAX).filter(has_cases).collect();
    assert!(cased.len() > 2000);
    let all: String = cased.iter().collect();
    let mut merged = 0;
    for c in &cased {
        let folds = regex::RegexBuilder::new(&regex::escape(&c.to_string())).case_insensitive(true).build().unwrap();
        for other in folds.find_iter(&all) {
            assert_eq!(coarse(other.as_str()), coarse(&c.to_string()), "{c} {}", other.as_str());
            merged += usize::from(other.as_str() != c.to_string());
        }
    }
    assert!(merged > 2000, "{merged}");
}

#[test]
fn only_what_can_match_is_asked() {
    let rule = |index: usize, condition: Condition| Rule {
        name: index.to_string(),
        when: When(vec![condition]),
        decision: Some(Decision::Hold),
        additions: Additions::default(),
    };
    let one = |text: &str| vec![Pattern::new(text).unwrap()];
    let content = |content| Condition::Content(content);
    let conditions = vec![
        content(Content::From(one("*@other.example"))),
        content(Content::From(one("*@customer.example"))),
        content(Content::From(one("ANN@customer.example"))),
        content(Content::Subject(one("/refund/"))),
        content(Content::Subject(one("*invoice*"))),
        content(Content::Body(one("*refund*"))),
        content(Content::Body(one("*money*"))),
        Condition::Any(vec![
            When(vec![content(Content::Subject(one("a*")))]),
            When(vec![content(Content::To(one("x@y")))]),
        ]),
        Condition::Not(When(vec![content(Content::Subject(one("a*")))])),
        Condition::Recipient(one("sophie@acme.example")),
        Condition::Recipient(one("tom@acme.example")),
        content(Content::Subject(one(r"/\d{4}/"))),
        content(Content::Body(one(r"/(money|refund)\b.*/"))),
    ];
    let rules = Rules::new(conditions.into_iter().enumerate().map(|(index, it)| rule(index, it)).collect());
    let text = "From: ann@customer.example\r\nSubject: Hi\r\n\r\na refund\r\n";
    let message = Message::read(Bytes::from(text));
    let reading = Reading::new(&rules, &message, Mime::default(), Results::Silent);
    let recipient = "sophie@acme.example".parse().unwrap();
    let asked: Vec<usize> = rules.shortlist.of(&reading, &recipient).collect();
    assert_eq!(asked, [1, 2, 5, 8, 9, 11, 12]);
}

/// Thousands of patterns share a word: what each has of its own is looked for.
#[test]
fn what_all_rules_share_tells_none_apart() {
    for shape in [r"/order\s*#N/", "*order*N*"] {
        let rule = |index: usize| Rule {
            name: index.to_string(),
            when: When(vec![Condition::Content(Content::Subject(vec![
                Pattern::new(&shape.replace('N', &(index + 100).to_string())).unwrap(),
            ]))]),
            decision: Some(Decision::Hold),
            additions: Additions::default(),
        };
        let rules = Rules::new((0..800).map(rule).collect());
        let message = Message::read(Bytes::from("Subject: your order #234\r\n\r\n"));
        let reading = Reading::new(&rules, &message, Mime::default(), Results::Silent);
        let recipient = "sophie@acme.example".parse().unwrap();
        assert_eq!(rules.shortlist.of(&reading, &recipient).collect::<Vec<_>>(), [134], "{shape}");
    }
}
