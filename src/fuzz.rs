//! What fuzzing calls: one target for each parser that reads what strangers, or operators, write.
//!
//! A target takes any bytes and panics where a promise of its parser is broken. Each stands beside its
//! parser, since most of those are private. `tests/fuzz` feeds them what libFuzzer makes up; the tests
//! feed them the corpus, `fuzz/corpus/TARGET`, and texts that are nearly right.

use crate::{config, mail, message, smtp, threads};

/// What takes any bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of its corpus and of its dictionary.
pub const TARGETS: [(&str, Target); 11] = [
    ("command-lines", smtp::fuzz::commands::target),
    ("data-receiver", smtp::fuzz::data::target),
    ("address", mail::fuzz::target),
    ("header-reader", message::fuzz::header::target),
    ("header-splice", message::fuzz::splice::target),
    ("message-ids", message::fuzz::ids::target),
    ("subject", message::fuzz::subject::target),
    ("quoted-ids", message::fuzz::quoted::target),
    ("returned", message::fuzz::returned::target),
    ("token", threads::fuzz::target),
    ("configuration", config::fuzz::target),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};

    use super::*;

    /// Small enough to be read by people, and to be replayed in no time.
    const LARGEST: usize = 4096;

    fn fuzz() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn every_input_of_the_corpus_keeps_the_promises() {
        let mut broken = Vec::new();
        for (name, target) in TARGETS {
            let inputs = entries(&fuzz().join("corpus").join(name));
            assert!(inputs.len() >= 10, "fuzz/corpus/{name} has {} inputs", inputs.len());
            for input in inputs {
                let bytes = fs::read(&input).unwrap();
                assert!(bytes.len() <= LARGEST, "{} has {} octets", input.display(), bytes.len());
                if catch_unwind(|| target(&bytes)).is_err() {
                    broken.push(format!("{name}: {}", input.display()));
                }
            }
        }
        assert!(broken.is_empty(), "\n  {}\n", broken.join("\n  "));
    }

    #[test]
    fn every_corpus_and_every_dictionary_has_its_target() {
        let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        for folder in ["corpus", "dictionaries"] {
            let paths = entries(&fuzz().join(folder));
            let found: BTreeSet<String> =
                paths.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            assert_eq!(found, names, "fuzz/{folder}");
        }
    }
}
