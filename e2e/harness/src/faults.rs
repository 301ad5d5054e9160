//! Faults on a cluster, and the checks that they leave no trace.

use std::time::Instant;

use serde_json::Value;

use super::{Kubectl, Ran, Sandbox, in_node, until, until_holds};

/// A control plane and two workers. The loss of a node shows within seconds: kubelet renews its lease
/// every 2 s, and the node controller waits for 8 s.
pub const QUICK: &str = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
- role: worker
- role: worker
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  controllerManager:
    extraArgs:
      node-monitor-grace-period: 8s
      node-monitor-period: 1s
- |
  kind: KubeletConfiguration
  nodeLeaseDurationSeconds: 8
  nodeStatusUpdateFrequency: 2s
  nodeStatusReportFrequency: 10s
";

pub const NODES: [&str; 3] = ["control-plane", "worker", "worker2"];

#[track_caller]
pub fn inject(sandbox: &Sandbox, line: &str) -> String {
    let ran = try_inject(sandbox, line);
    eprintln!("{}", ran.stderr.trim_end());
    ran.ok().trim().to_owned()
}

pub fn try_inject(sandbox: &Sandbox, line: &str) -> Ran {
    let started = Instant::now();
    let ran = sandbox.kindrs(&format!("fault inject --name {} {line}", sandbox.name));
    eprintln!("{line}: {:.2} s", started.elapsed().as_secs_f64());
    ran
}

#[track_caller]
pub fn heal(sandbox: &Sandbox, id: &str) {
    sandbox.kindrs(&format!("fault heal --name {} {id}", sandbox.name)).ok();
}

/// Heals every fault, so that what a failed step left does not disturb the next.
#[track_caller]
pub fn heal_all(sandbox: &Sandbox) {
    sandbox.kindrs(&format!("fault heal --all --name {}", sandbox.name)).ok();
}

#[track_caller]
pub fn active(sandbox: &Sandbox) -> Vec<Value> {
    let list = sandbox.kindrs(&format!("fault list --name {} -o json", sandbox.name)).ok();
    serde_json::from_str(&list).unwrap()
}

/// Checks that no fault is active and no node has a trace of one.
#[track_caller]
pub fn assert_no_trace(sandbox: &Sandbox, nodes: &[&str]) {
    assert_eq!(active(sandbox), Vec::<Value>::new());
    for node in nodes {
        let script = "ls -A /kindrs/faults 2>/dev/null; \
            iptables-save | grep -E 'KINDRS-[a-z0-9]{5}'; \
            nft list tables | grep kindrs; \
            tc qdisc show dev eth0 | grep -E 'tbf|netem'; \
            systemctl list-units --all --plain --no-legend 'kindrs-fault*' 'kindrs-stress*' 'kindrs-api-faults*'; \
            ls -d /run/kindrs-* /run/kindrs /var/lib/kubelet/kindrs-* 2>/dev/null; true";
        let left = in_node(&sandbox.node(node), script);
        assert_eq!(left, "", "traces of faults in {node}");
    }
}

#[track_caller]
pub fn await_ready(kubectl: &Kubectl, node: &str, ready: bool) {
    until_holds(
        &format!("{node} is {}", if ready { "Ready" } else { "not Ready" }),
        || condition(kubectl, node, "Ready"),
        |status| (status == "True") == ready,
    );
}

#[track_caller]
pub fn condition(kubectl: &Kubectl, node: &str, kind: &str) -> String {
    let path = format!(".status.conditions[?(@.type==\"{kind}\")].status");
    kubectl.value(&format!("get node {node}"), &path)
}

/// The messages of the Events about an object with a reason. Those about nodes are in `default`.
#[track_caller]
pub fn events(kubectl: &Kubectl, object: &str, reason: &str) -> Vec<String> {
    let fields = format!("involvedObject.name={object},reason={reason}");
    let events = kubectl.items(&format!("get events --field-selector {fields}"));
    events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Checks that there is an Event about a node with a reason and a text in its message.
#[track_caller]
pub fn assert_node_event(kubectl: &Kubectl, node: &str, reason: &str, text: &str) {
    let told = events(&kubectl.within("default"), node, reason);
    assert!(told.iter().any(|message| message.contains(text)), "{told:?}");
}

/// Waits for an Event about an object with a reason and a text in its message.
#[track_caller]
pub fn await_event(kubectl: &Kubectl, object: &str, reason: &str, text: &str) {
    until_holds(
        &format!("there is an Event {reason} about {object}"),
        || events(kubectl, object, reason),
        |told| told.iter().any(|message| message.contains(text)),
    );
}

#[track_caller]
pub fn await_api(kubectl: &Kubectl) {
    let write = "annotate namespace default kindrs-was-here=yes --overwrite";
    until("the API server works", || {
        kubectl.attempt(&format!("--request-timeout=5s {write}")).result()
    });
}

/// Checks that each line is refused with its exit code and text, and that no fault is active then.
#[track_caller]
pub fn assert_refused(sandbox: &Sandbox, refusals: &[(&str, i32, &str)]) {
    for (line, code, refusal) in refusals {
        let text = try_inject(sandbox, line).fails(*code);
        assert!(text.contains(refusal), "{line}: {text}");
    }
    assert_eq!(active(sandbox), Vec::<Value>::new());
}
