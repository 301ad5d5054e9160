//! Kubernetes versions, and every decision that depends on one.

mod version;

pub use version::{ParseVersionError, Version};
