use serde_json::Value;

use super::fields::{condition, is_cordoned, is_ready, is_terminating, list, number, text};

/// The status of an object in a few words, such as `Running, not ready, on node worker`. Empty if
/// there is nothing to say.
pub(super) fn status(kind: &str, object: &Value) -> String {
    match kind {
        "Pod" => pod_status(object),
        "Node" => node_status(object),
        "Deployment" | "ReplicaSet" | "StatefulSet" => format!(
            "{} of {} replicas ready",
            number(object, "/status/readyReplicas").unwrap_or_default(),
            number(object, "/spec/replicas").unwrap_or(1)
        ),
        _ if is_terminating(object) => "terminating".to_owned(),
        _ => String::new(),
    }
}

fn pod_status(pod: &Value) -> String {
    let mut words = Vec::new();
    words.push(match text(pod, "/status/phase") {
        "" => "no phase".to_owned(),
        "Running" if is_ready(pod) => "Running, ready".to_owned(),
        "Running" => "Running, not ready".to_owned(),
        phase => phase.to_owned(),
    });
    if is_terminating(pod) {
        words.push("terminating".to_owned());
    }
    words.push(match text(pod, "/spec/nodeName") {
        "" => "not scheduled".to_owned(),
        node => format!("on node {node}"),
    });
    for container in list(pod, "/status/containerStatuses") {
        let name = text(container, "/name");
        for state in ["waiting", "terminated"] {
            let reason = text(container, &format!("/state/{state}/reason"));
            if !reason.is_empty() {
                words.push(format!("container {name} {state}: {reason}"));
            }
        }
    }
    words.join(", ")
}

fn node_status(node: &Value) -> String {
    let ready = match condition(node, "Ready") {
        "True" => "Ready",
        "False" => "not Ready",
        "Unknown" => "not Ready (unknown)",
        _ => "no Ready condition",
    };
    let mut words = vec![ready.to_owned()];
    if is_cordoned(node) {
        words.push("cordoned".to_owned());
    }
    let taints: Vec<String> = list(node, "/spec/taints")
        .iter()
        .map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect")))
        .collect();
    if !taints.is_empty() {
        words.push(format!("tainted {}", taints.join(", ")));
    }
    words.join(", ")
}
