//! What is written beside Postfix's configuration is what is in it.

use std::fs;

use crate::document::{read, root, section, table, words};
use crate::none;

const README: &str = "config/postfix/README.md";
const BYPASS: &str = "config/postfix/BYPASS.md";

/// The parameters and options that we ship, without comments.
fn shipped() -> String {
    let files = ["main.cf", "master.cf", "applications.cidr"].map(|name| read(&format!("config/postfix/{name}")));
    let lines = files.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_setting_that_is_explained_is_there() {
    let (shipped, setup) = (shipped(), read("config/postfix/setup"));
    let rows = table(README, "What each setting is for");
    let mut complaints = Vec::new();
    for row in rows {
        let settings = words(&row[0]).into_iter().filter(|word| word != "no_unknown_recipient_checks");
        for setting in settings.map(|word| word.trim_start_matches('…').to_owned()) {
            let is_there = |part: &str| shipped.contains(part) || setup.contains(part);
            if !setting.split(" … ").all(is_there) {
                complaints.push(format!("{README} explains `{setting}`, which is in no file"));
            }
        }
    }
    none(complaints);
}

#[test]
fn every_parameter_of_ours_is_one() {
    let shipped = shipped();
    let is_name =
        |word: &&str| word.starts_with("sincerely_") && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut complaints = Vec::new();
    for document in [README, BYPASS] {
        let text = read(document);
        let names = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(is_name);
        let unknown =
            names.filter(|name| !shipped.contains(&format!("{name} =")) && !shipped.contains(&format!("{name}\n")));
        complaints.extend(unknown.map(|name| format!("{document} speaks of {name}, which main.cf does not set")));
    }
    none(complaints);
}

#[test]
fn every_file_of_the_folder_is_shown() {
    let shown: Vec<String> = table(README, "Beside Postfix").iter().flat_map(|row| words(&row[0])).collect();
    let files = fs::read_dir(root().join("config/postfix")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let others = ["README.md", "BYPASS.md"];
    none(
        names
            .filter(|name| !others.contains(&name.as_str()) && !shown.contains(name))
            .map(|name| format!("{README} leaves out {name}")),
    );
}

/// The commands by hand are what the script does.
#[test]
fn the_bypass_by_hand_is_that_of_the_script() {
    let by_hand = section(BYPASS, "When something is wrong at night");
    let script = read("config/postfix/bypass").replace("\\$", "$");
    let line = by_hand.lines().find(|line| line.starts_with("postconf -e ")).unwrap();
    let assignments: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
    assert_eq!(assignments.len(), 3);
    none(
        assignments
            .iter()
            .filter(|assignment| {
                !script.contains(&format!("\"{}\"", assignment.replace(" = ", "=").replace(" =", "=")))
            })
            .map(|assignment| format!("the script does not say {assignment}")),
    );
}

/// What the README has copied is here, and the files that the tests use are those.
#[test]
fn commands_name_files_of_the_repository() {
    let text = section("README.md", "Beside Postfix, in ten minutes");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let words = blocks.flat_map(str::split_whitespace);
    let ours = words.filter(|word| ["config/", "examples/", "systemd/"].iter().any(|folder| word.starts_with(folder)));
    let ours: Vec<&str> = ours.collect();
    assert!(ours.contains(&"config/postfix") && ours.contains(&"examples/postfix.toml"), "{ours:?}");
    none(ours.iter().filter(|path| !root().join(path).exists()).map(|path| format!("{path} is not there")));
    let harness = read("tests/real/postfix.rs") + &read("tests/real/company.rs");
    for file in
        ["config/postfix/main.cf", "config/postfix/master.cf", "config/postfix/personas", "examples/postfix.toml"]
    {
        assert!(harness.contains(file), "the tests with real servers do not use {file}");
    }
}
