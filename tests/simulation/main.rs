//! A world of a hundred thousand threads: no answer ends in a wrong one, whatever mail programs, providers and enemies
//! do to what it refers to; and how many were matched by which evidence.
//!
//! `SINCERELY_SIMULATION_SEED` makes another world, `SINCERELY_SIMULATION_THREADS` another size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

mod company;
mod customers;
mod dice;
mod enemies;
mod judge;
mod letter;
mod world;

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use company::Company;
use judge::Tally;
use world::{PARTS, Part};

const THREADS: usize = 100_000;

#[test]
fn no_answer_ends_in_a_wrong_thread() {
    let seed = setting("SINCERELY_SIMULATION_SEED").unwrap_or(1);
    let threads = setting("SINCERELY_SIMULATION_THREADS").map_or(THREADS, |threads| usize::try_from(threads).unwrap());
    let company = Company::new(seed);
    let tally = simulate(&company, seed, threads);
    let remembered = company.count();
    tell(&format!(
        "simulation: seed {seed}, {} automated mails and {} others, {} refused at the door; {} threads and {} ids \
         remembered, {} ids healed, {} conflicts\n{}",
        tally.automated,
        tally.messages,
        tally.refused,
        remembered.threads,
        remembered.ids,
        tally.healed,
        tally.conflicts,
        tally.table(),
    ));
    tally.assert_that_none_is_wrong();
    tally.assert_that_all_happened();
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value:?}")))
}

/// All parts of the world, as many at once as there are processors.
fn simulate(company: &Company, seed: u64, threads: usize) -> Tally {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= PARTS {
                return tally;
            }
            let mut part = Part::new(company, seed, number, threads.div_ceil(PARTS));
            part.live();
            tally.add(part.tally);
        }
    };
    let mut whole = Tally::default();
    std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors.min(PARTS)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| whole.add(worker.join().expect("a part failed, and said why")));
    });
    whole
}

/// On standard error itself: the numbers are for whoever reads the summary of a run in which all went well.
fn tell(numbers: &str) {
    let mut standard_error = std::io::stderr();
    standard_error.write_all(format!("\n{numbers}\n").as_bytes()).unwrap();
}
