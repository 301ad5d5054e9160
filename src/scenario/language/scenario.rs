use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Assertion, ClusterSource, Duration, Selection, SelectionRef, Step, Subject};

/// An end-to-end test: steps on a cluster, and assertions over its recorded history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// `kindrs.dev/v1alpha1`
    pub api_version: String,
    /// `Scenario`
    pub kind: String,
    /// Name and description
    pub metadata: Metadata,
    /// Values for `${NAME}` anywhere in the file; a value that is only a variable keeps the variable's
    /// type. In CEL, they are `vars.NAME`. Overridden by `--set` on the command line
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Variables with several values: the scenario runs once for each combination
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// Cluster to run on [default: a new one with a single node]
    #[serde(default)]
    pub cluster: ClusterSource,
    /// Namespace of steps and selections that do not set one
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// Longest time that all steps can take together, from the start of the first one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Named selections: in CEL, each is a variable that holds the list of its objects
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selections: BTreeMap<String, Selection>,
    /// What to record beyond what every run records
    #[serde(default)]
    pub record: Record,
    /// Assertions that are judged in the background, over a span of steps
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Assertion>,
    /// Steps, run one after the other
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The selection behind a reference; `None` where no selection has that name.
    pub fn selection<'s>(&'s self, subject: Subject<'s>) -> Option<&'s Selection> {
        match subject {
            Subject::Named(name) => self.selections.get(name),
            Subject::Selection(selection) => Some(selection),
        }
    }

    /// All steps, groups before their steps.
    pub fn all_steps(&self) -> Vec<&Step> {
        fn collect<'s>(steps: &'s [Step], all: &mut Vec<&'s Step>) {
            for step in steps {
                all.push(step);
                collect(step.children(), all);
            }
        }
        let mut all = Vec::new();
        collect(&self.steps, &mut all);
        all
    }
}

/// Name and description of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Name: lowercase letters, digits and dashes
    pub name: String,
    /// What the scenario shows, in a sentence or two
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Variables with several values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Matrix {
    /// Values of each variable
    pub variables: BTreeMap<String, Vec<Value>>,
    /// Combinations to leave out: those with all values of an entry
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Map<String, Value>>,
}

/// What to record besides nodes, pods, events, leases of nodes, ReplicaSets, Deployments,
/// EndpointSlices, and the kinds of all selections.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Further kinds, such as `StatefulSet` or `apps/v1/StatefulSet`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Pods to record the container logs of
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<SelectionRef>,
}

fn default_namespace() -> String {
    "default".to_owned()
}
