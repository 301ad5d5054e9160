//! Clusters as they exist in the engine: found by the labels of their objects alone, so that one
//! half made or half deleted is seen and removed like any other.

pub mod access;
pub mod delete;
#[cfg(test)]
mod fixture;
pub mod inventory;
pub mod labels;
pub mod load;
pub mod logs;
mod tarball;
