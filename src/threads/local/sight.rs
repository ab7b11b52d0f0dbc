//! What look-ups may see of the index: it, with what is on its way into it; or nothing yet.
//!
//! Only the writer changes this, and never for long: nobody writes a file or waits for a disk
//! while others wait to look something up.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::index::Index;
use crate::threads::Unavailable;
use crate::threads::store::{Broken, Changes, Source, View};

/// What look-ups see.
#[derive(Default)]
pub(super) struct Sight(RwLock<State>);

#[derive(Default)]
pub(super) enum State {
    /// The index is behind, broken or closed.
    #[default]
    Away,
    /// The index is level. What is `staged` is written to the journal and on its way into the
    /// index: so a look-up sees all that was learned before, whatever durability that asked for.
    Level {
        /// What is settled.
        index: Arc<Index>,
        /// What lies over it.
        staged: Changes,
    },
}

/// Why a question has no answer.
pub(super) enum NoAnswer {
    /// The index is not level with the journal.
    Away,
    /// The index broke while it was asked: the writer must be told.
    Broke(Arc<Index>, Broken),
}

impl From<NoAnswer> for Unavailable {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Away => Self("it is being rebuilt from the journal".into()),
            NoAnswer::Broke(_, broken) => broken.into(),
        }
    }
}

impl Sight {
    /// Asks the index something, as it will be when all that was learned is in it.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&dyn Source) -> Result<T, Broken>) -> Result<T, NoAnswer> {
        let State::Level { index, staged } = &*self.read() else { return Err(NoAnswer::Away) };
        let answer = index.ask(|tree| question(&View { below: tree, changes: staged }));
        answer.map_err(|broken| NoAnswer::Broke(Arc::clone(index), broken))
    }

    /// The same for a question that takes long: it holds up nobody.
    pub(super) fn ask_at_length<T>(
        &self,
        question: impl FnOnce(&dyn Source) -> Result<T, Broken>,
    ) -> Result<T, NoAnswer> {
        let (index, staged) = match &*self.read() {
            State::Level { index, staged } => (Arc::clone(index), staged.clone()),
            State::Away => return Err(NoAnswer::Away),
        };
        let answer = index.ask(|tree| question(&View { below: tree, changes: &staged }));
        answer.map_err(|broken| NoAnswer::Broke(index, broken))
    }

    /// Reads the state; look-ups go on meanwhile, changes wait.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the state.
    pub(super) fn set(&self, state: State) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Lays `changes` over what is staged.
    pub(super) fn stage(&self, changes: Changes) {
        match &mut *self.0.write().unwrap_or_else(PoisonError::into_inner) {
            State::Level { staged, .. } => staged.extend(changes),
            State::Away => {}
        }
    }
}
