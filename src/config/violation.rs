use std::fmt;

use crate::failure::Failure;
use crate::yaml::write_finding;

/// A rule that a cluster breaks, independent of the cluster's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, such as `nodes[1].labels.tier`.
    pub path: String,
    /// The other field, if the rule is about two.
    pub other: Option<String>,
    pub message: String,
    /// A value that is probably right.
    pub suggestion: Option<String>,
}

impl Violation {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), other: None, message: message.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    pub(super) fn with_other(mut self, other: impl Into<String>) -> Self {
        self.other = Some(other.into());
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_finding(out, &self.path, &self.message, self.suggestion.as_deref())
    }
}

/// All rules that a cluster breaks. Displays one per line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Violations(
    /// At least one violation.
    pub Vec<Violation>,
);

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Self {
        Failure::input(violations.to_string())
    }
}
