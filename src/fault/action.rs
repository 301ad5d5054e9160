use serde::{Deserialize, Serialize};

/// What an action is about, for Events and lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Subject {
    /// A node.
    Node {
        /// Its name, the container's and the Node object's.
        name: String,
    },
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
}

impl Subject {
    /// As kubectl writes it: `node/dev-worker`, `pod/shop/web-1`.
    pub fn path(&self) -> String {
        match self {
            Self::Node { name } => format!("node/{name}"),
            Self::Pod { namespace, name, .. } => format!("pod/{namespace}/{name}"),
        }
    }
}

/// What is done to a container through the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineAction {
    /// Stopped by its stop signal; started again to heal.
    Stop,
    /// Killed; started again to heal.
    Kill,
    /// Frozen; thawed to heal.
    Pause,
    /// Stopped and started.
    Restart,
}

/// What is asked of the API server about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiAction {
    /// Deleted, with its own grace period.
    Delete,
    /// Deleted at once: the object goes without waiting for kubelet.
    ForceDelete,
    /// Evicted, which a PodDisruptionBudget may refuse.
    Evict,
}

/// What an action has for itself on its node as long as it lasts: no other may hold the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// The whole node: conflicts with every other hold on it.
    Node,
    /// kubelet's process.
    Kubelet,
    /// containerd's process.
    Runtime,
    /// The settings of kubelet that say when it evicts.
    Eviction,
    /// The processors.
    Cpu,
    /// The queue before the node's interface.
    Queue,
    /// A component of the control plane, by its name.
    Component(String),
    /// A pod's port or address, by pod and what is blocked.
    Pod(String),
    /// An image, by its reference.
    Image(String),
}

impl Hold {
    /// Whether both cannot be held on one node at the same time.
    pub fn excludes(&self, other: &Self) -> bool {
        self == other || *self == Self::Node || *other == Self::Node
    }
}

/// What an action takes from the cluster as long as it lasts; the guard adds these up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nothing that the cluster could not do without.
    None,
    /// The node, and with it what it runs of the control plane.
    Node,
    /// The node's API server.
    ApiServer,
    /// The node's member of etcd.
    Etcd,
    /// The whole cluster.
    Total,
}

/// What happens to one container, decided before anything changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The container, a node.
    pub node: String,
    /// What the Event is about.
    pub subject: Subject,
    /// A script that fails where the node cannot do this, and changes nothing, with what to say then.
    pub probe: Option<(String, String)>,
    /// Further files it needs, beside its scripts: name and content.
    pub files: Vec<(String, String)>,
    /// A shell script that does it; `$fault` is the folder of its files.
    pub inject: Option<String>,
    /// A shell script that puts it back. Harmless where there is nothing to put back.
    pub heal: Option<String>,
    /// Done through the engine.
    pub engine: Option<EngineAction>,
    /// Done through the API.
    pub api: Option<ApiAction>,
    /// What it does, as a predicate: `stops kubelet`.
    pub effect: String,
    /// What healing does, as a predicate: `starts kubelet`; empty for what needs none.
    pub healing: String,
    /// What it has for itself.
    pub holds: Vec<Hold>,
    /// What it takes from the cluster.
    pub impact: Impact,
}

impl Action {
    /// An action on a node that does nothing yet.
    pub fn on_node(node: &str, effect: impl Into<String>) -> Self {
        Self::on(node, Subject::Node { name: node.to_owned() }, effect)
    }

    /// An action on something of a node that does nothing yet.
    pub fn on(node: &str, subject: Subject, effect: impl Into<String>) -> Self {
        Self {
            node: node.to_owned(),
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

    /// Whether only the API server is asked: its node need not run, and nothing of it is left that
    /// the journal would have to know.
    pub fn is_for_api_only(&self) -> bool {
        self.api.is_some() && self.inject.is_none() && self.engine.is_none()
    }

    /// Whether all of it is a script in the node.
    pub fn is_script(&self) -> bool {
        self.inject.is_some() && self.engine.is_none()
    }

    /// Whether it lasts until it is healed.
    pub fn lasts(&self) -> bool {
        !self.healing.is_empty()
    }
}
