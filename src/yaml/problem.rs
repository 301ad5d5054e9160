use std::fmt;

use super::Position;
use crate::failure::Failure;

/// A problem in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, if it is not the file of the enclosing [`Problems`].
    pub file: Option<String>,
    /// Line, starting at 1.
    pub line: usize,
    /// Column in characters, starting at 1.
    pub column: usize,
    /// The path of the field, such as `nodes[1].role`; empty for the whole document.
    pub path: String,
    pub message: String,
    /// A value or name that is probably right.
    pub suggestion: Option<String>,
}

impl Problem {
    pub(crate) fn new(
        position: Position,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: None,
            line: position.line,
            column: position.column,
            path: path.into(),
            message: message.into(),
            suggestion: None,
        }
    }

    #[must_use]
    pub(crate) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: ", self.line, self.column)?;
        write_finding(out, &self.path, &self.message, self.suggestion.as_deref())
    }
}

/// All problems of a file, in the order of its lines.
///
/// Displays one problem per line: `FILE:LINE:COLUMN: PATH: message (did you mean …?)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Problems {
    /// The file's name, or `standard input`.
    pub file: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
    /// A pointer to the documentation of the file's format.
    pub hint: &'static str,
}

impl Problems {
    fn lines(&self) -> String {
        let line = |problem: &Problem| {
            format!("{}:{problem}", problem.file.as_deref().unwrap_or(&self.file))
        };
        self.problems.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::input(problems.to_string()).with_hint(problems.hint)
    }
}

/// Writes `PATH: message (did you mean …?)`.
pub(crate) fn write_finding(
    out: &mut fmt::Formatter<'_>,
    path: &str,
    message: &str,
    suggestion: Option<&str>,
) -> fmt::Result {
    if !path.is_empty() {
        write!(out, "{path}: ")?;
    }
    out.write_str(message)?;
    match suggestion {
        Some(suggestion) => write!(out, " (did you mean `{suggestion}`?)"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_problems_to_a_failure_with_a_hint() {
        let at = |line, column| Position { line, column };
        let elsewhere = Problem::new(at(3, 4), "a.b", "two").suggest(Some("too"));
        let problems = Problems {
            file: "c.yaml".into(),
            problems: vec![
                Problem::new(at(1, 2), "", "one"),
                Problem { file: Some("d.yaml".into()), ..elsewhere },
            ],
            hint: "read it",
        };
        let failure = Failure::from(problems);
        assert!(matches!(failure, Failure::Input { .. }));
        assert_eq!(
            failure.to_string(),
            "c.yaml:1:2: one\nd.yaml:3:4: a.b: two (did you mean `too`?)"
        );
        assert_eq!(failure.hint(), Some("read it"));
    }
}
