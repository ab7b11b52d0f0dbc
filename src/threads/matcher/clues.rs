//! What in a message may speak for a thread: gathered once, for all recipients.

use std::cell::OnceCell;

use crate::mail::{Address, Mailbox, MessageId};
use crate::message::{Message, Mime};

use super::Matcher;
use super::piece::Why;
use crate::threads::token::{Purpose, Token};

/// What in a message may speak for a thread.
pub struct Clues<'m> {
    message: &'m Message,
    mime: Mime,
    pub(super) parents: Vec<MessageId>,
    /// Of the ids that it refers to, those that are written like seeds; the token where it verifies, that of the
    /// youngest thread first.
    pub(super) seeds: Vec<(MessageId, Option<Token>)>,
    /// The ids in what it quotes.
    pub(super) quoted: Vec<(MessageId, Option<Token>)>,
    /// The tokens where servers write the recipient; believed at shared addresses only.
    pub(super) written: Vec<(Address, Result<Token, Why>)>,
    /// Those whose healed ids count: the author, or the customers whom one of ours answers.
    pub(super) brought_by: Vec<Address>,
    pub(super) author: Option<Address>,
    pub(super) subject: Option<String>,
    pub(super) has_conversation: bool,
    opening: OnceCell<Vec<String>>,
}

impl Matcher<'_> {
    /// Gathers what all recipients of a message have in common. `quoted` are the ids in what it returns or has
    /// attached; `brought_by` are those whose healed ids count: the author, or the customers whom one of ours
    /// answers; `mime` bounds the search for the author's own text.
    pub fn clues<'m>(
        &self,
        message: &'m Message,
        quoted: &[MessageId],
        brought_by: Vec<Address>,
        mime: Mime,
    ) -> Clues<'m> {
        let parents = message.parents();
        let seed = |id: &MessageId| (id.clone(), Token::open(id.left(), Purpose::Seed, self.keys));
        let mut seeds: Vec<_> = parents.iter().filter(|id| Token::resembles(id.left())).map(seed).collect();
        // Where one persona goes on where another began, the message bears both seeds, and ours stands first in
        // References: what refers to both answers the later one.
        seeds.sort_by_key(|(_, token)| std::cmp::Reverse(token.map(|token| token.id)));
        let written = message.recipients().into_iter();
        Clues {
            mime,
            seeds,
            quoted: quoted.iter().map(seed).collect(),
            written: written.filter_map(|address| Some((address.clone(), self.reply_token_in(&address)?))).collect(),
            parents,
            brought_by,
            author: message.author().map(|author| author.address.clone()),
            subject: message.base_subject(),
            has_conversation: message.conversation().is_some(),
            opening: OnceCell::new(),
            message,
        }
    }
}

impl Clues<'_> {
    /// The first lines of the author's own text; read only where they are needed.
    pub(super) fn opening(&self) -> &[String] {
        self.opening.get_or_init(|| self.message.opening(self.mime))
    }

    /// The author, with the display name.
    pub(super) fn mailbox(&self) -> Option<&Mailbox> {
        self.message.author()
    }
}
