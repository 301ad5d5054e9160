//! Reading the fields of Kubernetes objects.

use serde_json::Value;

use crate::scenario::history::KindName;
use crate::scenario::outcome::ObjectName;

/// The annotation of the mirror pod of a static pod.
pub(super) const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// A kind without group and version: `Pod` for `v1/Pod`.
pub(super) fn short_kind(kind: &KindName) -> &str {
    kind.0.rsplit('/').next().unwrap_or_default()
}

/// The string at a pointer, or the empty string.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(object: &Value, pointer: &str) -> Option<u64> {
    object.pointer(pointer).and_then(Value::as_u64)
}

/// The list at a pointer, or the empty list.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `NAMESPACE/NAME`, or only the name if there is no namespace.
pub(super) fn qualified(namespace: &str, name: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

pub(super) fn name(kind: &KindName, object: &Value) -> ObjectName {
    ObjectName {
        kind: kind.clone(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        uid: text(object, "/metadata/uid").to_owned(),
    }
}

/// The status of a condition: `True`, `False` or `Unknown`, or the empty string if there is none.
pub(super) fn condition<'a>(object: &'a Value, name: &str) -> &'a str {
    condition_entry(object, name).map(|entry| text(entry, "/status")).unwrap_or_default()
}

pub(super) fn condition_entry<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|entry| text(entry, "/type") == name)
}

pub(super) fn is_ready(object: &Value) -> bool {
    condition(object, "Ready") == "True"
}

pub(super) fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The kind, name and uid of the object's controller.
pub(super) fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.pointer("/controller") == Some(&Value::Bool(true)))
        .map(|owner| (text(owner, "/kind"), text(owner, "/name"), text(owner, "/uid")))
}

pub(super) fn is_cordoned(node: &Value) -> bool {
    node.pointer("/spec/unschedulable") == Some(&Value::Bool(true))
}

/// The restarts of all containers of a pod.
pub(super) fn restarts(pod: &Value) -> u64 {
    ["/status/containerStatuses", "/status/initContainerStatuses"]
        .into_iter()
        .flat_map(|place| list(pod, place))
        .filter_map(|container| number(container, "/restartCount"))
        .sum()
}

/// The message of a pod's condition PodScheduled, if the scheduler found no node.
pub(super) fn unschedulable(pod: &Value) -> Option<&str> {
    let scheduled = condition_entry(pod, "PodScheduled")?;
    (text(scheduled, "/status") == "False").then(|| text(scheduled, "/message"))
}
