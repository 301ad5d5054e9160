//! Mistakes that a scenario has though it can be read, found without a cluster.

pub mod lint;
pub mod placement;
pub mod type_check;
