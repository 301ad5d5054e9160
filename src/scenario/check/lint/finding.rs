use std::fmt;

use serde::Serialize;

use crate::scenario::read::{ScenarioFile, Variant};
use crate::yaml::{Position, Problem, write_finding};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The scenario cannot run.
    Error,
    /// The scenario can run, but probably does not do what its author expects.
    Warning,
}

/// Something wrong in a scenario, or in a file that it names.
///
/// Displays as `FILE:LINE:COLUMN: PATH: message (did you mean …?) [rule]`, with `warning:` before the
/// path of a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name, which stays the same across versions.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file's name.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The field, such as `steps[1].wait`.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The probable intention.
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
        self.warning_if(true)
    }

    pub(super) fn warning_if(&mut self, is_warning: bool) -> &mut Self {
        if is_warning {
            self.severity = Severity::Warning;
        }
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

/// Collects the findings of a variant.
pub(super) struct Findings<'a> {
    file: &'a ScenarioFile,
    variant: &'a Variant,
    all: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub fn new(file: &'a ScenarioFile, variant: &'a Variant) -> Self {
        Self { file, variant, all: Vec::new() }
    }

    /// Adds an error at the value of a path.
    pub fn error(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let path = path.into();
        let position = self.variant.position(&path);
        self.push(Finding {
            rule,
            severity: Severity::Error,
            file: self.file.name.clone(),
            line: position.line,
            column: position.column,
            path,
            message: message.into(),
            suggestion: None,
        })
    }

    /// Adds an error at the name of the field at a path.
    pub fn error_at_name(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Finding {
        let path = path.into();
        let position = self.variant.name_position(&path);
        self.error(rule, path, message).at(position)
    }

    pub fn push(&mut self, finding: Finding) -> &mut Finding {
        self.all.push(finding);
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether there is an error at a path.
    pub fn has_error_at(&self, path: &str) -> bool {
        self.all.iter().any(|finding| finding.is_error() && finding.path == path)
    }

    /// Whether there is an error at, in or right around a path.
    pub fn has_error_around(&self, path: &str) -> bool {
        let is_part = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let is_same = |known: &str| is_part(known, path) || is_part(path, known);
        self.all.iter().any(|finding| finding.is_error() && is_same(&finding.path))
    }

    /// All of them, except those about parts that cannot be read.
    pub fn into_readable(self) -> Vec<Finding> {
        let Self { mut all, variant, .. } = self;
        all.retain(|finding| !variant.touches_unreadable(&finding.path));
        all
    }
}
