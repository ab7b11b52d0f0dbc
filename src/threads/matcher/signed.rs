//! Evidence that is signed: tokens in addresses, seeds among ids. It needs no index.

use crate::mail::{Address, Evidence, MessageId, ThreadId};

use super::clues::Clues;
use super::piece::{LookedAt, Piece, Says, Why};
use super::{Matcher, Recipient};
use crate::threads::token::{Purpose, Token};

/// How long a token in a return path is believed.
const RETURN_TOKENS_EXPIRE: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

impl Matcher<'_> {
    /// The seeds among ids, in their order.
    pub fn seeds(&self, ids: &[MessageId]) -> Vec<Token> {
        ids.iter().filter_map(|id| Token::open(id.left(), Purpose::Seed, self.keys)).collect()
    }

    /// The token in the subaddress of an address: of a reply address, or of a return path.
    pub fn recipient_token(&self, recipient: &Address) -> Option<Token> {
        self.token_in(recipient)?.ok()
    }

    /// The tokens in the fields where servers write the recipient.
    pub fn written_tokens(&self, recipients: &[Address]) -> Vec<Token> {
        recipients.iter().filter_map(|address| self.reply_token_in(address)?.ok()).collect()
    }

    /// The token of a reply address that a field names: a return path is for the envelope alone.
    pub(super) fn reply_token_in(&self, address: &Address) -> Option<Result<Token, Why>> {
        let token = self.token_in(address)?;
        Some(token.and_then(|token| if token.purpose == Purpose::Reply { Ok(token) } else { Err(Why::BadToken) }))
    }

    /// What is written like a token in a subaddress, verified.
    pub(super) fn token_in(&self, address: &Address) -> Option<Result<Token, Why>> {
        let (_, detail) = address.split_detail(self.separators);
        let detail = detail?;
        if let Some(token) = Token::open(detail, Purpose::Reply, self.keys) {
            return Some(Ok(token));
        }
        let is_ours = self.reply_domain.is_some_and(|domain| domain == address.domain());
        let returns = [Purpose::ReturnOfForward, Purpose::ReturnOfOutbound];
        let token = returns.into_iter().find_map(|purpose| Token::open(detail, purpose, self.keys));
        match token.filter(|_| is_ours) {
            Some(token) if self.is_expired(&token) => Some(Err(Why::Expired)),
            Some(token) => Some(Ok(token)),
            None => Token::resembles(detail).then_some(Err(Why::BadToken)),
        }
    }

    /// A token of an automated message names its thread, which may be older than the mail that
    /// bounces now: it does not expire. What it leads to is held, never forwarded.
    fn is_expired(&self, token: &Token) -> bool {
        if token.purpose != Purpose::ReturnOfForward {
            return false;
        }
        let issued = ThreadId(token.id).opened().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.now.duration_since(issued) > RETURN_TOKENS_EXPIRE
    }

    /// The token of the envelope recipient; at shared addresses also those where servers and clients write the
    /// recipient.
    pub(super) fn by_recipient_token<'c>(
        &self,
        clues: &'c Clues<'_>,
        to: &'c Address,
        recipient: &Recipient,
    ) -> Vec<Piece<'c>> {
        let own = self.token_in(to).map(|token| (to, token));
        let written = clues.written.iter().filter(|_| *recipient == Recipient::Shared);
        let tokens = own.into_iter().chain(written.map(|(address, token)| (address, *token)));
        tokens
            .map(|(address, token)| Piece {
                evidence: Evidence::RecipientToken,
                looked_at: LookedAt::Address(address),
                says: token.map_or_else(Says::Not, |token| self.named_by(&token)),
            })
            .collect()
    }

    /// The seeds among the ids that the message refers to, best first.
    pub(super) fn by_seed<'c>(&self, clues: &'c Clues<'_>) -> Vec<Piece<'c>> {
        let piece = |(id, token): &'c (MessageId, Option<Token>)| Piece {
            evidence: Evidence::Seed,
            looked_at: LookedAt::Id(id),
            says: token.as_ref().map_or(Says::Not(Why::BadToken), |token| self.named_by(token)),
        };
        clues.seeds.iter().map(piece).collect()
    }

    /// A token needs no index: its tag names the persona, its id the thread. A persona that is not
    /// there any more is no evidence.
    pub(super) fn named_by(&self, token: &Token) -> Says {
        let Some(persona) = self.people.persona_by_tag(token.persona) else { return Says::Not(Why::PersonaGone) };
        let thread = match token.purpose {
            Purpose::Seed | Purpose::Reply | Purpose::ReturnOfOutbound => Some(ThreadId(token.id)),
            Purpose::ReturnOfForward => None,
        };
        Says::Names { persona: persona.name.clone(), thread }
    }
}
