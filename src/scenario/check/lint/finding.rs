use std::fmt;

use serde::Serialize;

use crate::yaml::{Position, Problem, write_finding};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The scenario cannot do what it says.
    Error,
    /// It can, but it is seldom meant.
    Warning,
}

/// Something wrong in a scenario, or in a file that it names.
///
/// Displays as `FILE:LINE:COLUMN: PATH: message (did you mean …?) [rule]`, with `warning:` before the
/// path of a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name, which stays the same over versions.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file's name.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The field, as `steps[1].wait`.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Finding {
    /// Whether the scenario cannot run because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(super) fn of_problem(rule: &'static str, file: &str, problem: Problem) -> Self {
        let Problem { file: own, line, column, path, message, suggestion } = problem;
        let file = own.unwrap_or_else(|| file.to_owned());
        Self { rule, severity: Severity::Error, file, line, column, path, message, suggestion }
    }

    pub(super) fn suggest(&mut self, suggestion: Option<impl Into<String>>) -> &mut Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    pub(super) fn warning(&mut self) -> &mut Self {
        self.severity = Severity::Warning;
        self
    }

    pub(super) fn at(&mut self, position: Position) -> &mut Self {
        (self.line, self.column) = (position.line, position.column);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if self.severity == Severity::Warning {
            out.write_str("warning: ")?;
        }
        write_finding(out, &self.path, &self.message, self.suggestion.as_deref())?;
        write!(out, " [{}]", self.rule)
    }
}
