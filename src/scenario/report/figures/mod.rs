//! Measured figures of a run.

mod figure;
mod measure;
mod node_loss;
mod readiness;
mod run;

pub(super) use figure::Figure;
pub(super) use measure::figures;
