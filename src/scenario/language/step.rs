use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::action::{
    Apply, Cordon, Delete, Drain, Exec, Heal, KubectlCommand, Label, LoadImage, Patch, Scale,
    Sleep, Taint,
};
use super::union::one_of;
use super::{Assertion, Condition, Duration, Inject};

/// Deadline of a step that sets none.
pub const DEFAULT_DEADLINE: Duration = Duration(std::time::Duration::from_secs(60));

/// A step: the fields that all steps share, and one action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Step {
    /// Name, used by assertions and reports [default: the action, numbered]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Longest time that the step can take, by the wall clock [default: 60s; for an assertion, its own
    /// times]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Retry the step when it fails; reports show every retry
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// Run the next steps even if this one fails; the run still fails
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_failure: bool,
    /// Start the next step at once; the run waits for this one at its end
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
    /// What the step does.
    #[serde(flatten)]
    pub action: Action,
}

/// What a step does: exactly one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
#[schemars(transform = one_of)]
pub enum Action {
    /// Create or update objects (server-side apply)
    Apply(Apply),
    /// Create objects, which must not exist
    Create(Apply),
    /// Change part of an object
    Patch(Patch),
    /// Set the number of replicas
    Scale(Scale),
    /// Delete objects
    Delete(Delete),
    /// Make nodes unschedulable, or schedulable again
    Cordon(Cordon),
    /// Cordon a node and evict its pods, as far as their PodDisruptionBudgets allow
    Drain(Drain),
    /// Set or remove taints of nodes
    Taint(Taint),
    /// Set or remove labels of objects
    Label(Label),
    /// Load images from the local Docker or from an archive into the nodes
    LoadImage(LoadImage),
    /// Run a command in a container of a pod
    Exec(Exec),
    /// Run kubectl, in the version of the cluster
    Kubectl(KubectlCommand),
    /// Wait until a condition holds, at most until the step's deadline
    Wait(Condition),
    /// Inject a fault
    Inject(Inject),
    /// Heal faults
    Heal(Heal),
    /// Sleep for a while
    Sleep(Sleep),
    /// Make an assertion and wait for its verdict
    Assert(Box<Assertion>),
    /// Run steps at the same time; the step ends when all of them have ended
    Parallel(#[schemars(length(min = 1))] Vec<Step>),
    /// Run steps one after the other: a group in `parallel`
    Steps(#[schemars(length(min = 1))] Vec<Step>),
}

impl Action {
    /// The field that holds it, such as `loadImage`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The steps of a group; `None` for any other action.
    pub fn group(&self) -> Option<&[Step]> {
        match self {
            Self::Parallel(steps) | Self::Steps(steps) => Some(steps),
            _ => None,
        }
    }
}

impl Step {
    /// The steps of a group; none for any other action.
    pub fn children(&self) -> &[Step] {
        self.action.group().unwrap_or_default()
    }

    /// How long the action can take by the wall clock. `None` for groups without a deadline of their
    /// own, and for assertions and waits, which end by the times of the record.
    pub fn time_limit(&self) -> Option<Duration> {
        match &self.action {
            Action::Assert(_) | Action::Wait(_) => None,
            Action::Parallel(_) | Action::Steps(_) => self.deadline,
            Action::Sleep(sleep) => Some(Duration(sleep.lasting.0 + DEFAULT_DEADLINE.0)),
            // The wait for its condition is judged by the times of the record.
            Action::Inject(Inject { when: Some(_), .. }) => {
                Some(Duration(self.deadline().0 + DEFAULT_DEADLINE.0))
            }
            _ => Some(self.deadline()),
        }
    }

    /// Its deadline, or the default.
    pub fn deadline(&self) -> Duration {
        self.deadline.unwrap_or(DEFAULT_DEADLINE)
    }

    /// Whether the next steps run although this one failed.
    pub fn continues_on_failure(&self) -> bool {
        self.continue_on_failure
            || matches!(&self.action, Action::Assert(assertion) if assertion.continue_on_failure)
    }
}

/// How often and when to retry a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retries {
    /// Attempts in total, including the first
    pub attempts: NonZeroU32,
    /// Time between attempts [default: 1s]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
}
