//! The nodes of a new cluster.

use serde_json::{Value, json};

use crate::config::{Node, Role};
use crate::kubernetes::find_kind;
use crate::scenario::read::PlannedCluster;

/// Resources of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    pub cpus: u64,
    /// Memory in bytes.
    pub memory: u64,
}

impl Default for Capacity {
    /// More than most machines have, so that a pod that does not fit here fits nowhere.
    fn default() -> Self {
        Self { cpus: 64, memory: 256 << 30 }
    }
}

pub(super) struct PlannedNodes {
    pub names: Vec<String>,
    pub roles: Vec<Role>,
    pub objects: Vec<Value>,
}

impl PlannedNodes {
    pub fn new(planned: PlannedCluster, capacity: Capacity) -> Self {
        let roles: Vec<Role> = planned.config.nodes.iter().map(|node| node.role).collect();
        let has_workers = roles.contains(&Role::Worker);
        let nodes = planned.node_names.iter().zip(&planned.config.nodes);
        let objects = nodes.map(|(name, node)| node_object(name, node, has_workers, capacity));
        Self { objects: objects.collect(), names: planned.node_names, roles }
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    pub fn control_planes(&self) -> usize {
        self.roles.iter().filter(|role| **role == Role::ControlPlane).count()
    }
}

/// A node as kubelet and kubeadm register it.
fn node_object(name: &str, node: &Node, has_workers: bool, capacity: Capacity) -> Value {
    let mut labels = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture(),
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": architecture(),
    });
    for (key, value) in &node.labels {
        labels[key] = value.as_str().into();
    }
    let mut taints = json!([]);
    if node.role == Role::ControlPlane {
        labels["node-role.kubernetes.io/control-plane"] = "".into();
        if has_workers {
            let key = "node-role.kubernetes.io/control-plane";
            taints = json!([{"key": key, "effect": "NoSchedule"}]);
        }
    }
    let resources = json!({
        "cpu": capacity.cpus.to_string(),
        "memory": capacity.memory.to_string(),
        "ephemeral-storage": "1Ti",
        "pods": "110",
    });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints},
        "status": {
            "capacity": resources, "allocatable": resources,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

/// Kubernetes' name for this machine's architecture, which nodes share.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

pub(super) fn is_node(kind: &str) -> bool {
    find_kind(kind).is_some_and(|known| known.kind == "Node" && known.group.is_empty())
}
