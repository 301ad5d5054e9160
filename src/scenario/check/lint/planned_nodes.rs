//! The nodes of a new cluster.

use serde_json::{Value, json};

use super::context::Context;
use super::node_names::is_node;
use crate::config::Role;
use crate::scenario::language::{Action, Objects, Patch, PatchType};
use crate::scenario::read::PlannedCluster;

/// Resources of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Processors.
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

/// The nodes of a new cluster.
pub(super) struct PlannedNodes {
    pub names: Vec<String>,
    pub roles: Vec<Role>,
    /// As Node objects.
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
fn node_object(
    name: &str,
    node: &crate::config::Node,
    has_workers: bool,
    capacity: Capacity,
) -> Value {
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
            taints = json!([{
                "key": "node-role.kubernetes.io/control-plane",
                "effect": "NoSchedule",
            }]);
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

impl Context<'_> {
    /// The nodes of a new cluster with all labels and resources that steps give them at any time, and
    /// without the taints that steps remove: a pod that fits then can fit at its time.
    pub fn changed_nodes(&self) -> Option<Vec<Value>> {
        let mut nodes = self.nodes.as_ref()?.objects.clone();
        for at in &self.parts.steps {
            for node in &mut nodes {
                self.change(node, &at.step.action);
            }
        }
        Some(nodes)
    }

    fn change(&self, node: &mut Value, action: &Action) {
        match action {
            Action::Label(label) if self.targets(&label.target, node) => {
                for (key, value) in &label.set {
                    node["metadata"]["labels"][key] = value.as_str().into();
                }
            }
            Action::Patch(patch)
                if patch.patch_type != PatchType::Json && self.targets(&patch.target, node) =>
            {
                merge(node, &patch.patch);
            }
            Action::Taint(taint)
                if taint.nodes.iter().any(|name| node["metadata"]["name"] == name.as_str()) =>
            {
                let removed = taint.remove.iter().filter_map(|one| one.split([':', '=']).next());
                let removed: Vec<&str> = removed.collect();
                if let Some(taints) = node["spec"]["taints"].as_array_mut() {
                    let is_kept =
                        |one: &Value| one["key"].as_str().is_none_or(|key| !removed.contains(&key));
                    taints.retain(is_kept);
                }
            }
            _ => {}
        }
    }

    /// Whether a step patches nodes in a way that lint does not follow.
    pub fn patches_nodes_by_operations(&self) -> bool {
        let is_of_nodes = |patch: &Patch| match &patch.target {
            Objects::Named { .. } => {
                patch.target.kind_and_name().is_some_and(|(kind, _)| is_node(kind))
            }
            Objects::Selected { select, .. } => {
                self.scenario.selection(select.into()).is_some_and(|one| is_node(&one.kind))
            }
        };
        self.parts.steps.iter().any(|at| match &at.step.action {
            Action::Patch(patch) => patch.patch_type == PatchType::Json && is_of_nodes(patch),
            _ => false,
        })
    }

    /// Whether a step can change a node.
    fn targets(&self, target: &Objects, node: &Value) -> bool {
        let own = &node["metadata"]["name"];
        match target {
            Objects::Named { .. } => {
                target.kind_and_name().is_some_and(|(kind, name)| is_node(kind) && own == name)
            }
            Objects::Selected { select, .. } => {
                self.scenario.selection(select.into()).is_some_and(|selection| {
                    let is_named = selection.name.as_ref().is_none_or(|name| own == name);
                    is_node(&selection.kind) && is_named
                })
            }
        }
    }
}

/// Merges a patch as RFC 7386 does, but keeps the fields that it removes: they exist before it.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(fields), Value::Object(patch)) => {
            for (key, value) in patch {
                match fields.get_mut(key) {
                    Some(old) if value.is_object() => merge(old, value),
                    _ if value.is_null() => {}
                    _ => {
                        fields.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}
