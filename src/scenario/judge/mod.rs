//! Judging a record: what held when, and what follows for each assertion. Pure: the same record gives
//! the same verdicts, during a run and afterwards.

mod claim;
mod compile;
mod evaluator;
mod explain;
pub mod expression;
mod labels;
mod pattern;
mod plan;
mod running;
mod state;
mod verdict;

pub use compile::Invalid;
pub use evaluator::{Evaluator, in_order, judge};
pub(in crate::scenario) use labels::{Requirement, requirements};
pub use plan::Program;
pub use verdict::{Breach, Explanation, Judgement, ObjectName, Span, Verdict};

#[cfg(test)]
mod tests;
