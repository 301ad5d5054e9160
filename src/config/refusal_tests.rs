//! Messages for invalid configurations.

use super::load;
use super::load_tests::HEADER;

/// The problems of a document; the header is put before it.
fn problems(body: &str) -> String {
    load("c.yaml", &format!("{HEADER}{body}")).unwrap_err().to_string()
}

/// The same for a text as it is.
fn problems_of(text: &str) -> String {
    load("standard input", text).unwrap_err().to_string()
}

#[test]
fn rejects_other_documents() {
    insta::assert_snapshot!(problems_of(""), @"standard input:1:1: empty; expected `kind: Cluster`, `apiVersion: kind.x-k8s.io/v1alpha4`");
    insta::assert_snapshot!(problems_of("# later\n---\n"), @"standard input:1:1: empty; expected `kind: Cluster`, `apiVersion: kind.x-k8s.io/v1alpha4`");
    insta::assert_snapshot!(problems_of("- kind: Cluster"), @"standard input:1:1: expected a mapping with `kind: Cluster`, found a list");
    insta::assert_snapshot!(problems_of("hello"), @"standard input:1:1: expected a mapping with `kind: Cluster`, found a string");
    insta::assert_snapshot!(problems_of("nodes: []\n"), @r"
    standard input:1:1: missing required field `kind`; expected `kind: Cluster`
    standard input:1:1: missing required field `apiVersion`; expected `apiVersion: kind.x-k8s.io/v1alpha4`
    ");
    insta::assert_snapshot!(problems_of("kind: Deployment\napiVersion: apps/v1\nspec: {}\n"), @r"
    standard input:1:7: kind: expected `Cluster`, found `Deployment`
    standard input:2:13: apiVersion: expected `kind.x-k8s.io/v1alpha4`, found `apps/v1`
    ");
    insta::assert_snapshot!(problems_of("kind: cluster\napiVersion: kind.sigs.k8s.io/v1alpha3\nrols: []\n"), @r"
    standard input:1:7: kind: expected `Cluster`, found `cluster` (did you mean `Cluster`?)
    standard input:2:13: apiVersion: expected `kind.x-k8s.io/v1alpha4`, found `kind.sigs.k8s.io/v1alpha3` (did you mean `kind.x-k8s.io/v1alpha4`?)
    standard input:3:1: rols: unknown field `rols`; expected one of `kind`, `apiVersion`, `name`, `nodes`, `networking`, `featureGates`, `runtimeConfig`, `kubeadmConfigPatches` or `containerdConfigPatches`
    ");
    insta::assert_snapshot!(problems_of("kind: [a]\napiVersion:\n"), @r"
    standard input:1:7: kind: expected `Cluster`, found a list
    standard input:2:11: apiVersion: expected `kind.x-k8s.io/v1alpha4`, found nothing
    ");
    insta::assert_snapshot!(problems(&format!("---\n{HEADER}")), @"c.yaml:4:1: found a second document; expected only one in a file");
    insta::assert_snapshot!(problems("nodes:\n- role: worker\n image: x\n"), @"c.yaml:5:2: not valid YAML: while parsing a block mapping, did not find expected key");
    insta::assert_snapshot!(problems("nodes: [\n"), @"c.yaml:3:9: not valid YAML: while parsing a node, did not find expected node content");
    insta::assert_snapshot!(problems("name: \"a\n"), @"c.yaml:3:7: not valid YAML: while scanning a quoted scalar, found unexpected end of stream");
    insta::assert_snapshot!(problems("nodes:\n- &a\n  labels: *b\n"), @"c.yaml:5:11: not valid YAML: while parsing node, found unknown anchor");
}

#[test]
fn fields() {
    insta::assert_snapshot!(problems("nodes:\n- rols: worker\n  ports: []\n  extramounts: []\n"), @r"
    c.yaml:4:3: nodes[0].rols: unknown field `rols` (did you mean `role`?)
    c.yaml:5:3: nodes[0].ports: unknown field `ports`; expected one of `role`, `image`, `labels`, `extraMounts`, `extraPortMappings` or `kubeadmConfigPatches`
    c.yaml:6:3: nodes[0].extramounts: unknown field `extramounts` (did you mean `extraMounts`?)
    ");
    insta::assert_snapshot!(problems("nodez: []\nnetworking: {podSubnets: x}\n"), @r"
    c.yaml:3:1: nodez: unknown field `nodez` (did you mean `nodes`?)
    c.yaml:4:14: networking.podSubnets: unknown field `podSubnets` (did you mean `podSubnet`?)
    ");
    insta::assert_snapshot!(problems("name: a\nname: b\nnodes: [{role: worker, role: worker}]\n"), @r"
    c.yaml:4:1: name: duplicate key; the first is on line 3
    c.yaml:5:8: nodes: expected at least one node with `role: control-plane`
    c.yaml:5:24: nodes[0].role: duplicate key; the first is on line 5
    ");
    insta::assert_snapshot!(problems("nodes:\n- role: control-plane\n  labels: {a: b, a: c}\n"), @"c.yaml:5:18: nodes[0].labels.a: duplicate key; the first is on line 5");
    insta::assert_snapshot!(problems("? {a: b}\n: c\n"), @"c.yaml:3:3: expected a scalar as key, found a list or mapping");
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
    insta::assert_snapshot!(problems(text), @r"
    c.yaml:3:1: kubeadmConfigPatchesJSON6902: not supported by kindrs yet
    c.yaml:4:1: containerdConfigPatchesJSON6902: not supported by kindrs yet
    c.yaml:6:3: nodes[0].kubeadmConfigPatchesJSON6902: not supported by kindrs yet
    c.yaml:8:55: nodes[0].extraMounts[0].selinuxRelabel: `true` is not supported by kindrs yet
    c.yaml:10:3: networking.dnsSearch: not supported by kindrs yet
    c.yaml:11:13: networking.ipFamily: `dual` is not supported by kindrs yet; use `ipv4`
    c.yaml:12:18: networking.kubeProxyMode: `ipvs` is not supported by kindrs yet; use `iptables`
    ");
    insta::assert_snapshot!(problems("networking:\n  ipFamily: IPv4\n  kubeProxyMode: userspace\n"), @r"
    c.yaml:4:13: networking.ipFamily: expected `ipv4`, found `IPv4` (did you mean `ipv4`?)
    c.yaml:5:18: networking.kubeProxyMode: expected `iptables`, found `userspace`
    ");
}

#[test]
fn types() {
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
    insta::assert_snapshot!(problems(text), @r#"
    c.yaml:3:7: name: expected a string, found a list
    c.yaml:5:3: nodes[0]: expected a mapping, found a string
    c.yaml:6:2: nodes[1]: expected a mapping, found nothing
    c.yaml:8:10: nodes[2].image: expected a string, found a mapping
    c.yaml:9:11: nodes[2].labels: expected a mapping of labels to values, found a list
    c.yaml:10:16: nodes[2].extraMounts: expected a list, found a string
    c.yaml:12:21: nodes[2].extraPortMappings[0].containerPort: expected a whole number, found a string
    c.yaml:12:37: nodes[2].extraPortMappings[0].hostPort: expected a whole number, found a string
    c.yaml:12:58: nodes[2].extraPortMappings[0].listenAddress: expected a string, found a list
    c.yaml:12:72: nodes[2].extraPortMappings[0].protocol: expected one of `TCP`, `UDP` or `SCTP`, found `6`
    c.yaml:13:21: nodes[2].extraPortMappings[1].containerPort: expected a whole number, found a fraction
    c.yaml:13:37: nodes[2].extraPortMappings[1].hostPort: expected a whole number, found a boolean
    c.yaml:14:25: nodes[2].kubeadmConfigPatches: expected a list, found a mapping
    c.yaml:16:22: networking.disableDefaultCNI: expected `true` or `false`, found a string
    c.yaml:18:19: featureGates.A: expected `true` or `false`, found a string
    c.yaml:18:29: featureGates.B: expected `true` or `false`, found a whole number
    c.yaml:18:33: featureGates.C: expected `true` or `false`, found nothing
    c.yaml:19:26: runtimeConfig["api/all"]: expected a string, found a list
    c.yaml:21:3: kubeadmConfigPatches[0]: expected a string that holds YAML (begin it with `- |`), found a mapping
    "#);
    insta::assert_snapshot!(problems("nodes: 3\nnetworking: []\nfeatureGates: x\n"), @r"
    c.yaml:3:8: nodes: expected a list, found a whole number
    c.yaml:4:13: networking: expected a mapping, found a list
    c.yaml:5:15: featureGates: expected a mapping of feature gates to `true` or `false`, found a string
    ");
}

#[test]
fn names() {
    insta::assert_snapshot!(problems("name: My_Cluster\n"), @"c.yaml:3:7: name: `My_Cluster` contains `M`; lowercase letters, digits, `-` and `.` are allowed");
    let long = "n".repeat(45);
    let nodes = "nodes: [{role: control-plane}, {role: control-plane}, {role: control-plane}]";
    insta::assert_snapshot!(problems(&format!("name: {long}\n{nodes}\n")), @"c.yaml:3:7: name: too long by 5: `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-external-load-balancer` would have 68 characters, and a host name has at most 63");
    assert!(load("c", &format!("{HEADER}name: {long}\n")).is_ok());
}

#[test]
fn roles() {
    insta::assert_snapshot!(problems("nodes:\n- role: worker\n- role: worker\n"), @"c.yaml:4:3: nodes: expected at least one node with `role: control-plane`");
    insta::assert_snapshot!(problems("nodes:\n- role: controlplane\n- role: Worker\n- role: master\n"), @r"
    c.yaml:4:9: nodes[0].role: expected `control-plane` or `worker`, found `controlplane` (did you mean `control-plane`?)
    c.yaml:5:9: nodes[1].role: expected `control-plane` or `worker`, found `Worker` (did you mean `worker`?)
    c.yaml:6:9: nodes[2].role: expected `control-plane` or `worker`, found `master`
    ");
}

#[test]
fn ports() {
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
    insta::assert_snapshot!(problems(text), @r"
    c.yaml:13:34: nodes[1].extraPortMappings[0].hostPort: port 80/tcp of 127.0.0.1 is already used by nodes[0].extraPortMappings[0].hostPort
    c.yaml:14:34: nodes[1].extraPortMappings[1].hostPort: port 80/tcp of 0.0.0.0 is already used by nodes[0].extraPortMappings[0].hostPort on 127.0.0.1
    c.yaml:15:34: nodes[1].extraPortMappings[2].hostPort: port 80/udp of :: is already used by nodes[0].extraPortMappings[2].hostPort on 0.0.0.0
    c.yaml:16:34: nodes[1].extraPortMappings[3].hostPort: port 6443/tcp of 0.0.0.0 is already used by networking.apiServerPort on 10.0.0.1
    c.yaml:18:5: nodes[1].extraPortMappings[5]: missing required field `containerPort`
    ");
    let text = "\
networking: {apiServerPort: 65536, apiServerAddress: localhost}
nodes:
- extraPortMappings:
  - {containerPort: 0, hostPort: -2}
  - {containerPort: 70000, hostPort: 70000}
  - {containerPort: 1, hostPort: 80, protocol: HTTP, listenAddress: 1.2.3}
  - {containerPort: 2, hostPort: 80}
  - {containerPort: 3, hostPort: 80, protocol: TPC}
";
    insta::assert_snapshot!(problems(text), @r"
    c.yaml:3:29: networking.apiServerPort: expected a number from -1 to 65535, found 65536
    c.yaml:3:54: networking.apiServerAddress: expected an IP address, found `localhost`
    c.yaml:6:21: nodes[0].extraPortMappings[0].containerPort: expected a number from 1 to 65535, found 0
    c.yaml:6:34: nodes[0].extraPortMappings[0].hostPort: expected a number from -1 to 65535, found -2
    c.yaml:7:21: nodes[0].extraPortMappings[1].containerPort: expected a number from 1 to 65535, found 70000
    c.yaml:7:38: nodes[0].extraPortMappings[1].hostPort: expected a number from -1 to 65535, found 70000
    c.yaml:8:48: nodes[0].extraPortMappings[2].protocol: expected one of `TCP`, `UDP` or `SCTP`, found `HTTP`
    c.yaml:8:69: nodes[0].extraPortMappings[2].listenAddress: expected an IP address, found `1.2.3`
    c.yaml:10:48: nodes[0].extraPortMappings[4].protocol: expected one of `TCP`, `UDP` or `SCTP`, found `TPC` (did you mean `TCP`?)
    ");
}

#[test]
fn mounts() {
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
    insta::assert_snapshot!(problems(text), @r#"
    c.yaml:6:35: nodes[0].extraMounts[1].containerPath: /data is already mounted by nodes[0].extraMounts[0].containerPath
    c.yaml:7:35: nodes[0].extraMounts[2].containerPath: expected an absolute path, found "data" (did you mean `/data`?)
    c.yaml:8:35: nodes[0].extraMounts[3].containerPath: cannot mount over the node's root folder
    c.yaml:9:16: nodes[0].extraMounts[4].hostPath: expected a path, found an empty string
    c.yaml:9:20: nodes[0].extraMounts[4]: missing required field `containerPath`
    c.yaml:10:5: nodes[0].extraMounts[5]: missing required field `hostPath`
    c.yaml:10:5: nodes[0].extraMounts[5]: missing required field `containerPath`
    c.yaml:11:52: nodes[0].extraMounts[6].propagation: expected one of `None`, `HostToContainer` or `Bidirectional`, found `HostToContaner` (did you mean `HostToContainer`?)
    c.yaml:11:68: nodes[0].extraMounts[6].readonly: unknown field `readonly` (did you mean `readOnly`?)
    "#);
}

#[test]
fn subnets() {
    let subnets = |pods: &str, services: &str| {
        problems(&format!("networking:\n  podSubnet: {pods}\n  serviceSubnet: {services}\n"))
    };
    insta::assert_snapshot!(subnets("10.244.0.0", "10.96.0.0/33"), @r"
    c.yaml:4:14: networking.podSubnet: expected an IPv4 subnet such as `10.0.0.0/16`, found `10.244.0.0`
    c.yaml:5:18: networking.serviceSubnet: expected an IPv4 subnet such as `10.0.0.0/16`, found `10.96.0.0/33`
    ");
    insta::assert_snapshot!(subnets("fd00:10:244::/56", "\"10.96.0.0/16,fd00:10:96::/112\""), @r"
    c.yaml:4:14: networking.podSubnet: `fd00:10:244::/56`: IPv6 is not supported by kindrs yet
    c.yaml:5:18: networking.serviceSubnet: `10.96.0.0/16,fd00:10:96::/112`: dual-stack subnets are not supported by kindrs yet
    ");
    insta::assert_snapshot!(subnets("10.244.1.0/16", "10.96.0.1/16"), @r"
    c.yaml:4:14: networking.podSubnet: 10.244.1.0/16 has address bits beyond its /16, expected a network's own address (did you mean `10.244.0.0/16`?)
    c.yaml:5:18: networking.serviceSubnet: 10.96.0.1/16 has address bits beyond its /16, expected a network's own address (did you mean `10.96.0.0/16`?)
    ");
    insta::assert_snapshot!(subnets("10.0.0.0/8", "10.96.0.0/16"), @"c.yaml:4:14: networking.podSubnet: 10.0.0.0/8 overlaps networking.serviceSubnet, which is 10.96.0.0/16");
    insta::assert_snapshot!(subnets("10.0.0.0/16", "10.0.128.0/20"), @"c.yaml:5:18: networking.serviceSubnet: 10.0.128.0/20 overlaps networking.podSubnet, which is 10.0.0.0/16");
    insta::assert_snapshot!(subnets("10.0.0.0/25", "10.1.0.0/29"), @r"
    c.yaml:4:14: networking.podSubnet: 10.0.0.0/25 is too small: each node gets a /24 of it, and 1 node needs a /24 (did you mean `10.0.0.0/24`?)
    c.yaml:5:18: networking.serviceSubnet: 10.1.0.0/29 is too small: at least a /28 is needed (did you mean `10.1.0.0/28`?)
    ");
    insta::assert_snapshot!(subnets("32.0.0.0/7", "10.0.0.0/11"), @r"
    c.yaml:4:14: networking.podSubnet: 32.0.0.0/7 is too large: at most a /8 is allowed
    c.yaml:5:18: networking.serviceSubnet: 10.0.0.0/11 is too large: at most a /12 is allowed (did you mean `10.0.0.0/12`?)
    ");
    insta::assert_snapshot!(subnets("127.0.0.0/16", "224.0.0.0/16"), @r"
    c.yaml:4:14: networking.podSubnet: 127.0.0.0/16 is reserved for loopback
    c.yaml:5:18: networking.serviceSubnet: 224.0.0.0/16 is reserved for multicast
    ");
    insta::assert_snapshot!(subnets("10.1.0.0/wide", "10.244.0.0/16"), @"c.yaml:4:14: networking.podSubnet: expected an IPv4 subnet such as `10.0.0.0/16`, found `10.1.0.0/wide`");
    let five = "nodes: [{}, {role: worker}, {role: worker}, {role: worker}, {role: worker}]\n";
    insta::assert_snapshot!(problems(&format!("{five}networking: {{podSubnet: 10.9.1.0/24}}\n")), @"c.yaml:4:25: networking.podSubnet: 10.9.1.0/24 is too small: each node gets a /24 of it, and 5 nodes need a /21 (did you mean `10.9.0.0/21`?)");
    assert!(load("c", &format!("{HEADER}{five}networking: {{podSubnet: 10.9.0.0/21}}")).is_ok());
}

#[test]
fn labels() {
    let text = format!(
        "nodes:\n- labels:\n    node-role.kubernetes.io/db: \"\"\n    a b: c\n    \
         Example.com/x: y\n    /x: y\n    x/y/z: a\n    -a: b\n    good: bad value\n    long: {}\n",
        "v".repeat(64)
    );
    insta::assert_snapshot!(problems(&text), @r#"
    c.yaml:6:10: nodes[0].labels["a b"]: the label's name must have 1 to 63 letters, digits, `-`, `_` or `.`, and start and end with a letter or digit
    c.yaml:7:20: nodes[0].labels["Example.com/x"]: the label's prefix must be a DNS name: lowercase letters, digits, `-` and `.`, at most 253 characters
    c.yaml:8:9: nodes[0].labels["/x"]: the label's prefix must be a DNS name: lowercase letters, digits, `-` and `.`, at most 253 characters
    c.yaml:9:12: nodes[0].labels["x/y/z"]: the label's name must have 1 to 63 letters, digits, `-`, `_` or `.`, and start and end with a letter or digit
    c.yaml:10:9: nodes[0].labels.-a: the label's name must have 1 to 63 letters, digits, `-`, `_` or `.`, and start and end with a letter or digit
    c.yaml:11:11: nodes[0].labels.good: the value "bad value" must have at most 63 letters, digits, `-`, `_` or `.`, and start and end with a letter or digit
    c.yaml:12:11: nodes[0].labels.long: the value "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv" must have at most 63 letters, digits, `-`, `_` or `.`, and start and end with a letter or digit
    "#);
}

#[test]
fn gates_and_apis() {
    insta::assert_snapshot!(problems("featureGates: {A=true: true}\nruntimeConfig: {api/all: on, \"a,b\": 1}\n"), @r#"
    c.yaml:3:24: featureGates["A=true"]: expected a feature gate of letters and digits, found "A=true"
    c.yaml:4:26: runtimeConfig["api/all"]: expected `true` or `false`, found "on"
    c.yaml:4:37: runtimeConfig["a,b"]: expected an API such as `api/all` or `batch/v1`, found "a,b"
    "#);
}

#[test]
fn patches() {
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
    insta::assert_snapshot!(problems(text), @r"
    c.yaml:5:3: kubeadmConfigPatches[0]: unknown kind `ClusterConfig` of the patch; expected one of `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` or `KubeProxyConfiguration` (did you mean `ClusterConfiguration`?)
    c.yaml:7:3: kubeadmConfigPatches[1]: the patch has no `kind`; expected one of `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` or `KubeProxyConfiguration`
    c.yaml:8:3: kubeadmConfigPatches[2]: the patch is not one YAML document: did not find expected ',' or ']' at line 2 column 1, while parsing a flow sequence at line 1 column 7
    c.yaml:9:3: kubeadmConfigPatches[3]: the patch must be a YAML mapping with one of these kinds: `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` or `KubeProxyConfiguration`
    c.yaml:11:3: kubeadmConfigPatches[4]: the patch is not one YAML document: deserializing from YAML containing more than one document is not supported
    c.yaml:15:3: kubeadmConfigPatches[5]: unknown kind `Pod` of the patch; expected one of `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` or `KubeProxyConfiguration`
    c.yaml:18:3: containerdConfigPatches[0]: invalid TOML on line 2 of the patch: string values must be quoted, expected literal string
    c.yaml:20:3: containerdConfigPatches[1]: invalid TOML on line 1 of the patch: key with no value, expected `=`
    c.yaml:23:5: nodes[0].kubeadmConfigPatches[0]: the patch must be a YAML mapping with one of these kinds: `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` or `KubeProxyConfiguration`
    ");
}
