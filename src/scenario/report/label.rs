use std::fmt;

use crate::scenario::history::StepState;
use crate::scenario::judge::Verdict;

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

impl Label {
    fn new(mark: &'static str, word: &'static str, class: &'static str, verdict: Verdict) -> Self {
        Self { mark, word, class, verdict: Some(verdict) }
    }
}

impl From<Verdict> for Label {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::new("✓", "pass", "pass", verdict),
            Verdict::Inconclusive => Self::new("?", "inconclusive", "inconclusive", verdict),
            Verdict::Fail => Self::new("✗", "FAIL", "fail", verdict),
        }
    }
}

impl From<StepState> for Label {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Passed => Verdict::Pass.into(),
            StepState::Failed => Verdict::Fail.into(),
            StepState::Inconclusive => Verdict::Inconclusive.into(),
            StepState::Started => {
                Self::new("?", "unfinished", "inconclusive", Verdict::Inconclusive)
            }
            StepState::Retried => Self::new("?", "retried", "retried", Verdict::Inconclusive),
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
