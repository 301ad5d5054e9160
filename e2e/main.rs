//! Tests of kindrs on real clusters, with the Docker of this machine: `cargo test --test e2e`.
//!
//! One test is one cluster, because a cluster takes longer than what is done with it; its steps
//! are named in the output. Only what is in the nodes' image is used, so that no registry is
//! needed. Clusters made here are named `e2e-…`; those that a killed run left are swept away at
//! the start of the next.
//!
//! `KINDRS_E2E_IMAGE` names the nodes' image (else kindrs chooses it), `KINDRS_E2E_LOGS` a folder
//! for the logs of clusters whose test failed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod harness;

mod bad_days;
mod concurrent;
mod configuration;
mod faults;
mod high_availability;
mod killed;
mod lifecycle;
mod node_loss;
mod pulled_image;
mod scenarios;
mod stock_image;
mod workloads;
