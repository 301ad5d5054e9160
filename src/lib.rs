//! Disposable, real, multi-node Kubernetes clusters in Docker.
//!
//! The map of the modules is in `ARCHITECTURE.md`.

pub mod cli;
pub mod cluster;
pub mod config;
pub mod duration;
pub mod failure;
pub mod fault;
pub mod image;
pub mod interruption;
pub mod kubeconfig;
pub mod kubernetes;
pub mod pki;
pub mod plan;
pub mod plural;
pub mod progress;
pub mod render;
pub mod runtime;
pub mod scenario;
mod words;
pub mod yaml;
