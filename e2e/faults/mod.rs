//! Faults: each kind with its effect as the cluster sees it, and its healing.

mod api_requests;
mod control_plane;
mod network;
mod nodes;
mod pods;
mod several_control_planes;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Kubectl, Ran, Sandbox, deployment, in_node, until_holds, web_container};

/// A control plane and two workers, whose losses show in seconds: kubelet renews its lease every two,
/// and the node controller waits for eight.
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

/// Injects a fault; returns its name.
#[track_caller]
pub fn inject(sandbox: &Sandbox, line: &str) -> String {
    let ran = try_inject(sandbox, line);
    eprintln!("{}", ran.stderr.trim_end());
    ran.ok().trim().to_owned()
}

/// Injects a fault.
pub fn try_inject(sandbox: &Sandbox, line: &str) -> Ran {
    let started = Instant::now();
    let ran = sandbox.kindrs(&format!("fault inject --name {} {line}", sandbox.name));
    eprintln!("{line}: {:.2} s", started.elapsed().as_secs_f64());
    ran
}

/// Heals a fault.
#[track_caller]
pub fn heal(sandbox: &Sandbox, id: &str) {
    sandbox.kindrs(&format!("fault heal --name {} {id}", sandbox.name)).ok();
}

/// The active faults.
#[track_caller]
pub fn active(sandbox: &Sandbox) -> Vec<Value> {
    let list = sandbox.kindrs(&format!("fault list --name {} -o json", sandbox.name)).ok();
    serde_json::from_str(&list).unwrap()
}

/// Checks that no node has anything left of a fault.
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
        assert_eq!(left, "", "left in {node}");
    }
}

/// Waits until the node controller counts a node as Ready, or no more.
#[track_caller]
pub fn await_ready(kubectl: &Kubectl, node: &str, ready: bool) {
    until_holds(
        &format!("{node} is ready: {ready}"),
        || condition(kubectl, node, "Ready"),
        |status| (status == "True") == ready,
    );
}

/// The status of a node's condition.
#[track_caller]
pub fn condition(kubectl: &Kubectl, node: &str, kind: &str) -> String {
    kubectl.value(
        &format!("get node {node}"),
        &format!(".status.conditions[?(@.type==\"{kind}\")].status"),
    )
}

/// The messages of the Events about a node or pod with this reason.
#[track_caller]
pub fn events(kubectl: &Kubectl, namespace: &str, object: &str, reason: &str) -> Vec<String> {
    let fields = format!("involvedObject.name={object},reason={reason}");
    let events = kubectl.items(&format!("-n {namespace} get events --field-selector {fields}"));
    events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A web server of several replicas that leaves a lost node after two seconds.
pub fn quick_web(replicas: usize) -> Value {
    let mut web = deployment("web", replicas, &[web_container()]);
    let tolerate = |key: &str| json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2 });
    web["spec"]["template"]["spec"]["tolerations"] =
        json!(["not-ready", "unreachable"].map(tolerate));
    web
}

/// Sleeps for so many seconds: a fault's own time passes by the clock.
pub fn pass(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}
