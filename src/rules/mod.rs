//! Rules: what is to be done with a message of a kind. Pure; sees a match, never the memory.

pub mod defaults;

pub use defaults::{Verdict, verdict};
