//! Reading scenarios: from a text to what is run, with every mistake placed.
//!
//! A text becomes a tree of values that know their place, the tree one variant for each combination of
//! the matrix, with the variables put in, and each of those a [`Scenario`](super::language::Scenario).
//! A part that cannot be read is taken out, so that the rest can be looked at in the same go.

mod cluster;
mod file;
mod manifest;
mod names;
mod schema;
mod template;
mod variables;
mod variant;

pub use cluster::{PlannedCluster, planned_cluster};
pub use file::{FORMAT, ScenarioFile, load, read};
pub use manifest::manifests;
pub(super) use manifest::{ManifestProblem, Origin, Reading, read_manifests};
pub use schema::schema;
pub(super) use template::variables_in;
pub(super) use variables::{declared, excludes, is_excluded};
pub use variant::Variant;

#[cfg(test)]
mod manifest_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod variant_tests;
