//! From a configuration to everything that will be made: pure, synchronous, tested without Docker.

mod capabilities;
mod certificates;
mod cluster;
mod container;
pub mod labels;
#[cfg(test)]
pub(crate) mod sample;
mod subnet;

pub(crate) use certificates::KUBECONFIG_IDS;
pub use certificates::{Authority, CertificatePlan, Usage, certificates};
pub(crate) use cluster::API_PORT;
pub use cluster::{
    ClusterPlan, LoadBalancerPlan, NodeImagePlan, NodePlan, PlanInput, PodNetwork, plan,
};
pub use container::{WRAPPER_PATH, load_balancer_container, node_container, render_container};
pub use subnet::{cluster_subnets, pod_subnets};
