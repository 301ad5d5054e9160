//! What the tests share: a place of their own, and hands on Docker, kindrs and kubectl.

mod docker;
mod images;
mod kubectl;
mod manifest;
mod process;
mod sandbox;
mod steps;
mod turn;
mod wait;

pub use docker::{
    Footprint, docker, footprint, in_node, inspect, node_get, try_docker, try_in_node,
};
pub use images::{image_of, remove_images, small_image};
pub use kubectl::Kubectl;
pub use manifest::{BUSYBOX, container, deployment, pod, service, web_container};
pub use process::{Ran, run, run_in, words};
pub use sandbox::Sandbox;
pub use steps::Steps;
pub use wait::{until, until_holds};
