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

pub use cluster::Cluster;
pub use docker::{
    Footprint, docker, footprint, in_node, inspect, node_get, try_docker, try_in_node,
};
pub use images::{image_of, remove_images, small_image};
pub use kubectl::Kubectl;
pub use manifest::{BUSYBOX, container, deployment, pod, service, web_container};
pub use process::{Ran, run, run_in, set_program, words};
pub use runner::Runner;
pub use sandbox::Sandbox;
pub use suite::{Environment, Suite};
pub use wait::{pass, until, until_holds};
