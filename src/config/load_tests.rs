//! Reading valid configurations.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::failure::Failure;
use crate::runtime::{Mount, MountSource, PortBinding, Propagation, Protocol};

pub(super) const HEADER: &str = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

/// Every field that kindrs reads, and most of YAML.
pub(super) const EVERYTHING: &str = r#"# everything
kind: Cluster
apiVersion: "kind.x-k8s.io/v1alpha4"
name: team.dev-1
nodes:
- role: control-plane
  image: kindest/node:v1.37.2
  labels: &labels
    tier: control
    example.com/zone: eu-1
    empty: ""
    number: 5
  extraPortMappings: &ports
  - containerPort: 80
    hostPort: 8080
  - {containerPort: 80, hostPort: 8080, protocol: UDP}
  - containerPort: 443
    hostPort: 0x20fb
    listenAddress: 127.0.0.1
    protocol: tcp
  - containerPort: 443
    hostPort: 8443
    listenAddress: "::1"
    protocol: SCTP
  - {containerPort: 90}
  - {containerPort: 91, hostPort: -1}
  kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    nodeRegistration:
      kubeletExtraArgs:
      - {name: v, value: "4"}
- &worker
  role: worker
  labels: {<<: *labels, tier: data}
  extraMounts:
  - hostPath: ./data
    containerPath: /data
  - hostPath: /srv
    containerPath: /srv
    readOnly: yes
    selinuxRelabel: false
    propagation: HostToContainer
  - {hostPath: /run/x, containerPath: /run/x, propagation: Bidirectional}
- *worker
networking:
  ipFamily: ipv4
  apiServerAddress: 127.0.0.2
  apiServerPort: 6443
  podSubnet: 10.0.0.0/20
  serviceSubnet: 10.1.0.0/28
  disableDefaultCNI: true
  kubeProxyMode: iptables
featureGates:
  AllAlpha: false
  SomeGate: true
runtimeConfig:
  api/all: "true"
  batch/v2alpha1: false
kubeadmConfigPatches:
- '{"kind": "KubeletConfiguration", "maxPods": 50}'
- |
  kind: ClusterConfiguration
  apiServer: {}
containerdConfigPatches:
- |-
  [plugins."io.containerd.grpc.v1.cri"]
  max_container_log_line_size = 1
"#;

fn loaded(text: &str) -> Cluster {
    load("test.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn reads_every_field() {
    let cluster = loaded(EVERYTHING);
    let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    };
    let port = |container_port, host_address: &str, host_port, protocol| PortBinding {
        container_port,
        host_address: host_address.parse().unwrap(),
        host_port,
        protocol,
    };
    let mount = |path: &str, target: &str, read_only, propagation| Mount {
        source: MountSource::Host(path.into()),
        target: target.into(),
        read_only,
        propagation,
    };
    let worker = Node {
        labels: labels(&[
            ("tier", "data"),
            ("example.com/zone", "eu-1"),
            ("empty", ""),
            ("number", "5"),
        ]),
        extra_mounts: vec![
            mount("./data", "/data", false, Propagation::None),
            mount("/srv", "/srv", true, Propagation::HostToContainer),
            mount("/run/x", "/run/x", false, Propagation::Bidirectional),
        ],
        ..Node::new(Role::Worker)
    };
    let control_plane = Node {
        image: Some("kindest/node:v1.37.2".into()),
        labels: labels(&[
            ("tier", "control"),
            ("example.com/zone", "eu-1"),
            ("empty", ""),
            ("number", "5"),
        ]),
        extra_port_mappings: vec![
            port(80, "0.0.0.0", 8080, Protocol::Tcp),
            port(80, "0.0.0.0", 8080, Protocol::Udp),
            port(443, "127.0.0.1", 8443, Protocol::Tcp),
            port(443, "::1", 8443, Protocol::Sctp),
            port(90, "0.0.0.0", 0, Protocol::Tcp),
            port(91, "0.0.0.0", 0, Protocol::Tcp),
        ],
        kubeadm_config_patches: vec![
            "kind: InitConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n  \
             - {name: v, value: \"4\"}\n"
                .into(),
        ],
        ..Node::new(Role::ControlPlane)
    };
    let expected = Cluster {
        name: Some("team.dev-1".into()),
        nodes: vec![control_plane, worker.clone(), worker],
        networking: Networking {
            api_server_address: "127.0.0.2".parse().unwrap(),
            api_server_port: Some(6443),
            pod_subnet: "10.0.0.0/20".parse().unwrap(),
            service_subnet: "10.1.0.0/28".parse().unwrap(),
            disable_default_cni: true,
        },
        feature_gates: [("AllAlpha".into(), false), ("SomeGate".into(), true)].into(),
        runtime_config: labels(&[("api/all", "true"), ("batch/v2alpha1", "false")]),
        kubeadm_config_patches: vec![
            "{\"kind\": \"KubeletConfiguration\", \"maxPods\": 50}".into(),
            "kind: ClusterConfiguration\napiServer: {}\n".into(),
        ],
        containerd_config_patches: vec![
            "[plugins.\"io.containerd.grpc.v1.cri\"]\nmax_container_log_line_size = 1".into(),
        ],
    };
    assert_eq!(cluster, expected);
    assert_eq!(validate(&cluster), Ok(()));
}

#[test]
fn absent_null_and_empty_fields_get_defaults() {
    assert_eq!(loaded(HEADER), Cluster::default());
    let json = r#"{"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": []}"#;
    assert_eq!(loaded(json), Cluster::default());
    let empty = format!(
        "---\n{HEADER}name: \"\"\nnodes:\n- role: \"\"\n  image:\n  labels: ~\n  extraMounts: []\n\
         networking: {{podSubnet: \"\", apiServerAddress: null, apiServerPort: 0, ipFamily: }}\n\
         featureGates:\nkubeadmConfigPatches: null\n---\n# nothing more\n"
    );
    assert_eq!(loaded(&empty), Cluster::default());
}

#[test]
fn resolves_relative_host_paths() {
    let cluster = loaded(EVERYTHING).resolve_host_paths(Path::new("/home/me"));
    let source = |index: usize| cluster.nodes[1].extra_mounts[index].source.clone();
    assert_eq!(source(0), MountSource::Host("/home/me/data".into()));
    assert_eq!(source(1), MountSource::Host("/srv".into()));
}

#[test]
fn loads_the_examples_without_warnings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut summary = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".yaml") {
            continue;
        }
        let cluster = load(&name, &std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(cluster.warnings(), Vec::<String>::new(), "{name}");
        let roles: Vec<_> = cluster.nodes.iter().map(|node| node.role).collect();
        summary.push(format!("{name}: {}", node_names("kind", &roles).join(" ")));
    }
    summary.sort();
    insta::assert_snapshot!(summary.join("\n"), @r"
    ha.yaml: kind-control-plane kind-control-plane2 kind-control-plane3 kind-worker kind-worker2
    ports-and-mounts.yaml: kind-control-plane kind-worker
    single-node.yaml: kind-control-plane
    three-nodes.yaml: kind-control-plane kind-worker kind-worker2
    ");
}

#[test]
fn validates_clusters_from_flags() {
    let mut cluster = loaded(EVERYTHING);
    cluster.name = Some("n".repeat(50));
    cluster.nodes.remove(0);
    cluster.networking.pod_subnet = "10.1.0.7/24".parse().unwrap();
    let failure = Failure::from(validate(&cluster).unwrap_err());
    assert!(matches!(failure, Failure::Input { .. }));
    insta::assert_snapshot!(failure, @r"
    nodes: expected at least one node with `role: control-plane`
    networking.podSubnet: 10.1.0.7/24 has address bits beyond its /24, expected a network's own address (did you mean `10.1.0.0/24`?)
    networking.podSubnet: 10.1.0.7/24 is too small: each node gets a /24 of it, and 2 nodes need a /23 (did you mean `10.1.0.0/23`?)
    networking.serviceSubnet: 10.1.0.0/28 overlaps networking.podSubnet, which is 10.1.0.7/24
    ");
}

#[test]
fn warnings() {
    let mut cluster = Cluster::default();
    assert_eq!(cluster.warnings(), Vec::<String>::new());
    cluster.nodes = vec![Node::new(Role::ControlPlane); 2];
    cluster.networking.api_server_address = "0.0.0.0".parse().unwrap();
    insta::assert_snapshot!(cluster.warnings().join("\n"), @r"
    2 control planes tolerate the loss of 0, no more than 1 do: etcd needs a majority of its members, so use an odd number
    networking.apiServerAddress: 0.0.0.0 exposes the API server to all networks of this machine
    ");
    cluster.nodes = vec![Node::new(Role::ControlPlane); 4];
    cluster.networking.api_server_address = "192.168.1.5".parse().unwrap();
    insta::assert_snapshot!(cluster.warnings().join("\n"), @r"
    4 control planes tolerate the loss of 1, no more than 3 do: etcd needs a majority of its members, so use an odd number
    networking.apiServerAddress: 192.168.1.5 exposes the API server to every host that can reach 192.168.1.5
    ");
}
