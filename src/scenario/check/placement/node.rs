use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};

use super::situation::spec;

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Reasons by the name, cordon and taints of the node.
pub(super) fn reasons(pod: &Pod, node: &Node) -> Vec<String> {
    let mut reasons = Vec::new();
    let gates = spec(pod).scheduling_gates.iter().flatten();
    let gates: Vec<_> = gates.map(|gate| gate.name.as_str()).collect();
    if !gates.is_empty() {
        reasons.push(format!("not tried: the pod has scheduling gates ({})", gates.join(", ")));
    }
    let wanted = spec(pod).node_name.as_deref().unwrap_or_default();
    if !wanted.is_empty() && Some(wanted) != node.metadata.name.as_deref() {
        reasons.push(format!("spec.nodeName is {wanted}"));
    }
    let is_cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or_default();
    let cordon = Taint {
        key: UNSCHEDULABLE.to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    if is_cordoned && !tolerates(pod, &cordon) {
        reasons.push("is cordoned".to_owned());
    }
    let untolerated = untolerated_taints(pod, node)
        // A cordoned node has a taint that says so.
        .filter(|taint| !is_cordoned || taint.key != UNSCHEDULABLE)
        .map(|taint| format!("had untolerated taint {}", shown(taint)));
    reasons.extend(untolerated);
    reasons
}

pub(super) fn untolerated_taints<'a>(
    pod: &'a Pod,
    node: &'a Node,
) -> impl Iterator<Item = &'a Taint> {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints
        .filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
        .filter(|taint| !tolerates(pod, taint))
}

fn tolerates(pod: &Pod, taint: &Taint) -> bool {
    let mut tolerations = spec(pod).tolerations.iter().flatten();
    tolerations.any(|toleration| tolerates_taint(toleration, taint))
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
