//! Why a node does not take a pod, by the rules of kube-scheduler's filters. Pure.

mod quantity;

pub use quantity::{ParseQuantityError, Quantity};
