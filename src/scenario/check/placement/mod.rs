//! Why a pod does not fit a node, by the rules of kube-scheduler's filters. Pure.
//!
//! Not covered: volumes (their node affinity, limits and zones), resource claims, and scheduler profiles
//! other than the default one.

mod inter_pod;
mod labels;
mod node;
mod node_affinity;
mod ports;
mod quantity;
mod refusal;
mod resources;
mod situation;
mod spread;

#[cfg(test)]
mod refusal_tests;

pub use quantity::{ParseQuantityError, Quantity};
pub use refusal::{Refusal, refusals};
