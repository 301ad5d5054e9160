use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::history::{Moment, StepCause, StepState};

/// The outcome of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    pub name: String,
    /// The kind of the step, such as `apply`.
    pub action: String,
    /// The number of groups around the step.
    pub depth: usize,
    pub state: StepState,
    /// When the step started. `None` if it did not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// How often the step was tried.
    pub attempts: u32,
    /// The result for people: an error, or what was injected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(default, skip_serializing_if = "StepCause::is_own")]
    pub cause: StepCause,
}

impl StepReport {
    /// Whether the step is a group with no message of its own: its steps explain why it did not
    /// pass.
    pub fn is_explained_by_its_steps(&self) -> bool {
        self.detail.is_empty() || self.cause == StepCause::Group
    }

    /// Whether something else ended the step early.
    pub fn is_cut_short(&self) -> bool {
        self.cause == StepCause::CutShort
    }

    /// The time from the first start to the end. `None` if the step did not start or did not end.
    pub fn duration(&self) -> Option<Duration> {
        self.started.zip(self.ended).map(|(from, to)| to - from)
    }
}
