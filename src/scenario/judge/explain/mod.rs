//! Explains why a condition is not as expected, to readers who know Kubernetes but not kindrs.

mod breach;
mod cel;
mod condition;
mod object;
mod quantified;

pub(super) use breach::{happened_to, not_followed};
pub(super) use condition::{condition, error};
