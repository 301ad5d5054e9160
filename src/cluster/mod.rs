//! What is done to a cluster as a whole: made, found, deleted.
//!
//! A cluster is found by the labels of its objects alone, so that one half made or half deleted is
//! seen and removed like any other.

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
mod start;
mod tarball;

pub use options::CreateOptions;
