//! Cluster configuration: kind's `v1alpha4` format, decoded strictly, with every problem found.

mod cluster;

pub use cluster::{Cluster, Networking, Node, Role};
