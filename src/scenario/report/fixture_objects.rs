//! The objects of the made-up run.

use serde_json::{Value, json};

/// The node that is lost.
pub(super) const NODE: &str = "demo-worker";
/// The ReplicaSet whose pods come back.
pub(super) const RS: &str = "web-5d8c";

/// A uid, the same for the same name.
pub(super) fn uid(name: &str) -> String {
    format!("uid-{name}")
}

pub(super) fn node(name: &str, ready: &str, taints: &[(&str, &str)]) -> Value {
    let taints: Vec<Value> =
        taints.iter().map(|(key, effect)| json!({ "key": key, "effect": effect })).collect();
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "uid": uid(name), "labels": { "kubernetes.io/hostname": name } },
        "spec": {},
        "status": {
            "capacity": { "cpu": "4", "memory": "8Gi", "pods": "110" },
            "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": ready }],
        },
    });
    if !taints.is_empty() {
        node["spec"]["taints"] = json!(taints);
    }
    if name.ends_with("control-plane") {
        let key = "node-role.kubernetes.io/control-plane";
        node["spec"]["taints"] = json!([{ "key": key, "effect": "NoSchedule" }]);
    }
    node
}

pub(super) fn lease(node: &str, second: u64) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "namespace": "kube-node-lease",
            "name": node,
            "uid": uid(&format!("lease-{node}")),
        },
        "spec": { "holderIdentity": node, "renewTime": format!("2026-11-24T10:00:{second:02}.0Z") },
    })
}

pub(super) fn deployment(observed: u64, ready: u64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "namespace": "default", "name": "web", "uid": uid("deployment-web"), "generation": 1,
        },
        "spec": { "replicas": 3 },
        "status": { "observedGeneration": observed, "readyReplicas": ready },
    })
}

pub(super) fn replica_set(ready: u64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "namespace": "default", "name": RS, "uid": uid(RS), "generation": 1,
            "ownerReferences": [owner("Deployment", "web", &uid("deployment-web"))],
        },
        "spec": { "replicas": 3 },
        "status": { "observedGeneration": 1, "readyReplicas": ready },
    })
}

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true })
}

/// A pod as it is created; its controller may have an empty name: then there is none.
pub(super) fn pod(namespace: &str, name: &str, controller: (&str, &str)) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": namespace, "name": name, "uid": uid(name), "labels": { "app": "web" },
        },
        "spec": {
            "restartPolicy": "Always",
            "containers": [{ "name": "web", "image": "registry.k8s.io/pause:3.10" }],
        },
        "status": { "phase": "Pending" },
    });
    if !controller.1.is_empty() {
        let owner = owner(controller.0, controller.1, &uid(controller.1));
        pod["metadata"]["ownerReferences"] = json!([owner]);
    }
    pod
}

pub(super) fn scheduled(pod: &mut Value, node: &str) {
    pod["spec"]["nodeName"] = json!(node);
    pod["status"]["conditions"] = json!([{ "type": "PodScheduled", "status": "True" }]);
}

pub(super) fn scheduling_failed(pod: &mut Value, message: &str) {
    pod["status"]["conditions"] = json!([{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
    }]);
}

pub(super) fn pod_running(pod: &mut Value, restarts: u64) {
    pod["status"]["containerStatuses"] = json!([{ "name": "web", "restartCount": restarts }]);
    pod_ready(pod, false);
}

pub(super) fn pod_ready(pod: &mut Value, ready: bool) {
    pod["status"]["phase"] = json!("Running");
    pod["status"]["conditions"] = json!([
        { "type": "PodScheduled", "status": "True" },
        { "type": "Ready", "status": if ready { "True" } else { "False" } },
    ]);
}
