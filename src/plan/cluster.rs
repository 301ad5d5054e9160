use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::config::Role;
use crate::kubernetes::Version;
use crate::runtime::{Mount, PortBinding};

use super::ClusterSettings;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImagePlan {
    /// A reference or an id.
    pub reference: String,
    pub version: Version,
    /// The image's own entrypoint and command.
    pub entrypoint: Vec<String>,
    /// Whether the image has a manifest of a CNI plugin.
    pub has_cni_manifest: bool,
}

/// A cluster, completely decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPlan {
    pub name: String,
    /// The id of this run of `create`.
    pub run: String,
    /// The bootstrap token that kubeadm's phases leave in the cluster.
    pub bootstrap_token: String,
    pub version: Version,
    pub network: String,
    pub subnet: Ipv4Net,
    /// Control planes first.
    pub nodes: Vec<NodePlan>,
    /// Clusters with several control planes have one.
    pub load_balancer: Option<LoadBalancerPlan>,
    /// The address at which the API server listens on the host.
    pub api_host: IpAddr,
    pub api_port: u16,
    pub pod_subnet: Ipv4Net,
    pub service_subnet: Ipv4Net,
    /// What sets up the pod network.
    pub pod_network: PodNetwork,
    pub feature_gates: BTreeMap<String, bool>,
    /// `--runtime-config` of the API server.
    pub runtime_config: BTreeMap<String, String>,
    /// Patches to kubeadm's configuration for every node.
    pub kubeadm_config_patches: Vec<String>,
    /// Patches to containerd's configuration for every node.
    pub containerd_config_patches: Vec<String>,
    /// Whether the host has control groups of version 1.
    pub cgroup_v1: bool,
    /// The parts of kubeadm's configuration that kindrs itself needs, with the patches applied.
    pub settings: ClusterSettings,
}

/// What sets up the pod network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodNetwork {
    /// kindrs, with planned routes and CNI configuration on every node.
    Routes,
    /// The manifest in the node image.
    Manifest,
    /// The user, after the cluster is created.
    User,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    /// The name of the container, the host and the Node object.
    pub name: String,
    pub role: Role,
    pub image: String,
    /// The image's own entrypoint and command.
    pub entrypoint: Vec<String>,
    pub version: Version,
    pub address: Ipv4Addr,
    pub pod_subnet: Ipv4Net,
    /// The volume at /var.
    pub volume: String,
    pub labels: BTreeMap<String, String>,
    /// Key and effect.
    pub taints: Vec<(String, String)>,
    pub ports: Vec<PortBinding>,
    pub mounts: Vec<Mount>,
    /// Patches to kubeadm's configuration for this node.
    pub kubeadm_config_patches: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancerPlan {
    pub name: String,
    pub image: String,
    pub address: Ipv4Addr,
    /// The API server's host port.
    pub port: PortBinding,
}

/// The port of the API servers and the load balancer inside the network.
pub(crate) const API_PORT: u16 = 6443;

impl ClusterPlan {
    pub fn control_planes(&self) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(|node| node.role == Role::ControlPlane)
    }

    /// The address and port of the API server for the nodes: the load balancer's, or the only control
    /// plane's.
    pub fn control_plane_endpoint(&self) -> String {
        format!("{}:{API_PORT}", self.control_plane_address())
    }

    /// The address part of [`Self::control_plane_endpoint`].
    pub fn control_plane_address(&self) -> Ipv4Addr {
        match &self.load_balancer {
            Some(load_balancer) => load_balancer.address,
            None => self.nodes[0].address,
        }
    }

    /// The URL of the API server on the host.
    pub fn host_endpoint(&self) -> String {
        let host = match self.api_host {
            IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            address => address,
        };
        match host {
            IpAddr::V4(address) => format!("https://{address}:{}", self.api_port),
            IpAddr::V6(address) => format!("https://[{address}]:{}", self.api_port),
        }
    }

    /// The first address of the Service subnet: the `kubernetes` Service.
    pub fn kubernetes_service_address(&self) -> Ipv4Addr {
        offset(self.service_subnet, 1)
    }

    /// The tenth address of the Service subnet: cluster DNS, where kubeadm puts it.
    pub fn dns_address(&self) -> Ipv4Addr {
        offset(self.service_subnet, 10)
    }
}

fn offset(subnet: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()).saturating_add(by))
}
