//! What lint says about faults.

use super::rule_tests::findings;

#[test]
fn faults_are_healed() {
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
    6:9: steps[0].heal: there is no fault yet that it could heal [heal-before-inject]
    7:21: steps[1].inject: is never healed: give it `for`, or a step `heal: {step: a}` after it [fault-never-healed]
    10:16: steps[4].heal.step: the fault of `d` is injected only after it [heal-before-inject]
    11:21: steps[5].inject: is never healed: give it `for`, or a step `heal: {step: d}` after it [fault-never-healed]
    12:16: steps[6].heal.step: node-restart is over as soon as it was done: nothing heals it [heal-instant]
    13:16: steps[7].heal.step: the step `heal` injects no fault; there is `a`, `b`, `c`, `d`, `e` and `f` [no-fault]
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
fn faults_have_targets_that_there_are() {
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
    6:45: steps[0].inject.node[1]: there is no node `worker3`; there are `kindrs-control-plane`, `kindrs-worker` and `kindrs-worker2` [unknown-node]
    7:36: steps[1].inject.node: there is no node `kindrs-wroker` (did you mean `worker`?) [unknown-node]
    8:58: steps[2].inject.peer: there is no node `contrl-plane`; there are `kindrs-control-plane`, `kindrs-worker` and `kindrs-worker2` [unknown-node]
    9:11: steps[3].inject: no target is given: say which with `node`, `role`, `selector`, `running-pod`, `leader-of`, `random` or `all-nodes` [fault-target]
    10:11: steps[4].inject: no target is given: say which pods with `pod` or `selector` [fault-target]
    12:11: steps[6].inject: this would take the only control plane; `allowTotal: true` lets it happen [fault-refused]
    14:11: steps[8].inject: this would take the only control plane; `allowTotal: true` lets it happen [fault-refused]
    15:11: steps[9].inject: kindrs-worker is no control plane: it runs no kube-scheduler; role control-plane stands for every control plane [fault-refused]
    16:11: steps[10].inject: this would take the only control plane; `allowTotal: true` lets it happen [fault-refused]
    17:11: steps[11].inject: 3 nodes are asked for, but only 2 fit [fault-refused]
    18:11: steps[12].inject: this shape takes 4 nodes or more, not 3; name more targets, or none to part all nodes [fault-refused]
    19:53: steps[13].inject.percnt: unknown option `percnt` (did you mean `percent`?) [fault-option]
    20:19: steps[14].inject.fault: there is no fault `nod-kill` (did you mean `node-kill`?) [unknown-fault]
    ");
}
