//! Feeds one target of `sincerely::fuzz` with what libFuzzer makes up. `FUZZ_TARGET` names it; the
//! arguments are libFuzzer's.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sincerely::fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let known = TARGETS.iter().find(|(name, _)| *name == wanted);
    known.unwrap_or_else(|| panic!("FUZZ_TARGET is {wanted:?}; expected one of {:?}", TARGETS.map(|(name, _)| name))).1
});

fuzz_target!(|input: &[u8]| TARGET(input));
