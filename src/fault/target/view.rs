use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;

use crate::cluster::inventory::NodeSummary;
use crate::cluster::labels::ContainerRole;

/// What a fault is planned by: the cluster as it was when it was asked for.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The cluster's name.
    pub cluster: String,
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
        self.nodes.iter().filter(|node| node.role == ContainerRole::ControlPlane)
    }

    /// A node by its name or by the part of it after the cluster's: `worker2`.
    pub fn node(&self, name: &str) -> Option<&NodeSummary> {
        let full = format!("{}-{name}", self.cluster);
        self.nodes.iter().find(|node| node.name == name || node.name == full)
    }
}
