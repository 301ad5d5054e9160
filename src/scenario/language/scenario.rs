use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Assertion, ClusterSource, Duration, Selection, SelectionRef, Step};

/// An end-to-end test: steps on a cluster, and what must hold over its recorded history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// `kindrs.dev/v1alpha1`
    pub api_version: String,
    /// `Scenario`
    pub kind: String,
    /// Its name and what it is about
    pub metadata: Metadata,
    /// Values that `${NAME}` stands for anywhere below; a value of its own line keeps its type. In
    /// CEL they are `vars.NAME`. The command line's `--set` goes before them
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Variables with several values: the scenario runs once for each combination
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// The cluster it runs on: one node of its own if left out
    #[serde(default)]
    pub cluster: ClusterSource,
    /// Namespace of steps and selections that name none
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// Longest time for all steps together, from the first one's start
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Named selections: in CEL, each is a variable, the list of its objects
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selections: BTreeMap<String, Selection>,
    /// What is recorded beyond what every run records
    #[serde(default)]
    pub record: Record,
    /// Invariants: judged in the background over a span of steps
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Assertion>,
    /// What is done, one after the other
    pub steps: Vec<Step>,
}

/// What a scenario is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Its name: lowercase letters, digits and dashes
    pub name: String,
    /// What it shows, in a sentence or two
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Variables with several values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Matrix {
    /// The values of each variable
    pub variables: BTreeMap<String, Vec<Value>>,
    /// Combinations that are left out: those that have all of an entry's values
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Map<String, Value>>,
}

/// What is recorded besides nodes, pods, events, leases of nodes, ReplicaSets, Deployments,
/// EndpointSlices, and the kinds that selections name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Further kinds, as `StatefulSet` or `apps/v1/StatefulSet`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Pods whose containers' logs are recorded
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<SelectionRef>,
}

fn default_namespace() -> String {
    "default".to_owned()
}
