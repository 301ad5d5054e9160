use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use crate::config::{self, Cluster, Role};
use crate::failure::Failure;
use crate::kubernetes::Version;
use crate::plan::labels;
use crate::render::{ClusterSettings, cluster_settings};
use crate::runtime::{Mount, PortBinding, Protocol};

use super::pod_subnets;

/// What a plan is made of: the user's wish and what the machine offers.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// Name of the cluster.
    pub name: &'a str,
    /// Id of this run of `create`, put on everything it makes.
    pub run: &'a str,
    /// A fresh bootstrap token, as kubeadm writes it.
    pub bootstrap_token: &'a str,
    /// Configuration, already validated.
    pub config: &'a Cluster,
    /// Image of each node, in the order of the configuration.
    pub images: &'a [NodeImagePlan],
    /// Subnet of the cluster's network, found free.
    pub subnet: Ipv4Net,
    /// Port on the host for the API server, found free.
    pub api_port: u16,
    /// Whether the host has control groups of version 1.
    pub cgroup_v1: bool,
    /// Image of the load balancer; needed with several control planes.
    pub load_balancer_image: Option<&'a str>,
}

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
const CONTROL_PLANE_TAINT: &str = "node-role.kubernetes.io/control-plane";

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

/// Plans a cluster.
///
/// # Errors
/// [`Failure::Input`] when pods or nodes find no addresses.
pub fn plan(input: &PlanInput<'_>) -> Result<ClusterPlan, Failure> {
    let config = input.config;
    let roles: Vec<Role> = config.nodes.iter().map(|node| node.role).collect();
    let names = config::node_names(input.name, &roles);
    let pods = config.networking.pod_subnet;
    let pod_subnets = pod_subnets(pods, roles.len()).ok_or_else(|| {
        Failure::input(format!(
            "networking.podSubnet {pods} is too small for {} nodes",
            roles.len()
        ))
        .with_hint("choose a larger one, as 10.244.0.0/16")
    })?;
    // The first address is the gateway, the last but one the load balancer.
    let capacity = input.subnet.hosts().count().saturating_sub(2);
    if roles.len() > capacity {
        return Err(Failure::input(format!(
            "{} nodes are more than the {capacity} that a cluster's network has addresses for",
            roles.len()
        )));
    }

    let only_control_planes = roles.iter().all(|role| *role == Role::ControlPlane);
    let several_control_planes = roles.iter().filter(|r| **r == Role::ControlPlane).count() > 1;
    let api = PortBinding {
        container_port: API_PORT,
        protocol: Protocol::Tcp,
        host_address: config.networking.api_server_address,
        host_port: input.api_port,
    };

    let mut nodes: Vec<NodePlan> = config
        .nodes
        .iter()
        .zip(names)
        .zip(pod_subnets)
        .zip(input.images)
        .map(|(((node, name), pod_subnet), image)| {
            let mut labels = node.labels.clone();
            let mut taints = Vec::new();
            if node.role == Role::ControlPlane {
                labels.insert(CONTROL_PLANE_TAINT.into(), String::new());
                if !only_control_planes {
                    labels.insert(
                        "node.kubernetes.io/exclude-from-external-load-balancers".into(),
                        String::new(),
                    );
                    taints.push((CONTROL_PLANE_TAINT.into(), "NoSchedule".into()));
                }
            }
            NodePlan {
                volume: labels::volume(&name),
                name,
                role: node.role,
                image: image.reference.clone(),
                entrypoint: image.entrypoint.clone(),
                version: image.version.clone(),
                address: Ipv4Addr::UNSPECIFIED,
                pod_subnet,
                labels,
                taints,
                ports: node.extra_port_mappings.clone(),
                mounts: node.extra_mounts.clone(),
                kubeadm_config_patches: node.kubeadm_config_patches.clone(),
            }
        })
        .collect();
    nodes.sort_by_key(|node| node.role);
    for (index, node) in nodes.iter_mut().enumerate() {
        node.address = offset(input.subnet, 2 + u32::try_from(index).unwrap_or(u32::MAX));
    }

    let load_balancer = if several_control_planes {
        let image = input.load_balancer_image.ok_or_else(|| {
            Failure::environment(
                "several control planes need a load balancer image, and none was made",
            )
        })?;
        Some(LoadBalancerPlan {
            name: config::load_balancer_name(input.name),
            image: image.to_owned(),
            address: Ipv4Addr::from(u32::from(input.subnet.broadcast()) - 1),
            port: api,
        })
    } else {
        if let Some(first) = nodes.first_mut() {
            first.ports.push(api);
        }
        None
    };

    let version = nodes.first().map_or_else(Version::default_release, |node| node.version.clone());
    let has_cni_manifest = input.images.iter().any(|image| image.has_cni_manifest);

    let mut plan = ClusterPlan {
        name: input.name.to_owned(),
        run: input.run.to_owned(),
        bootstrap_token: input.bootstrap_token.to_owned(),
        version,
        network: labels::network(input.name),
        subnet: input.subnet,
        nodes,
        load_balancer,
        api_host: config.networking.api_server_address,
        api_port: input.api_port,
        pod_subnet: pods,
        service_subnet: config.networking.service_subnet,
        pod_network: match (config.networking.disable_default_cni, has_cni_manifest) {
            (true, _) => PodNetwork::User,
            (false, true) => PodNetwork::Manifest,
            (false, false) => PodNetwork::Routes,
        },
        feature_gates: config.feature_gates.clone(),
        runtime_config: config.runtime_config.clone(),
        kubeadm_config_patches: config.kubeadm_config_patches.clone(),
        containerd_config_patches: config.containerd_config_patches.clone(),
        cgroup_v1: input.cgroup_v1,
        settings: ClusterSettings {
            certificate_names: Vec::new(),
            dns_domain: "cluster.local".to_owned(),
        },
    };
    plan.settings = cluster_settings(&plan)?;
    Ok(plan)
}

fn offset(subnet: Ipv4Net, by: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()).saturating_add(by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{plan_of, sample_config, sample_plan};

    #[test]
    fn a_three_node_plan() {
        insta::assert_debug_snapshot!(sample_plan(1, 2, &Version::new(1, 37, 2)));
    }

    #[test]
    fn several_control_planes_get_a_load_balancer_that_has_the_port() {
        let plan = sample_plan(3, 1, &Version::new(1, 37, 2));
        let balancer = plan.load_balancer.as_ref().unwrap();
        assert_eq!(balancer.name, "dev-external-load-balancer");
        assert_eq!(plan.control_plane_endpoint(), "172.28.0.254:6443");
        assert!(plan.nodes.iter().all(|node| node.ports.is_empty()));
        let names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(
            names,
            ["dev-control-plane", "dev-control-plane2", "dev-control-plane3", "dev-worker"]
        );
    }

    #[test]
    fn control_planes_come_first_whatever_their_place_and_keep_their_own_wishes() {
        let mut config = sample_config(1, 1);
        config.nodes.reverse();
        config.nodes[0].labels.insert("tier".into(), "web".into());
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        assert_eq!(plan.nodes[0].role, Role::ControlPlane);
        assert_eq!(plan.nodes[1].labels.get("tier").map(String::as_str), Some("web"));
    }

    #[test]
    fn a_cluster_of_control_planes_alone_takes_pods() {
        let plan = sample_plan(1, 0, &Version::new(1, 37, 2));
        assert!(plan.nodes[0].taints.is_empty());
    }

    #[test]
    fn too_small_a_pod_subnet_is_refused() {
        let mut config = sample_config(1, 9);
        config.networking.pod_subnet = "10.0.0.0/27".parse().unwrap();
        let image = NodeImagePlan {
            reference: String::new(),
            version: Version::new(1, 37, 2),
            entrypoint: Vec::new(),
            has_cni_manifest: false,
        };
        let error = plan(&PlanInput {
            name: "dev",
            run: "",
            bootstrap_token: "",
            config: &config,
            images: &vec![image; 10],
            subnet: "172.28.0.0/24".parse().unwrap(),
            api_port: 1,
            cgroup_v1: false,
            load_balancer_image: None,
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "networking.podSubnet 10.0.0.0/27 is too small for 10 nodes");
    }

    #[test]
    fn an_api_server_on_every_address_is_reached_by_loopback() {
        let mut config = sample_config(1, 0);
        config.networking.api_server_address = [0, 0, 0, 0].into();
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        assert_eq!(plan.host_endpoint(), "https://127.0.0.1:40123");
    }
}
