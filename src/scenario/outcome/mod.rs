//! The outcome of a run: written by `run`, shown by `report`.

mod microseconds;
mod run;

pub use run::{RunReport, StepReport};
