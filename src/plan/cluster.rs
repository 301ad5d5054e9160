use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::config::Role;
use crate::kubernetes::Version;
use crate::runtime::{Mount, PortBinding};

use super::ClusterSettings;

/// The image of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImagePlan {
    /// Reference or id.
    pub reference: String,
    /// Kubernetes version in it.
    pub version: Version,
    /// Its own entrypoint and command.
    pub entrypoint: Vec<String>,
    /// Whether it brings a CNI manifest of its own.
    pub has_cni_manifest: bool,
}

/// Everything that will be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPlan {
    /// Name of the cluster.
    pub name: String,
    /// Id of this run of `create`.
    pub run: String,
    /// The bootstrap token that kubeadm's phases leave in the cluster.
    pub bootstrap_token: String,
    /// Kubernetes version of the control plane.
    pub version: Version,
    /// Name of its network.
    pub network: String,
    /// Subnet of its network.
    pub subnet: Ipv4Net,
    /// Nodes, control planes first.
    pub nodes: Vec<NodePlan>,
    /// Before several control planes.
    pub load_balancer: Option<LoadBalancerPlan>,
    /// Where the API server listens on the host.
    pub api_host: IpAddr,
    /// Port there.
    pub api_port: u16,
    /// Addresses of pods.
    pub pod_subnet: Ipv4Net,
    /// Addresses of Services.
    pub service_subnet: Ipv4Net,
    /// Who makes the pod network.
    pub pod_network: PodNetwork,
    /// Feature gates for every component.
    pub feature_gates: BTreeMap<String, bool>,
    /// `--runtime-config` of the API server.
    pub runtime_config: BTreeMap<String, String>,
    /// Patches to kubeadm's configuration on every node.
    pub kubeadm_config_patches: Vec<String>,
    /// Patches to containerd's configuration on every node.
    pub containerd_config_patches: Vec<String>,
    /// Whether the host has control groups of version 1.
    pub cgroup_v1: bool,
    /// What the patches to kubeadm's configuration mean for certificates and DNS.
    pub settings: ClusterSettings,
}

/// Who makes the pod network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodNetwork {
    /// kindrs: routes and CNI configuration on every node, planned.
    Routes,
    /// The manifest that the node image brings.
    Manifest,
    /// The user, later.
    User,
}

/// One node to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    /// Name of the container, the host and the Node object.
    pub name: String,
    /// What it runs.
    pub role: Role,
    /// Image.
    pub image: String,
    /// The image's own entrypoint and command.
    pub entrypoint: Vec<String>,
    /// Kubernetes version in the image.
    pub version: Version,
    /// Its address on the cluster's network.
    pub address: Ipv4Addr,
    /// Addresses of its pods.
    pub pod_subnet: Ipv4Net,
    /// Name of the volume on /var.
    pub volume: String,
    /// Labels of the Node object.
    pub labels: BTreeMap<String, String>,
    /// Taints of the Node object, key and effect.
    pub taints: Vec<(String, String)>,
    /// Ports bound on the host.
    pub ports: Vec<PortBinding>,
    /// Mounts the user asked for.
    pub mounts: Vec<Mount>,
    /// Patches to kubeadm's configuration on this node.
    pub kubeadm_config_patches: Vec<String>,
}

/// The load balancer to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBalancerPlan {
    /// Name of the container.
    pub name: String,
    /// Image with haproxy.
    pub image: String,
    /// Its address on the cluster's network.
    pub address: Ipv4Addr,
    /// The API server's port on the host.
    pub port: PortBinding,
}

/// The port at which every API server, and the load balancer, listens inside the network.
pub(crate) const API_PORT: u16 = 6443;

impl ClusterPlan {
    /// Nodes that run the control plane.
    pub fn control_planes(&self) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(|node| node.role == Role::ControlPlane)
    }

    /// Address and port at which the nodes reach the API: the load balancer's, or the only
    /// control plane's.
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

    /// URL at which the host reaches the API.
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
