//! Cluster configuration: kind's `v1alpha4` format
//! (<https://kind.sigs.k8s.io/docs/user/configuration/>), decoded strictly. All problems of a file are
//! reported at once, with their positions.
//!
//! The decoder reads a text as the types of `format`, which become a [`Cluster`] with defaults. The rules about
//! a cluster do not depend on its source, so they are checked last, and their violations get the positions of
//! the fields.

mod cluster;
mod format;
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
