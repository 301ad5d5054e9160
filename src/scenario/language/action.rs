use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::union::one_of;
use super::{Duration, SelectionRef};

/// Objects to apply or create; at least one of `objects`, `manifest` and `files`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// Inline objects
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
    /// Text of YAML documents
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Files of YAML documents, relative to the scenario's file
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// Namespace of objects that do not set one [default: the scenario's]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The API server must refuse every object, with a message that contains this text
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Objects that exist: one by its name, or those of a selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(transform = one_of)]
pub enum Objects {
    Named {
        /// Kind and name, such as `deployment/web`, `node/kindrs-worker` or
        /// `example.com/v1/Widget/mine`
        object: String,
        /// Namespace of the object [default: the scenario's]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
    Selected {
        /// All objects of a selection
        select: SelectionRef,
        /// Only this many of them, the first by name
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<usize>,
    },
}

impl Objects {
    /// Kind and name of an object that is given by its name; `None` also where the name has no slash.
    pub fn kind_and_name(&self) -> Option<(&str, &str)> {
        match self {
            Self::Named { object, .. } => object.rsplit_once('/'),
            Self::Selected { .. } => None,
        }
    }
}

/// A change to part of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// Objects to change
    pub target: Objects,
    /// Type of the patch
    #[serde(default, rename = "type")]
    pub patch_type: PatchType,
    /// Subresource, such as `status`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The patch
    pub patch: Value,
}

/// Type of a patch: <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PatchType {
    /// Strategic merge patch: lists merge by their keys
    #[default]
    Strategic,
    /// RFC 7386: lists are replaced
    Merge,
    /// RFC 6902: a list of operations
    Json,
}

/// A number of replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scale {
    /// Objects to scale
    pub target: Objects,
    /// Number of replicas
    pub replicas: u32,
}

/// Objects to delete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// Objects to delete
    pub target: Objects,
    /// Seconds that pods have to terminate; 0 kills them at once [default: the pod's own]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u32>,
    /// Wait until the objects no longer exist
    #[serde(default)]
    pub wait: bool,
    /// Pass if there is nothing to delete
    #[serde(default)]
    pub ignore_not_found: bool,
}

/// Nodes to make unschedulable or schedulable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cordon {
    /// Names of the nodes
    #[schemars(length(min = 1))]
    pub nodes: Vec<String>,
    /// Make them schedulable again
    #[serde(default)]
    pub undo: bool,
}

/// A node to drain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drain {
    /// Name of the node
    pub node: String,
    /// Seconds that pods have to terminate [default: the pod's own]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u32>,
}

/// Taints of nodes; needs `set` or `remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// Names of the nodes
    #[schemars(length(min = 1))]
    pub nodes: Vec<String>,
    /// Taints to set, such as `key=value:NoSchedule` or `key:NoExecute`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Taints to remove, such as `key`, `key:NoSchedule` or `key=value:NoSchedule`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// Labels of objects; needs `set` or `remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Label {
    /// Objects to label
    pub target: Objects,
    /// Labels to set
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Labels to remove
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// Images to load into the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(transform = one_of)]
pub enum LoadImage {
    Images {
        /// Images of the local Docker
        #[schemars(length(min = 1))]
        images: Vec<String>,
    },
    Archive {
        /// Archive of images, relative to the scenario's file
        archive: PathBuf,
    },
}

/// A command in a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exec {
    /// The pod: by name, or the first of a selection
    pub pod: Objects,
    /// Name of the container [default: the first one]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Program and arguments
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Expected result
    #[serde(default)]
    pub expect: Expect,
}

/// A kubectl command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubectlCommand {
    /// Arguments, without `kubectl`
    #[schemars(length(min = 1))]
    pub args: Vec<String>,
    /// Standard input
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Expected result
    #[serde(default)]
    pub expect: Expect,
}

/// The expected result of a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Exit code
    #[serde(default)]
    pub exit_code: i32,
    /// Regular expression for the standard output
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// Regular expression for the standard error
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

/// Faults to heal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(transform = one_of)]
pub enum Heal {
    Step {
        /// The fault of the `inject` step of this name
        step: String,
    },
    All {
        /// All faults of the run
        all: True,
    },
}

/// The value `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        value.then_some(Self).ok_or("expected `true`")
    }
}

impl From<True> for bool {
    fn from(True: True) -> Self {
        true
    }
}

impl JsonSchema for True {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "True".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean", "const": true })
    }
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sleep {
    /// How long to sleep
    #[serde(rename = "for")]
    pub lasting: Duration,
    /// Why the scenario cannot wait for a condition instead
    pub reason: String,
}
