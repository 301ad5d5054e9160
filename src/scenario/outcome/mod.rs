//! The outcome of a run: written by `run`, shown by `report`.

mod microseconds;
mod run;
mod step;

pub use run::RunReport;
pub use step::StepReport;
