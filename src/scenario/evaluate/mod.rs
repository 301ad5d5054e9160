//! Judging a record: what held when, and what follows for each assertion. Pure: the same record gives
//! the same verdicts, during a run and afterwards.

mod invalid;
mod labels;
mod verdict;

pub use invalid::Invalid;
pub(in crate::scenario) use labels::{Requirement, requirements};
pub use verdict::{Breach, Explanation, Judgement, ObjectName, Span, Verdict};
