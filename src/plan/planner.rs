use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::config::{self, Cluster, Role};
use crate::failure::Failure;
use crate::plural::plural;
use crate::runtime::{PortBinding, Protocol};

use super::{
    API_PORT, ClusterPlan, ClusterSettings, LoadBalancerPlan, NodeImagePlan, NodePlan, PodNetwork,
    labels, pod_subnets,
};

const CONTROL_PLANE_LABEL: &str = "node-role.kubernetes.io/control-plane";
const NO_LOAD_BALANCING_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Everything that a plan depends on: the user's configuration and the state of the machine.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    pub name: &'a str,
    /// The id of this run of `create`, a label of everything that it creates.
    pub run: &'a str,
    pub bootstrap_token: &'a str,
    pub config: &'a Cluster,
    /// The image of each node, in the order of the configuration.
    pub images: &'a [NodeImagePlan],
    pub subnet: Ipv4Net,
    pub api_port: u16,
    pub cgroup_v1: bool,
    /// Required with several control planes.
    pub load_balancer_image: Option<&'a str>,
}

/// Plans a cluster.
/// Fails with [`Failure::Input`] when the subnets are too small for the nodes.
pub fn plan(input: &PlanInput<'_>) -> Result<ClusterPlan, Failure> {
    let config = input.config;
    let networking = &config.networking;
    let api = PortBinding {
        container_port: API_PORT,
        protocol: Protocol::Tcp,
        host_address: networking.api_server_address,
        host_port: input.api_port,
    };
    let load_balancer = load_balancer(input, &api)?;
    let api_on_first_node = load_balancer.is_none().then_some(api);
    let nodes = nodes(input, api_on_first_node)?;
    let first = nodes.first().ok_or_else(|| Failure::input("a cluster needs at least one node"))?;
    let patches = config.kubeadm_config_patches.iter().chain(&first.kubeadm_config_patches);

    Ok(ClusterPlan {
        name: input.name.to_owned(),
        run: input.run.to_owned(),
        bootstrap_token: input.bootstrap_token.to_owned(),
        version: first.version.clone(),
        network: labels::network(input.name),
        subnet: input.subnet,
        settings: ClusterSettings::read(networking.api_server_address, patches)?,
        nodes,
        load_balancer,
        api_host: networking.api_server_address,
        api_port: input.api_port,
        pod_subnet: networking.pod_subnet,
        service_subnet: networking.service_subnet,
        pod_network: pod_network(input),
        feature_gates: config.feature_gates.clone(),
        runtime_config: config.runtime_config.clone(),
        kubeadm_config_patches: config.kubeadm_config_patches.clone(),
        containerd_config_patches: config.containerd_config_patches.clone(),
        cgroup_v1: input.cgroup_v1,
    })
}

/// The nodes, control planes first, otherwise in the order of the configuration. `api` is the API
/// server's port on the host, where the first node binds it.
fn nodes(input: &PlanInput<'_>, api: Option<PortBinding>) -> Result<Vec<NodePlan>, Failure> {
    let configured = &input.config.nodes;
    let roles: Vec<Role> = configured.iter().map(|node| node.role).collect();
    let names = config::node_names(input.name, &roles);
    let pod_subnets = subnets_of_pods(input)?;
    let mut ordered: Vec<_> =
        configured.iter().zip(names).zip(pod_subnets).zip(input.images).collect();
    ordered.sort_by_key(|(((node, _), _), _)| node.role);

    let mut api = api;
    let nodes = ordered.into_iter().zip(node_addresses(input)?);
    let nodes = nodes.map(|((((node, name), pod_subnet), image), address)| NodePlan {
        volume: labels::volume(&name),
        name,
        role: node.role,
        image: image.reference.clone(),
        entrypoint: image.entrypoint.clone(),
        version: image.version.clone(),
        address,
        pod_subnet,
        labels: node_labels(node, &roles),
        taints: node_taints(node.role, &roles),
        ports: node.extra_port_mappings.iter().cloned().chain(api.take()).collect(),
        mounts: node.extra_mounts.clone(),
        kubeadm_config_patches: node.kubeadm_config_patches.clone(),
    });
    Ok(nodes.collect())
}

/// The addresses of the nodes in the cluster's network: its first address is the gateway's, its
/// last the load balancer's.
fn node_addresses(input: &PlanInput<'_>) -> Result<impl Iterator<Item = Ipv4Addr>, Failure> {
    let count = input.config.nodes.len();
    let capacity = input.subnet.hosts().count().saturating_sub(2);
    if count > capacity {
        return Err(Failure::input(format!(
            "{} do not fit into the cluster's network {}, which has addresses for \
             {capacity}",
            plural(count, "node"),
            input.subnet
        )));
    }
    Ok(input.subnet.hosts().skip(1).take(count))
}

fn subnets_of_pods(input: &PlanInput<'_>) -> Result<Vec<Ipv4Net>, Failure> {
    let (all, count) = (input.config.networking.pod_subnet, input.config.nodes.len());
    pod_subnets(all, count).ok_or_else(|| {
        let nodes = plural(count, "node");
        Failure::input(format!("networking.podSubnet {all} is too small for {nodes}"))
            .with_hint("choose a larger subnet, such as 10.244.0.0/16")
    })
}

fn node_labels(node: &config::Node, roles: &[Role]) -> BTreeMap<String, String> {
    let mut labels = node.labels.clone();
    if node.role == Role::ControlPlane {
        labels.insert(CONTROL_PLANE_LABEL.into(), String::new());
        if !runs_workloads_on_control_planes(roles) {
            labels.insert(NO_LOAD_BALANCING_LABEL.into(), String::new());
        }
    }
    labels
}

fn node_taints(role: Role, roles: &[Role]) -> Vec<(String, String)> {
    match role {
        Role::ControlPlane if !runs_workloads_on_control_planes(roles) => {
            vec![(CONTROL_PLANE_LABEL.into(), "NoSchedule".into())]
        }
        _ => Vec::new(),
    }
}

/// Without workers, the control planes run the workloads.
fn runs_workloads_on_control_planes(roles: &[Role]) -> bool {
    !roles.contains(&Role::Worker)
}

/// The load balancer, which clusters with several control planes have.
fn load_balancer(
    input: &PlanInput<'_>,
    api: &PortBinding,
) -> Result<Option<LoadBalancerPlan>, Failure> {
    let nodes = &input.config.nodes;
    if nodes.iter().filter(|node| node.role == Role::ControlPlane).count() < 2 {
        return Ok(None);
    }
    let image = input.load_balancer_image.ok_or_else(|| {
        Failure::environment("several control planes need a load balancer image, but there is none")
    })?;
    Ok(Some(LoadBalancerPlan {
        name: config::load_balancer_name(input.name),
        image: image.to_owned(),
        address: Ipv4Addr::from(u32::from(input.subnet.broadcast()) - 1),
        port: api.clone(),
    }))
}

fn pod_network(input: &PlanInput<'_>) -> PodNetwork {
    let has_cni_manifest = input.images.iter().any(|image| image.has_cni_manifest);
    match (input.config.networking.disable_default_cni, has_cni_manifest) {
        (true, _) => PodNetwork::User,
        (false, true) => PodNetwork::Manifest,
        (false, false) => PodNetwork::Routes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::{plan_of, sample_config, sample_images, sample_input, sample_plan};

    #[test]
    fn a_three_node_plan() {
        insta::assert_debug_snapshot!(sample_plan(1, 2, &Version::new(1, 37, 2)));
    }

    #[test]
    fn several_control_planes_get_a_load_balancer_with_the_port() {
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
    fn control_planes_come_first_and_keep_their_settings() {
        let mut config = sample_config(1, 1);
        config.nodes.reverse();
        config.nodes[0].labels.insert("tier".into(), "web".into());
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        assert_eq!(plan.nodes[0].role, Role::ControlPlane);
        assert_eq!(plan.nodes[1].labels.get("tier").map(String::as_str), Some("web"));
    }

    #[test]
    fn control_planes_run_workloads_without_workers() {
        let plan = sample_plan(1, 0, &Version::new(1, 37, 2));
        assert!(plan.nodes[0].taints.is_empty());
    }

    #[test]
    fn rejects_subnets_that_are_too_small() {
        let mut config = sample_config(1, 9);
        config.networking.pod_subnet = "10.0.0.0/27".parse().unwrap();
        let images = sample_images(&config, &Version::new(1, 37, 2));
        let error = plan(&sample_input(&config, &images)).unwrap_err();
        assert_eq!(error.to_string(), "networking.podSubnet 10.0.0.0/27 is too small for 10 nodes");
        config.networking.pod_subnet = "10.0.0.0/16".parse().unwrap();
        let error = plan(&PlanInput {
            subnet: "172.28.0.0/29".parse().unwrap(),
            ..sample_input(&config, &images)
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "10 nodes do not fit into the cluster's network 172.28.0.0/29, which has addresses for 4"
        );
    }

    #[test]
    fn the_host_uses_loopback_for_an_api_server_on_all_addresses() {
        let mut config = sample_config(1, 0);
        config.networking.api_server_address = [0, 0, 0, 0].into();
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        assert_eq!(plan.host_endpoint(), "https://127.0.0.1:40123");
    }
}
