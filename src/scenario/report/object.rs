//! What a report reads from an object.

use serde_json::Value;

use crate::scenario::history::KindName;
use crate::scenario::judge::ObjectName;

/// The annotation of a static pod's mirror.
pub(super) const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// A kind's name without group and version.
pub(super) fn short_kind(kind: &KindName) -> &str {
    kind.0.rsplit('/').next().unwrap_or_default()
}

/// A text in an object; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number in an object.
pub(super) fn number(object: &Value, pointer: &str) -> Option<u64> {
    object.pointer(pointer).and_then(Value::as_u64)
}

/// A list in an object; empty where there is none.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// An object's name.
pub(super) fn name(kind: &KindName, object: &Value) -> ObjectName {
    ObjectName {
        kind: kind.clone(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        uid: text(object, "/metadata/uid").to_owned(),
    }
}

/// A condition of the object's status: `True`, `False`, `Unknown`, or empty where it has none.
pub(super) fn condition<'a>(object: &'a Value, name: &str) -> &'a str {
    condition_entry(object, name).map(|entry| text(entry, "/status")).unwrap_or_default()
}

/// A condition of the object's status, whole.
pub(super) fn condition_entry<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|entry| text(entry, "/type") == name)
}

/// Whether the object's condition Ready is true.
pub(super) fn is_ready(object: &Value) -> bool {
    condition(object, "Ready") == "True"
}

/// Whether the object is asked to end.
pub(super) fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The owner that made the object: its kind, name and uid.
pub(super) fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))
        .map(|owner| (text(owner, "/kind"), text(owner, "/name"), text(owner, "/uid")))
}

/// Whether the node may take pods that are not there yet.
pub(super) fn is_cordoned(node: &Value) -> bool {
    node.pointer("/spec/unschedulable") == Some(&Value::Bool(true))
}

/// How often a pod's containers were started again.
pub(super) fn restarts(pod: &Value) -> u64 {
    ["/status/containerStatuses", "/status/initContainerStatuses"]
        .into_iter()
        .flat_map(|place| list(pod, place))
        .filter_map(|container| number(container, "/restartCount"))
        .sum()
}

/// The message of the condition by which the scheduler says that it found no node.
pub(super) fn unschedulable(pod: &Value) -> Option<&str> {
    let scheduled = condition_entry(pod, "PodScheduled")?;
    (text(scheduled, "/status") == "False").then(|| text(scheduled, "/message"))
}

/// What an object is at, in a few words: `Running, not ready, on node worker`.
pub(super) fn state(kind: &str, object: &Value) -> String {
    match kind {
        "Pod" => pod_state(object),
        "Node" => node_state(object),
        "Deployment" | "ReplicaSet" | "StatefulSet" => format!(
            "{} of {} replicas ready",
            number(object, "/status/readyReplicas").unwrap_or_default(),
            number(object, "/spec/replicas").unwrap_or(1)
        ),
        _ if is_terminating(object) => "is being deleted".to_owned(),
        _ => String::new(),
    }
}

fn pod_state(pod: &Value) -> String {
    let mut words = Vec::new();
    words.push(match text(pod, "/status/phase") {
        "" => "no phase yet".to_owned(),
        "Running" if is_ready(pod) => "Running, ready".to_owned(),
        "Running" => "Running, not ready".to_owned(),
        phase => phase.to_owned(),
    });
    if is_terminating(pod) {
        words.push("being deleted".to_owned());
    }
    words.push(match text(pod, "/spec/nodeName") {
        "" => "on no node".to_owned(),
        node => format!("on node {node}"),
    });
    for container in list(pod, "/status/containerStatuses") {
        let name = text(container, "/name");
        for (state, word) in [("waiting", "waits"), ("terminated", "ended")] {
            let reason = text(container, &format!("/state/{state}/reason"));
            if !reason.is_empty() {
                words.push(format!("container {name} {word}: {reason}"));
            }
        }
    }
    words.join(", ")
}

fn node_state(node: &Value) -> String {
    let ready = match condition(node, "Ready") {
        "True" => "Ready",
        "False" => "not Ready",
        "Unknown" => "not Ready (unknown)",
        _ => "no condition Ready",
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
