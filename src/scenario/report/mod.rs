//! What people and programs get to see of a run.

mod outcome;

pub use outcome::{RunReport, StepReport};
