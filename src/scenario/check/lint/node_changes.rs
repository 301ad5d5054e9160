//! What the steps change on the nodes of a new cluster.

use serde_json::Value;

use super::context::Context;
use super::planned_nodes::is_node;
use crate::scenario::language::{Action, Objects, PatchType};

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
            Action::Label(label) if self.targets(&label.target, Some(node)) => {
                for (key, value) in &label.set {
                    node["metadata"]["labels"][key] = value.as_str().into();
                }
            }
            Action::Patch(patch)
                if patch.patch_type != PatchType::Json
                    && self.targets(&patch.target, Some(node)) =>
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
        self.parts.steps.iter().any(|at| {
            matches!(&at.step.action, Action::Patch(patch)
                if patch.patch_type == PatchType::Json && self.targets(&patch.target, None))
        })
    }

    /// Whether a step can change a node, or any node.
    fn targets(&self, target: &Objects, node: Option<&Value>) -> bool {
        let is_own = |name: &str| node.is_none_or(|node| node["metadata"]["name"] == name);
        match target {
            Objects::Named { .. } => {
                target.kind_and_name().is_some_and(|(kind, name)| is_node(kind) && is_own(name))
            }
            Objects::Selected { select, .. } => {
                self.scenario.selection(select.into()).is_some_and(|selection| {
                    is_node(&selection.kind) && selection.name.as_deref().is_none_or(is_own)
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
