//! Cluster configuration: kind's `v1alpha4` format, decoded strictly, with every problem found.

mod cluster;

mod name;
pub use cluster::{Cluster, Networking, Node, Role};
pub use name::{load_balancer_name, node_names, validate_cluster_name};
