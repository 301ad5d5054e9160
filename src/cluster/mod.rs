//! Whole clusters: creating, listing and deleting them.
//!
//! kindrs finds a cluster only by the labels of its objects, so that an incomplete cluster is
//! listed and deleted like any other.

pub mod access;
mod bootstrap;
pub mod create;
pub mod delete;
#[cfg(test)]
pub(crate) mod fixture;
pub mod inventory;
pub mod load;
pub mod logs;
mod options;
mod prepare;
mod readiness;
mod rendering;
mod stage;
mod start;
mod tarball;

pub use options::CreateOptions;
