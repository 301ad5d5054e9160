//! Reading scenarios: from a text to the scenario of each run.
//!
//! A text becomes a tree with positions. The matrix is expanded to combinations, and each combination
//! becomes a variant: the variables are substituted and the tree is decoded as a
//! [`Scenario`](super::language::Scenario). Unreadable parts are removed, so that lint can check the rest.

mod cluster;
mod file;
mod manifest;
mod names;
mod scenario_file;
mod schema;
mod template;
mod variables;
mod variant;

pub use cluster::{PlannedCluster, planned_cluster};
pub use file::{FORMAT, load, read};
pub use manifest::manifests;
pub(super) use manifest::{ManifestProblem, Origin, Reading, read_manifests};
pub use scenario_file::ScenarioFile;
pub use schema::schema;
pub(super) use template::variables_in;
pub use variables::Combination;
pub(super) use variables::{declared, excludes, is_excluded};
pub use variant::Variant;

#[cfg(test)]
mod manifest_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod variant_tests;
