//! A message that is cut anywhere gets an answer, and never strong evidence for another thread than the whole.

use sincerely::mail::{Plan, Reply, ThreadId};

use super::cases::CASES;
use super::office::{Office, read, reverse_path};

/// A prime: cuts fall on every part of a field.
const STEP: usize = 97;

#[test]
fn a_cut_message_is_never_put_into_another_thread() {
    let office = Office::open();
    for (fixture, to, _) in CASES {
        let bytes = read(fixture);
        let path = reverse_path(&bytes);
        let whole = office.decide(&bytes, path.clone(), to);
        let referred = office.referred(&bytes);
        for at in (0..bytes.len()).step_by(STEP) {
            let cut = office.decide(&bytes[..at], path.clone(), to);
            for (cut, whole) in cut.iter().zip(&whole) {
                let named = strong(cut).filter(|thread| !of(whole).contains(thread) && !referred.contains(thread));
                assert_eq!(named, None, "{fixture}, cut at {at}");
            }
        }
    }
}

/// The thread that strong evidence names.
fn strong(decided: &Result<Plan, Reply>) -> Option<ThreadId> {
    let matched = &decided.as_ref().ok()?.matched;
    matched.thread.filter(|_| matched.evidence.is_strong())
}

/// The threads that evidence names, whether it won or not.
fn of(decided: &Result<Plan, Reply>) -> Vec<ThreadId> {
    let Ok(plan) = decided else { return Vec::new() };
    plan.matched.conflicts.iter().filter_map(|conflict| conflict.thread).chain(plan.matched.thread).collect()
}
