use serde_json::Value;

use crate::scenario::report::fields::{
    condition, is_cordoned, is_ready, is_terminating, number, text,
};

/// The class of an object's bar. The style sheet and the legend know all classes.
pub(super) fn bar_class(kind: &str, object: &Value) -> &'static str {
    match kind {
        "Node" => node(object),
        "Pod" => pod(object),
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            let ready = number(object, "/status/readyReplicas").unwrap_or_default();
            replicas(ready, number(object, "/spec/replicas").unwrap_or(1))
        }
        "DaemonSet" => {
            let ready = number(object, "/status/numberReady").unwrap_or_default();
            replicas(ready, number(object, "/status/desiredNumberScheduled").unwrap_or_default())
        }
        _ if is_terminating(object) => "terminating",
        _ => "there",
    }
}

fn node(node: &Value) -> &'static str {
    match (condition(node, "Ready"), is_cordoned(node)) {
        ("True", false) => "ready",
        ("True", true) => "ready cordoned",
        ("Unknown", false) => "unknown",
        ("Unknown", true) => "unknown cordoned",
        (_, false) => "notready",
        (_, true) => "notready cordoned",
    }
}

fn pod(pod: &Value) -> &'static str {
    match text(pod, "/status/phase") {
        "Failed" => "failed",
        "Succeeded" => "succeeded",
        _ if is_terminating(pod) => "terminating",
        "Running" if is_ready(pod) => "ready",
        "Running" => "running",
        _ => "pending",
    }
}

fn replicas(ready: u64, desired: u64) -> &'static str {
    match ready {
        _ if ready >= desired => "ready",
        0 => "notready",
        _ => "running",
    }
}
