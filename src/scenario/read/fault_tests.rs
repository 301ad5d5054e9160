//! How `inject` is read.

use std::time::Duration;

use serde_json::{Value, json};

use super::inject_request;
use crate::scenario::language::Inject;

fn inject(value: Value) -> Inject {
    serde_json::from_value(value).unwrap()
}

fn problems(value: Value) -> String {
    let problems = inject_request(&inject(value)).unwrap_err();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn options_are_those_of_the_command_line() {
    let request = inject_request(&inject(json!({
        "fault": "network-partition", "node": ["worker", "worker2"], "peer-role": "control-plane",
        "direction": "in", "for": "30s", "allowTotal": true,
    })))
    .unwrap();
    assert_eq!(request.duration, Some(Duration::from_secs(30)));
    assert!(request.allow_total);
    assert_eq!(request.fault.name(), "network-partition");
    let fault = serde_json::to_value(&request.fault).unwrap();
    assert_eq!(fault["node"], json!(["worker", "worker2"]));
    assert_eq!(fault["direction"], "in");
    let random = json!({"fault": "node-stop", "random": true, "seed": 7, "all-nodes": false});
    let random = inject_request(&inject(random)).unwrap();
    assert!(random.fault.choice().unwrap().is_random());
}

#[test]
fn what_is_wrong() {
    insta::assert_snapshot!(problems(json!({"fault": "node-kil"})), @"fault: there is no fault `node-kil` (did you mean `node-kill`?)");
    insta::assert_snapshot!(problems(json!({"fault": "zzz"})), @"fault: there is no fault `zzz`; there are `node-stop`, `node-kill`, `node-pause`, `node-restart`, `kubelet-stop`, `runtime-stop`, `disk-fill`, `memory-stress`, `cpu-stress`, `network-partition`, `network-loss`, `network-delay`, `network-duplicate`, `network-corrupt`, `network-bandwidth`, `pod-delete`, `pod-evict`, `container-kill`, `image-pull-failure`, `readiness-failure`, `dns-failure`, `heartbeat-loss`, `component-stop`, `component-kill`, `component-pause`, `component-restart`, `etcd-quorum-loss` and `api-request`");
    insta::assert_snapshot!(problems(json!({"fault": "node-kill", "nodes": "a", "allow-total": true, "runningPod": "a", "help": true, "zzz": 1})), @r"
    nodes: unknown option `nodes` (did you mean `node`?)
    allow-total: unknown option `allow-total` (did you mean `allowTotal`?)
    runningPod: unknown option `runningPod` (did you mean `running-pod`?)
    help: unknown option `help`; node-kill has `node`, `role`, `selector`, `running-pod`, `leader-of`, `all-nodes`, `random`, `count`, `percent` and `seed`
    zzz: unknown option `zzz`; node-kill has `node`, `role`, `selector`, `running-pod`, `leader-of`, `all-nodes`, `random`, `count`, `percent` and `seed`
    ");
    insta::assert_snapshot!(problems(json!({"fault": "node-kill", "role": "workr", "count": "two", "percent": 0, "random": "yes", "all-nodes": [true]})), @r"
    random: expected `true` or `false`, found a text
    all-nodes: expected `true` or `false`, found a list
    role: expected `control-plane` or `worker`, found `workr` (did you mean `worker`?)
    count: expected a whole number, found `two`
    percent: `0`: 0 is not in 1..=100
    ");
    insta::assert_snapshot!(problems(json!({"fault": "node-kill", "role": ["worker"], "selector": {}, "node": [true]})), @r"
    role: expected a text or number, found a list: this option is given once
    selector: expected a text or number, found a mapping
    node: expected a text or number, found a boolean
    ");
    insta::assert_snapshot!(problems(json!({"fault": "component-stop", "node": "control-plane"})), @"`component` is missing");
    insta::assert_snapshot!(problems(json!({"fault": "node-kill", "random": true, "count": 2})), @"random: cannot be given together with `count`");
    insta::assert_snapshot!(problems(json!({"fault": "pod-delete", "pod": "a", "for": "5s"})), @"for: pod-delete is over as soon as it was done: it takes no duration");
    insta::assert_snapshot!(problems(json!({"fault": "node-kill", "node": "a", "for": "0s"})), @"for: a fault of no duration has no effect; leave `for` out to heal it by a step");
    insta::assert_snapshot!(problems(json!({"fault": "container-kill", "pod": "a", "signal": "STOP"})), @"signal: `STOP`: it would halt the container without an end; node-pause freezes a node");
}
