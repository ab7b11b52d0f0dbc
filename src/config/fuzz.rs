//! The configuration: any text is one, or says what is wrong with it and where.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};

use super::include::Text;
use super::{Config, Problems, Remark};

/// The line that parts a main file from the file that it includes, whatever its `include` says.
const PART: &str = "\n### included\n";

/// Reads `input` as a configuration, of one file or of two.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (main, included) = text.split_once(PART).map_or((&*text, None), |(main, rest)| (main, Some(rest)));
    let read = || {
        let files = included.map(|text| Text { path: PathBuf::from("/etc/included.toml"), text: text.into() });
        Config::parse_with(main, Path::new("/etc/main.toml"), |_, _| files.into_iter().collect())
    };
    let lines = |file: &Path| {
        let text = if file.ends_with("main.toml") { main } else { included.unwrap() };
        text.split('\n').count()
    };
    match read() {
        Ok((config, warnings)) => {
            assert!(config.policy.people.personas().next().is_some());
            are_in_place(&warnings, lines);
        }
        Err(problems) => {
            assert!(!problems.remarks().is_empty());
            assert!(problems.remarks().len() <= text.len() + 10, "more mistakes than there are characters");
            are_in_place(problems.remarks(), lines);
            assert_eq!(told(read().err().unwrap()), told(problems), "the same mistakes again");
        }
    }
}

fn told(problems: Problems) -> String {
    problems.to_string()
}

/// Each says something about a line of its file.
fn are_in_place(remarks: &[Remark], lines: impl Fn(&Path) -> usize) {
    for remark in remarks {
        let line = remark.line.unwrap();
        assert!((1..=lines(&remark.file)).contains(&line), "{remark}");
        assert!(!remark.message.is_empty(), "{remark}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line that is right, or nearly.
    fn line() -> impl Strategy<Value = String> {
        let header = r"\[{1,2}(listen|relay|people\.[a-c]|personas\.[a-c]|rule|rule\.when|test|inbound|limits|[a-z]{0,3})\]{1,2}";
        let pair = "(hostname|address|inbox|answered_by|fallback|smtp|role|name|persona|subject|forward_to|line|include|[a-z.]{0,3}) ?= ?";
        let value = r#"("[a-c@.*/]{0,6}"|[0-9]{1,5}|true|\["[a-c]"(, )?("a@b")?\]|\{ ?[a-c] = 1 ?\}|[ -~]{0,5})"#;
        prop_oneof![1 => header.prop_map(|header| header), 2 => (pair, value).prop_map(|(pair, value)| pair + &value)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn configurations_that_are_nearly_right(lines in proptest::collection::vec(line(), 0..12), is_two in any::<bool>()) {
            let between = if is_two { PART } else { "\n" };
            let (one, two) = lines.split_at(lines.len() / 2);
            target(format!("{}{between}{}", one.join("\n"), two.join("\n")).as_bytes());
        }
    }
}
