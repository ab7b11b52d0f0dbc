//! Keeps the index level with the journal.
//!
//! An index is *level* with the journal, *behind* it (after a start, or rebuilt from nothing), or
//! *broken*. Being behind and being rebuilt are one thing: records are read from the journal, a
//! slice at a time between two batches, so that learning goes on. Only a level index answers:
//! while it is behind, unknown does not mean no.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::{Span, civil::Date};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::index::{self, Index, Mark};
use super::journal::{self, FileName, Position};
use super::reader::Reader;
use super::sight::{NoAnswer, Sight, State};
use crate::threads::Record;
use crate::threads::entry::{Horizon, Keeping};
use crate::threads::index::{Draft, sweep};
use crate::threads::store::{Broken, Changes};

/// Records replayed at once: some ten milliseconds, which a learner may have to wait.
const SLICE: usize = 200;
/// Entries looked at for each one that is written: so all of them are seen in a fourth of the time that
/// they are kept, and no more than that of the disk holds old ones.
const SWEEP: usize = 4;

/// Where things are, and what the machine is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder of the journal.
    pub(super) journal: PathBuf,
    /// The folder of the index.
    pub(super) index: PathBuf,
    /// The memory that the index may use as its cache, in octets.
    pub(super) cache: u64,
    /// The machine's boot id; `None` where it cannot be told, and every start counts as another boot.
    pub(super) boot: Option<String>,
    /// How long a broken index rests before it is rebuilt: a full disk breaks the next one too.
    pub(super) rest: Duration,
}

/// The writer's side of the index.
pub(super) struct Keeper {
    place: Place,
    keeping: Keeping,
    sight: Arc<Sight>,
    phase: Phase,
    /// Where the sweep goes on.
    cursor: Vec<u8>,
    /// How many entries it may look at.
    steps: usize,
    /// What was wrong with the index that was there.
    damage: Option<Damage>,
}

/// An index that could not be used when the memory was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What was wrong with it.
    pub why: String,
    /// Where it was put; `None` where it could not even be moved.
    pub aside: Option<PathBuf>,
}

enum Phase {
    Level(Arc<Index>),
    Behind(Arc<Index>, Reader),
    Broken { until: Instant },
}

impl Keeper {
    /// Opens the index that is there, or begins a new one. `end` is the journal's.
    pub(super) fn open(place: Place, keeping: Keeping, sight: Arc<Sight>, end: Position) -> Self {
        let phase = Phase::Broken { until: Instant::now() };
        let mut keeper = Self { place, keeping, sight, phase, cursor: Vec::new(), steps: 0, damage: None };
        match keeper.resume(end) {
            Ok(phase) => keeper.phase = phase,
            Err(broken) => {
                error!(%broken, "the thread index cannot be used: it is set aside and rebuilt from the journal");
                keeper.rebuild();
                let aside = (!keeper.is_broken()).then(|| index::aside(&keeper.place.index));
                keeper.damage = Some(Damage { why: broken.to_string(), aside });
            }
        }
        keeper
    }

    /// What was wrong with the index that was there; `None` where it could be used.
    pub(super) fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Whether there is something to do though nothing is learned.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self.phase, Phase::Behind(..))
    }

    /// Whether the index rests until it is rebuilt.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.phase, Phase::Broken { .. })
    }

    /// Makes written records visible to look-ups; [`Keeper::settle`] takes them into the index.
    pub(super) fn stage(&mut self, records: &[Record]) {
        if !matches!(self.phase, Phase::Level(_)) {
            return;
        }
        let keeping = self.keeping;
        let drafted = self.sight.ask(|source| {
            let mut draft = Draft::over(source, keeping);
            records.iter().try_for_each(|record| draft.apply(record))?;
            Ok(draft.into_changes())
        });
        match drafted {
            Ok(changes) => {
                self.steps = self.steps.saturating_add(changes.len().saturating_mul(SWEEP));
                self.sight.stage(changes);
            }
            Err(NoAnswer::Broke(index, broken)) => self.broke(&index, &broken),
            Err(NoAnswer::Away) => {}
        }
    }

    /// Takes what is staged into the index, with the mark of how far the journal is on disk.
    pub(super) fn settle(&mut self, applied: Position) {
        let Phase::Level(index) = &self.phase else { return };
        let index = Arc::clone(index);
        let mark = Mark::new(applied, self.place.boot.clone());
        let settled = match &*self.sight.read() {
            State::Level { staged, .. } if !staged.is_empty() => index.apply(staged, &mark),
            State::Level { .. } | State::Away => return,
        };
        match settled {
            // In this order: until it is unstaged, what is staged covers the same in the index.
            Ok(()) => self.sight.set(State::Level { index, staged: Changes::new() }),
            Err(broken) => self.broke(&index, &broken),
        }
    }

    /// Looks for entries past keeping, in step with what is learned; they go with the next batch.
    pub(super) fn sweep(&mut self, now: i64) {
        let Phase::Level(index) = &self.phase else { return };
        let index = Arc::clone(index);
        let horizon = self.keeping.horizon(now);
        match self.old_entries(&index, horizon) {
            Ok((old, next)) => {
                self.cursor = next;
                self.sight.stage(old.into_iter().map(|key| (key, None)).collect());
            }
            Err(broken) => self.broke(&index, &broken),
        }
        self.steps = 0;
    }

    fn old_entries(&self, index: &Index, horizon: Horizon) -> Result<(Vec<Vec<u8>>, Vec<u8>), Broken> {
        let state = self.sight.read();
        let State::Level { staged, .. } = &*state else { return Ok((Vec::new(), self.cursor.clone())) };
        index.ask(|tree| sweep(tree, staged, &self.cursor, self.steps, horizon))
    }

    /// The index failed: nobody asks it any more. Nothing, where it was set aside already.
    pub(super) fn broke(&mut self, index: &Arc<Index>, broken: &Broken) {
        let ours = match &self.phase {
            Phase::Level(used) | Phase::Behind(used, _) => Arc::ptr_eq(used, index),
            Phase::Broken { .. } => false,
        };
        if ours {
            error!(%broken, "the thread index broke: it is set aside and rebuilt from the journal");
            self.sight.set(State::Away);
            self.become_broken();
        }
    }

    /// Does what is due: a slice of the replay, or a new index for a broken one. The journal is on
    /// disk up to `end`. True while there is more to do at once.
    pub(super) fn tend(&mut self, end: Position) -> bool {
        match &self.phase {
            Phase::Level(_) => false,
            Phase::Behind(..) => {
                self.catch_up(end);
                self.is_behind()
            }
            Phase::Broken { until } if Instant::now() >= *until => {
                self.rebuild();
                self.is_behind()
            }
            Phase::Broken { .. } => false,
        }
    }

    /// Closes the index; what is learned from now on is in the journal only.
    pub(super) fn close(&mut self, applied: Position) {
        self.sight.set(State::Away);
        let (index, applied) = match &self.phase {
            Phase::Level(index) => (index, applied),
            Phase::Behind(index, reader) => (index, reader.position()),
            Phase::Broken { .. } => return,
        };
        if let Err(broken) = index.close(Mark::new(applied, self.place.boot.clone()), &self.place.index) {
            warn!(%broken, "the thread index was not closed well: it is checked at the next start");
        }
    }

    /// The index that is there, and where in the journal it goes on.
    fn resume(&self, end: Position) -> Result<Phase, Broken> {
        let (index, mark) = Index::open(&self.place.index, self.place.cache)?;
        let index = Arc::new(index);
        let from = mark.map_or(Ok(Position::default()), |mark| self.replay_from(&mark, end));
        match from {
            Ok(position) => Ok(Phase::Behind(index, Reader::new(&self.place.journal, position))),
            Err(broken) => {
                discard(index);
                Err(broken)
            }
        }
    }

    /// From where the journal must be replayed.
    ///
    /// After an end of this process alone, exactly from the mark, which stands in the same batch
    /// as what it marks. After an end of the machine sled may lack pages that it took for written.
    fn replay_from(&self, mark: &Mark, end: Position) -> Result<Position, Broken> {
        let unreadable = |failure| Broken(format!("the journal cannot be listed: {failure}"));
        let names = journal::files(&self.place.journal).map_err(unreadable)?;
        if mark.applied > end || self.is_past_file(mark.applied, &names) {
            return Err(Broken("it has taken in more than the journal holds".into()));
        }
        if mark.clean || (mark.boot.is_some() && mark.boot == self.place.boot) {
            return Ok(mark.applied);
        }
        warn!("the machine stopped without warning: the last days of the journal are replayed");
        Ok(well_before(mark.applied, &names))
    }

    fn is_past_file(&self, position: Position, names: &[FileName]) -> bool {
        let Some(name) = names.iter().find(|name| name.number == position.file) else { return false };
        let length = self.place.journal.join(name.to_string()).metadata().map(|file| file.len());
        length.is_ok_and(|length| position.offset > length)
    }

    /// Replays one slice of the journal; level at its end.
    fn catch_up(&mut self, end: Position) {
        let Phase::Behind(index, reader) = &mut self.phase else { return };
        let index = Arc::clone(index);
        let records: Vec<Record> = std::iter::from_fn(|| reader.next(end)).take(SLICE).collect();
        if records.is_empty() {
            return self.level(index);
        }
        let mark = Mark::new(reader.position().min(end), self.place.boot.clone());
        match replay(&index, &records, &mark, self.keeping) {
            Ok(()) if records.len() < SLICE => self.level(index),
            Ok(()) => {}
            Err(broken) => self.broke(&index, &broken),
        }
    }

    fn level(&mut self, index: Arc<Index>) {
        info!("the thread index is level with the journal");
        self.sight.set(State::Level { index: Arc::clone(&index), staged: Changes::new() });
        self.phase = Phase::Level(index);
    }

    /// Sets aside what is there and begins anew, from the whole journal.
    fn rebuild(&mut self) {
        let aside = index::set_aside(&self.place.index).map_err(|failure| Broken(failure.to_string()));
        match aside.and_then(|()| Index::open(&self.place.index, self.place.cache)) {
            Ok((index, _)) => {
                let reader = Reader::new(&self.place.journal, Position::default());
                self.phase = Phase::Behind(Arc::new(index), reader);
            }
            Err(broken) => {
                error!(%broken, folder = %self.place.index.display(), "no new thread index can be made: trying again");
                self.become_broken();
            }
        }
    }

    fn become_broken(&mut self) {
        let broken = Phase::Broken { until: Instant::now() + self.place.rest };
        match std::mem::replace(&mut self.phase, broken) {
            Phase::Level(index) | Phase::Behind(index, _) => discard(index),
            Phase::Broken { .. } => {}
        }
    }
}

/// Applies a slice of the journal.
fn replay(index: &Index, records: &[Record], mark: &Mark, keeping: Keeping) -> Result<(), Broken> {
    let changes = index.ask(|tree| {
        let mut draft = Draft::over(tree, keeping);
        records.iter().try_for_each(|record| draft.apply(record))?;
        Ok(draft.into_changes())
    })?;
    index.apply(&changes, mark)
}

/// Lets go of an index that is not used any more. On a thread of its own: sled writes and may
/// panic or hang in doing so, now that it has failed.
fn discard(index: Arc<Index>) {
    if let Err(failure) = thread::Builder::new().name("index-discard".into()).spawn(move || drop(index)) {
        warn!(%failure, "a broken index was let go of on the writer's own thread");
    }
}

/// The beginning of the file two before `position`, or of the day before: whichever is earlier,
/// since a file is begun at each start too.
fn well_before(position: Position, names: &[FileName]) -> Position {
    let before = names.iter().rev().filter(|name| name.number <= position.file);
    let day_before = before.clone().next().map_or(Date::MIN, |last| last.date.saturating_sub(Span::new().days(1)));
    let far_enough = before.enumerate().take_while(|(back, name)| *back <= 2 || name.date >= day_before);
    Position::start_of(far_enough.last().map_or(0, |(_, name)| name.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32, date: &str) -> FileName {
        FileName { number, date: date.parse().unwrap() }
    }

    #[test]
    fn after_an_end_of_the_machine_two_files_and_a_day_are_replayed() {
        let days: Vec<FileName> = (0..8).map(|day| name(day, &format!("2026-10-0{}", day + 1))).collect();
        let starts: Vec<FileName> =
            (0..8).map(|start| name(start, if start < 2 { "2026-10-01" } else { "2026-10-03" })).collect();
        let at = |file| Position { file, offset: 77 };
        assert_eq!(well_before(at(5), &days), Position::start_of(3));
        assert_eq!(well_before(at(1), &days), Position::start_of(0));
        assert_eq!(well_before(at(7), &starts), Position::start_of(2));
        assert_eq!(well_before(at(7), &[]), Position::start_of(0));
    }
}
