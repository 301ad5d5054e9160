//! The outcome of a run: written by `judge` and `run`, shown by `report`.

mod judgement;
mod microseconds;
mod run;

pub use judgement::{Breach, Explanation, Judgement, ObjectName, Span, Verdict};
pub use run::{RunReport, StepReport};
