use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Moment, Verdict};
use crate::scenario::language::Timing;

/// One line of the record: a JSON object with `at` and one field for the change, such as
/// `{"at":123,"object":{…}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When kindrs learned of the change. Never before the previous line.
    pub at: Moment,
    pub change: Change,
}

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The first line.
    Begin(Box<Begin>),
    /// An object existed, or was created, changed or deleted.
    Object(Box<ObjectChange>),
    /// The watch of a kind was lost or resumed.
    Gap(Gap),
    /// The API server stopped or started to answer.
    Api(ApiState),
    /// A step started or ended.
    Step(Box<StepEntry>),
    /// A fault was injected or healed.
    Fault(Box<FaultEntry>),
    /// A container of a pod, or a step, printed a line.
    Log(Box<LogLine>),
    /// A verdict of the run. `scenario check` ignores it.
    Verdict(Box<VerdictEntry>),
    /// The last line.
    End(End),
}

/// The run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    /// Version of the record's format: 1.
    pub format: u32,
    pub kindrs: String,
    pub scenario: String,
    /// The wall-clock time at which the record began.
    pub time: Timestamp,
    pub cluster: String,
    /// The Kubernetes version of the API server.
    pub kubernetes: String,
    pub timing: Timing,
    /// The variables, including those of the matrix.
    pub variables: Map<String, Value>,
    /// The kinds that are recorded.
    pub kinds: Vec<KindName>,
}

/// A kind with its group and version, such as `v1/Pod` or `apps/v1/Deployment`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindName(pub Arc<str>);

impl fmt::Display for KindName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An event of a watch, or an object of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    pub event: ObjectEvent,
    pub kind: KindName,
    /// The resource version of the object, or of its deletion.
    pub resource_version: String,
    /// The object without `metadata.managedFields`. For a deletion, its last state.
    pub object: Arc<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectEvent {
    /// The object existed when the record began.
    Initial,
    Added,
    Modified,
    Deleted,
    /// The object was new or changed after a gap without events.
    Found,
    /// The object no longer existed after a gap without events.
    Missed,
}

/// The beginning or the end of a gap in the events of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    pub kind: KindName,
    pub state: GapState,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GapState {
    /// The watch is lost.
    Lost,
    /// The watch resumed. All events follow, late.
    Resumed,
    /// All objects were listed again: `found` and `missed` lines precede, and events can be missing.
    Relisted,
}

/// Whether the API server answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiState {
    pub available: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The start or end of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepEntry {
    /// The step's name, unique in the scenario.
    pub step: String,
    pub state: StepState,
    /// The number of the try, from 1.
    pub attempt: u32,
    /// The result in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(default, skip_serializing_if = "StepCause::is_own")]
    pub cause: StepCause,
}

/// What decided the state of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepCause {
    /// The step itself.
    #[default]
    Own,
    /// The steps in the group.
    Group,
    /// Another failure ended the step early.
    CutShort,
}

impl StepCause {
    /// Whether the step itself decided.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    Started,
    Passed,
    Failed,
    /// The try failed, and another one follows.
    Retried,
    /// The result is unknown.
    Inconclusive,
    /// The step never started.
    Skipped,
}

/// The start or end of a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultEntry {
    /// The step that injected the fault.
    pub step: String,
    /// The fault's id in `kindrs fault list`.
    pub id: String,
    /// The kind of fault.
    pub fault: String,
    pub state: FaultState,
    /// The effects in each container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<FaultAction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultState {
    Injected,
    Healed,
}

/// The effect of a fault on one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultAction {
    pub node: String,
    /// The affected object, as the path of a node or a pod.
    pub target: String,
    /// The effect in words, such as "stops kubelet".
    pub effect: String,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// The source: `pod/NAMESPACE/NAME/CONTAINER` or `step/NAME`.
    pub source: String,
    pub line: String,
}

/// A verdict on an assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictEntry {
    /// The assertion's name.
    pub assertion: String,
    pub verdict: Verdict,
    /// The summary of the explanation.
    pub summary: String,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// Whether Ctrl-C or an error ended the run.
    pub interrupted: bool,
    /// The number of lines of each type.
    #[serde(default)]
    pub lines: BTreeMap<String, u64>,
}
