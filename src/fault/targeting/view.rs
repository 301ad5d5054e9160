use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;

use crate::cluster::inventory::NodeSummary;
use crate::config::ContainerRole;
use crate::failure::Failure;

use super::nodes::no_such_node;

/// What a fault is planned by: the cluster as it was when it was asked for.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The cluster's name.
    pub cluster: String,
    /// What chance chooses by, where the targets give no seed.
    pub seed: u64,
    /// Its nodes, control planes first.
    pub nodes: Vec<NodeSummary>,
    /// The load balancer before several control planes.
    pub load_balancer: Option<NodeSummary>,
    /// The host's address on the cluster's network.
    pub gateway: Option<Ipv4Addr>,
    /// Names of the nodes with the labels asked for.
    pub labelled: BTreeSet<String>,
    /// The pods asked for, by name or by selector.
    pub pods: Vec<Pod>,
    /// The nodes of the leaders asked for, by what they lead.
    pub leaders: BTreeMap<String, String>,
}

impl View {
    /// The nodes that run the control plane.
    pub fn control_planes(&self) -> impl Iterator<Item = &NodeSummary> {
        self.nodes.iter().filter(|node| node.role == ContainerRole::CONTROL_PLANE)
    }

    /// A node by its name or by the part of it after the cluster's: `worker2`.
    pub fn node(&self, name: &str) -> Option<&NodeSummary> {
        let full = format!("{}-{name}", self.cluster);
        self.nodes.iter().find(|node| node.name == name || node.name == full)
    }

    /// A node, or the load balancer, by its name or by the part of it after the cluster's.
    ///
    /// # Errors
    /// [`Failure::Input`] naming the nodes there are.
    pub fn container(&self, name: &str) -> Result<&NodeSummary, Failure> {
        let full = format!("{}-{name}", self.cluster);
        let balancer = self.load_balancer.as_ref();
        self.node(name)
            .or_else(|| balancer.filter(|it| it.name == name || it.name == full))
            .ok_or_else(|| no_such_node(self, name))
    }
}
