use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::{ContainerRole, Role};
use crate::fault::parameter::{OneOrMany, Text, is_off};
use crate::fault::refusal::{Refusal, Target};

use super::{Choice, HEADING, View};

/// The nodes that a fault hits. Several parameters add up. Without any, most faults are refused, so
/// that no fault hits more than its author wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct NodeTargets {
    /// Node by name; `worker2` is short for `CLUSTER-worker2`
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "NAME"))]
    pub node: OneOrMany<Text>,
    /// Nodes with this role
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "ROLE"))]
    pub role: Option<Role>,
    /// Nodes that match this label selector
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "SELECTOR", "x-short" = "l"))]
    pub selector: Option<Text>,
    /// Node that runs this pod
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "[NAMESPACE/]POD"))]
    pub running_pod: Option<Text>,
    /// Node of the leader: kube-controller-manager, kube-scheduler, etcd or any lease
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "[NAMESPACE/]LEASE"))]
    pub leader_of: Option<Text>,
    /// All nodes
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("x-heading" = HEADING))]
    pub all_nodes: bool,
    #[serde(flatten)]
    pub choice: Choice,
}

impl NodeTargets {
    /// Whether no node is specified, apart from a random choice.
    pub fn is_empty(&self) -> bool {
        self.node.is_empty()
            && self.role.is_none()
            && self.selector.is_none()
            && self.running_pod.is_none()
            && self.leader_of.is_none()
            && !self.all_nodes
    }

    /// Returns the targets in the cluster's order.
    ///
    /// # Errors
    /// If a node does not exist, if no node matches, or if nothing is specified.
    pub fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a NodeSummary>, Refusal> {
        if self.is_empty() && !self.choice.is_random() {
            return Err(Refusal::NoTarget(Target::Nodes));
        }
        let mut matches: Vec<&NodeSummary> = Vec::new();
        for name in self.node.iter() {
            matches.push(view.require_node(name)?);
        }
        if let Some(role) = self.role {
            let role = ContainerRole::Node(role);
            matches.extend(view.nodes.iter().filter(|node| node.role == role));
        }
        if self.selector.is_some() {
            matches.extend(view.nodes.iter().filter(|node| view.labelled.contains(&node.name)));
        }
        if self.running_pod.is_some() {
            matches.extend(
                view.pods
                    .iter()
                    .filter_map(|pod| view.node(pod.spec.as_ref()?.node_name.as_deref()?)),
            );
        }
        if let Some(lease) = &self.leader_of {
            matches.extend(view.leaders.get(&**lease).and_then(|name| view.node(name)));
        }
        if self.all_nodes || self.is_empty() {
            matches.extend(&view.nodes);
        }
        let ordered: Vec<&NodeSummary> = view
            .nodes
            .iter()
            .filter(|node| matches.iter().any(|other| other.name == node.name))
            .collect();
        if ordered.is_empty() {
            return Err(Refusal::NoNodeFits { given: self.given(), nodes: view.names() });
        }
        self.choice.choose(ordered, Target::Nodes, view.seed)
    }

    /// The parameters that can match no node.
    fn given(&self) -> Vec<(&'static str, String)> {
        [
            ("role", self.role.map(|role| role.to_string())),
            ("selector", self.selector.as_ref().map(ToString::to_string)),
            ("running-pod", self.running_pod.as_ref().map(ToString::to_string)),
            ("leader-of", self.leader_of.as_ref().map(ToString::to_string)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
