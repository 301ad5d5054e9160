use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::fault::refusal::Refusal;
use crate::words::nearest;

/// The cluster as it is when a fault is requested. A fault is planned from this alone.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The name of the cluster.
    pub cluster: String,
    /// The seed for random choices without a given one.
    pub seed: u64,
    /// The nodes, control planes first.
    pub nodes: Vec<NodeSummary>,
    /// The load balancer in front of several control planes.
    pub load_balancer: Option<NodeSummary>,
    /// The address of the host on the cluster's network.
    pub gateway: Option<Ipv4Addr>,
    /// The names of the nodes that match the targets' selector.
    pub labelled: BTreeSet<String>,
    /// The pods that the targets specify, by name or by selector.
    pub pods: Vec<Pod>,
    /// The nodes of the requested leaders, by lease.
    pub leaders: BTreeMap<String, String>,
}

impl View {
    /// The nodes that run the control plane.
    pub fn control_planes(&self) -> impl Iterator<Item = &NodeSummary> {
        self.nodes.iter().filter(|node| node.role == ContainerRole::CONTROL_PLANE)
    }

    /// The names of all nodes.
    pub fn names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// Finds a node by its full name or by its name without the cluster's: `worker2`.
    pub fn node(&self, name: &str) -> Option<&NodeSummary> {
        self.nodes.iter().find(|node| self.is_named(node, name))
    }

    /// Finds a node as [`View::node`].
    ///
    /// # Errors
    /// [`Refusal::UnknownNode`], with the nodes of the cluster.
    pub fn require_node(&self, name: &str) -> Result<&NodeSummary, Refusal> {
        self.node(name).ok_or_else(|| self.unknown_node(name))
    }

    /// Finds a node or the load balancer, as [`View::node`].
    ///
    /// # Errors
    /// [`Refusal::UnknownNode`], with the nodes of the cluster.
    pub fn require_container(&self, name: &str) -> Result<&NodeSummary, Refusal> {
        let mut all = self.nodes.iter().chain(&self.load_balancer);
        all.find(|node| self.is_named(node, name)).ok_or_else(|| self.unknown_node(name))
    }

    fn is_named(&self, node: &NodeSummary, name: &str) -> bool {
        node.name == name || node.name == format!("{}-{name}", self.cluster)
    }

    fn unknown_node(&self, name: &str) -> Refusal {
        let prefix = format!("{}-", self.cluster);
        let names = self.nodes.iter().map(|node| node.name.as_str());
        let short = names.clone().filter_map(|name| name.strip_prefix(&prefix));
        Refusal::UnknownNode {
            cluster: self.cluster.clone(),
            name: name.to_owned(),
            nodes: self.names(),
            near: nearest(name, &names.chain(short).collect::<Vec<_>>()).map(str::to_owned),
        }
    }
}
