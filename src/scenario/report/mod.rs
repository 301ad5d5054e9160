//! What people and programs get to see of a run.

mod figures;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_objects;
mod lives;
mod object;
mod outcome;

pub use figures::{Figure, Unit, figures};
pub use outcome::{RunReport, StepReport};
