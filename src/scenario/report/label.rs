use std::fmt;

use crate::scenario::history::StepState;
use crate::scenario::outcome::Verdict;

/// How reports show a verdict or the state of a step. Displays as `✓ pass`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
    /// The class of the page's style sheet.
    pub(super) class: &'static str,
    /// The verdict that the label counts as. `None` for a skipped step.
    pub(super) verdict: Option<Verdict>,
}

impl From<Verdict> for Label {
    fn from(verdict: Verdict) -> Self {
        let (mark, word, class) = match verdict {
            Verdict::Pass => ("✓", "pass", "pass"),
            Verdict::Inconclusive => ("?", "inconclusive", "inconclusive"),
            Verdict::Fail => ("✗", "FAIL", "fail"),
        };
        Self { mark, word, class, verdict: Some(verdict) }
    }
}

impl From<StepState> for Label {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Passed => Verdict::Pass.into(),
            StepState::Failed => Verdict::Fail.into(),
            StepState::Inconclusive => Verdict::Inconclusive.into(),
            StepState::Started => Self { word: "unfinished", ..Verdict::Inconclusive.into() },
            StepState::Retried => {
                Self { word: "retried", class: "retried", ..Verdict::Inconclusive.into() }
            }
            StepState::Skipped => {
                Self { mark: "–", word: "skipped", class: "skipped", verdict: None }
            }
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.mark, self.word)
    }
}
