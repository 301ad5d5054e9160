use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::failure::Failure;
use crate::words::nearest;

use super::{Choice, View};

/// Which nodes. What is said in several ways adds up; nothing said is an error, so that no fault
/// hits more than was meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeTargets {
    /// A node by name; `worker2` stands for `CLUSTER-worker2`
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Targets")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node: Vec<String>,
    /// The nodes of a role
    #[arg(
        long,
        value_name = "ROLE",
        value_parser = ["control-plane", "worker"],
        help_heading = "Targets"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The nodes with these labels, as kubectl's --selector
    #[arg(short = 'l', long, value_name = "SELECTOR", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The node that runs a pod
    #[arg(long, value_name = "[NAMESPACE/]POD", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_pod: Option<String>,
    /// The node of a leader: kube-controller-manager, kube-scheduler, etcd, or of any lease
    #[arg(long, value_name = "[NAMESPACE/]LEASE", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_of: Option<String>,
    /// Every node
    #[arg(long, help_heading = "Targets")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_nodes: bool,
    /// How many of them.
    #[command(flatten)]
    #[serde(flatten)]
    pub choice: Choice,
}

impl NodeTargets {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.node.is_empty()
            && self.role.is_none()
            && self.selector.is_none()
            && self.running_pod.is_none()
            && self.leader_of.is_none()
            && !self.all_nodes
    }

    /// The nodes meant, in the cluster's order.
    ///
    /// # Errors
    /// [`Failure::Input`] when a node does not exist, when nothing fits, or when nothing is said.
    pub fn resolve<'a>(&self, view: &'a View) -> Result<Vec<&'a NodeSummary>, Failure> {
        if self.is_empty() && !self.choice.is_random() {
            return Err(Failure::input("no target is given").with_hint(
                "say which with --node, --role, --selector, --running-pod, --leader-of, --random \
                 or --all-nodes",
            ));
        }
        let mut meant: Vec<&NodeSummary> = Vec::new();
        for name in &self.node {
            meant.push(view.node(name).ok_or_else(|| no_such_node(view, name))?);
        }
        if let Some(role) = self.role.as_deref().and_then(ContainerRole::from_name) {
            meant.extend(view.nodes.iter().filter(|node| node.role == role));
        }
        if self.selector.is_some() {
            meant.extend(view.nodes.iter().filter(|node| view.labelled.contains(&node.name)));
        }
        if self.running_pod.is_some() {
            meant.extend(
                view.pods
                    .iter()
                    .filter_map(|pod| view.node(pod.spec.as_ref()?.node_name.as_deref()?)),
            );
        }
        if let Some(lease) = &self.leader_of {
            meant.extend(view.leaders.get(lease).and_then(|name| view.node(name)));
        }
        if self.all_nodes || self.is_empty() {
            meant.extend(&view.nodes);
        }
        let ordered: Vec<&NodeSummary> = view
            .nodes
            .iter()
            .filter(|node| meant.iter().any(|other| other.name == node.name))
            .collect();
        if ordered.is_empty() {
            return Err(Failure::input(format!("no node fits {}", self.said()))
                .with_hint(known_nodes(view)));
        }
        self.choice.of(ordered, "nodes", view.seed)
    }

    /// What was said, as flags.
    fn said(&self) -> String {
        let mut said: Vec<String> = Vec::new();
        let mut flag = |name: &str, value: &Option<String>| {
            said.extend(value.as_ref().map(|value| format!("--{name} {value}")));
        };
        flag("role", &self.role);
        flag("selector", &self.selector);
        flag("running-pod", &self.running_pod);
        flag("leader-of", &self.leader_of);
        said.join(" ")
    }
}

fn known_nodes(view: &View) -> String {
    let names: Vec<&str> = view.nodes.iter().map(|node| node.name.as_str()).collect();
    format!("the nodes are: {}", names.join(", "))
}

/// The error for a node that a cluster does not have, with the one that may be meant.
pub(super) fn no_such_node(view: &View, name: &str) -> Failure {
    let known = known_nodes(view);
    let prefix = format!("{}-", view.cluster);
    let names = view.nodes.iter().map(|node| node.name.as_str());
    let short = names.clone().filter_map(|name| name.strip_prefix(&prefix));
    let hint = match nearest(name, &names.chain(short).collect::<Vec<_>>()) {
        Some(near) => format!("did you mean `{near}`? {known}"),
        None => known,
    };
    Failure::input(format!("cluster `{}` has no node `{name}`", view.cluster)).with_hint(hint)
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
