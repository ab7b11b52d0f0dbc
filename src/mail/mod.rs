//! The vocabulary of the program: what mail is made of, without any I/O.
//!
//! Every other module speaks in these types. They are parsed once at the edge and cannot be wrong
//! afterwards: an [`Address`] has a domain, a null reverse path
//! is a variant and never an empty text. Nothing here reads a clock, a file or a socket.

pub mod address;
pub mod delivery;
pub mod dsn;
pub mod envelope;
pub mod kind;
pub mod message_id;
pub mod reply;
pub mod say;
pub mod transaction;

pub mod choice;
pub mod lesson;
pub mod matched;
pub mod outcome;
pub mod plan;
pub mod rescue;

pub mod fold;
pub mod plain;

#[cfg(any(test, fuzzing))]
pub mod fuzz;

pub use address::{Address, Domain, Mailbox};
pub use choice::{Choice, ChoiceReason, Place, Turn};
pub use delivery::{Action, Delivery, Status};
pub use envelope::{ReversePath, Transport};
pub use kind::Kind;
pub use lesson::Lesson;
pub use matched::{Conflict, Evidence, Match, PersonName, PersonaName, PersonaTag, ThreadId};
pub use message_id::MessageId;
pub use outcome::{Extension, Failure, Leg, Outcome};
pub use plan::{Absent, Destination, Edits, Fallback, Fate, FateName, Field, HoldReason, Plan};
pub use reply::Reply;
pub use rescue::{CopyId, Rescue, WayBack};
pub use say::Say;
pub use transaction::TransactionId;
