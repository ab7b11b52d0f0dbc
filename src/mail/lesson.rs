//! What a message teaches.

use super::{Address, MessageId, PersonName, PersonaName, ThreadId};

/// A message went out from us or one of ours: its id belongs to a thread from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Its Message-ID.
    pub message_id: MessageId,
    /// The thread, opened by this message or an earlier one.
    pub thread: ThreadId,
    /// Whose thread.
    pub persona: PersonaName,
    /// The customers that it goes to; none where it only goes on with a thread.
    pub correspondents: Vec<Address>,
    /// Who wrote it, where that is one known person: who goes on answering in this thread.
    pub writer: Option<PersonName>,
    /// The campaign that it is of, where it is automated and says so.
    pub campaign: Option<String>,
}
