use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::judgement::Judgement;
use super::microseconds;
use crate::scenario::history::{Moment, StepCause, StepState, Verdict};

/// The outcome of one run of a scenario. Together with the record it holds everything that the
/// reports show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    pub scenario: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub file: PathBuf,
    /// Distinguishes the runs of one scenario: the values of the matrix and the number of the
    /// repetition, such as `kubernetes=v1.36.3 #2`. Empty for the only run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// All variables, including those of the matrix.
    pub variables: Map<String, Value>,
    pub cluster: String,
    /// The version of Kubernetes. Empty if the cluster did not start.
    pub kubernetes: String,
    /// The wall-clock time at which the run started.
    pub time: Timestamp,
    /// The worst verdict of all steps and assertions.
    pub verdict: Verdict,
    /// Why the run ended early: an error of the environment, or Ctrl-C.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took to create the cluster. `None` for an existing cluster.
    #[serde(default, with = "microseconds::option", skip_serializing_if = "Option::is_none")]
    pub creation: Option<Duration>,
    /// The length of the record.
    #[serde(with = "microseconds")]
    pub elapsed: Duration,
    pub history: PathBuf,
    /// The steps in the order of the file. The steps of a group follow the group.
    pub steps: Vec<StepReport>,
    /// The verdicts of background assertions and of steps that assert or wait.
    pub judgements: Vec<Judgement>,
    /// Whether the cluster was kept for inspection.
    #[serde(default)]
    pub kept: bool,
}

impl RunReport {
    /// Whether a step or an assertion failed. A failure can cut the rest of the run short.
    pub fn has_failed(&self) -> bool {
        self.judgements.iter().any(|judgement| judgement.verdict == Verdict::Fail)
            || self.steps.iter().any(|step| step.state == StepState::Failed)
    }

    /// The scenario's name, followed by the variant if there is one.
    pub fn title(&self) -> String {
        match self.variant.as_str() {
            "" => self.scenario.clone(),
            variant => format!("{} {variant}", self.scenario),
        }
    }
}

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
