//! Judging a record: what held when, and what follows for each assertion. Pure: the same record gives
//! the same verdicts, during a run and afterwards.

mod invalid;
mod verdict;

pub use invalid::Invalid;
pub use verdict::{Breach, Explanation, Judgement, ObjectName, Span, Verdict};
