//! The house keeps its own rules, and its documents say what is so.
//!
//! Sources are read as tokens, so comments and texts count for nothing. What stands under
//! `#[cfg(test)]` may reach further and be longer; it is left out. Tables are read from the documents:
//! whoever changes a rule changes it where people read it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod document;
mod postfix;
mod source;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::TokenTree;
use serde::Serialize;
use sincerely::events::Event;
use sincerely::mail::{Action, ChoiceReason, Evidence, FateName, HoldReason, Kind};
use sincerely::message::Signal;
use sincerely::people::Shared;
use sincerely::threads::matcher::Why;
use strum::VariantArray;

use document::{read, root, section, table, words};
use source::{Names, Source, any_level, functions, idents, imports, is_ident, is_punct, roots, sources, supers};

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 80;

/// What only the parts that touch the world need: waiting, files, sockets, clocks.
const WAITING: [&str; 2] = ["async", "await"];
const OUTSIDE: [&str; 8] = ["tokio", "fs", "net", "process", "env", "thread", "clock", "getrandom"];

#[test]
fn imports_run_one_way() {
    let allowed: BTreeMap<String, Names> = table("ARCHITECTURE.md", "Import directions")
        .into_iter()
        .map(|row| (words(&row[0]).remove(0), words(&row[1]).into_iter().collect()))
        .collect();
    let mut used: BTreeMap<String, Names> = BTreeMap::new();
    for source in sources() {
        let imports = imports(&source.tokens, if source.module == "main" { "sincerely" } else { "crate" });
        used.entry(source.module).or_default().extend(imports);
    }
    used.iter_mut().for_each(|(module, names)| {
        names.remove(module);
    });

    let mut complaints = Vec::new();
    let modules: Names = used.keys().chain(allowed.keys()).cloned().collect();
    for module in modules {
        match (used.get(&module), allowed.get(&module)) {
            (Some(_), None) => complaints.push(format!("{module} is missing in the table")),
            (None, _) => complaints.push(format!("the table speaks of {module}, which is not there")),
            (Some(used), Some(allowed)) => {
                complaints.extend(used.difference(allowed).map(|name| format!("{module} may not use {name}")));
                complaints
                    .extend(allowed.difference(used).map(|name| format!("{module} may use {name}, and does not")));
            }
        }
    }
    // Taking away, again and again, what uses nothing that is left: a circle stays.
    let mut left = allowed;
    while let Some(leaf) = left.iter().find(|(_, uses)| !uses.iter().any(|name| left.contains_key(name))) {
        let leaf = leaf.0.clone();
        left.remove(&leaf);
    }
    complaints.extend(left.keys().map(|module| format!("{module} is in, or above, a circle of imports")));
    none(complaints);
}

#[test]
fn modules_reach_others_by_crate_and_never_by_super() {
    none(sources().iter().filter(|source| supers(&source.tokens) >= source.depth).map(|source| {
        format!("{}: `super` leaves {}; write `crate::…`, so that the import is seen", source.path, source.module)
    }));
}

#[test]
fn crates_are_named_where_the_table_says_so() {
    let rows = table("ARCHITECTURE.md", "Dependencies");
    let places: BTreeMap<String, Vec<String>> =
        rows.iter().map(|row| (words(&row[0]).remove(0), words(&row[1]))).collect();
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let section = |name: &str| manifest[name].as_table().unwrap().keys().cloned().collect::<Names>();
    let (normal, dev) = (section("dependencies"), section("dev-dependencies"));
    let listed: Names = places.keys().cloned().collect();
    let fuzzing: toml::Table = read("fuzz/Cargo.toml").parse().unwrap();
    let fuzzing = fuzzing["dependencies"].as_table().unwrap().keys().filter(|name| *name != "sincerely").cloned();
    let direct: Names = normal.union(&dev).cloned().chain(fuzzing).collect();

    let mut complaints = Vec::new();
    complaints.extend(direct.difference(&listed).map(|name| format!("{name} is in a Cargo.toml and not in the table")));
    complaints.extend(listed.difference(&direct).map(|name| format!("{name} is in the table and in no Cargo.toml")));
    let sources = sources();
    for name in &normal {
        let ident = name.replace('-', "_");
        let naming: Vec<&Source> = sources.iter().filter(|source| roots(&source.tokens).contains(&ident)).collect();
        if naming.is_empty() {
            complaints.push(format!("nothing names {name}: it can go"));
        }
        let places = places.get(name).cloned().unwrap_or_default();
        let is_at = |source: &Source, place: &String| source.path.starts_with(place.as_str());
        if !places.is_empty() {
            let strays = naming.iter().filter(|source| !places.iter().any(|place| is_at(source, place)));
            complaints.extend(strays.map(|source| format!("src/{} may not name {name}", source.path)));
        }
        let idle = places.iter().filter(|place| !naming.iter().any(|source| is_at(source, place)));
        complaints.extend(idle.map(|place| format!("nothing in src/{place} names {name}")));
    }
    none(complaints);
}

#[test]
fn what_is_pure_touches_nothing() {
    let places: Names = table("ARCHITECTURE.md", "What is pure").iter().flat_map(|row| words(&row[0])).collect();
    assert!(!places.is_empty());
    let sources = sources();
    let mut complaints = Vec::new();
    for place in &places {
        let here: Vec<&Source> = sources.iter().filter(|source| source.path.starts_with(place.as_str())).collect();
        complaints.extend(here.is_empty().then(|| format!("src/{place} is not there")));
        for source in here {
            let (words, segments) = (idents(&source.tokens, false), idents(&source.tokens, true));
            let waits = WAITING.iter().filter(|word| words.contains(**word));
            let reaches_out = OUTSIDE.iter().filter(|word| segments.contains(**word));
            let impure = waits.chain(reaches_out);
            complaints.extend(impure.map(|word| format!("src/{} says `{word}`, and should be pure", source.path)));
        }
    }
    none(complaints);
}

#[test]
fn nothing_below_cli_prints() {
    let prints = |tokens: &[TokenTree]| {
        let is_print = |pair: &[TokenTree]| {
            ["print", "println", "eprint", "eprintln"].iter().any(|name| is_ident(&pair[0], name))
                && is_punct(&pair[1], '!')
        };
        tokens.windows(2).any(is_print)
    };
    let below = sources().into_iter().filter(|source| !["main", "cli"].contains(&source.module.as_str()));
    none(below.filter(|source| any_level(&source.tokens, &prints)).map(|source| format!("src/{} prints", source.path)));
}

#[test]
fn closed_lists_are_spelt_once() {
    let mut complaints = Vec::new();
    complaints.extend(spelling::<Kind>("Kinds"));
    complaints.extend(spelling::<Action>("Bounces"));
    complaints.extend(spelling::<Evidence>("Evidence"));
    complaints.extend(spelling::<HoldReason>("Hold reasons"));
    complaints.extend(spelling::<Signal>("Signals"));
    complaints
        .extend(compared("Evidence that does not count", Why::VARIANTS.iter().map(ToString::to_string).collect()));
    complaints.extend(compared("Events", Event::VARIANTS.iter().map(ToString::to_string).collect()));
    complaints.extend(spelling::<FateName>("Fates"));
    complaints.extend(spelling::<Shared>("Pools"));
    complaints.extend(spelling::<ChoiceReason>("Why this person"));
    none(complaints);
}

/// The log, TOML, metrics and folders spell a value as `Display` does, JSON as serde does: one spelling,
/// and the reference's.
fn spelling<T: VariantArray + Serialize + Display>(heading: &str) -> Vec<String> {
    let differs = |value: &T| {
        let json = serde_json::to_value(value).unwrap();
        (json != value.to_string()).then(|| format!("{heading}: {value} is {json} in JSON"))
    };
    let mut complaints: Vec<String> = T::VARIANTS.iter().filter_map(differs).collect();
    complaints.extend(compared(heading, T::VARIANTS.iter().map(ToString::to_string).collect()));
    complaints
}

/// The values of a list against a table of the reference, in the code's order.
fn compared(heading: &str, values: Vec<String>) -> Vec<String> {
    let rows = table("docs/reference.md", heading);
    let told: Vec<String> = rows.iter().flat_map(|row| words(&row[0])).collect();
    let silent = rows.iter().filter(|row| !row.last().unwrap().ends_with('.'));
    let mut complaints: Vec<String> =
        silent.map(|row| format!("docs/reference.md, {heading}: {} has no sentence", row[0])).collect();
    if told != values {
        complaints.push(format!("docs/reference.md, {heading}: the code has {values:?}, the table {told:?}"));
    }
    complaints
}

#[test]
fn files_and_functions_stay_readable() {
    let mut complaints = Vec::new();
    for source in sources() {
        let Source { path, lines, .. } = &source;
        if !source.text.starts_with("//! ") {
            complaints.push(format!("src/{path} does not begin by saying what it is for (`//! …`)"));
        }
        if *lines > LONGEST_FILE {
            complaints.push(format!("src/{path} has {lines} lines, tests left out; {LONGEST_FILE} are enough"));
        }
        let long = functions(&source.tokens).into_iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        complaints.extend(
            long.map(|(name, lines)| {
                format!("src/{path}: fn {name} has {lines} lines; look for the second story inside")
            }),
        );
    }
    none(complaints);
}

#[test]
fn the_code_map_shows_every_module() {
    let map = section("ARCHITECTURE.md", "Code map");
    let modules: Names = sources().into_iter().map(|source| source.module).collect();
    let shown = |module: &&String| map.lines().any(|line| line.starts_with(&format!("**`{module}`**")));
    none(modules.iter().filter(|module| !shown(module)).map(|module| format!("the code map leaves out {module}")));
}

#[test]
fn documents_name_what_exists() {
    let mut complaints = Vec::new();
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/reference.md",
        "config/postfix/README.md",
        "config/postfix/BYPASS.md",
    ] {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://")).map(|link| folder.join(link));
        let at_the_top = |word: &&String| {
            let first = word.split('/').next().unwrap_or_default();
            word.contains('/') && ["src", "tests", "config", "examples", "systemd", "docs", ".ci"].contains(&first)
        };
        let named = words(&text).into_iter().filter(|word| at_the_top(&word)).map(PathBuf::from).collect::<Vec<_>>();
        let missing = links.chain(named).filter(|path| !root().join(path).exists());
        complaints.extend(missing.map(|path| format!("{document} names {}, which is not there", path.display())));
    }
    none(complaints);
}

/// Every command of the README runs, but for the daemon itself, of which only the name is tried, and
/// what builds or tests the whole.
#[test]
fn commands_of_the_readme_work() {
    const BINARY: &str = "target/release/sincerely ";
    let readme = read("README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands: Vec<&str> = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix(BINARY)).collect();
    assert!(commands.len() >= 3, "check, explain and serve: {commands:?}");
    for command in commands {
        let command = command.split('#').next().unwrap();
        let arguments = command.split_whitespace();
        let help = command.contains("serve").then_some("--help");
        let run = Command::new(env!("CARGO_BIN_EXE_sincerely")).args(arguments).args(help).current_dir(root()).output();
        let output = run.unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Says everything that is wrong at once.
fn none(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}
