//! Included files.

use std::collections::BTreeMap;

use super::*;
use crate::mail::PersonaName;

/// What is said, the folder left out, of a main file with these lines below [`BASE`], and other files.
fn told(lines: &str, files: &[(&str, &str)]) -> Vec<String> {
    load(lines, files).1
}

fn load(lines: &str, files: &[(&str, &str)]) -> (Option<Config>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("main.toml", &format!("{BASE}{lines}"));
    files.iter().for_each(|(name, text)| write(name, text));
    let prefix = format!("{}/", folder.path().display());
    match Config::load(&folder.path().join("main.toml")) {
        Ok((config, _)) => (Some(config), Vec::new()),
        Err(problems) => (None, problems.to_string().replace(&prefix, "").lines().map(str::to_owned).collect()),
    }
}

const KIM: &str = "[people.kim]\ninbox = 'kim@corp.example'\n";
const KIM_TOO: &str = "[personas.kim]\naddress = 'Kim <kim@acme.example>'\nanswered_by = ['kim']\n";

#[test]
fn what_an_included_file_adds_is_as_if_it_stood_in_the_main_file() {
    let (config, told) = load(
        "include = ['more.d/*.toml', 'kim.toml']\n",
        &[("more.d/1.toml", KIM_TOO), ("kim.toml", KIM), ("more.d/.hidden.toml", "x"), ("more.d/other", "x")],
    );
    assert_eq!(told, [""; 0]);
    let policy = config.unwrap().policy;
    let people: BTreeMap<String, usize> =
        policy.people.people().map(|person| (person.name.to_string(), person.inboxes.len())).collect();
    assert_eq!(people, BTreeMap::from([("kim".into(), 1), ("sophie".into(), 1)]));
    assert!(policy.people.persona(&PersonaName("kim".into())).is_some());
}

#[test]
fn a_mistake_is_told_of_the_file_that_it_stands_in() {
    assert_eq!(
        told(
            "include = ['a.toml', 'b.toml']\nlimits.hops = 0\n",
            &[
                ("b.toml", "[people.kim]\ninbox = 'kim'\n[people.tom]\n"),
                ("a.toml", "[personas.kim]\naddress = 'Kim <kim@acme.example>'\nanswered_by = ['kin']\n"),
            ]
        ),
        [
            "main.toml:6: limits.hops: invalid value: integer `0`, expected a whole number above zero",
            r#"a.toml:3: personas.kim.answered_by: there is no person "kin"; did you mean "kim"?"#,
            r#"b.toml:2: people.kim.inbox: invalid value: string "kim", expected an address such as "sophie@acme.example""#,
            "b.toml:3: people.tom.inbox: missing: the address where this person reads mail",
        ]
    );
}

#[test]
fn a_key_of_the_main_file_and_one_that_is_there_already() {
    assert_eq!(
        told(
            "include = ['a.toml', 'b.toml']\n",
            &[
                ("a.toml", &format!("hostname = 'a.example'\ninclude = []\nperson = 1\n{KIM}")),
                ("b.toml", &format!("[people.sophie]\ninbox = 's@corp.example'\n{KIM}")),
            ]
        ),
        [
            "a.toml:1: hostname: belongs into main.toml: an included file has people, personas, rule, test alone",
            "a.toml:2: include: belongs into main.toml: an included file has people, personas, rule, test alone",
            r#"a.toml:3: person: unknown key; did you mean "personas"?"#,
            "b.toml:1: people.sophie: is written in main.toml:3 already; keep one of the two",
            "b.toml:3: people.kim: is written in a.toml:4 already; keep one of the two",
        ]
    );
}

#[test]
fn files_that_are_not_there() {
    assert_eq!(told("include = 'none.d/*.toml'\n", &[]), [""; 0], "a pattern may find nothing");
    assert_eq!(
        told("include = ['none.toml', 'a[.toml']\n", &[]),
        [
            "main.toml:5: include: none.toml cannot be read: No such file or directory (os error 2)",
            "main.toml:5: include: is no pattern: invalid range pattern",
        ]
    );
    assert_eq!(told("include = ['*.toml', 'kim.toml']\n", &[("kim.toml", KIM)]), [""; 0], "each once, never itself");
}

#[test]
fn included_text_that_is_no_toml() {
    assert_eq!(
        told("include = 'a.toml'\n", &[("a.toml", "x = \n")]),
        ["a.toml:1: string values must be quoted, expected literal string"]
    );
}

/// The warnings about `include` of a main file in `folder`, and the people whom the included files add.
fn warned(folder: &Path, include: &str) -> (Vec<String>, usize) {
    let main = folder.join("main.toml");
    fs::write(&main, format!("{BASE}include = {include}\n")).unwrap();
    let (config, warnings) = Config::load(&main).unwrap();
    let prefix = format!("{}/", folder.display());
    let about = warnings.into_iter().filter(|remark| remark.key.starts_with("include"));
    let told = about.map(|remark| remark.message.replace(&prefix, "")).collect();
    (told, config.policy.people.people().count() - 1)
}

#[test]
fn names_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let name = |octets: &[u8]| std::ffi::OsStr::from_bytes(octets).to_owned();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(name(b"config\xfc"));
    fs::create_dir_all(folder.join("more.d")).unwrap();
    fs::write(folder.join("more.d/kim.toml"), KIM).unwrap();
    fs::write(folder.join("more.d").join(name(b"\xff.bak")), "x").unwrap();
    assert_eq!(warned(&folder, "'more.d/*.toml'"), (Vec::new(), 1), "a folder is a folder, whatever its name");
    fs::write(folder.join("more.d").join(name(b"\xff.toml")), "x").unwrap();
    let left_out = "leaves more.d/\u{fffd}.toml out: its name is not UTF-8".to_owned();
    assert_eq!(warned(&folder, "'more.d/*.toml'"), (vec![left_out], 1));
}

#[test]
fn folders_that_are_not_there_or_in_a_circle() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    let missing = "finds nothing: there is no folder none.d".to_owned();
    assert_eq!(warned(folder, "['none.d/*.toml', 'none.d/*/x.toml', '*/none.toml']"), (vec![missing; 2], 0));
    fs::create_dir_all(folder.join("more.d/team")).unwrap();
    fs::write(folder.join("more.d/team/kim.toml"), KIM).unwrap();
    unix::fs::symlink("..", folder.join("more.d/team/up")).unwrap();
    assert_eq!(warned(folder, "['more.d/*/*.toml', 'm*/*/kim.toml', './more.d/te?m/../*/kim.toml']"), (Vec::new(), 1));
    assert_eq!(
        told("include = ['more.d/**/*.toml', 'a**.toml']\n", &[]),
        [
            "main.toml:5: include: is no pattern: ** is not taken: name each folder, such as \"rules.d/*/*.toml\"",
            "main.toml:5: include: is no pattern: recursive wildcards must form a single path component",
        ]
    );
}
