//! Measured figures of a run.

mod count;
mod figure;
mod node_loss;
mod readiness;

pub(super) use count::{outages, unwatched};
pub use figure::{Figure, Unit, figures};
