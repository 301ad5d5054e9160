//! Mistakes in a scenario that fits the schema, found without a cluster.
//!
//! A rule is a function from what the scenario contains ([`context`]) to findings. A new one goes into
//! the file of its subject and into the list in `rules.rs`.

mod actions;
mod assertions;
mod cluster;
mod context;
mod expected_objects;
mod expressions;
mod faults;
mod finding;
mod kinds;
mod manifests;
mod node_changes;
mod node_names;
mod parts;
mod placement;
mod planned_nodes;
mod references;
mod rules;
mod selections;
mod times;
mod unused;

pub use finding::{Finding, Severity};
pub use planned_nodes::Capacity;
pub use rules::{lint, lint_text};
#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod object_tests;
#[cfg(test)]
mod rule_tests;
