use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Moment;
use crate::scenario::language::Timing;

/// One line of the record: a JSON object of `at` and one field, named after what the line tells:
/// `{"at":123,"object":{…}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When kindrs heard of it; never before the line above.
    pub at: Moment,
    /// What it heard of.
    pub change: Change,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The first line.
    Begin(Box<Begin>),
    /// An object was there, came, changed or went.
    Object(Box<ObjectChange>),
    /// The watch of a kind was lost, or is back.
    Gap(Gap),
    /// The API server can be asked, or no longer.
    Api(ApiState),
    /// A step started or ended.
    Step(Box<StepEntry>),
    /// A fault was injected or healed.
    Fault(Box<FaultEntry>),
    /// A container of a pod, or a step, printed a line.
    Log(Box<LogLine>),
    /// What the run said of an assertion; judging again does not read it.
    Verdict(Box<VerdictEntry>),
    /// The last line.
    End(End),
}

/// What the run was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    /// Version of the record's format: 1.
    pub format: u32,
    /// kindrs' version.
    pub kindrs: String,
    /// The scenario's name.
    pub scenario: String,
    /// When the record began, by the wall clock.
    pub time: Timestamp,
    /// The cluster's name.
    pub cluster: String,
    /// Kubernetes' version, as the API server tells it.
    pub kubernetes: String,
    /// The timing profile.
    pub timing: Timing,
    /// The variables, those of the matrix among them.
    pub variables: Map<String, Value>,
    /// The kinds that are recorded.
    pub kinds: Vec<KindName>,
}

/// A kind of objects, with its group and version: `v1/Pod`, `apps/v1/Deployment`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindName(pub Arc<str>);

impl fmt::Display for KindName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An object, as a watch or a list tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// What happened to it.
    pub event: ObjectEvent,
    /// Its kind.
    pub kind: KindName,
    /// Its resource version; for a deletion, the deletion's.
    pub resource_version: String,
    /// The object, without `metadata.managedFields`; for a deletion, as it was last.
    pub object: Arc<Value>,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectEvent {
    /// It was there when the record began.
    Initial,
    /// It was created.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It was found as it is after a gap in which events may have been missed.
    Found,
    /// It was missing after such a gap.
    Missed,
}

/// A gap in what is known of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The kind.
    pub kind: KindName,
    /// Whether it begins or ends.
    pub state: GapState,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The beginning or end of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GapState {
    /// Nothing is heard from here on.
    Lost,
    /// The watch goes on where it was: every event follows, late.
    Resumed,
    /// All objects were listed anew: events may be missing, and `found` and `missed` lines were above.
    Relisted,
}

/// Whether the API server can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiState {
    /// Whether it answers.
    pub available: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A step's start or end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepEntry {
    /// The step's name, unique in the scenario.
    pub step: String,
    /// Its start or end.
    pub state: StepState,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// What came of it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A step's start or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// It starts.
    Started,
    /// It did what it says.
    Passed,
    /// It failed.
    Failed,
    /// It failed and is tried again.
    Retried,
    /// Whether it holds could not be told.
    Inconclusive,
    /// It never started.
    Skipped,
}

/// A fault in effect, or healed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultEntry {
    /// The name of the step that injected it.
    pub step: String,
    /// The fault's own name, as `kindrs fault list` has it.
    pub id: String,
    /// The kind of fault.
    pub fault: String,
    /// Whether it begins or ends.
    pub state: FaultState,
    /// What it does, container by container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<FaultAction>,
}

/// Whether a fault begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultState {
    /// It is in effect.
    Injected,
    /// It is over.
    Healed,
}

/// What a fault does to one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultAction {
    /// The node.
    pub node: String,
    /// What is hit, as a node's or pod's path.
    pub target: String,
    /// What happens to it, as "stops kubelet".
    pub effect: String,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Who printed it: `pod/NAMESPACE/NAME/CONTAINER` or `step/NAME`.
    pub source: String,
    /// The line.
    pub line: String,
}

/// What the run said of an assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictEntry {
    /// The assertion's name.
    pub assertion: String,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// The explanation's first sentence.
    pub summary: String,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// Whether it was cut short, by Ctrl-C or an error.
    pub interrupted: bool,
    /// Counts that the record's reader may check: lines of each type.
    #[serde(default)]
    pub lines: BTreeMap<String, u64>,
}
