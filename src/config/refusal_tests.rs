//! Messages for invalid configurations.

use super::load;
use super::load_tests::HEADER;

/// Returns a document with the header and this body, and its problems.
fn problems(body: &str) -> String {
    problems_of(&format!("{HEADER}{body}"))
}

/// Returns a text and its problems.
fn problems_of(text: &str) -> String {
    format!("{text}\n{}\n", load("c.yaml", text).unwrap_err())
}

#[test]
fn rejects_other_documents() {
    insta::assert_snapshot!(
        [
            problems_of(""),
            problems_of("# later\n---\n"),
            problems_of("- kind: Cluster"),
            problems_of("hello"),
            problems_of("nodes: []\n"),
            problems_of("kind: Deployment\napiVersion: apps/v1\nspec: {}\n"),
            problems_of("kind: cluster\napiVersion: kind.sigs.k8s.io/v1alpha3\nrols: []\n"),
            problems_of("kind: [a]\napiVersion:\n"),
            problems(&format!("---\n{HEADER}")),
            problems("nodes:\n- role: worker\n image: x\n"),
            problems("nodes: [\n"),
            problems("name: \"a\n"),
            problems("nodes:\n- &a\n  labels: *b\n")
        ]
        .join("\n")
    );
}

#[test]
fn rejects_unknown_and_duplicate_fields() {
    insta::assert_snapshot!(
        [
            problems("nodes:\n- rols: worker\n  ports: []\n  extramounts: []\n"),
            problems("nodez: []\nnetworking: {podSubnets: x}\n"),
            problems("name: a\nname: b\nnodes: [{role: worker, role: worker}]\n"),
            problems("nodes:\n- role: control-plane\n  labels: {a: b, a: c}\n"),
            problems("? {a: b}\n: c\n")
        ]
        .join("\n")
    );
}

#[test]
fn rejects_unsupported_fields_by_name() {
    let text = "\
kubeadmConfigPatchesJSON6902: []
containerdConfigPatchesJSON6902:
nodes:
- kubeadmConfigPatchesJSON6902: [{group: a}]
  extraMounts:
  - {hostPath: /a, containerPath: /a, selinuxRelabel: true}
networking:
  dnsSearch: [example.com]
  ipFamily: dual
  kubeProxyMode: ipvs
";
    insta::assert_snapshot!(
        [problems(text), problems("networking:\n  ipFamily: IPv4\n  kubeProxyMode: userspace\n")]
            .join("\n")
    );
}

#[test]
fn rejects_values_of_other_types() {
    let text = "\
name: [a]
nodes:
- worker
-
- role: control-plane
  image: {name: x}
  labels: [a]
  extraMounts: /data
  extraPortMappings:
  - {containerPort: \"80\", hostPort: http, listenAddress: [], protocol: 6}
  - {containerPort: 80.5, hostPort: true}
  kubeadmConfigPatches: {kind: x}
networking:
  disableDefaultCNI: \"true\"
  apiServerPort: ~
featureGates: {A: maybe, B: 1, C: }
runtimeConfig: {api/all: []}
kubeadmConfigPatches:
- kind: ClusterConfiguration
";
    insta::assert_snapshot!(
        [problems(text), problems("nodes: 3\nnetworking: []\nfeatureGates: x\n")].join("\n")
    );
}

#[test]
fn rejects_invalid_names() {
    let long = "n".repeat(45);
    let nodes = "nodes: [{role: control-plane}, {role: control-plane}, {role: control-plane}]";
    let too_long = format!("name: {long}\n{nodes}\n");
    insta::assert_snapshot!([problems("name: My_Cluster\n"), problems(&too_long)].join("\n"));
    assert!(load("c", &format!("{HEADER}name: {long}\n")).is_ok());
}

#[test]
fn rejects_invalid_roles() {
    insta::assert_snapshot!(
        [
            problems("nodes:\n- role: worker\n- role: worker\n"),
            problems("nodes:\n- role: controlplane\n- role: Worker\n- role: master\n")
        ]
        .join("\n")
    );
}

#[test]
fn rejects_invalid_and_duplicate_ports() {
    let text = "\
networking: {apiServerPort: 6443, apiServerAddress: 10.0.0.1}
nodes:
- extraPortMappings:
  - {containerPort: 1, hostPort: 80, listenAddress: 127.0.0.1}
  - {containerPort: 2, hostPort: 80, listenAddress: 127.0.0.2}
  - {containerPort: 3, hostPort: 80, protocol: UDP}
  - {containerPort: 4, hostPort: 0}
  - {containerPort: 5, hostPort: 0}
- role: worker
  extraPortMappings:
  - {containerPort: 1, hostPort: 80, listenAddress: 127.0.0.1}
  - {containerPort: 2, hostPort: 80}
  - {containerPort: 3, hostPort: 80, protocol: udp, listenAddress: \"::\"}
  - {containerPort: 4, hostPort: 6443}
  - {containerPort: 5, hostPort: 6443, protocol: SCTP}
  - {hostPort: 81}
";
    let ranges = "\
networking: {apiServerPort: 65536, apiServerAddress: localhost}
nodes:
- extraPortMappings:
  - {containerPort: 0, hostPort: -2}
  - {containerPort: 70000, hostPort: 70000}
  - {containerPort: 1, hostPort: 80, protocol: HTTP, listenAddress: 1.2.3}
  - {containerPort: 2, hostPort: 80}
  - {containerPort: 3, hostPort: 80, protocol: TPC}
";
    insta::assert_snapshot!([problems(text), problems(ranges)].join("\n"));
}

#[test]
fn rejects_invalid_mounts() {
    let text = "\
nodes:
- extraMounts:
  - {hostPath: /a, containerPath: /data}
  - {hostPath: /b, containerPath: /x/../data/}
  - {hostPath: /c, containerPath: data}
  - {hostPath: /d, containerPath: /}
  - {hostPath: \"\", containerPath: }
  - {}
  - {hostPath: /e, containerPath: /e, propagation: HostToContaner, readonly: true}
- role: worker
  extraMounts:
  - {hostPath: /a, containerPath: /data}
";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn rejects_invalid_subnets() {
    let subnets = |pods: &str, services: &str| {
        problems(&format!("networking:\n  podSubnet: {pods}\n  serviceSubnet: {services}\n"))
    };
    let five = "nodes: [{}, {role: worker}, {role: worker}, {role: worker}, {role: worker}]\n";
    insta::assert_snapshot!(
        [
            subnets("10.244.0.0", "10.96.0.0/33"),
            subnets("fd00:10:244::/56", "\"10.96.0.0/16,fd00:10:96::/112\""),
            subnets("10.244.1.0/16", "10.96.0.1/16"),
            subnets("10.0.0.0/8", "10.96.0.0/16"),
            subnets("10.0.0.0/16", "10.0.128.0/20"),
            subnets("10.0.0.0/25", "10.1.0.0/29"),
            subnets("32.0.0.0/7", "10.0.0.0/11"),
            subnets("127.0.0.0/16", "224.0.0.0/16"),
            subnets("10.1.0.0/wide", "10.244.0.0/16"),
            problems(&format!("{five}networking: {{podSubnet: 10.9.1.0/24}}\n"))
        ]
        .join("\n")
    );
    assert!(load("c", &format!("{HEADER}{five}networking: {{podSubnet: 10.9.0.0/21}}")).is_ok());
}

#[test]
fn rejects_invalid_labels() {
    let text = format!(
        "nodes:\n- labels:\n    node-role.kubernetes.io/db: \"\"\n    a b: c\n    \
         Example.com/x: y\n    /x: y\n    x/y/z: a\n    -a: b\n    good: bad value\n    long: {}\n",
        "v".repeat(64)
    );
    insta::assert_snapshot!(problems(&text));
}

#[test]
fn rejects_invalid_feature_gates_and_apis() {
    insta::assert_snapshot!(problems(
        "featureGates: {A=true: true}\nruntimeConfig: {api/all: on, \"a,b\": 1}\n"
    ));
}

#[test]
fn rejects_invalid_patches() {
    let text = "\
kubeadmConfigPatches:
- |
  kind: ClusterConfig
- |
  apiServer: {}
- 'kind: [a'
- \"- kind: ClusterConfiguration\"
- |
  kind: InitConfiguration
  ---
  kind: JoinConfiguration
- |
  kind: Pod
containerdConfigPatches:
- |
  [plugins]
  a = 
- 5
nodes:
- kubeadmConfigPatches:
  - \"\"
";
    insta::assert_snapshot!(problems(text));
}
