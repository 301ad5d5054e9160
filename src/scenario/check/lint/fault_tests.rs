//! Findings about faults.

use super::rule_tests::findings;

#[test]
fn finds_faults_that_are_never_healed() {
    let body = "\
cluster: {workers: 3}
steps:
- heal: {all: true}
- {name: a, inject: {fault: node-kill, node: worker}}
- {name: b, inject: {fault: node-kill, node: worker, for: 30s}}
- {name: c, inject: {fault: node-restart, node: worker}}
- heal: {step: d}
- {name: d, inject: {fault: node-kill, node: worker}}
- heal: {step: c}
- heal: {step: heal}
- {name: e, inject: {fault: kubelet-stop, node: worker}}
- heal: {step: e}
- parallel: [{name: f, inject: {fault: kubelet-stop, node: worker2}}, {heal: {step: f}}]
";
    insta::assert_snapshot!(findings(body), @r"
    6:9: steps[0].heal: no fault is injected before this step [heal-before-inject]
    7:21: steps[1].inject: the fault is never healed; add `for`, or a later step `heal: {step: a}` [fault-never-healed]
    10:16: steps[4].heal.step: step `d` injects its fault after this step [heal-before-inject]
    11:21: steps[5].inject: the fault is never healed; add `for`, or a later step `heal: {step: d}` [fault-never-healed]
    12:16: steps[6].heal.step: node-restart ends at once; there is nothing to heal [heal-instant]
    13:16: steps[7].heal.step: step `heal` injects no fault; expected `a`, `b`, `c`, `d`, `e` or `f` [no-fault]
    ");
    let all = "\
cluster: {workers: 1}
steps:
- {inject: {fault: node-kill, node: worker}, background: true}
- heal: {all: true}
";
    insta::assert_snapshot!(findings(all), @"");
}

#[test]
fn finds_faults_that_cannot_be_injected() {
    let body = "\
cluster: {workers: 2}
steps:
- inject: {fault: node-kill, node: [worker, worker3], for: 5s}
- inject: {fault: node-kill, node: kindrs-wroker, for: 5s}
- inject: {fault: network-partition, node: worker, peer: contrl-plane, for: 5s}
- inject: {fault: node-kill, for: 5s}
- inject: {fault: pod-delete}
- inject: {fault: pod-delete, selector: app=web}
- inject: {fault: node-kill, role: control-plane, for: 5s}
- inject: {fault: node-kill, all-nodes: true, for: 5s, allowTotal: true}
- inject: {fault: component-stop, component: etcd, for: 5s}
- inject: {fault: component-stop, component: kube-scheduler, node: worker, for: 5s}
- inject: {fault: etcd-quorum-loss, for: 5s}
- inject: {fault: node-stop, role: worker, count: 3, for: 5s}
- inject: {fault: network-partition, shape: ring, for: 5s}
- inject: {fault: node-kill, node: worker, for: 0s, percnt: 4}
- inject: {fault: nod-kill}
";
    insta::assert_snapshot!(findings(body), @r"
    6:45: steps[0].inject.node[1]: node `worker3` does not exist; the cluster has `kindrs-control-plane`, `kindrs-worker` and `kindrs-worker2` [unknown-node]
    7:36: steps[1].inject.node: node `kindrs-wroker` does not exist (did you mean `worker`?) [unknown-node]
    8:58: steps[2].inject.peer: node `contrl-plane` does not exist; the cluster has `kindrs-control-plane`, `kindrs-worker` and `kindrs-worker2` [unknown-node]
    9:11: steps[3].inject: no target is specified; use `node`, `role`, `selector`, `running-pod`, `leader-of`, `random` or `all-nodes` [fault-target]
    10:11: steps[4].inject: no target is specified; use `pod` or `selector` [fault-target]
    12:11: steps[6].inject: this would take down the only control plane; use `allowTotal: true` to allow it [fault-refused]
    14:11: steps[8].inject: this would take down the only control plane; use `allowTotal: true` to allow it [fault-refused]
    15:11: steps[9].inject: node `kindrs-worker` is not a control plane: it runs no kube-scheduler; use `role: control-plane` for every control plane [fault-refused]
    16:11: steps[10].inject: this would take down the only control plane; use `allowTotal: true` to allow it [fault-refused]
    17:11: steps[11].inject: 3 nodes requested, but only 2 available [fault-refused]
    18:11: steps[12].inject: `shape: ring` needs at least 4 nodes, found 3; target more nodes, or leave out the targets to use all nodes [fault-refused]
    19:49: steps[13].inject.for: a fault with a duration of zero has no effect; leave out `for` to heal the fault yourself [fault-option]
    19:53: steps[13].inject.percnt: unknown field `percnt` (did you mean `percent`?) [structure]
    20:19: steps[14].inject.fault: unknown value `nod-kill` (did you mean `node-kill`?) [structure]
    ");
}

#[test]
fn only_the_load_balancer_itself_is_a_peer_besides_nodes() {
    let body = "\
cluster: {controlPlanes: 3, workers: 1}
steps:
- inject: {fault: network-partition, node: worker, peer: external-load-balancer, for: 5s}
- inject: {fault: network-partition, node: worker, peer: my-external-load-balancer, for: 5s}
- inject: {fault: node-stop, role: worker, percent: \"101\", for: 5s}
";
    let found = findings(body);
    let rules: Vec<&str> = found.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(rules, ["[unknown-node]", "[structure]"], "{found}");
    assert!(found.contains("steps[2].inject.percent: expected a number from 1 to 100"), "{found}");
}
