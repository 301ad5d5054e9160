//! Findings about the cluster and its nodes.

use super::rule_tests::{findings, findings_in};

#[test]
fn checks_the_source_of_the_cluster() {
    let steps = "steps: [{wait: 'true'}]\n";
    let cluster = |fields: &str| findings(&format!("cluster: {{{fields}}}\n{steps}"));
    insta::assert_snapshot!(cluster("existing: {name: dev}, config: {nodes: []}"), @"4:34: cluster: has `existing` and `config`; keep one of them [structure]");
    insta::assert_snapshot!(cluster("existing: {name: dev}, workers: 2, kubernetes: v1.37.2"), @r"
    4:34: cluster.workers: `workers` cannot be used with `existing` [structure]
    4:46: cluster.kubernetes: `kubernetes` cannot be used with `existing` [structure]
    ");
    insta::assert_snapshot!(cluster("file: c.yaml, workers: 2"), @r"
    4:17: cluster.file: cannot read /nowhere/c.yaml: No such file or directory (os error 2) [cluster-config]
    4:25: cluster.workers: `workers` cannot be used with `file` [structure]
    ");
    insta::assert_snapshot!(cluster("existing: {name: dev}, timing: fast"), @"4:42: warning: cluster.timing: has no effect on an existing cluster; create the cluster with this timing [existing-timing]");
    insta::assert_snapshot!(cluster("controlPlanes: 0"), @"4:26: cluster.controlPlanes: expected 1 or more, found 0 [structure]");
    insta::assert_snapshot!(cluster("kubernetes: latest"), @"4:23: cluster.kubernetes: invalid Kubernetes source `latest`: expected vMAJOR.MINOR.PATCH, file:PATH or release:vMAJOR.MINOR.PATCH [kubernetes-version]");
    insta::assert_snapshot!(cluster("kubernetes: v1.37.2, image: kindest/node:v1.37.2"), @"4:11: warning: cluster.kubernetes: has no effect together with `image`, which contains Kubernetes [unused-field]");
    insta::assert_snapshot!(cluster("file: none.yaml"), @"4:17: cluster.file: cannot read /nowhere/none.yaml: No such file or directory (os error 2) [cluster-config]");
}

#[test]
fn places_mistakes_in_configurations() {
    let body = "\
variables: {role: wrker}
cluster:
  config:
    nodes:
    - role: control-plane
    - rol: worker
    - role: ${role}
    networking: {podSubnet: 10.0.0.1/16}
steps: [{wait: 'true'}]
";
    insta::assert_snapshot!(findings(body), @r"
    9:7: cluster.config.nodes[1].rol: unknown field `rol` (did you mean `role`?) [cluster-config]
    10:13: cluster.config.nodes[2].role: expected `control-plane` or `worker`, found `wrker` (did you mean `worker`?) [cluster-config]
    11:29: cluster.config.networking.podSubnet: 10.0.0.1/16 has address bits beyond its /16, expected a network's own address (did you mean `10.0.0.0/16`?) [cluster-config]
    ");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("c.yaml"),
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: contrl-plane\n",
    )
    .unwrap();
    let found = findings_in(folder.path(), "cluster: {file: c.yaml}\nsteps: [{wait: 'true'}]\n");
    let found = found.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(found, @"FOLDER/c.yaml:4:9: nodes[0].role: expected `control-plane` or `worker`, found `contrl-plane` (did you mean `control-plane`?) [cluster-config]");
}

#[test]
fn finds_nodes_that_do_not_exist() {
    let body = "\
cluster:
  config:
    nodes: [{role: control-plane}, {role: worker, labels: {zone: a}}]
selections:
  one: {kind: Node, name: '${cluster}-worker2'}
  two: {kind: node, labels: zone=a}
  three: {kind: nodes, labels: zne=a}
  four: {kind: no, namespace: default}
steps:
- wait: size(one) + size(two) + size(three) + size(four) > 0
- cordon: {nodes: ['${cluster}-worker', worker]}
- drain: {node: kindrs-wrker}
- taint: {nodes: [zzz], set: ['a:NoSchedule']}
- label: {target: {object: node/kindrs-worker3}, set: {a: b}}
";
    insta::assert_snapshot!(findings(body), @r"
    8:27: selections.one.name: node `kindrs-worker2` does not exist (did you mean `${cluster}-worker`?) [unknown-node]
    10:32: selections.three.labels: no node has these labels (did you mean `zone`?) [selects-nothing]
    11:20: selections.four.namespace: has no effect; Node objects have no namespace [unused-field]
    14:41: steps[1].cordon.nodes[1]: node `worker` does not exist (did you mean `${cluster}-worker`?) [unknown-node]
    15:17: steps[2].drain.node: node `kindrs-wrker` does not exist (did you mean `${cluster}-worker`?) [unknown-node]
    16:19: steps[3].taint.nodes[0]: node `zzz` does not exist; the cluster has `kindrs-control-plane` and `kindrs-worker` [unknown-node]
    17:28: steps[4].label.target.object: node `kindrs-worker3` does not exist (did you mean `${cluster}-worker`?) [unknown-node]
    ");
    let existing = "\
cluster: {existing: {name: dev, workers: 2}}
steps:
- drain: {node: '${cluster}-worker7'}
";
    insta::assert_snapshot!(findings(existing), @"");
}
