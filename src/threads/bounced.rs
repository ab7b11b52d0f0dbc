//! Which mail of threads has failed, for people: a page at a time, the newest first, so that no number of failures
//! fills the memory of whoever asks or answers.

use std::collections::BTreeMap;

use crate::mail::{PersonaName, Status, ThreadId};

/// How many a page has. All of the memory is read for each page, so it is large: two megabytes at most.
pub(super) const PAGE: usize = 10_000;

/// Mail of a thread that a mail system told to have failed for good.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bounced {
    /// Where it stands among all of them.
    pub place: Bookmark,
    /// Whose thread.
    pub persona: PersonaName,
    /// Whom it was for, folded; none where that could not be read, or they are forgotten.
    pub recipient: Option<String>,
    /// The status code, where there was one.
    pub status: Option<Status>,
}

/// A place in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Bookmark {
    /// When it was told, in seconds of the Unix epoch.
    pub at: i64,
    /// The thread.
    pub thread: ThreadId,
    /// Which of its recipients.
    pub number: u16,
}

/// The newest of what comes by, as many as a page has.
pub(super) struct Page {
    before: Option<Bookmark>,
    newest: BTreeMap<Bookmark, Bounced>,
}

impl Page {
    /// The page behind `before`; without it, the first.
    pub(super) fn behind(before: Option<Bookmark>) -> Self {
        Self { before, newest: BTreeMap::new() }
    }

    pub(super) fn look_at(&mut self, bounced: Bounced) {
        if self.before.is_none_or(|before| bounced.place < before) {
            self.newest.insert(bounced.place, bounced);
            if self.newest.len() > PAGE {
                self.newest.pop_first();
            }
        }
    }

    pub(super) fn into_newest_first(self) -> Vec<Bounced> {
        self.newest.into_values().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_leave_nothing_out() {
        let bounced = |at: i64| Bounced {
            place: Bookmark { at: at / 3, thread: ThreadId([u8::try_from(at % 3).unwrap(); 8]), number: 0 },
            persona: PersonaName("sophie".into()),
            recipient: None,
            status: None,
        };
        let all: Vec<Bounced> = (0..25_000).map(bounced).collect();
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let mut page = Page::behind(before);
            all.iter().cloned().for_each(|one| page.look_at(one));
            let page = page.into_newest_first();
            before = page.last().map(|last| last.place);
            pages.push(page.len());
            if page.is_empty() {
                break;
            }
            let expect = all.iter().rev().skip(pages.iter().sum::<usize>() - page.len()).take(page.len());
            assert!(page.iter().eq(expect), "the newest first");
        }
        assert_eq!(pages, [10_000, 10_000, 5_000, 0]);
    }
}
