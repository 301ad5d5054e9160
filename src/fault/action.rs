use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;

use super::refusal::Inability;

/// The object that an action affects, for Events and lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Subject {
    Node {
        /// The name of the container and of the Node object.
        name: String,
    },
    Pod {
        namespace: String,
        name: String,
        uid: String,
    },
}

impl Subject {
    /// The subject as kubectl writes it: `node/dev-worker`, `pod/shop/web-1`.
    pub fn path(&self) -> String {
        match self {
            Self::Node { name } => format!("node/{name}"),
            Self::Pod { namespace, name, .. } => format!("pod/{namespace}/{name}"),
        }
    }
}

/// An action on a container through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineAction {
    /// Stop the container; healing starts it.
    Stop,
    /// Kill the container; healing starts it.
    Kill,
    /// Freeze the container; healing unfreezes it.
    Pause,
    /// Stop the container and start it.
    Restart,
}

/// A request to the API server about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiAction {
    /// Delete the pod with its own grace period.
    Delete,
    /// Delete the pod at once, without waiting for the kubelet.
    ForceDelete,
    /// Evict the pod, which a PodDisruptionBudget can refuse.
    Evict,
}

/// What an action needs for itself on its node. Two active faults cannot hold the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// The whole node: conflicts with every other hold on it.
    Node,
    Kubelet,
    /// containerd.
    Runtime,
    /// The kubelet's settings for evictions.
    Eviction,
    Cpu,
    /// The queue of the node's interface.
    Queue,
    /// A control plane component, by name.
    Component(String),
    /// A port or the address of a pod, by pod and by what is blocked.
    Pod(String),
    /// An image, by reference.
    Image(String),
}

impl Hold {
    /// Whether one node cannot have both at the same time.
    pub fn excludes(&self, other: &Self) -> bool {
        self == other || *self == Self::Node || *other == Self::Node
    }
}

/// What the cluster loses while an action lasts. The guard adds these up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nothing that the cluster depends on.
    None,
    /// The node with its part of the control plane.
    Node,
    /// The node's API server.
    ApiServer,
    /// The node's member of etcd.
    Etcd,
    /// The whole cluster.
    Total,
}

/// A check in a node that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// A shell command that fails where the node cannot have the fault.
    pub script: String,
    /// The reason when it fails.
    pub inability: Inability,
}

/// What happens to one container, decided before anything changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The node on which the action happens.
    pub node: String,
    /// The role of that node.
    pub role: ContainerRole,
    /// The object that the Event is about.
    pub subject: Subject,
    pub probe: Option<Probe>,
    /// Files that the scripts need: name and content.
    pub files: Vec<(String, String)>,
    /// A shell script that injects the fault; `$fault` is the folder of its files.
    pub inject: Option<String>,
    /// A shell script that heals the fault. Harmless where there is nothing to heal.
    pub heal: Option<String>,
    pub engine: Option<EngineAction>,
    pub api: Option<ApiAction>,
    /// What the action does, as a predicate: `stops kubelet`.
    pub effect: String,
    /// What healing does, as a predicate: `starts kubelet`. Empty if there is nothing to heal.
    pub healing: String,
    pub holds: Vec<Hold>,
    pub impact: Impact,
}

impl Action {
    /// Creates an action about a node that does nothing yet.
    pub fn on_node(node: &NodeSummary, effect: impl Into<String>) -> Self {
        Self::on(node, Subject::Node { name: node.name.clone() }, effect)
    }

    /// Creates an action on a node about any subject that does nothing yet.
    pub fn on(node: &NodeSummary, subject: Subject, effect: impl Into<String>) -> Self {
        Self {
            node: node.name.clone(),
            role: node.role,
            subject,
            probe: None,
            files: Vec::new(),
            inject: None,
            heal: None,
            engine: None,
            api: None,
            effect: effect.into(),
            healing: String::new(),
            holds: Vec::new(),
            impact: Impact::None,
        }
    }

    /// Whether the action is a request to the API server only. Then its node need not run, and the
    /// journal has nothing to remember.
    pub fn is_for_api_only(&self) -> bool {
        self.api.is_some() && self.inject.is_none() && self.engine.is_none()
    }

    /// Whether the action is a script in the node only.
    pub fn is_script(&self) -> bool {
        self.inject.is_some() && self.engine.is_none()
    }

    /// Whether the effect lasts until it is healed.
    pub fn lasts(&self) -> bool {
        !self.healing.is_empty()
    }
}
