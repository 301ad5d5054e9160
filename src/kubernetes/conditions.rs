//! Predicates on the conditions of objects.

use k8s_openapi::api::core::v1::{Node, Pod};

pub fn is_node_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
}

/// Whether the pod runs and is Ready.
pub fn is_pod_ready(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let conditions = status.conditions.as_deref().unwrap_or_default();
    status.phase.as_deref() == Some("Running")
        && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Why a pod is not ready: the reason of a waiting or terminated container, otherwise the
/// scheduler's message, otherwise the phase.
pub fn pod_reason(pod: &Pod) -> String {
    let Some(status) = &pod.status else { return "no status yet".to_owned() };
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    for container in containers {
        let Some(state) = &container.state else { continue };
        if let Some(reason) = state.waiting.as_ref().and_then(|w| w.reason.clone()) {
            return reason;
        }
        if let Some(terminated) = &state.terminated {
            return format!("container exited with code {}", terminated.exit_code);
        }
    }
    let unscheduled = status.conditions.as_deref().unwrap_or_default().iter();
    for condition in unscheduled.filter(|c| c.type_ == "PodScheduled" && c.status == "False") {
        if let Some(message) = &condition.message {
            return message.clone();
        }
    }
    status.phase.clone().unwrap_or_else(|| "no phase yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap()
    }

    #[test]
    fn a_running_pod_is_ready_only_with_its_condition() {
        let ready = json!([{ "type": "Ready", "status": "True" }]);
        assert!(is_pod_ready(&pod(json!({ "phase": "Running", "conditions": ready }))));
        assert!(!is_pod_ready(&pod(json!({ "phase": "Succeeded", "conditions": ready }))));
        assert!(!is_pod_ready(&pod(json!({ "phase": "Running" }))));
    }

    #[test]
    fn the_reason_is_the_most_specific_one() {
        let waiting = json!({
            "phase": "Pending",
            "containerStatuses": [{
                "name": "a", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "waiting": { "reason": "ErrImagePull" } },
            }],
        });
        assert_eq!(pod_reason(&pod(waiting)), "ErrImagePull");
        let unscheduled = json!({
            "phase": "Pending",
            "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes" }],
        });
        assert_eq!(pod_reason(&pod(unscheduled)), "0/1 nodes");
    }
}
