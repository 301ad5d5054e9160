//! Tests of kindrs on real clusters, with the Docker of this machine.
//!
//! ```sh
//! cargo test --test e2e                      # everything
//! cargo test --test e2e -- lifecycle::logs   # the steps of a suite with this name
//! cargo test --test e2e -- --list
//! ```
//!
//! A suite shares one cluster, because creating it takes longer than a step. Suites run one after the other.
//! Clusters use only the images in the node image, so that no registry is needed. Their names start with
//! `e2e-`; a run starts with removing what killed runs left.
//!
//! `KINDRS` names the kindrs to test instead of a build of this checkout, `KINDRS_E2E_IMAGE` the node image to
//! use instead of the one that kindrs chooses, and `KINDRS_E2E_LOGS` a folder for the logs of clusters when a
//! step fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod concurrent;
mod configuration;
mod create_failures;
mod faults;
mod high_availability;
mod killed;
mod lifecycle;
mod node_loss;
mod own_network;
mod pulled_image;
mod scenarios;
mod stock_image;
mod workloads;

use std::process::ExitCode;

use harness::Runner;

fn main() -> ExitCode {
    let program = std::env::var_os("KINDRS").unwrap_or_else(|| env!("CARGO_BIN_EXE_kindrs").into());
    harness::set_program(program);
    Runner::from_arguments()
        .suite(create_failures::suite())
        .suite(lifecycle::suite())
        .suite(configuration::suite())
        .suite(own_network::suite())
        .suite(concurrent::suite())
        .suite(workloads::suite())
        .suite(node_loss::suite())
        .suite(high_availability::suite())
        .suite(faults::nodes::suite())
        .suite(faults::pods::suite())
        .suite(faults::network::suite())
        .suite(faults::control_plane::suite())
        .suite(faults::several_control_planes::suite())
        .suite(faults::api_requests::suite())
        .suite(scenarios::passing_suite())
        .suite(scenarios::failing_suite())
        .suite(killed::suite())
        .suite(pulled_image::suite())
        .suite(stock_image::suite())
        .run()
}
