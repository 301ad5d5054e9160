//! Clusters, steps and checks that the end-to-end tests and `cargo xtask` share. What goes wrong is a
//! panic, as in every test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod cluster;
mod docker;
pub mod faults;
mod images;
mod kubectl;
mod manifest;
mod process;
mod runner;
mod sandbox;
mod schedule;
mod session;
mod suite;
mod wait;

pub use cluster::{Cluster, THREE_NODES};
pub use docker::{docker, footprint, gateway, in_node, inspect, node_get, try_docker, try_in_node};
pub use images::{image_of, remove_images, small_image};
pub use kubectl::Kubectl;
pub use manifest::{
    BUSYBOX, container, deployment, disruption_budget, idle_pod, leaving_lost_nodes, pod, service,
    volume_claim, web_container, with_spec, with_volume,
};
pub use process::{Ran, run, run_in, set_program, words};
pub use runner::Runner;
pub use sandbox::Sandbox;
pub use suite::{Environment, Suite};
pub use wait::{pass, until, until_holds};
