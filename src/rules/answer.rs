//! The three answers of a condition, and how they add up (Kleene's logic): *unknown* is not *no*, but
//! where the rest decides, it need not be known.

use std::ops::Not;

/// What a condition says about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not; what is not there is *no*, too.
    No,
    /// A retry will tell.
    CannotTell(Why),
}

/// What a retry can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The thread index cannot answer, and only it knows.
    IndexAway,
}

/// A fact about a message, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// It is so.
    Is(T),
    /// It is one of these, at least one; only the thread index knows which.
    OneOf(Vec<T>),
    /// Only the thread index knows.
    Unknown,
}

impl Answer {
    /// Whether all hold. One *no* is enough, whatever the others are.
    pub fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        !Self::any(answers.into_iter().map(Self::not))
    }

    /// Whether one holds. One *yes* is enough, whatever the others are.
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::No;
        for answer in answers {
            match answer {
                Self::Yes => return Self::Yes,
                Self::CannotTell(_) => any = answer,
                Self::No => {}
            }
        }
        any
    }
}

impl Not for Answer {
    type Output = Self;

    /// The opposite; of what cannot be told, neither can the opposite.
    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::CannotTell(why) => Self::CannotTell(why),
        }
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl<T> Known<T> {
    /// Whether `holds` is true of the fact.
    pub fn answer(&self, holds: impl Fn(&T) -> bool) -> Answer {
        match self {
            Self::Is(fact) => holds(fact).into(),
            Self::OneOf(facts) if facts.iter().all(&holds) => Answer::Yes,
            Self::OneOf(facts) if !facts.iter().any(&holds) => Answer::No,
            Self::OneOf(_) | Self::Unknown => Answer::CannotTell(Why::IndexAway),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNKNOWN: Answer = Answer::CannotTell(Why::IndexAway);

    /// An answer, and what it is once the index is back.
    fn told_later() -> impl Strategy<Value = (Answer, bool)> {
        prop_oneof![Just((Answer::Yes, true)), Just((Answer::No, false)), any::<bool>().prop_map(|it| (UNKNOWN, it))]
    }

    #[test]
    fn the_truth_table() {
        use Answer::{No, Yes};
        for (one, other, all, any) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (Yes, UNKNOWN, UNKNOWN, Yes),
            (No, No, No, No),
            (No, UNKNOWN, No, UNKNOWN),
            (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        ] {
            for pair in [[one, other], [other, one]] {
                assert_eq!((Answer::all(pair), Answer::any(pair)), (all, any), "{pair:?}");
            }
        }
        assert_eq!([!Yes, !No, !UNKNOWN], [No, Yes, UNKNOWN]);
        assert_eq!((Answer::all([]), Answer::any([])), (Yes, No));
    }

    #[test]
    fn a_fact_that_could_be_several_tells_where_all_agree() {
        let fact = Known::OneOf(vec![1, 2]);
        assert_eq!(fact.answer(|it| *it > 0), Answer::Yes);
        assert_eq!(fact.answer(|it| *it > 2), Answer::No);
        assert_eq!(fact.answer(|it| *it > 1), UNKNOWN);
        assert_eq!(Known::<u8>::Unknown.answer(|_| true), UNKNOWN);
    }

    proptest! {
        #[test]
        fn what_is_told_now_stays_true_later(answers in proptest::collection::vec(told_later(), 0..6)) {
            let (now, later): (Vec<Answer>, Vec<bool>) = answers.into_iter().unzip();
            let stays = |now: Answer, later: bool| now == UNKNOWN || now == later.into();
            prop_assert!(stays(Answer::all(now.clone()), later.iter().all(|it| *it)));
            prop_assert!(stays(Answer::any(now.clone()), later.iter().any(|it| *it)));
            if !now.contains(&UNKNOWN) {
                prop_assert_ne!(Answer::all(now.clone()), UNKNOWN);
                prop_assert_ne!(Answer::any(now), UNKNOWN);
            }
        }
    }
}
