use std::fmt;

use crate::failure::Failure;
use crate::yaml::write_finding;

/// One rule that a cluster breaks, wherever the cluster came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as `nodes[1].labels.tier`.
    pub path: String,
    /// Another field that takes part, when the rule is about two.
    pub other: Option<String>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
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

/// Every rule that a cluster breaks; one a line.
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
