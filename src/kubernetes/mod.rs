//! Kubernetes: versions and the decisions that depend on them, the client, conditions of objects.

mod client;
pub mod conditions;
mod kinds;
mod objects;
mod version;

pub use client::{Identity, connect, connect_impatiently};
pub use kinds::{Kind, find_kind, kinds};
pub use objects::create_objects;
pub use version::{ParseVersionError, Version};
