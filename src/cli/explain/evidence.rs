//! What was looked at as evidence, what came of it, and which piece decided.

use serde::Serialize;

use crate::cli::sheet::{Row, Sign};
use crate::mail::Evidence;
use crate::threads::matcher::{LookedAt, Piece, Says, Why};

use super::report::Matched;

/// So many values of one kind are told to people; JSON has them all.
const MOST: usize = 3;
/// In the place of `bad-token` where there was no key to verify it with.
const NO_KEY: &str = "no-key";
/// So much of a greeting is told.
const OPENING: usize = 60;

/// One piece.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EvidenceTried {
    evidence: Evidence,
    looked_at: Option<String>,
    found: bool,
    persona: Option<String>,
    thread: Option<String>,
    why: Option<&'static str>,
    won: bool,
    #[serde(skip)]
    not: Option<Why>,
    // For people: a stronger piece won, or this one does not agree with the recipient.
    #[serde(skip)]
    is_after_winner: bool,
    #[serde(skip)]
    missing: Missing,
}

/// What there was nobody to ask of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Missing {
    /// The secret: whether a signature is ours is not known.
    pub(super) key: bool,
    /// The index did not answer.
    pub(super) index: bool,
}

impl EvidenceTried {
    /// As the matcher says it.
    pub(super) fn new(piece: &Piece<'_>, missing: Missing) -> Self {
        let (persona, thread, why) = match &piece.says {
            Says::Names { persona, thread } => (Some(persona.to_string()), *thread, None),
            Says::Not(why) => (None, None, Some(*why)),
        };
        Self {
            evidence: piece.evidence,
            looked_at: looked_at(piece.looked_at),
            found: persona.is_some(),
            persona,
            thread: thread.map(|id| id.to_string()),
            why: why.map(|why| if why == Why::BadToken && missing.key { NO_KEY } else { why.into() }),
            not: why,
            won: false,
            is_after_winner: false,
            missing,
        }
    }

    /// Marks the piece that the match is made of.
    pub(super) fn mark_winner(pieces: &mut [Self], matched: &Matched) {
        let is_winner = |piece: &Self| {
            Some(piece.evidence) == matched.evidence
                && piece.found
                && piece.persona == matched.persona
                && piece.thread == matched.thread
        };
        let Some(place) = pieces.iter().position(is_winner) else { return };
        for (index, piece) in pieces.iter_mut().enumerate() {
            piece.won = index == place;
            piece.is_after_winner = index > place;
        }
    }

    /// Whether two that say nothing can be told in one line.
    fn is_told_with(&self, other: &Self) -> bool {
        self.evidence == other.evidence && self.not.is_some() && self.not == other.not
    }

    /// What was looked at, in quotes where it is words.
    fn quoted(&self) -> Option<String> {
        let is_words = matches!(self.evidence, Evidence::Subject | Evidence::ByName);
        let value = self.looked_at.as_ref()?;
        Some(if is_words { format!("\"{value}\"") } else { value.clone() })
    }

    /// Why nobody can tell what it says, if so.
    fn untold(&self) -> Option<&'static str> {
        match self.not {
            Some(Why::BadToken) if self.missing.key => Some("cannot be verified: the secret could not be read"),
            Some(Why::Unknown) if self.missing.index => Some("nobody can tell, since the thread index is away"),
            _ => None,
        }
    }

    fn sign(&self) -> Sign {
        match self.not {
            _ if self.untold().is_some() => Sign::Neutral,
            None if self.won => Sign::Yes,
            None if self.is_after_winner => Sign::Neutral,
            None => Sign::No,
            Some(Why::Absent | Why::OnlyAtSharedAddresses | Why::NoPersonasAddress | Why::NotNeeded) => Sign::Neutral,
            Some(
                Why::BadToken
                | Why::Expired
                | Why::PersonaGone
                | Why::Unknown
                | Why::Ambiguous
                | Why::BroughtByAnother
                | Why::OtherPersonas
                | Why::SeveralPersonas
                | Why::SeveralThreads
                | Why::TooManyThreads
                | Why::OutsideWindow
                | Why::NamesNobody,
            ) => Sign::No,
        }
    }

    /// What it says, and what that is worth. `winner` is the piece that decided.
    fn in_words(&self, winner: Option<&Self>) -> String {
        let Some(persona) = self.persona.as_deref() else {
            return self.untold().or(self.not.map(Why::meaning)).unwrap_or_default().to_owned();
        };
        let thread = self.thread.as_ref().map_or_else(String::new, |id| format!(", in thread {id}"));
        let agrees = winner.is_some_and(|winner| {
            let same_thread = self.thread.is_none() || winner.thread.is_none() || self.thread == winner.thread;
            winner.persona == self.persona && same_thread
        });
        let worth = match (self.won, self.is_after_winner) {
            (true, _) => "this decides",
            (false, true) if agrees => "agrees",
            (false, true) => "gives way to what is stronger",
            (false, false) => "but the recipient is another persona's address",
        };
        let says = if self.evidence == Evidence::Correspondent {
            format!("only {persona} has written to them")
        } else {
            format!("names {persona}{thread}")
        };
        format!("{says}; {worth}")
    }
}

/// All of them for people, those that say nothing for the same reason in one line; last, what the message has
/// nothing of.
pub(super) fn rows(tried: &[EvidenceTried]) -> Vec<Row> {
    let winner = tried.iter().find(|piece| piece.won);
    let row = |group: &[EvidenceTried]| {
        let first = group.first()?;
        let values: Vec<String> = group.iter().filter_map(EvidenceTried::quoted).collect();
        let more = values.len().saturating_sub(MOST);
        let shown = values.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
        let values = if more > 0 { format!("{shown} and {more} more") } else { shown };
        let colon = if values.is_empty() { "" } else { ": " };
        let text = format!("{values}{colon}{}", first.in_words(winner));
        Some(Row::named(Some(first.sign()), first.evidence.to_string(), text))
    };
    let (absent, there): (Vec<_>, Vec<_>) = tried.iter().cloned().partition(|piece| piece.not == Some(Why::Absent));
    there.chunk_by(EvidenceTried::is_told_with).filter_map(row).chain(nothing_of(&absent)).collect()
}

fn nothing_of(absent: &[EvidenceTried]) -> Option<Row> {
    let names: Vec<String> = absent.iter().map(|piece| piece.evidence.to_string()).collect();
    (!names.is_empty()).then(|| Row::named(Some(Sign::Neutral), "nothing of", names.join(", ")))
}

fn looked_at(what: LookedAt<'_>) -> Option<String> {
    match what {
        LookedAt::Nothing => None,
        LookedAt::Address(address) | LookedAt::Author(address) => Some(address.to_string()),
        LookedAt::Id(id) => Some(id.to_string()),
        LookedAt::Conversation => Some("Thread-Index".to_owned()),
        LookedAt::Subject(subject) => Some(subject.to_owned()),
        LookedAt::Opening(lines) => {
            let opening: String = lines.join(" / ").chars().take(OPENING).collect();
            (!opening.is_empty()).then_some(opening)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{PersonaName, ThreadId};

    fn piece(evidence: Evidence, looked_at: Option<&str>, says: Says) -> EvidenceTried {
        let piece = Piece { evidence, looked_at: LookedAt::Nothing, says };
        EvidenceTried { looked_at: looked_at.map(str::to_owned), ..EvidenceTried::new(&piece, Missing::default()) }
    }

    fn names(persona: &str, thread: Option<u8>) -> Says {
        Says::Names { persona: PersonaName(persona.into()), thread: thread.map(|id| ThreadId([id; 8])) }
    }

    fn told(mut pieces: Vec<EvidenceTried>, persona: &str, evidence: Evidence, thread: Option<u8>) -> Vec<String> {
        let thread = thread.map(|id| ThreadId([id; 8]).to_string());
        let matched = Matched {
            evidence: Some(evidence),
            persona: Some(persona.into()),
            thread,
            opened: None,
            correspondent: None,
            conflicts: Vec::new(),
        };
        EvidenceTried::mark_winner(&mut pieces, &matched);
        rows(&pieces).into_iter().map(|row| format!("{:?} {} {}", row.sign.unwrap(), row.head, row.text)).collect()
    }

    #[test]
    fn each_piece_says_what_it_is_worth() {
        let pieces = vec![
            piece(Evidence::RecipientToken, None, Says::Not(Why::Absent)),
            piece(Evidence::Seed, Some("<a@b>"), names("tom", Some(1))),
            piece(Evidence::MessageId, Some("<c@d>"), names("sophie", Some(2))),
            piece(Evidence::MessageId, Some("<e@f>"), names("sophie", Some(3))),
            piece(Evidence::QuotedId, None, Says::Not(Why::Absent)),
            piece(Evidence::PersonaAddress, Some("sophie@acme.example"), names("sophie", None)),
            piece(Evidence::ByName, Some("Hi Sophie,"), Says::Not(Why::NotNeeded)),
        ];
        let (one, two, three) = (ThreadId([1; 8]), ThreadId([2; 8]), ThreadId([3; 8]));
        assert_eq!(
            told(pieces, "sophie", Evidence::MessageId, Some(2)),
            [
                format!("No seed <a@b>: names tom, in thread {one}; but the recipient is another persona's address"),
                format!("Yes message-id <c@d>: names sophie, in thread {two}; this decides"),
                format!("Neutral message-id <e@f>: names sophie, in thread {three}; gives way to what is stronger"),
                "Neutral persona-address sophie@acme.example: names sophie; agrees".to_owned(),
                "Neutral by-name \"Hi Sophie,\": not needed: something stronger was found".to_owned(),
                "Neutral nothing of recipient-token, quoted-id".to_owned(),
            ]
        );
    }

    #[test]
    fn what_says_nothing_for_one_reason_is_told_once() {
        let ids = ["<1@b>", "<2@b>", "<3@b>", "<4@b>", "<5@b>"];
        let mut pieces: Vec<_> =
            ids.iter().map(|id| piece(Evidence::MessageId, Some(id), Says::Not(Why::Unknown))).collect();
        pieces.push(piece(Evidence::MessageId, Some("<6@b>"), Says::Not(Why::Ambiguous)));
        assert_eq!(
            told(pieces, "sophie", Evidence::PersonaAddress, None),
            [
                "No message-id <1@b>, <2@b>, <3@b> and 2 more: not known",
                "No message-id <6@b>: messages of two threads had this id",
            ]
        );
    }

    #[test]
    fn what_only_the_index_knows_is_not_unknown_while_it_is_away() {
        let piece =
            Piece { evidence: Evidence::MessageId, looked_at: LookedAt::Nothing, says: Says::Not(Why::Unknown) };
        let tried = EvidenceTried::new(&piece, Missing { index: true, key: false });
        assert_eq!(tried.in_words(None), "nobody can tell, since the thread index is away");
        assert_eq!(tried.sign(), Sign::Neutral);
    }
}
