//! Evidence that is learned: ids that the index knows.

use std::collections::HashSet;

use crate::mail::{Address, Evidence, MessageId, PersonaName, ThreadId};

use super::clues::Clues;
use super::piece::{LookedAt, Piece, Says, Why};
use super::{Matcher, Recipient};
use crate::threads::{Claim, Found, Origin};

impl Matcher<'_> {
    /// Learned ids first, then healed ones, then those that nobody knows; each from the best parent to the
    /// least. What is written like a seed is none of them.
    pub(super) fn by_message_id<'c>(
        &self,
        clues: &'c Clues<'_>,
        recipient: &Recipient,
        found: &Found,
    ) -> Vec<Piece<'c>> {
        let is_seed = |id: &MessageId| clues.seeds.iter().any(|(seed, _)| seed == id);
        let ids = || clues.parents.iter().filter(|id| !is_seed(id) || found.ids.contains_key(*id));
        let claims = |id: &MessageId| found.ids.get(id).map(Vec::as_slice).unwrap_or_default();
        let piece = |id, says| Piece { evidence: Evidence::MessageId, looked_at: LookedAt::Id(id), says };
        let learned = ids().filter_map(|id| Some(piece(id, self.learned(claims(id), found)?)));
        let healed = ids().filter(|id| is_only_healed(claims(id)));
        let healed = healed.map(|id| piece(id, self.brought(claims(id), clues, recipient, found)));
        let unknown = ids().filter(|id| claims(id).is_empty()).map(|id| piece(id, Says::Not(Why::Unknown)));
        learned.chain(healed).chain(unknown).collect()
    }

    /// The ids in what a message returns, reports about or has attached: seeds first. What a customer brought is
    /// no evidence there, and nothing is where several threads are quoted: nobody knows which is meant.
    pub(super) fn by_quoted_id<'c>(&self, clues: &'c Clues<'_>, found: &Found) -> Vec<Piece<'c>> {
        let piece = |id, says| Piece { evidence: Evidence::QuotedId, looked_at: LookedAt::Id(id), says };
        let seeds = clues.quoted.iter().filter_map(|(id, token)| Some(piece(id, self.named_by(token.as_ref()?))));
        let ids = clues.quoted.iter().filter(|(_, token)| token.is_none()).map(|(id, _)| id);
        let learned = |id: &MessageId| self.learned(found.ids.get(id)?, found);
        let others = ids.map(|id| piece(id, learned(id).unwrap_or(Says::Not(Why::Unknown))));
        let mut pieces: Vec<Piece<'c>> = seeds.chain(others).collect();
        let named = pieces.iter().filter_map(Piece::candidate).filter_map(|candidate| candidate.thread);
        if named.collect::<HashSet<_>>().len() > 1 {
            let names = |piece: &&mut Piece<'_>| piece.candidate().is_some();
            pieces.iter_mut().filter(names).for_each(|piece| piece.says = Says::Not(Why::SeveralThreads));
        }
        pieces
    }

    /// The thread of a learned id; an id that messages of two threads carried says nothing. `None` where nobody
    /// learned it.
    fn learned(&self, claims: &[Claim], found: &Found) -> Option<Says> {
        let mut learned = claims.iter().filter(|claim| matches!(claim.origin, Origin::Learned(_)));
        let first = learned.next()?;
        let is_one = learned.all(|other| other.thread == first.thread);
        Some(if is_one { self.of_thread(first.thread, found) } else { Says::Not(Why::Ambiguous) })
    }

    /// What an id says that customers brought: this author first, then others of the same domain.
    fn brought(&self, claims: &[Claim], clues: &Clues<'_>, recipient: &Recipient, found: &Found) -> Says {
        let says = clues.brought_by.iter().find_map(|author| {
            let (folded, domain) = (author.folded(), format!("@{}", author.domain()));
            let by = |author: &dyn Fn(&str) -> bool| self.brought_by(claims, author, recipient, found);
            by(&|who| who == folded).or_else(|| by(&|who| who.ends_with(&domain)))
        });
        says.unwrap_or(Says::Not(Why::BroughtByAnother))
    }

    /// One mail to several personas brought its id into a thread of each: the recipient's own persona is meant, and
    /// where the recipient names none, it is no evidence. Of several threads of one persona (an id may come twice)
    /// nobody knows which is meant. `None` where none of these authors brought it.
    fn brought_by(
        &self,
        claims: &[Claim],
        author: &dyn Fn(&str) -> bool,
        to: &Recipient,
        found: &Found,
    ) -> Option<Says> {
        let threads = claims.iter().filter(|claim| is_healed_by(claim, author)).map(|claim| claim.thread);
        let is_meant = |thread: &ThreadId| match to {
            Recipient::Persona(name) => self.persona_of(*thread, found) == Some(name),
            Recipient::Shared | Recipient::Token(_) => true,
        };
        let threads: HashSet<ThreadId> = threads.filter(is_meant).collect();
        let personas: HashSet<_> = threads.iter().map(|thread| self.persona_of(*thread, found)).collect();
        let first = threads.iter().next().copied()?;
        Some(match (personas.into_iter().collect::<Vec<_>>().as_slice(), threads.len(), to) {
            ([_], 1, _) => self.of_thread(first, found),
            ([_], _, Recipient::Persona(_)) => Says::Not(Why::SeveralThreads),
            ([Some(persona)], _, Recipient::Shared | Recipient::Token(_)) => {
                Says::Names { persona: (*persona).clone(), thread: None }
            }
            ([None], _, Recipient::Shared | Recipient::Token(_)) => Says::Not(Why::PersonaGone),
            (_, _, _) => Says::Not(Why::SeveralPersonas),
        })
    }

    /// The thread of `persona` that this correspondent brought the id into before.
    pub fn joined_before(
        &self,
        id: &MessageId,
        persona: &PersonaName,
        author: &Address,
        found: &Found,
    ) -> Option<ThreadId> {
        let folded = author.folded();
        let claims = found.ids.get(id)?.iter().filter(|claim| is_healed_by(claim, &|who| who == folded));
        claims.map(|claim| claim.thread).find(|thread| self.persona_of(*thread, found) == Some(persona))
    }

    fn of_thread(&self, thread: ThreadId, found: &Found) -> Says {
        self.persona_of(thread, found).map_or(Says::Not(Why::PersonaGone), |persona| Says::Names {
            persona: persona.clone(),
            thread: Some(thread),
        })
    }

    /// Whose thread it is: a persona that is there, or one that left and has a successor.
    pub(super) fn persona_of(&self, thread: ThreadId, found: &Found) -> Option<&PersonaName> {
        let persona = &found.threads.get(&thread)?.persona;
        self.people.persona(persona).map(|persona| &persona.name)
    }
}

fn is_only_healed(claims: &[Claim]) -> bool {
    !claims.is_empty() && claims.iter().all(|claim| matches!(claim.origin, Origin::Healed(_)))
}

fn is_healed_by(claim: &Claim, author: &dyn Fn(&str) -> bool) -> bool {
    match &claim.origin {
        Origin::Healed(correspondent) => author(correspondent),
        Origin::Learned(_) => false,
    }
}
