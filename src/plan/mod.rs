//! From a configuration to everything that will be created: pure, synchronous, tested without
//! Docker.

mod capabilities;
mod cluster;
mod container;
pub mod labels;
mod planner;
#[cfg(test)]
pub(crate) mod sample;
mod settings;
mod subnet;

pub(crate) use cluster::API_PORT;
pub use cluster::{ClusterPlan, LoadBalancerPlan, NodeImagePlan, NodePlan, PodNetwork};
pub use container::{WRAPPER_PATH, load_balancer_container, node_container, render_container};
pub use planner::{PlanInput, plan};
pub use settings::ClusterSettings;
pub use subnet::{cluster_subnets, pod_subnets};
