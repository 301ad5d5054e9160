use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The role of a node.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A node that runs etcd, the API server, the controller manager and the scheduler.
    ControlPlane,
    /// A node that runs workloads only.
    Worker,
}

/// The role of a container in a cluster. [`ContainerRole::name`] is the value of its role label, and
/// the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerRole {
    Node(Role),
    /// The load balancer in front of several control planes.
    LoadBalancer,
    /// A short-lived container that renders files with a node image's own kubeadm.
    Render,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::ControlPlane, Self::Worker];

    /// The word for the role in a configuration, a label and a node's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl ContainerRole {
    pub const CONTROL_PLANE: Self = Self::Node(Role::ControlPlane);
    pub const WORKER: Self = Self::Node(Role::Worker);

    pub const ALL: [Self; 4] =
        [Self::CONTROL_PLANE, Self::WORKER, Self::LoadBalancer, Self::Render];

    pub fn name(self) -> &'static str {
        match self {
            Self::Node(role) => role.name(),
            Self::LoadBalancer => "external-load-balancer",
            Self::Render => "render",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the container is a node of the Kubernetes cluster.
    pub fn is_node(self) -> bool {
        matches!(self, Self::Node(_))
    }
}

impl From<Role> for ContainerRole {
    fn from(role: Role) -> Self {
        Self::Node(role)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for ContainerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
