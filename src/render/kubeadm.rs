use serde_json::{Value, json};

use crate::config::Role;
use crate::failure::Failure;
use crate::plan::{ClusterPlan, NodePlan, PodNetwork};

use super::kubeadm_patch::{apply_patches, write_arguments};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubeadmPurpose {
    /// Rendering the files of a node before it starts.
    Render,
    /// Uploading to the cluster, where later kubeadm commands read it.
    Upload,
}

/// kubeadm's configuration for one node: all documents, with the user's patches. kindrs renders
/// every node with `init` phases. For users, all nodes but the first join, so their
/// `nodeRegistration` is the one of the patched JoinConfiguration.
///
/// Source: <https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/>
/// Fails with [`Failure::Input`] when a patch is not a YAML mapping.
pub fn kubeadm_configuration(
    plan: &ClusterPlan,
    node: &NodePlan,
    purpose: KubeadmPurpose,
) -> Result<String, Failure> {
    let version = &node.version;
    let patches = patches_of(plan, node);

    let mut cluster = cluster_configuration(plan, node, purpose);
    let mut init = init_configuration(plan, node);
    let mut join = join_configuration(plan, node);
    for document in [&mut init, &mut join] {
        apply_patches(document, &patches)?;
    }
    if node.name != plan.nodes[0].name {
        init["nodeRegistration"] = join["nodeRegistration"].clone();
    }
    let mut kubelet = kubelet_configuration(plan, node, purpose);
    if purpose == KubeadmPurpose::Render {
        // kubeadm uses a flag when a worker joins, and otherwise the API server.
        let taints = init.pointer("/nodeRegistration/taints").cloned();
        kubelet["registerWithTaints"] = taints.unwrap_or_else(|| taints_of(node));
    }
    let mut proxy = kube_proxy_configuration(plan);
    for document in [&mut cluster, &mut kubelet, &mut proxy] {
        apply_patches(document, &patches)?;
    }

    let mut text = String::new();
    for mut document in [init, cluster, kubelet, proxy] {
        write_arguments(&mut document, version);
        text.push_str("---\n");
        text.push_str(&to_yaml(&document)?);
    }
    Ok(text)
}

/// The arguments that make kubeadm print the manifest of an addon, `coredns` or `kube-proxy`. Before
/// 1.32, kubeadm does not accept a configuration file for that.
pub fn addon_arguments(plan: &ClusterPlan, addon: &str) -> String {
    let first = &plan.nodes[0];
    if plan.version.prints_addons_of_a_configuration() {
        return format!("--config in/{}/kubeadm.conf", first.name);
    }
    let version = format!("--kubernetes-version {}", plan.version);
    match addon {
        "coredns" => format!(
            "{version} --service-cidr {} --service-dns-domain {}",
            plan.service_subnet, plan.settings.dns_domain
        ),
        _ => format!(
            "{version} --pod-network-cidr {} --control-plane-endpoint {} \
             --apiserver-advertise-address {}",
            plan.pod_subnet,
            plan.control_plane_endpoint(),
            first.address
        ),
    }
}

/// The configuration of kube-proxy with the user's patches, for a manifest that kubeadm printed
/// without it; `None` if the manifest contains it.
pub fn kube_proxy_overrides(plan: &ClusterPlan) -> Result<Option<Value>, Failure> {
    if plan.version.prints_addons_of_a_configuration() {
        return Ok(None);
    }
    let mut proxy = kube_proxy_configuration(plan);
    apply_patches(&mut proxy, &patches_of(plan, &plan.nodes[0]))?;
    Ok(Some(proxy))
}

/// The patches for one node, those for the whole cluster first.
fn patches_of<'a>(plan: &'a ClusterPlan, node: &'a NodePlan) -> Vec<&'a String> {
    plan.kubeadm_config_patches.iter().chain(&node.kubeadm_config_patches).collect()
}

fn cluster_configuration(plan: &ClusterPlan, node: &NodePlan, purpose: KubeadmPurpose) -> Value {
    let version = &node.version;
    let mut api_server = json!({});
    // The scheduler and the controller manager request their lease before their RBAC rules exist,
    // so a new cluster has to wait for their second attempt.
    let mut scheduler = json!({ "leader-elect-retry-period": "500ms" });
    let mut controller_manager = scheduler.clone();
    // Each controller requests a token of its own when it starts, which takes five seconds at the
    // default rate.
    controller_manager["kube-api-qps"] = json!("100");
    controller_manager["kube-api-burst"] = json!("200");
    if plan.pod_network == PodNetwork::Routes {
        // kindrs plans the subnets and writes them to the Node objects.
        controller_manager["allocate-node-cidrs"] = json!("false");
    }
    if !plan.feature_gates.is_empty() {
        let gates = join_pairs(plan.feature_gates.iter());
        for component in [&mut api_server, &mut controller_manager, &mut scheduler] {
            component["feature-gates"] = json!(gates);
        }
    }
    if !plan.runtime_config.is_empty() {
        api_server["runtime-config"] = json!(join_pairs(plan.runtime_config.iter()));
    }

    // A disposable cluster can lose its last writes when the machine crashes.
    let mut etcd = json!({ "unsafe-no-fsync": "true" });
    if plan.control_planes().count() > 1 && purpose == KubeadmPurpose::Render {
        let peers: Vec<String> = plan
            .control_planes()
            .map(|peer| format!("{}=https://{}:2380", peer.name, peer.address))
            .collect();
        etcd["initial-cluster"] = json!(peers.join(","));
        etcd["initial-cluster-state"] = json!("new");
    }

    json!({
        "apiVersion": version.kubeadm_api(),
        "kind": "ClusterConfiguration",
        "clusterName": plan.name,
        "kubernetesVersion": version.to_string(),
        "controlPlaneEndpoint": plan.control_plane_endpoint(),
        "networking": {
            "podSubnet": plan.pod_subnet.to_string(),
            "serviceSubnet": plan.service_subnet.to_string(),
        },
        "apiServer": {
            "certSANs": plan.settings.certificate_names,
            "extraArgs": api_server,
        },
        "controllerManager": { "extraArgs": controller_manager },
        "scheduler": { "extraArgs": scheduler },
        "etcd": { "local": { "dataDir": "/var/lib/etcd", "extraArgs": etcd } },
    })
}

fn init_configuration(plan: &ClusterPlan, node: &NodePlan) -> Value {
    json!({
        "apiVersion": node.version.kubeadm_api(),
        "kind": "InitConfiguration",
        // Unused, because every node has its certificates already. But kubeadm's bootstrap-token
        // phase needs a token, and tools expect the RBAC rules of that phase.
        "bootstrapTokens": [{ "token": plan.bootstrap_token }],
        "localAPIEndpoint": local_endpoint(node),
        "nodeRegistration": node_registration(node),
    })
}

fn join_configuration(plan: &ClusterPlan, node: &NodePlan) -> Value {
    let mut document = json!({
        "apiVersion": node.version.kubeadm_api(),
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": plan.control_plane_endpoint(),
                "token": plan.bootstrap_token,
                "unsafeSkipCAVerification": true,
            },
        },
        "nodeRegistration": node_registration(node),
    });
    if node.role == Role::ControlPlane {
        document["controlPlane"] = json!({ "localAPIEndpoint": local_endpoint(node) });
    }
    document
}

fn local_endpoint(node: &NodePlan) -> Value {
    json!({ "advertiseAddress": node.address.to_string(), "bindPort": crate::plan::API_PORT })
}

/// The patched JoinConfiguration of a node, for kubeadm to validate; `None` for the first node, and
/// without patches. Only its `nodeRegistration` has an effect.
pub fn patched_join_configuration(
    plan: &ClusterPlan,
    node: &NodePlan,
) -> Result<Option<String>, Failure> {
    let patches = patches_of(plan, node);
    if patches.is_empty() || node.name == plan.nodes[0].name {
        return Ok(None);
    }
    let mut join = join_configuration(plan, node);
    apply_patches(&mut join, &patches)?;
    write_arguments(&mut join, &node.version);
    to_yaml(&join).map(Some)
}

fn to_yaml(document: &Value) -> Result<String, Failure> {
    serde_yaml::to_string(document)
        .map_err(|error| Failure::environment(format!("kubeadm's configuration: {error}")))
}

fn taints_of(node: &NodePlan) -> Value {
    node.taints.iter().map(|(key, effect)| json!({ "key": key, "effect": effect })).collect()
}

fn node_registration(node: &NodePlan) -> Value {
    json!({
        "name": node.name,
        "criSocket": "unix:///run/containerd/containerd.sock",
        "taints": taints_of(node),
        "kubeletExtraArgs": {
            "node-ip": node.address.to_string(),
            "runtime-cgroups": "/system.slice/containerd.service",
        },
    })
}

/// Source: <https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>
fn kubelet_configuration(plan: &ClusterPlan, node: &NodePlan, purpose: KubeadmPurpose) -> Value {
    let mut document = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
        "cgroupRoot": "/kubelet",
        "failSwapOn": false,
        // Without CAP_SYS_RESOURCE, a process cannot lower its OOM score.
        "oomScoreAdj": 0,
        // The nodes share the host's disk, so its usage is no property of a node.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": { "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%" },
    });
    if purpose == KubeadmPurpose::Render && node.role == Role::ControlPlane {
        // kubelet creates the mirror pod of a static pod that started before the API server at its
        // next sync, by default a minute later.
        document["syncFrequency"] = json!("3s");
    }
    if plan.cgroup_v1 {
        document["failCgroupV1"] = json!(false);
    }
    if !plan.feature_gates.is_empty() {
        document["featureGates"] = json!(plan.feature_gates);
    }
    document
}

/// Source: <https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/>
fn kube_proxy_configuration(plan: &ClusterPlan) -> Value {
    let mut document = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "oomScoreAdj": 0,
        // The host limits the number of tracked connections. The timeouts belong to the network
        // namespace of the node, so kube-proxy sets their defaults.
        "conntrack": { "maxPerCore": 0 },
        // Create rules for a new Service at once instead of a second later.
        "iptables": { "minSyncPeriod": "100ms" },
    });
    if !plan.feature_gates.is_empty() {
        document["featureGates"] = json!(plan.feature_gates);
    }
    document
}

fn join_pairs<'a, V: std::fmt::Display + 'a>(
    pairs: impl Iterator<Item = (&'a String, &'a V)>,
) -> String {
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Version;
    use crate::plan::sample::{full_config, plan_of, sample_plan};

    fn rendered(plan: &ClusterPlan, node: usize) -> String {
        kubeadm_configuration(plan, &plan.nodes[node], KubeadmPurpose::Render).unwrap()
    }

    #[test]
    fn the_first_control_plane_of_each_version() {
        for minor in Version::OLDEST_MINOR..=Version::NEWEST_MINOR {
            let plan = plan_of(&full_config(), &Version::new(1, minor, 0));
            insta::assert_snapshot!(format!("control_plane_v1.{minor}"), rendered(&plan, 0));
        }
    }

    #[test]
    fn a_worker_takes_its_registration_from_the_join_configuration() {
        let plan = plan_of(&full_config(), &Version::new(1, 37, 2));
        insta::assert_snapshot!(rendered(&plan, 1));
    }

    #[test]
    fn patched_taints_are_those_a_node_registers_with() {
        let mut config = full_config();
        for (kind, key) in [("Init", "first"), ("Join", "joined")] {
            config.kubeadm_config_patches.push(format!(
                "kind: {kind}Configuration\nnodeRegistration: {{taints: [{{key: {key}, effect: NoSchedule}}]}}"
            ));
        }
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        for (node, key) in ["first", "joined"].into_iter().enumerate() {
            let text = rendered(&plan, node);
            let expected = format!("registerWithTaints:\n- key: {key}\n  effect: NoSchedule\n");
            assert!(text.contains(&expected), "{text}");
        }
    }

    #[test]
    fn members_of_etcd_are_rendered_and_not_uploaded() {
        let plan = sample_plan(3, 0, &Version::new(1, 37, 2));
        let text = rendered(&plan, 2);
        assert!(text.contains("dev-control-plane3=https://172.28.0.4:2380"), "{text}");
        let uploaded = kubeadm_configuration(&plan, &plan.nodes[2], KubeadmPurpose::Upload);
        assert!(!uploaded.unwrap().contains("initial-cluster"));
    }

    #[test]
    fn patched_names_reach_the_certificate() {
        let mut config = full_config();
        config.kubeadm_config_patches.push(
            "kind: ClusterConfiguration\napiServer: {certSANs: [ci.example.org, 192.0.2.7]}\nnetworking: {dnsDomain: example.internal}".into(),
        );
        let plan = plan_of(&config, &Version::new(1, 37, 2));
        let all = crate::pki::certificates(&plan, &plan.nodes[0]);
        let api = all.iter().find(|certificate| certificate.id == "apiserver").unwrap();
        assert!(api.dns_names.contains(&"ci.example.org".to_owned()));
        assert!(api.dns_names.contains(&"kubernetes.default.svc.example.internal".to_owned()));
        assert!(api.addresses.contains(&[192, 0, 2, 7].into()));
    }

    #[test]
    fn addons_are_printed_with_flags_before_1_32() {
        let arguments =
            |minor, addon| addon_arguments(&sample_plan(1, 1, &Version::new(1, minor, 0)), addon);
        assert_eq!(arguments(32, "coredns"), "--config in/dev-control-plane/kubeadm.conf");
        insta::assert_snapshot!(arguments(31, "coredns"), @"--kubernetes-version v1.31.0 --service-cidr 10.96.0.0/16 --service-dns-domain cluster.local");
        insta::assert_snapshot!(arguments(31, "kube-proxy"), @"--kubernetes-version v1.31.0 --pod-network-cidr 10.244.0.0/16 --control-plane-endpoint 172.28.0.2:6443 --apiserver-advertise-address 172.28.0.2");
        let overrides =
            |minor| kube_proxy_overrides(&sample_plan(1, 1, &Version::new(1, minor, 0))).unwrap();
        assert!(overrides(32).is_none());
        assert_eq!(overrides(31).unwrap()["conntrack"]["maxPerCore"], 0);
    }

    #[test]
    fn nodes_that_join_have_a_patched_join_configuration() {
        let plan = plan_of(&full_config(), &Version::new(1, 37, 2));
        assert_eq!(patched_join_configuration(&plan, &plan.nodes[0]).unwrap(), None);
        let join = patched_join_configuration(&plan, &plan.nodes[1]).unwrap();
        insta::assert_snapshot!(join.unwrap());
        let plain = sample_plan(1, 1, &Version::new(1, 37, 2));
        assert_eq!(patched_join_configuration(&plain, &plain.nodes[1]).unwrap(), None);
    }

    #[test]
    fn control_groups_v2_need_no_exception() {
        let mut plan = sample_plan(1, 0, &Version::new(1, 37, 2));
        assert!(rendered(&plan, 0).contains("failCgroupV1: false"));
        plan.cgroup_v1 = false;
        assert!(!rendered(&plan, 0).contains("failCgroupV1"));
    }
}
