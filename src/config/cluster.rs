use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::runtime::{Mount, PortBinding};

use super::Role;

/// A cluster as its user asked for it, with defaults filled in and every rule checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Name given in the file; `--name` and `KINDRS_CLUSTER_NAME` go before it.
    pub name: Option<String>,
    /// Nodes in the order given; at least one control plane.
    pub nodes: Vec<Node>,
    /// Subnets, the API server's place on the host, and the default CNI.
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

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it runs.
    pub role: Role,
    /// Image of its own.
    pub image: Option<String>,
    /// Labels of the Node object.
    pub labels: BTreeMap<String, String>,
    /// Folders and files of the host mounted into it.
    pub extra_mounts: Vec<Mount>,
    /// Ports of it bound on the host.
    pub extra_port_mappings: Vec<PortBinding>,
    /// Merge patches to kubeadm's configuration, for this node.
    pub kubeadm_config_patches: Vec<String>,
}

/// Networking of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networking {
    /// Address on the host at which the API server listens.
    pub api_server_address: IpAddr,
    /// Port on the host at which the API server listens; `None` for a free one.
    pub api_server_port: Option<u16>,
    /// Addresses of pods.
    pub pod_subnet: Ipv4Net,
    /// Addresses of Services.
    pub service_subnet: Ipv4Net,
    /// Whether the user brings a CNI of their own.
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
    /// A node of this role with nothing else asked for.
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
    /// One control plane, as kind makes without a configuration.
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
