//! Mistakes that a scenario has though it can be read, found without a cluster.

mod changes;
mod claims;
mod cluster;
mod created;
mod expressions;
mod faults;
mod finding;
mod linter;
mod manifests;
mod nodes;
mod references;
mod selections;
mod steps;
mod times;
mod unused;
mod walk;

pub use cluster::Capacity;
pub use finding::{Finding, Severity};
pub use linter::{lint, lint_text};
#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod object_tests;
#[cfg(test)]
mod rule_tests;
