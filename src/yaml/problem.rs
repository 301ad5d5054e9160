use std::fmt;

use super::Position;
use crate::failure::Failure;

/// One thing wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, where it is another one than that of all the problems together.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The field, as `nodes[1].role`; empty when the problem is the whole document's.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
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

/// Everything wrong in a file, in the order of its lines.
///
/// Displays one problem a line: `FILE:LINE:COLUMN: PATH: message (did you mean …?)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Problems {
    /// The file's name, or `standard input`.
    pub file: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
    /// Where the file's format is described.
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

/// Writes what is wrong, after its field and before what was probably meant.
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
    fn problems_become_wrong_input_with_a_hint() {
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
