use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};

use super::situation::spec;

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Reasons by the name, cordon and taints of the node.
pub(super) fn reasons(pod: &Pod, node: &Node) -> Vec<String> {
    let mut reasons = Vec::new();
    let gates: Vec<_> = spec(pod)
        .and_then(|spec| spec.scheduling_gates.as_deref())
        .into_iter()
        .flatten()
        .map(|gate| gate.name.as_str())
        .collect();
    if !gates.is_empty() {
        reasons.push(format!("not tried: the pod has scheduling gates ({})", gates.join(", ")));
    }
    let wanted = spec(pod).and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
    if !wanted.is_empty() && Some(wanted) != node.metadata.name.as_deref() {
        reasons.push(format!("spec.nodeName is {wanted}"));
    }
    let is_cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or_default();
    if is_cordoned && !tolerates(pod, &cordon()) {
        reasons.push("is cordoned".to_owned());
    }
    let untolerated = untolerated_taints(pod, node)
        // A cordoned node has a taint that says so.
        .filter(|taint| !is_cordoned || taint.key != UNSCHEDULABLE)
        .map(|taint| format!("had untolerated taint {}", shown(taint)));
    reasons.extend(untolerated);
    reasons
}

/// The node's taints that keep the pod away.
pub(super) fn untolerated_taints<'a>(
    pod: &'a Pod,
    node: &'a Node,
) -> impl Iterator<Item = &'a Taint> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
    taints
        .into_iter()
        .flatten()
        .filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
        .filter(|taint| !tolerates(pod, taint))
}

fn cordon() -> Taint {
    Taint { key: UNSCHEDULABLE.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() }
}

fn tolerates(pod: &Pod, taint: &Taint) -> bool {
    let tolerations = spec(pod).and_then(|spec| spec.tolerations.as_deref());
    tolerations.into_iter().flatten().any(|toleration| tolerates_taint(toleration, taint))
}

fn tolerates_taint(toleration: &Toleration, taint: &Taint) -> bool {
    let is_open = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == actual)
    };
    if !is_open(&toleration.effect, &taint.effect) || !is_open(&toleration.key, &taint.key) {
        return false;
    }
    let wanted = toleration.value.as_deref().unwrap_or_default();
    let actual = taint.value.as_deref().unwrap_or_default();
    let numbers = || Some((actual.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match toleration.operator.as_deref().unwrap_or_default() {
        "" | "Equal" => wanted == actual,
        "Exists" => true,
        "Lt" => numbers().is_some_and(|(actual, wanted)| actual < wanted),
        "Gt" => numbers().is_some_and(|(actual, wanted)| actual > wanted),
        _ => false,
    }
}

/// Such as `{dedicated: gpu}`.
fn shown(taint: &Taint) -> String {
    match taint.value.as_deref() {
        None | Some("") => format!("{{{}}}", taint.key),
        Some(value) => format!("{{{}: {value}}}", taint.key),
    }
}
