//! Docker's API through `bollard`, the only module that uses it.

mod archive;
mod connection;
mod container_config;
mod containers;
mod endpoint;
mod engine;
mod error;
mod exec;
mod images;
mod networks;

pub use connection::Docker;
