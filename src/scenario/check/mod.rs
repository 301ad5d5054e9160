//! Checks of scenarios without a cluster, beyond what the schema says.

pub mod lint;
pub mod placement;
pub mod type_check;
