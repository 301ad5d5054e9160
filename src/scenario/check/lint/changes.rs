//! What steps make of the nodes.

use serde_json::Value;

use super::linter::Linter;
use super::nodes::is_node;
use crate::scenario::language::{Objects, Patch, PatchType, SelectionRef};

impl Linter<'_> {
    /// Gives the nodes whatever steps give them at any time, labels and resources, and takes off the
    /// taints that steps remove: what fits then may fit at its time.
    pub(super) fn change_nodes(&self, nodes: &mut [Value]) {
        for at in &self.walk.steps {
            for node in nodes.iter_mut() {
                if let Some(label) = &at.step.label
                    && self.is_meant(&label.target, node)
                {
                    for (key, value) in &label.set {
                        node["metadata"]["labels"][key] = value.as_str().into();
                    }
                }
                if let Some(patch) = &at.step.patch
                    && patch.patch_type != PatchType::Json
                    && self.is_meant(&patch.target, node)
                {
                    merge(node, &patch.patch);
                }
                if let Some(taint) = &at.step.taint
                    && taint.nodes.iter().any(|name| node["metadata"]["name"] == name.as_str())
                    && let Some(taints) = node["spec"]["taints"].as_array_mut()
                {
                    let removed: Vec<&str> = taint
                        .remove
                        .iter()
                        .filter_map(|one| one.split([':', '=']).next())
                        .collect();
                    taints
                        .retain(|one| !removed.contains(&one["key"].as_str().unwrap_or_default()));
                }
            }
        }
    }

    /// Whether a step patches nodes in a way that is not looked into.
    pub(super) fn patches_nodes_by_operations(&self) -> bool {
        let is_such = |patch: &Patch| {
            let named = patch.target.object.as_ref().and_then(|name| name.rsplit_once('/'));
            let selected = patch.target.select.as_ref().and_then(|one| self.kind_of(one));
            patch.patch_type == PatchType::Json
                && (named.is_some_and(|(kind, _)| is_node(kind))
                    || selected.is_some_and(|kind| is_node(&kind)))
        };
        self.walk.steps.iter().filter_map(|at| at.step.patch.as_ref()).any(is_such)
    }

    /// Whether a step may mean a node.
    fn is_meant(&self, target: &Objects, node: &Value) -> bool {
        let own = &node["metadata"]["name"];
        if let Some((kind, name)) = target.object.as_ref().and_then(|name| name.rsplit_once('/')) {
            return is_node(kind) && own == name;
        }
        let selection = match &target.select {
            Some(SelectionRef::Inline(selection)) => Some(selection),
            Some(SelectionRef::Named(name)) => self.scenario.selections.get(name),
            None => None,
        };
        selection.is_some_and(|selection| {
            is_node(&selection.kind) && selection.name.as_ref().is_none_or(|name| own == name)
        })
    }
}

/// Merges a patch as RFC 7386 does; what is removed stays, as it was there before.
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
