//! The commands, one file each. They speak to people; everything below them is silent.

pub mod check;
