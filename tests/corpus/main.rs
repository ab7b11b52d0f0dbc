//! Real mail that belongs to its writers and is no part of the project: `SINCERELY_CORPUS=FOLDER cargo test corpus`.
//!
//! Every file of the folder is sent to Sophie: it is relayed with equal bytes, or held, or refused with a reason. Where
//! the folder has a `labels.csv`, what each message was taken for is compared with what people called it, and told as a
//! confusion matrix. Without a folder there is nothing to do.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod labels;
mod live;
mod matrix;
mod verdicts;
