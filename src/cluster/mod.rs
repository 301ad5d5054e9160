//! What is done to a cluster as a whole: made, found, deleted.

mod bootstrap;
pub mod create;
mod discard;
pub mod labels;
mod prepare;
mod readiness;
mod rendering;
mod start;
