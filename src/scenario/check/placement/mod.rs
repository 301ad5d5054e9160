//! Why a node does not take a pod, by the rules of kube-scheduler's filters. Pure.
//!
//! Left out: volumes (their node affinity, limits and zones), resources that claims allocate, and
//! scheduler profiles other than the default one.

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

pub use quantity::Quantity;
pub use refusal::{Refusal, refusals};
