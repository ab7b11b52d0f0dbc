//! What happens to a message.

pub mod policy;
