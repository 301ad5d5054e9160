use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Assertion, Condition, Duration, Heal, Inject, SelectionRef};

/// The deadline of a step that names none.
pub const DEFAULT_DEADLINE: Duration = Duration(std::time::Duration::from_secs(60));

/// One thing that is done or asserted: exactly one field besides `name`, `deadline`, `retries`,
/// `continueOnFailure` and `background`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Its name, by which assertions and reports know it [default: what it does, numbered]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Longest time it may take, by the wall clock [default: 60s; for an assertion, its own times]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Whether it is tried again when it fails; every retry is reported
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// Whether the steps go on when it fails; the run fails all the same
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_failure: bool,
    /// Whether the next step starts at once; the run waits for it at its end
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,

    /// Creates objects, or changes them to what is given (server-side apply)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<Apply>,
    /// Creates objects, which must not exist
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Apply>,
    /// Changes a part of an object
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch>,
    /// Sets the number of replicas
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Deletes objects
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Delete>,
    /// Makes nodes unschedulable, or schedulable again
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cordon: Option<Cordon>,
    /// Cordons a node and evicts its pods, as far as their PodDisruptionBudgets allow
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// Sets or removes taints of a node
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taint: Option<Taint>,
    /// Sets or removes labels of objects
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Brings images of the local Docker, or of an archive, into the nodes
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_image: Option<LoadImage>,
    /// Runs a command in a container of a pod
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// Runs kubectl, the one of the cluster's version
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubectl: Option<KubectlCommand>,
    /// Waits until a condition holds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Injects a fault
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inject: Option<Inject>,
    /// Heals faults
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<Heal>,
    /// Lets time pass
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep: Option<Sleep>,
    /// Asserts something, and waits for the verdict
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assert: Option<Assertion>,
    /// Steps that run at the same time; it ends when all have
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<Vec<Step>>,
    /// Steps that run one after the other: a group in `parallel`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
}

/// The one thing that a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Action<'a> {
    Apply(&'a Apply),
    Create(&'a Apply),
    Patch(&'a Patch),
    Scale(&'a Scale),
    Delete(&'a Delete),
    Cordon(&'a Cordon),
    Drain(&'a Drain),
    Taint(&'a Taint),
    Label(&'a Label),
    LoadImage(&'a LoadImage),
    Exec(&'a Exec),
    Kubectl(&'a KubectlCommand),
    Wait(&'a Wait),
    Inject(&'a Inject),
    Heal(&'a Heal),
    Sleep(&'a Sleep),
    Assert(&'a Assertion),
    Parallel(&'a [Step]),
    Steps(&'a [Step]),
}

impl Step {
    /// Everything that the step's fields ask for, with the names of the fields; exactly one in a
    /// step that lint has passed.
    pub fn actions(&self) -> Vec<(&'static str, Action<'_>)> {
        let all = [
            ("apply", self.apply.as_ref().map(Action::Apply)),
            ("create", self.create.as_ref().map(Action::Create)),
            ("patch", self.patch.as_ref().map(Action::Patch)),
            ("scale", self.scale.as_ref().map(Action::Scale)),
            ("delete", self.delete.as_ref().map(Action::Delete)),
            ("cordon", self.cordon.as_ref().map(Action::Cordon)),
            ("drain", self.drain.as_ref().map(Action::Drain)),
            ("taint", self.taint.as_ref().map(Action::Taint)),
            ("label", self.label.as_ref().map(Action::Label)),
            ("loadImage", self.load_image.as_ref().map(Action::LoadImage)),
            ("exec", self.exec.as_ref().map(Action::Exec)),
            ("kubectl", self.kubectl.as_ref().map(Action::Kubectl)),
            ("wait", self.wait.as_ref().map(Action::Wait)),
            ("inject", self.inject.as_ref().map(Action::Inject)),
            ("heal", self.heal.as_ref().map(Action::Heal)),
            ("sleep", self.sleep.as_ref().map(Action::Sleep)),
            ("assert", self.assert.as_ref().map(Action::Assert)),
            ("parallel", self.parallel.as_deref().map(Action::Parallel)),
            ("steps", self.steps.as_deref().map(Action::Steps)),
        ];
        all.into_iter().filter_map(|(field, action)| Some((field, action?))).collect()
    }

    /// How long doing `action` may take by the wall clock. `None` for groups without a deadline of
    /// their own, and for assertions and waits, which end by the times of the record.
    pub fn time_limit(&self, action: Action<'_>) -> Option<Duration> {
        match action {
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
}

/// How often and when a step is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retries {
    /// Tries in all, the first one counted
    pub attempts: u32,
    /// Time between them
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
}

/// Objects: inline, as YAML text, or of a file; at least one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apply {
    /// The objects
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
    /// YAML documents
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Files of YAML documents, relative to the scenario's
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// Namespace of objects that name none [default: the scenario's]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A part of the refusal that the API server must give, for objects that must not be accepted
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One object by its name, or all that a selection has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objects {
    /// As `deployment/web`, `node/kindrs-worker` or `example.com/v1/Widget/mine`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The object's namespace [default: the scenario's]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// All objects of a selection
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<SelectionRef>,
    /// With `select`: so many of them, the first by name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
}

/// A change to a part of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// What is changed
    pub target: Objects,
    /// How the patch is meant
    #[serde(default, rename = "type")]
    pub patch_type: PatchType,
    /// A subresource, as `status`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The patch
    pub patch: Value,
}

/// How a patch is meant: <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PatchType {
    /// Lists merge by their keys
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
    /// What is scaled
    pub target: Objects,
    /// To how many
    pub replicas: u32,
}

/// Objects to delete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// What is deleted
    pub target: Objects,
    /// Seconds that pods get to end in; 0 kills them at once [default: their own]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u32>,
    /// Whether the step ends when the objects are gone, not when their deletion is accepted
    #[serde(default)]
    pub wait: bool,
    /// Whether it is no failure that there is nothing to delete
    #[serde(default)]
    pub ignore_not_found: bool,
}

/// Nodes to make unschedulable or schedulable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cordon {
    /// The nodes' names
    pub nodes: Vec<String>,
    /// Whether they become schedulable again
    #[serde(default)]
    pub undo: bool,
}

/// A node to drain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drain {
    /// The node's name
    pub node: String,
    /// Seconds that pods get to end in [default: their own]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u32>,
}

/// Taints of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// The nodes' names
    pub nodes: Vec<String>,
    /// Taints to set, as `key=value:NoSchedule` or `key:NoExecute`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Taints to remove, as `key`, `key:NoSchedule` or as in `set`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// Labels of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Label {
    /// What gets or loses them
    pub target: Objects,
    /// Labels to set
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Labels to remove
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// Images for the nodes: exactly one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadImage {
    /// Images of the local Docker
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// An archive of images, relative to the scenario's file
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<PathBuf>,
}

/// A command in a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exec {
    /// The pod: by name, or the first of a selection
    pub pod: Objects,
    /// The container [default: the first]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The program and its arguments
    pub command: Vec<String>,
    /// What it must do
    #[serde(default)]
    pub expect: Expect,
}

/// A kubectl command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubectlCommand {
    /// Its arguments, without `kubectl`
    pub args: Vec<String>,
    /// Its standard input
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// What it must do
    #[serde(default)]
    pub expect: Expect,
}

/// What a command must do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Its exit code
    #[serde(default)]
    pub exit_code: i32,
    /// A regular expression for its standard output
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// A regular expression for its standard error
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

/// A condition to wait for, until the step's deadline.
pub type Wait = Condition;

/// A time in which nothing is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sleep {
    /// How long
    #[serde(rename = "for")]
    pub lasting: Duration,
    /// Why no condition can be waited for
    pub reason: String,
}
