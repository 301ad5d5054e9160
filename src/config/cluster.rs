use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::runtime::{Mount, PortBinding};

use super::Role;

/// The configuration of a cluster, with defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Name in the file; overridden by `--name` and `KINDRS_CLUSTER_NAME`.
    pub name: Option<String>,
    /// Nodes in the order of the file; at least one control plane.
    pub nodes: Vec<Node>,
    pub networking: Networking,
    /// Feature gates for every component.
    pub feature_gates: BTreeMap<String, bool>,
    /// `--runtime-config` of the API server.
    pub runtime_config: BTreeMap<String, String>,
    /// Merge patches (YAML documents) to kubeadm's configuration, for every node.
    pub kubeadm_config_patches: Vec<String>,
    /// Merge patches (TOML documents) to containerd's configuration.
    pub containerd_config_patches: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub role: Role,
    /// Node image; `None` for the cluster's.
    pub image: Option<String>,
    /// Labels of the Node object.
    pub labels: BTreeMap<String, String>,
    /// Host folders and files mounted into the node.
    pub extra_mounts: Vec<Mount>,
    /// Ports of the node published on the host.
    pub extra_port_mappings: Vec<PortBinding>,
    /// Merge patches to kubeadm's configuration, for this node.
    pub kubeadm_config_patches: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networking {
    /// Host address that the API server listens on.
    pub api_server_address: IpAddr,
    /// Host port that the API server listens on; `None` for a free port.
    pub api_server_port: Option<u16>,
    /// Subnet of pods.
    pub pod_subnet: Ipv4Net,
    /// Subnet of Services.
    pub service_subnet: Ipv4Net,
    /// Whether kindrs leaves the CNI plugin to the user.
    pub disable_default_cni: bool,
}

impl Default for Networking {
    fn default() -> Self {
        Self {
            api_server_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            api_server_port: None,
            pod_subnet: Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16),
            service_subnet: Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 16),
            disable_default_cni: false,
        }
    }
}

impl Node {
    /// Creates a node with defaults.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            image: None,
            labels: BTreeMap::new(),
            extra_mounts: Vec::new(),
            extra_port_mappings: Vec::new(),
            kubeadm_config_patches: Vec::new(),
        }
    }
}

impl Default for Cluster {
    /// One control plane, as in kind.
    fn default() -> Self {
        Self {
            name: None,
            nodes: vec![Node::new(Role::ControlPlane)],
            networking: Networking::default(),
            feature_gates: BTreeMap::new(),
            runtime_config: BTreeMap::new(),
            kubeadm_config_patches: Vec::new(),
            containerd_config_patches: Vec::new(),
        }
    }
}
