//! Cluster configuration: kind's `v1alpha4` format
//! (<https://kind.sigs.k8s.io/docs/user/configuration/>), decoded strictly, with every problem
//! found and placed.
//!
//! A text becomes a tree of nodes that know their place, the tree a [`Cluster`] with
//! defaults, and the rules about a cluster, which do not care where it came from, are checked last
//! and their violations given the places of the fields.

mod cluster;
mod decode;
mod host_path;
mod load;
mod name;
mod patch;
mod role;
mod subnet;
mod validate;
mod violation;

pub use cluster::{Cluster, Networking, Node};
pub use load::load;
pub(crate) use load::load_value;
pub use name::{load_balancer_name, node_names, validate_cluster_name};
pub use role::{ContainerRole, Role};
pub use validate::validate;
pub use violation::{Violation, Violations};

#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod refusal_tests;
