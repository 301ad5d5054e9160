//! Measured figures of a run.

mod figure;
mod node_loss;
mod readiness;
mod run;

pub(super) use figure::{Figure, figures};
