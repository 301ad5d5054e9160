//! Judges assertions over a record. Pure: the same record gives the same verdicts, during the run and
//! afterwards.

mod active_claim;
mod claim;
mod compile;
mod evaluator;
mod explain;
pub mod expression;
mod labels;
mod pattern;
mod program;
mod state;
mod table;
mod truth;

pub use compile::Invalid;
pub use evaluator::{Evaluator, in_order, judge};
pub(in crate::scenario) use labels::label_expressions;
pub use program::Program;

#[cfg(test)]
mod tests;
