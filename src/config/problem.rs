use std::fmt;

use crate::failure::Failure;

/// Where the format is described, for hints.
const FORMAT: &str = "the format is described at https://kind.sigs.k8s.io/docs/user/configuration/";

/// A place in a text: line and column, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The nearest place that is in `text`: parsers report its end as one line too far.
    pub fn within(self, text: &str) -> Self {
        let lines = text.lines().count().max(1);
        if self.line <= lines {
            return Self { line: self.line.max(1), column: self.column.max(1) };
        }
        let last = text.lines().last().unwrap_or_default();
        Self { line: lines, column: last.chars().count() + 1 }
    }
}

/// One thing wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
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

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: ", self.line, self.column)?;
        write_finding(out, &self.path, &self.message, self.suggestion.as_deref())
    }
}

/// Everything wrong in a configuration file, in the order of its lines.
///
/// Displays one problem a line: `FILE:LINE:COLUMN: PATH: message (did you mean …?)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Problems {
    /// The file's name, or `standard input`.
    pub file: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl Problems {
    fn lines(&self) -> String {
        let lines: Vec<_> =
            self.problems.iter().map(|problem| format!("{}:{problem}", self.file)).collect();
        lines.join("\n")
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::input(problems.to_string()).with_hint(FORMAT)
    }
}

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

fn write_finding(
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

/// The candidate that `word` was probably meant to be: at most one edit for every three characters
/// away, whatever the case, or else the only one that contains it or is contained in it.
pub(super) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let edits = |candidate: &&'a str| {
        let edits = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
        (edits * 3 <= word.chars().count().max(candidate.len())).then_some((edits, *candidate))
    };
    if let Some((_, near)) = candidates.iter().filter_map(edits).min_by_key(|(edits, _)| *edits) {
        return Some(near);
    }
    let mut related = candidates.iter().filter(|candidate| {
        let candidate = candidate.to_lowercase();
        // Shorter words are in others by chance.
        word.len().min(candidate.len()) >= 4
            && (candidate.contains(&word) || word.contains(&candidate))
    });
    match (related.next(), related.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Words in backticks, as `a`, `b` or `c` with the conjunction "or".
pub(super) fn list(words: &[&str], conjunction: &str) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let fields = ["role", "image", "extraMounts"];
        assert_eq!(nearest("rols", &fields), Some("role"));
        assert_eq!(nearest("IMAGE", &fields), Some("image"));
        assert_eq!(nearest("extramount", &fields), Some("extraMounts"));
        assert_eq!(nearest("port", &fields), None);
        assert_eq!(nearest("mounts", &fields), Some("extraMounts"));
        assert_eq!(nearest("config", &["kubeadmConfigPatches", "runtimeConfig"]), None);
        assert_eq!(nearest("", &fields), None);
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let at = |line, column| Position { line, column };
        assert_eq!(at(3, 1).within("a\nbcd\n"), at(2, 4));
        assert_eq!(at(2, 2).within("a\nbcd\n"), at(2, 2));
        assert_eq!(at(1, 1).within(""), at(1, 1));
    }

    #[test]
    fn problems_become_wrong_input_with_a_hint() {
        let problems = Problems {
            file: "c.yaml".into(),
            problems: vec![
                Problem {
                    line: 1,
                    column: 2,
                    path: String::new(),
                    message: "one".into(),
                    suggestion: None,
                },
                Problem {
                    line: 3,
                    column: 4,
                    path: "a.b".into(),
                    message: "two".into(),
                    suggestion: Some("too".into()),
                },
            ],
        };
        let failure = Failure::from(problems);
        assert!(matches!(failure, Failure::Input { .. }));
        assert_eq!(
            failure.to_string(),
            "c.yaml:1:2: one\nc.yaml:3:4: a.b: two (did you mean `too`?)"
        );
        assert_eq!(failure.hint(), Some(FORMAT));
    }
}
